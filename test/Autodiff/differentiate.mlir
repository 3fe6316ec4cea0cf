// RUN: ai-opt %s -ai-differentiate | FileCheck %s

// The function that is differentiated stays as it is.
// CHECK-LABEL: func @product(
//  CHECK-NEXT:   ai.mul
//  CHECK-NEXT:   return
func.func @product(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %0 = ai.mul %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func @product_gradient(
//  CHECK-SAME:   %[[X:.*]]: tensor<f32>, %[[Y:.*]]: tensor<f32>) -> (tensor<f32>, tensor<f32>)
//  CHECK-NEXT:   %[[ONE:.*]] = ai.constant dense<1.000000e+00>
//  CHECK-NEXT:   %[[DX:.*]] = ai.mul %[[ONE]], %[[Y]]
//  CHECK-NEXT:   %[[DY:.*]] = ai.mul %[[ONE]], %[[X]]
//  CHECK-NEXT:   return %[[DY]], %[[DX]]
ai.gradient @product wrt [1, 0]

// CHECK-LABEL: func @adds_cotangents_of_several_uses(
func.func @adds_cotangents_of_several_uses(%x: tensor<f32>) -> tensor<f32> {
  %0 = ai.exp %x : (tensor<f32>) -> tensor<f32>
  %1 = ai.mul %0, %0 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// CHECK-LABEL: func @adds_cotangents_of_several_uses_value_and_gradient(
//       CHECK:   %[[E:.*]] = ai.exp
//       CHECK:   %[[Y:.*]] = ai.mul %[[E]], %[[E]]
//       CHECK:   %[[A:.*]] = ai.mul %{{.*}}, %[[E]]
//       CHECK:   %[[B:.*]] = ai.mul %{{.*}}, %[[E]]
//       CHECK:   %[[SUM:.*]] = ai.add %[[A]], %[[B]]
//       CHECK:   %[[DX:.*]] = ai.mul %[[SUM]], %[[E]]
//       CHECK:   return %[[Y]], %[[DX]]
ai.value_and_gradient @adds_cotangents_of_several_uses wrt [0]

func.func @skips_what_is_not_asked_for(%x: tensor<3xf32>, %w: tensor<3xf32>) -> tensor<f32> {
  %0 = ai.sin %x : (tensor<3xf32>) -> tensor<3xf32>
  %1 = ai.mul %0, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %2 = ai.reduce_sum %1 {dims = [0]} : (tensor<3xf32>) -> tensor<f32>
  return %2 : tensor<f32>
}

// CHECK-LABEL: func @skips_what_is_not_asked_for_gradient(
//   CHECK-NOT:   ai.cos
//       CHECK:   return
ai.gradient @skips_what_is_not_asked_for wrt [1]

func.func @zero_where_nothing_depends(%x: tensor<3xf32>, %y: tensor<f32>) -> tensor<f32> {
  return %y : tensor<f32>
}

// CHECK-LABEL: func @zero_where_nothing_depends_gradient(
//       CHECK:   %[[ZERO:.*]] = ai.constant dense<0.000000e+00> : tensor<f32>
//       CHECK:   %[[ZEROS:.*]] = ai.broadcast %[[ZERO]] {{.*}} -> tensor<3xf32>
//       CHECK:   return %[[ZEROS]]
ai.gradient @zero_where_nothing_depends wrt [0]

// Comparisons are piecewise constant, so nothing flows through them.
func.func @choice(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %0 = ai.compare gt, %x, %y : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %1 = ai.select %0, %x, %y : (tensor<i1>, tensor<f32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// CHECK-LABEL: func @choice_gradient(
//       CHECK:   %[[P:.*]] = ai.compare gt
//       CHECK:   %[[DX:.*]] = ai.select %[[P]], %[[ONE:.*]], %
//       CHECK:   return %[[DX]]
ai.gradient @choice wrt [0]

// The rule of max_pool2d replaces the forward op by one that remembers the winners.
func.func @pool(%x: tensor<1x1x4x4xf32>) -> tensor<f32> {
  %0 = ai.max_pool2d %x {kernel = [2, 2]} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %1 = ai.reduce_sum %0 {dims = [0, 1, 2, 3]} : (tensor<1x1x2x2xf32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// CHECK-LABEL: func @pool_value_and_gradient(
//   CHECK-NOT:   ai.max_pool2d %
//       CHECK:   %[[OUT:.*]], %[[WINNER:.*]] = ai.max_pool2d_with_index
//       CHECK:   %[[Y:.*]] = ai.reduce_sum %[[OUT]]
//       CHECK:   %[[DX:.*]] = ai.max_pool2d_scatter %{{.*}}, %[[WINNER]]
//       CHECK:   return %[[Y]], %[[DX]]
ai.value_and_gradient @pool wrt [0]

// CHECK-LABEL: func @identity_outside_training(
//  CHECK-NEXT:   return %arg0
func.func @identity_outside_training(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ai.dropout %x {rate = 0.5} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
