// RUN: ai-opt %s --pass-pipeline='builtin.module(gpu.module(ai-expand-device-math))' --split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: gpu.module @kernels
gpu.module @kernels {
  // What is an instruction becomes an intrinsic.
  // CHECK-LABEL: func.func @instructions(
  //       CHECK:   llvm.call_intrinsic "llvm.floor"(%{{.*}}) : (f32) -> f32
  //       CHECK:   llvm.call_intrinsic "llvm.sqrt"(%{{.*}}) : (f64) -> f64
  //       CHECK:   math.fma
  func.func @instructions(%x: f32, %y: f64) -> (f32, f64, f32) {
    %0 = math.floor %x : f32
    %1 = math.sqrt %y : f64
    %2 = math.fma %x, %x, %x : f32
    return %0, %1, %2 : f32, f64, f32
  }

  // Functions are series in f64, for f32 as well, and call no library.
  // CHECK-LABEL: func.func @functions(
  //   CHECK-NOT:   {{math.(exp|log|tanh|sin|cos|powf)}}
  //   CHECK-NOT:   call @
  //       CHECK:   arith.extf %{{.*}} : f32 to f64
  //       CHECK:   arith.truncf %{{.*}} : f64 to f32
  //       CHECK:   return
  func.func @functions(%x: f32, %y: f64) -> (f32, f64, f64, f64, f64, f64) {
    %0 = math.sin %x : f32
    %1 = math.cos %y : f64
    %2 = math.exp %y : f64
    %3 = math.log %y : f64
    %4 = math.tanh %y : f64
    %5 = math.powf %y, %y : f64
    return %0, %1, %2, %3, %4, %5 : f32, f64, f64, f64, f64, f64
  }
}

// -----

gpu.module @kernels {
  func.func @none(%x: f32) -> f32 {
    // expected-error@below {{has no expansion for a GPU}}
    %0 = math.atan %x : f32
    return %0 : f32
  }
}
