// RUN: ai-opt %s --ai-outline-blocks | FileCheck %s

// The first block of a slot, one of the first 2 blocks of 16 samples, starts from zero.
// CHECK-LABEL: func.func @step_block(
//  CHECK-SAME:     %[[W:.*]]: tensor<8xf32> {ai.name = "w", ai.role = "parameter"},
//  CHECK-SAME:     %[[FIRST:.*]]: tensor<i64> {ai.name = "first", ai.role = "first"},
//  CHECK-SAME:     %[[X:.*]]: tensor<16x8xf32> {ai.name = "input", ai.role = "input"},
//  CHECK-SAME:     %[[SLOT:.*]]: tensor<8xf32> {ai.name = "sum0", ai.role = "slot"})
//  CHECK-SAME:     -> (tensor<8xf32> {ai.name = "sum0", ai.role = "slot"})
//  CHECK-SAME:     ai.flops = 0.000000e+00 : f64, ai.kind = "block", ai.size = 16 : i64, ai.step = "step"
//       CHECK:   %[[D:.*]] = ai.add %[[W]], %[[W]]
//       CHECK:   %[[Y:.*]] = ai.mul %[[X]], %[[D]]
//       CHECK:   %[[SUM:.*]] = ai.reduce_sum %[[Y]]
//       CHECK:   %[[SAMPLES:.*]] = ai.constant dense<32> : tensor<i64>
//       CHECK:   %[[IS_FIRST:.*]] = ai.compare lt, %[[FIRST]], %[[SAMPLES]]
//       CHECK:   %[[ZERO:.*]] = ai.constant dense<0.000000e+00> : tensor<f32>
//       CHECK:   %[[START:.*]] = ai.select %[[IS_FIRST]], %[[ZERO]], %[[SLOT]]
//       CHECK:   ai.add %[[START]], %[[SUM]]

// CHECK-LABEL: func.func @step_combine(
//  CHECK-SAME:     %[[W:.*]]: tensor<8xf32> {ai.name = "w", ai.role = "parameter"},
//  CHECK-SAME:     %[[S0:.*]]: tensor<8xf32> {ai.name = "sum0.0", ai.role = "slots", ai.slot = 0 : i64},
//  CHECK-SAME:     %[[S1:.*]]: tensor<8xf32> {ai.name = "sum0.1", ai.role = "slots", ai.slot = 1 : i64})
//  CHECK-SAME:     -> (tensor<8xf32> {ai.name = "w", ai.role = "parameter"})
//       CHECK:   %[[SUM:.*]] = ai.add %[[S0]], %[[S1]]
//       CHECK:   ai.sub %[[W]], %[[SUM]]
//   CHECK-NOT: ai.for_blocks
func.func @step(%w: tensor<8xf32> {ai.name = "w", ai.role = "parameter"},
                %x: tensor<?x8xf32> {ai.name = "input", ai.role = "input"})
    -> (tensor<8xf32> {ai.name = "w", ai.role = "parameter"}) {
  %d = ai.add %w, %w : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %sum = ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> tensor<8xf32> {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    %y = ai.mul %rows, %d : (tensor<16x8xf32>, tensor<8xf32>) -> tensor<16x8xf32>
    %s = ai.reduce_sum %y {dims = [0]} : (tensor<16x8xf32>) -> tensor<8xf32>
    ai.yield %s : tensor<8xf32>
  }
  %new = ai.sub %w, %sum : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %new : tensor<8xf32>
}

// CHECK-LABEL: func.func @no_map_is_left_alone(
func.func @no_map_is_left_alone(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
