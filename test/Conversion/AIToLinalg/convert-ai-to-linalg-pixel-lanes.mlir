// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s
// RUN: ai-opt %s --convert-ai-to-linalg=conv=direct | FileCheck %s --check-prefix=DIRECT
// RUN: ai-opt %s --convert-ai-to-linalg -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: ai-opt %s --convert-ai-to-linalg=masks=false -o /dev/null 2>&1 | FileCheck %s --check-prefix=PARTS

// DIRECT-NOT: tensor<1x5x{{[0-9]+}}xf32>

// CHECK-DAG: #[[$IMAGE:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1 + d4 * 44 + d5 * 2)>
// CHECK-DAG: #[[$WEIGHT:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d3, d4, d5, d2)>
// CHECK-DAG: #[[$RESULT:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1)>
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1 * 44 + d2)>
// CHECK-DAG: #[[$TURNED:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d3, -d4 + 2, -d5 + 2, d2)>

// Five channels fill five of 16 lanes, so the pixels of all rows, 20 columns and a border of two on both sides wide, are
// the lanes: 40 columns of 20 rows, from the first to the last, are 19 * 44 + 40 pixels. They are copied back row by row.
// Without masks five channels are two vectors, of four and of one.
// PARTS: directly with pixels as lanes, at the cost of 28900 multiply-adds a sample; directly 108000;
// REMARK: :[[@LINE+12]]:8: remark: directly with pixels as lanes, at the cost of 57126 multiply-adds a sample; directly 108000;
// CHECK-LABEL: func @few_channels(
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<1x3x22x44xf32>)
//       CHECK:   %[[X:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] : tensor<1x3x22x44xf32> into tensor<1x3x968xf32>
//       CHECK:   %[[INIT:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<5xf32>) outs(%{{.*}} : tensor<1x5x876xf32>)
//       CHECK:   %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[$IMAGE]], #[[$WEIGHT]], #[[$RESULT]]],
//  CHECK-SAME:     ins(%[[X]], %{{.*}} : tensor<1x3x968xf32>, tensor<3x3x3x5xf32>) outs(%[[INIT]] : tensor<1x5x876xf32>)
//       CHECK:   linalg.generic {indexing_maps = [#[[$ROWS]], #{{.*}}], {{.*}} ins(%[[SUM]] : tensor<1x5x876xf32>) outs({{.*}} : tensor<1x20x40x5xf32>)
// DIRECT-LABEL: func @few_channels(
//       DIRECT:   linalg.generic {{.*}} outs({{.*}} : tensor<1x20x40x5xf32>)
func.func @few_channels(%x: tensor<1x3x20x40xf32, #ai.lanes<1>>, %w: tensor<5x3x3x3xf32, #ai.lanes<0>>, %b: tensor<5xf32>)
    -> tensor<1x5x20x40xf32, #ai.lanes<1>> {
  %0 = ai.conv2d %x, %w, %b {dilation = [1, 2], padding = [1, 2]}
    : (tensor<1x3x20x40xf32, #ai.lanes<1>>, tensor<5x3x3x3xf32, #ai.lanes<0>>, tensor<5xf32>) -> tensor<1x5x20x40xf32, #ai.lanes<1>>
  return %0 : tensor<1x5x20x40xf32, #ai.lanes<1>>
}

// The same of the cotangents inside a border of what the kernel reaches over, with the kernel turned around.
// REMARK: :[[@LINE+6]]:8: remark: directly with pixels as lanes, at the cost of 180355
// CHECK-LABEL: func @turns_the_kernel(
//       CHECK:   tensor.collapse_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] : tensor<1x5x24x44xf32> into tensor<1x5x1056xf32>
//       CHECK:   linalg.generic {indexing_maps = [#{{.*}}, #[[$TURNED]], #{{.*}}, #[[$RESULT]]], {{.*}} outs(%{{.*}} : tensor<1x7x966xf32>)
func.func @turns_the_kernel(%ct: tensor<1x5x20x40xf32, #ai.lanes<1>>, %w: tensor<5x7x3x3xf32, #ai.lanes<1>>)
    -> tensor<1x7x22x42xf32, #ai.lanes<1>> {
  %0 = ai.conv2d_input_gradient %ct, %w {input_size = [22, 42]}
    : (tensor<1x5x20x40xf32, #ai.lanes<1>>, tensor<5x7x3x3xf32, #ai.lanes<1>>) -> tensor<1x7x22x42xf32, #ai.lanes<1>>
  return %0 : tensor<1x7x22x42xf32, #ai.lanes<1>>
}

// Sixteen channels fill a vector, steps of two leave pixels out, and samples are lanes already. An input gradient with a
// border larger than what its kernel reaches over has no border of cotangents.
// A pool without overlap orders its convolution by windows.
// REMARK-NOT: directly with pixels as lanes, at the cost of
// CHECK-LABEL: func @other_lanes(
//   CHECK-NOT:   tensor.collapse_shape
//       CHECK:   return
func.func @other_lanes(%x: tensor<1x3x20x40xf32, #ai.lanes<1>>, %w: tensor<16x3x3x3xf32, #ai.lanes<0>>, %v: tensor<5x3x3x3xf32, #ai.lanes<0>>,
                       %y: tensor<16x3x20x40xf32, #ai.lanes<0>>, %u: tensor<5x3x3x3xf32>,
                       %ct: tensor<1x5x22x40xf32, #ai.lanes<1>>, %z: tensor<5x3x1x3xf32, #ai.lanes<1>>)
    -> (tensor<1x16x18x38xf32, #ai.lanes<1>>, tensor<1x5x9x19xf32, #ai.lanes<1>>, tensor<16x5x18x38xf32, #ai.lanes<0>>,
        tensor<1x3x20x42xf32, #ai.lanes<1>>, tensor<1x5x9x19xf32, #ai.lanes<1>>) {
  %0 = ai.conv2d %x, %w : (tensor<1x3x20x40xf32, #ai.lanes<1>>, tensor<16x3x3x3xf32, #ai.lanes<0>>) -> tensor<1x16x18x38xf32, #ai.lanes<1>>
  %1 = ai.conv2d %x, %v {stride = [2, 2]}
    : (tensor<1x3x20x40xf32, #ai.lanes<1>>, tensor<5x3x3x3xf32, #ai.lanes<0>>) -> tensor<1x5x9x19xf32, #ai.lanes<1>>
  %2 = ai.conv2d %y, %u : (tensor<16x3x20x40xf32, #ai.lanes<0>>, tensor<5x3x3x3xf32>) -> tensor<16x5x18x38xf32, #ai.lanes<0>>
  %3 = ai.conv2d_input_gradient %ct, %z {padding = [1, 0], input_size = [20, 42]}
    : (tensor<1x5x22x40xf32, #ai.lanes<1>>, tensor<5x3x1x3xf32, #ai.lanes<1>>) -> tensor<1x3x20x42xf32, #ai.lanes<1>>
  %4 = ai.conv2d %x, %v : (tensor<1x3x20x40xf32, #ai.lanes<1>>, tensor<5x3x3x3xf32, #ai.lanes<0>>) -> tensor<1x5x18x38xf32, #ai.lanes<1>>
  %5 = ai.avg_pool2d %4 {kernel = [2, 2]} : (tensor<1x5x18x38xf32, #ai.lanes<1>>) -> tensor<1x5x9x19xf32, #ai.lanes<1>>
  return %0, %1, %2, %3, %5 : tensor<1x16x18x38xf32, #ai.lanes<1>>, tensor<1x5x9x19xf32, #ai.lanes<1>>, tensor<16x5x18x38xf32, #ai.lanes<0>>,
    tensor<1x3x20x42xf32, #ai.lanes<1>>, tensor<1x5x9x19xf32, #ai.lanes<1>>
}
