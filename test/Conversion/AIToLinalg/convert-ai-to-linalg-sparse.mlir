// RUN: ai-opt %s --convert-ai-to-linalg --split-input-file | FileCheck %s
// RUN: ai-opt %s --convert-ai-to-linalg=l1=3000 --split-input-file | FileCheck %s --check-prefix=SMALL

// CHECK-DAG: #[[$POOLED:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d5, d6, d1)>
// CHECK-DAG: #[[$SUM:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d2, d3, d4)>

// Of a pool's gradient only the winners are multiplied. Where what one meets begins, 2 y - 1 + winner / 3 rows of 9 x 16
// elements down, is found once; from there it is three rows (two in dilation) for each row of the kernel. The kernel's
// columns do not lie together. The scattered gradient itself is not made.
// CHECK-LABEL: func.func @leaves_out_zeros(
//  CHECK-SAME:     %[[X:.*]]: tensor<4x9x9x16xf32>, %[[CT:.*]]: tensor<4x4x4x32xf32>, %[[WINNER:.*]]: tensor<4x4x4x32xi8>)
//   CHECK-NOT:   tensor<4x7x7x32xf32>
//       CHECK:   %[[PIXELS:.*]] = tensor.collapse_shape %[[X]] {{.*}} into tensor<4x1296xf32>
//       CHECK:   %[[STARTS:.*]] = linalg.generic {{.*}} ins(%[[WINNER]] : tensor<4x4x4x32xi8>)
//       CHECK:   ^bb0(%[[W:.*]]: i8, %{{.*}}: i32):
//       CHECK:     %[[AT:.*]] = arith.extui %[[W]] : i8 to i32
//       CHECK:     %[[IN_ROW:.*]] = arith.divui %[[AT]], %[[THREE:.*]] : i32
//       CHECK:     %[[Y:.*]] = linalg.index 1
//       CHECK:     %[[Y32:.*]] = arith.index_cast %[[Y]]
//       CHECK:     arith.muli %[[Y32]], %{{.*}}
//       CHECK:     %[[ROW:.*]] = arith.addi %{{.*}}, %[[IN_ROW]]
//       CHECK:     %[[IN_COLUMN:.*]] = arith.remui %[[AT]], %[[THREE]]
//       CHECK:     %[[COLUMN:.*]] = arith.addi %{{.*}}, %[[IN_COLUMN]]
//   CHECK-DAG:     %[[ROW_SIZE:.*]] = arith.constant 144 : i32
//   CHECK-DAG:     %[[DOWN:.*]] = arith.muli %[[ROW]], %[[ROW_SIZE]]
//   CHECK-DAG:     %[[PIXEL:.*]] = arith.constant 16 : i32
//   CHECK-DAG:     %[[RIGHT:.*]] = arith.muli %[[COLUMN]], %[[PIXEL]]
//       CHECK:     arith.addi %[[DOWN]], %[[RIGHT]]
//       CHECK:   %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<32x2x2x16xf32>
//       CHECK:   %[[DW:.*]] = linalg.generic {indexing_maps = [#[[$POOLED]], #[[$POOLED]], #[[$SUM]]]
//  CHECK-SAME:       ins(%[[CT]], %[[STARTS]] : {{.*}}) outs(%[[ZERO]] : tensor<32x2x2x16xf32>)
//       CHECK:   ^bb0(%[[V:.*]]: f32, %[[S:.*]]: i32, %[[ACC:.*]]: f32):
//       CHECK:     %[[START:.*]] = arith.index_cast %[[S]] : i32 to index
//       CHECK:     %[[P:.*]] = linalg.index 2
//       CHECK:     %[[TWO_ROWS:.*]] = arith.constant 288 : index
//       CHECK:     arith.muli %[[P]], %[[TWO_ROWS]]
//       CHECK:     arith.addi %[[START]], %{{.*}}
//       CHECK:     %[[MET:.*]] = tensor.extract %[[PIXELS]][
//       CHECK:     arith.mulf %[[V]], %[[MET]]
//   CHECK-NOT:   tensor<4x7x7x32xf32>
//       CHECK:   tensor.expand_shape
func.func @leaves_out_zeros(%x: tensor<4x16x9x9xf32, #ai.lanes<1>>, %ct: tensor<4x32x4x4xf32, #ai.lanes<1>>,
                            %winner: tensor<4x32x4x4xi8, #ai.lanes<1>>) -> tensor<32x16x2x2xf32, #ai.lanes<1>> {
  %0 = ai.max_pool2d_scatter %ct, %winner {input_size = [7, 7], kernel = [3, 3], stride = [2, 2], padding = [1, 1]}
      : (tensor<4x32x4x4xf32, #ai.lanes<1>>, tensor<4x32x4x4xi8, #ai.lanes<1>>) -> tensor<4x32x7x7xf32, #ai.lanes<1>>
  %1 = ai.conv2d_weight_gradient %x, %0 {kernel_size = [2, 2], dilation = [2, 2]}
      : (tensor<4x16x9x9xf32, #ai.lanes<1>>, tensor<4x32x7x7xf32, #ai.lanes<1>>) -> tensor<32x16x2x2xf32, #ai.lanes<1>>
  return %1 : tensor<32x16x2x2xf32, #ai.lanes<1>>
}

// -----

// CHECK-DAG: #[[$CHANNELS:.*]] = affine_map<(d0, d1, d2) -> (d2 mod 3, d1, d2 floordiv 3, d0)>
// CHECK-DAG: #[[$BORDER:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 + 2, d2 + 3)>
// CHECK-DAG: #[[$POOLED_LANES:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d5, d6, d0)>
// CHECK-DAG: #[[$READ:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 floordiv 2, (d2 mod 2) * 3 + d3 + 2)>

// Three channels and two columns fill no vector of 8: the lane is filled up in front, so something to read stands before an
// image, a row of 9 x 3 elements beside the border's. Images come with samples as lanes.
// CHECK-LABEL: func.func @fills_up_lanes(
//  CHECK-SAME:     %[[X:.*]]: tensor<3x7x7x8xf32>, %[[CT:.*]]: tensor<4x4x4x8xf32>, %[[WINNER:.*]]: tensor<4x4x4x8xi8>)
//       CHECK:   %[[BORDER:.*]] = linalg.fill {{.*}} -> tensor<8x10x27xf32>
//       CHECK:   %[[ROWS:.*]] = linalg.generic {indexing_maps = [#[[$CHANNELS]], #{{.*}}, #[[$BORDER]]]
//  CHECK-SAME:       iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[X]], {{.*}}) outs(%[[BORDER]] :
//       CHECK:   %[[PIXELS:.*]] = tensor.collapse_shape %[[ROWS]] {{.*}} into tensor<8x270xf32>
//       CHECK:   %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<4x2x1x8xf32>
//       CHECK:   %[[SUMS:.*]] = linalg.generic {indexing_maps = [#[[$POOLED_LANES]], #[[$POOLED_LANES]], #{{.*}}]
//       CHECK:     tensor.extract %[[PIXELS]][
//       CHECK:   linalg.generic {indexing_maps = [#[[$READ]], #{{.*}}]{{.*}} ins(%[[SUMS]] : tensor<4x2x1x8xf32>)
//       CHECK:   } -> tensor<4x2x2x3xf32>
func.func @fills_up_lanes(%x: tensor<8x3x7x7xf32, #ai.lanes<0>>, %ct: tensor<8x4x4x4xf32, #ai.lanes<0>>,
                          %winner: tensor<8x4x4x4xi8, #ai.lanes<0>>) -> tensor<4x3x2x2xf32, #ai.lanes<1>> {
  %0 = ai.max_pool2d_scatter %ct, %winner {input_size = [8, 8], kernel = [2, 2]}
      : (tensor<8x4x4x4xf32, #ai.lanes<0>>, tensor<8x4x4x4xi8, #ai.lanes<0>>) -> tensor<8x4x8x8xf32, #ai.lanes<0>>
  %1 = ai.conv2d_weight_gradient %x, %0 {kernel_size = [2, 2], padding = [1, 1]}
      : (tensor<8x3x7x7xf32, #ai.lanes<0>>, tensor<8x4x8x8xf32, #ai.lanes<0>>) -> tensor<4x3x2x2xf32, #ai.lanes<1>>
  return %1 : tensor<4x3x2x2xf32, #ai.lanes<1>>
}

// -----

// CHECK-DAG: #[[$MET:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 * 27 + d2 * 3 + d3 + 25)>
// CHECK-DAG: #[[$COPY:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 * 64 + d2 * 8 + d3)>

// With 32 channels the 9 x 8 places where a row of the kernel can lie are read often: each has a copy of its own, of one
// vector. Their 2304 bytes must be no more than three quarters of the first cache.
// CHECK-LABEL: func.func @copies_runs(
// SMALL-LABEL: func.func @copies_runs(
//       CHECK:   %[[PIXELS:.*]] = tensor.collapse_shape %{{.*}} into tensor<8x270xf32>
//       CHECK:   %[[RUNS:.*]] = linalg.generic {indexing_maps = [#[[$MET]], #{{.*}}, #[[$COPY]]]
//  CHECK-SAME:       ins(%[[PIXELS]], %{{.*}}) outs(%{{.*}} : tensor<8x576xf32>)
//       CHECK:   tensor.extract %[[RUNS]][
//   SMALL-NOT:   tensor<8x576xf32>
//       SMALL:   %[[PIXELS:.*]] = tensor.collapse_shape %{{.*}} into tensor<8x270xf32>
//       SMALL:   tensor.extract %[[PIXELS]][
func.func @copies_runs(%x: tensor<8x3x7x7xf32, #ai.lanes<0>>, %ct: tensor<8x32x4x4xf32, #ai.lanes<0>>,
                       %winner: tensor<8x32x4x4xi8, #ai.lanes<0>>) -> tensor<32x3x2x2xf32, #ai.lanes<1>> {
  %0 = ai.max_pool2d_scatter %ct, %winner {input_size = [8, 8], kernel = [2, 2]}
      : (tensor<8x32x4x4xf32, #ai.lanes<0>>, tensor<8x32x4x4xi8, #ai.lanes<0>>) -> tensor<8x32x8x8xf32, #ai.lanes<0>>
  %1 = ai.conv2d_weight_gradient %x, %0 {kernel_size = [2, 2], padding = [1, 1]}
      : (tensor<8x3x7x7xf32, #ai.lanes<0>>, tensor<8x32x8x8xf32, #ai.lanes<0>>) -> tensor<32x3x2x2xf32, #ai.lanes<1>>
  return %1 : tensor<32x3x2x2xf32, #ai.lanes<1>>
}

// -----

// The winner of a window of more than 127 elements needs no extension.
// CHECK-LABEL: func.func @large_windows(
//  CHECK-SAME:     %[[WINNER:[a-z0-9]+]]: tensor<4x1x1x16xi32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[WINNER]] : tensor<4x1x1x16xi32>)
//       CHECK:   ^bb0(%[[W:.*]]: i32, %{{.*}}: i32):
//       CHECK:     arith.divui %[[W]], %{{.*}} : i32
//       CHECK:   tensor.extract
func.func @large_windows(%x: tensor<4x16x13x13xf32, #ai.lanes<1>>, %ct: tensor<4x16x1x1xf32, #ai.lanes<1>>,
                         %winner: tensor<4x16x1x1xi32, #ai.lanes<1>>) -> tensor<16x16x2x2xf32, #ai.lanes<1>> {
  %0 = ai.max_pool2d_scatter %ct, %winner {input_size = [12, 12], kernel = [12, 12]}
      : (tensor<4x16x1x1xf32, #ai.lanes<1>>, tensor<4x16x1x1xi32, #ai.lanes<1>>) -> tensor<4x16x12x12xf32, #ai.lanes<1>>
  %1 = ai.conv2d_weight_gradient %x, %0 {kernel_size = [2, 2]}
      : (tensor<4x16x13x13xf32, #ai.lanes<1>>, tensor<4x16x12x12xf32, #ai.lanes<1>>) -> tensor<16x16x2x2xf32, #ai.lanes<1>>
  return %1 : tensor<16x16x2x2xf32, #ai.lanes<1>>
}

// -----

// With as many windows as elements nothing is gained.
// CHECK-LABEL: func.func @keeps_dense_ones(
//       CHECK:   -> tensor<4x7x7x32xf32>
//   CHECK-NOT:   tensor.extract %
func.func @keeps_dense_ones(%x: tensor<4x16x8x8xf32, #ai.lanes<1>>, %ct: tensor<4x32x6x6xf32, #ai.lanes<1>>,
                            %winner: tensor<4x32x6x6xi8, #ai.lanes<1>>) -> tensor<32x16x2x2xf32, #ai.lanes<1>> {
  %0 = ai.max_pool2d_scatter %ct, %winner {input_size = [7, 7], kernel = [2, 2], stride = [1, 1]}
      : (tensor<4x32x6x6xf32, #ai.lanes<1>>, tensor<4x32x6x6xi8, #ai.lanes<1>>) -> tensor<4x32x7x7xf32, #ai.lanes<1>>
  %1 = ai.conv2d_weight_gradient %x, %0 {kernel_size = [2, 2]}
      : (tensor<4x16x8x8xf32, #ai.lanes<1>>, tensor<4x32x7x7xf32, #ai.lanes<1>>) -> tensor<32x16x2x2xf32, #ai.lanes<1>>
  return %1 : tensor<32x16x2x2xf32, #ai.lanes<1>>
}
