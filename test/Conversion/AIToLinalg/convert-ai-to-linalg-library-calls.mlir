// RUN: ai-opt %s --convert-ai-to-linalg=calls-libraries --canonicalize --cse | FileCheck %s
// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s --check-prefix=OURS

// OURS-NOT: library.call

// The border is the library's; the bias is added afterwards.
// CHECK-LABEL: func @convolution(
//  CHECK-SAME:     %[[X:.*]]: tensor<8x3x9x9xf32>, %[[W:.*]]: tensor<4x3x5x5xf32>, %[[B:.*]]: tensor<4xf32>)
//       CHECK:   %[[Y:.*]] = library.call conv2d(%[[X]], %[[W]]) into %{{.*}} {dilation = array<i64: 1, 2>, padding = array<i64: 2, 4>, stride = array<i64: 2, 1>}
//       CHECK:   linalg.generic {{.*}}["parallel", "parallel", "parallel", "parallel"]} ins(%[[Y]], %[[B]] :
//       CHECK:     arith.addf
//   CHECK-NOT:   linalg.generic
func.func @convolution(%x: tensor<8x3x9x9xf32>, %w: tensor<4x3x5x5xf32>, %b: tensor<4xf32>) -> tensor<8x4x5x9xf32> {
  %y = ai.conv2d %x, %w, %b {padding = [2, 4], stride = [2, 1], dilation = [1, 2]}
    : (tensor<8x3x9x9xf32>, tensor<4x3x5x5xf32>, tensor<4xf32>) -> tensor<8x4x5x9xf32>
  return %y : tensor<8x4x5x9xf32>
}

// CHECK-LABEL: func @gradients(
//  CHECK-SAME:     %[[X:.*]]: tensor<8x3x9x9xf64>, %[[W:.*]]: tensor<4x3x5x5xf64>, %[[CT:.*]]: tensor<8x4x9x9xf64>)
//   CHECK-NOT:   linalg
//       CHECK:   library.call conv2d_input_gradient(%[[CT]], %[[W]]) into %{{.*}} {padding = array<i64: 2, 2>} : (tensor<8x4x9x9xf64>, tensor<4x3x5x5xf64>), tensor<8x3x9x9xf64>
//   CHECK-NOT:   linalg
//       CHECK:   library.call conv2d_weight_gradient(%[[X]], %[[CT]]) into %{{.*}} {padding = array<i64: 2, 2>} : (tensor<8x3x9x9xf64>, tensor<8x4x9x9xf64>), tensor<4x3x5x5xf64>
//   CHECK-NOT:   linalg
func.func @gradients(%x: tensor<8x3x9x9xf64>, %w: tensor<4x3x5x5xf64>, %ct: tensor<8x4x9x9xf64>)
    -> (tensor<8x3x9x9xf64>, tensor<4x3x5x5xf64>) {
  %dx = ai.conv2d_input_gradient %ct, %w {padding = [2, 2], input_size = [9, 9]}
    : (tensor<8x4x9x9xf64>, tensor<4x3x5x5xf64>) -> tensor<8x3x9x9xf64>
  %dw = ai.conv2d_weight_gradient %x, %ct {padding = [2, 2], kernel_size = [5, 5]}
    : (tensor<8x3x9x9xf64>, tensor<8x4x9x9xf64>) -> tensor<4x3x5x5xf64>
  return %dx, %dw : tensor<8x3x9x9xf64>, tensor<4x3x5x5xf64>
}

