// RUN: ai-opt %s --ai-emit-entry="programs=a.program,b.program" | FileCheck %s
// RUN: ai-opt %s --ai-emit-entry="programs=a.program accessor=net_program" | FileCheck %s --check-prefix=LIBRARY

// A table of this module is used, another one is in another object.
//     CHECK: llvm.mlir.global internal constant @a.program
//     CHECK: llvm.mlir.global external hidden constant @b.program() {{.*}}: !llvm.array<0 x i8>
//     CHECK: llvm.mlir.global internal constant @[[LIST:.*]]() {{.*}}: !llvm.array<2 x ptr>
//     CHECK:   %[[A:.*]] = llvm.mlir.addressof @a.program
//     CHECK:   llvm.insertvalue %[[A]], %{{.*}}[0]
//     CHECK:   %[[B:.*]] = llvm.mlir.addressof @b.program
//     CHECK:   llvm.insertvalue %[[B]], %{{.*}}[1]
//     CHECK: llvm.func @ai_rt_program_select(!llvm.ptr, i64) -> !llvm.ptr
//     CHECK: llvm.func @main(%[[ARGC:.*]]: i32, %[[ARGV:.*]]: !llvm.ptr) -> i32
//     CHECK:   %[[PROGRAMS:.*]] = llvm.mlir.addressof @[[LIST]]
//     CHECK:   %[[COUNT:.*]] = llvm.mlir.constant(2 : i64)
//     CHECK:   %[[PROGRAM:.*]] = llvm.call @ai_rt_program_select(%[[PROGRAMS]], %[[COUNT]])
//     CHECK:   llvm.call @ai_rt_main(%[[PROGRAM]], %[[ARGC]], %[[ARGV]])

// LIBRARY-NOT: @main
//     LIBRARY: llvm.func @net_program() -> !llvm.ptr
//     LIBRARY:   %[[PROGRAM:.*]] = llvm.call @ai_rt_program_select
//     LIBRARY:   llvm.return %[[PROGRAM]]
module {
  llvm.mlir.global internal constant @a.program(0 : i64) : i64
}
