// RUN: ai-opt %s -split-input-file -ai-hoist-accumulators | FileCheck %s

// CHECK-LABEL: func @carries_accumulator(
//       CHECK:   affine.for %[[I:.*]] = 0 to 8 {
//       CHECK:     %[[FIRST:.*]] = vector.transfer_read %{{.*}}[%[[I]],
//  CHECK-NEXT:     %[[SUM:.*]] = affine.for %{{.*}} = 0 to 4 iter_args(%{{.*}} = %[[FIRST]])
//   CHECK-NOT:       transfer_write
//       CHECK:       affine.yield
//       CHECK:     vector.transfer_write %[[SUM]], %{{.*}}[%[[I]],
func.func @carries_accumulator(%x: memref<8x4x16xf32>, %y: memref<8x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 8 {
    affine.for %k = 0 to 4 {
      %0 = vector.transfer_read %x[%i, %k, %c0], %p {in_bounds = [true]} : memref<8x4x16xf32>, vector<16xf32>
      %1 = vector.transfer_read %y[%i, %c0], %p {in_bounds = [true]} : memref<8x16xf32>, vector<16xf32>
      %2 = arith.addf %0, %1 : vector<16xf32>
      vector.transfer_write %2, %y[%i, %c0] {in_bounds = [true]} : vector<16xf32>, memref<8x16xf32>
    }
  }
  return
}

// -----

// Through both reduction loops, with the first value, into what follows; the buffer disappears.
// CHECK-LABEL: func @forwards_around(
//   CHECK-NOT:   memref.alloc
//       CHECK:   affine.for %[[I:.*]] = 0 to 8 {
//  CHECK-NEXT:     %[[SUM:.*]] = affine.for {{.*}} iter_args(%{{.*}} = %cst) -> (f32) {
//  CHECK-NEXT:       affine.for {{.*}} iter_args
//       CHECK:     %[[ABS:.*]] = math.absf %[[SUM]]
//  CHECK-NEXT:     affine.store %[[ABS]]
func.func @forwards_around(%x: memref<8x4x5xf32>, %z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %y = memref.alloc() : memref<8xf32>
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
    affine.for %k = 0 to 4 {
      affine.for %l = 0 to 5 {
        %0 = affine.load %x[%i, %k, %l] : memref<8x4x5xf32>
        %1 = affine.load %y[%i] : memref<8xf32>
        %2 = arith.addf %0, %1 : f32
        affine.store %2, %y[%i] : memref<8xf32>
      }
    }
    %3 = affine.load %y[%i] : memref<8xf32>
    %4 = math.absf %3 : f32
    affine.store %4, %z[%i] : memref<8xf32>
  }
  return
}

// -----

// Accumulators that a loop already carries stay; indices are computed outside as well.
// CHECK-LABEL: func @adds_to_iter_args(
//       CHECK:   %[[AT:.*]] = affine.apply
//  CHECK-NEXT:   memref.load %{{.*}}[%[[AT]]]
//  CHECK-NEXT:   affine.for {{.*}} iter_args(%{{.*}}, %{{.*}}) -> (f32, f32)
func.func @adds_to_iter_args(%x: memref<8xf32>, %y: memref<32xf32>, %n: index) -> f32 {
  %zero = arith.constant 0.0 : f32
  %sum = affine.for %k = 0 to 8 iter_args(%acc = %zero) -> (f32) {
    %at = affine.apply affine_map<()[s0] -> (s0 + 3)>()[%n]
    %0 = affine.load %x[%k] : memref<8xf32>
    %1 = memref.load %y[%at] : memref<32xf32>
    %2 = arith.addf %0, %1 : f32
    memref.store %2, %y[%at] : memref<32xf32>
    %3 = arith.addf %acc, %0 : f32
    affine.yield %3 : f32
  }
  return %sum : f32
}

// -----

// A row of a scatter: each element is written several times, once is enough.
// CHECK-LABEL: func @drops_overwritten(
//       CHECK:   %[[A:.*]] = affine.load %arg0[0]
//       CHECK:   %[[B:.*]] = affine.load %arg0[1]
//       CHECK:   %[[AB:.*]] = arith.addf %[[A]], %[[B]]
//  CHECK-NEXT:   affine.store %[[AB]], %arg1[0]
//  CHECK-NEXT:   return
func.func @drops_overwritten(%x: memref<8xf32>, %y: memref<8xf32>) {
  %0 = affine.load %x[0] : memref<8xf32>
  affine.store %0, %y[0] : memref<8xf32>
  %1 = affine.load %x[1] : memref<8xf32>
  %2 = affine.load %y[0] : memref<8xf32>
  %3 = arith.addf %2, %1 : f32
  affine.store %3, %y[0] : memref<8xf32>
  return
}

// -----

// Vectors that overlap in part are neither forwarded nor dropped.
// CHECK-LABEL: func @keeps_partial_overlap(
//  CHECK-COUNT-2: vector.transfer_write
//       CHECK:   vector.transfer_read
//       CHECK:   vector.transfer_write
func.func @keeps_partial_overlap(%y: memref<64xf32>, %z: memref<64xf32>, %a: vector<16xf32>, %b: vector<16xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %p = arith.constant 0.0 : f32
  vector.transfer_write %a, %y[%c0] {in_bounds = [true]} : vector<16xf32>, memref<64xf32>
  vector.transfer_write %b, %y[%c8] {in_bounds = [true]} : vector<16xf32>, memref<64xf32>
  %0 = vector.transfer_read %y[%c0], %p {in_bounds = [true]} : memref<64xf32>, vector<16xf32>
  vector.transfer_write %0, %z[%c0] {in_bounds = [true]} : vector<16xf32>, memref<64xf32>
  return
}

// -----

// The result is also read through a view.
// CHECK-LABEL: func @keeps_what_view_reads(
//       CHECK:   affine.for
//   CHECK-NOT:   iter_args
//       CHECK:   affine.store
func.func @keeps_what_view_reads(%x: memref<4xf32>, %y: memref<2x4xf32>) {
  %flat = memref.collapse_shape %y [[0, 1]] : memref<2x4xf32> into memref<8xf32>
  affine.for %k = 0 to 4 {
    %0 = affine.load %flat[%k] : memref<8xf32>
    %1 = affine.load %y[0, 0] : memref<2x4xf32>
    %2 = arith.addf %0, %1 : f32
    affine.store %2, %y[0, 0] : memref<2x4xf32>
  }
  return
}

// -----

func.func private @unknown()

// CHECK-LABEL: func @keeps_around_call(
//   CHECK-NOT:   iter_args
func.func @keeps_around_call(%x: memref<4xf32>, %y: memref<1xf32>) {
  affine.for %k = 0 to 4 {
    %0 = affine.load %x[%k] : memref<4xf32>
    %1 = affine.load %y[0] : memref<1xf32>
    func.call @unknown() : () -> ()
    %2 = arith.addf %0, %1 : f32
    affine.store %2, %y[0] : memref<1xf32>
  }
  return
}

// -----

// Some iteration writes another element of the same buffer.
// CHECK-LABEL: func @keeps_what_others_write(
//   CHECK-NOT:   iter_args
func.func @keeps_what_others_write(%y: memref<8xf32>) {
  affine.for %k = 0 to 8 {
    %1 = affine.load %y[2] : memref<8xf32>
    %2 = arith.addf %1, %1 : f32
    affine.store %2, %y[2] : memref<8xf32>
    affine.store %2, %y[%k] : memref<8xf32>
  }
  return
}
