// RUN: ai-opt %s --ai-emulate-kernels --split-input-file -verify-diagnostics | FileCheck %s

// Registers of the GPU are fields of a thread's record, shared memory begins where it says, barriers are calls, and an
// access outside of its memory is reported before it is made.
module {
  // CHECK: gpu.module @kernels
  gpu.module @kernels {
    llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
    llvm.mlir.global internal constant @table(dense<[1, 2]> : tensor<2xi8>) {addr_space = 0 : i32} : !llvm.array<2 x i8>
    // CHECK: llvm.func @kernel(%{{.*}}: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel
    llvm.func @kernel(%arena: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %b = nvvm.read.ptx.sreg.ctaid.x : i32
      %s = llvm.mlir.addressof @shared : !llvm.ptr<3>
      %p = llvm.getelementptr %s[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
      %c = llvm.mlir.addressof @table : !llvm.ptr
      %0 = llvm.load %c : !llvm.ptr -> i8
      %x = llvm.load %arena : !llvm.ptr -> f32
      llvm.store %x, %p : f32, !llvm.ptr<3>
      nvvm.barrier0
      %all = llvm.mlir.constant(-1 : i32) : i32
      nvvm.bar.warp.sync %all : i32
      %one = llvm.mlir.constant(1 : i32) : i32
      %clamp = llvm.mlir.constant(31 : i32) : i32
      %y = nvvm.shfl.sync bfly %all, %x, %one, %clamp : f32 -> f32
      llvm.store %y, %arena : f32, !llvm.ptr
      llvm.return
    }
  }
}
//       CHECK: llvm.func @emulate.kernel(%[[ARENA:.*]]: !llvm.ptr, %[[RECORD:.*]]: !llvm.ptr) {
//       CHECK:   %[[SHARED:.*]] = llvm.load
//       CHECK:   %[[SHAREDBYTES:.*]] = llvm.load {{.*}} -> i64
//       CHECK:   %[[MEMORY:.*]] = llvm.load
//       CHECK:   %[[BYTES:.*]] = llvm.load {{.*}} -> i64
//       CHECK:   %[[T:.*]] = llvm.load {{.*}} -> i32
//       CHECK:   %[[P:.*]] = llvm.getelementptr %[[SHARED]][%[[T]]]
//       CHECK:   %[[C:.*]] = llvm.mlir.addressof @emulate.table : !llvm.ptr
//  CHECK-NEXT:   llvm.load %[[C]]
//       CHECK:   %[[OFFSET:.*]] = llvm.sub
//       CHECK:   %[[END:.*]] = llvm.add %[[OFFSET]]
//       CHECK:   llvm.icmp "ugt" %[[END]], %[[BYTES]]
//       CHECK:   llvm.cond_br %{{.*}}, ^[[REPORT:.*]], ^[[GO:.*]]
//       CHECK: ^[[REPORT]]:
//       CHECK:   llvm.call @ai_rt_gpu_access(%[[RECORD]], %[[ARENA]]
//       CHECK: ^[[GO]]:
//  CHECK-NEXT:   llvm.load %[[ARENA]]
//       CHECK:   llvm.icmp "ugt" %{{.*}}, %[[SHAREDBYTES]]
//       CHECK:   llvm.call @ai_rt_gpu_access(%[[RECORD]], %[[P]]
//       CHECK:   llvm.store %{{.*}}, %[[P]] : f32, !llvm.ptr
//       CHECK:   %[[ZERO:.*]] = llvm.mlir.constant(0 : i64)
//       CHECK:   llvm.call @ai_rt_gpu_barrier(%[[RECORD]], %[[ZERO]]
//       CHECK:   %[[ONE:.*]] = llvm.mlir.constant(1 : i64)
//       CHECK:   llvm.call @ai_rt_gpu_warp_barrier(%[[RECORD]], %[[ONE]]
//       CHECK:   %[[MASK:.*]] = llvm.mlir.constant(1 : i32)
//       CHECK:   %[[BITS:.*]] = llvm.bitcast %{{.*}} : f32 to i32
//       CHECK:   %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
//       CHECK:   %[[RECEIVED:.*]] = llvm.call @ai_rt_gpu_shuffle(%[[RECORD]], %[[BITS]], %[[MASK]], %[[TWO]]
//       CHECK:   %[[Y:.*]] = llvm.bitcast %[[RECEIVED]] : i32 to f32
//       CHECK:   llvm.store %[[Y]]

// -----

// Products of a warp: what the thread hands in lies in its own memory, and so do the new sums. Factors are rounded by calls.
gpu.module @kernels {
  llvm.func @product(%arena: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    %x = llvm.load %arena : !llvm.ptr -> f32
    %a = nvvm.convert.float.to.tf32 %x {rnd = #nvvm.fp_rnd_mode<rna>}
    %d = nvvm.mma.sync A[%a, %a, %a, %a] B[%a, %a] C[%x, %x, %x, %x]
           {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<tf32>,
            multiplicandBPtxType = #nvvm.mma_type<tf32>, shape = #nvvm.shape<m = 16, n = 8, k = 8>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %e = llvm.extractvalue %d[3] : !llvm.struct<(f32, f32, f32, f32)>
    %p = nvvm.convert.f32x2.to.bf16x2 %x, %e {rnd = #nvvm.fp_rnd_mode<rn>} : vector<2xbf16>
    %b = llvm.bitcast %p : vector<2xbf16> to i32
    %f = nvvm.mma.sync A[%b, %b, %b, %b] B[%b, %b] C[%e, %e, %e, %e]
           {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<bf16>,
            multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %g = llvm.extractvalue %f[0] : !llvm.struct<(f32, f32, f32, f32)>
    llvm.store %g, %arena : f32, !llvm.ptr
    llvm.return
  }
}
// CHECK-LABEL: llvm.func @emulate.product(
//  CHECK-SAME:     %{{.*}}: !llvm.ptr, %[[RECORD:.*]]: !llvm.ptr)
//       CHECK:   %[[OWN:.*]] = llvm.alloca %{{.*}} x i32
//       CHECK:   %[[X:.*]] = llvm.load %{{.*}} : !llvm.ptr -> f32
//       CHECK:   %[[A:.*]] = llvm.call @ai_rt_gpu_round_tf32(%[[X]])
//       CHECK:   %[[AT0:.*]] = llvm.getelementptr %[[OWN]][0]
//       CHECK:   llvm.store %[[A]], %[[AT0]] : i32
//       CHECK:   %[[AT9:.*]] = llvm.getelementptr %[[OWN]][9]
//       CHECK:   llvm.store %[[X]], %[[AT9]] : f32
//       CHECK:   %[[NO:.*]] = llvm.mlir.constant(0 : i64)
//       CHECK:   %[[FIRST:.*]] = llvm.mlir.constant(0 : i64)
//       CHECK:   llvm.call @ai_rt_gpu_multiply(%[[RECORD]], %[[OWN]], %[[NO]], %[[FIRST]], %{{.*}})
//       CHECK:   %[[SUM3:.*]] = llvm.getelementptr %[[OWN]][9]
//       CHECK:   llvm.load %[[SUM3]] : !llvm.ptr -> f32
//       CHECK:   llvm.call @ai_rt_gpu_pack_bf16(%[[X]], %{{.*}})
//       CHECK:   %[[YES:.*]] = llvm.mlir.constant(1 : i64)
//       CHECK:   %[[SECOND:.*]] = llvm.mlir.constant(1 : i64)
//       CHECK:   llvm.call @ai_rt_gpu_multiply(%[[RECORD]], %[[OWN]], %[[YES]], %[[SECOND]], %{{.*}})

// -----

gpu.module @kernels {
  llvm.func @kernel(%a: vector<2xf16>, %c: f32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error@below {{is unknown to the emulator of ai-emulate-kernels}}
    %0 = nvvm.mma.sync A[%a, %a, %a, %a] B[%a, %a] C[%c, %c, %c, %c]
           {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>}
           : (vector<2xf16>, vector<2xf16>, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @kernel() attributes {gpu.kernel, nvvm.kernel} {
    // expected-error@below {{is unknown to the emulator of ai-emulate-kernels}}
    %0 = nvvm.read.ptx.sreg.clock : i32
    llvm.return
  }
}

// -----

// Of kernels that were joined: their barriers are calls of the runtime, phases get the record of the thread that calls
// them, and barriers are counted through all functions.
// CHECK-LABEL: llvm.func internal @emulate.phase(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
//       CHECK:   %[[ZERO:.*]] = llvm.mlir.constant(0 : i64)
//       CHECK:   llvm.call @ai_rt_gpu_barrier(%{{.*}}, %[[ZERO]]
// CHECK-LABEL: llvm.func @emulate.joined(
//  CHECK-SAME:     %[[ARENA:.*]]: !llvm.ptr, %[[RECORD:.*]]: !llvm.ptr)
//       CHECK:   %[[FIELD:.*]] = llvm.getelementptr %[[RECORD]][0, 6]
//       CHECK:   %[[BLOCKS:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> i32
//       CHECK:   %[[ONE:.*]] = llvm.mlir.constant(1 : i64)
//       CHECK:   llvm.call @ai_rt_gpu_turn_barrier(%[[RECORD]], %[[ONE]]
//       CHECK:   llvm.call @emulate.phase(%[[ARENA]], %[[RECORD]])
//       CHECK:   %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
//       CHECK:   llvm.call @ai_rt_gpu_grid_barrier(%[[RECORD]], %[[TWO]]
//       CHECK:   llvm.store %[[BLOCKS]]
gpu.module @kernels {
  llvm.func @ai_grid_barrier()
  llvm.func @ai_begin_turn()
  llvm.func internal @phase(%arena: !llvm.ptr) {
    nvvm.barrier0
    llvm.return
  }
  llvm.func @joined(%arena: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    %blocks = nvvm.read.ptx.sreg.nctaid.x : i32
    llvm.call @ai_begin_turn() : () -> ()
    llvm.call @phase(%arena) : (!llvm.ptr) -> ()
    llvm.call @ai_grid_barrier() : () -> ()
    llvm.store %blocks, %arena : i32, !llvm.ptr
    llvm.return
  }
}
