// RUN: ai-opt %s -ai-lift-parameters -ai-differentiate -split-input-file | FileCheck %s
// RUN: ai-opt %s -ai-lift-parameters -ai-differentiate -split-input-file -mlir-print-debuginfo | FileCheck %s --check-prefix=NAMES
// RUN: ai-opt %s -ai-lift-parameters -ai-differentiate=keep-gradients -split-input-file | FileCheck %s --check-prefix=GRADIENTS

ai.model @net(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %w = ai.parameter "fc.weight" : tensor<3x4xf32>
  %0 = ai.dropout %x {rate = 0.25} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = ai.linear %0, %w : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  ai.return %1 : tensor<?x3xf32>
}

ai.train @net loss(cross_entropy) optimizer(#ai.adam<lr = 0.001>)
  schedule(#ai.step<gamma = 0.7>) {batch = 8}

// CHECK-LABEL: func @net_train_step(
//  CHECK-SAME:   %[[W:[a-z0-9]+]]: tensor<3x4xf32> {ai.init = #ai.init<uniform, 0.{{[0-9]+}}>, ai.name = "fc.weight", ai.role = "parameter"}
//  CHECK-SAME:   %[[M:[a-z0-9]+]]: tensor<3x4xf32> {ai.init = #ai.init<constant, 0.0>, ai.name = "fc.weight.exp_avg", ai.role = "state"}
//  CHECK-SAME:   %[[V:[a-z0-9]+]]: tensor<3x4xf32> {{{[^}]*}}ai.name = "fc.weight.exp_avg_sq", ai.role = "state"}
//  CHECK-SAME:   %[[LR:[a-z0-9]+]]: tensor<f64> {ai.name = "lr", ai.role = "setting", ai.value = 1.000000e-03 : f64}
//  CHECK-SAME:   %[[B1:[a-z0-9]+]]: tensor<f64> {ai.name = "beta1", {{[^}]*}}ai.value = 9.0
//  CHECK-SAME:   %[[B2:[a-z0-9]+]]: tensor<f64> {ai.name = "beta2",
//  CHECK-SAME:   %[[EPS:[a-z0-9]+]]: tensor<f64> {ai.name = "eps",
//  CHECK-SAME:   %[[GAMMA:[a-z0-9]+]]: tensor<f64> {ai.name = "gamma", {{[^}]*}}ai.value = 0.69
//  CHECK-SAME:   %[[EVERY:[a-z0-9]+]]: tensor<f64> {ai.name = "every", {{[^}]*}}ai.value = 1.0
//  CHECK-SAME:   %[[X:[a-z0-9]+]]: tensor<?x4xf32> {ai.name = "input", ai.role = "input"}
//  CHECK-SAME:   %[[T:[a-z0-9]+]]: tensor<?xi32> {ai.name = "target", ai.role = "target"}
//  CHECK-SAME:   %[[COUNT:[a-z0-9]+]]: tensor<i64> {ai.name = "count", ai.role = "count"}
//  CHECK-SAME:   %[[FIRST:[a-z0-9]+]]: tensor<i64> {ai.name = "first", ai.role = "first"}
//  CHECK-SAME:   %[[STEP:[a-z0-9]+]]: tensor<i64> {ai.name = "step", ai.role = "step"}
//  CHECK-SAME:   %[[EPOCH:[a-z0-9]+]]: tensor<i64> {ai.name = "epoch", ai.role = "epoch"}
//  CHECK-SAME:   %[[SEED:[a-z0-9]+]]: tensor<i64> {ai.name = "seed", ai.role = "seed"}
//  CHECK-SAME:   -> (tensor<3x4xf32> {ai.name = "fc.weight", ai.role = "parameter"}, tensor<3x4xf32> {ai.name = "fc.weight.exp_avg", ai.role = "state"}, tensor<3x4xf32> {ai.name = "fc.weight.exp_avg_sq", ai.role = "state"}, tensor<f32> {ai.name = "loss", ai.role = "metric"}, tensor<f32> {ai.name = "correct", ai.role = "metric"})
//       CHECK:   %[[MASK:.*]] = ai.dropout_mask %[[X]], %[[SEED]], %[[STEP]], %[[FIRST]] {rate = 2.500000e-01 : f64, stream = 0 : i64}
//       CHECK:   %[[KEPT:.*]] = ai.mul %[[X]], %[[MASK]]
//       CHECK:   %[[LOGITS:.*]] = ai.linear %[[KEPT]], %[[W]]
//       CHECK:   %[[LOSS:.*]] = ai.cross_entropy %[[LOGITS]], %[[T]]
//       CHECK:   %[[SHARES:.*]] = ai.broadcast_like
//       CHECK:   ai.mask_samples %[[SHARES]], %[[FIRST]], %[[COUNT]]
//       CHECK:   %[[DW:.*]] = ai.matmul {{.*}} {transpose_lhs}
//       CHECK:   %[[RATE:.*]] = ai.mul %[[LR]]
//       CHECK:   %[[NUMBER:.*]] = ai.add
//       CHECK:   %[[NEW:[a-z_]+]], %[[STATES:.*]]:2 = ai.apply_optimizer %[[W]], %[[DW]], %[[RATE]] settings(%[[B1]], %[[B2]], %[[EPS]], %[[NUMBER]]) states(%[[M]], %[[V]])
//       CHECK:   %[[REAL:.*]] = ai.mask_samples %[[LOSS]], %[[FIRST]], %[[COUNT]]
//       CHECK:   %[[SUM:.*]] = ai.reduce_sum %[[REAL]] {dims = [0]}
//       CHECK:   %[[CLASS:.*]] = ai.argmax %[[LOGITS]]
//       CHECK:   ai.compare eq, %[[CLASS]], %[[T]]
//       CHECK:   %[[RIGHT:.*]] = ai.reduce_sum
//       CHECK:   return %[[NEW]], %[[STATES]]#0, %[[STATES]]#1, %[[SUM]], %[[RIGHT]]

// CHECK-LABEL: func @net_evaluate(
//  CHECK-SAME:   ai.role = "parameter"{{.*}}ai.role = "input"{{.*}}ai.role = "target"{{.*}}ai.role = "count"{{.*}}ai.role = "first"
//   CHECK-NOT:   dropout
//       CHECK:   return

// CHECK-LABEL: func @net_predict(
//   CHECK-NOT:   dropout
//       CHECK:   %[[P:.*]] = ai.softmax
//       CHECK:   return %[[P]]

// CHECK-NOT: func @net(
//     CHECK: ai.train @net

// NAMES: "d fc.weight"
// NAMES: "d loss"

// -----

ai.model @regression(%x: tensor<?x4xf64>) -> tensor<?x2xf64> {
  %b = ai.parameter "b" : tensor<4xf64>
  %0 = ai.add %x, %b : (tensor<?x4xf64>, tensor<4xf64>) -> tensor<?x4xf64>
  %w = ai.parameter "w" : tensor<2x4xf64>
  %1 = ai.linear %0, %w : (tensor<?x4xf64>, tensor<2x4xf64>) -> tensor<?x2xf64>
  ai.return %1 : tensor<?x2xf64>
}

ai.train @regression loss(mse_loss) optimizer(#ai.sgd<lr = 0.1>)

// Sums are f32 whatever the model computes in; there are no classes to be right about.
// CHECK-LABEL: func @regression_train_step(
//  CHECK-SAME:   %[[T:[a-z0-9]+]]: tensor<?x2xf64> {ai.name = "target"
//       CHECK:   ai.mse_loss %{{.*}}, %[[T]]
//       CHECK:   ai.reduce_sum {{.*}} {dims = [0]} : (tensor<?x4xf64>) -> tensor<4xf64>
//       CHECK:   ai.cast {{.*}} : (tensor<f64>) -> tensor<f32>
//       CHECK:   %[[NONE:.*]] = ai.constant dense<0.000000e+00> : tensor<f32>
//       CHECK:   return {{.*}}, %[[NONE]] :
// CHECK-LABEL: func @regression_predict(
//       CHECK:   %[[Y:.*]] = ai.linear
//       CHECK:   return %[[Y]]

// Gradients that are kept are results, before the metrics.
//     GRADIENTS: func @regression_train_step(
//     GRADIENTS: tensor<2x4xf64> {ai.name = "w", ai.role = "parameter"}, tensor<4xf64> {ai.name = "b.gradient", ai.role = "gradient"}, tensor<2x4xf64> {ai.name = "w.gradient", ai.role = "gradient"}, tensor<f32> {ai.name = "loss"
//     GRADIENTS:   %[[B:.*]] = ai.reduce_sum {{.*}} -> tensor<4xf64>
//     GRADIENTS:   return {{.*}}%[[B]], %{{.*}} :
// GRADIENTS-NOT: gradient"
