// RUN: ai-opt %s -ai-vectorize-lanes=masks -canonicalize -cse -split-input-file | FileCheck %s
// RUN: ai-opt %s -ai-vectorize-lanes=masks -ai-fuse-nests -split-input-file | FileCheck %s --check-prefix=FUSED

#image = affine_map<(y, x, i, o) -> (y, x, i)>
#weight = affine_map<(y, x, i, o) -> (i, o)>
#result = affine_map<(y, x, i, o) -> (y, x, o)>
#all = affine_map<(y, x, o) -> (y, x, o)>
#last = affine_map<(y, x, o) -> (o)>

// Six channels are six elements of one vector of eight: they are the last ones of every operand. Neighbours do not
// overlap, so that what reads the sums joins their nest.
// CHECK-LABEL: func @six_channels(
//       CHECK:   affine.for %[[Y:.*]] = 0 to 4 {
//  CHECK-NEXT:     affine.for %[[X:.*]] = 0 to 5 {
//  CHECK-NEXT:       affine.for %[[I:.*]] = 0 to 3 {
//   CHECK-DAG:         vector.transfer_read %{{.*}}[%[[I]], %c0], %{{.*}} : memref<3x6xf32>, vector<8xf32>
//   CHECK-DAG:         vector.transfer_read %{{.*}}[%[[Y]], %[[X]], %c0], %{{.*}} : memref<4x5x6xf32>, vector<8xf32>
//       CHECK:         vector.transfer_write %{{.*}}[%[[Y]], %[[X]], %c0] : vector<8xf32>, memref<4x5x6xf32>
// FUSED-LABEL: func @six_channels(
//       FUSED:   affine.for
//       FUSED:     affine.for
//       FUSED:       affine.for
//       FUSED:       }
//   FUSED-NOT:   affine.for
//       FUSED:       arith.maximumf
func.func @six_channels(%x: memref<4x5x3xf32>, %w: memref<3x6xf32>, %s: memref<4x5x6xf32>, %y: memref<4x5x6xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [#image, #weight, #result],
                  iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%x, %w : memref<4x5x3xf32>, memref<3x6xf32>) outs(%s : memref<4x5x6xf32>) attrs = {ai.group = 0 : i64} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b fastmath<contract> : f32
    %1 = arith.addf %sum, %0 fastmath<contract> : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : memref<4x5x6xf32>) outs(%y : memref<4x5x6xf32>) attrs = {ai.group = 0 : i64} {
  ^bb0(%a: f32, %old: f32):
    %0 = arith.maximumf %a, %zero : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// 27 = 16 + 11: whole vectors, and one of 16 for the rest. 20 = 16 + 4 needs no mask.
// CHECK-LABEL: func @a_rest(
//       CHECK:   in_bounds = [true]{{.*}} vector<16xf32>
//       CHECK:   affine.for
//       CHECK:   vector.transfer_read %{{.*}}[%{{.*}}, %c16], %{{.*}} : memref<5x27xf32>, vector<16xf32>
//       CHECK:   vector.transfer_write %{{.*}}[%{{.*}}, %c16] : vector<16xf32>, memref<3x27xf32>
//       CHECK:   affine.for
//       CHECK:   in_bounds = [true]{{.*}} vector<16xf32>
//       CHECK:   affine.for
//       CHECK:   in_bounds = [true]{{.*}} vector<4xf32>
func.func @a_rest(%a: memref<3x5xf32>, %b: memref<5x27xf32>, %c: memref<3x27xf32>, %d: memref<5x20xf32>, %e: memref<3x20xf32>) {
  linalg.matmul ins(%a, %b : memref<3x5xf32>, memref<5x27xf32>) outs(%c : memref<3x27xf32>)
  linalg.matmul ins(%a, %d : memref<3x5xf32>, memref<5x20xf32>) outs(%e : memref<3x20xf32>)
  return
}

// -----

#shifted = affine_map<(k, o, j) -> (k, o + j)>
#tap = affine_map<(k, o, j) -> (k, j)>
#row = affine_map<(k, o, j) -> (k, o)>

// A row of an image goes on where the vector ends: 6 = 4 + 2.
// CHECK-LABEL: func @not_the_end(
//       CHECK:   in_bounds = [true]{{.*}} vector<4xf32>
//       CHECK:   in_bounds = [true]{{.*}} vector<2xf32>
//   CHECK-NOT:   vector<8xf32>
func.func @not_the_end(%x: memref<4x8xf32>, %w: memref<4x3xf32>, %y: memref<4x6xf32>) {
  linalg.generic {indexing_maps = [#shifted, #tap, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<4x8xf32>, memref<4x3xf32>) outs(%y : memref<4x6xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b fastmath<contract> : f32
    %1 = arith.addf %sum, %0 fastmath<contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#all = affine_map<(k, o) -> (k, o)>

// Elements that are not there might be zeros, and integers are divided one by one.
// CHECK-LABEL: func @may_trap(
//   CHECK-NOT:   vector<8xi32>
func.func @may_trap(%x: memref<4x6xi32, strided<[8, 1]>>, %y: memref<4x6xi32, strided<[8, 1]>>) {
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<4x6xi32, strided<[8, 1]>>) outs(%y : memref<4x6xi32, strided<[8, 1]>>) {
  ^bb0(%a: i32, %old: i32):
    %0 = arith.divsi %old, %a : i32
    linalg.yield %0 : i32
  }
  return
}

// -----

// 23 = 16 + 7 and 11 are squares of 16 of which some rows and elements are not there: seven rows of the rest are made, from
// eleven.
// CHECK-LABEL: func @ragged_transposition(
// CHECK-COUNT-11: vector.transfer_read %{{.*}}, %c0], %{{.*}} {in_bounds = [true]} : memref<11x23xf32>, vector<16xf32>
//     CHECK-NOT: vector.transfer_read
// CHECK-COUNT-16: vector.transfer_write %{{.*}} : vector<16xf32>, memref<23x11xf32>
// CHECK-COUNT-11: vector.transfer_read %{{.*}}, %c16], %{{[^{]*}} : memref<11x23xf32>, vector<16xf32>
//     CHECK-NOT: vector.transfer_read
// CHECK-COUNT-7: vector.transfer_write %{{.*}}, %c0] : vector<16xf32>, memref<23x11xf32>
//     CHECK-NOT: vector.transfer_write
//     CHECK-NOT: affine.load
func.func @ragged_transposition(%x: memref<11x23xf32>, %y: memref<23x11xf32>) {
  linalg.transpose ins(%x : memref<11x23xf32>) outs(%y : memref<23x11xf32>) permutation = [1, 0]
  return
}
