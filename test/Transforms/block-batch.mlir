// RUN: ai-opt %s --ai-block-batch --split-input-file | FileCheck %s
// RUN: ai-opt %s --ai-block-batch="vector-bits=256 slots=3" --split-input-file | FileCheck %s --check-prefix=AVX2
// RUN: ai-opt %s --ai-block-batch="size=1 max-slots=64" --split-input-file 2>/dev/null | FileCheck %s --check-prefix=ONE
// RUN: ai-opt %s --ai-block-batch="shared-bytes=25000" --split-input-file 2>/dev/null | FileCheck %s --check-prefix=GPU
// RUN: ai-opt %s --ai-block-batch="shared-bytes=25000" --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=GPU-REMARK
// RUN: ai-opt %s --ai-block-batch="round-samples=48" --split-input-file 2>/dev/null | FileCheck %s --check-prefix=ROUND
// RUN: ai-opt %s --ai-block-batch --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

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
// On a GPU a block has at most 8 samples, and adds them up itself.
//   GPU-LABEL: func.func @sum_per_lane(
//         GPU:   ai.for_blocks size 8 slots 8({{.*}} -> tensor<8xf32> {
//         GPU:     ai.reduce_sum %{{.*}} {dims = [0]} : (tensor<8x8xf32, #ai.lanes<0>>) -> tensor<8xf32>
//  GPU-REMARK: remark: thread blocks of 8 samples, whose values take about 72 bytes each where they take most; shared memory has 25000
// For grids a block is a whole round, row major, and alone.
// ROUND-LABEL: func.func @sum_per_lane(
//       ROUND:   ai.for_blocks size 48 slots 1({{.*}} -> tensor<8xf32> {
//   ROUND-NOT:     ai.lanes
//       ROUND:     ai.reduce_sum %{{.*}} {dims = [0]} : (tensor<48x8xf32>) -> tensor<8xf32>
//   ONE-LABEL: func.func @sum_per_lane(
//         ONE:   ai.for_blocks size 1 slots 64
func.func @sum_per_lane(%x: tensor<?x8xf32>) -> tensor<8xf32> {
  %0 = ai.exp %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = ai.reduce_sum %0 {dims = [0]} : (tensor<?x8xf32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

// Values of 4 KB a sample, two of them alive at once: one sample. The second result takes the place of the first operand.
//  GPU-LABEL: func.func @large(
//        GPU:   ai.for_blocks size 1 slots 64
// GPU-REMARK: remark: thread blocks of 1 sample, whose values take about 9216 bytes each
func.func @large(%x: tensor<?x1024xf32>) -> tensor<1024xf32> {
  %0 = ai.exp %x : (tensor<?x1024xf32>) -> tensor<?x1024xf32>
  %1 = ai.exp %0 : (tensor<?x1024xf32>) -> tensor<?x1024xf32>
  %2 = ai.reduce_sum %1 {dims = [0]} : (tensor<?x1024xf32>) -> tensor<1024xf32>
  return %2 : tensor<1024xf32>
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
// ROUND-LABEL: func.func @weight_gradient(
//       ROUND:     ai.conv2d_weight_gradient %{{.*}} {kernel_size = [3, 2]} : (tensor<48x3x5x6xf32>, tensor<48x7x3x5xf32>) -> tensor<7x3x3x2xf32>
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

// The bias of a convolution: the pixels of each sample are added up first.
// ROUND-LABEL: func.func @bias_gradient(
//       ROUND:     %[[PIXELS:.*]] = ai.reduce_sum %{{.*}} {dims = [2, 3]} : (tensor<48x6x5x5xf32>) -> tensor<48x6xf32>
//       ROUND:     %[[SUM:.*]] = ai.reduce_sum %[[PIXELS]] {dims = [0]} : (tensor<48x6xf32>) -> tensor<6xf32>
//       ROUND:     ai.yield %[[SUM]]
func.func @bias_gradient(%ct: tensor<?x6x5x5xf32>) -> tensor<6xf32> {
  %0 = ai.reduce_sum %ct {dims = [0, 2, 3]} : (tensor<?x6x5x5xf32>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

// A product in a round of its own takes no panel.
// ROUND-LABEL: func.func @large_weight(
//       ROUND:     ai.matmul %{{.*}} {transpose_lhs} : (tensor<48x
//       ROUND:     ai.yield

// The gradient of a large weight: its rows leave the map, which is then over no sums, and are multiplied behind it.
// REMARK: :[[@LINE+11]]:{{[0-9]+}}: remark: summed over panels of 128 samples: 6144 sums outweigh the 2560 elements of a block's rows
// CHECK-LABEL: func.func @large_weight(
//  CHECK-SAME:     %[[W:.*]]: tensor<96x64xf32>,
//       CHECK:   %[[ROWS:.*]]:2 = ai.for_blocks size 16 slots 8{{.*}} -> (tensor<?x96xf32>, tensor<?x64xf32>) {
//       CHECK:     %[[CT:.*]] = ai.relu
//       CHECK:     %[[CTS:.*]] = ai.relayout %[[CT]] : tensor<16x96xf32, #ai.lanes<0>> -> tensor<16x96xf32>
//       CHECK:     ai.yield %[[CTS]], %{{.*}} : tensor<16x96xf32>, tensor<16x64xf32>
//       CHECK:   %[[D:.*]] = ai.matmul %[[ROWS]]#0, %[[ROWS]]#1 {transpose_lhs} : {{.*}} -> tensor<96x64xf32>
//       CHECK:   ai.sub %[[W]], %[[D]]
func.func @large_weight(%w: tensor<96x64xf32>, %ct: tensor<?x96xf32>, %x: tensor<?x64xf32>) -> tensor<96x64xf32> {
  %0 = ai.relu %ct : (tensor<?x96xf32>) -> tensor<?x96xf32>
  %1 = ai.matmul %0, %x {transpose_lhs} : (tensor<?x96xf32>, tensor<?x64xf32>) -> tensor<96x64xf32>
  %2 = ai.sub %w, %1 : (tensor<96x64xf32>, tensor<96x64xf32>) -> tensor<96x64xf32>
  return %2 : tensor<96x64xf32>
}

// -----

// Columns that fill no whole vectors make no difference.
// REMARK: remark: summed over panels of 128 samples: 6624 sums outweigh the 2640 elements of a block's rows
// CHECK-LABEL: func.func @odd_weight(
//       CHECK:   ai.for_blocks {{.*}} -> (tensor<?x96xf32>, tensor<?x69xf32>) {
//       CHECK:   ai.matmul {{.*}} -> tensor<96x69xf32>
func.func @odd_weight(%ct: tensor<?x96xf32>, %x: tensor<?x69xf32>) -> tensor<96x69xf32> {
  %0 = ai.relu %ct : (tensor<?x96xf32>) -> tensor<?x96xf32>
  %1 = ai.matmul %0, %x {transpose_lhs} : (tensor<?x96xf32>, tensor<?x69xf32>) -> tensor<96x69xf32>
  return %1 : tensor<96x69xf32>
}

// -----

// All that the map does is to join rows; both products read the same ones of %x.
// REMARK: remark: summed over panels
// REMARK: remark: summed over panels
// CHECK-LABEL: func.func @rows_are_joined_once(
//       CHECK:   %[[ROWS:.*]]:3 = ai.for_blocks {{.*}} -> (tensor<?x96xf32>, tensor<?x64xf32>, tensor<?x128xf32>) {
//       CHECK:   %[[A:.*]] = ai.matmul %[[ROWS]]#0, %[[ROWS]]#1
//       CHECK:   %[[B:.*]] = ai.matmul %[[ROWS]]#2, %[[ROWS]]#1
//       CHECK:   return %[[A]], %[[B]]
func.func @rows_are_joined_once(%a: tensor<?x96xf32>, %b: tensor<?x128xf32>, %x: tensor<?x64xf32>)
    -> (tensor<96x64xf32>, tensor<128x64xf32>) {
  %0 = ai.matmul %a, %x {transpose_lhs} : (tensor<?x96xf32>, tensor<?x64xf32>) -> tensor<96x64xf32>
  %1 = ai.matmul %b, %x {transpose_lhs} : (tensor<?x128xf32>, tensor<?x64xf32>) -> tensor<128x64xf32>
  return %0, %1 : tensor<96x64xf32>, tensor<128x64xf32>
}

// -----

// A product that stands before the last op of the map moves behind it, with what uses it.
// REMARK: remark: summed over panels
// CHECK-LABEL: func.func @product_moves_behind_the_map(
//   CHECK-NOT:   ai.matmul
//       CHECK:   ai.for_blocks {{.*}} -> (tensor<16x64xf32, #ai.lanes<0>>, tensor<?x96xf32>, tensor<?x64xf32>) {
//       CHECK:     ai.yield
//   CHECK-DAG:   ai.reduce_sum %{{.*}} {dims = [0]}
//   CHECK-DAG:   %[[D:.*]] = ai.matmul
//       CHECK:   ai.neg %[[D]]
func.func @product_moves_behind_the_map(%ct: tensor<?x96xf32>, %x: tensor<?x64xf32>)
    -> (tensor<96x64xf32>, tensor<64xf32>) {
  %0 = ai.matmul %ct, %x {transpose_lhs} : (tensor<?x96xf32>, tensor<?x64xf32>) -> tensor<96x64xf32>
  %1 = ai.neg %0 : (tensor<96x64xf32>) -> tensor<96x64xf32>
  %2 = ai.reduce_sum %x {dims = [0]} : (tensor<?x64xf32>) -> tensor<64xf32>
  return %1, %2 : tensor<96x64xf32>, tensor<64xf32>
}

// -----

// 3072 sums for 1792 elements of rows: a slot is not much more to write. Blocks of 8 have 896.
// REMARK-NOT: remark
// CHECK-LABEL: func.func @small_weight_stays_in_its_slot(
//       CHECK:   %[[SUM:.*]] = ai.for_blocks {{.*}} -> tensor<64x48xf32> {
//       CHECK:     ai.matmul
//       CHECK:   return %[[SUM]]
//  AVX2-LABEL: func.func @small_weight_stays_in_its_slot(
//        AVX2:   ai.for_blocks {{.*}} -> (tensor<?x64xf32>, tensor<?x48xf32>) {
func.func @small_weight_stays_in_its_slot(%ct: tensor<?x64xf32>, %x: tensor<?x48xf32>) -> tensor<64x48xf32> {
  %0 = ai.matmul %ct, %x {transpose_lhs} : (tensor<?x64xf32>, tensor<?x48xf32>) -> tensor<64x48xf32>
  return %0 : tensor<64x48xf32>
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

// -----

// Samples that fill no block, up to three of them, have a region of their own. What it adds to a slot is what blocks add:
// these add up their samples, and both leave the rows of a panel.
//      REMARK: remark: summed over panels of 128 samples: 6144 sums outweigh the 2560 elements of a block's rows
// CHECK-LABEL: func.func @rest(
//       CHECK:   %[[OUT:.*]]:3 = ai.for_blocks size 16 slots 8({{.*}} -> (tensor<8xf32>, tensor<?x96xf32>, tensor<?x64xf32>) {
//       CHECK:   ^bb0(%{{.*}}: tensor<i64>, %{{.*}}: tensor<16x64xf32>, %{{.*}}: tensor<16x96xf32>, %{{.*}}: tensor<16x8x5xf32>):
//       CHECK:     %[[LANES:.*]] = ai.reduce_sum %{{.*}} {dims = [2]} : (tensor<16x8x5xf32, #ai.lanes<0>>) -> tensor<16x8xf32, #ai.lanes<0>>
//       CHECK:     %[[SUM:.*]] = ai.reduce_sum %[[LANES]] {dims = [0]} : (tensor<16x8xf32, #ai.lanes<0>>) -> tensor<8xf32>
//       CHECK:     ai.yield %[[SUM]], %{{.*}}, %{{.*}} : tensor<8xf32>, tensor<16x96xf32>, tensor<16x64xf32>
//       CHECK:   } rest 3 {
//       CHECK:   ^bb0(%{{.*}}: tensor<i64>, %{{.*}}: tensor<1x64xf32>, %{{.*}}: tensor<1x96xf32>, %{{.*}}: tensor<1x8x5xf32>):
//       CHECK:     %[[SINGLE:.*]] = ai.reduce_sum %{{.*}} {dims = [2]} : (tensor<1x8x5xf32>) -> tensor<1x8xf32>
//       CHECK:     %[[SUM:.*]] = ai.reduce_sum %[[SINGLE]] {dims = [0]} : (tensor<1x8xf32>) -> tensor<8xf32>
//       CHECK:     ai.yield %[[SUM]], %{{.*}}, %{{.*}} : tensor<8xf32>, tensor<1x96xf32>, tensor<1x64xf32>
//       CHECK:   return %[[OUT]]#0
func.func @rest(%x: tensor<?x64xf32>, %ct: tensor<?x96xf32>, %y: tensor<?x8x5xf32>) -> (tensor<8xf32>, tensor<96x64xf32>)
    attributes {ai.most_rest = 3 : i64} {
  %dw = ai.matmul %ct, %x {transpose_lhs} : (tensor<?x96xf32>, tensor<?x64xf32>) -> tensor<96x64xf32>
  %0 = ai.exp %y : (tensor<?x8x5xf32>) -> tensor<?x8x5xf32>
  %1 = ai.reduce_sum %0 {dims = [0, 2]} : (tensor<?x8x5xf32>) -> tensor<8xf32>
  return %1, %dw : tensor<8xf32>, tensor<96x64xf32>
}
