// RUN: ai-opt %s -ai-expand-optimizer | FileCheck %s

// CHECK-LABEL: func @sgd(
//  CHECK-SAME:   %[[P:[a-z0-9]+]]: tensor<4xf32>, %[[G:[a-z0-9]+]]: tensor<4xf32>, %[[LR:[a-z0-9]+]]: tensor<f64>
//  CHECK-NEXT:   %[[RATE:.*]] = ai.cast %[[LR]] : (tensor<f64>) -> tensor<f32>
//  CHECK-NEXT:   %[[D:.*]] = ai.mul %[[RATE]], %[[G]]
//  CHECK-NEXT:   %[[NEW:.*]] = ai.sub %[[P]], %[[D]]
//  CHECK-NEXT:   return %[[NEW]]
func.func @sgd(%p: tensor<4xf32>, %g: tensor<4xf32>, %lr: tensor<f64>) -> tensor<4xf32> {
  %0 = ai.apply_optimizer %p, %g, %lr {optimizer = #ai.sgd<lr = 0.1>}
    : (tensor<4xf32>, tensor<4xf32>, tensor<f64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @nesterov(
//  CHECK-SAME:   %[[P:[a-z0-9]+]]: tensor<4xf64>, %[[G:[a-z0-9]+]]: tensor<4xf64>, %[[LR:[a-z0-9]+]]: tensor<f64>, %[[MU:[a-z0-9]+]]: tensor<f64>, %[[WD:[a-z0-9]+]]: tensor<f64>, %[[V:[a-z0-9]+]]: tensor<4xf64>
//   CHECK-NOT:   ai.cast
//       CHECK:   %[[L2:.*]] = ai.mul %[[WD]], %[[P]]
//       CHECK:   %[[D:.*]] = ai.add %[[G]], %[[L2]]
//       CHECK:   %[[OLD:.*]] = ai.mul %[[MU]], %[[V]]
//       CHECK:   %[[BUFFER:.*]] = ai.add %[[OLD]], %[[D]]
//       CHECK:   %[[AHEAD:.*]] = ai.mul %[[MU]], %[[BUFFER]]
//       CHECK:   %[[STEP:.*]] = ai.add %[[D]], %[[AHEAD]]
//       CHECK:   %[[SCALED:.*]] = ai.mul %[[LR]], %[[STEP]]
//       CHECK:   %[[NEW:.*]] = ai.sub %[[P]], %[[SCALED]]
//       CHECK:   return %[[NEW]], %[[BUFFER]]
func.func @nesterov(%p: tensor<4xf64>, %g: tensor<4xf64>, %lr: tensor<f64>, %mu: tensor<f64>,
                    %wd: tensor<f64>, %v: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>) {
  %0:2 = ai.apply_optimizer %p, %g, %lr settings(%mu, %wd) states(%v)
    {optimizer = #ai.sgd<lr = 0.1, momentum = 0.9, weight_decay = 0.01, nesterov = true>}
    : (tensor<4xf64>, tensor<4xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>)
  return %0#0, %0#1 : tensor<4xf64>, tensor<4xf64>
}

// Bias corrections are scalars of f64, cast once.
// CHECK-LABEL: func @adam(
//       CHECK:   ai.power {{.*}} : (tensor<f64>, tensor<f64>) -> tensor<f64>
//       CHECK:   ai.div {{.*}} -> tensor<f64>
//       CHECK:   ai.power {{.*}} : (tensor<f64>, tensor<f64>) -> tensor<f64>
//       CHECK:   ai.sqrt {{.*}} -> tensor<f64>
//       CHECK:   ai.sqrt {{.*}} -> tensor<4xf32>
//       CHECK:   ai.div {{.*}} -> tensor<4xf32>
//   CHECK-NOT:   ai.apply_optimizer
func.func @adam(%p: tensor<4xf32>, %g: tensor<4xf32>, %s: tensor<f64>, %m: tensor<4xf32>,
                %v: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:3 = ai.apply_optimizer %p, %g, %s settings(%s, %s, %s, %s) states(%m, %v)
    {optimizer = #ai.adam<lr = 0.001>}
    : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<4xf32>, tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// The decay of AdamW acts on the parameter, not on the gradient.
// CHECK-LABEL: func @adamw(
//  CHECK-SAME:   %[[P:[a-z0-9]+]]: tensor<4xf32>
//       CHECK:   ai.mul %[[P]], %{{.*}} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
//   CHECK-NOT:   %[[P]]
//       CHECK:   return
func.func @adamw(%p: tensor<4xf32>, %g: tensor<4xf32>, %s: tensor<f64>, %m: tensor<4xf32>,
                 %v: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:3 = ai.apply_optimizer %p, %g, %s settings(%s, %s, %s, %s, %s) states(%m, %v)
    {optimizer = #ai.adamw<lr = 0.001>}
    : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<4xf32>, tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func @rmsprop_and_adadelta(
//   CHECK-NOT:   ai.apply_optimizer
//       CHECK:   return
func.func @rmsprop_and_adadelta(%p: tensor<4xf32>, %g: tensor<4xf32>, %s: tensor<f64>,
    %a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0:3 = ai.apply_optimizer %p, %g, %s settings(%s, %s, %s) states(%a, %b)
    {optimizer = #ai.rmsprop<lr = 0.01, momentum = 0.9>}
    : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<4xf32>, tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  %1:3 = ai.apply_optimizer %0#0, %g, %s settings(%s, %s) states(%0#1, %0#2)
    {optimizer = #ai.adadelta<lr = 1.0>}
    : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<4xf32>, tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %1#0, %1#1, %1#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
