// RUN: ai-opt %s --ai-outline-blocks | FileCheck %s
// RUN: ai-opt %s --ai-outline-blocks=stages-lanes=false | FileCheck %s --check-prefix=MAJOR

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
//   CHECK-DAG:   %[[IS_FIRST:.*]] = ai.compare lt, %[[FIRST]], %[[SAMPLES]]
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

// Rows that a product behind the map reads are results of the block, for a panel: 2 slots of 16 rows. What one sample
// adds to the product, 2 x 96 x 64 operations, counts as its step's.
// CHECK-LABEL: func.func @panels_block(
//  CHECK-SAME:     -> (tensor<f32> {ai.name = "sum0", ai.role = "slot"},
//  CHECK-SAME:         tensor<16x96xf32> {ai.name = "rows1", ai.role = "rows"},
//  CHECK-SAME:         tensor<16x64xf32> {ai.name = "rows2", ai.role = "rows"})
//  CHECK-SAME:     ai.flops = 1.228800e+04 : f64
//       CHECK:   %[[CTS:.*]] = ai.relu
//       CHECK:   %[[SUM:.*]] = ai.add
//       CHECK:   return %[[SUM]], %[[CTS]], %{{.*}} : tensor<f32>, tensor<16x96xf32>, tensor<16x64xf32>

// A batch of one panel: the product is all of the gradient.
// CHECK-LABEL: func.func @panels_combine(
//  CHECK-SAME:     %[[W:[a-z0-9]+]]: tensor<96x64xf32> {ai.name = "w", ai.role = "parameter"},
//  CHECK-SAME:     %[[CTS:[a-z0-9]+]]: tensor<32x96xf32> {ai.name = "rows1", ai.role = "panel"},
//  CHECK-SAME:     %[[ROWS:[a-z0-9]+]]: tensor<32x64xf32> {ai.name = "rows2", ai.role = "panel"})
//  CHECK-SAME:     ai.kind = "combine"
//       CHECK:   %[[D:.*]] = ai.matmul %[[CTS]], %[[ROWS]] {transpose_lhs}
//       CHECK:   ai.sub %[[W]], %[[D]]

// The first panel, which `count` says, starts the accumulator; no slot and no parameter is touched.
// CHECK-LABEL: func.func @panels_fold(
//  CHECK-SAME:     %[[CTS:[a-z0-9]+]]: tensor<32x96xf32> {ai.name = "rows1", ai.role = "panel"},
//  CHECK-SAME:     %[[ROWS:[a-z0-9]+]]: tensor<32x64xf32> {ai.name = "rows2", ai.role = "panel"},
//  CHECK-SAME:     %[[SUMS:[a-z0-9]+]]: tensor<96x64xf32> {ai.name = "panels0", ai.role = "accumulator"},
//  CHECK-SAME:     %[[COUNT:[a-z0-9]+]]: tensor<i64> {ai.name = "count", ai.role = "count"})
//  CHECK-SAME:     -> (tensor<96x64xf32> {ai.name = "panels0", ai.role = "accumulator"})
//  CHECK-SAME:     ai.kind = "fold", ai.size = 16 : i64, ai.step = "panels"
//   CHECK-DAG:   %[[PANEL:.*]] = ai.constant dense<32> : tensor<i64>
//   CHECK-DAG:   %[[ZERO:.*]] = ai.constant dense<0.000000e+00> : tensor<f32>
//   CHECK-DAG:   %[[D:.*]] = ai.matmul %[[CTS]], %[[ROWS]] {transpose_lhs}
//   CHECK-DAG:   %[[IS_FIRST:.*]] = ai.compare le, %[[COUNT]], %[[PANEL]]
//       CHECK:   %[[BEFORE:.*]] = ai.select %[[IS_FIRST]], %[[ZERO]], %[[SUMS]]
//       CHECK:   %[[AFTER:.*]] = ai.add %[[BEFORE]], %[[D]]
//       CHECK:   return %[[AFTER]]

