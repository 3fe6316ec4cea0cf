// RUN: ai-opt %s -ai-expand-math -split-input-file | FileCheck %s

// CHECK-LABEL: func @polynomials(
//   CHECK-NOT:   math.exp
//   CHECK-NOT:   math.tanh
//   CHECK-NOT:   call
//       CHECK:   math.fma {{.*}} : vector<16xf32>
//   CHECK-NOT:   math.exp
//   CHECK-NOT:   math.tanh
//   CHECK-NOT:   call
//       CHECK:   return
func.func @polynomials(%x: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.tanh %x : vector<16xf32>
  return %0, %1 : vector<16xf32>, vector<16xf32>
}

// -----

// A scalar gets the value that it would have in a vector.
// CHECK-LABEL: func @scalar(
//   CHECK-NOT:   math.exp
//       CHECK:   math.fma {{.*}} : f32
func.func @scalar(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// -----

// CHECK-LABEL: func @log_of_a_denormal(
//  CHECK-SAME:     %[[X:.*]]: f32)
//       CHECK:   %[[SMALLEST:.*]] = arith.constant 1.17549435E-38 : f32
//       CHECK:   %[[TINY:.*]] = arith.cmpf olt, %[[X]], %[[SMALLEST]] : f32
//       CHECK:   %[[SCALE:.*]] = arith.constant 0x4B800000 : f32
//       CHECK:   %[[SCALED:.*]] = arith.mulf %[[X]], %[[SCALE]] : f32
//       CHECK:   arith.select %[[TINY]], %[[SCALED]], %[[X]] : f32
//       CHECK:   %[[SHIFT:.*]] = arith.constant 16.6355324 : f32
//       CHECK:   %[[LOG:.*]] = arith.subf %[[SHIFTED:.*]], %[[SHIFT]] : f32
//       CHECK:   arith.select %[[TINY]], %[[LOG]], %[[SHIFTED]] : f32
func.func @log_of_a_denormal(%x: f32) -> f32 {
  %0 = math.log %x : f32
  return %0 : f32
}

// -----

// CHECK-LABEL: func @calls(
// CHECK-COUNT-2: call @exp(%{{.*}}) : (f64) -> f64
// CHECK-COUNT-2: call @sinf(%{{.*}}) : (f32) -> f32
func.func @calls(%x: vector<2xf64>, %y: vector<2xf32>) -> (vector<2xf64>, vector<2xf32>) {
  %0 = math.exp %x : vector<2xf64>
  %1 = math.sin %y : vector<2xf32>
  return %0, %1 : vector<2xf64>, vector<2xf32>
}

// -----

// CHECK-LABEL: func @powers(
//  CHECK-SAME:     %[[X:.*]]: vector<4xf32>, %[[Y:.*]]: f32, %[[Z:.*]]: f32)
//       CHECK:   arith.mulf %[[X]], %[[X]] : vector<4xf32>
//       CHECK:   call @powf(%[[Y]], %[[Z]])
func.func @powers(%x: vector<4xf32>, %y: f32, %z: f32) -> (vector<4xf32>, f32) {
  %two = arith.constant dense<2.0> : vector<4xf32>
  %0 = math.powf %x, %two : vector<4xf32>
  %1 = math.powf %y, %z : f32
  return %0, %1 : vector<4xf32>, f32
}

// -----

// What is an instruction stays.
// CHECK-LABEL: func @instructions(
//       CHECK:   math.sqrt
//       CHECK:   math.absf
//       CHECK:   math.floor
func.func @instructions(%x: vector<8xf64>) -> vector<8xf64> {
  %0 = math.sqrt %x : vector<8xf64>
  %1 = math.absf %0 : vector<8xf64>
  %2 = math.floor %1 : vector<8xf64>
  return %2 : vector<8xf64>
}
