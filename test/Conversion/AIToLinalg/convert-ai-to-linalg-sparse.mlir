// RUN: ai-opt %s --convert-ai-to-linalg --split-input-file | FileCheck %s

// CHECK: #[[$POOLED:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d6, d2)>
// CHECK: #[[$SUM:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d2, d3, d4, d5)>

// Of a pool's gradient only the winners are multiplied, a row of windows after the other: input row = 2 y - 1 + winner / 3,
// three rows apart for each row of the kernel. The scattered gradient itself is not made.
// CHECK-LABEL: func.func @leaves_out_zeros(
//  CHECK-SAME:     %[[X:.*]]: tensor<4x9x9x16xf32>, %[[CT:.*]]: tensor<4x4x4x32xf32>, %[[WINNER:.*]]: tensor<4x4x4x32xi8>)
//   CHECK-NOT:   tensor<4x7x7x32xf32>
//       CHECK:   %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<32x2x2x16xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[$POOLED]], #[[$POOLED]], #[[$SUM]]]
//  CHECK-SAME:       ins(%[[CT]], %[[WINNER]] : {{.*}}) outs(%[[ZERO]] : tensor<32x2x2x16xf32>)
//       CHECK:   ^bb0(%[[V:.*]]: f32, %[[W:.*]]: i8, %[[ACC:.*]]: f32):
//       CHECK:     %[[AT:.*]] = arith.index_castui %[[W]] : i8 to index
//   CHECK-DAG:     %[[IN_ROW:.*]] = arith.divui %[[AT]], %[[THREE:.*]] : index
//   CHECK-DAG:     %[[IN_COLUMN:.*]] = arith.remui %[[AT]], %[[THREE]] : index
//       CHECK:     %[[Y:.*]] = linalg.index 1
//       CHECK:     arith.muli %[[Y]], %{{.*}}
//       CHECK:     arith.addi %{{.*}}, %[[IN_ROW]]
//       CHECK:     %[[P:.*]] = linalg.index 3
//       CHECK:     arith.muli %[[P]], %{{.*}}
//       CHECK:     %[[MET:.*]] = tensor.extract %[[X]][
//       CHECK:     arith.mulf %[[V]], %[[MET]]
//   CHECK-NOT:   tensor<4x7x7x32xf32>
func.func @leaves_out_zeros(%x: tensor<4x16x9x9xf32, #ai.lanes<1>>, %ct: tensor<4x32x4x4xf32, #ai.lanes<1>>,
                            %winner: tensor<4x32x4x4xi8, #ai.lanes<1>>) -> tensor<32x16x2x2xf32, #ai.lanes<1>> {
  %0 = ai.max_pool2d_scatter %ct, %winner {input_size = [7, 7], kernel = [3, 3], stride = [2, 2], padding = [1, 1]}
      : (tensor<4x32x4x4xf32, #ai.lanes<1>>, tensor<4x32x4x4xi8, #ai.lanes<1>>) -> tensor<4x32x7x7xf32, #ai.lanes<1>>
  %1 = ai.conv2d_weight_gradient %x, %0 {kernel_size = [2, 2], dilation = [2, 2]}
      : (tensor<4x16x9x9xf32, #ai.lanes<1>>, tensor<4x32x7x7xf32, #ai.lanes<1>>) -> tensor<32x16x2x2xf32, #ai.lanes<1>>
  return %1 : tensor<32x16x2x2xf32, #ai.lanes<1>>
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
