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
