// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-DAG: #[[$WINDOWS:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7, d8) -> (d1, d0, d2, d3, d4, d8)>
// CHECK-DAG: #[[$POOLED:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d2, d3)>
// CHECK-DAG: #[[$TILE:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 2 + d3, d2 * 2 + d4, d5)>

// CHECK-LABEL: func @reads_a_small_window_at_once(
//       CHECK:   linalg.generic {{.*}} ins(%[[X:.*]], %[[X]], %[[X]], %[[X]] : {{.*}}) outs(%{{.*}}, %{{.*}} : tensor<6x4x4x16xf32>, tensor<6x4x4x16xi8>)
//       CHECK:     %[[UGT:.*]] = arith.cmpf ugt
//       CHECK:     %[[ORD:.*]] = arith.cmpf ord
//       CHECK:     %[[WINS:.*]] = arith.andi %[[UGT]], %[[ORD]]
//       CHECK:     arith.select %[[WINS]], %{{.*}} : f32
//       CHECK:     arith.select %[[WINS]], %{{.*}} : i8
func.func @reads_a_small_window_at_once(%x: tensor<16x6x8x8xf32, #ai.lanes<0>>)
    -> (tensor<16x6x4x4xf32, #ai.lanes<0>>, tensor<16x6x4x4xi8, #ai.lanes<0>>) {
  %0:2 = ai.max_pool2d_with_index %x {kernel = [2, 2]} : (tensor<16x6x8x8xf32, #ai.lanes<0>>)
    -> (tensor<16x6x4x4xf32, #ai.lanes<0>>, tensor<16x6x4x4xi8, #ai.lanes<0>>)
  return %0#0, %0#1 : tensor<16x6x4x4xf32, #ai.lanes<0>>, tensor<16x6x4x4xi8, #ai.lanes<0>>
}

// CHECK-LABEL: func @loops_over_a_large_window(
//       CHECK:   linalg.generic {{.*}}"reduction", "reduction"]
//       CHECK:   linalg.generic {{.*}}["parallel", "parallel", "parallel", "parallel"]
//       CHECK:     arith.divf
func.func @loops_over_a_large_window(%x: tensor<2x6x10x10xf32>) -> tensor<2x6x2x2xf32> {
  %0 = ai.avg_pool2d %x {kernel = [5, 5]} : (tensor<2x6x10x10xf32>) -> tensor<2x6x2x2xf32>
  return %0 : tensor<2x6x2x2xf32>
}

// CHECK-LABEL: func @never_lets_padding_win(
//       CHECK:   %[[COPY:.*]] = linalg.generic {{.*}} outs({{.*}} : tensor<2x6x10x10xf32>)
//       CHECK:   %[[ROWS:.*]] = linalg.generic {{.*}} outs(%[[COPY]] : tensor<2x6x10x10xf32>)
//       CHECK:     %[[LOW:.*]] = arith.constant 0xFF800000 : f32
//  CHECK-NEXT:     linalg.yield %[[LOW]]
//       CHECK:   linalg.generic {{.*}} outs(%[[ROWS]] : tensor<2x6x10x10xf32>)
//       CHECK:     %[[ALSO_LOW:.*]] = arith.constant 0xFF800000 : f32
//  CHECK-NEXT:     linalg.yield %[[ALSO_LOW]]
//       CHECK:   linalg.generic
//       CHECK:     linalg.index 2
//       CHECK:     arith.maxsi
func.func @never_lets_padding_win(%x: tensor<2x6x8x8xf32>) -> tensor<2x6x5x5xi8> {
  %0:2 = ai.max_pool2d_with_index %x {kernel = [2, 2], padding = [1, 1]}
    : (tensor<2x6x8x8xf32>) -> (tensor<2x6x5x5xf32>, tensor<2x6x5x5xi8>)
  return %0#1 : tensor<2x6x5x5xi8>
}

// CHECK-LABEL: func @computes_a_convolution_in_windows(
//       CHECK:   %[[CONV:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #{{.*}}, #[[$WINDOWS]]]{{.*}} outs({{.*}} : tensor<4x3x3x2x2x16xf32>)
//       CHECK:   linalg.generic {{.*}}, #[[$POOLED]]]{{.*}} ins(%[[CONV]], %[[CONV]], %[[CONV]], %[[CONV]] :
//   CHECK-NOT:   linalg.generic
func.func @computes_a_convolution_in_windows(%x: tensor<16x3x9x9xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> tensor<16x4x3x3xf32, #ai.lanes<0>> {
  %0 = ai.conv2d %x, %w : (tensor<16x3x9x9xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x4x7x7xf32, #ai.lanes<0>>
  %1 = ai.max_pool2d %0 {kernel = [2, 2]} : (tensor<16x4x7x7xf32, #ai.lanes<0>>) -> tensor<16x4x3x3xf32, #ai.lanes<0>>
  return %1 : tensor<16x4x3x3xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @keeps_a_convolution_that_others_read(
//       CHECK:   linalg.generic {{.*}} outs({{.*}} : tensor<4x7x7x16xf32>)
func.func @keeps_a_convolution_that_others_read(%x: tensor<16x3x9x9xf32, #ai.lanes<0>>, %w: tensor<4x3x3x3xf32>)
    -> (tensor<16x4x7x7xf32, #ai.lanes<0>>, tensor<16x4x3x3xf32, #ai.lanes<0>>) {
  %0 = ai.conv2d %x, %w : (tensor<16x3x9x9xf32, #ai.lanes<0>>, tensor<4x3x3x3xf32>) -> tensor<16x4x7x7xf32, #ai.lanes<0>>
  %1 = ai.max_pool2d %0 {kernel = [2, 2]} : (tensor<16x4x7x7xf32, #ai.lanes<0>>) -> tensor<16x4x3x3xf32, #ai.lanes<0>>
  return %0, %1 : tensor<16x4x7x7xf32, #ai.lanes<0>>, tensor<16x4x3x3xf32, #ai.lanes<0>>
}

// Windows that tile the input write each element once, and no zeros before.
// CHECK-LABEL: func @writes_tiles(
//       CHECK:   arith.constant dense<{{\[\[}}0, 1], [2, 3]]> : tensor<2x2xi8>
//   CHECK-NOT:   linalg.fill
//       CHECK:   linalg.generic {indexing_maps = [{{.*}}, #[[$TILE]]]
//   CHECK-NOT:     arith.addf
func.func @writes_tiles(%ct: tensor<16x6x4x4xf32, #ai.lanes<0>>, %winner: tensor<16x6x4x4xi8, #ai.lanes<0>>)
    -> tensor<16x6x8x8xf32, #ai.lanes<0>> {
  %0 = ai.max_pool2d_scatter %ct, %winner {kernel = [2, 2], input_size = [8, 8]}
    : (tensor<16x6x4x4xf32, #ai.lanes<0>>, tensor<16x6x4x4xi8, #ai.lanes<0>>) -> tensor<16x6x8x8xf32, #ai.lanes<0>>
  return %0 : tensor<16x6x8x8xf32, #ai.lanes<0>>
}

// CHECK-LABEL: func @adds_overlapping_windows(
//       CHECK:   linalg.fill
//       CHECK:   linalg.generic
//       CHECK:     arith.addf
func.func @adds_overlapping_windows(%ct: tensor<2x6x3x3xf32>) -> tensor<2x6x7x7xf32> {
  %0 = ai.avg_pool2d_gradient %ct {kernel = [3, 3], stride = [2, 2], input_size = [7, 7]}
    : (tensor<2x6x3x3xf32>) -> tensor<2x6x7x7xf32>
  return %0 : tensor<2x6x7x7xf32>
}

// With lanes an element gathers the windows that it belongs to, those at the same place of a stride in one nest: of 3x3
// windows at every second place four, two, two and one. Indices reach into a border of zeros.
// CHECK-LABEL: func @gathers_overlapping_windows(
//       CHECK:   linalg.generic {{.*}} ins(%arg0 : tensor<1x3x3x6xf32>) outs(%{{.*}} : tensor<1x7x7x6xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[CT:[0-9]+]], %[[CT]], %[[CT]], %[[CT]], %{{.*}} : {{.*}} tensor<4x4xi1>) outs({{.*}} : tensor<1x7x7x6xf32>)
// CHECK-COUNT-4:   arith.mulf
//       CHECK:     linalg.yield
//       CHECK:   linalg.generic {{.*}} ins(%[[CT]], %[[CT]], %{{.*}} : {{.*}} tensor<4x3xi1>)
//       CHECK:   linalg.generic {{.*}} ins(%[[CT]], %[[CT]], %{{.*}} : {{.*}} tensor<3x4xi1>)
//       CHECK:   linalg.generic {{.*}} ins(%[[CT]], %{{[^,]*}} : {{.*}} tensor<3x3xi1>)
//   CHECK-NOT:   linalg.generic
func.func @gathers_overlapping_windows(%ct: tensor<1x6x3x3xf32, #ai.lanes<1>>) -> tensor<1x6x7x7xf32, #ai.lanes<1>> {
  %0 = ai.avg_pool2d_gradient %ct {kernel = [3, 3], stride = [2, 2], input_size = [7, 7]}
    : (tensor<1x6x3x3xf32, #ai.lanes<1>>) -> tensor<1x6x7x7xf32, #ai.lanes<1>>
  return %0 : tensor<1x6x7x7xf32, #ai.lanes<1>>
}

// CHECK-LABEL: func @gathers_what_overlapping_windows_won(
//       CHECK:   linalg.generic {{.*}} outs({{.*}} : tensor<1x7x7x6xi8>)
//       CHECK:   linalg.generic {{.*}} ins(%[[CT:[0-9]+]], %[[AT:[0-9]+]], %[[CT]], %[[AT]], %[[CT]], %[[AT]], %[[CT]], %[[AT]], %{{.*}} : {{.*}} tensor<4x4xi1>)
//  CHECK-NEXT:   ^bb0(%[[CT0:[^:]*]]: f32, %[[AT0:[^:]*]]: i8,
//       CHECK:     %[[WON:.*]] = arith.cmpi eq, %[[AT0]], %{{.*}} : i8
//       CHECK:     arith.select %[[WON]], %[[CT0]], %{{.*}} : f32
// CHECK-COUNT-3:   arith.addf
//       CHECK:     linalg.yield
func.func @gathers_what_overlapping_windows_won(%ct: tensor<1x6x3x3xf32, #ai.lanes<1>>, %at: tensor<1x6x3x3xi8, #ai.lanes<1>>)
    -> tensor<1x6x7x7xf32, #ai.lanes<1>> {
  %0 = ai.max_pool2d_scatter %ct, %at {kernel = [3, 3], stride = [2, 2], input_size = [7, 7]}
    : (tensor<1x6x3x3xf32, #ai.lanes<1>>, tensor<1x6x3x3xi8, #ai.lanes<1>>) -> tensor<1x6x7x7xf32, #ai.lanes<1>>
  return %0 : tensor<1x6x7x7xf32, #ai.lanes<1>>
}

// Windows of one column at every second leave columns out: these get zeros.
// CHECK-LABEL: func @gathers_nothing_between_windows(
//       CHECK:   linalg.generic {{.*}} tensor<6x4xi1>) outs(%{{.*}} : tensor<1x6x7x2xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%{{[^,]*}} : tensor<6x3xi1>) outs(%{{.*}} : tensor<1x6x7x2xf32>)
//  CHECK-NEXT:   ^bb0
//  CHECK-NEXT:     %[[ZERO:.*]] = arith.constant 0.0
//       CHECK:     linalg.yield %[[ZERO]]
func.func @gathers_nothing_between_windows(%ct: tensor<1x2x5x4xf32, #ai.lanes<1>>) -> tensor<1x2x6x7xf32, #ai.lanes<1>> {
  %0 = ai.avg_pool2d_gradient %ct {kernel = [2, 1], stride = [1, 2], input_size = [6, 7]}
    : (tensor<1x2x5x4xf32, #ai.lanes<1>>) -> tensor<1x2x6x7xf32, #ai.lanes<1>>
  return %0 : tensor<1x2x6x7xf32, #ai.lanes<1>>
}

// A window that meets more than sixteen others is added to memory.
// CHECK-LABEL: func @adds_many_windows(
//       CHECK:   linalg.fill
//       CHECK:   linalg.generic {{.*}}"reduction"
func.func @adds_many_windows(%ct: tensor<1x2x4x4xf32, #ai.lanes<1>>) -> tensor<1x2x8x8xf32, #ai.lanes<1>> {
  %0 = ai.avg_pool2d_gradient %ct {kernel = [5, 5], stride = [1, 1], input_size = [8, 8]}
    : (tensor<1x2x4x4xf32, #ai.lanes<1>>) -> tensor<1x2x8x8xf32, #ai.lanes<1>>
  return %0 : tensor<1x2x8x8xf32, #ai.lanes<1>>
}

// CHECK-LABEL: func @gathers_winners(
//       CHECK:   linalg.generic {{.*}}"reduction", "reduction"]
//       CHECK:     arith.cmpi eq
func.func @gathers_winners(%x: tensor<2x6x8x8xf32>, %winner: tensor<2x6x4x4xi8>) -> tensor<2x6x4x4xf32> {
  %0 = ai.max_pool2d_gather %x, %winner {kernel = [2, 2]} : (tensor<2x6x8x8xf32>, tensor<2x6x4x4xi8>) -> tensor<2x6x4x4xf32>
  return %0 : tensor<2x6x4x4xf32>
}
