// RUN: ai-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @sinks_relu_below_max_pool(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x6x28x28xf32>
//       CHECK:   %[[POOL:.*]] = ai.max_pool2d %[[X]] {kernel = [3, 3], padding = [1, 1], stride = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
//       CHECK:   %[[RELU:.*]] = ai.relu %[[POOL]] : (tensor<?x6x14x14xf32>) -> tensor<?x6x14x14xf32>
//       CHECK:   return %[[RELU]]
func.func @sinks_relu_below_max_pool(%x: tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32> {
  %0 = ai.relu %x : (tensor<?x6x28x28xf32>) -> tensor<?x6x28x28xf32>
  %1 = ai.max_pool2d %0 {kernel = [3, 3], stride = [2, 2], padding = [1, 1]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
  return %1 : tensor<?x6x14x14xf32>
}

// CHECK-LABEL: func @keeps_relu_with_two_uses(
//       CHECK:   %[[RELU:.*]] = ai.relu
//       CHECK:   ai.max_pool2d %[[RELU]]
func.func @keeps_relu_with_two_uses(%x: tensor<?x6x28x28xf32>) -> (tensor<?x6x28x28xf32>, tensor<?x6x14x14xf32>) {
  %0 = ai.relu %x : (tensor<?x6x28x28xf32>) -> tensor<?x6x28x28xf32>
  %1 = ai.max_pool2d %0 {kernel = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
  return %0, %1 : tensor<?x6x28x28xf32>, tensor<?x6x14x14xf32>
}

// CHECK-LABEL: func @folds_reshape_of_reshape(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x2x6xf32>
//       CHECK:   %[[A:.*]] = ai.reshape %[[X]] {shape = [-1, 3, 4]}
//       CHECK:   return %[[A]], %[[X]] :
func.func @folds_reshape_of_reshape(%x: tensor<?x2x6xf32>) -> (tensor<?x3x4xf32>, tensor<?x2x6xf32>) {
  %0 = ai.reshape %x {shape = [-1, 4, 3]} : (tensor<?x2x6xf32>) -> tensor<?x4x3xf32>
  %1 = ai.reshape %0 {shape = [-1, 3, 4]} : (tensor<?x4x3xf32>) -> tensor<?x3x4xf32>
  %2 = ai.flatten %x : (tensor<?x2x6xf32>) -> tensor<?x12xf32>
  %3 = ai.reshape %2 {shape = [-1, 2, 6]} : (tensor<?x12xf32>) -> tensor<?x2x6xf32>
  return %1, %3 : tensor<?x3x4xf32>, tensor<?x2x6xf32>
}

// CHECK-LABEL: func @folds_transpose_of_transpose(
//  CHECK-SAME:   %[[X:.*]]: tensor<2x3x4xf32>
//       CHECK:   %[[A:.*]] = ai.transpose %[[X]] {permutation = [2, 0, 1]} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
//       CHECK:   return %[[A]], %[[X]] :
func.func @folds_transpose_of_transpose(%x: tensor<2x3x4xf32>) -> (tensor<4x2x3xf32>, tensor<2x3x4xf32>) {
  %0 = ai.transpose %x {permutation = [1, 2, 0]} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = ai.transpose %0 {permutation = [1, 2, 0]} : (tensor<3x4x2xf32>) -> tensor<4x2x3xf32>
  %2 = ai.transpose %0 {permutation = [2, 0, 1]} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  return %1, %2 : tensor<4x2x3xf32>, tensor<2x3x4xf32>
}

// CHECK-LABEL: func @broadcasts_to_static_shape(
//  CHECK-SAME:   %[[X:.*]]: tensor<6xf32>
//       CHECK:   ai.broadcast %[[X]] {dims = [1], shape = [8, 6, 4]} : (tensor<6xf32>) -> tensor<8x6x4xf32>
func.func @broadcasts_to_static_shape(%x: tensor<6xf32>, %like: tensor<8x6x4xf32>) -> tensor<8x6x4xf32> {
  %0 = ai.broadcast_like %x, %like {dims = [1]} : (tensor<6xf32>, tensor<8x6x4xf32>) -> tensor<8x6x4xf32>
  return %0 : tensor<8x6x4xf32>
}

// CHECK-LABEL: func @keeps_broadcast_to_unknown_batch(
//       CHECK:   ai.broadcast_like
func.func @keeps_broadcast_to_unknown_batch(%x: tensor<6xf32>, %like: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %0 = ai.broadcast_like %x, %like : (tensor<6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  return %0 : tensor<?x6xf32>
}

// CHECK-LABEL: func @expands_small_powers(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x3xf32>
//       CHECK:   %[[SQUARE:.*]] = ai.mul %[[X]], %[[X]]
//       CHECK:   %[[CUBE:.*]] = ai.power
//       CHECK:   return %[[X]], %[[SQUARE]], %[[CUBE]] :
func.func @expands_small_powers(%x: tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>) {
  %one = ai.constant dense<1.0> : tensor<f32>
  %two = ai.constant dense<2.0> : tensor<f32>
  %three = ai.constant dense<3.0> : tensor<f32>
  %0 = ai.power %x, %one : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %1 = ai.power %x, %two : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %2 = ai.power %x, %three : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  return %0, %1, %2 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>
}
