// RUN: ai-opt %s --ai-bind-results --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @result_becomes_last_argument(
//  CHECK-SAME:     %[[X:.*]]: memref<4xf32> {ai.role = "argument", llvm.noalias},
//  CHECK-SAME:     %[[OUT:.*]]: memref<4xf32> {ai.role = "result", llvm.noalias}) {
//       CHECK:   %[[T:.*]] = bufferization.to_tensor %[[X]] restrict :
//       CHECK:   %[[Y:.*]] = arith.addf %[[T]], %[[T]]
//       CHECK:   bufferization.materialize_in_destination %[[Y]] in restrict writable %[[OUT]]
//       CHECK:   return
func.func @result_becomes_last_argument(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = arith.addf %x, %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @parameter_is_updated_in_place(
//  CHECK-SAME:     %[[W:[a-z0-9]+]]: memref<4xf32>
//   CHECK-NOT:     memref<4xf32>
//       CHECK:   bufferization.to_tensor %[[W]] restrict writable
//       CHECK:   bufferization.materialize_in_destination %{{.*}} in restrict writable %[[W]]
func.func @parameter_is_updated_in_place(%w: tensor<4xf32> {ai.role = "parameter", ai.name = "w"})
    -> (tensor<4xf32> {ai.role = "parameter", ai.name = "w"}) {
  %y = arith.addf %w, %w : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @unchanged_parameter_is_not_copied(
//   CHECK-NOT:   materialize_in_destination
func.func @unchanged_parameter_is_not_copied(%w: tensor<4xf32> {ai.role = "parameter", ai.name = "w"})
    -> (tensor<4xf32> {ai.role = "parameter", ai.name = "w"}) {
  return %w : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @two_results(
//  CHECK-SAME:     %{{.*}}: memref<4xf32> {ai.role = "argument", llvm.noalias},
//  CHECK-SAME:     %[[A:.*]]: memref<4xf32> {ai.role = "result", llvm.noalias},
//  CHECK-SAME:     %[[B:.*]]: memref<4xf32> {ai.role = "result", llvm.noalias})
//       CHECK:   restrict writable %[[A]]
//       CHECK:   restrict writable %[[B]]
func.func @two_results(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y = arith.addf %x, %x : tensor<4xf32>
  %z = arith.mulf %x, %x : tensor<4xf32>
  return %y, %z : tensor<4xf32>, tensor<4xf32>
}

// -----

// Two pairs of borders around one copy of images, which end in different ones: each pair is written into a copy of its own,
// since none reads what it is put around, and bufferization would hand an empty buffer to the second.
// CHECK-LABEL: func.func @two_borders(
//   CHECK-DAG:   %[[COPY0:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<4xf32>) outs(%[[E0:[0-9]+]] :
//   CHECK-DAG:   %[[COPY1:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<4xf32>) outs(%[[E1:[0-9]+]] :
//       CHECK:   %[[ROWS1:.*]] = linalg.generic {{.*}} outs(%[[COPY1]]
//       CHECK:   %[[ROWS0:.*]] = linalg.generic {{.*}} outs(%[[COPY0]]
//       CHECK:   linalg.generic {{.*}} outs(%[[ROWS0]]
//       CHECK:   linalg.generic {{.*}} outs(%[[ROWS1]]
#range = affine_map<(d0) -> (d0)>
#inside = affine_map<(d0) -> (d0 + 2)>
#outside = affine_map<(d0, d1) -> (d0 * 6 + d1)>
#sides = affine_map<(d0, d1) -> (d0, d1)>
func.func @two_borders(%x: tensor<4xf32>, %r: tensor<2x1xi1>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %copy = linalg.generic {indexing_maps = [#range, #inside], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<8xf32>
  %rows = linalg.generic {indexing_maps = [#sides, #outside], iterator_types = ["reduction", "reduction"]} ins(%r : tensor<2x1xi1>) outs(%copy : tensor<8xf32>) {
  ^bb0(%in: i1, %out: f32):
    linalg.yield %two : f32
  } -> tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#sides, #outside], iterator_types = ["reduction", "reduction"]} ins(%r : tensor<2x1xi1>) outs(%rows : tensor<8xf32>) {
  ^bb0(%in: i1, %out: f32):
    linalg.yield %zero : f32
  } -> tensor<8xf32>
  %z = linalg.generic {indexing_maps = [#sides, #outside], iterator_types = ["reduction", "reduction"]} ins(%r : tensor<2x1xi1>) outs(%rows : tensor<8xf32>) {
  ^bb0(%in: i1, %out: f32):
    linalg.yield %one : f32
  } -> tensor<8xf32>
  return %y, %z : tensor<8xf32>, tensor<8xf32>
}
