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

// Threads will share the rows of a sum behind the blocks: 42 = 2 * 20 + 2, and a band of 20 holds all pieces of the 530
// columns. 33 vectors leave one behind tiles of 4; 2 elements fill a vector of their own. The last rows come after it.
// CHECK-LABEL: func @bands(
//       CHECK:   affine.for %[[BAND:.*]] = 0 to 40 step 20 {
//       CHECK:     affine.for %[[I:.*]] = 0 to 20 {
//       CHECK:       affine.for %{{.*}} = 0 to 512 step 16 {
//       CHECK:         %[[ROW:.*]] = affine.apply #{{.*}}(%[[BAND]], %[[I]])
//       CHECK:         vector.transfer_write {{.*}}, %{{.*}}[%[[ROW]], %{{.*}}]
//       CHECK:     affine.for %{{.*}} = 0 to 20 {
//       CHECK:       vector.transfer_write {{.*}}%c512{{.*}} : vector<16xf32>
//       CHECK:     affine.for %{{.*}} = 0 to 20 {
//       CHECK:       vector.transfer_write {{.*}}%c528{{.*}} : vector<2xf32>
//       CHECK:   affine.for %[[LAST:.*]] = 40 to 42 {
//       CHECK:     affine.for %{{.*}} = 0 to 512 step 16 {
//       CHECK:   affine.for %{{.*}} = 40 to 42 {
//       CHECK:     vector.transfer_write {{.*}}%c512
//       CHECK:   affine.for %{{.*}} = 40 to 42 {
//       CHECK:     vector.transfer_write {{.*}}%c528
func.func @bands(%a: memref<42x5xf32>, %b: memref<5x530xf32>, %c: memref<42x530xf32>) attributes {ai.kind = "combine"} {
  linalg.matmul ins(%a, %b : memref<42x5xf32>, memref<5x530xf32>) outs(%c : memref<42x530xf32>)
  return
}

// The blocks themselves are not shared out by rows.
// CHECK-LABEL: func @no_bands(
//   CHECK-NOT:   step 20
//       CHECK:   return
func.func @no_bands(%a: memref<42x5xf32>, %b: memref<5x530xf32>, %c: memref<42x530xf32>) attributes {ai.kind = "block"} {
  linalg.matmul ins(%a, %b : memref<42x5xf32>, memref<5x530xf32>) outs(%c : memref<42x530xf32>)
  return
}

// -----

#same = affine_map<(i, j) -> (i, j)>

