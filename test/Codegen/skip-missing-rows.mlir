// RUN: ai-opt %s --ai-skip-missing-rows | FileCheck %s

// Three slots of 16 rows: a batch of 37 samples has 37 in its last panel, one of 100 has 4. Parts of a sum end where they
// ended, or with the last row.
//       CHECK: #[[$PART:.*]] = affine_map<()[s0] -> (s0, 20)>
//       CHECK: #[[$ALL:.*]] = affine_map<()[s0] -> (s0, 48)>
// CHECK-LABEL: func.func @step_combine(
//  CHECK-SAME:   %[[COUNT:[a-z0-9]+]]: i64 {ai.role = "count"})
//       CHECK:   %[[SAMPLES:.*]] = arith.index_cast %[[COUNT]] : i64 to index
//       CHECK:   %[[ONE:.*]] = arith.constant 1 : index
//       CHECK:   %[[LAST:.*]] = arith.subi %[[SAMPLES]], %[[ONE]]
//       CHECK:   %[[SIZE:.*]] = arith.constant 48 : index
//       CHECK:   %[[BEHIND:.*]] = arith.remui %[[LAST]], %[[SIZE]]
//       CHECK:   %[[ROWS:.*]] = arith.addi %[[BEHIND]], %{{.*}}
//       CHECK:   affine.for %{{.*}} = 0 to min #[[$PART]]()[%[[ROWS]]]
//       CHECK:   {ai.trips = 20 : i64}
//       CHECK:   affine.for %{{.*}} = 20 to min #[[$ALL]]()[%[[ROWS]]]
//       CHECK:   {ai.trips = 14 : i64}
// A sum of rows, one of products with something else, one of every other column, and one that stores as it goes stay.
//       CHECK:   affine.for %{{.*}} = 0 to 48 iter_args
//       CHECK:   affine.for %{{.*}} = 0 to 48 iter_args
//       CHECK:   affine.for %{{.*}} = 0 to 30 iter_args
//       CHECK:   affine.for %{{.*}} = 0 to 48 iter_args
func.func @step_combine(%fixed: memref<9216xi8> {ai.role = "fixed"}, %w: memref<16xf32>, %out: memref<48xf32>,
                        %count: i64 {ai.role = "count"}) attributes {ai.kind = "combine"} {
  %zero = arith.constant dense<0.0> : vector<16xf32>
  %none = arith.constant 0.0 : f32
  %pad = ub.poison : f32
  %c0 = arith.constant 0 : index
  %c3072 = arith.constant 3072 : index
  %a = memref.view %fixed[%c0][] {ai.panel} : memref<9216xi8> to memref<48x16xf32>
  %b = memref.view %fixed[%c3072][] {ai.panel} : memref<9216xi8> to memref<48x30xf32>
  %part = affine.for %n = 0 to 20 iter_args(%sum = %zero) -> (vector<16xf32>) {
    %x = vector.transfer_read %a[%n, %c0], %pad {in_bounds = [true]} : memref<48x16xf32>, vector<16xf32>
    %ct = affine.load %b[%n, 7] : memref<48x30xf32>
    %all = vector.broadcast %ct : f32 to vector<16xf32>
    %term = arith.mulf %all, %x : vector<16xf32>
    %next = arith.addf %sum, %term : vector<16xf32>
    affine.yield %next : vector<16xf32>
  }
  %all = affine.for %n = 20 to 48 step 2 iter_args(%sum = %part) -> (vector<16xf32>) {
    %x0 = vector.transfer_read %a[%n, %c0], %pad {in_bounds = [true]} : memref<48x16xf32>, vector<16xf32>
    %ct0 = affine.load %b[%n, 7] : memref<48x30xf32>
    %all0 = vector.broadcast %ct0 : f32 to vector<16xf32>
    %term0 = arith.mulf %all0, %x0 : vector<16xf32>
    %next0 = arith.addf %sum, %term0 : vector<16xf32>
    %ct1 = affine.load %b[%n + 1, 7] : memref<48x30xf32>
    %all1 = vector.broadcast %ct1 : f32 to vector<16xf32>
    %term1 = arith.mulf %all1, %x0 : vector<16xf32>
    %next1 = arith.addf %next0, %term1 : vector<16xf32>
    affine.yield %next1 : vector<16xf32>
  }
  vector.transfer_write %all, %out[%c0] {in_bounds = [true]} : vector<16xf32>, memref<48xf32>
  %rows = affine.for %n = 0 to 48 iter_args(%sum = %none) -> (f32) {
    %x = affine.load %a[%n, 3] : memref<48x16xf32>
    %next = arith.addf %sum, %x : f32
    affine.yield %next : f32
  }
  %other = affine.for %n = 0 to 48 iter_args(%sum = %rows) -> (f32) {
    %x = affine.load %a[%n, 3] : memref<48x16xf32>
    %y = affine.load %w[3] : memref<16xf32>
    %term = arith.mulf %x, %y : f32
    %next = arith.addf %sum, %term : f32
    affine.yield %next : f32
  }
  %columns = affine.for %k = 0 to 30 iter_args(%sum = %other) -> (f32) {
    %x = affine.load %a[0, 3] : memref<48x16xf32>
    %y = affine.load %b[0, %k] : memref<48x30xf32>
    %term = arith.mulf %x, %y : f32
    %next = arith.addf %sum, %term : f32
    affine.yield %next : f32
  }
  %stored = affine.for %n = 0 to 48 iter_args(%sum = %columns) -> (f32) {
    %x = affine.load %a[%n, 3] : memref<48x16xf32>
    %y = affine.load %b[%n, 3] : memref<48x30xf32>
    %term = arith.mulf %x, %y : f32
    %next = arith.addf %sum, %term : f32
    affine.store %next, %out[%n] : memref<48xf32>
    affine.yield %next : f32
  }
  affine.store %stored, %w[0] : memref<16xf32>
  return
}

// All panels but the last are full.
// CHECK-LABEL: func.func @step_fold(
//       CHECK:   affine.for %{{.*}} = 0 to 48 iter_args
func.func @step_fold(%fixed: memref<3072xi8> {ai.role = "fixed"}, %out: memref<1xf32>, %count: i64 {ai.role = "count"})
    attributes {ai.kind = "fold"} {
  %none = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %a = memref.view %fixed[%c0][] {ai.panel} : memref<3072xi8> to memref<48x16xf32>
  %all = affine.for %n = 0 to 48 iter_args(%sum = %none) -> (f32) {
    %x = affine.load %a[%n, 3] : memref<48x16xf32>
    %term = arith.mulf %x, %x : f32
    %next = arith.addf %sum, %term : f32
    affine.yield %next : f32
  }
  affine.store %all, %out[0] : memref<1xf32>
  return
}
