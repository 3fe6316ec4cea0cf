// RUN: ai-opt %s -ai-infer-shapes | FileCheck %s

// CHECK-LABEL: ai.model @refines_to_the_result
//       CHECK:   ai.conv2d {{.*}} -> tensor<?x6x28x28xf32>
//       CHECK:   ai.relu {{.*}} : (tensor<?x6x28x28xf32>) -> tensor<?x6x28x28xf32>
//       CHECK:   ai.max_pool2d {{.*}} -> tensor<?x6x14x14xf32>
//       CHECK:   ai.flatten {{.*}} -> tensor<?x1176xf32>
//       CHECK:   ai.linear {{.*}} -> tensor<?x10xf32>
//       CHECK:   ai.return %{{.*}} : tensor<?x10xf32>
ai.model @refines_to_the_result(%x: tensor<?x1x28x28xf32>) -> tensor<?x10xf32> {
  %w1 = ai.parameter "conv.weight" : tensor<6x1x5x5xf32>
  %0 = ai.conv2d %x, %w1 {padding = [2, 2]} : (tensor<?x1x28x28xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  %1 = ai.relu %0 : (tensor<*xf32>) -> tensor<*xf32>
  %2 = ai.max_pool2d %1 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %3 = ai.flatten %2 : (tensor<*xf32>) -> tensor<*xf32>
  %w2 = ai.parameter "fc.weight" : tensor<10x1176xf32>
  %4 = ai.linear %3, %w2 : (tensor<*xf32>, tensor<10x1176xf32>) -> tensor<*xf32>
  ai.return %4 : tensor<*xf32>
}

// The caller comes first, but its callee is refined before it.
// CHECK-LABEL: func @caller
//  CHECK-SAME:   -> tensor<3xf32>
//       CHECK:   call @callee(%{{.*}}) : (tensor<3xf32>) -> tensor<3xf32>
//       CHECK:   ai.cast {{.*}} -> tensor<3xf64>
func.func @caller(%x: tensor<3xf32>) -> tensor<*xf32> {
  %0 = call @callee(%x) : (tensor<3xf32>) -> tensor<*xf32>
  %1 = ai.cast %0 : (tensor<*xf32>) -> tensor<*xf64>
  %2 = ai.cast %1 : (tensor<*xf64>) -> tensor<*xf32>
  return %2 : tensor<*xf32>
}

// CHECK-LABEL: func @callee
//  CHECK-SAME:   -> tensor<3xf32>
func.func @callee(%x: tensor<3xf32>) -> tensor<*xf32> {
  %0 = ai.exp %x : (tensor<3xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// CHECK-LABEL: func @leaves_what_is_known
//       CHECK:   ai.add %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
//       CHECK:   arith.addi
func.func @leaves_what_is_known(%x: tensor<?x4xf32>, %b: tensor<4xf32>, %i: index) -> (tensor<?x4xf32>, index) {
  %0 = ai.add %x, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %1 = arith.addi %i, %i : index
  return %0, %1 : tensor<?x4xf32>, index
}

// CHECK-LABEL: func private @leaves_declarations(tensor<*xf32>)
func.func private @leaves_declarations(tensor<*xf32>) -> tensor<*xf32>
