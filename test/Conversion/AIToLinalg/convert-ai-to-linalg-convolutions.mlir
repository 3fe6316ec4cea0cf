// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s
// RUN: ai-opt %s --convert-ai-to-linalg=l1=14000 | FileCheck %s --check-prefix=BY-ROW
// RUN: ai-opt %s --convert-ai-to-linalg=l1=13000 | FileCheck %s

// CHECK-DAG: #[[$IMAGE:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d3, d0 * 2 + d4, d2 * 3 + d5 * 4, d6)>
// CHECK-DAG: #[[$OUT:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d0, d2, d6)>
// CHECK-DAG: #[[$INSIDE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 + 1, d2 + 2, d3)>
// CHECK-DAG: #[[$ABOVE_BELOW:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 * 6 + d2, d3, d4)>
// CHECK-DAG: #[[$BESIDE:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 + 1, d2 * 7 + d3, d4)>
// CHECK-DAG: #[[$DOWN:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 + 1, d2, d3)>
// CHECK-DAG: #[[$SCATTER:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1 + d2, d4 + d5, d6)>
// CHECK-DAG: #[[$PIXELS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d5, d6)>
// CHECK-DAG: #[[$WEIGHT:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$EACH:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3, d6)>

// Row, output channel, column; input channel, kernel; sample.
// CHECK-LABEL: func @visits_rows_first(
//       CHECK:   linalg.generic {indexing_maps = [#[[$IMAGE]], #{{.*}}, #[[$OUT]]]
func.func @visits_rows_first(%x: tensor<16x3x9x13xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> tensor<16x4x4x2xf32, #ai.lanes<0>> {
  %0 = ai.conv2d %x, %w {stride = [2, 3], dilation = [1, 4]}
    : (tensor<16x3x9x13xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x4x4x2xf32, #ai.lanes<0>>
  return %0 : tensor<16x4x4x2xf32, #ai.lanes<0>>
}

// A copy; then zeros in one row above and one below it, and in two columns on both sides.
// CHECK-LABEL: func @pads_by_a_copy_between_zeros(
//       CHECK:   %[[IMAGES:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[$INSIDE]]]{{.*}} outs({{.*}} : tensor<3x7x9x16xf32>)
//       CHECK:   %[[ROWS:.*]] = linalg.generic {indexing_maps = [{{.*}}#[[$ABOVE_BELOW]]]{{.*}} ins(%{{.*}} : tensor<2x1xi1>) outs(%[[IMAGES]]
//       CHECK:     linalg.yield %cst
//       CHECK:   %[[PADDED:.*]] = linalg.generic {indexing_maps = [{{.*}}#[[$BESIDE]]]
//  CHECK-SAME:       ins(%{{.*}}, %{{.*}} : tensor<2x2xi1>, tensor<5xi1>) outs(%[[ROWS]]
//       CHECK:   linalg.generic {{.*}} ins(%[[PADDED]], %{{.*}}
func.func @pads_by_a_copy_between_zeros(%x: tensor<16x3x5x5xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> tensor<16x4x5x7xf32, #ai.lanes<0>> {
  %0 = ai.conv2d %x, %w {padding = [1, 2]}
    : (tensor<16x3x5x5xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x4x5x7xf32, #ai.lanes<0>>
  return %0 : tensor<16x4x5x7xf32, #ai.lanes<0>>
}

// Rows alone: the loops of the copy stay in the order of memory.
// CHECK-LABEL: func @pads_rows(
//       CHECK:   linalg.generic {indexing_maps = [#{{.*}}, #[[$DOWN]]]{{.*}} outs({{.*}} : tensor<3x7x5x16xf32>)
//       CHECK:   linalg.generic {{.*}} outs({{.*}} : tensor<3x7x5x16xf32>)
//       CHECK:   linalg.generic {{.*}} outs({{.*}} : tensor<4x5x3x16xf32>)
func.func @pads_rows(%x: tensor<16x3x5x5xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> tensor<16x4x5x3xf32, #ai.lanes<0>> {
  %0 = ai.conv2d %x, %w {padding = [1, 0]}
    : (tensor<16x3x5x5xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x4x5x3xf32, #ai.lanes<0>>
  return %0 : tensor<16x4x5x3xf32, #ai.lanes<0>>
}

// Input channel, row, kernel row; output channel, column, kernel column; sample.
// CHECK-LABEL: func @scatters_the_input_gradient(
//       CHECK:   %[[ZERO:.*]] = linalg.fill ins({{.*}}) outs({{.*}} : tensor<3x7x7x16xf32>)
//       CHECK:   %[[FULL:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #{{.*}}, #[[$SCATTER]]]{{.*}} outs(%[[ZERO]]
//       CHECK:   linalg.generic {{.*}} ins(%[[FULL]] : tensor<3x7x7x16xf32>) outs({{.*}} : tensor<3x5x5x16xf32>)
func.func @scatters_the_input_gradient(%ct: tensor<16x4x5x5xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> tensor<16x3x5x5xf32, #ai.lanes<0>> {
  %0 = ai.conv2d_input_gradient %ct, %w {padding = [1, 1], input_size = [5, 5]}
    : (tensor<16x4x5x5xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x3x5x5xf32, #ai.lanes<0>>
  return %0 : tensor<16x3x5x5xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @sums_the_weight_gradient(
//       CHECK:   linalg.generic {indexing_maps = [#{{.*}}, #[[$PIXELS]], #[[$WEIGHT]]]
func.func @sums_the_weight_gradient(%x: tensor<16x3x7x7xf32, #ai.lanes<0>>, %ct: tensor<16x4x5x5xf32, #ai.lanes<0>>)
    -> tensor<4x3x3x3xf32> {
  %0 = ai.conv2d_weight_gradient %x, %ct {kernel_size = [3, 3]}
    : (tensor<16x3x7x7xf32, #ai.lanes<0>>, tensor<16x4x5x5xf32, #ai.lanes<0>>) -> tensor<4x3x3x3xf32>
  return %0 : tensor<4x3x3x3xf32>
}

// Images of 9,408 and 6,400 bytes go row by row past sums of 6,912 where the first cache holds twice the sums, but not the
// images. Else each sum runs over all pixels.
// BY-ROW-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d0, d5, d6)>
// BY-ROW-DAG: #[[$SUMS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d2, d3, d4, d6)>
// CHECK-LABEL: func @keeps_a_sum_per_sample(
//       CHECK:   linalg.generic {indexing_maps = [#{{.*}}, #[[$PIXELS]], #[[$EACH]]]
// BY-ROW-LABEL: func @keeps_a_sum_per_sample(
//       BY-ROW:   linalg.generic {indexing_maps = [#{{.*}}, #[[$ROWS]], #[[$SUMS]]], iterator_types = ["reduction",
func.func @keeps_a_sum_per_sample(%x: tensor<16x3x7x7xf32, #ai.lanes<0>>, %ct: tensor<16x4x5x5xf32, #ai.lanes<0>>)
    -> tensor<16x4x3x3x3xf32, #ai.lanes<0>> {
  %0 = ai.conv2d_weight_gradient %x, %ct {kernel_size = [3, 3], per_sample}
    : (tensor<16x3x7x7xf32, #ai.lanes<0>>, tensor<16x4x5x5xf32, #ai.lanes<0>>) -> tensor<16x4x3x3x3xf32, #ai.lanes<0>>
  return %0 : tensor<16x4x3x3x3xf32, #ai.lanes<0>>
}
