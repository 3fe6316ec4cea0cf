// RUN: ai-opt %s -ai-check-model -split-input-file -verify-diagnostics -o /dev/null

ai.model @unused_parameter(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error@below {{'ai.parameter' op expects every parameter to influence the model's result, but "b" does not; use it or remove it}}
  %b = ai.parameter "b" : tensor<4xf32>
  %0 = ai.add %x, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  ai.return %x : tensor<?x4xf32>
}

// -----

func.func @no_model(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

// expected-error@below {{'ai.train' op expects to name an ai.model of this module, got @no_model}}
ai.train @no_model loss(mse_loss) optimizer(#ai.sgd<lr = 0.1>)

// -----

ai.model @logits_to_nll(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %w = ai.parameter "w" : tensor<3x4xf32>
  // expected-note@below {{these are not the result of ai.log_softmax}}
  %0 = ai.linear %x, %w : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  ai.return %0 : tensor<?x3xf32>
}

// expected-error@below {{'ai.train' op expects nll_loss of log probabilities; apply ai.log_softmax first or use cross_entropy}}
ai.train @logits_to_nll loss(nll_loss) optimizer(#ai.sgd<lr = 0.1>)

// -----

ai.model @probabilities_to_cross_entropy(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-note@below {{these are probabilities}}
  %0 = ai.softmax %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  ai.return %0 : tensor<?x4xf32>
}

// expected-error@below {{'ai.train' op expects cross_entropy of logits, as it applies log_softmax itself; remove ai.softmax}}
ai.train @probabilities_to_cross_entropy loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>)

// -----

func.func @loss_in_a_function(%x: tensor<2x4xf32>, %t: tensor<2xi32>) -> tensor<2xf32> {
  // expected-note@below {{these are not the result of ai.log_softmax}}
  %0 = ai.exp %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  // expected-error@below {{'ai.nll_loss' op expects nll_loss of log probabilities}}
  %1 = ai.nll_loss %0, %t : (tensor<2x4xf32>, tensor<2xi32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

ai.model @fixed_batch(%x: tensor<64x4xf32>) -> tensor<64x4xf32> {
  %b = ai.parameter "b" : tensor<4xf32>
  %0 = ai.add %x, %b : (tensor<64x4xf32>, tensor<4xf32>) -> tensor<64x4xf32>
  ai.return %0 : tensor<64x4xf32>
}

// expected-error@below {{'ai.train' op expects a model that leaves the batch open, but @fixed_batch has type '(tensor<64x4xf32>) -> tensor<64x4xf32>'; write ? for dim 0 of its input and output}}
ai.train @fixed_batch loss(mse_loss) optimizer(#ai.sgd<lr = 0.1>)

// -----

ai.model @images_out(%x: tensor<?x1x4x4xf32>) -> tensor<?x1x4x4xf32> {
  %b = ai.parameter "b" : tensor<4xf32>
  %0 = ai.add %x, %b : (tensor<?x1x4x4xf32>, tensor<4xf32>) -> tensor<?x1x4x4xf32>
  ai.return %0 : tensor<?x1x4x4xf32>
}

// expected-error@below {{'ai.train' op expects a model output of shape samples x classes for cross_entropy, got 'tensor<?x1x4x4xf32>'; flatten it}}
ai.train @images_out loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>)

// -----

ai.model @unknown_shape(%x: tensor<?x4xf32>) -> tensor<*xf32> {
  %0 = ai.relu %x : (tensor<?x4xf32>) -> tensor<*xf32>
  ai.return %0 : tensor<*xf32>
}

// expected-error@below {{'ai.train' op expects a model of known shapes, got 'tensor<*xf32>'; run ai-infer-shapes first}}
ai.train @unknown_shape loss(mse_loss) optimizer(#ai.sgd<lr = 0.1>)

// -----

ai.model @trained_twice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %b = ai.parameter "b" : tensor<4xf32>
  %0 = ai.add %x, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  ai.return %0 : tensor<?x4xf32>
}

// expected-note@below {{first recipe}}
ai.train @trained_twice loss(mse_loss) optimizer(#ai.sgd<lr = 0.1>)
// expected-error@below {{'ai.train' op expects one recipe for each model, got another for @trained_twice}}
ai.train @trained_twice loss(mse_loss) optimizer(#ai.sgd<lr = 0.2>)
