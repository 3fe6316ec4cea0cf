// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-DAG: #[[$LANE_LAST:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3)>
// CHECK-DAG: #[[$KEPT:.*]] = affine_map<(d0, d1) -> (d0, 0)>

// CHECK-LABEL: func @keeps_the_lane(
//       CHECK:   linalg.generic {indexing_maps = [#{{.*}}, #[[$LANE_LAST]]], iterator_types = ["parallel", "reduction", "reduction", "parallel"]}
func.func @keeps_the_lane(%x: tensor<16x6x4x4xf32, #ai.lanes<0>>) -> tensor<16x6xf32, #ai.lanes<0>> {
  %0 = ai.reduce_sum %x {dims = [2, 3]} : (tensor<16x6x4x4xf32, #ai.lanes<0>>) -> tensor<16x6xf32, #ai.lanes<0>>
  return %0 : tensor<16x6xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @keeps_dims(
//       CHECK:   linalg.generic {indexing_maps = [#{{.*}}, #[[$KEPT]]]
func.func @keeps_dims(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %0 = ai.reduce_max %x {dims = [1], keepdims} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: func @divides_by_the_count(
//       CHECK:   linalg.generic {{.*}}["reduction", "reduction"]
//       CHECK:     %[[COUNT:.*]] = arith.constant 6.0
//       CHECK:     arith.divf %{{.*}}, %[[COUNT]]
func.func @divides_by_the_count(%x: tensor<2x3xf64>) -> tensor<f64> {
  %0 = ai.reduce_mean %x {dims = [0, 1]} : (tensor<2x3xf64>) -> tensor<f64>
  return %0 : tensor<f64>
}

// CHECK-LABEL: func @carries_value_and_position(
//       CHECK:   %[[RESULT:.*]]:2 = linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<2xf32>, tensor<2xi32>)
//       CHECK:     linalg.index 1
//       CHECK:   return %[[RESULT]]#1
func.func @carries_value_and_position(%x: tensor<2x3xf32>) -> tensor<2xi32> {
  %0 = ai.argmax %x : (tensor<2x3xf32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}
