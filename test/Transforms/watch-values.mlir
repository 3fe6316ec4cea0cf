// RUN: ai-opt %s --ai-watch-values | FileCheck %s
// RUN: ai-opt %s --ai-watch-values --ai-block-batch="size=4 slots=2" --ai-outline-blocks | FileCheck %s --check-prefix=OUTLINED

// Every value but constants and results becomes a result; truth values as numbers. Names say op, value and place.
// CHECK-LABEL: func.func @plain(%arg0: tensor<4xf32>)
//  CHECK-SAME:   -> (tensor<4xf32>, tensor<f32> {ai.name = "watch.000 reduce_sum %sum (net.mlir:12:8)"},
//  CHECK-SAME:       tensor<4xf32> {ai.name = "watch.001 compare (watch-values.mlir:[[#@LINE+7]]:8)"})
//       CHECK:   %[[C:.*]] = ai.compare
//       CHECK:   %[[F:.*]] = ai.cast %[[C]] : (tensor<4xi1>) -> tensor<4xf32>
//       CHECK:   return %{{.*}}, %{{.*}}, %[[F]]
func.func @plain(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ai.reduce_sum %x {dims = [0]} : (tensor<4xf32>) -> tensor<f32> loc(fused["sum", "net.mlir":12:8])
  %1 = ai.constant dense<0.0> : tensor<f32>
  %2 = ai.compare gt, %x, %0 : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %3 = ai.select %2, %x, %1 : (tensor<4xi1>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// What a step computes is kept as its states are: rows of samples by way of a panel, which nothing folds.
// CHECK-LABEL: func.func @net_train_step(
//  CHECK-SAME:   -> (tensor<8xf32> {ai.name = "w", ai.role = "parameter"},
//  CHECK-SAME:       tensor<?x8xf32> {ai.name = "watch.000n mul", ai.role = "state"},
//  CHECK-SAME:       tensor<8xf32> {ai.name = "watch.001 reduce_sum", ai.role = "state"})

// OUTLINED-LABEL: func.func @net_train_step_block(
//       OUTLINED:   tensor<4x8xf32> {ai.name = "rows1", ai.role = "rows"})
// OUTLINED-LABEL: func.func @net_train_step_combine(
//  OUTLINED-SAME:   %[[PANEL:[a-z0-9]+]]: tensor<8x8xf32> {ai.name = "rows1", ai.role = "panel"})
//  OUTLINED-SAME:   tensor<8x8xf32> {ai.name = "watch.000n mul", ai.role = "state"},
//  OUTLINED-SAME:   tensor<8xf32> {ai.name = "watch.001 reduce_sum", ai.role = "state"})
//       OUTLINED:   return %{{.*}}, %[[PANEL]], %{{.*}} : tensor<8xf32>, tensor<8x8xf32>, tensor<8xf32>
//   OUTLINED-NOT: func.func @net_train_step_fold(
func.func @net_train_step(%w: tensor<8xf32> {ai.name = "w", ai.role = "parameter"},
                          %x: tensor<?x8xf32> {ai.name = "input", ai.role = "input"})
    -> (tensor<8xf32> {ai.name = "w", ai.role = "parameter"}) {
  %y = ai.mul %x, %w : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32> loc(unknown)
  %sum = ai.reduce_sum %y {dims = [0]} : (tensor<?x8xf32>) -> tensor<8xf32> loc(unknown)
  %new = ai.sub %w, %sum : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %new : tensor<8xf32>
}

// Steps that train nothing are left alone.
// CHECK-LABEL: func.func @net_predict(
//  CHECK-SAME:   -> (tensor<?x8xf32> {ai.name = "output", ai.role = "output"})
func.func @net_predict(%x: tensor<?x8xf32> {ai.name = "input", ai.role = "input"})
    -> (tensor<?x8xf32> {ai.name = "output", ai.role = "output"}) {
  %y = ai.exp %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %z = ai.exp %y : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}
