// RUN: ai-opt %s --convert-ai-to-linalg=conv=im2col | FileCheck %s
// RUN: ai-opt %s --convert-ai-to-linalg=conv=im2col -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: ai-opt %s --convert-ai-to-linalg=conv=auto -o /dev/null 2>&1 | FileCheck %s --check-prefix=AUTO

// CHECK-DAG: #[[$MET:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d0 * 2 + d3, d2 * 3 + d4 * 4, d5)>
// CHECK-DAG: #[[$PATCH:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d0, d2, d3, d4, d5)>
// CHECK-DAG: #[[$COLUMN:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d3, d0, d2, d4, d5, d6)>
// CHECK-DAG: #[[$SCATTER:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d0 + d3, d2 + d4, d5)>
// CHECK-DAG: #[[$PIXEL:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d4, d1)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d4, d2)>
// CHECK-DAG: #[[$SUM:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d2)>

// What each pixel of the result meets is copied, then multiplied.
// CHECK-LABEL: func @forward(
//  CHECK-SAME:     %[[X:.*]]: tensor<3x9x13x16xf32>, %[[W:.*]]: tensor<4x3x3x3xf32>)
//       CHECK:   %[[PATCHES:.*]] = linalg.generic {indexing_maps = [#[[$MET]], #[[$PATCH]]]
//  CHECK-SAME:       ins(%[[X]] : {{.*}}) outs(%{{.*}} : tensor<3x4x2x3x3x16xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[PATCHES]], %[[W]] : {{.*}} outs(%{{.*}} : tensor<4x4x2x16xf32>)
// REMARK: remark: by im2col, at the cost of 1296 multiply-adds a sample; directly 864
//   AUTO: remark: directly, at the cost of 864 multiply-adds a sample; by im2col 1296
func.func @forward(%x: tensor<16x3x9x13xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> tensor<16x4x4x2xf32, #ai.lanes<0>> {
  %0 = ai.conv2d %x, %w {stride = [2, 3], dilation = [1, 4]}
    : (tensor<16x3x9x13xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x4x4x2xf32, #ai.lanes<0>>
  return %0 : tensor<16x4x4x2xf32, #ai.lanes<0>>
}

// The gradient of the patch matrix, and its elements where they came from.
// CHECK-LABEL: func @input_gradient(
//  CHECK-SAME:     %[[CT:.*]]: tensor<4x5x3x16xf32>, %[[W:.*]]: tensor<4x3x3x3xf32>)
//       CHECK:   %[[COLUMNS:.*]] = linalg.generic {{.*}} ins(%[[CT]], %[[W]] : {{.*}} outs(%{{.*}} : tensor<3x5x3x3x3x16xf32>)
//       CHECK:   linalg.generic {indexing_maps = [#[[$PATCH]], #[[$SCATTER]]]
//  CHECK-SAME:       ins(%[[COLUMNS]] : {{.*}}) outs(%{{.*}} : tensor<3x7x5x16xf32>)
//       CHECK:     arith.addf
func.func @input_gradient(%ct: tensor<16x4x5x3xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> tensor<16x3x7x5xf32, #ai.lanes<0>> {
  %0 = ai.conv2d_input_gradient %ct, %w {input_size = [7, 5]}
    : (tensor<16x4x5x3xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x3x7x5xf32, #ai.lanes<0>>
  return %0 : tensor<16x3x7x5xf32, #ai.lanes<0>>
}

// With channels as lanes a row of the matrix is one lane: the channels of all elements of a kernel.
// CHECK-LABEL: func @weight_gradient(
//  CHECK-SAME:     %[[X:.*]]: tensor<4x7x5x16xf32>, %[[CT:.*]]: tensor<4x5x3x8xf32>)
//       CHECK:   %[[PATCHES:.*]] = linalg.generic {{.*}} ins(%[[X]] : {{.*}}) outs(%{{.*}} : tensor<4x5x3x3x3x16xf32>)
//       CHECK:   %[[MATRIX:.*]] = tensor.collapse_shape %[[PATCHES]] {{.*}} into tensor<4x5x3x144xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[$PIXEL]], #[[$ROW]], #[[$SUM]]]
//  CHECK-SAME:       ins(%[[CT]], %[[MATRIX]] : {{.*}}) outs(%{{.*}} : tensor<8x144xf32>)
func.func @weight_gradient(%x: tensor<4x16x7x5xf32, #ai.lanes<1>>, %ct: tensor<4x8x5x3xf32, #ai.lanes<1>>)
    -> tensor<8x16x3x3xf32, #ai.lanes<1>> {
  %0 = ai.conv2d_weight_gradient %x, %ct {kernel_size = [3, 3]}
    : (tensor<4x16x7x5xf32, #ai.lanes<1>>, tensor<4x8x5x3xf32, #ai.lanes<1>>) -> tensor<8x16x3x3xf32, #ai.lanes<1>>
  return %0 : tensor<8x16x3x3xf32, #ai.lanes<1>>
}
