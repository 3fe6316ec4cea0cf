// RUN: ai-opt %s --convert-ai-to-linalg --split-input-file | FileCheck %s
// RUN: ai-opt %s --convert-ai-to-linalg=conv=direct --split-input-file | FileCheck %s --check-prefix=DIRECT
// RUN: ai-opt %s --convert-ai-to-linalg --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not ai-opt %s --convert-ai-to-linalg=conv=fft 2>&1 | FileCheck %s --check-prefix=ERROR
// ERROR: error: expects conv to be auto, direct or winograd, got 'fft'
// DIRECT-NOT: tensor<4x4x16x32xf32>

// CHECK-DAG: #[[$CORNER:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 2 + 3, d2 * 2 + 3, d3)>
// CHECK-DAG: #[[$INPUTS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3, d5, d6)>
// CHECK-DAG: #[[$KERNELS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d2, d3, d6, d4)>
// CHECK-DAG: #[[$PRODUCTS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3, d5, d4)>
// CHECK-DAG: #[[$RESULTS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 2 + d4, d3 * 2 + d5, d2)>

// Kernels and squares of the image are transformed, multiplied channel by channel, and transformed back: 16
// multiplications for 4 results, not 36.
// CHECK-LABEL: func.func @tiles_of_2x2(
//  CHECK-SAME:     %[[X:.*]]: tensor<4x10x8x16xf32>, %[[W:.*]]: tensor<16x3x3x32xf32>)
//       CHECK:   %[[U:.*]] = linalg.generic {{.*}} ins(%[[W]], %[[W]], {{.*}} outs(%{{.*}} : tensor<4x4x16x32xf32>)
//       CHECK:     arith.constant 5.000000e-01
//       CHECK:   %[[V:.*]] = linalg.generic {{.*}}#[[$CORNER]], {{.*}} ins(%[[X]], %[[X]], {{.*}} outs(%{{.*}} : tensor<4x4x4x4x3x16xf32>)
//   CHECK-NOT:     arith.mulf
//       CHECK:   %[[ZERO:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4x4x4x4x3x32xf32>)
//       CHECK:   %[[M:.*]] = linalg.generic {indexing_maps = [#[[$INPUTS]], #[[$KERNELS]], #[[$PRODUCTS]]]
//  CHECK-SAME:       ins(%[[V]], %[[U]] : {{.*}}) outs(%[[ZERO]] :
//       CHECK:   linalg.generic {{.*}}#[[$RESULTS]]]{{.*}} ins(%[[M]], {{.*}} outs(%{{.*}} : tensor<4x8x6x32xf32>)
// REMARK: remark: by Winograd's algorithm: 16 instead of 36 multiplications for a tile of 2x2 and a channel, of which there are 16 to sum over
func.func @tiles_of_2x2(%x: tensor<4x16x10x8xf32, #ai.lanes<1>>, %w: tensor<32x16x3x3xf32, #ai.lanes<0>>)
    -> tensor<4x32x8x6xf32, #ai.lanes<1>> {
  %0 = ai.conv2d %x, %w : (tensor<4x16x10x8xf32, #ai.lanes<1>>, tensor<32x16x3x3xf32, #ai.lanes<0>>)
      -> tensor<4x32x8x6xf32, #ai.lanes<1>>
  return %0 : tensor<4x32x8x6xf32, #ai.lanes<1>>
}

// -----

// The gradient is a convolution of the cotangent, inside a border of 2 - padding, with the kernel turned around.
// CHECK-LABEL: func.func @gradient(
//  CHECK-SAME:     %[[CT:.*]]: tensor<4x8x6x16xf32>, %[[W:.*]]: tensor<16x3x3x32xf32>)
//       CHECK:   %[[COPY:.*]] = linalg.generic {{.*}} ins(%[[CT]] : {{.*}}) outs(%{{.*}} : tensor<4x10x8x16xf32>)
//       CHECK:   %[[ROWS:.*]] = linalg.generic {{.*}} outs(%[[COPY]] : tensor<4x10x8x16xf32>)
//       CHECK:   %[[IMAGE:.*]] = linalg.generic {{.*}} outs(%[[ROWS]] : tensor<4x10x8x16xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[W]], {{.*}} outs(%{{.*}} : tensor<4x4x16x32xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[IMAGE]], {{.*}} outs(%{{.*}} : tensor<4x4x4x4x3x16xf32>)
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<4x8x6x32xf32>)
func.func @gradient(%ct: tensor<4x16x8x6xf32, #ai.lanes<1>>, %w: tensor<16x32x3x3xf32, #ai.lanes<1>>)
    -> tensor<4x32x8x6xf32, #ai.lanes<1>> {
  %0 = ai.conv2d_input_gradient %ct, %w {input_size = [8, 6], padding = [1, 1]}
      : (tensor<4x16x8x6xf32, #ai.lanes<1>>, tensor<16x32x3x3xf32, #ai.lanes<1>>) -> tensor<4x32x8x6xf32, #ai.lanes<1>>
  return %0 : tensor<4x32x8x6xf32, #ai.lanes<1>>
}

// -----

// Seven rows are no tiles; with a stride or samples as lanes there are none either.
// CHECK-LABEL: func.func @others(
//   CHECK-NOT:   tensor<4x4x16x32xf32>
func.func @others(%x: tensor<4x16x9x8xf32, #ai.lanes<1>>, %w: tensor<32x16x3x3xf32, #ai.lanes<0>>,
                  %even: tensor<4x16x9x9xf32, #ai.lanes<1>>, %samples: tensor<4x16x8x8xf32, #ai.lanes<0>>)
    -> (tensor<4x32x7x6xf32, #ai.lanes<1>>, tensor<4x32x4x4xf32, #ai.lanes<1>>, tensor<4x32x6x6xf32, #ai.lanes<0>>) {
  %0 = ai.conv2d %x, %w : (tensor<4x16x9x8xf32, #ai.lanes<1>>, tensor<32x16x3x3xf32, #ai.lanes<0>>)
      -> tensor<4x32x7x6xf32, #ai.lanes<1>>
  %1 = ai.conv2d %even, %w {stride = [2, 2]} : (tensor<4x16x9x9xf32, #ai.lanes<1>>, tensor<32x16x3x3xf32, #ai.lanes<0>>)
      -> tensor<4x32x4x4xf32, #ai.lanes<1>>
  %2 = ai.conv2d %samples, %w : (tensor<4x16x8x8xf32, #ai.lanes<0>>, tensor<32x16x3x3xf32, #ai.lanes<0>>)
      -> tensor<4x32x6x6xf32, #ai.lanes<0>>
  return %0, %1, %2 : tensor<4x32x7x6xf32, #ai.lanes<1>>, tensor<4x32x4x4xf32, #ai.lanes<1>>, tensor<4x32x6x6xf32, #ai.lanes<0>>
}
