// RUN: ai-opt %s --ai-place-call-operands | FileCheck %s

// Samples are rows of a data set: one copy serves all that read them. A parameter lies where it lies.
// CHECK-LABEL: func.func @samples(
//  CHECK-SAME:     %[[X:.*]]: memref<8x4xf32> {{.*}}, %[[W:.*]]: memref<4x3xf32>
//       CHECK:   %[[COPY:.*]] = memref.alloc() : memref<8x4xf32>
//       CHECK:   linalg.copy ins(%[[X]] : memref<8x4xf32>) outs(%[[COPY]] : memref<8x4xf32>)
//       CHECK:   library.call matmul(%[[COPY]], %[[W]]) into
//   CHECK-NOT:   linalg.copy
//       CHECK:   library.call matmul(%[[COPY]], %[[COPY]]) into
func.func @samples(%x: memref<8x4xf32> {ai.role = "input"}, %w: memref<4x3xf32> {ai.role = "parameter"}) {
  %y = memref.alloc() : memref<8x3xf32>
  %z = memref.alloc() : memref<4x4xf32>
  library.call matmul(%x, %w) into %y : (memref<8x4xf32>, memref<4x3xf32>), memref<8x3xf32>
  library.call matmul(%x, %x) into %z {transpose_lhs} : (memref<8x4xf32>, memref<8x4xf32>), memref<4x4xf32>
  return
}

// Rows of a panel, constants, and elements with gaps between them; what is written is copied back.
// CHECK-LABEL: func.func @elsewhere(
//  CHECK-SAME:     %[[ROWS:.*]]: memref<8x4xf32>
//       CHECK:   %[[WIDE:.*]] = memref.alloc() : memref<8x9xf32>
//       CHECK:   %[[PART:.*]] = memref.subview %[[WIDE]]
//       CHECK:   %[[GLOBAL:.*]] = memref.get_global @w
//       CHECK:   linalg.copy ins(%[[ROWS]] :
//       CHECK:   linalg.copy ins(%[[GLOBAL]] :
//       CHECK:   %[[OWN:.*]] = memref.alloc() : memref<8x3xf32>
//       CHECK:   library.call matmul(%{{.*}}, %{{.*}}) into %[[OWN]] : (memref<8x4xf32>, memref<4x3xf32>), memref<8x3xf32>
//       CHECK:   linalg.copy ins(%[[OWN]] : memref<8x3xf32>) outs(%[[PART]] : memref<8x3xf32, strided<[9, 1], offset: 2>>)
memref.global "private" constant @w : memref<4x3xf32> = dense<1.0>
func.func @elsewhere(%rows: memref<8x4xf32> {ai.role = "rows"}) {
  %wide = memref.alloc() : memref<8x9xf32>
  %part = memref.subview %wide[0, 2] [8, 3] [1, 1] : memref<8x9xf32> to memref<8x3xf32, strided<[9, 1], offset: 2>>
  %w = memref.get_global @w : memref<4x3xf32>
  library.call matmul(%rows, %w) into %part : (memref<8x4xf32>, memref<4x3xf32>), memref<8x3xf32, strided<[9, 1], offset: 2>>
  return
}

// A dense view lies where its buffer does.
// CHECK-LABEL: func.func @views(
//   CHECK-NOT:   linalg.copy
func.func @views(%slot: memref<4x3xf32> {ai.role = "slot"}) {
  %x = memref.alloc() : memref<8x2x2xf32>
  %y = memref.alloc() : memref<8x3xf32>
  %flat = memref.collapse_shape %x [[0], [1, 2]] : memref<8x2x2xf32> into memref<8x4xf32>
  library.call matmul(%flat, %slot) into %y : (memref<8x4xf32>, memref<4x3xf32>), memref<8x3xf32>
  return
}
