// RUN: ai-opt %s -ai-fuse-operators -split-input-file | FileCheck %s

// CHECK-LABEL: func @groups_a_contraction_with_what_follows(
//       CHECK:   ai.conv2d {{.*}} {ai.group = 0 : i64}
//       CHECK:   ai.max_pool2d {{.*}} {ai.group = 0 : i64,
//       CHECK:   ai.relu {{.*}} {ai.group = 0 : i64}
//       CHECK:   ai.flatten %{{[0-9a-z]+}} :
//       CHECK:   ai.linear {{.*}} {ai.group = 1 : i64}
//       CHECK:   ai.tanh {{.*}} {ai.group = 1 : i64}
func.func @groups_a_contraction_with_what_follows(%x: tensor<?x1x6x6xf32>, %w: tensor<2x1x3x3xf32>,
    %v: tensor<4x8xf32>) -> tensor<?x4xf32> {
  %0 = ai.conv2d %x, %w : (tensor<?x1x6x6xf32>, tensor<2x1x3x3xf32>) -> tensor<?x2x4x4xf32>
  %1 = ai.max_pool2d %0 {kernel = [2, 2]} : (tensor<?x2x4x4xf32>) -> tensor<?x2x2x2xf32>
  %2 = ai.relu %1 : (tensor<?x2x2x2xf32>) -> tensor<?x2x2x2xf32>
  %3 = ai.flatten %2 : (tensor<?x2x2x2xf32>) -> tensor<?x8xf32>
  %4 = ai.linear %3, %v : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %5 = ai.tanh %4 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %5 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func @leaves_values_with_several_readers(
//       CHECK:   ai.matmul %{{[0-9a-z]+}}, %{{[0-9a-z]+}} :
//       CHECK:   ai.softmax %{{[0-9a-z]+}} :
//       CHECK:   ai.argmax %{{[0-9a-z]+}} :
func.func @leaves_values_with_several_readers(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>)
    -> (tensor<?x4xf32>, tensor<?xi32>) {
  %0 = ai.matmul %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %1 = ai.softmax %0 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = ai.argmax %0 : (tensor<?x4xf32>) -> tensor<?xi32>
  return %1, %2 : tensor<?x4xf32>, tensor<?xi32>
}

// -----

// The gradients of a layer's parameters follow the cotangent that they need; the mask, made for one
// reader, stands before it, and updates come last.
// CHECK-LABEL: func @orders_a_backward_pass(
//  CHECK-SAME:   %[[CT:[a-z0-9]+]]: tensor<?x3xf32>, %[[H:[a-z0-9]+]]: tensor<?x4xf32>, %[[X:[a-z0-9]+]]: tensor<?x4xf32>
//  CHECK-NEXT:   %[[DW2:.*]] = ai.matmul %[[CT]], %[[H]] {transpose_lhs}
//  CHECK-NEXT:   %[[DH:.*]] = ai.matmul %[[CT]], %{{.*}} {ai.group = 0 : i64}
//  CHECK-NEXT:   %[[ZERO:.*]] = ai.constant
//  CHECK-NEXT:   %[[MASK:.*]] = ai.compare gt, %[[H]], %[[ZERO]] {ai.group = 0 : i64}
//  CHECK-NEXT:   %[[DR:.*]] = ai.select %[[MASK]], %[[DH]], %[[ZERO]] {ai.group = 0 : i64}
//  CHECK-NEXT:   %[[DW1:.*]] = ai.matmul %[[DR]], %[[X]] {transpose_lhs}
//  CHECK-NEXT:   ai.sub %{{.*}}, %[[DW2]]
//  CHECK-NEXT:   ai.sub %{{.*}}, %[[DW1]]
func.func @orders_a_backward_pass(%ct: tensor<?x3xf32>, %h: tensor<?x4xf32>, %x: tensor<?x4xf32>,
    %w1: tensor<4x4xf32>, %w2: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<4x4xf32>) {
  %zero = ai.constant dense<0.0> : tensor<f32>
  %mask = ai.compare gt, %h, %zero : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xi1>
  %dh = ai.matmul %ct, %w2 : (tensor<?x3xf32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  %dr = ai.select %mask, %dh, %zero : (tensor<?x4xi1>, tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %dw1 = ai.matmul %dr, %x {transpose_lhs} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<4x4xf32>
  %dw2 = ai.matmul %ct, %h {transpose_lhs} : (tensor<?x3xf32>, tensor<?x4xf32>) -> tensor<3x4xf32>
  %0 = ai.sub %w2, %dw2 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = ai.sub %w1, %dw1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %1 : tensor<3x4xf32>, tensor<4x4xf32>
}

// -----

// CHECK-LABEL: func @keeps_the_order_of_effects(
//  CHECK-NEXT:   call @f
//  CHECK-NEXT:   call @g
func.func private @f(tensor<4xf32>) -> tensor<4xf32>
func.func private @g(tensor<4xf32>) -> tensor<4xf32>
func.func @keeps_the_order_of_effects(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = call @g(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = ai.exp %1 : (tensor<4xf32>) -> tensor<4xf32>
  return %2, %0 : tensor<4xf32>, tensor<4xf32>
}
