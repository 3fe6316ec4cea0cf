// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-LABEL: func @subtracts_the_largest_logit(
//  CHECK-SAME:     %[[X:.*]]: tensor<10x16xf32>
//       CHECK:   %[[MAX:.*]] = linalg.generic {{.*}}["reduction", "parallel"]{{.*}} ins(%[[X]]
//       CHECK:   %[[EXP:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[MAX]]
//       CHECK:     arith.subf
//       CHECK:     math.exp
//       CHECK:   %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[EXP]]
//       CHECK:   linalg.generic {{.*}} ins(%[[EXP]], %[[SUM]]
//       CHECK:     arith.divf
func.func @subtracts_the_largest_logit(%x: tensor<16x10xf32, #ai.lanes<0>>) -> tensor<16x10xf32, #ai.lanes<0>> {
  %0 = ai.softmax %x : (tensor<16x10xf32, #ai.lanes<0>>) -> tensor<16x10xf32, #ai.lanes<0>>
  return %0 : tensor<16x10xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @takes_the_logarithm_of_the_sum(
//       CHECK:     math.exp
//       CHECK:     math.log
//       CHECK:     arith.subf
func.func @takes_the_logarithm_of_the_sum(%x: tensor<2x10xf64>) -> tensor<2x10xf64> {
  %0 = ai.log_softmax %x : (tensor<2x10xf64>) -> tensor<2x10xf64>
  return %0 : tensor<2x10xf64>
}

// CHECK-LABEL: func @picks_the_label(
//       CHECK:     math.log
//       CHECK:   linalg.generic {{.*}}["parallel", "reduction"]
//       CHECK:     %[[CLASS:.*]] = linalg.index 1
//       CHECK:     %[[HERE:.*]] = arith.index_cast %[[CLASS]] : index to i32
//       CHECK:     arith.cmpi eq, %[[HERE]]
func.func @picks_the_label(%x: tensor<2x10xf32>, %labels: tensor<2xi32>) -> tensor<2xf32> {
  %0 = ai.cross_entropy %x, %labels : (tensor<2x10xf32>, tensor<2xi32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func @negates_the_label(
//       CHECK:     arith.cmpi eq
//       CHECK:     arith.negf
func.func @negates_the_label(%x: tensor<2x10xf32>, %labels: tensor<2xi32>) -> tensor<2xf32> {
  %0 = ai.nll_loss %x, %labels : (tensor<2x10xf32>, tensor<2xi32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func @averages_squares(
//       CHECK:   linalg.generic {{.*}}"reduction", "reduction"]
//       CHECK:     %[[COUNT:.*]] = arith.constant 6.0
//       CHECK:     arith.divf %{{.*}}, %[[COUNT]]
func.func @averages_squares(%x: tensor<4x2x3xf32>, %t: tensor<4x2x3xf32>) -> tensor<4xf32> {
  %0 = ai.mse_loss %x, %t : (tensor<4x2x3xf32>, tensor<4x2x3xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @one_hot(
//       CHECK:     arith.cmpi eq
//       CHECK:     arith.select %{{.*}} : f32
func.func @one_hot(%labels: tensor<4xi32>) -> tensor<4x10xf32> {
  %0 = ai.one_hot %labels {classes = 10} : (tensor<4xi32>) -> tensor<4x10xf32>
  return %0 : tensor<4x10xf32>
}
