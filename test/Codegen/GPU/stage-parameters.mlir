// RUN: ai-opt %s --ai-stage-parameters="bytes=128" | FileCheck %s

// A convolution reads each weight for every pixel, through a view as well; a bias is read once, the samples are no
// parameter, and of two small weights the second would not fit.
// CHECK-LABEL: func.func @block(
//  CHECK-SAME:     %[[W:[a-z0-9_]+]]: memref<4x5xf32> {ai.role = "parameter"}, %[[V:[a-z0-9_]+]]: memref<20xf32> {ai.role = "parameter"},
//  CHECK-SAME:     %[[B:[a-z0-9_]+]]: memref<20xf32> {ai.role = "parameter"}, %[[X:[a-z0-9_]+]]: memref<20xf32> {ai.role = "input"},
//       CHECK:   %[[COPY:[a-z0-9_]+]] = memref.alloc() : memref<4x5xf32>
//       CHECK:   linalg.copy ins(%[[W]] : memref<4x5xf32>) outs(%[[COPY]] : memref<4x5xf32>)
//   CHECK-NOT:   alloc
//       CHECK:   %[[FLAT:[a-z0-9_]+]] = memref.collapse_shape %[[COPY]]
//       CHECK:   linalg.generic {{.*}} ins(%[[FLAT]], %[[X]] :
//       CHECK:   linalg.generic {{.*}} ins(%[[V]], %[[X]] :
//       CHECK:   linalg.copy ins(%[[B]] :
#row = affine_map<(i, k) -> (k)>
#point = affine_map<(i, k) -> (i)>
func.func @block(%w: memref<4x5xf32> {ai.role = "parameter"}, %v: memref<20xf32> {ai.role = "parameter"},
                 %b: memref<20xf32> {ai.role = "parameter"}, %x: memref<20xf32> {ai.role = "input"},
                 %y: memref<16xf32> {ai.role = "output"}, %z: memref<20xf32> {ai.role = "output"})
    attributes {ai.kind = "block"} {
  %flat = memref.collapse_shape %w [[0, 1]] : memref<4x5xf32> into memref<20xf32>
  linalg.generic {indexing_maps = [#row, #row, #point], iterator_types = ["parallel", "reduction"]}
      ins(%flat, %x : memref<20xf32>, memref<20xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #row, #point], iterator_types = ["parallel", "reduction"]}
      ins(%v, %x : memref<20xf32>, memref<20xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q : f32
    linalg.yield %0 : f32
  }
  linalg.copy ins(%b : memref<20xf32>) outs(%z : memref<20xf32>)
  return
}

// What is written is no constant, and a combine has no thread block of its own.
// CHECK-LABEL: func.func @combine(
//   CHECK-NOT:   alloc
func.func @combine(%w: memref<20xf32> {ai.role = "parameter"}, %x: memref<20xf32>, %y: memref<16xf32>)
    attributes {ai.kind = "combine"} {
  linalg.generic {indexing_maps = [#row, #row, #point], iterator_types = ["parallel", "reduction"]}
      ins(%w, %x : memref<20xf32>, memref<20xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %0 = arith.mulf %p, %q : f32
    linalg.yield %0 : f32
  }
  return
}
