// RUN: ai-opt %s -ai-check-model | FileCheck %s

// A parameter may be declared where it is used, several times.
// CHECK-LABEL: ai.model @accepts_shared_parameters
//  CHECK-COUNT-2: ai.parameter "w"
ai.model @accepts_shared_parameters(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = ai.parameter "w" : tensor<4x4xf32>
  %0 = ai.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %again = ai.parameter "w" : tensor<4x4xf32>
  %1 = ai.linear %0, %again : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %2 = ai.log_softmax %1 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  ai.return %2 : tensor<?x4xf32>
}

ai.train @accepts_shared_parameters loss(nll_loss) optimizer(#ai.sgd<lr = 0.1>)

// Where an argument comes from is not known.
// CHECK-LABEL: func @accepts_unknown_origin
func.func @accepts_unknown_origin(%x: tensor<2x4xf32>, %t: tensor<2xi32>) -> tensor<2xf32> {
  %0 = ai.nll_loss %x, %t : (tensor<2x4xf32>, tensor<2xi32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
