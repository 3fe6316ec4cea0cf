// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-LABEL: func @passes_through_dropout(
//  CHECK-NEXT:   return
func.func @passes_through_dropout(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = ai.dropout %x {rate = 0.5} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// Ten rounds of two multiplications, and no state; rows of three are less than a group, so the word is the column.
// CHECK-LABEL: func @draws_a_mask(
// CHECK-SAME:      %{{.*}}: tensor<3x16xf32>, %[[SEED:.*]]: tensor<i64>, %[[STEP:.*]]: tensor<i64>, %[[FIRST:.*]]: tensor<i64>)
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
//  CHECK-SAME:       ins(%[[SEED]], %[[STEP]], %[[FIRST]] : tensor<i64>, tensor<i64>, tensor<i64>)
//       CHECK:     linalg.index 1
//       CHECK:     linalg.index 0
// CHECK-COUNT-20:  arith.mului_extended
//   CHECK-NOT:     arith.mului_extended
// CHECK-COUNT-3:   arith.select
//       CHECK:     %[[THRESHOLD:.*]] = arith.constant 1073741824 : i32
//       CHECK:     arith.cmpi uge, %{{.*}}, %[[THRESHOLD]]
//       CHECK:     arith.constant 1.33333337 : f32
func.func @draws_a_mask(%x: tensor<16x3xf32, #ai.lanes<0>>, %seed: tensor<i64>, %step: tensor<i64>, %first: tensor<i64>)
    -> tensor<16x3xf32, #ai.lanes<0>> {
  %0 = ai.dropout_mask %x, %seed, %step, %first {rate = 0.25, stream = 1}
    : (tensor<16x3xf32, #ai.lanes<0>>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<16x3xf32, #ai.lanes<0>>
  return %0 : tensor<16x3xf32, #ai.lanes<0>>
}

// Rows of eight are two groups, and the loop over a group is the innermost one.
// CHECK-LABEL: func @draws_four_at_once(
//       CHECK:   linalg.generic {indexing_maps = [{{.*}}, #[[$FOURS:.*]]], iterator_types
//  CHECK-SAME:       outs(%{{.*}} : tensor<2x8x16xf32>)
// CHECK-COUNT-20:  arith.mului_extended
//       CHECK:     linalg.index 3
// CHECK-COUNT-3:   arith.select
func.func @draws_four_at_once(%x: tensor<16x2x8xf32, #ai.lanes<0>>, %seed: tensor<i64>, %step: tensor<i64>,
                              %first: tensor<i64>) -> tensor<16x2x8xf32, #ai.lanes<0>> {
  %0 = ai.dropout_mask %x, %seed, %step, %first {rate = 0.25, stream = 1}
    : (tensor<16x2x8xf32, #ai.lanes<0>>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<16x2x8xf32, #ai.lanes<0>>
  return %0 : tensor<16x2x8xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @selects_present_samples(
//       CHECK:     linalg.index 1
//       CHECK:     arith.cmpi slt
//       CHECK:     arith.select
//   CHECK-NOT:     arith.mulf
func.func @selects_present_samples(%x: tensor<16x3xf32, #ai.lanes<0>>, %first: tensor<i64>, %count: tensor<i64>)
    -> tensor<16x3xf32, #ai.lanes<0>> {
  %0 = ai.mask_samples %x, %first, %count : (tensor<16x3xf32, #ai.lanes<0>>, tensor<i64>, tensor<i64>) -> tensor<16x3xf32, #ai.lanes<0>>
  return %0 : tensor<16x3xf32, #ai.lanes<0>>
}