// What starts a sum and what uses it is cut like the sum, 20 = 16 + 4 in each row, so that pieces can become one nest.
// CHECK-LABEL: func @ends_of_a_sum(
//   CHECK-NOT:   memref.collapse_shape
// CHECK-COUNT-3: affine.for %{{.*}} = 0 to 3 {
//       CHECK:     vector.transfer_write %{{.*}} : vector<16xf32>, memref<3x20xf32>
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//       CHECK:     vector.transfer_write %{{.*}} : vector<4xf32>, memref<3x20xf32>
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//  CHECK-NEXT:     vector.transfer_read
//       CHECK:     vector.transfer_write %{{.*}} : vector<16xf32>, memref<3x20xf32>
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//       CHECK:     vector.transfer_write %{{.*}} : vector<4xf32>, memref<3x20xf32>
func.func @ends_of_a_sum(%a: memref<3x5xf32>, %b: memref<5x20xf32>, %c: memref<3x20xf32>, %w: memref<3x20xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<3x20xf32>)
  linalg.matmul ins(%a, %b : memref<3x5xf32>, memref<5x20xf32>) outs(%c : memref<3x20xf32>)
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%c : memref<3x20xf32>) outs(%w : memref<3x20xf32>) {
  ^bb0(%d: f32, %old: f32):
    %0 = arith.subf %old, %d : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#same = affine_map<(i, j) -> (i, j)>

// What has nothing to do with a sum is one long lane.
// CHECK-LABEL: func @beside_a_sum(
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 5 {
//       CHECK:   memref.collapse_shape %{{.*}} into memref<60xf32>
//       CHECK:   affine.for %{{.*}} = 0 to 48 step 16 {
func.func @beside_a_sum(%a: memref<3x5xf32>, %b: memref<5x20xf32>, %c: memref<3x20xf32>,
                        %w: memref<3x20xf32>, %v: memref<3x20xf32>) {
  linalg.matmul ins(%a, %b : memref<3x5xf32>, memref<5x20xf32>) outs(%c : memref<3x20xf32>)
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%v : memref<3x20xf32>) outs(%w : memref<3x20xf32>) {
  ^bb0(%d: f32, %old: f32):
    %0 = arith.subf %old, %d : f32
    linalg.yield %0 : f32
  }
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

// Sums of one vector each are folded together, as many as a vector holds, so that all vectors stay
// full: 8 + 4 + 2 + 1 additions for sixteen of them.
// CHECK-LABEL: func @sixteen_sums(
//  CHECK-SAME:     %[[X:.*]]: memref<16x16xf32>, %[[Y:.*]]: memref<16xf32>)
//   CHECK-NOT:   affine.for
//       CHECK:   %[[OLD:.*]] = vector.transfer_read %[[Y]][%c0]
// CHECK-COUNT-16: vector.transfer_read %[[X]][%c{{[0-9]+}}, %c0]
//       CHECK:   vector.shuffle %[[A:.*]], %[[B:.*]] [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
//  CHECK-NEXT:   vector.shuffle %[[A]], %[[B]] [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31]
//  CHECK-NEXT:   arith.addf
// CHECK-COUNT-7: arith.addf {{.*}} : vector<16xf32>
//       CHECK:   vector.shuffle %[[C:.*]], %[[D:.*]] [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
//  CHECK-NEXT:   vector.shuffle %[[C]], %[[D]] [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31]
// CHECK-COUNT-6: arith.addf {{.*}} : vector<16xf32>
//       CHECK:   vector.shuffle %[[E:.*]], %[[F:.*]] [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]
//  CHECK-NEXT:   vector.shuffle %[[E]], %[[F]] [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31]
//  CHECK-NEXT:   %[[SUMS:.*]] = arith.addf
//  CHECK-NEXT:   %[[NEW:.*]] = arith.addf %[[OLD]], %[[SUMS]]
//  CHECK-NEXT:   vector.transfer_write %[[NEW]], %[[Y]][%c0]
//  CHECK-NEXT:   return
//
// Two vectors are too long a lane to keep sixteen of them.
//  AVX2-LABEL: func @sixteen_sums(
//        AVX2:   affine.for %{{.*}} = 0 to 16 {
//        AVX2:     arith.addf %{{.*}} : f32
func.func @sixteen_sums(%x: memref<16x16xf32>, %y: memref<16xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<16x16xf32>) outs(%y : memref<16xf32>) dimensions = [1]
  return
}

// -----

// 21 = 16 + 4 + 1: four sums leave vectors of 8 and 4 when they run out, one sum ends as a scalar.
// CHECK-LABEL: func @odd_sums(
//  CHECK-SAME:     %[[X:.*]]: memref<21x16xf32>, %[[Y:.*]]: memref<21xf32>)
//   CHECK-NOT:   affine.for
//       CHECK:   vector.transfer_write %{{.*}}, %[[Y]][%c0] {{.*}} : vector<16xf32>
//       CHECK:   %[[OLD:.*]] = vector.transfer_read %[[Y]][%c16], {{.*}} vector<4xf32>
// CHECK-COUNT-4: vector.transfer_read %[[X]][%c{{1[6-9]}}, %c0]
// CHECK-COUNT-3: arith.addf {{.*}} : vector<16xf32>
//       CHECK:   vector.shuffle %[[A:.*]], %[[A]] [0, 1, 4, 5, 8, 9, 12, 13] : vector<16xf32>
//  CHECK-NEXT:   vector.shuffle %[[A]], %[[A]] [2, 3, 6, 7, 10, 11, 14, 15] : vector<16xf32>
//  CHECK-NEXT:   %[[B:.*]] = arith.addf {{.*}} : vector<8xf32>
//  CHECK-NEXT:   vector.shuffle %[[B]], %[[B]] [0, 2, 4, 6] : vector<8xf32>
//  CHECK-NEXT:   vector.shuffle %[[B]], %[[B]] [1, 3, 5, 7] : vector<8xf32>
//  CHECK-NEXT:   %[[FOUR:.*]] = arith.addf {{.*}} : vector<4xf32>
//  CHECK-NEXT:   %[[NEW:.*]] = arith.addf %[[OLD]], %[[FOUR]]
//  CHECK-NEXT:   vector.transfer_write %[[NEW]], %[[Y]][%c16]
//       CHECK:   %[[LAST:.*]] = affine.load %[[Y]][20]
//       CHECK:   vector.transfer_read %[[X]][%c20, %c0]
//       CHECK:   %[[ONE:.*]] = vector.extract %{{.*}}[0] : f32 from vector<1xf32>
//  CHECK-NEXT:   %[[SUM:.*]] = arith.addf %[[LAST]], %[[ONE]] : f32
//  CHECK-NEXT:   affine.store %[[SUM]], %[[Y]][20]
func.func @odd_sums(%x: memref<21x16xf32>, %y: memref<21xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<21x16xf32>) outs(%y : memref<21xf32>) dimensions = [1]
  return
}

