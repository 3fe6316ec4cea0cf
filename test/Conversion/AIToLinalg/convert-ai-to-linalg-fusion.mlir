// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-LABEL: func @fuses_a_comparison_into_its_selection(
//  CHECK-SAME:     %[[A:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<4xf32>)
//       CHECK:     %[[WINS:.*]] = arith.cmpf ogt
//       CHECK:     arith.select %[[WINS]]
//   CHECK-NOT:   linalg.generic
func.func @fuses_a_comparison_into_its_selection(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ai.compare gt, %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %1 = ai.select %0, %a, %b : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// The winners, which others read as well, come from the fused op.
// CHECK-LABEL: func @keeps_results_that_others_read(
//       CHECK:   %[[BOTH:.*]]:2 = linalg.generic
//       CHECK:     linalg.yield %{{.*}}, %{{.*}} : i8, f32
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[BOTH]]#1, %[[BOTH]]#0
func.func @keeps_results_that_others_read(%x: tensor<2x3x4x4xf32>) -> (tensor<2x3x2x2xf32>, tensor<2x3x2x2xi8>) {
  %0:2 = ai.max_pool2d_with_index %x {kernel = [2, 2]} : (tensor<2x3x4x4xf32>) -> (tensor<2x3x2x2xf32>, tensor<2x3x2x2xi8>)
  %1 = ai.relu %0#0 : (tensor<2x3x2x2xf32>) -> tensor<2x3x2x2xf32>
  return %1, %0#1 : tensor<2x3x2x2xf32>, tensor<2x3x2x2xi8>
}

// CHECK-LABEL: func @keeps_a_value_with_two_readers(
//       CHECK:     math.exp
//       CHECK:   linalg.generic
//       CHECK:     arith.mulf
//       CHECK:   linalg.generic
//       CHECK:     arith.addf
func.func @keeps_a_value_with_two_readers(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = ai.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = ai.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = ai.add %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// Inside the sum, or for each column, it would be computed again and again.
// CHECK-LABEL: func @keeps_what_is_read_again_and_again(
//       CHECK:     math.exp
//       CHECK:   linalg.generic {{.*}}"reduction"]
//       CHECK:     math.log
//       CHECK:   linalg.generic {{.*}}["parallel", "parallel"]
//       CHECK:     arith.addf
func.func @keeps_what_is_read_again_and_again(%x: tensor<4x5xf32>, %w: tensor<6x5xf32>, %b: tensor<6xf32>) -> tensor<4x6xf32> {
  %0 = ai.exp %x : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %1 = ai.linear %0, %w : (tensor<4x5xf32>, tensor<6x5xf32>) -> tensor<4x6xf32>
  %2 = ai.log %b : (tensor<6xf32>) -> tensor<6xf32>
  %3 = ai.add %1, %2 : (tensor<4x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return %3 : tensor<4x6xf32>
}
