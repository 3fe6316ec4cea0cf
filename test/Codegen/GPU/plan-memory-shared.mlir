// RUN: ai-opt %s --split-input-file --ai-plan-memory="shared-bytes=1024" | FileCheck %s
// RUN: ai-opt %s --split-input-file --ai-plan-memory="shared-bytes=512" -verify-diagnostics -o /dev/null
// RUN: ai-opt %s --split-input-file --ai-plan-memory="shared-bytes=512" 2>/dev/null | FileCheck %s --check-prefix=SMALL

// Temporaries of a thread block lie in shared memory, views of them too; two share bytes only if a barrier separates
// them. Outputs are a region of their own, samples stay where the data set is, scalars belong to a thread.
// CHECK-LABEL: func.func @step_block(
//  CHECK-SAME:   "fixed"
//  CHECK-SAME:   "workspace"
//  CHECK-SAME:   %[[STAGED:.*]]: memref<64xi8> {{{[^}]*}}"staged"
//  CHECK-SAME:   %[[INPUT:.*]]: memref<512xi8> {{{[^}]*}}"input"
//  CHECK-SAME:   ai.shared_bytes = 1024 : i64
//  CHECK-SAME:   ai.staged_bytes = 64 : i64
//  CHECK-SAME:   ai.workspace_bytes = 0 : i64
//   CHECK-DAG:   memref.view %[[INPUT]]{{.*}} to memref<128xf32>
//   CHECK-DAG:   memref.view %[[STAGED]]{{.*}} to memref<f32>
//   CHECK-DAG:   %[[COUNT:.*]] = memref.alloca() : memref<i64>
//   CHECK-DAG:   memref.store %{{.*}}, %[[COUNT]][]
//   CHECK-DAG:   %[[SHARED:.*]] = gpu.dynamic_shared_memory
//   CHECK-DAG:   memref.view %[[SHARED]][%[[FIRST:.*]]][] : {{.*}} to memref<128xf32, #gpu.address_space<workgroup>>
//   CHECK-DAG:   memref.view %[[SHARED]][%{{.*}}][] : {{.*}} to memref<128xf32, #gpu.address_space<workgroup>>
//       CHECK:   memref.expand_shape {{.*}} into memref<2x64xf32, #gpu.address_space<workgroup>>
// SMALL-LABEL: func.func @step_block(
//       SMALL:   ai.shared_bytes = 512 : i64
//       SMALL:   ai.workspace_bytes = 512 : i64
func.func @step_block(%x: memref<128xf32> {ai.role = "input", ai.name = "x"},
                      %count: memref<i64> {ai.role = "count", ai.name = "count"},
                      %out: memref<f32> {ai.role = "output", ai.name = "out"},
                      %y: memref<128xf32> {ai.role = "parameter", ai.name = "y"})
    attributes {ai.kind = "block", ai.step = "step", ai.size = 1 : i64, ai.threads = 128 : i64} {
  %t = gpu.thread_id x
  // expected-remark@below {{kept in global memory: 512 bytes of temporaries of step_block, which need 1024 bytes at once; shared memory has 512}}
  %a = memref.alloc() : memref<128xf32>
  %b = memref.alloc() : memref<128xf32>
  %c = memref.alloc() : memref<128xf32>
  %rows = memref.expand_shape %a [[0, 1]] output_shape [2, 64] : memref<128xf32> into memref<2x64xf32>
  %n = affine.load %count[] : memref<i64>
  %0 = affine.load %x[symbol(%t)] : memref<128xf32>
  affine.store %0, %rows[symbol(%t) floordiv 64, symbol(%t) mod 64] : memref<2x64xf32>
  affine.store %0, %b[symbol(%t)] : memref<128xf32>
  gpu.barrier
  %1 = affine.load %a[127 - symbol(%t)] : memref<128xf32>
  %2 = affine.load %b[127 - symbol(%t)] : memref<128xf32>
  gpu.barrier
  affine.store %1, %c[symbol(%t)] : memref<128xf32>
  gpu.barrier
  %3 = affine.load %c[127 - symbol(%t)] : memref<128xf32>
  affine.store %3, %y[symbol(%t)] : memref<128xf32>
  affine.store %3, %out[] : memref<f32>
  return
}

// -----

