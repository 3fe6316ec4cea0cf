// RUN: ai-opt %s -ai-vectorize-lanes -split-input-file -verify-diagnostics
// RUN: not ai-opt %s -ai-vectorize-lanes=vector-bits=100 -split-input-file 2>&1 | FileCheck %s

// CHECK: expects vector-bits to be a power of two of at least 64, got 100
func.func @on_tensors(%x: tensor<8xf32>, %zero: f32) -> tensor<8xf32> {
  // expected-error@below {{'linalg.fill' op expects memref operands; run one-shot-bufferize first}}
  %y = linalg.fill ins(%zero : f32) outs(%x : tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

func.func @dynamic_shape(%x: memref<?xf32>, %zero: f32) {
  // expected-error@below {{'linalg.fill' op expects static shapes to become loops, got 'memref<?xf32>'}}
  linalg.fill ins(%zero : f32) outs(%x : memref<?xf32>)
  return
}
