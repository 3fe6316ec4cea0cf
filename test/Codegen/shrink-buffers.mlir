// RUN: ai-opt %s -split-input-file -ai-shrink-buffers | FileCheck %s

// Two dimensions, one by windows of two; scalars and vectors.
// CHECK-LABEL: func @keeps_one_slice(
//       CHECK:   memref.alloc() : memref<1x2x16xf32>
//       CHECK:   affine.for
//       CHECK:     affine.for
//       CHECK:       affine.for %[[D:.*]] = 0 to 2 {
//       CHECK:         vector.transfer_write %{{.*}}, %{{.*}}[%c0{{.*}}, %[[D]], %c0
//       CHECK:       affine.load %{{.*}}[0, 1, 3]
func.func @keeps_one_slice(%v: vector<16xf32>, %z: memref<8x4xf32>) {
  %c0 = arith.constant 0 : index
  %y = memref.alloc() : memref<8x8x16xf32>
  affine.for %i = 0 to 8 {
    affine.for %p = 0 to 4 {
      affine.for %d = 0 to 2 {
        %at = affine.apply affine_map<(p, d) -> (2 * p + d)>(%p, %d)
        vector.transfer_write %v, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<8x8x16xf32>
      }
      %0 = affine.load %y[%i, 2 * %p + 1, 3] : memref<8x8x16xf32>
      affine.store %0, %z[%i, %p] : memref<8x4xf32>
    }
  }
  return
}

// -----

// %k repeats the inner loop: a slice written in one round is read in the next.
// CHECK-LABEL: func @keeps_slices_of_later_rounds(
//       CHECK:   memref.alloc() : memref<8xf32>
func.func @keeps_slices_of_later_rounds(%x: memref<4x8xf32>, %z: memref<4x8xf32>) {
  %y = memref.alloc() : memref<8xf32>
  affine.for %k = 0 to 4 {
    affine.for %i = 0 to 8 {
      %0 = affine.load %y[%i] : memref<8xf32>
      affine.store %0, %z[%k, %i] : memref<4x8xf32>
      %1 = affine.load %x[%k, %i] : memref<4x8xf32>
      affine.store %1, %y[%i] : memref<8xf32>
    }
  }
  return
}

// -----

// CHECK-LABEL: func @keeps_neighbours(
//       CHECK:   memref.alloc() : memref<9xf32>
func.func @keeps_neighbours(%x: memref<9xf32>, %z: memref<8xf32>) {
  %y = memref.alloc() : memref<9xf32>
  affine.for %i = 0 to 8 {
    %0 = affine.load %x[%i] : memref<9xf32>
    affine.store %0, %y[%i + 1] : memref<9xf32>
    %1 = affine.load %y[%i] : memref<9xf32>
    affine.store %1, %z[%i] : memref<8xf32>
  }
  return
}

// -----

// CHECK-LABEL: func @keeps_viewed_buffer(
//       CHECK:   memref.alloc() : memref<8x4xf32>
func.func @keeps_viewed_buffer(%z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %y = memref.alloc() : memref<8x4xf32>
  %flat = memref.collapse_shape %y [[0, 1]] : memref<8x4xf32> into memref<32xf32>
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i, 0] : memref<8x4xf32>
    %0 = affine.load %flat[%i] : memref<32xf32>
    affine.store %0, %z[%i] : memref<8xf32>
  }
  return
}

// -----

// CHECK-LABEL: func @keeps_buffer_of_two_nests(
//       CHECK:   memref.alloc() : memref<8xf32>
func.func @keeps_buffer_of_two_nests(%z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %y = memref.alloc() : memref<8xf32>
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
  }
  affine.for %i = 0 to 8 {
    %0 = affine.load %y[%i] : memref<8xf32>
    affine.store %0, %z[%i] : memref<8xf32>
  }
  return
}