// The last panel of several is added to what was folded, and nothing else differs from the combine.
// CHECK-LABEL: func.func @panels_finish(
//  CHECK-SAME:     %[[W:[a-z0-9]+]]: tensor<96x64xf32> {ai.name = "w", ai.role = "parameter"},
//  CHECK-SAME:     %[[SUMS:[a-z0-9]+]]: tensor<96x64xf32> {ai.name = "panels0", ai.role = "accumulator"})
//  CHECK-SAME:     ai.kind = "finish"
//       CHECK:   %[[LAST:.*]] = ai.matmul
//       CHECK:   %[[D:.*]] = ai.add %[[SUMS]], %[[LAST]]
//       CHECK:   %[[NEW:.*]] = ai.sub %[[W]], %[[D]]
//       CHECK:   %[[LOSS:.*]] = ai.add
//       CHECK:   return %[[NEW]], %[[LOSS]]
func.func @panels(%w: tensor<96x64xf32> {ai.name = "w", ai.role = "parameter"},
                  %ct: tensor<?x96xf32> {ai.name = "target", ai.role = "target"},
                  %x: tensor<?x64xf32> {ai.name = "input", ai.role = "input"})
    -> (tensor<96x64xf32> {ai.name = "w", ai.role = "parameter"},
        tensor<f32> {ai.name = "loss", ai.role = "metric"}) {
  %map:3 = ai.for_blocks size 16 slots 2(%ct, %x)
      : (tensor<?x96xf32>, tensor<?x64xf32>) -> (tensor<f32>, tensor<?x96xf32>, tensor<?x64xf32>) {
  ^bb0(%first: tensor<i64>, %cts: tensor<16x96xf32>, %rows: tensor<16x64xf32>):
    %r = ai.relu %cts : (tensor<16x96xf32>) -> tensor<16x96xf32>
    %s = ai.reduce_sum %rows {dims = [0, 1]} : (tensor<16x64xf32>) -> tensor<f32>
    ai.yield %s, %r, %rows : tensor<f32>, tensor<16x96xf32>, tensor<16x64xf32>
  }
  %d = ai.matmul %map#1, %map#2 {transpose_lhs} : (tensor<?x96xf32>, tensor<?x64xf32>) -> tensor<96x64xf32>
  %new = ai.sub %w, %d : (tensor<96x64xf32>, tensor<96x64xf32>) -> tensor<96x64xf32>
  return %new, %map#0 : tensor<96x64xf32>, tensor<f32>
}

