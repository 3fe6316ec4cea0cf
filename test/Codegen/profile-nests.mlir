// RUN: ai-opt %s --ai-profile-nests --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// Rows 0 and 1 are what comes before a block and a combine; each nest has one of its own, described
// as in describe-nests.mlir.
// CHECK-LABEL: module
//  CHECK-SAME:   ai.profile = [
//  CHECK-SAME:     bytes_read = 0.000000e+00
//  CHECK-SAME:     flops = 0.000000e+00 : f64, name = "staging", shared = false, working_set = 0.000000e+00 : f64}
//  CHECK-SAME:     flops = 0.000000e+00 : f64, name = "waiting", shared = false, working_set = 0.000000e+00 : f64}
//  CHECK-SAME:     flops = 1.152000e+03 : f64, name = "conv1",
//  CHECK-SAME:     name = "r1+p1",
//  CHECK-SAME:     name = "line {{[0-9]+}}"
//       CHECK: func.func private @ai_rt_profile_lap(i64)
// CHECK-LABEL: func.func @step_block(
//  CHECK-NEXT:   %[[STAGING:.*]] = arith.constant 0 : i64
//  CHECK-NEXT:   call @ai_rt_profile_lap(%[[STAGING]])
//       CHECK:   affine.for %{{.*}} = 0 to 6 {
//   CHECK-NOT:   ai_rt_profile_lap
//       CHECK:   math.fma
//   CHECK-NOT:   ai_rt_profile_lap
//       CHECK:   affine.store
//       CHECK:   %[[FIRST:.*]] = arith.constant 2 : i64
//  CHECK-NEXT:   call @ai_rt_profile_lap(%[[FIRST]])
//  CHECK-NEXT:   affine.for %{{.*}} = 0 to 5 step 2 {
//       CHECK:   %[[SECOND:.*]] = arith.constant 3 : i64
//  CHECK-NEXT:   call @ai_rt_profile_lap(%[[SECOND]])
//  CHECK-NEXT:   affine.for %{{.*}} = 0 to 5 step 2 {
//       CHECK:   %[[THIRD:.*]] = arith.constant 4 : i64
//  CHECK-NEXT:   call @ai_rt_profile_lap(%[[THIRD]])
//  CHECK-NEXT:   return
func.func @step_block(%x: memref<6xf32>, %v: vector<16xf32>, %s: f32) attributes {ai.kind = "block"} {
  %zero = arith.constant dense<0.0> : vector<16xf32>
  affine.for %i = 0 to 6 {
    %sum = affine.for %j = 0 to 4 iter_args(%acc = %zero) -> (vector<16xf32>) {
      %0 = math.fma %v, %v, %acc : vector<16xf32>
      %1 = arith.addf %0, %v : vector<16xf32>
      affine.yield %1 : vector<16xf32>
    }
    %first = vector.extract %sum[0] : f32 from vector<16xf32>
    affine.store %first, %x[%i] : memref<6xf32> loc("conv1")
  }
  affine.for %i = 0 to 5 step 2 {
    affine.store %s, %x[%i] : memref<6xf32> loc(fused["r1", "p1"])
    affine.store %s, %x[%i + 1] : memref<6xf32> loc("p1")
  }
  affine.for %i = 0 to 5 step 2 {
    %0 = arith.mulf %s, %s : f32
    %1 = arith.subf %0, %s : f32
    %2 = arith.addi %i, %i : index
    affine.store %1, %x[%i] : memref<6xf32>
  }
  return
}

// -----

// The rows of all functions of steps are numbered through; a combine starts with the time that its
// thread has waited.
// CHECK-LABEL: module
//  CHECK-SAME:     name = "staging"
//  CHECK-SAME:     name = "waiting"
//  CHECK-SAME:     name = "loss", shared = false
//  CHECK-SAME:     name = "fc.bias", shared = true
//  CHECK-SAME:     name = "fc.weight", shared = true
// CHECK-LABEL: func.func @step_block(
//       CHECK:   arith.constant 0 : i64
//       CHECK:   arith.constant 2 : i64
// CHECK-LABEL: func.func @step_combine(
//       CHECK:   arith.constant 1 : i64
//       CHECK:   scf.if
//       CHECK:   }
//       CHECK:   arith.constant 3 : i64
//  CHECK-NEXT:   call @ai_rt_profile_lap
//       CHECK:   affine.for
//       CHECK:   arith.constant 4 : i64
//  CHECK-NEXT:   call @ai_rt_profile_lap
func.func @step_block(%x: memref<10xf64>, %s: f64) attributes {ai.kind = "block"} {
  affine.for %i = 0 to 10 {
    %0 = arith.divf %s, %s : f64
    affine.store %0, %x[%i] : memref<10xf64> loc("loss")
  }
  return
}
func.func @step_combine(%x: memref<10xf64>, %s: f64, %mine: i1, %end: index) attributes {ai.kind = "combine"} {
  scf.if %mine {
    %0 = arith.addf %s, %s : f64
    affine.store %0, %x[0] : memref<10xf64> loc("fc.bias")
  }
  affine.for %i = 0 to min affine_map<(d0) -> (d0, 10)>(%end) {
    %0 = arith.addf %s, %s : f64
    affine.store %0, %x[%i] : memref<10xf64> loc("fc.weight")
  } {ai.trips = 10 : i64}
  return
}

// -----

// A plain function has no kind and keeps no profile.
// CHECK-LABEL: module
//   CHECK-NOT: ai.profile
//   CHECK-NOT: ai_rt_profile_lap
func.func @plain(%x: memref<10xf32>, %s: f32) {
  affine.for %i = 0 to 10 {
    affine.store %s, %x[%i] : memref<10xf32>
  }
  return
}