// A layer takes its bias and the relu behind it along.
// CHECK-LABEL: func @layers(
//       CHECK:   %[[H:.*]] = library.call matmul(%{{.*}}, %{{.*}}, %{{.*}}) into %{{.*}} {relu, transpose_rhs}
//   CHECK-NOT:   linalg
//       CHECK:   library.call matmul(%[[H]], %{{.*}}) into %{{.*}} {transpose_rhs}
//   CHECK-NOT:   library.call
//       CHECK:   return
func.func @layers(%x: tensor<8x4xf32>, %w: tensor<5x4xf32>, %b: tensor<5xf32>, %v: tensor<3x5xf32>) -> tensor<8x3xf32> {
  %0 = ai.linear %x, %w, %b : (tensor<8x4xf32>, tensor<5x4xf32>, tensor<5xf32>) -> tensor<8x5xf32>
  %1 = ai.relu %0 : (tensor<8x5xf32>) -> tensor<8x5xf32>
  %2 = ai.linear %1, %v : (tensor<8x5xf32>, tensor<3x5xf32>) -> tensor<8x3xf32>
  return %2 : tensor<8x3xf32>
}

// Somebody wants what was there before the relu.
// CHECK-LABEL: func @read_twice(
//       CHECK:   library.call matmul(%{{.*}}, %{{.*}}, %{{.*}}) into %{{.*}} {transpose_rhs}
//   CHECK-NOT:   library.call
func.func @read_twice(%x: tensor<8x4xf32>, %w: tensor<5x4xf32>, %b: tensor<5xf32>) -> (tensor<8x5xf32>, tensor<8x5xf32>) {
  %0 = ai.linear %x, %w, %b : (tensor<8x4xf32>, tensor<5x4xf32>, tensor<5xf32>) -> tensor<8x5xf32>
  %1 = ai.relu %0 : (tensor<8x5xf32>) -> tensor<8x5xf32>
  return %0, %1 : tensor<8x5xf32>, tensor<8x5xf32>
}

// cuBLASLt has no epilogue in f64.
// CHECK-LABEL: func @double(
//       CHECK:   %[[Y:.*]] = library.call matmul(%{{.*}}, %{{.*}}) into %{{.*}} {transpose_rhs}
//       CHECK:   linalg.generic {{.*}} ins(%[[Y]], %{{.*}} : tensor<8x5xf64>, tensor<5xf64>)
func.func @double(%x: tensor<8x4xf64>, %w: tensor<5x4xf64>, %b: tensor<5xf64>) -> tensor<8x5xf64> {
  %0 = ai.linear %x, %w, %b : (tensor<8x4xf64>, tensor<5x4xf64>, tensor<5xf64>) -> tensor<8x5xf64>
  %1 = ai.relu %0 : (tensor<8x5xf64>) -> tensor<8x5xf64>
  return %1 : tensor<8x5xf64>
}

// CHECK-LABEL: func @product(
//       CHECK:   library.call matmul(%{{.*}}, %{{.*}}) into %{{.*}} {transpose_lhs} : (tensor<4x8xf32>, tensor<4x3xf32>), tensor<8x3xf32>
func.func @product(%a: tensor<4x8xf32>, %b: tensor<4x3xf32>) -> tensor<8x3xf32> {
  %0 = ai.matmul %a, %b {transpose_lhs} : (tensor<4x8xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  return %0 : tensor<8x3xf32>
}

// Samples as lanes, and sums of nothing, are no library's affair.
// CHECK-LABEL: func @ours(
//   CHECK-NOT:   library.call
func.func @ours(%a: tensor<8x4xf32, #ai.lanes<0>>, %b: tensor<4x3xf32>, %e: tensor<8x0xf32>, %f: tensor<0x3xf32>)
    -> (tensor<8x3xf32, #ai.lanes<0>>, tensor<8x3xf32>) {
  %0 = ai.matmul %a, %b : (tensor<8x4xf32, #ai.lanes<0>>, tensor<4x3xf32>) -> tensor<8x3xf32, #ai.lanes<0>>
  %1 = ai.matmul %e, %f : (tensor<8x0xf32>, tensor<0x3xf32>) -> tensor<8x3xf32>
  return %0, %1 : tensor<8x3xf32, #ai.lanes<0>>, tensor<8x3xf32>
}
