// RUN: ai-opt %s --ai-map-to-threads -split-input-file -verify-diagnostics

func.func @dynamic(%x: memref<?xf32>, %y: memref<?xf32>) {
  // expected-error@below {{expects static shapes to be mapped to threads, got 'memref<?xf32>'}}
  linalg.copy ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
  return
}

// -----

func.func @tensors(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{expects memref operands; run one-shot-bufferize first}}
  %0 = linalg.copy ins(%x : tensor<4xf32>) outs(%y : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @large(%x: memref<65536x32768xi8>, %v: i8) {
  // expected-error@below {{expects at most 2147483647 elements to be mapped to threads, got 2147483648}}
  linalg.fill ins(%v : i8) outs(%x : memref<65536x32768xi8>)
  return
}

// -----

func.func @call(%x: memref<4x4xf32>, %y: memref<4x4xf32>) {
  // expected-error@below {{expects a function that grids run; set the option grids}}
  library.call matmul(%x, %x) into %y : (memref<4x4xf32>, memref<4x4xf32>), memref<4x4xf32>
  return
}
