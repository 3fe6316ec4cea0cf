// RUN: ai-opt %s | ai-opt | FileCheck %s
// RUN: ai-opt %s --canonicalize --cse | FileCheck %s --check-prefix=DEAD
// RUN: ai-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --split-input-file | FileCheck %s --check-prefix=BUFFERS

// CHECK-LABEL: func @layer(
//       CHECK:   library.call matmul(%{{.*}}, %{{.*}}, %{{.*}}) into %{{.*}} {relu, transpose_rhs} : (tensor<8x4xf32>, tensor<3x4xf32>, tensor<3xf32>), tensor<8x3xf32> -> tensor<8x3xf32>
// What is written is a buffer of its own; inputs are not copied.
// BUFFERS-LABEL: func @layer(
//  BUFFERS-SAME:     %[[X:.*]]: memref<8x4xf32>, %[[W:.*]]: memref<3x4xf32>, %[[B:.*]]: memref<3xf32>) -> memref<8x3xf32>
//       BUFFERS:   %[[Y:.*]] = memref.alloc()
//   BUFFERS-NOT:   memref.copy
//       BUFFERS:   library.call matmul(%[[X]], %[[W]], %[[B]]) into %[[Y]] {relu, transpose_rhs} : (memref<8x4xf32>, memref<3x4xf32>, memref<3xf32>), memref<8x3xf32>
//       BUFFERS:   return %[[Y]]
func.func @layer(%x: tensor<8x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3xf32>) -> tensor<8x3xf32> {
  %init = tensor.empty() : tensor<8x3xf32>
  %y = library.call matmul(%x, %w, %b) into %init {relu, transpose_rhs}
    : (tensor<8x4xf32>, tensor<3x4xf32>, tensor<3xf32>), tensor<8x3xf32> -> tensor<8x3xf32>
  return %y : tensor<8x3xf32>
}

// A tensor that is still read is not written over.
// BUFFERS-LABEL: func @keeps_what_is_read(
//  BUFFERS-SAME:     %[[X:.*]]: memref<8x8xf64>
//       BUFFERS:   %[[Y:.*]] = memref.alloc()
//       BUFFERS:   library.call matmul(%[[X]], %[[X]]) into %[[Y]]
func.func @keeps_what_is_read(%x: tensor<8x8xf64>) -> tensor<8x8xf64> {
  %y = library.call matmul(%x, %x) into %x
    : (tensor<8x8xf64>, tensor<8x8xf64>), tensor<8x8xf64> -> tensor<8x8xf64>
  return %y : tensor<8x8xf64>
}

// CHECK-LABEL: func @convolutions(
//       CHECK:   library.call conv2d(%{{.*}}, %{{.*}}) into %{{.*}} {padding = array<i64: 2, 0>, stride = array<i64: 1, 2>} :
//       CHECK:   library.call conv2d_input_gradient(
//       CHECK:   library.call conv2d_weight_gradient(
// Without a reader there is no call.
//  DEAD-LABEL: func @convolutions(
//        DEAD:   library.call conv2d(
//    DEAD-NOT:   library.call
func.func @convolutions(%x: tensor<2x3x9x9xf32>, %w: tensor<4x3x5x3xf32>) -> tensor<2x4x9x4xf32> {
  %y0 = tensor.empty() : tensor<2x4x9x4xf32>
  %y = library.call conv2d(%x, %w) into %y0 {padding = array<i64: 2, 0>, stride = array<i64: 1, 2>}
    : (tensor<2x3x9x9xf32>, tensor<4x3x5x3xf32>), tensor<2x4x9x4xf32> -> tensor<2x4x9x4xf32>
  %x0 = tensor.empty() : tensor<2x3x9x9xf32>
  %dx = library.call conv2d_input_gradient(%y, %w) into %x0 {padding = array<i64: 2, 0>, stride = array<i64: 1, 2>}
    : (tensor<2x4x9x4xf32>, tensor<4x3x5x3xf32>), tensor<2x3x9x9xf32> -> tensor<2x3x9x9xf32>
  %w0 = tensor.empty() : tensor<4x3x5x3xf32>
  %dw = library.call conv2d_weight_gradient(%x, %y) into %w0 {padding = array<i64: 2, 0>, stride = array<i64: 1, 2>}
    : (tensor<2x3x9x9xf32>, tensor<2x4x9x4xf32>), tensor<4x3x5x3xf32> -> tensor<4x3x5x3xf32>
  return %y : tensor<2x4x9x4xf32>
}

// On buffers a call reads its inputs and writes the last operand.
//  DEAD-LABEL: func @on_buffers(
//        DEAD:   library.call
func.func @on_buffers(%a: memref<3x2xf64>, %b: memref<3x4xf64>, %c: memref<2x4xf64>) {
  library.call matmul(%a, %b) into %c {transpose_lhs} : (memref<3x2xf64>, memref<3x4xf64>), memref<2x4xf64>
  return
}