// -----

// Many sums take a loop, and every result is written once.
// CHECK-LABEL: func @many_sums(
//       CHECK:   affine.for %[[I:.*]] = 0 to 96 step 16 {
//       CHECK:     vector.transfer_write %{{.*}}, %{{.*}}[%[[I]]] {{.*}} : vector<16xf32>
//       CHECK:   vector.transfer_write %{{.*}}, %{{.*}}[%c96] {{.*}} : vector<4xf32>
//   CHECK-NOT:   affine.store
func.func @many_sums(%x: memref<100x16xf32>, %y: memref<100xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<100x16xf32>) outs(%y : memref<100xf32>) dimensions = [1]
  return
}

// -----

// The loops over a result of many dimensions become one: 30 = 16 + 8 + 4 + 2.
// CHECK-LABEL: func @collapsed_sums(
//  CHECK-SAME:     %[[X:.*]]: memref<2x3x5x16xf32>, %[[Y:.*]]: memref<2x3x5xf32>)
//   CHECK-NOT:   affine.for
//       CHECK:   memref.collapse_shape %[[X]] {{\[}}[0, 1, 2], [3]] : memref<2x3x5x16xf32> into memref<30x16xf32>
//       CHECK:   %[[ROW:.*]] = memref.collapse_shape %[[Y]] {{\[}}[0, 1, 2]] : memref<2x3x5xf32> into memref<30xf32>
//       CHECK:   vector.transfer_write %{{.*}}, %[[ROW]][%c0] {{.*}} : vector<16xf32>
//       CHECK:   vector.transfer_write %{{.*}}, %[[ROW]][%c16] {{.*}} : vector<8xf32>
//       CHECK:   vector.transfer_write %{{.*}}, %[[ROW]][%c24] {{.*}} : vector<4xf32>
//       CHECK:   vector.transfer_write %{{.*}}, %[[ROW]][%c28] {{.*}} : vector<2xf32>
//   CHECK-NOT:   affine.store
func.func @collapsed_sums(%x: memref<2x3x5x16xf32>, %y: memref<2x3x5xf32>) {
  linalg.generic {indexing_maps = [affine_map<(a, b, c, n) -> (a, b, c, n)>, affine_map<(a, b, c, n) -> (a, b, c)>],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x : memref<2x3x5x16xf32>) outs(%y : memref<2x3x5xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %0 = arith.addf %sum, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A named op keeps its loops: it says by number which of them it sums over.
// CHECK-LABEL: func @named_sums(
//   CHECK-NOT:   memref.collapse_shape
//       CHECK:   affine.for %[[I:.*]] = 0 to 3 {
//       CHECK:     vector.transfer_write %{{.*}}, %{{.*}}[%[[I]], %c0] {{.*}} : vector<4xf32>
//       CHECK:     affine.store %{{.*}}, %{{.*}}[%[[I]], 4]
func.func @named_sums(%x: memref<3x5x16xf32>, %y: memref<3x5xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<3x5x16xf32>) outs(%y : memref<3x5xf32>) dimensions = [2]
  return
}

// -----

// Rows that lie along a diagonal of the results have no common stride.
// CHECK-LABEL: func @windowed_sums(
//   CHECK-NOT:   memref.collapse_shape
//       CHECK:   affine.for %[[I:.*]] = 0 to 2 {
//       CHECK:     vector.transfer_write %{{.*}}, %{{.*}}[%[[I]], %c0] {{.*}} : vector<4xf32>
func.func @windowed_sums(%x: memref<6x16xf32>, %y: memref<2x5xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j, n) -> (i + j, n)>, affine_map<(i, j, n) -> (i, j)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<6x16xf32>) outs(%y : memref<2x5xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %0 = arith.addf %sum, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Neighbouring sums that are no neighbours in memory are folded one by one, by halves.
// CHECK-LABEL: func @transposed_sums(
//  CHECK-SAME:     %[[X:.*]]: memref<3x5x16xf32>, %[[Y:.*]]: memref<5x3xf32>)
//       CHECK:   affine.for %[[I:.*]] = 0 to 3 {
//  CHECK-NEXT:     affine.for %[[J:.*]] = 0 to 5 {
//       CHECK:       %[[OLD:.*]] = affine.load %[[Y]][%[[J]], %[[I]]]
//       CHECK:       vector.transfer_read %[[X]][%[[I]], %[[J]], %c0]
//       CHECK:       vector.shuffle %[[A:.*]], %[[A]] [0, 1, 2, 3, 4, 5, 6, 7] : vector<16xf32>
//  CHECK-NEXT:       vector.shuffle %[[A]], %[[A]] [8, 9, 10, 11, 12, 13, 14, 15] : vector<16xf32>
//       CHECK:       %[[SUM:.*]] = vector.extract %{{.*}}[0] : f32 from vector<1xf32>
//       CHECK:       %[[NEW:.*]] = arith.addf %[[OLD]], %[[SUM]] : f32
//       CHECK:       affine.store %[[NEW]], %[[Y]][%[[J]], %[[I]]]
func.func @transposed_sums(%x: memref<3x5x16xf32>, %y: memref<5x3xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j, n) -> (i, j, n)>, affine_map<(i, j, n) -> (j, i)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<3x5x16xf32>) outs(%y : memref<5x3xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %0 = arith.addf %sum, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// CHECK-LABEL: func @strided_sums(
//   CHECK-NOT:   memref.collapse_shape
//       CHECK:   affine.for %[[I:.*]] = 0 to 2 {
//  CHECK-NEXT:     affine.for %[[J:.*]] = 0 to 8 {
//       CHECK:       affine.store %{{.*}}, %{{.*}}[%[[I]], %[[J]]]
func.func @strided_sums(%x: memref<2x8x16xf32>, %y: memref<2x8xf32, strided<[24, 3]>>) {
  linalg.generic {indexing_maps = [affine_map<(i, j, n) -> (i, j, n)>, affine_map<(i, j, n) -> (i, j)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<2x8x16xf32>) outs(%y : memref<2x8xf32, strided<[24, 3]>>) {
  ^bb0(%a: f32, %sum: f32):
    %0 = arith.addf %sum, %a : f32
    linalg.yield %0 : f32
  }
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

// -----

// The body looks up an image at a place that only the lane's index moves by one: a vector is read there, once the place
// itself is known as a scalar.
// CHECK-LABEL: func @looks_up_vectors(
//  CHECK-SAME:     %[[IMAGE:[a-z0-9]+]]: memref<9x32xf32>, %[[AT:[a-z0-9]+]]: memref<4xi8>,
//       CHECK:   affine.for %[[X:.*]] = 0 to 4 {
//       CHECK:     affine.for %[[I:.*]] = 0 to 32 step 16 {
//       CHECK:       %[[BYTE:.*]] = affine.load %[[AT]][%[[X]]]
//       CHECK:       %[[ROW:.*]] = arith.index_castui %[[BYTE]] : i8 to index
//       CHECK:       vector.transfer_read %[[IMAGE]][%[[ROW]], %[[I]]]{{.*}} : memref<9x32xf32>, vector<16xf32>
#row = affine_map<(x, i) -> (x)>
#sum = affine_map<(x, i) -> (i)>
func.func @looks_up_vectors(%image: memref<9x32xf32>, %at: memref<4xi8>, %y: memref<32xf32>) {
  linalg.generic {indexing_maps = [#row, #sum], iterator_types = ["reduction", "parallel"]}
      ins(%at : memref<4xi8>) outs(%y : memref<32xf32>) {
  ^bb0(%byte: i8, %acc: f32):
    %row = arith.index_castui %byte : i8 to index
    %i = linalg.index 1 : index
    %0 = memref.load %image[%row, %i] : memref<9x32xf32>
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// The place itself may be looked up: the lane is counted from there.
// CHECK-LABEL: func @looks_up_runs(
//  CHECK-SAME:     %[[IMAGE:[a-z0-9]+]]: memref<99xf32>, %[[AT:[a-z0-9]+]]: memref<4xi8>
//       CHECK:     affine.for %[[I:.*]] = 0 to 32 step 16 {
//       CHECK:       %[[FIRST:.*]] = arith.index_castui %{{.*}} : i8 to index
//       CHECK:       %[[PLACE:.*]] = arith.addi %[[FIRST]], %[[I]] : index
//       CHECK:       vector.transfer_read %[[IMAGE]][%[[PLACE]]]{{.*}} : memref<99xf32>, vector<16xf32>
#run = affine_map<(x, i) -> (x)>
#total = affine_map<(x, i) -> (i)>
func.func @looks_up_runs(%image: memref<99xf32>, %at: memref<4xi8>, %y: memref<32xf32>) {
  linalg.generic {indexing_maps = [#run, #total], iterator_types = ["reduction", "parallel"]}
      ins(%at : memref<4xi8>) outs(%y : memref<32xf32>) {
  ^bb0(%byte: i8, %acc: f32):
    %first = arith.index_castui %byte : i8 to index
    %i = linalg.index 1 : index
    %place = arith.addi %first, %i : index
    %0 = memref.load %image[%place] : memref<99xf32>
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Squares too where the result lies behind a border and a row holds the channels of its pixels, 3 of 32 columns.
// CHECK-LABEL: func @squares_behind_a_border(
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: memref<3x32x16xf32>, %[[Y:[a-z0-9]+]]: memref<16x100xf32>
//       CHECK:   affine.for %[[U:.*]] = 0 to 96 step 16 {
//       CHECK:     vector.transfer_read %[[X]]{{.*}} : memref<3x32x16xf32>, vector<16xf32>
// CHECK-COUNT-64:  vector.shuffle
//       CHECK:     vector.transfer_write %{{.*}}, %[[Y]]{{.*}} : vector<16xf32>, memref<16x100xf32>
#pixel = affine_map<(n, u) -> (u mod 3, u floordiv 3, n)>
#lane = affine_map<(n, u) -> (u)>
#border = affine_map<(n, u) -> (n, u + 4)>
func.func @squares_behind_a_border(%x: memref<3x32x16xf32>, %y: memref<16x100xf32>, %u: memref<96xi8>) {
  linalg.generic {indexing_maps = [#pixel, #lane, #border], iterator_types = ["parallel", "parallel"]}
      ins(%x, %u : memref<3x32x16xf32>, memref<96xi8>) outs(%y : memref<16x100xf32>) {
  ^bb0(%in: f32, %range: i8, %out: f32):
    linalg.yield %in : f32
  }
  return
}

// -----

// Where the lane moves another index, elements are read one by one.
// CHECK-LABEL: func @looks_up_elements(
//       CHECK:   affine.for
//   CHECK-NOT:   vector.transfer_read
//       CHECK:     memref.load %{{.*}} : memref<32x9xf32>
#all = affine_map<(i) -> (i)>
func.func @looks_up_elements(%image: memref<32x9xf32>, %at: memref<32xi8>, %y: memref<32xf32>) {
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%at : memref<32xi8>) outs(%y : memref<32xf32>) {
  ^bb0(%byte: i8, %out: f32):
    %column = arith.index_castui %byte : i8 to index
    %i = linalg.index 0 : index
    %0 = memref.load %image[%i, %column] : memref<32x9xf32>
    linalg.yield %0 : f32
  }
  return
}
