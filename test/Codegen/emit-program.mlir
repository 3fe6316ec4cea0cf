// RUN: ai-opt %s --ai-emit-program | FileCheck %s
// RUN: ai-opt %s --ai-emit-program="accessor=f_program" | FileCheck %s --check-prefix=LIBRARY

// CHECK-DAG: llvm.mlir.global internal constant @[[NAME:.*]]("f\00")
// CHECK-DAG: llvm.mlir.global internal constant @{{.*}}("x\00")
//     CHECK: llvm.func @main(%[[ARGC:.*]]: i32, %[[ARGV:.*]]: !llvm.ptr) -> i32
//     CHECK:   %[[P:.*]] = llvm.mlir.addressof @
//     CHECK:   llvm.call @ai_rt_main(%[[P]], %[[ARGC]], %[[ARGV]])
// LIBRARY-NOT: @main
//     LIBRARY: llvm.func @f_program() -> !llvm.ptr
//     LIBRARY:   llvm.mlir.addressof @
module attributes {ai.fixed_bytes = 0 : i64, ai.tensors = []} {
  llvm.func @f(%fixed: !llvm.ptr, %workspace: !llvm.ptr) attributes {ai.workspace_bytes = 64 : i64, ai.tensors = [
      {name = "x", role = "argument", type = memref<4xf32>, offset = 0 : i64, bytes = 16 : i64}]} {
    llvm.return
  }
}
