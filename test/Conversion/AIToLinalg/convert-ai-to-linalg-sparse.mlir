// RUN: ai-opt %s --convert-ai-to-linalg --split-input-file | FileCheck %s

// CHECK-DAG: #[[$POOLED:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d5, d6, d1)>
// CHECK-DAG: #[[$SUM:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d2, d3, d4)>

// Of a pool's gradient only the winners are multiplied: input row = 2 y - 1 + winner / 3, three rows apart for each row of
// the kernel; 9 x 16 elements are a row. The kernel is dilated: its columns do not lie together. The scattered gradient
// itself is not made.
// CHECK-LABEL: func.func @leaves_out_zeros(
//  CHECK-SAME:     %[[X:.*]]: tensor<4x9x9x16xf32>, %[[CT:.*]]: tensor<4x4x4x32xf32>, %[[WINNER:.*]]: tensor<4x4x4x32xi8>)
//   CHECK-NOT:   tensor<4x7x7x32xf32>
//       CHECK:   %[[PIXELS:.*]] = tensor.collapse_shape %[[X]] {{.*}} into tensor<4x1296xf32>
//       CHECK:   %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<32x2x2x16xf32>
//       CHECK:   %[[DW:.*]] = linalg.generic {indexing_maps = [#[[$POOLED]], #[[$POOLED]], #[[$SUM]]]
//  CHECK-SAME:       ins(%[[CT]], %[[WINNER]] : {{.*}}) outs(%[[ZERO]] : tensor<32x2x2x16xf32>)
//       CHECK:   ^bb0(%[[V:.*]]: f32, %[[W:.*]]: i8, %[[ACC:.*]]: f32):
//       CHECK:     %[[AT:.*]] = arith.index_castui %[[W]] : i8 to index
//   CHECK-DAG:     %[[IN_ROW:.*]] = arith.divui %[[AT]], %[[THREE:.*]] : index
//   CHECK-DAG:     %[[IN_COLUMN:.*]] = arith.remui %[[AT]], %[[THREE]] : index
//       CHECK:     %[[Y:.*]] = linalg.index 5
//       CHECK:     arith.muli %[[Y]], %{{.*}}
//       CHECK:     %[[ROW:.*]] = arith.addi %{{.*}}, %[[IN_ROW]]
//       CHECK:     %[[ROW_SIZE:.*]] = arith.constant 144 : index
//       CHECK:     arith.muli %[[ROW]], %[[ROW_SIZE]]
//       CHECK:     %[[P:.*]] = linalg.index 2
//       CHECK:     %[[TWO_ROWS:.*]] = arith.constant 288 : index
//       CHECK:     arith.muli %[[P]], %[[TWO_ROWS]]
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
