// RUN: ai-opt %s --pass-pipeline='builtin.module(func.func(ai-fuse-updates))' | FileCheck %s

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @chain_becomes_one_op(
//  CHECK-SAME:     %[[W:.*]]: tensor<8xf32>, %[[S0:.*]]: tensor<8xf32>, %[[S1:.*]]: tensor<8xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[W]], %[[S0]], %[[S1]] :
//   CHECK-NOT:   linalg.generic
func.func @chain_becomes_one_op(%w: tensor<8xf32>, %s0: tensor<8xf32>, %s1: tensor<8xf32>) -> tensor<8xf32>
    attributes {ai.kind = "combine"} {
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%s0, %s1 : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%w, %0 : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.subf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// CHECK-LABEL: func.func @chain_of_a_finish_becomes_one_op(
//  CHECK-SAME:     %[[W:.*]]: tensor<8xf32>, %[[S0:.*]]: tensor<8xf32>, %[[S1:.*]]: tensor<8xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[W]], %[[S0]], %[[S1]] :
//   CHECK-NOT:   linalg.generic
func.func @chain_of_a_finish_becomes_one_op(%w: tensor<8xf32>, %s0: tensor<8xf32>, %s1: tensor<8xf32>) -> tensor<8xf32>
    attributes {ai.kind = "finish"} {
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%s0, %s1 : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%w, %0 : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.subf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// CHECK-LABEL: func.func @block_is_left_alone(
// CHECK-COUNT-2: linalg.generic
func.func @block_is_left_alone(%w: tensor<8xf32>) -> tensor<8xf32> attributes {ai.kind = "block"} {
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%w : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%0 : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.subf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %1 : tensor<8xf32>
}
