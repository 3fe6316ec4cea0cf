// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-DAG: #[[$FROM:.*]] = affine_map<(d0, d1, d2) -> (d1, d2, d0)>
// CHECK-DAG: #[[$CHANNEL:.*]] = affine_map<(d0, d1, d2) -> (d0)>

// CHECK-LABEL: func @flattens_without_moving_data(
//       CHECK:   %[[FLAT:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1, 2], [3]] : tensor<6x5x5x16xf32> into tensor<150x16xf32>
//       CHECK:   return %[[FLAT]]
func.func @flattens_without_moving_data(%x: tensor<16x6x5x5xf32, #ai.lanes<0>>) -> tensor<16x150xf32, #ai.lanes<0>> {
  %0 = ai.flatten %x : (tensor<16x6x5x5xf32, #ai.lanes<0>>) -> tensor<16x150xf32, #ai.lanes<0>>
  return %0 : tensor<16x150xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @reshapes_through_one_dimension(
//       CHECK:   tensor.collapse_shape %{{.*}} : tensor<2x6xf32> into tensor<12xf32>
//       CHECK:   tensor.expand_shape %{{.*}} : tensor<12xf32> into tensor<3x4xf32>
func.func @reshapes_through_one_dimension(%x: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %0 = ai.reshape %x {shape = [3, 4]} : (tensor<2x6xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func @copies_where_the_lane_changes(
//       CHECK:   linalg.generic
//       CHECK:   tensor.expand_shape
//       CHECK:   linalg.generic
func.func @copies_where_the_lane_changes(%x: tensor<16x6xf32, #ai.lanes<0>>) -> tensor<2x8x6xf32, #ai.lanes<0>> {
  %0 = ai.reshape %x {shape = [2, 8, 6]} : (tensor<16x6xf32, #ai.lanes<0>>) -> tensor<2x8x6xf32, #ai.lanes<0>>
  return %0 : tensor<2x8x6xf32, #ai.lanes<0>>
}

// A transposition of long rows: the dimensions beside the lane are one.
// CHECK-LABEL: func @changes_the_layout(
//       CHECK:   tensor.collapse_shape %{{.*}} : tensor<16x6x5x5xf32> into tensor<16x150xf32>
//       CHECK:   linalg.generic
//       CHECK:   tensor.expand_shape %{{.*}} into tensor<6x5x5x16xf32>
func.func @changes_the_layout(%x: tensor<16x6x5x5xf32>) -> tensor<16x6x5x5xf32, #ai.lanes<0>> {
  %0 = ai.relayout %x : tensor<16x6x5x5xf32> -> tensor<16x6x5x5xf32, #ai.lanes<0>>
  return %0 : tensor<16x6x5x5xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @leaves_a_layout_that_stays(
//  CHECK-NEXT:   return
func.func @leaves_a_layout_that_stays(%x: tensor<16xf32>) -> tensor<16xf32, #ai.lanes<0>> {
  %0 = ai.relayout %x : tensor<16xf32> -> tensor<16xf32, #ai.lanes<0>>
  return %0 : tensor<16xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @transposes(
//       CHECK:   linalg.generic {indexing_maps = [#[[$FROM]],
func.func @transposes(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %0 = ai.transpose %x {permutation = [2, 0, 1]} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return %0 : tensor<4x2x3xf32>
}

// CHECK-LABEL: func @broadcasts(
//       CHECK:   linalg.generic {indexing_maps = [#[[$CHANNEL]],
func.func @broadcasts(%x: tensor<6xf32>) -> tensor<16x6x4xf32, #ai.lanes<0>> {
  %0 = ai.broadcast %x {shape = [16, 6, 4], dims = [1]} : (tensor<6xf32>) -> tensor<16x6x4xf32, #ai.lanes<0>>
  return %0 : tensor<16x6x4xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @broadcasts_like(
//  CHECK-SAME:     %[[X:.*]]: tensor<2xf32>, %{{.*}}: tensor<2x3xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[X]] : tensor<2xf32>)
func.func @broadcasts_like(%x: tensor<2xf32>, %like: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = ai.broadcast_like %x, %like {dims = [0]} : (tensor<2xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @writes_constants(
//       CHECK:   arith.constant dense<{{\[\[}}1, 2], [3, 4]]> : tensor<2x2xi32>
func.func @writes_constants() -> tensor<2x2xi32> {
  %0 = ai.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}
