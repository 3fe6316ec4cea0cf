// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-DAG: #[[$CXN:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d2, d3)>


// CHECK-LABEL: func @moves_the_lane_dimension_last(
//  CHECK-SAME:     %[[X:.*]]: tensor<6x4x16xf32>) -> tensor<6x4x16xf32>
//       CHECK:   %[[OUT:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<6x4x16xf32>)
//       CHECK:   return %[[OUT]] : tensor<6x4x16xf32>
func.func @moves_the_lane_dimension_last(%x: tensor<16x6x4xf32, #ai.lanes<0>>) -> tensor<16x6x4xf32, #ai.lanes<0>> {
  %0 = ai.neg %x : (tensor<16x6x4xf32, #ai.lanes<0>>) -> tensor<16x6x4xf32, #ai.lanes<0>>
  return %0 : tensor<16x6x4xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @runs_the_lane_innermost(
//       CHECK:   linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]} ins({{.*}}) outs({{.*}} : tensor<5x16xf32>)
func.func @runs_the_lane_innermost(%x: tensor<16x7xf32, #ai.lanes<0>>, %w: tensor<5x7xf32>)
    -> tensor<16x5xf32, #ai.lanes<0>> {
  %0 = ai.linear %x, %w : (tensor<16x7xf32, #ai.lanes<0>>, tensor<5x7xf32>) -> tensor<16x5xf32, #ai.lanes<0>>
  return %0 : tensor<16x5xf32, #ai.lanes<0>>
}

// The op after a convolution visits rows first, as the convolution does.
// CHECK-LABEL: func @follows_the_loops_of_the_producer(
//       CHECK:   linalg.generic {{.*}}"reduction", "reduction", "reduction", "parallel"]
//       CHECK:   linalg.generic {indexing_maps = [#[[$CXN]], #[[$CXN]]]
//       CHECK:     arith.cmpf ogt
func.func @follows_the_loops_of_the_producer(%x: tensor<16x3x9x9xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> tensor<16x4x7x7xf32, #ai.lanes<0>> {
  %0 = ai.conv2d %x, %w : (tensor<16x3x9x9xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x4x7x7xf32, #ai.lanes<0>>
  %1 = ai.relu %0 : (tensor<16x4x7x7xf32, #ai.lanes<0>>) -> tensor<16x4x7x7xf32, #ai.lanes<0>>
  return %1 : tensor<16x4x7x7xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @inlines_splat_constants(
//       CHECK:   linalg.generic {{.*}} ins(%{{[a-z0-9]+}} : tensor<2x3xf32>)
//       CHECK:     %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
//       CHECK:     arith.mulf %{{.*}}, %[[HALF]] fastmath<contract>
func.func @inlines_splat_constants(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %c = ai.constant dense<0.5> : tensor<2x3xf32>
  %0 = ai.mul %x, %c : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @keeps_ops_of_other_dialects(
//       CHECK:   call @callee(%{{.*}}) : (tensor<3x16xf32>) -> tensor<3x16xf32>
func.func private @callee(tensor<16x3xf32, #ai.lanes<0>>) -> tensor<16x3xf32, #ai.lanes<0>>
func.func @keeps_ops_of_other_dialects(%x: tensor<16x3xf32, #ai.lanes<0>>) -> tensor<16x3xf32, #ai.lanes<0>> {
  %0 = call @callee(%x) : (tensor<16x3xf32, #ai.lanes<0>>) -> tensor<16x3xf32, #ai.lanes<0>>
  return %0 : tensor<16x3xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @leaves_linalg_alone(
//       CHECK:   linalg.matmul
func.func @leaves_linalg_alone(%a: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %0 = linalg.matmul ins(%a, %a : tensor<2x2xf32>, tensor<2x2xf32>) outs(%a : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
