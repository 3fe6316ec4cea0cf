// RUN: ai-opt %s --pass-pipeline="builtin.module(gpu.module(ai-lower-joined-kernels))" | FileCheck %s
// RUN: ai-opt %s --pass-pipeline="builtin.module(gpu.module(ai-mutate-kernels{kind=grid number=0},ai-lower-joined-kernels))" | FileCheck %s --check-prefix=MUTANT

// The first thread of a block adds it to a counter, block 0 what is missing to 2^31, and looks at it until the highest
// bit has changed. The fence in front of the addition and the acquire load order memory: the addition itself does not.
gpu.module @kernels {
  llvm.func @ai_grid_barrier()
  llvm.func @ai_begin_turn()
  llvm.func @kernel() attributes {gpu.kernel, nvvm.kernel} {
    llvm.call @ai_begin_turn() : () -> ()
    llvm.call @ai_grid_barrier() : () -> ()
    llvm.return
  }

  llvm.func internal @phase(%arena: !llvm.ptr, %n: i64) {
    llvm.store %n, %arena : i64, !llvm.ptr
    llvm.return
  }
  llvm.func @caller(%arena: !llvm.ptr, %n: i64) attributes {gpu.kernel, nvvm.kernel} {
    llvm.call @phase(%arena, %n) : (!llvm.ptr, i64) -> ()
    llvm.return
  }
}
// CHECK:       llvm.mlir.global internal @ai_grid_counter(0 : i32) {addr_space = 1 : i32, alignment = 4 : i64} : i32
// CHECK-NOT:   llvm.func @ai_
// CHECK:       llvm.func @kernel()
// CHECK-NEXT:    nvvm.barrier0
// CHECK-NEXT:    nvvm.barrier0
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         %[[T:.*]] = nvvm.read.ptx.sreg.tid.x
// CHECK:         %[[IS:.*]] = llvm.icmp "eq" %[[T]], %[[ZERO]]
// CHECK:         llvm.cond_br %[[IS]], ^[[ARRIVE:.*]], ^[[AFTER:.*]]
// CHECK:       ^[[ARRIVE]]:
// CHECK:         %[[COUNTER:.*]] = llvm.mlir.addressof @ai_grid_counter : !llvm.ptr<1>
// CHECK:         llvm.fence syncscope("device") acq_rel
// CHECK:         %[[BLOCK:.*]] = nvvm.read.ptx.sreg.ctaid.x
// CHECK:         %[[BLOCKS:.*]] = nvvm.read.ptx.sreg.nctaid.x
// CHECK:         %[[BIT:.*]] = llvm.mlir.constant(-2147483647 : i32)
// CHECK:         %[[REST:.*]] = llvm.sub %[[BIT]], %[[BLOCKS]]
// CHECK:         llvm.select %{{.*}}, %[[REST]], %{{.*}} : i1, i32
// CHECK:         %[[OLD:.*]] = llvm.atomicrmw add %[[COUNTER]], %{{.*}} syncscope("device") monotonic
// CHECK:         llvm.br ^[[LOOK:.*]]
// CHECK:       ^[[LOOK]]:
// CHECK:         %[[NOW:.*]] = llvm.load %[[COUNTER]] atomic syncscope("device") acquire
// CHECK:         %[[CHANGED:.*]] = llvm.xor %[[OLD]], %[[NOW]]
// CHECK:         %[[OPEN:.*]] = llvm.icmp "slt" %[[CHANGED]], %[[ZERO]]
// CHECK:         llvm.cond_br %[[OPEN]], ^[[AFTER]], ^[[LOOK]]
// CHECK:       ^[[AFTER]]:
// CHECK-NEXT:    nvvm.barrier0
// CHECK-NEXT:    llvm.return

// A phase knows that its memory is global.
// CHECK:       llvm.func internal @phase(%{{.*}}: !llvm.ptr<1>, %{{.*}}: i64)
// CHECK-NEXT:    %[[ANY:.*]] = llvm.addrspacecast %{{.*}} : !llvm.ptr<1> to !llvm.ptr
// CHECK-NEXT:    llvm.store %{{.*}}, %[[ANY]]
// CHECK:       llvm.func @caller(
// CHECK:         %[[GLOBAL:.*]] = llvm.addrspacecast %{{.*}} : !llvm.ptr to !llvm.ptr<1>
// CHECK-NEXT:    llvm.call @phase(%[[GLOBAL]], %{{.*}}) : (!llvm.ptr<1>, i64) -> ()

// A mutant waits for the block's own threads alone.
// MUTANT-NOT: ai_grid
// MUTANT:     llvm.func @kernel()
// MUTANT-NEXT:  nvvm.barrier0
// MUTANT-NEXT:  nvvm.barrier0
// MUTANT-NEXT:  llvm.return
