// RUN: ai-opt %s -split-input-file -verify-diagnostics

func.func @types(%a: memref<2x2xf32>, %b: memref<2x2xf64>) {
  // expected-error@below {{'library.call' op expects operands all of f32 or all of f64, got 'f32' and 'f64'}}
  library.call matmul(%a, %b) into %b : (memref<2x2xf32>, memref<2x2xf64>), memref<2x2xf64>
  return
}

// -----

func.func @integers(%a: memref<2x2xi32>) {
  // expected-error@below {{'library.call' op expects operands all of f32 or all of f64, got 'i32' and 'i32'}}
  library.call matmul(%a, %a) into %a : (memref<2x2xi32>, memref<2x2xi32>), memref<2x2xi32>
  return
}

// -----

func.func @mixed(%a: memref<2x2xf32>, %b: tensor<2x2xf32>) {
  // expected-error@below {{'library.call' op expects tensors or memrefs, got both}}
  %0 = library.call matmul(%a, %a) into %b : (memref<2x2xf32>, memref<2x2xf32>), tensor<2x2xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @dynamic(%a: memref<?x2xf32>, %b: memref<2x2xf32>) {
  // expected-error@below {{'library.call' op expects static shapes, got 'memref<?x2xf32>'}}
  library.call matmul(%a, %b) into %b : (memref<?x2xf32>, memref<2x2xf32>), memref<2x2xf32>
  return
}

// -----

func.func @no_result(%a: tensor<2x2xf32>) {
  // expected-error@below {{'library.call' op expects a result of the type of a tensor that it writes, and else none}}
  library.call matmul(%a, %a) into %a : (tensor<2x2xf32>, tensor<2x2xf32>), tensor<2x2xf32>
  return
}

// -----

func.func @one_factor(%a: memref<2x2xf32>) {
  // expected-error@below {{'library.call' op expects two factors and perhaps a bias, got 1 inputs}}
  library.call matmul(%a) into %a : (memref<2x2xf32>), memref<2x2xf32>
  return
}

// -----

func.func @vector(%a: memref<2x2xf32>, %b: memref<2xf32>) {
  // expected-error@below {{'library.call' op expects matrices, got ranks 2, 1 and 2}}
  library.call matmul(%a, %b) into %a : (memref<2x2xf32>, memref<2xf32>), memref<2x2xf32>
  return
}

// -----

func.func @shapes(%a: memref<2x3xf32>, %b: memref<2x4xf32>, %c: memref<3x5xf32>) {
  // expected-error@below {{'library.call' op expects the shapes of a product, got [3, 2] times [2, 4] into [3, 5]}}
  library.call matmul(%a, %b) into %c {transpose_lhs} : (memref<2x3xf32>, memref<2x4xf32>), memref<3x5xf32>
  return
}

// -----

func.func @bias(%a: memref<2x2xf32>, %b: memref<3xf32>) {
  // expected-error@below {{'library.call' op expects a bias for each of 2 columns, got [3]}}
  library.call matmul(%a, %a, %b) into %a : (memref<2x2xf32>, memref<2x2xf32>, memref<3xf32>), memref<2x2xf32>
  return
}

// -----

func.func @epilogue(%a: memref<2x2xf64>) {
  // expected-error@below {{'library.call' op expects a bias and relu in f32 only}}
  library.call matmul(%a, %a) into %a {relu} : (memref<2x2xf64>, memref<2x2xf64>), memref<2x2xf64>
  return
}

// -----

func.func @pair(%x: memref<1x1x4x4xf32>, %w: memref<1x1x2x2xf32>, %y: memref<1x1x3x3xf32>) {
  // expected-error@below {{'library.call' op expects stride, padding and dilation to be pairs, got 1 numbers}}
  library.call conv2d(%x, %w) into %y {stride = array<i64: 1>} : (memref<1x1x4x4xf32>, memref<1x1x2x2xf32>), memref<1x1x3x3xf32>
  return
}

// -----

func.func @stride(%x: memref<1x1x4x4xf32>, %w: memref<1x1x2x2xf32>, %y: memref<1x1x3x3xf32>) {
  // expected-error@below {{'library.call' op expects a stride and a dilation of at least 1 and a padding of at least 0}}
  library.call conv2d(%x, %w) into %y {stride = array<i64: 0, 1>} : (memref<1x1x4x4xf32>, memref<1x1x2x2xf32>), memref<1x1x3x3xf32>
  return
}

// -----

func.func @inputs(%x: memref<1x1x4x4xf32>) {
  // expected-error@below {{'library.call' op expects two inputs, got 1}}
  library.call conv2d(%x) into %x : (memref<1x1x4x4xf32>), memref<1x1x4x4xf32>
  return
}

// -----

func.func @rank(%x: memref<4x4xf32>) {
  // expected-error@below {{'library.call' op expects operands of rank 4, got 2, 2 and 2}}
  library.call conv2d(%x, %x) into %x : (memref<4x4xf32>, memref<4x4xf32>), memref<4x4xf32>
  return
}

// -----

func.func @pixels(%x: memref<1x2x4x4xf32>, %w: memref<3x2x2x2xf32>, %y: memref<1x3x4x4xf32>) {
  // expected-error@below {{'library.call' op expects images of 2 channels and a result of shape [1, 3, 3, 3], as the weight has them, got 2 and [1, 3, 4, 4]}}
  library.call conv2d(%x, %w) into %y : (memref<1x2x4x4xf32>, memref<3x2x2x2xf32>), memref<1x3x4x4xf32>
  return
}

// -----

func.func @gradient(%x: memref<1x2x4x4xf32>, %ct: memref<1x3x3x3xf32>, %w: memref<3x1x2x2xf32>) {
  // expected-error@below {{'library.call' op expects images of 1 channels and a result of shape [1, 3, 3, 3], as the weight has them, got 2 and [1, 3, 3, 3]}}
  library.call conv2d_weight_gradient(%x, %ct) into %w : (memref<1x2x4x4xf32>, memref<1x3x3x3xf32>), memref<3x1x2x2xf32>
  return
}
