// RUN: ai-opt %s --ai-describe-kernels --split-input-file -verify-diagnostics | FileCheck %s

// Loops multiply, conditions are counted for each thread (10 of 2 x 8), those on loops for each iteration: rows i with
// i <= thread, 55 in all. Memory of a thread alone is none.
// CHECK: ai.kernel_costs = {f = [{flops = 200 : i64, grid = 2 : i64, loaded = 260 : i64, name = "k", shared = 0 : i64,
// CHECK-SAME: shared_loaded = 80 : i64, shared_stored = 0 : i64, stored = 40 : i64, threads = 8 : i64}]}
module attributes {gpu.container_module} {
  func.func private @f() attributes {ai.kernels = [{grid = 2 : i64, name = "k", shared = 0 : i64, threads = 8 : i64}]}
  gpu.module @kernels {
    gpu.func @k(%x: memref<10xf32>, %s: memref<10xf64, #gpu.address_space<workgroup>>) kernel {
      %own = memref.alloca() : memref<f32>
      %b = gpu.block_id x
      %t = gpu.thread_id x
      %c8 = arith.constant 8 : index
      %first = arith.muli %b, %c8 : index
      %thread = arith.addi %first, %t : index
      affine.if affine_set<()[s0] : (9 - s0 >= 0)>()[%thread] {
        %0 = affine.load %s[symbol(%thread)] : memref<10xf64, #gpu.address_space<workgroup>>
        %zero = arith.constant 0.0 : f32
        affine.store %zero, %own[] : memref<f32>
        %sum = affine.for %i = 0 to 10 iter_args(%a = %zero) -> f32 {
          %1 = affine.load %own[] : memref<f32>
          affine.if affine_set<(d0)[s0] : (s0 - d0 >= 0)>(%i)[%thread] {
            %2 = affine.load %x[%i] : memref<10xf32>
          }
          %3 = math.fma %1, %1, %a : f32
          affine.yield %3 : f32
        }
        affine.store %sum, %x[symbol(%thread)] : memref<10xf32>
        affine.if affine_set<()[s0] : (s0 mod 2 == 0)>()[%thread] {
        } else {
          %4 = affine.load %x[0] : memref<10xf32>
          %5 = affine.load %x[1] : memref<10xf32>
        }
      }
      gpu.return
    }
  }
}

// -----

// A product of a warp is its threads' together: 2 x 16 x 8 x 8 operations.
// CHECK: ai.kernel_costs = {f = [{flops = 2048 : i64,
module attributes {gpu.container_module} {
  func.func private @f() attributes {ai.kernels = [{grid = 1 : i64, name = "k", shared = 0 : i64, threads = 32 : i64}]}
  gpu.module @kernels {
    gpu.func @k(%a: i32, %c: f32) kernel {
      %d = nvvm.mma.sync A[%a, %a, %a, %a] B[%a, %a] C[%c, %c, %c, %c]
             {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<tf32>,
              multiplicandBPtxType = #nvvm.mma_type<tf32>, shape = #nvvm.shape<m = 16, n = 8, k = 8>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
      gpu.return
    }
  }
}

// -----

module attributes {gpu.container_module} {
  func.func private @f() attributes {ai.kernels = [{grid = 0 : i64, name = "k", shared = 0 : i64, threads = 8 : i64}]}
  gpu.module @kernels {
    gpu.func @k(%x: memref<10xf32>) kernel {
      %t = gpu.thread_id x
      // expected-error@below {{expects constant bounds to be counted}}
      affine.for %i = 0 to %t {
      }
      gpu.return
    }
  }
}
