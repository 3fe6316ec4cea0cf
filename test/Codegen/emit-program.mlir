// RUN: ai-opt %s --ai-emit-program="symbol=net.program cpu=x86-64-v3 cpus=x86-64-v4,x86-64-v3 features=avx2=10,fma=14 nodes='fc/w ai.parameter 2x4,out ai.exp ?x2 fc/w in,s op scalar'" -split-input-file | FileCheck %s
// RUN: not ai-opt %s --ai-emit-program="features=avx2" -split-input-file 2>&1 | FileCheck %s --check-prefix=FEATURE
// RUN: not ai-opt %s --ai-emit-program="nodes='x op 2y'" -split-input-file 2>&1 | FileCheck %s --check-prefix=NODE

// Objects for other processors have functions of the same names; they see the table only, whose last fields are the
// processor, all of them, what this one needs, and the model's graph.
// CHECK-DAG: llvm.func internal @f(
// CHECK-DAG: llvm.mlir.global internal constant @{{.*}}("f\00")
// CHECK-DAG: llvm.mlir.global internal constant @{{.*}}("x\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[AVX2:.*]]("avx2\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[CPU:.*]]("x86-64-v3\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[CPUS:.*]]("x86-64-v4,x86-64-v3\00")
//     CHECK: llvm.mlir.global internal constant @[[FEATURES:.*]]() {{.*}}: !llvm.array<2 x struct<(ptr, i64)>>
//     CHECK:   llvm.mlir.addressof @[[AVX2]]
//     CHECK:   llvm.mlir.constant(10 : i64)
//     CHECK:   llvm.mlir.constant(14 : i64)
//     CHECK: llvm.mlir.global internal constant @[[NODES:.*]]() {{.*}}: !llvm.array<3 x struct<(ptr, ptr, ptr, i64, ptr)>>
//     CHECK: llvm.mlir.global external hidden constant @net.program()
//     CHECK:   llvm.mlir.addressof @[[CPU]]
//     CHECK:   llvm.mlir.addressof @[[CPUS]]
//     CHECK:   llvm.mlir.constant(2 : i64)
//     CHECK:   llvm.mlir.addressof @[[FEATURES]]
//     CHECK:   llvm.mlir.addressof @[[NODES]]
// CHECK-NOT: @main
// NODE: error: expects a node to be NAME OP SHAPE INPUT ..., got 'x op 2y'
// FEATURE: error: expects a feature to be NAME=BIT, got 'avx2'
module attributes {ai.fixed_bytes = 0 : i64, ai.tensors = []} {
  llvm.func @f(%fixed: !llvm.ptr, %workspace: !llvm.ptr) attributes {ai.workspace_bytes = 64 : i64, ai.tensors = [
      {name = "x", role = "argument", type = memref<4xf32>, offset = 0 : i64, bytes = 16 : i64}]} {
    llvm.return
  }
}

// -----

// A step's row of the table: its four functions, in this order, and the workspace that the largest of them needs. The
// rows that a block writes into a panel are role 9.
// CHECK-DAG: llvm.mlir.global internal constant @[[ROWS:.*]]("rows1\00")
//     CHECK: llvm.mlir.addressof @[[ROWS]]
//     CHECK: llvm.mlir.constant(9 : i64)
//     CHECK: llvm.mlir.global {{.*}}struct<(ptr, i64, i64, i64, ptr, ptr, ptr, ptr, i64,
//     CHECK:   llvm.mlir.addressof @net_train_step_block
//     CHECK:   llvm.mlir.addressof @net_train_step_combine
//     CHECK:   llvm.mlir.addressof @net_train_step_fold
//     CHECK:   llvm.mlir.addressof @net_train_step_finish
//     CHECK:   llvm.mlir.constant(256 : i64)
module attributes {ai.fixed_bytes = 4224 : i64, ai.num_slots = 2 : i64, ai.slot_offset = 4096 : i64, ai.tensors = []} {
  llvm.func @net_train_step_block() attributes {ai.flops = 1.0 : f64, ai.kind = "block", ai.size = 16 : i64,
      ai.step = "net_train_step", ai.slot_bytes = 64 : i64,
      ai.workspace_bytes = 64 : i64, ai.tensors = [
          {name = "rows1", role = "rows", type = memref<16x3xf32>, offset = 64 : i64, bytes = 192 : i64}]} {
    llvm.return
  }
  llvm.func @net_train_step_combine() attributes {
      ai.kind = "combine", ai.step = "net_train_step", ai.workspace_bytes = 128 : i64, ai.tensors = []} {
    llvm.return
  }
  llvm.func @net_train_step_fold() attributes {
      ai.kind = "fold", ai.step = "net_train_step", ai.workspace_bytes = 192 : i64, ai.tensors = []} {
    llvm.return
  }
  llvm.func @net_train_step_finish() attributes {
      ai.kind = "finish", ai.step = "net_train_step", ai.workspace_bytes = 256 : i64, ai.tensors = []} {
    llvm.return
  }
}

// -----

