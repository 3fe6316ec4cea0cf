// RUN: ai-opt %s -ai-infer-shapes -split-input-file -verify-diagnostics -o /dev/null

func.func @contradicts_inference(%x: tensor<4x3xf32>) -> tensor<4x2xf32> {
  %0 = ai.exp %x : (tensor<4x3xf32>) -> tensor<*xf32>
  // expected-error@below {{'ai.relu' op expects result type(s) 'tensor<4x3xf32>' or less specific ones, got 'tensor<4x2xf32>'}}
  %1 = ai.relu %0 : (tensor<*xf32>) -> tensor<4x2xf32>
  return %1 : tensor<4x2xf32>
}

// -----

ai.model @operands_do_not_fit(%x: tensor<?x784xf32>) -> tensor<?x10xf32> {
  %0 = ai.relu %x : (tensor<?x784xf32>) -> tensor<*xf32>
  %w = ai.parameter "w" : tensor<10x512xf32>
  // expected-error@below {{'ai.linear' op expects}}
  %1 = ai.linear %0, %w : (tensor<*xf32>, tensor<10x512xf32>) -> tensor<*xf32>
  ai.return %1 : tensor<*xf32>
}

// -----

// expected-note@below {{declare result #0 as 'tensor<?x20xf32>'}}
ai.model @result_differs(%x: tensor<?x20xf32>) -> tensor<?x10xf32> {
  %0 = ai.relu %x : (tensor<?x20xf32>) -> tensor<*xf32>
  // expected-error@below {{'ai.return' op expects values of the types that the function declares, got 'tensor<?x20xf32>' for 'tensor<?x10xf32>'}}
  ai.return %0 : tensor<*xf32>
}

// -----

// expected-error@below {{'func.func' op expects arguments of known shape, got 'tensor<*xf32>' for argument #0; declare it with a shape in which only dim 0, the batch, is ?}}
func.func @argument_without_shape(%x: tensor<*xf32>) -> tensor<*xf32> {
  %0 = ai.exp %x : (tensor<*xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

func.func private @unknown(tensor<4xf32>) -> tensor<*xf32>

func.func @cannot_be_inferred(%x: tensor<4xf32>) -> tensor<*xf32> {
  // expected-error@below {{'func.call' op expects a type that can be inferred, got 'tensor<*xf32>'; declare result #0 with a shape in which only dim 0 is ?}}
  %0 = call @unknown(%x) : (tensor<4xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// expected-error@below {{'func.func' op expects a body of one block, got 2}}
func.func @control_flow(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^next
^next:
  return %x : tensor<4xf32>
}
