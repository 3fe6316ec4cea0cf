// RUN: ai-opt %s -split-input-file -verify-diagnostics

// Models and parameters

// expected-error@below {{'ai.model' op expects one argument, the input, and one result, got 2 and 1}}
ai.model @two_inputs(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  ai.return %x : tensor<?x4xf32>
}

// -----

// expected-error@below {{'ai.model' op expects tensors of f32 or f64 whose dims but the first are static, got 'tensor<?x?xf32>'}}
ai.model @unknown_features(%x: tensor<?x?xf32>) -> tensor<?x4xf32> {
  %0 = builtin.unrealized_conversion_cast %x : tensor<?x?xf32> to tensor<?x4xf32>
  ai.return %0 : tensor<?x4xf32>
}

// -----

// expected-error@below {{'ai.model' op expects ai.return as its last op}}
ai.model @no_return(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  ai.yield %x : tensor<?x4xf32>
}

// -----

ai.model @wrong_result(%x: tensor<?x4xf32>) -> tensor<?x5xf32> {
  // expected-error@below {{'ai.return' op expects operands of the model's result types, got 'tensor<?x4xf32>' and 'tensor<?x5xf32>'}}
  ai.return %x : tensor<?x4xf32>
}

// -----

func.func @return_outside_model(%x: tensor<4xf32>) {
  // expected-error@below {{'ai.return' op expects parent op 'ai.model'}}
  ai.return %x : tensor<4xf32>
}

// -----

ai.model @shared_with_other_shape(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-note@below {{first declared here}}
  %a = ai.parameter "w" : tensor<4xf32>
  // expected-error@below {{'ai.parameter' op expects one type for "w", got 'tensor<4xf32>' and 'tensor<5xf32>'}}
  %b = ai.parameter "w" : tensor<5xf32>
  ai.return %x : tensor<?x4xf32>
}

// -----