// Without panels there is neither a fold nor a finish; a step that only predicts has no combine.
// CHECK: llvm.mlir.global {{.*}}struct<(ptr, i64, i64, i64, ptr, ptr, ptr, ptr, i64,
// CHECK:   llvm.mlir.addressof @net_predict_block
// CHECK-COUNT-3: llvm.mlir.zero
// CHECK:   llvm.mlir.constant(64 : i64)
module attributes {ai.fixed_bytes = 0 : i64, ai.num_slots = 2 : i64, ai.slot_offset = 0 : i64, ai.tensors = []} {
  llvm.func @net_predict_block() attributes {ai.flops = 1.0 : f64, ai.kind = "block", ai.size = 16 : i64,
      ai.step = "net_predict", ai.slot_bytes = 0 : i64, ai.workspace_bytes = 64 : i64, ai.tensors = []} {
    llvm.return
  }
}

// -----

// The variant of a step for small batches has the step's name; size and slots are its own.
// CHECK: llvm.mlir.global internal constant @[[NAME:.*]]("predict\00")
// CHECK: llvm.mlir.global {{.*}} : !llvm.array<1 x struct<(ptr, i64, i64, i64, ptr, ptr, ptr, ptr, i64,
// CHECK:   llvm.mlir.addressof @[[NAME]]
// CHECK:   llvm.mlir.constant(1 : i64)
// CHECK:   llvm.mlir.constant(3 : i64)
// CHECK:   llvm.mlir.constant(3 : i64)
// CHECK:   llvm.mlir.addressof @net_predict_small_block
module attributes {ai.fixed_bytes = 0 : i64, ai.num_slots = 2 : i64, ai.slot_offset = 0 : i64, ai.tensors = []} {
  llvm.func @net_predict_small_block() attributes {ai.flops = 1.0 : f64, ai.kind = "block", ai.most_samples = 3 : i64,
      ai.size = 1 : i64, ai.step = "net_predict_small", ai.variant_of = "net_predict", ai.slot_bytes = 0 : i64, ai.workspace_bytes = 64 : i64,
      ai.tensors = []} {
    llvm.return
  }
}

// -----

// A program for a GPU: the step's functions are null, its kernels are records of name, emulated function, grid, threads,
// shared memory and no call; the images are defined later.
//     CHECK: llvm.mlir.global {{.*}} : !llvm.array<1 x struct<(ptr, ptr, i64, i64, i64, ptr)>>
//     CHECK:   llvm.mlir.addressof @emulate.net_predict_block
//     CHECK:   llvm.mlir.constant(128 : i64)
//     CHECK:   llvm.mlir.constant(4096 : i64)
// Steps that are joined are a kernel more. The workspace of four slots' blocks, the outputs of one, an entry of metrics.
//     CHECK: llvm.mlir.global {{.*}} : !llvm.array<1 x struct<(ptr, ptr, i64, i64, i64, ptr)>>
//     CHECK:   llvm.mlir.addressof @emulate.net_epoch
//     CHECK:   llvm.mlir.constant(7 : i64)
//     CHECK: llvm.mlir.global {{.*}} : !llvm.array<1 x struct<(i64, ptr, i64, ptr, i64, ptr, i64, ptr, i64, i64, i64, ptr)>>
//     CHECK:   llvm.mlir.constant(256 : i64)
//     CHECK:   llvm.mlir.constant(640 : i64)
//     CHECK:   llvm.mlir.constant(128 : i64)
// CHECK-NOT: llvm.mlir.addressof @net_predict_block
//     CHECK: llvm.mlir.global external constant @ai.ptx.sm_90() {{.*}}: !llvm.array<0 x i8>
//     CHECK: llvm.mlir.global external constant @ai.cubin.sm_90() {{.*}}: !llvm.array<0 x i8>
module attributes {ai.archs = ["sm_90"], ai.fixed_bytes = 4224 : i64, ai.num_slots = 4 : i64,
                   ai.slot_offset = 4096 : i64, ai.tensors = []} {
  llvm.func @net_predict_block() attributes {ai.kernels = [
      {name = "net_predict_block", grid = 0 : i64, threads = 128 : i64, shared = 4096 : i64}],
      ai.epoch = {name = "net_epoch", grid = 7 : i64, threads = 128 : i64, shared = 4096 : i64}, ai.flops = 1.0 : f64, ai.kind = "block", ai.size = 1 : i64, ai.step = "net_predict", ai.slot_bytes = 64 : i64,
      ai.staged_bytes = 640 : i64, ai.metric_bytes = 128 : i64, ai.workspace_bytes = 64 : i64, ai.tensors = []}
  llvm.func @emulate.net_predict_block() {
    llvm.return
  }
  llvm.func @emulate.net_epoch() {
    llvm.return
  }
}

// -----

