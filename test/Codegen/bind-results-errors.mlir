// RUN: ai-opt %s --ai-bind-results --split-input-file --verify-diagnostics

// expected-error@below {{'func.func' op expects arguments that are tensors of static shape, got 'tensor<?xf32>'; give every dimension a size}}
func.func @dynamic_argument(%x: tensor<?xf32>) {
  return
}

// -----

// expected-error@below {{'func.func' op expects results that are tensors of static shape, got 'f32'; give every dimension a size}}
func.func @scalar_result() -> f32 {
  %0 = arith.constant 1.0 : f32
  return %0 : f32
}