// What a grid runs shares no such memory.
// CHECK-LABEL: func.func @step_combine(
//       CHECK:   ai.shared_bytes = 0 : i64
//       CHECK:   ai.workspace_bytes = 512 : i64
//   CHECK-NOT:   gpu.dynamic_shared_memory
func.func @step_combine(%y: memref<128xf32> {ai.role = "parameter", ai.name = "y"})
    attributes {ai.kind = "combine", ai.step = "step", ai.size = 1 : i64, ai.threads = 128 : i64} {
  %t = gpu.thread_id x
  %a = memref.alloc() : memref<128xf32>
  %0 = affine.load %y[symbol(%t)] : memref<128xf32>
  affine.store %0, %a[symbol(%t)] : memref<128xf32>
  gpu.barrier
  %1 = affine.load %a[127 - symbol(%t)] : memref<128xf32>
  affine.store %1, %y[symbol(%t)] : memref<128xf32>
  return
}
// Metrics lie in an entry of their own: the offsets in the program's table count from its start.
//       CHECK: func.func @step_finish(
//  CHECK-SAME:   %[[METRICS:[a-z0-9]+]]: memref<128xi8> {{{[^}]*}}"metrics"
//  CHECK-SAME:   ai.metric_bytes = 128 : i64
//  CHECK-SAME:   ai.tensors = [{bytes = 4 : i64, name = "loss", offset = 0 : i64{{.*}}}, {bytes = 4 : i64, name = "correct", offset = 64 : i64
//       CHECK:   memref.view %[[METRICS]][%c0{{.*}}][]
//       CHECK:   memref.view %[[METRICS]][%c64{{.*}}][]
func.func @step_finish(%loss: memref<f32> {ai.role = "metric", ai.name = "loss"},
                       %correct: memref<f32> {ai.role = "metric", ai.name = "correct"})
    attributes {ai.kind = "combine", ai.step = "step", ai.size = 1 : i64, ai.threads = 128 : i64} {
  %0 = affine.load %loss[] : memref<f32>
  affine.store %0, %correct[] : memref<f32>
  return
}

// -----

// Two buffers that one wait apart would share bytes: where they do not fit otherwise, that wait is added.
// CHECK-LABEL: func.func @waits_block(
//       CHECK:   ai.shared_bytes = 1024 : i64
//   CHECK-NOT:   gpu.barrier
//       CHECK:   return
// SMALL-LABEL: func.func @waits_block(
//       SMALL:   ai.shared_bytes = 512 : i64
//       SMALL:   ai.workspace_bytes = 0 : i64
//       SMALL:   affine.if
//       SMALL:   gpu.barrier
//  SMALL-NEXT:   affine.if
//   SMALL-NOT:   gpu.barrier
//       SMALL:   return
func.func @waits_block(%y: memref<256xf32> {ai.role = "parameter", ai.name = "y"})
    attributes {ai.kind = "block", ai.step = "step", ai.size = 1 : i64, ai.threads = 128 : i64} {
  %t = gpu.thread_id x
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<128xf32>
  %b = memref.alloc() : memref<128xf32>
  affine.if affine_set<()[s0] : (127 - s0 >= 0)>()[%t] {
    affine.store %zero, %a[symbol(%t)] : memref<128xf32>
    %0 = affine.load %a[symbol(%t)] : memref<128xf32>
    affine.store %0, %y[symbol(%t)] : memref<256xf32>
  }
  affine.if affine_set<()[s0] : (127 - s0 >= 0)>()[%t] {
    affine.store %zero, %b[symbol(%t)] : memref<128xf32>
    %0 = affine.load %b[symbol(%t)] : memref<128xf32>
    affine.store %0, %y[symbol(%t) + 128] : memref<256xf32>
  }
  return
}

// -----

// Of a grid, what belongs to a thread block lies in shared memory.
// CHECK-LABEL: func.func @tile_combine(
//       CHECK:   ai.shared_bytes = 512 : i64
//       CHECK:   ai.workspace_bytes = 0 : i64
//       CHECK:   gpu.dynamic_shared_memory
func.func @tile_combine(%y: memref<128xf32> {ai.role = "parameter", ai.name = "y"})
    attributes {ai.kind = "combine", ai.step = "step", ai.size = 1 : i64, ai.threads = 128 : i64} {
  %t = gpu.thread_id x
  %a = memref.alloc() : memref<128xf32, #gpu.address_space<workgroup>>
  %0 = affine.load %y[symbol(%t)] : memref<128xf32>
  affine.store %0, %a[symbol(%t)] : memref<128xf32, #gpu.address_space<workgroup>>
  return
}
