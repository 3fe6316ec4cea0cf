// RUN: ai-opt %s -ai-prefetch-operands | FileCheck %s
// RUN: ai-opt %s -ai-prefetch-operands=l1=4096 | FileCheck %s --check-prefix=SMALL

// Weights and states are read behind the sum: they are on their way while it runs, and for writing those that are
// written. What the first cache holds is not fetched, unless the cache is small; nor what the sum reads itself.
// CHECK-LABEL: func.func @update(
//  CHECK-SAME:     %[[W:[a-z0-9]+]]: memref<128x512xf32>, %[[S:[a-z0-9]+]]: memref<128x512xf32>,
//  CHECK-SAME:     %[[BIAS:[a-z0-9]+]]: memref<2048xf32>
//       CHECK:   affine.for %[[O:.*]] = 0 to 128 {
//       CHECK:     affine.prefetch %[[W]][%[[O]], 16], write, locality<3>, data : memref<128x512xf32>
//  CHECK-NEXT:     affine.prefetch %[[S]][%[[O]], 16], read, locality<3>, data : memref<128x512xf32>
//  CHECK-NEXT:     affine.for
//   CHECK-NOT:     affine.prefetch
// SMALL-LABEL: func.func @update(
//       SMALL:     affine.prefetch %{{.*}}, write, locality<3>, data : memref<128x512xf32>
//  SMALL-NEXT:     affine.prefetch %{{.*}}, read, locality<3>, data : memref<128x512xf32>
//  SMALL-NEXT:     affine.prefetch %{{.*}}, read, locality<3>, data : memref<2048xf32>
//  SMALL-NEXT:     affine.for
func.func @update(%w: memref<128x512xf32>, %s: memref<128x512xf32>, %bias: memref<2048xf32>, %x: memref<64x512xf32>) {
  %zero = arith.constant dense<0.0> : vector<16xf32>
  affine.for %o = 0 to 128 {
    %sum = affine.for %n = 0 to 64 iter_args(%acc = %zero) -> vector<16xf32> {
      %0 = affine.vector_load %x[%n, 16] : memref<64x512xf32>, vector<16xf32>
      %1 = arith.addf %acc, %0 : vector<16xf32>
      affine.yield %1 : vector<16xf32>
    }
    %0 = affine.vector_load %w[%o, 16] : memref<128x512xf32>, vector<16xf32>
    %1 = affine.vector_load %s[%o, 16] : memref<128x512xf32>, vector<16xf32>
    %2 = affine.vector_load %bias[%o * 16] : memref<2048xf32>, vector<16xf32>
    %3 = affine.vector_load %x[0, 32] : memref<64x512xf32>, vector<16xf32>
    %4 = arith.subf %0, %sum : vector<16xf32>
    %5 = arith.addf %4, %1 : vector<16xf32>
    %6 = arith.addf %5, %2 : vector<16xf32>
    %7 = arith.addf %6, %3 : vector<16xf32>
    affine.vector_store %7, %w[%o, 16] : memref<128x512xf32>, vector<16xf32>
  }
  return
}

// No more lines are asked for than a core can wait for: the rest after a part of the sum.
// CHECK-LABEL: func.func @many(
//       CHECK:     affine.prefetch %{{.*}}[%{{.*}}, 0]
//       CHECK:     affine.prefetch %{{.*}}[%{{.*}}, 64]
//   CHECK-NOT:     affine.prefetch
//       CHECK:     %[[HEAD:.*]] = affine.for %{{.*}} = 0 to 21 iter_args(%{{.*}} = %cst)
//       CHECK:     affine.prefetch %{{.*}}[%{{.*}}, 80]
//       CHECK:     affine.prefetch %{{.*}}[%{{.*}}, 160]
//   CHECK-NOT:     affine.prefetch
//       CHECK:     affine.for %{{.*}} = 21 to 43 iter_args(%{{.*}} = %[[HEAD]])
func.func @many(%w: memref<128x512xf32>, %x: memref<43x512xf32>) {
  %zero = arith.constant dense<0.0> : vector<16xf32>
  affine.for %o = 0 to 128 {
    %sum = affine.for %n = 0 to 43 iter_args(%acc = %zero) -> vector<16xf32> {
      %0 = affine.vector_load %x[%n, 16] : memref<43x512xf32>, vector<16xf32>
      %1 = arith.addf %acc, %0 : vector<16xf32>
      affine.yield %1 : vector<16xf32>
    }
    %w0 = affine.vector_load %w[%o, 0] : memref<128x512xf32>, vector<16xf32>
    %w1 = affine.vector_load %w[%o, 16] : memref<128x512xf32>, vector<16xf32>
    %w2 = affine.vector_load %w[%o, 32] : memref<128x512xf32>, vector<16xf32>
    %w3 = affine.vector_load %w[%o, 48] : memref<128x512xf32>, vector<16xf32>
    %w4 = affine.vector_load %w[%o, 64] : memref<128x512xf32>, vector<16xf32>
    %w5 = affine.vector_load %w[%o, 80] : memref<128x512xf32>, vector<16xf32>
    %w6 = affine.vector_load %w[%o, 96] : memref<128x512xf32>, vector<16xf32>
    %w7 = affine.vector_load %w[%o, 112] : memref<128x512xf32>, vector<16xf32>
    %w8 = affine.vector_load %w[%o, 128] : memref<128x512xf32>, vector<16xf32>
    %w9 = affine.vector_load %w[%o, 144] : memref<128x512xf32>, vector<16xf32>
    %w10 = affine.vector_load %w[%o, 160] : memref<128x512xf32>, vector<16xf32>
    affine.vector_store %sum, %w[%o, 0] : memref<128x512xf32>, vector<16xf32>
  }
  return
}

