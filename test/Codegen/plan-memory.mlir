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

// -----

// Panels and what they add up to follow the tensors, slots come last. A block's rows lie where its samples are in
// the panel, which begins again behind the last; the table says where the first slot's lie.
//       CHECK: ai.fixed_bytes = 4224
//  CHECK-SAME: ai.plan = "fixed region of 4224 bytes: tensors 2560, panels 1536, 2 slots of 64\0A
//  CHECK-SAME: ai.slot_offset = 4096
//  CHECK-SAME: ai.tensors = [{bytes = 32 : i64, name = "w", offset = 0 : i64, {{[^{}]*}}}]}
// CHECK-LABEL: func.func @step_block(
//  CHECK-SAME:   %[[FIXED:[a-z0-9]+]]: memref<4224xi8> {{{.*}}"fixed"
//  CHECK-SAME:   ai.tensors = [{bytes = 192 : i64, name = "rows1", offset = 64 : i64, role = "rows",
//  CHECK-SAME:                 {bytes = 512 : i64, name = "rows2", offset = 448 : i64, role = "rows",
//       CHECK:   %[[C32:.*]] = arith.constant 32 : index
//       CHECK:   %[[SAMPLE:.*]] = arith.remui %{{.*}}, %[[C32]]
//       CHECK:   %[[C12:.*]] = arith.constant 12 : index
//       CHECK:   %[[ROWS:.*]] = arith.muli %[[SAMPLE]], %[[C12]]
//       CHECK:   %[[C64:.*]] = arith.constant 64 : index
//       CHECK:   %[[AT:.*]] = arith.addi %[[ROWS]], %[[C64]]
//       CHECK:   memref.view %[[FIXED]][%[[AT]]][] : memref<4224xi8> to memref<16x3xf32>
func.func @step_block(%w: memref<8xf32> {ai.role = "parameter", ai.name = "w"},
                      %slot: memref<4xf32> {ai.role = "slot", ai.name = "sum0"},
                      %a: memref<16x3xf32> {ai.role = "rows", ai.name = "rows1"},
                      %b: memref<16x8xf32> {ai.role = "rows", ai.name = "rows2"})
    attributes {ai.kind = "block", ai.step = "step", ai.size = 16 : i64} {
  %0 = arith.constant 0.0 : f32
  affine.store %0, %a[0, 0] : memref<16x3xf32>
  affine.store %0, %b[0, 0] : memref<16x8xf32>
  affine.store %0, %slot[0] : memref<4xf32>
  return
}
// A sample of the rest alone.
// CHECK-LABEL: func.func @step_rest(
//       CHECK:   %[[C32:.*]] = arith.constant 32 : index
//       CHECK:   %[[SAMPLE:.*]] = arith.remui %{{.*}}, %[[C32]]
//       CHECK:   %[[C12:.*]] = arith.constant 12 : index
//       CHECK:   %[[ROWS:.*]] = arith.muli %[[SAMPLE]], %[[C12]]
//       CHECK:   memref.view %{{.*}}[%{{.*}}][] : memref<4224xi8> to memref<1x3xf32>
func.func @step_rest(%a: memref<1x3xf32> {ai.role = "rows", ai.name = "rows1"})
    attributes {ai.kind = "rest", ai.step = "step", ai.size = 1 : i64} {
  %0 = arith.constant 0.0 : f32
  affine.store %0, %a[0, 0] : memref<1x3xf32>
  return
}
// CHECK-LABEL: func.func @step_combine(
//   CHECK-DAG:   %[[A:.*]] = arith.constant 64 : index
//   CHECK-DAG:   %[[B:.*]] = arith.constant 448 : index
//   CHECK-DAG:   memref.view %{{.*}}[%[[A]]][] {ai.panel} : memref<4224xi8> to memref<32x3xf32>
//   CHECK-DAG:   memref.view %{{.*}}[%[[B]]][] {ai.panel} : memref<4224xi8> to memref<32x8xf32>
func.func @step_combine(%w: memref<8xf32> {ai.role = "parameter", ai.name = "w"},
                        %s0: memref<4xf32> {ai.role = "slots", ai.name = "sum0.0", ai.slot = 0 : i64},
                        %s1: memref<4xf32> {ai.role = "slots", ai.name = "sum0.1", ai.slot = 1 : i64},
                        %a: memref<32x3xf32> {ai.role = "panel", ai.name = "rows1"},
                        %b: memref<32x8xf32> {ai.role = "panel", ai.name = "rows2"})
    attributes {ai.kind = "combine", ai.step = "step", ai.size = 16 : i64} {
  %0 = affine.load %a[0, 0] : memref<32x3xf32>
  %1 = affine.load %b[0, 0] : memref<32x8xf32>
  affine.store %0, %w[0] : memref<8xf32>
  affine.store %1, %w[1] : memref<8xf32>
  return
}
// CHECK-LABEL: func.func @step_fold(
//  CHECK-SAME:   index {ai.role = "part"}, %{{.*}}: index {ai.role = "parts"}, %[[COUNT:.*]]: i64 {ai.role = "count"}
//       CHECK:   %[[SUMS:.*]] = arith.constant 1472 : index
//       CHECK:   memref.view %{{.*}}[%[[SUMS]]][] : memref<4224xi8> to memref<3x8xf32>
//       CHECK:   memref.store %[[COUNT]]
func.func @step_fold(%a: memref<32x3xf32> {ai.role = "panel", ai.name = "rows1"},
                     %b: memref<32x8xf32> {ai.role = "panel", ai.name = "rows2"},
                     %sums: memref<3x8xf32> {ai.role = "accumulator", ai.name = "panels0"},
                     %count: memref<i64> {ai.role = "count", ai.name = "count"})
    attributes {ai.kind = "fold", ai.step = "step", ai.size = 16 : i64} {
  %0 = affine.load %a[0, 0] : memref<32x3xf32>
  affine.store %0, %sums[0, 0] : memref<3x8xf32>
  %1 = affine.load %b[0, 0] : memref<32x8xf32>
  affine.store %1, %sums[0, 1] : memref<3x8xf32>
  return
}

