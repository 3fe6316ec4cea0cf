// RUN: ai-opt %s --ai-block-batch --split-input-file | FileCheck %s
// RUN: ai-opt %s --ai-block-batch="vector-bits=256 slots=3" --split-input-file | FileCheck %s --check-prefix=AVX2

// A sum over the batch keeps one partial sum per lane in the block and is finished behind the map.
// CHECK-LABEL: func.func @sum_per_lane(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x8xf32>)
//       CHECK:   %[[P:.*]] = ai.for_blocks size 16 slots 8(%[[X]]) : (tensor<?x8xf32>) -> tensor<16x8xf32, #ai.lanes<0>>
//       CHECK:   ^bb0(%{{.*}}: tensor<i64>, %[[ROWS:.*]]: tensor<16x8xf32>):
//       CHECK:     %[[L:.*]] = ai.relayout %[[ROWS]] : tensor<16x8xf32> -> tensor<16x8xf32, #ai.lanes<0>>
//       CHECK:     %[[E:.*]] = ai.exp %[[L]]
//       CHECK:     ai.yield %[[E]]
//       CHECK:   ai.reduce_sum %[[P]] {dims = [0]} : (tensor<16x8xf32, #ai.lanes<0>>) -> tensor<8xf32>
//  AVX2-LABEL: func.func @sum_per_lane(
//        AVX2:   ai.for_blocks size 8 slots 3
func.func @sum_per_lane(%x: tensor<?x8xf32>) -> tensor<8xf32> {
  %0 = ai.exp %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = ai.reduce_sum %0 {dims = [0]} : (tensor<?x8xf32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

// The gradient of a convolution's weight has a sum per lane, which are added up in the block: the
// slots hold no lanes.
// CHECK-LABEL: func.func @weight_gradient(
//       CHECK:   %[[SUM:.*]] = ai.for_blocks size 16 {{.*}} -> tensor<7x3x3x2xf32> {
//       CHECK:     %[[X:.*]] = ai.relayout %{{.*}} -> tensor<16x3x5x6xf32, #ai.lanes<0>>
//       CHECK:     %[[CT:.*]] = ai.relayout %{{.*}} -> tensor<16x7x3x5xf32, #ai.lanes<0>>
//       CHECK:     %[[LANES:.*]] = ai.conv2d_weight_gradient %[[X]], %[[CT]] {kernel_size = [3, 2], per_sample}
//  CHECK-SAME:       -> tensor<16x7x3x3x2xf32, #ai.lanes<0>>
//       CHECK:     %[[FOLDED:.*]] = ai.reduce_sum %[[LANES]] {dims = [0]} : {{.*}} -> tensor<7x3x3x2xf32>
//       CHECK:     ai.yield %[[FOLDED]]
//       CHECK:   return %[[SUM]]
func.func @weight_gradient(%x: tensor<?x3x5x6xf32>, %ct: tensor<?x7x3x5xf32>) -> tensor<7x3x3x2xf32> {
  %0 = ai.conv2d_weight_gradient %x, %ct {kernel_size = [3, 2]}
      : (tensor<?x3x5x6xf32>, tensor<?x7x3x5xf32>) -> tensor<7x3x3x2xf32>
  return %0 : tensor<7x3x3x2xf32>
}

// -----

// The gradient of a fully connected weight has the input features as lanes: they come row major.
// CHECK-LABEL: func.func @product_over_the_batch(
//       CHECK:   %[[SUM:.*]] = ai.for_blocks
//       CHECK:     %[[CT:.*]] = ai.relayout %{{.*}} -> tensor<16x4xf32, #ai.lanes<0>>
//       CHECK:     %[[X:.*]] = ai.relayout %{{.*}} : tensor<16x32xf32, #ai.lanes<0>> -> tensor<16x32xf32>
//       CHECK:     ai.matmul %[[CT]], %[[X]] {transpose_lhs} : {{.*}} -> tensor<4x32xf32>
//       CHECK:   return %[[SUM]]
func.func @product_over_the_batch(%ct: tensor<?x4xf32>, %x: tensor<?x32xf32>) -> tensor<4x32xf32> {
  %0 = ai.matmul %ct, %x {transpose_lhs} : (tensor<?x4xf32>, tensor<?x32xf32>) -> tensor<4x32xf32>
  return %0 : tensor<4x32xf32>
}

// -----

// f64 has half the lanes; rows that are returned are joined.
// CHECK-LABEL: func.func @rows_are_joined(
//       CHECK:   %[[Y:.*]] = ai.for_blocks size 8 {{.*}} -> tensor<?x3xf64>
//       CHECK:     ai.yield %{{.*}} : tensor<8x3xf64>
//       CHECK:   return %[[Y]]
func.func @rows_are_joined(%x: tensor<?x3xf64>) -> tensor<?x3xf64> {
  %0 = ai.relu %x : (tensor<?x3xf64>) -> tensor<?x3xf64>
  return %0 : tensor<?x3xf64>
}

// -----

// CHECK-LABEL: func.func @static_function_is_left_alone(
//   CHECK-NOT:   ai.for_blocks
func.func @static_function_is_left_alone(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ai.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