// A call of a library has no function: its record (ai_rt_call_t) says what is computed, where operands lie in the fixed
// region (0), the workspace (1) and the outputs (2), and, of a convolution, stride, padding and dilation.
//     CHECK: llvm.mlir.global {{.*}} @[[OPERANDS:.*]]() {{.*}}: !llvm.array<3 x struct<(i64, i64, i64, ptr)>>
//     CHECK:   llvm.mlir.constant(1 : i64)
//     CHECK:   llvm.mlir.constant(64 : i64)
//     CHECK:   llvm.mlir.constant(4 : i64)
//     CHECK:   llvm.mlir.constant(0 : i64)
//     CHECK:   llvm.mlir.constant(128 : i64)
//     CHECK:   llvm.mlir.constant(2 : i64)
//     CHECK:   llvm.mlir.constant(192 : i64)
//     CHECK: llvm.mlir.global {{.*}} @[[CALL:.*]]() {{.*}}: !llvm.array<1 x struct<(i64, i64, ptr, i64, ptr, i64, i64, i64, i64, i64, i64, i64, i64, i64)>>
//     CHECK:   llvm.mlir.constant(1 : i64)
//     CHECK:   llvm.mlir.constant(1 : i64)
//     CHECK:   llvm.mlir.constant(3 : i64)
//     CHECK:   llvm.mlir.addressof @[[OPERANDS]]
//     CHECK:   llvm.mlir.constant(2 : i64)
//     CHECK:   llvm.mlir.constant(5 : i64)
//     CHECK:   llvm.mlir.constant(6 : i64)
//     CHECK:   llvm.mlir.constant(7 : i64)
//     CHECK:   llvm.mlir.constant(8 : i64)
//     CHECK:   llvm.mlir.constant(9 : i64)
//     CHECK: llvm.mlir.global {{.*}} : !llvm.array<2 x struct<(ptr, ptr, i64, i64, i64, ptr)>>
//     CHECK:   llvm.mlir.addressof @[[CALL]]
// CHECK-NOT: @emulate.f_0_conv2d
module attributes {ai.archs = ["sm_90"], ai.fixed_bytes = 4096 : i64, ai.num_slots = 1 : i64,
                   ai.slot_offset = 4096 : i64, ai.tensors = []} {
  llvm.func @f() attributes {ai.kernels = [
      {call = "conv2d_input_gradient", name = "f_0_conv2d_input_gradient", type = f64, place = "net.mlir:2:8", operands = [
         {region = "workspace", offset = 64 : i64, shape = array<i64: 1, 1, 2, 2>},
         {region = "fixed", offset = 128 : i64, shape = array<i64: 1, 1, 1, 1>},
         {region = "staged", offset = 192 : i64, shape = array<i64: 1, 1, 2, 2>}],
       stride = array<i64: 2, 5>, padding = array<i64: 6, 7>, dilation = array<i64: 8, 9>},
      {call = "matmul", name = "f_0_matmul", type = f32, place = "", operands = [],
       transpose_lhs = 0 : i64, transpose_rhs = 1 : i64, relu = 1 : i64}],
      ai.staged_bytes = 640 : i64, ai.workspace_bytes = 64 : i64, ai.tensors = []}
}

// -----

// Single samples that are the rest of a batch have a row of their own, up to five of them, with the slots of the step and
// nothing behind them. The workspace is for them, too.
// CHECK: llvm.mlir.global internal constant @[[REST:.*]]() {{.*}}struct<(ptr, i64, i64, i64, ptr, ptr, ptr, ptr, i64,
// CHECK:   llvm.mlir.constant(1 : i64)
// CHECK:   llvm.mlir.constant(2 : i64)
// CHECK:   llvm.mlir.constant(5 : i64)
// CHECK:   llvm.mlir.addressof @net_train_step_rest
// CHECK-COUNT-3: llvm.mlir.zero
// CHECK: llvm.mlir.global {{.*}}struct<(ptr, i64, i64, i64, ptr, ptr, ptr, ptr, i64,
// CHECK:   llvm.mlir.constant(16 : i64)
// CHECK:   llvm.mlir.constant(2 : i64)
// CHECK:   llvm.mlir.constant(0 : i64)
// CHECK:   llvm.mlir.addressof @net_train_step_block
// CHECK:   llvm.mlir.constant(192 : i64)
// CHECK:   llvm.mlir.addressof @[[REST]]
module attributes {ai.fixed_bytes = 0 : i64, ai.num_slots = 2 : i64, ai.slot_offset = 0 : i64, ai.tensors = []} {
  llvm.func @net_train_step_block() attributes {ai.flops = 1.0 : f64, ai.kind = "block", ai.size = 16 : i64,
      ai.step = "net_train_step", ai.slot_bytes = 64 : i64, ai.workspace_bytes = 64 : i64, ai.tensors = []} {
    llvm.return
  }
  llvm.func @net_train_step_rest() attributes {ai.flops = 1.0 : f64, ai.kind = "rest", ai.size = 1 : i64, ai.most_rest = 5 : i64,
      ai.step = "net_train_step", ai.slot_bytes = 64 : i64, ai.workspace_bytes = 192 : i64, ai.tensors = []} {
    llvm.return
  }
}