// Each iteration reads a part of another row: no hardware sees a stream in that either. The lines of a row are fetched some
// iterations ahead; what other loops read again, and what follows itself, is not.
// CHECK-LABEL: func.func @rows(
//  CHECK-SAME:     %[[W:[a-z0-9]+]]: memref<256x512xf32>
//       CHECK:     affine.for %[[I:.*]] = 0 to 512 step 24 {
//       CHECK:       affine.for %[[O:.*]] = 0 to 256 iter_args
//  CHECK-NEXT:         affine.prefetch %[[W]][%[[O]] + 100, %[[I]] + 3], read, locality<3>, data : memref<256x512xf32>
//  CHECK-NEXT:         affine.prefetch %[[W]][%[[O]] + 100, %[[I]] + 19], read, locality<3>, data : memref<256x512xf32>
//  CHECK-NEXT:         affine.prefetch %[[W]][%[[O]] + 100, %[[I]] + 20], read, locality<3>, data : memref<256x512xf32>
//  CHECK-NEXT:         affine.load
//   CHECK-NOT:   affine.prefetch
func.func @rows(%w: memref<256x512xf32>, %x: memref<256x512xf32>, %y: memref<512xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 512 step 24 {
    %sum = affine.for %o = 0 to 256 iter_args(%acc = %zero) -> f32 {
      %0 = affine.load %w[%o, %i + 5] : memref<256x512xf32>
      %1 = affine.load %w[%o, %i + 3] : memref<256x512xf32>
      %2 = affine.load %w[%o, %i + 20] : memref<256x512xf32>
      %3 = affine.load %x[%o, 7] : memref<256x512xf32>
      %4 = arith.mulf %0, %3 : f32
      %5 = arith.mulf %1, %3 : f32
      %6 = arith.mulf %2, %3 : f32
      %7 = arith.addf %4, %5 : f32
      %8 = arith.addf %6, %7 : f32
      %9 = arith.addf %acc, %8 : f32
      affine.yield %9 : f32
    }
    affine.store %sum, %y[%i] : memref<512xf32>
    %along = affine.for %o = 0 to 256 iter_args(%acc = %zero) -> f32 {
      %0 = affine.load %w[%i, %o] : memref<256x512xf32>
      %1 = arith.mulf %acc, %0 : f32
      affine.yield %1 : f32
    }
    affine.store %along, %y[%i + 1] : memref<512xf32>
  }
  return
}

// A row whose number is read from memory is not known in time. What the hint would be for lies where no hint is needed: a
// buffer of positions.
// CHECK-LABEL: func.func @found_rows(
//   CHECK-NOT:   affine.prefetch
//       CHECK:   return
func.func @found_rows(%p: memref<9000xindex>, %w: memref<256x512xf32>, %y: memref<512xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 512 {
    %sum = affine.for %o = 0 to 1024 iter_args(%acc = %zero) -> f32 {
      %at = affine.load %p[%o] : memref<9000xindex>
      %row = arith.addi %at, %o : index
      %0 = memref.load %w[%row, %i] : memref<256x512xf32>
      %1 = arith.mulf %acc, %0 : f32
      affine.yield %1 : f32
    }
    affine.store %sum, %y[%i] : memref<512xf32>
  }
  return
}
