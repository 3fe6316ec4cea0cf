// RUN: ai-opt %s -split-input-file -ai-tile-registers -canonicalize 2>/dev/null | FileCheck %s
// RUN: ai-opt %s -split-input-file -ai-tile-registers -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A product of matrices, the columns in vectors: rows are jammed so that a vector is loaded once.
// REMARK: remark: register tile: loop 0 x 12, 12 accumulators
// CHECK-LABEL: func @jams_rows(
//       CHECK:   affine.for %{{.*}} = 0 to 20 {
//       CHECK:     vector.transfer_write
//       CHECK:     vector.transfer_write
func.func @jams_rows(%w: memref<12x20xf32>, %x: memref<20x16xf32>, %y: memref<12x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %o = 0 to 12 {
    affine.for %k = 0 to 20 {
      %0 = affine.load %w[%o, %k] : memref<12x20xf32>
      %1 = vector.broadcast %0 : f32 to vector<16xf32>
      %2 = vector.transfer_read %x[%k, %c0], %p {in_bounds = [true]} : memref<20x16xf32>, vector<16xf32>
      %3 = vector.transfer_read %y[%o, %c0], %p {in_bounds = [true]} : memref<12x16xf32>, vector<16xf32>
      %4 = vector.fma %1, %2, %3 : vector<16xf32>
      vector.transfer_write %4, %y[%o, %c0] {in_bounds = [true]} : vector<16xf32>, memref<12x16xf32>
    }
  }
  return
}

// -----

// Row %i of the result is read by row %i + 1: nothing may be jammed.
// CHECK-LABEL: func @keeps_dependent_rows(
//       CHECK:   affine.for %{{.*}} = 0 to 12 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 20 {
//       CHECK:       affine.store
//   CHECK-NOT:       affine.store
func.func @keeps_dependent_rows(%x: memref<20xf32>, %y: memref<13xf32>) {
  affine.for %i = 0 to 12 {
    affine.for %k = 0 to 20 {
      %0 = affine.load %x[%k] : memref<20xf32>
      %1 = affine.load %y[%i] : memref<13xf32>
      %2 = arith.mulf %0, %1 : f32
      %3 = affine.load %y[%i + 1] : memref<13xf32>
      %4 = arith.addf %3, %2 : f32
      affine.store %4, %y[%i + 1] : memref<13xf32>
    }
  }
  return
}

// -----

// Elements where two segments meet take part in both, so all %o of one would come before those of the other. That
// is fine for sums only, and this is none: what was there is multiplied.
// CHECK-LABEL: func @keeps_the_order_of_what_is_no_sum(
//       CHECK:   affine.for %{{.*}} = 0 to 7 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 48 {
//  CHECK-NEXT:       affine.for %{{.*}} = 0 to 3 {
func.func @keeps_the_order_of_what_is_no_sum(%w: memref<7x3x3xf32>, %ct: memref<7x48x16xf32>, %y: memref<3x50x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %o = 0 to 7 {
      affine.for %x = 0 to 48 {
        affine.for %q = 0 to 3 {
          %0 = affine.load %w[%o, %i, %q] : memref<7x3x3xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %ct[%o, %x, %c0], %p {in_bounds = [true]} : memref<7x48x16xf32>, vector<16xf32>
          %at = affine.apply affine_map<(x, q) -> (x + q)>(%x, %q)
          %3 = vector.transfer_read %y[%i, %at, %c0], %p {in_bounds = [true]} : memref<3x50x16xf32>, vector<16xf32>
          %4 = vector.fma %1, %3, %2 : vector<16xf32>
          vector.transfer_write %4, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<3x50x16xf32>
        }
      }
    }
  }
  return
}
