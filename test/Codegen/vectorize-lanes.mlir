// RUN: ai-opt %s -ai-vectorize-lanes -canonicalize -cse -split-input-file | FileCheck %s
// RUN: ai-opt %s -ai-vectorize-lanes=vector-bits=256 -canonicalize -cse -split-input-file | FileCheck %s --check-prefix=AVX2

#weight = affine_map<(o, i, n) -> (o, i)>
#input = affine_map<(o, i, n) -> (i, n)>
#output = affine_map<(o, i, n) -> (o, n)>

// The lane becomes one vector and no loop; an operand without it is broadcast.
// CHECK-LABEL: func @contraction(
//  CHECK-SAME:     %[[W:.*]]: memref<10x84xf32>, %[[X:.*]]: memref<84x16xf32>, %[[Y:.*]]: memref<10x16xf32>)
//       CHECK:   affine.for %[[O:.*]] = 0 to 10 {
//  CHECK-NEXT:     affine.for %[[I:.*]] = 0 to 84 {
//   CHECK-DAG:       %[[SCALAR:.*]] = affine.load %[[W]][%[[O]], %[[I]]]
//   CHECK-DAG:       %[[VECTOR:.*]] = vector.transfer_read %[[X]][%[[I]], %c0]{{.*}} vector<16xf32>
//   CHECK-DAG:       %[[SUM:.*]] = vector.transfer_read %[[Y]][%[[O]], %c0]{{.*}} vector<16xf32>
//       CHECK:       %[[SPLAT:.*]] = vector.broadcast %[[SCALAR]]
//       CHECK:       %[[PRODUCT:.*]] = arith.mulf %[[SPLAT]], %[[VECTOR]] fastmath<contract> : vector<16xf32>
//       CHECK:       %[[NEXT:.*]] = arith.addf %[[SUM]], %[[PRODUCT]] fastmath<contract> : vector<16xf32>
//       CHECK:       vector.transfer_write %[[NEXT]], %[[Y]][%[[O]], %c0]
//   CHECK-NOT:   affine.for
//
// AVX2-LABEL: func @contraction(
//       AVX2:   affine.for %{{.*}} = 0 to 10 {
//  AVX2-NEXT:     affine.for %{{.*}} = 0 to 84 {
//  AVX2-NEXT:       affine.for %{{.*}} = 0 to 16 step 8 {
func.func @contraction(%w: memref<10x84xf32>, %x: memref<84x16xf32>, %y: memref<10x16xf32>) {
  linalg.generic {indexing_maps = [#weight, #input, #output],
                  iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%w, %x : memref<10x84xf32>, memref<84x16xf32>) outs(%y : memref<10x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b fastmath<contract> : f32
    %1 = arith.addf %sum, %0 fastmath<contract> : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// 27 = 16 + 8 + 2 + 1: the lane keeps its place among the loops, and each piece is a nest that can be tiled.
// CHECK-LABEL: func @odd_contraction(
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 5 {
//       CHECK:       vector<16xf32>
//       CHECK:   affine.for
//       CHECK:       vector<8xf32>
//       CHECK:   affine.for
//       CHECK:       vector<2xf32>
//       CHECK:   affine.for
//       CHECK:       affine.store %{{.*}}, %{{.*}}[%{{.*}}, 26] : memref<3x27xf32>
func.func @odd_contraction(%a: memref<3x5xf32>, %b: memref<5x27xf32>, %c: memref<3x27xf32>) {
  linalg.matmul ins(%a, %b : memref<3x5xf32>, memref<5x27xf32>) outs(%c : memref<3x27xf32>)
  return
}

// -----

// f64 takes half the lanes; a long lane becomes a loop, innermost where nothing is reduced.
// CHECK-LABEL: func @doubles(
//       CHECK:   affine.for %[[I:.*]] = 0 to 6 {
//  CHECK-NEXT:     affine.for %[[J:.*]] = 0 to 32 step 8 {
//       CHECK:       math.sqrt %{{.*}} : vector<8xf64>
//       CHECK:       vector.transfer_write %{{.*}}, %{{.*}}[%[[I]], %[[J]]]
func.func @doubles(%x: memref<6x32xf64>, %y: memref<6x32xf64>) {
  linalg.sqrt ins(%x : memref<6x32xf64>) outs(%y : memref<6x32xf64>)
  return
}

// -----

// Elementwise ops on contiguous memory run over one loop if their rows are no whole vectors.
// CHECK-LABEL: func @update(
//   CHECK-DAG:   memref.collapse_shape %{{.*}} {{\[}}[0, 1, 2, 3]] : memref<6x1x5x5xf32> into memref<150xf32>
//       CHECK:   affine.for %{{.*}} = 0 to 144 step 16 {
//       CHECK:   vector<4xf32>
//       CHECK:   vector<2xf32>
//   CHECK-NOT:   affine.store
func.func @update(%g: memref<6x1x5x5xf32>, %rate: memref<f32>, %w: memref<6x1x5x5xf32>) {
  linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> ()>,
                                   affine_map<(a, b, c, d) -> (a, b, c, d)>],
                  iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%g, %rate : memref<6x1x5x5xf32>, memref<f32>) outs(%w : memref<6x1x5x5xf32>) {
  ^bb0(%gradient: f32, %lr: f32, %old: f32):
    %0 = arith.mulf %gradient, %lr : f32
    %1 = arith.subf %old, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Squares of 16 are transposed by 4 rounds of 16 shuffles; the rest of 87 = 5 * 16 + 4 + 3 rows is
// a row of squares of 4 and scalar code.
// CHECK-LABEL: func @transposition(
//       CHECK:   affine.for %{{.*}} = 0 to 80 step 16 {
// CHECK-COUNT-16:  vector.transfer_read %{{.*}} : memref<16x87xf32>, vector<16xf32>
// CHECK-COUNT-64:  vector.shuffle
// CHECK-COUNT-16:  vector.transfer_write %{{.*}} : vector<16xf32>, memref<87x16xf32>
//       CHECK:   affine.for %{{.*}} = 0 to 16 step 4 {
// CHECK-COUNT-4:   vector.transfer_read %{{.*}} : memref<16x87xf32>, vector<4xf32>
// CHECK-COUNT-8:   vector.shuffle
//       CHECK:   affine.for %{{.*}} = 84 to 87 {
//       CHECK:     affine.for %{{.*}} = 0 to 16 {
//  CHECK-NEXT:       affine.load
//  CHECK-NEXT:       affine.store
func.func @transposition(%x: memref<16x87xf32>, %y: memref<87x16xf32>) {
  linalg.transpose ins(%x : memref<16x87xf32>) outs(%y : memref<87x16xf32>) permutation = [1, 0]
  return
}

// -----

// A sum over the lane keeps a vector of partial sums and folds it in halves.
// CHECK-LABEL: func @row_sums(
//  CHECK-SAME:     %[[X:.*]]: memref<7x128xf32>, %[[Y:.*]]: memref<7xf32>)
//       CHECK:   affine.for %[[I:.*]] = 0 to 7 {
//       CHECK:     %[[OLD:.*]] = affine.load %[[Y]][%[[I]]]
//       CHECK:     %[[SUMS:.*]] = affine.for %{{.*}} = 0 to 128 step 64 iter_args(%[[SUM:.*]] = %{{.*}}) -> (vector<64xf32>) {
//       CHECK:       arith.addf %[[SUM]], %{{.*}} : vector<64xf32>
//       CHECK:     arith.addf %{{.*}} : vector<32xf32>
//       CHECK:     arith.addf %{{.*}} : vector<1xf32>
//       CHECK:     %[[NEW:.*]] = arith.addf %[[OLD]], %{{.*}} : f32
//       CHECK:     affine.store %[[NEW]], %[[Y]][%[[I]]]
func.func @row_sums(%x: memref<7x128xf32>, %y: memref<7xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<7x128xf32>) outs(%y : memref<7xf32>) dimensions = [1]
  return
}

// -----

// Element types may differ: the widest one decides, and a mask is a vector of the same length.
// CHECK-LABEL: func @winners(
//       CHECK:   arith.cmpf ogt, %{{.*}} : vector<16xf32>
//       CHECK:   arith.select %{{.*}} : vector<16xi1>, vector<16xi8>
//       CHECK:   vector.transfer_write %{{.*}} : vector<16xi8>, memref<4x16xi8>
func.func @winners(%x: memref<4x16xf32>, %y: memref<4x16xf32>, %winner: memref<4x16xi8>) {
  %zero = arith.constant 0 : i8
  %one = arith.constant 1 : i8
  linalg.map ins(%x, %y : memref<4x16xf32>, memref<4x16xf32>) outs(%winner : memref<4x16xi8>)
    (%a: f32, %b: f32, %old: i8) {
      %0 = arith.cmpf ogt, %a, %b : f32
      %1 = arith.select %0, %zero, %one : i8
      linalg.yield %1 : i8
    }
  return
}

// -----

// The index along the lane is a vector, any other one a scalar.
// CHECK-LABEL: func @indices(
//       CHECK:   affine.for %[[I:.*]] = 0 to 5 {
//       CHECK:     vector.broadcast %[[I]] : index to vector<8xindex>
//       CHECK:     vector.transfer_write %{{.*}} : vector<8xindex>, memref<5x8xindex>
func.func @indices(%x: memref<5x8xindex>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%x : memref<5x8xindex>) {
  ^bb0(%old: index):
    %0 = linalg.index 0 : index
    %1 = linalg.index 1 : index
    %2 = arith.muli %0, %1 : index
    linalg.yield %2 : index
  }
  return
}

// -----

// CHECK-LABEL: func @rank_zero(
//       CHECK:   %[[OLD:.*]] = affine.load %[[X:.*]][] : memref<f32>
//       CHECK:   %[[NEW:.*]] = math.exp %[[OLD]] : f32
//       CHECK:   affine.store %[[NEW]], %{{.*}}[] : memref<f32>
func.func @rank_zero(%x: memref<f32>, %y: memref<f32>) {
  linalg.exp ins(%x : memref<f32>) outs(%y : memref<f32>)
  return
}

// -----

// Every second element is no vector; the code is scalar, and correct.
// CHECK-LABEL: func @every_second(
//   CHECK-NOT:   vector
//       CHECK:   affine.for %[[I:.*]] = 0 to 16 {
//       CHECK:     affine.load %{{.*}}[%[[I]] * 2 + 1] : memref<33xf32>
func.func @every_second(%x: memref<33xf32>, %y: memref<16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i * 2 + 1)>, affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]} ins(%x : memref<33xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// A bit of a vector is a byte in memory, so masks in memory move one by one.
// CHECK-LABEL: func @mask_in_memory(
//       CHECK:   %[[MASK:.*]] = arith.cmpf olt, %{{.*}} : vector<4xf32>
// CHECK-COUNT-4: affine.store %{{.*}} : memref<4xi1>
func.func @mask_in_memory(%x: memref<4xf32>, %y: memref<4xf32>, %mask: memref<4xi1>) {
  linalg.map ins(%x, %y : memref<4xf32>, memref<4xf32>) outs(%mask : memref<4xi1>)
    (%a: f32, %b: f32, %old: i1) {
      %0 = arith.cmpf olt, %a, %b : f32
      linalg.yield %0 : i1
    }
  return
}

// -----

// Bufferization leaves copies, also between slices.
// CHECK-LABEL: func @copy_of_a_slice(
//   CHECK-NOT:   memref.copy
//       CHECK:   vector.transfer_read %{{.*}} vector<16xf32>
//   CHECK-NOT:   memref.copy
func.func @copy_of_a_slice(%x: memref<8x48xf32>, %y: memref<4x16xf32>) {
  %slice = memref.subview %x[2, 16] [4, 16] [1, 1]
      : memref<8x48xf32> to memref<4x16xf32, strided<[48, 1], offset: 112>>
  memref.copy %slice, %y : memref<4x16xf32, strided<[48, 1], offset: 112>> to memref<4x16xf32>
  return
}
