// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-DAG: #[[$CT:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$X:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[$DW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0 * 32 + d2, d1)>
// CHECK-DAG: #[[$STEP:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2)>

// CHECK-LABEL: func @matmul(
//  CHECK-SAME:     %[[A:.*]]: tensor<2x7xf32>, %[[B:.*]]: tensor<7x3xf32>)
//       CHECK:   %[[ZERO:.*]] = linalg.fill
//       CHECK:   linalg.generic {{.*}}"parallel", "parallel", "reduction"]} ins(%[[A]], %[[B]] : {{.*}}) outs(%[[ZERO]] : tensor<2x3xf32>)
//       CHECK:     %[[PRODUCT:.*]] = arith.mulf %{{.*}}, %{{.*}} fastmath<contract>
//       CHECK:     arith.addf %{{.*}}, %[[PRODUCT]] fastmath<contract>
func.func @matmul(%a: tensor<2x7xf32>, %b: tensor<7x3xf32>) -> tensor<2x3xf32> {
  %0 = ai.matmul %a, %b : (tensor<2x7xf32>, tensor<7x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// The gradient of a fully connected weight: output, input feature (the lane), then samples.
// CHECK-LABEL: func @sums_over_samples_innermost(
//       CHECK:   linalg.generic {indexing_maps = [#[[$CT]], #[[$X]], #[[$DW]]]
func.func @sums_over_samples_innermost(%ct: tensor<16x9xf32, #ai.lanes<0>>, %x: tensor<16x21xf32>) -> tensor<9x21xf32> {
  %0 = ai.matmul %ct, %x {transpose_lhs} : (tensor<16x9xf32, #ai.lanes<0>>, tensor<16x21xf32>) -> tensor<9x21xf32>
  return %0 : tensor<9x21xf32>
}

// Samples are the lanes and 96 long rows of weights are read element by element: 32 of them side by side, all columns, then
// the next.
// CHECK-LABEL: func @reads_32_rows_side_by_side(
//       CHECK:   linalg.generic {indexing_maps = [#{{.*}}, #[[$ROWS]], #[[$STEP]], #{{.*}}], iterator_types = ["reduction", "parallel", "reduction", "parallel"]}
func.func @reads_32_rows_side_by_side(%ct: tensor<16x96xf32, #ai.lanes<0>>, %w: tensor<96x1024xf32>) -> tensor<16x1024xf32, #ai.lanes<0>> {
  %0 = ai.matmul %ct, %w : (tensor<16x96xf32, #ai.lanes<0>>, tensor<96x1024xf32>) -> tensor<16x1024xf32, #ai.lanes<0>>
  return %0 : tensor<16x1024xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @starts_from_the_bias(
//  CHECK-SAME:     %[[B:[a-z0-9]+]]: tensor<5xf32>)
//       CHECK:   %[[BIAS:.*]] = linalg.generic {{.*}} ins(%[[B]] : tensor<5xf32>)
//       CHECK:   linalg.generic {{.*}} outs(%[[BIAS]] : tensor<2x5xf32>)
func.func @starts_from_the_bias(%x: tensor<2x7xf32>, %w: tensor<5x7xf32>, %b: tensor<5xf32>) -> tensor<2x5xf32> {
  %0 = ai.linear %x, %w, %b : (tensor<2x7xf32>, tensor<5x7xf32>, tensor<5xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// CHECK-LABEL: func @accumulates_in_place(
//  CHECK-SAME:     %[[SLOT:[a-z0-9]+]]: tensor<9x21xf32>,
//   CHECK-NOT:   linalg.fill
//       CHECK:   %[[SUM:.*]] = linalg.generic {{.*}} outs(%[[SLOT]] : tensor<9x21xf32>)
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[SUM]]
func.func @accumulates_in_place(%slot: tensor<9x21xf32>, %ct: tensor<16x9xf32>, %x: tensor<16x21xf32>) -> tensor<9x21xf32> {
  %0 = ai.matmul %ct, %x {transpose_lhs} : (tensor<16x9xf32>, tensor<16x21xf32>) -> tensor<9x21xf32>
  %1 = ai.add %slot, %0 : (tensor<9x21xf32>, tensor<9x21xf32>) -> tensor<9x21xf32>
  return %1 : tensor<9x21xf32>
}

// CHECK-LABEL: func @accumulates_a_reduction_in_place(
//  CHECK-SAME:     %[[SLOT:[a-z0-9]+]]: tensor<6x16xf32>,
//   CHECK-NOT:   linalg.fill
//       CHECK:   linalg.generic {{.*}} outs(%[[SLOT]] : tensor<6x16xf32>)
//   CHECK-NOT:   linalg.generic
func.func @accumulates_a_reduction_in_place(%slot: tensor<16x6xf32, #ai.lanes<0>>,
    %ct: tensor<16x6x5x5xf32, #ai.lanes<0>>) -> tensor<16x6xf32, #ai.lanes<0>> {
  %0 = ai.reduce_sum %ct {dims = [2, 3]} : (tensor<16x6x5x5xf32, #ai.lanes<0>>) -> tensor<16x6xf32, #ai.lanes<0>>
  %1 = ai.add %slot, %0 : (tensor<16x6xf32, #ai.lanes<0>>, tensor<16x6xf32, #ai.lanes<0>>) -> tensor<16x6xf32, #ai.lanes<0>>
  return %1 : tensor<16x6xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @keeps_a_sum_with_two_uses(
//       CHECK:   %[[SUM:.*]] = linalg.generic {{.*}}"reduction"]
//       CHECK:   %[[TOTAL:.*]] = linalg.generic {{.*}}["parallel", "parallel"]
//       CHECK:   return %[[SUM]], %[[TOTAL]]
func.func @keeps_a_sum_with_two_uses(%slot: tensor<2x3xf32>, %a: tensor<2x7xf32>, %b: tensor<7x3xf32>)
    -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = ai.matmul %a, %b : (tensor<2x7xf32>, tensor<7x3xf32>) -> tensor<2x3xf32>
  %1 = ai.add %slot, %0 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>
}

// What an optimizer makes of its state is added behind the sum.
// CHECK-LABEL: func @adds_a_scaled_state_behind(
//       CHECK:   %[[SUM:.*]] = linalg.generic {{.*}}"reduction"]
//       CHECK:   linalg.generic {{.*}}["parallel", "parallel"]{{.*}} ins({{.*}}%[[SUM]]
func.func @adds_a_scaled_state_behind(%state: tensor<2x3xf32>, %momentum: tensor<f32>, %a: tensor<2x7xf32>, %b: tensor<7x3xf32>)
    -> tensor<2x3xf32> {
  %0 = ai.matmul %a, %b : (tensor<2x7xf32>, tensor<7x3xf32>) -> tensor<2x3xf32>
  %1 = ai.mul %state, %momentum : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %2 = ai.add %1, %0 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}
