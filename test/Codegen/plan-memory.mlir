// RUN: ai-opt %s --ai-plan-memory --split-input-file | FileCheck %s

// Two temporaries that are never live together share their bytes.
//      CHECK: ai.fixed_bytes = 0
// CHECK-LABEL: func.func @temporaries_share(
//  CHECK-SAME:   %[[FIXED:.*]]: memref<1xi8> {{{.*}}ai.role = "fixed"
//  CHECK-SAME:   %[[WORK:.*]]: memref<[[BYTES:[0-9]+]]xi8> {{{.*}}ai.role = "workspace"
//  CHECK-SAME:   ai.workspace_bytes = [[BYTES]]
//   CHECK-NOT:   memref.alloc
//       CHECK:   memref.view %[[WORK]]
func.func @temporaries_share(%x: memref<256xf32> {ai.role = "argument"}, %y: memref<256xf32> {ai.role = "result"}) {
  %a = memref.alloc() : memref<256xf32>
  memref.copy %x, %a : memref<256xf32> to memref<256xf32>
  %b = memref.alloc() : memref<256xf32>
  memref.copy %a, %b : memref<256xf32> to memref<256xf32>
  %c = memref.alloc() : memref<256xf32>
  memref.copy %b, %c : memref<256xf32> to memref<256xf32>
  memref.copy %c, %y : memref<256xf32> to memref<256xf32>
  return
}

// -----

// A parameter has one place in all functions; slots follow the parameters.
//       CHECK: ai.num_slots = 2
//  CHECK-SAME: ai.slot_offset = 4096
//  CHECK-SAME: name = "w", offset = 0
// CHECK-LABEL: func.func @step_block(
//  CHECK-SAME:   "fixed"
//  CHECK-SAME:   "workspace"
//  CHECK-SAME:   "slot"
//  CHECK-SAME:   i64 {ai.role = "first"}, %{{.*}}: i64 {ai.role = "count"}, %{{.*}}: i64 {ai.role = "step"}, %{{.*}}: i64 {ai.role = "epoch"}, %{{.*}}: i64 {ai.role = "seed"})
func.func @step_block(%w: memref<8xf32> {ai.role = "parameter", ai.name = "w"},
                      %count: memref<i64> {ai.role = "count", ai.name = "count"},
                      %slot: memref<8xf32> {ai.role = "slot", ai.name = "sum0"})
    attributes {ai.kind = "block", ai.step = "step", ai.size = 16 : i64} {
  memref.copy %w, %slot : memref<8xf32> to memref<8xf32>
  return
}
// CHECK-LABEL: func.func @step_combine(
//  CHECK-SAME:   index {ai.role = "part"}, %{{.*}}: index {ai.role = "parts"}
//   CHECK-DAG:   arith.constant 4160 : index
//   CHECK-DAG:   arith.constant 4096 : index
func.func @step_combine(%w: memref<8xf32> {ai.role = "parameter", ai.name = "w"},
                        %s0: memref<8xf32> {ai.role = "slots", ai.name = "sum0.0", ai.slot = 0 : i64},
                        %s1: memref<8xf32> {ai.role = "slots", ai.name = "sum0.1", ai.slot = 1 : i64})
    attributes {ai.kind = "combine", ai.step = "step", ai.size = 16 : i64} {
  memref.copy %s0, %w : memref<8xf32> to memref<8xf32>
  memref.copy %s1, %w : memref<8xf32> to memref<8xf32>
  return
}
