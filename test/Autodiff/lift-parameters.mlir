// RUN: ai-opt %s -ai-lift-parameters | FileCheck %s

// CHECK-LABEL: func @lifts_in_order(
//  CHECK-SAME:   %[[X:[a-z0-9]+]]: tensor<?x4xf32> {ai.name = "input", ai.role = "input"}
//  CHECK-SAME:   %[[W:[a-z0-9]+]]: tensor<9x4xf32> {ai.init = #ai.init<uniform, 0.5>, ai.name = "fc.weight", ai.role = "parameter"}
//  CHECK-SAME:   %[[B:[a-z0-9]+]]: tensor<9xf32> {ai.init = #ai.init<constant, 0.0>, ai.name = "fc.bias", ai.role = "parameter"}
//  CHECK-SAME:   -> (tensor<?x9xf32> {ai.name = "output", ai.role = "output"})
//  CHECK-NEXT:   %[[Y:.*]] = ai.linear %[[X]], %[[W]], %[[B]]
//  CHECK-NEXT:   return %[[Y]]
ai.model @lifts_in_order(%x: tensor<?x4xf32>) -> tensor<?x9xf32> {
  %w = ai.parameter "fc.weight" init(#ai.init<uniform, 0.5>) : tensor<9x4xf32>
  %b = ai.parameter "fc.bias" : tensor<9xf32>
  %y = ai.linear %x, %w, %b : (tensor<?x4xf32>, tensor<9x4xf32>, tensor<9xf32>) -> tensor<?x9xf32>
  ai.return %y : tensor<?x9xf32>
}

// CHECK-LABEL: func @shares_a_parameter_declared_twice(
//  CHECK-SAME:   %{{[a-z0-9]+}}: tensor<?x4xf32> {{{[^}]*}}}, %[[W:[a-z0-9]+]]: tensor<4x4xf32> {{{[^}]*}}})
//       CHECK:   ai.linear %{{.*}}, %[[W]]
//       CHECK:   ai.linear %{{.*}}, %[[W]]
ai.model @shares_a_parameter_declared_twice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = ai.parameter "w" : tensor<4x4xf32>
  %0 = ai.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %again = ai.parameter "w" : tensor<4x4xf32>
  %1 = ai.linear %0, %again : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  ai.return %1 : tensor<?x4xf32>
}

// fan_in = 3 * 2 * 2 = 12, fan_out = 9 * 2 * 2 = 36.
// CHECK-LABEL: func @resolves_fans(
//  CHECK-SAME:   ai.init = #ai.init<uniform, 0.5>, ai.name = "kaiming_uniform"
//  CHECK-SAME:   ai.init = #ai.init<normal, 0.2886751345948129{{[0-9]*}}>, ai.name = "kaiming_normal"
//  CHECK-SAME:   ai.init = #ai.init<uniform, 0.353553390593273{{[0-9]*}}>, ai.name = "xavier_uniform"
//  CHECK-SAME:   ai.init = #ai.init<normal, 0.2041241452319315{{[0-9]*}}>, ai.name = "xavier_normal"
//  CHECK-SAME:   ai.init = #ai.init<uniform, 0.288675134594812{{[0-9]*}}>, ai.name = "default"
ai.model @resolves_fans(%x: tensor<?x3x4x4xf32>) -> tensor<9x3x2x2xf32> {
  %0 = ai.parameter "kaiming_uniform" init(#ai.init<kaiming_uniform, 1.0>) : tensor<9x3x2x2xf32>
  %1 = ai.parameter "kaiming_normal" init(#ai.init<kaiming_normal, 1.0>) : tensor<9x3x2x2xf32>
  %2 = ai.parameter "xavier_uniform" init(#ai.init<xavier_uniform, 1.0>) : tensor<9x3x2x2xf32>
  %3 = ai.parameter "xavier_normal" init(#ai.init<xavier_normal, 1.0>) : tensor<9x3x2x2xf32>
  %4 = ai.parameter "default" : tensor<9x3x2x2xf32>
  ai.return %4 : tensor<9x3x2x2xf32>
}

// CHECK-LABEL: func @leaves_functions(%arg0: tensor<4xf32>)
func.func @leaves_functions(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
