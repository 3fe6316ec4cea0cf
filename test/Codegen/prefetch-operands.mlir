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
