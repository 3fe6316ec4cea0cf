// RUN: ai-opt %s --convert-ai-to-linalg --split-input-file | FileCheck %s
// RUN: ai-opt %s --convert-ai-to-linalg=conv=direct --split-input-file | FileCheck %s --check-prefix=DIRECT
// RUN: ai-opt %s --convert-ai-to-linalg --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not ai-opt %s --convert-ai-to-linalg=conv=fft 2>&1 | FileCheck %s --check-prefix=ERROR
// ERROR: error: expects conv to be auto, direct, im2col or winograd, got 'fft'
// DIRECT-NOT: tensor<6x6x16x32xf32>
// DIRECT-NOT: tensor<4x4x16x32xf32>

// CHECK-DAG: #[[$DOWN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 * 4 + 5, d2, d3)>
// CHECK-DAG: #[[$ACROSS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3 * 4 + 5, d4)>
// CHECK-DAG: #[[$INPUTS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3, d5, d6)>
// CHECK-DAG: #[[$KERNELS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d2, d3, d6, d4)>
// CHECK-DAG: #[[$PRODUCTS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3, d5, d4)>
// CHECK-DAG: #[[$RESULTS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 4 + d2, d3 * 4 + d5, d4)>

// Columns and then rows of squares of the image are transformed, and of kernels; multiplied channel by channel, and
// transformed back: 36 multiplications for 16 results, not 144.
// CHECK-LABEL: func.func @tiles_of_4x4(
//  CHECK-SAME:     %[[X:.*]]: tensor<4x18x18x16xf32>, %[[W:.*]]: tensor<16x3x3x32xf32>)
//       CHECK:   %[[LINES:.*]] = linalg.generic {{.*}}#[[$DOWN]], {{.*}} ins(%[[X]], %[[X]], {{.*}} outs(%{{.*}} : tensor<4x4x6x18x16xf32>)
//       CHECK:     arith.constant 5.000000e+00
//       CHECK:   %[[V:.*]] = linalg.generic {{.*}}#[[$ACROSS]], {{.*}} ins(%[[LINES]], {{.*}} outs(%{{.*}} : tensor<4x4x6x6x4x16xf32>)
//       CHECK:   %[[COLUMNS:.*]] = linalg.generic {{.*}} ins(%[[W]], %[[W]], {{.*}} outs(%{{.*}} : tensor<6x3x16x32xf32>)
//       CHECK:     arith.constant 0.041666
//       CHECK:   %[[U:.*]] = linalg.generic {{.*}} ins(%[[COLUMNS]], {{.*}} outs(%{{.*}} : tensor<6x6x16x32xf32>)
//       CHECK:   %[[ZERO:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4x4x6x6x4x32xf32>)
//       CHECK:   %[[M:.*]] = linalg.generic {indexing_maps = [#[[$INPUTS]], #[[$KERNELS]], #[[$PRODUCTS]]]
//  CHECK-SAME:       ins(%[[V]], %[[U]] : {{.*}}) outs(%[[ZERO]] :
//       CHECK:   %[[HALF:.*]] = linalg.generic {{.*}} ins(%[[M]], {{.*}} outs(%{{.*}} : tensor<4x4x4x6x4x32xf32>)
//       CHECK:   linalg.generic {{.*}}#[[$RESULTS]]]{{.*}} ins(%[[HALF]], {{.*}} outs(%{{.*}} : tensor<4x16x16x32xf32>)
// REMARK: remark: by Winograd's algorithm, tiles of 4x4, at the cost of 495488 multiply-adds a sample; by Winograd's algorithm, tiles of 2x2 757120; directly 1179648; by im2col 1253376
func.func @tiles_of_4x4(%x: tensor<4x16x18x18xf32, #ai.lanes<1>>, %w: tensor<32x16x3x3xf32, #ai.lanes<0>>)
    -> tensor<4x32x16x16xf32, #ai.lanes<1>> {
  %0 = ai.conv2d %x, %w : (tensor<4x16x18x18xf32, #ai.lanes<1>>, tensor<32x16x3x3xf32, #ai.lanes<0>>)
      -> tensor<4x32x16x16xf32, #ai.lanes<1>>
  return %0 : tensor<4x32x16x16xf32, #ai.lanes<1>>
}

// -----

// For few results smaller tiles cost less. Eight samples, of three tiles each, go through the kernels together.
// CHECK-DAG: #[[$KERNELS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d1, d2, d7, d3)>
// CHECK-DAG: #[[$PRODUCTS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0 * 8 + d4, d5, d1, d2, d6, d3)>
// CHECK-LABEL: func.func @tiles_of_2x2(
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<4x4x16x32xf32>)
//       CHECK:   linalg.generic {{.*}}#[[$KERNELS]], {{.*}}#[[$PRODUCTS]]]{{.*}} outs(%{{.*}} : tensor<8x3x4x4x1x32xf32>)
// REMARK: remark: by Winograd's algorithm, tiles of 2x2
func.func @tiles_of_2x2(%x: tensor<8x16x8x4xf32, #ai.lanes<1>>, %w: tensor<32x16x3x3xf32, #ai.lanes<0>>)
    -> tensor<8x32x6x2xf32, #ai.lanes<1>> {
  %0 = ai.conv2d %x, %w : (tensor<8x16x8x4xf32, #ai.lanes<1>>, tensor<32x16x3x3xf32, #ai.lanes<0>>)
      -> tensor<8x32x6x2xf32, #ai.lanes<1>>
  return %0 : tensor<8x32x6x2xf32, #ai.lanes<1>>
}

// -----

// The gradient is a convolution of the cotangent, inside a border of 2 - padding, with the kernel turned around. Twelve
// columns are three tiles; ten rows are made twelve by one above and one below, which are cut off.
// CHECK-LABEL: func.func @gradient(
//  CHECK-SAME:     %[[CT:.*]]: tensor<4x10x12x16xf32>, %[[W:.*]]: tensor<16x3x3x32xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[CT]] : {{.*}}) outs(%{{.*}} : tensor<4x14x14x16xf32>)
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<4x3x6x6x3x16xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[W]], {{.*}} outs(%{{.*}} : tensor<6x3x16x32xf32>)
//       CHECK:   %[[WHOLE:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4x12x12x32xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[WHOLE]] : {{.*}}) outs(%{{.*}} : tensor<4x10x12x32xf32>)
func.func @gradient(%ct: tensor<4x16x10x12xf32, #ai.lanes<1>>, %w: tensor<16x32x3x3xf32, #ai.lanes<1>>)
    -> tensor<4x32x10x12xf32, #ai.lanes<1>> {
  %0 = ai.conv2d_input_gradient %ct, %w {input_size = [10, 12], padding = [1, 1]}
      : (tensor<4x16x10x12xf32, #ai.lanes<1>>, tensor<16x32x3x3xf32, #ai.lanes<1>>) -> tensor<4x32x10x12xf32, #ai.lanes<1>>
  return %0 : tensor<4x32x10x12xf32, #ai.lanes<1>>
}

// -----

// Seven rows are no tiles; with a stride or samples as lanes there are none either.
// CHECK-LABEL: func.func @others(
//   CHECK-NOT:   tensor<4x4x16x32xf32>
//   CHECK-NOT:   tensor<6x6x16x32xf32>
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

// -----

// A kernel's gradient: squares of the image and of the cotangent are multiplied channel by channel and summed over tiles
// and samples, in the lanes of the gradient; the sums are transformed once. Eighteen rows are made twenty.
// CHECK-DAG: #[[$IMAGES:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d5, d1, d2, d6, d3)>
// CHECK-DAG: #[[$CTS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d5, d1, d2, d6, d4)>
// CHECK-DAG: #[[$SUMS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d2, d3, d4)>
// CHECK-LABEL: func.func @weight_gradient(
//  CHECK-SAME:     %[[X:.*]]: tensor<4x20x18x16xf32>, %[[CT:.*]]: tensor<4x18x16x32xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[X]] : {{.*}}) outs(%{{.*}} : tensor<4x22x18x16xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[CT]] : {{.*}}) outs(%{{.*}} : tensor<4x20x16x32xf32>)
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<4x5x6x18x16xf32>)
//       CHECK:   %[[V:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4x5x6x6x4x16xf32>)
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<4x5x6x16x32xf32>)
//       CHECK:     arith.constant 8.000000e+00
//       CHECK:   %[[Z:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4x5x6x6x4x32xf32>)
//       CHECK:   %[[M:.*]] = linalg.generic {indexing_maps = [#[[$IMAGES]], #[[$CTS]], #[[$SUMS]]]
//  CHECK-SAME:       ins(%[[V]], %[[Z]] : {{.*}}) outs(%{{.*}} : tensor<6x6x16x32xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[M]], {{.*}} outs(%{{.*}} : tensor<3x6x16x32xf32>)
//       CHECK:     arith.constant 0.041666
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<16x3x3x32xf32>)
// REMARK: :[[@LINE+3]]:8: remark: by Winograd's algorithm, tiles of 4x4, at the cost of 1148416 multiply-adds a sample
func.func @weight_gradient(%x: tensor<4x16x20x18xf32, #ai.lanes<1>>, %ct: tensor<4x32x18x16xf32, #ai.lanes<1>>)
    -> tensor<32x16x3x3xf32, #ai.lanes<0>> {
  %0 = ai.conv2d_weight_gradient %x, %ct {kernel_size = [3, 3]}
      : (tensor<4x16x20x18xf32, #ai.lanes<1>>, tensor<4x32x18x16xf32, #ai.lanes<1>>) -> tensor<32x16x3x3xf32, #ai.lanes<0>>
  return %0 : tensor<32x16x3x3xf32, #ai.lanes<0>>
}