ai.model @shared_with_other_initialiser(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-note@below {{first declared here}}
  %a = ai.parameter "w" : tensor<4xf32>
  // expected-error@below {{'ai.parameter' op expects one initialiser for "w", got #ai.init<constant, 0.0> and #ai.init<constant, 1.0>}}
  %b = ai.parameter "w" init(#ai.init<constant, 1.0>) : tensor<4xf32>
  ai.return %x : tensor<?x4xf32>
}

// -----

ai.model @unranked_parameter(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error@below {{'ai.parameter' op expects a static shape, got 'tensor<*xf32>'}}
  %a = ai.parameter "w" : tensor<*xf32>
  ai.return %x : tensor<?x4xf32>
}

// -----

ai.model @fans_of_a_vector(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error@below {{'ai.parameter' op expects rank 2 or more for initialiser kaiming_normal, got 'tensor<4xf32>'; use constant, uniform or normal}}
  %a = ai.parameter "w" init(#ai.init<kaiming_normal, 1.0>) : tensor<4xf32>
  ai.return %x : tensor<?x4xf32>
}

// -----

ai.model @not_an_initialiser(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error@below {{'ai.parameter' op attribute 'init' failed to satisfy constraint: #ai.init}}
  %a = ai.parameter "w" init(1.0) : tensor<4xf32>
  ai.return %x : tensor<?x4xf32>
}

// -----

// Recipes

// expected-error@below {{'ai.train' op expects an ai.model in this module, got @missing}}
ai.train @missing loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>)

// -----

ai.model @m(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { ai.return %x : tensor<?x4xf32> }
// expected-error@below {{'ai.train' op expects batch to be at least 1, got 0}}
ai.train @m loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {batch = 0}

// -----

ai.model @m(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { ai.return %x : tensor<?x4xf32> }
// expected-error@below {{'ai.train' op expects epochs to be at least 1, got -1}}
ai.train @m loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {epochs = -1}

// -----

ai.model @m(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { ai.return %x : tensor<?x4xf32> }
// expected-error@below {{'ai.train' op expects a finite mean}}
ai.train @m loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {mean = 0x7FF0000000000000 : f64}

// -----

ai.model @m(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { ai.return %x : tensor<?x4xf32> }
// expected-error@below {{'ai.train' op expects std to be greater than 0, got 0}}
ai.train @m loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {std = 0.0}

// -----

ai.model @m(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { ai.return %x : tensor<?x4xf32> }
// expected-error@below {{'ai.train' op attribute 'optimizer' failed to satisfy constraint: optimizer (#ai.sgd, #ai.adam, #ai.adamw, #ai.rmsprop or #ai.adadelta)}}
ai.train @m loss(cross_entropy) optimizer(#ai.step<gamma = 0.7>)

// -----

ai.model @m(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { ai.return %x : tensor<?x4xf32> }
// expected-error@below {{'ai.train' op attribute 'schedule' failed to satisfy constraint: schedule (#ai.step or #ai.inverse)}}
ai.train @m loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) schedule(#ai.sgd<lr = 0.1>)

// -----

ai.model @m(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { ai.return %x : tensor<?x4xf32> }
// expected-error@below {{expected string or keyword containing one of the following enum values for attribute 'loss' [cross_entropy, nll_loss, mse_loss]}}
ai.train @m loss(hinge) optimizer(#ai.sgd<lr = 0.1>)

// -----

// Attributes

// expected-error@below {{expects lr to be at least 0, got -1}}
func.func private @f() attributes {a = #ai.sgd<lr = -1.0>}

// -----

// expected-error@below {{expects momentum with nesterov, got momentum 0}}
func.func private @f() attributes {a = #ai.sgd<lr = 0.1, nesterov = true>}

// -----

// expected-error@below {{expects beta2 to be at least 0 and less than 1, got 1}}
func.func private @f() attributes {a = #ai.adam<lr = 0.1, beta2 = 1.0>}

// -----

// expected-error@below {{expects weight_decay to be at least 0, got -1}}
func.func private @f() attributes {a = #ai.adamw<lr = 0.1, weight_decay = -1.0>}

// -----

// expected-error@below {{expects alpha to be at least 0 and less than 1, got 1.5}}
func.func private @f() attributes {a = #ai.rmsprop<lr = 0.1, alpha = 1.5>}

// -----

// expected-error@below {{expects rho to be at least 0 and less than 1, got -5.000000e-01}}
func.func private @f() attributes {a = #ai.adadelta<lr = 0.1, rho = -0.5>}

// -----

// expected-error@below {{expects every to be at least 1, got 0}}
func.func private @f() attributes {a = #ai.step<gamma = 0.7, every = 0>}

// -----

// expected-error@below {{expects power to be at least 0, got -1}}
func.func private @f() attributes {a = #ai.inverse<gamma = 0.1, power = -1.0>}

// -----

// expected-error@below {{expects value to be at least 0, got -1}}
func.func private @f() attributes {a = #ai.init<uniform, -1.0>}

// -----

// expected-error@below {{expects a finite value}}
func.func private @f() attributes {a = #ai.init<constant, 1.0e999>}

// -----

// Requests

// expected-error@below {{'ai.gradient' op expects a func.func in this module, got @missing}}
ai.gradient @missing wrt [0]

// -----

func.func private @f(tensor<4xf32>) -> tensor<4xf32>
// expected-error@below {{'ai.gradient' op expects a function with one result, a float tensor of rank 0, got '(tensor<4xf32>) -> tensor<4xf32>'}}
ai.gradient @f wrt [0]

// -----

func.func private @f(tensor<4xf32>) -> tensor<f32>
// expected-error@below {{'ai.value_and_gradient' op expects at least one argument to differentiate by}}
ai.value_and_gradient @f wrt []

// -----

func.func private @f(tensor<4xf32>) -> tensor<f32>
// expected-error@below {{'ai.gradient' op expects wrt to list arguments of @f, got 1 and 1 argument(s)}}
ai.gradient @f wrt [1]

// -----

func.func private @f(tensor<4xi32>) -> tensor<f32>
// expected-error@below {{'ai.gradient' op expects argument 0 of @f to be a tensor of f32 or f64, got 'tensor<4xi32>'}}
ai.gradient @f wrt [0]

// -----

// Dropout

func.func @rate(%x: tensor<4xf32>) {
  // expected-error@below {{'ai.dropout' op expects rate to be at least 0 and less than 1, got 1}}
  %0 = ai.dropout %x {rate = 1.0} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @stream(%x: tensor<4xf32>, %i: tensor<i64>) {
  // expected-error@below {{'ai.dropout_mask' op expects stream to fit in 32 bits, got -1}}
  %0 = ai.dropout_mask %x, %i, %i, %i {rate = 0.5, stream = -1} : (tensor<4xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<4xf32>
  return
}