// Rows that the step returns are an output, and take no panel.
// CHECK-LABEL: func.func @predict_block(
//  CHECK-SAME:     -> (tensor<16x8xf32> {ai.name = "output", ai.role = "output"})
//   CHECK-NOT: func.func @predict_combine
//   CHECK-NOT: func.func @predict_fold
//   CHECK-NOT: func.func @predict_finish
func.func @predict(%x: tensor<?x8xf32> {ai.name = "input", ai.role = "input"}) -> tensor<?x8xf32> {
  %y = ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    %0 = ai.relu %rows : (tensor<16x8xf32>) -> tensor<16x8xf32>
    ai.yield %0 : tensor<16x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// Rows that are only read with samples as lanes are staged that way; labels of one dimension lie the same in both.
// CHECK-LABEL: func.func @lanes_block(
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<16x8xf32, #ai.lanes<0>> {ai.lanes = #ai.lanes<0>, ai.name = "input", ai.role = "input"},
//  CHECK-SAME:     %[[T:[a-z0-9]+]]: tensor<16xi32> {ai.name = "target", ai.role = "target"},
//   CHECK-NOT:   ai.relayout %[[X]]
//       CHECK:   ai.relayout %[[T]]
//       CHECK:   ai.relu %[[X]]
// MAJOR-LABEL: func.func @lanes_block(
//  MAJOR-SAME:     %[[X:[a-z0-9]+]]: tensor<16x8xf32> {ai.name = "input", ai.role = "input"},
//       MAJOR:   ai.relayout %[[X]]
func.func @lanes(%x: tensor<?x8xf32> {ai.name = "input", ai.role = "input"},
                 %t: tensor<?xi32> {ai.name = "target", ai.role = "target"}) -> (tensor<8xf32>, tensor<8xf32>) {
  %sums:2 = ai.for_blocks size 16 slots 2(%x, %t) : (tensor<?x8xf32>, tensor<?xi32>) -> (tensor<8xf32>, tensor<8xf32>) {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>, %labels: tensor<16xi32>):
    %lanes = ai.relayout %rows : tensor<16x8xf32> -> tensor<16x8xf32, #ai.lanes<0>>
    %numbers = ai.relayout %labels : tensor<16xi32> -> tensor<16xi32, #ai.lanes<0>>
    %y = ai.relu %lanes : (tensor<16x8xf32, #ai.lanes<0>>) -> tensor<16x8xf32, #ai.lanes<0>>
    %s = ai.reduce_sum %y {dims = [0]} : (tensor<16x8xf32, #ai.lanes<0>>) -> tensor<8xf32>
    %hot = ai.one_hot %numbers {classes = 8 : i64} : (tensor<16xi32, #ai.lanes<0>>) -> tensor<16x8xf32, #ai.lanes<0>>
    %n = ai.reduce_sum %hot {dims = [0]} : (tensor<16x8xf32, #ai.lanes<0>>) -> tensor<8xf32>
    ai.yield %s, %n : tensor<8xf32>, tensor<8xf32>
  }
  return %sums#0, %sums#1 : tensor<8xf32>, tensor<8xf32>
}

// Another reader wants the rows as they are: a product over the batch, or channels as lanes.
// CHECK-LABEL: func.func @both_block(
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<16x8xf32> {ai.name = "input", ai.role = "input"},
//       CHECK:   ai.relayout %[[X]]
func.func @both(%x: tensor<?x8xf32> {ai.name = "input", ai.role = "input"}) -> tensor<8x8xf32> {
  %sum = ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> tensor<8x8xf32> {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    %lanes = ai.relayout %rows : tensor<16x8xf32> -> tensor<16x8xf32, #ai.lanes<0>>
    %s = ai.matmul %lanes, %rows {transpose_lhs} : (tensor<16x8xf32, #ai.lanes<0>>, tensor<16x8xf32>) -> tensor<8x8xf32>
    ai.yield %s : tensor<8x8xf32>
  }
  return %sum : tensor<8x8xf32>
}

// A sample that blocks leave over adds to a slot that holds something already.
// CHECK-LABEL: func.func @rest_block(
//       CHECK:   ai.select
// CHECK-LABEL: func.func @rest_rest(
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<1x8xf32> {ai.name = "input", ai.role = "input"},
//  CHECK-SAME:     %[[SLOT:[a-z0-9]+]]: tensor<8xf32> {ai.name = "sum0", ai.role = "slot"})
//  CHECK-SAME:     -> (tensor<8xf32> {ai.name = "sum0", ai.role = "slot"}, tensor<1x8xf32> {ai.name = "rows1", ai.role = "rows"})
//  CHECK-SAME:     ai.kind = "rest", ai.most_rest = 5 : i64, ai.size = 1 : i64, ai.step = "rest"
//       CHECK:   %[[SUM:.*]] = ai.reduce_sum %[[X]]
//       CHECK:   ai.add %[[SLOT]], %[[SUM]]
//   CHECK-NOT:   ai.select
// CHECK-LABEL: func.func @rest_combine(
//  CHECK-SAME:     tensor<32x8xf32> {ai.name = "rows1", ai.role = "panel"}
//  CHECK-SAME:     ai.size = 16 : i64
func.func @rest(%x: tensor<?x8xf32> {ai.name = "input", ai.role = "input"}) -> (tensor<8xf32>, tensor<8x8xf32>) {
  %0:2 = ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> (tensor<8xf32>, tensor<?x8xf32>) {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    %s = ai.reduce_sum %rows {dims = [0]} : (tensor<16x8xf32>) -> tensor<8xf32>
    ai.yield %s, %rows : tensor<8xf32>, tensor<16x8xf32>
  } rest 5 {
  ^bb0(%first: tensor<i64>, %row: tensor<1x8xf32>):
    %s = ai.reduce_sum %row {dims = [0]} : (tensor<1x8xf32>) -> tensor<8xf32>
    ai.yield %s, %row : tensor<8xf32>, tensor<1x8xf32>
  }
  %dw = ai.matmul %0#1, %0#1 {transpose_lhs} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<8x8xf32>
  return %0#0, %dw : tensor<8xf32>, tensor<8x8xf32>
}