// -----

// A block that threads of a team share: a barrier names the memory that others may have written. Scalars and what one
// nest keeps for itself lie behind all that is shared, in the caller's own workspace. Between two barriers
// everything is in use at once; the scalar is read in front of the one, the row is used behind it.
//       CHECK: func.func private @ai_rt_team_barrier(memref<1xi8>, memref<1xi8>, memref<1xi8>, memref<1xi8>)
// CHECK-LABEL: func.func @team_block(
//  CHECK-SAME:   %[[FIXED:[a-z0-9]+]]: memref<128xi8> {ai.role = "fixed"
//  CHECK-SAME:   %[[WORK:[a-z0-9]+]]: memref<576xi8> {ai.role = "workspace"
//  CHECK-SAME:   %[[SLOT:[a-z0-9]+]]: memref<64xi8> {ai.role = "slot"
//  CHECK-SAME:   %[[OWN:[a-z0-9]+]]: memref<576xi8> {ai.role = "own"
//  CHECK-SAME:   %[[TEAM:[a-z0-9]+]]: memref<1xi8> {ai.role = "team"
//  CHECK-SAME:   index {ai.role = "part"}, %{{.*}}: index {ai.role = "parts"}, %{{.*}}: i64 {ai.role = "count"}
//  CHECK-SAME:   ai.barriers = 1 : i64
//   CHECK-DAG:   %[[O512:.*]] = arith.constant 512 : index
//   CHECK-DAG:   memref.view %[[OWN]][%[[O512]]][] : memref<576xi8> to memref<i64>
//   CHECK-DAG:   memref.view %[[OWN]][%{{.*}}][] : memref<576xi8> to memref<16xf32>
//   CHECK-DAG:   memref.view %[[WORK]][%{{.*}}][] : memref<576xi8> to memref<64xf32>
//       CHECK:   %[[F:.*]] = memref.view %[[FIXED]]
//       CHECK:   %[[W:.*]] = memref.view %[[WORK]]
//       CHECK:   %[[S:.*]] = memref.view %[[SLOT]]
//       CHECK:   call @ai_rt_team_barrier(%[[TEAM]], %[[F]], %[[W]], %[[S]])
//   CHECK-NOT:   gpu.barrier
func.func @team_block(%count: memref<i64> {ai.role = "count", ai.name = "count"},
                      %slot: memref<16xf32> {ai.role = "slot", ai.name = "sum0"},
                      %part: index {ai.role = "part"}, %parts: index {ai.role = "parts"})
    attributes {ai.kind = "block", ai.step = "team", ai.size = 16 : i64, ai.team} {
  %0 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = memref.load %count[] : memref<i64>
  %a = memref.alloc() : memref<64xf32>
  %b = memref.alloc() : memref<64xf32>
  %row = memref.alloc() {ai.own} : memref<16xf32>
  memref.store %0, %a[%c0] : memref<64xf32>
  memref.store %0, %b[%c0] : memref<64xf32>
  gpu.barrier
  memref.store %0, %row[%c0] : memref<16xf32>
  memref.store %0, %slot[%c0] : memref<16xf32>
  return
}
func.func @team_combine(%slot: memref<16xf32> {ai.role = "slots", ai.name = "sum0", ai.slot = 1 : i64})
    attributes {ai.kind = "combine", ai.step = "team"} {
  return
}

// -----

// Threads that never wait for each other may be at any op: no two of three temporaries share bytes, although their lives
// are apart. What a thread has for itself it uses in order, so two of those do.
// CHECK-LABEL: func.func @no_barrier_block(
//  CHECK-SAME:   memref<1024xi8> {ai.role = "workspace"
//  CHECK-SAME:   ai.barriers = 0 : i64
func.func @no_barrier_block(%part: index {ai.role = "part"}, %parts: index {ai.role = "parts"})
    attributes {ai.kind = "block", ai.step = "no_barrier", ai.size = 16 : i64, ai.team} {
  %0 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %a = memref.alloc() : memref<64xf32>
  %b = memref.alloc() : memref<64xf32>
  %c = memref.alloc() : memref<64xf32>
  %d = memref.alloc() {ai.own} : memref<64xf32>
  %e = memref.alloc() {ai.own} : memref<64xf32>
  memref.store %0, %a[%c0] : memref<64xf32>
  memref.store %0, %b[%c0] : memref<64xf32>
  memref.store %0, %c[%c0] : memref<64xf32>
  memref.store %0, %d[%c0] : memref<64xf32>
  memref.store %0, %e[%c0] : memref<64xf32>
  return
}
