// RUN: ai-opt %s -ai-differentiate -split-input-file -verify-diagnostics -o /dev/null

func.func @op_without_rule(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'math.erf' op expects a gradient rule, because it lies between an argument that is differentiated and the result; write it in ai ops that have one}}
  %0 = math.erf %x : tensor<f32>
  return %0 : tensor<f32>
}
ai.gradient @op_without_rule wrt [0]

// -----

func.func @requested_twice(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
// expected-note@below {{requested here}}
ai.gradient @requested_twice wrt [0]
// expected-error@below {{'ai.gradient' op expects to be the only request for "requested_twice_gradient"; list all arguments in one wrt}}
ai.gradient @requested_twice wrt [0, 0]

// -----

func.func @taken(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
// expected-note@below {{defined here}}
func.func private @taken_gradient(tensor<f64>) -> tensor<f64>
// expected-error@below {{'ai.gradient' op expects the name @taken_gradient to be free or declared as '(tensor<f32>) -> tensor<f32>'}}
ai.gradient @taken wrt [0]

// -----

func.func private @f_gradient(tensor<f32>) -> tensor<f32>
func.func @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = call @f_gradient(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// expected-error@below {{'ai.gradient' op expects gradients that do not depend on each other, but @f_gradient is part of @f}}
ai.gradient @f wrt [0]

// -----

func.func @endless(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'func.call' op expects no recursion to be differentiated, but calls @endless, which it is part of}}
  %0 = call @endless(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
ai.gradient @endless wrt [0]

// -----

func.func private @outside(tensor<f32>) -> tensor<f32>
func.func @calls_a_declaration(%x: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{'func.call' op expects to call a function of one block to be differentiated, but @outside has 0}}
  %0 = call @outside(%x) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
ai.gradient @calls_a_declaration wrt [0]

// -----

func.func @vector_gradient_is_no_scalar(%x: tensor<2xf32>) -> tensor<f32> {
  %0 = ai.reduce_sum %x {dims = [0]} : (tensor<2xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}
ai.gradient @vector_gradient_is_no_scalar wrt [0]
// expected-error@below {{'ai.gradient' op expects a function that returns one tensor<f32> or tensor<f64>, but @vector_gradient_is_no_scalar_gradient returns ('tensor<2xf32>'); reduce the result to a scalar}}
ai.gradient @vector_gradient_is_no_scalar_gradient wrt [0]
