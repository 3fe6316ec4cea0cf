// RUN: ai-opt %s --convert-ai-to-linalg --split-input-file --verify-diagnostics

func.func @unknown_batch(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // expected-error@below {{'ai.relu' op expects static shapes, got 'tensor<?x3xf32>'; run ai-infer-shapes and ai-block-batch first}}
  %0 = ai.relu %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @unranked(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error@below {{'ai.relu' op expects static shapes, got 'tensor<*xf32>'}}
  %0 = ai.relu %x : (tensor<2x3xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// expected-error@below {{'ai.model' op expects to be expanded before its module is lowered to linalg; run ai-lift-parameters, ai-differentiate and ai-expand-optimizer first}}
ai.model @m(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  ai.return %x : tensor<2x3xf32>
}
