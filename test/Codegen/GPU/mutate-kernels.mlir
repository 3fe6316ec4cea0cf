// RUN: ai-opt %s --pass-pipeline="builtin.module(gpu.module(ai-mutate-kernels{kind=barrier number=1}))" | FileCheck %s --check-prefix=BARRIER
// RUN: ai-opt %s --pass-pipeline="builtin.module(gpu.module(ai-mutate-kernels{kind=fence number=0}))" | FileCheck %s --check-prefix=FENCE
// RUN: ai-opt %s --pass-pipeline="builtin.module(gpu.module(ai-mutate-kernels{kind=index number=0}))" | FileCheck %s --check-prefix=LOAD
// RUN: ai-opt %s --pass-pipeline="builtin.module(gpu.module(ai-mutate-kernels{kind=index number=1}))" | FileCheck %s --check-prefix=STORE
// RUN: not ai-opt %s --pass-pipeline="builtin.module(gpu.module(ai-mutate-kernels{kind=index number=2}))" 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not ai-opt %s --pass-pipeline="builtin.module(gpu.module(ai-mutate-kernels{kind=sign}))" 2>&1 | FileCheck %s --check-prefix=KIND

// One mistake in each: a thread's own memory and constants are left alone.
gpu.module @kernels {
  llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
  llvm.mlir.global internal constant @table(dense<[1, 2]> : tensor<2xi8>) {addr_space = 0 : i32} : !llvm.array<2 x i8>
  // BARRIER: llvm.func @kernel(
  // FENCE:   llvm.func @kernel(
  // LOAD:    llvm.func @kernel(%[[ARENA:.*]]: !llvm.ptr)
  // STORE:   llvm.func @kernel(
  llvm.func @kernel(%arena: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    %one = llvm.mlir.constant(1 : i32) : i32
    %own = llvm.alloca %one x f32 : (i32) -> !llvm.ptr
    %c = llvm.mlir.addressof @table : !llvm.ptr
    %0 = llvm.load %c : !llvm.ptr -> i8
    // LOAD:      %[[NEXT:.*]] = llvm.getelementptr %[[ARENA]][1] : (!llvm.ptr) -> !llvm.ptr, f32
    // LOAD-NEXT: llvm.load %[[NEXT]]
    %x = llvm.load %arena : !llvm.ptr -> f32
    llvm.store %x, %own : f32, !llvm.ptr
    // BARRIER: nvvm.barrier0
    // FENCE:   %[[ALL:.*]] = llvm.mlir.constant(-1 : i32) : i32
    // FENCE:   nvvm.bar.warp.sync %[[ALL]]
    nvvm.barrier0
    // STORE:      %[[SHARED:.*]] = llvm.mlir.addressof @shared
    // STORE:      %[[NEXT:.*]] = llvm.getelementptr %[[SHARED]][1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
    // STORE-NEXT: llvm.store %{{.*}}, %[[NEXT]]
    %s = llvm.mlir.addressof @shared : !llvm.ptr<3>
    llvm.store %x, %s : f32, !llvm.ptr<3>
    // BARRIER-NOT: nvvm.barrier0
    // FENCE:       nvvm.barrier0
    nvvm.barrier0
    llvm.return
  }
}
// NUMBER: error: a mutant expects a number below 2 for index, got '2'
// KIND:   error: a mutant expects barrier, fence, grid or index, got 'sign'
