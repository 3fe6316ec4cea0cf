// RUN: ai-opt %s --split-input-file --ai-outline-kernels | FileCheck %s

// A thread block of a step's block finds its memory and its sample by its number.
// CHECK-LABEL: func.func private @step_block()
//  CHECK-SAME:   ai.kernels = [{grid = 0 : i64, name = "step_block", shared = 256 : i64, threads = 128 : i64}]
//       CHECK: gpu.module @kernels {
//       CHECK:   memref.global {{.*}} @table
//       CHECK:   gpu.func @step_block(%[[FIXED:.*]]: memref<8192xi8>, %[[WORK:.*]]: memref<1024xi8>, %[[STAGED:.*]]: memref<512xi8>, %[[INPUTS:.*]]: memref<206158430208xi8>, %{{.*}}: memref<1xi8>, %{{.*}}: memref<1xi8>, %[[BATCH:.*]]: memref<4294967300xi64>, %[[FIRST:.*]]: i64, %[[COUNT:.*]]: i64) kernel
//  CHECK-SAME:     known_block_size = array<i32: 128, 1, 1>
//       CHECK:     %[[B:.*]] = gpu.block_id x upper_bound 4
//       CHECK:     %[[SLOT:.*]] = memref.view %[[FIXED]][%{{.*}}][] : memref<8192xi8> to memref<64xi8>
//       CHECK:     %[[OWN:.*]] = memref.view %[[WORK]][%{{.*}}][] : memref<1024xi8> to memref<256xi8>
//       CHECK:     memref.view %[[STAGED]][%{{.*}}][] : memref<512xi8> to memref<128xi8>
//       CHECK:     %[[I:.*]] = arith.index_cast %[[B]]
//       CHECK:     %[[OFFSET:.*]] = arith.muli %[[I]], %{{.*}} : i64
//       CHECK:     %[[OWNFIRST:.*]] = arith.addi %[[FIRST]], %[[OFFSET]] : i64
// The sample: the row that the batch's record lists for it, behind four words, times its bytes in steps of 16.
//       CHECK:     %[[WORD:.*]] = arith.addi %{{.*}}, %{{.*}} : index
//       CHECK:     %[[ROWS:.*]] = memref.load %[[BATCH]][%[[WORD]]]
//       CHECK:     %[[ROW:.*]] = arith.andi %[[ROWS]], %{{.*}} : i64
//       CHECK:     %[[I2:.*]] = arith.index_cast %[[ROW]]
//       CHECK:     arith.muli %[[I2]], %c48{{.*}} : index
//       CHECK:     %[[SAMPLE:.*]] = memref.view %[[INPUTS]][%{{.*}}][] : memref<206158430208xi8> to memref<40xi8>
//       CHECK:     memref.store %[[OWNFIRST]], %{{.*}} : memref<1xi64>
//       CHECK:     %[[ELEMENTS:.*]] = memref.view %[[SAMPLE]]
//       CHECK:     memref.load %[[ELEMENTS]]
//       CHECK:     memref.get_global @table
//       CHECK:     gpu.barrier
//       CHECK:     gpu.return
//   CHECK-NOT: memref.global
module attributes {ai.fixed_bytes = 8192 : i64, ai.num_slots = 4 : i64, ai.slot_offset = 4096 : i64} {
  memref.global "private" constant @table : memref<2xi8> = dense<[1, 2]>
  func.func @step_block(%fixed: memref<8192xi8> {ai.role = "fixed"}, %work: memref<256xi8> {ai.role = "workspace"},
                        %staged: memref<128xi8> {ai.role = "staged"}, %input: memref<40xi8> {ai.role = "input"}, %slot: memref<64xi8> {ai.role = "slot"},
                        %first: i64 {ai.role = "first"}, %count: i64 {ai.role = "count"}, %step: i64 {ai.role = "step"},
                        %epoch: i64 {ai.role = "epoch"}, %seed: i64 {ai.role = "seed"})
      attributes {ai.kind = "block", ai.size = 1 : i64, ai.threads = 128 : i64, ai.workspace_bytes = 256 : i64,
                  ai.staged_bytes = 128 : i64, ai.slot_bytes = 64 : i64, ai.shared_bytes = 256 : i64} {
    %zero = arith.constant 0 : index
    %view = memref.view %slot[%zero][] : memref<64xi8> to memref<1xi64>
    memref.store %first, %view[%zero] : memref<1xi64>
    %byte = memref.load %input[%zero] : memref<40xi8>
    memref.store %byte, %work[%zero] : memref<256xi8>
    %table = memref.get_global @table : memref<2xi8>
    gpu.barrier
    %0 = memref.load %table[%zero] : memref<2xi8>
    memref.store %0, %work[%zero] : memref<256xi8>
    return
  }
}

// -----

// No thread block can wait for all others: what a grid runs is cut at its barriers. Each kernel has as many threads as
// its largest loop has elements, and computes for itself what all threads know.
// CHECK-LABEL: func.func private @step_combine()
//  CHECK-SAME:   ai.kernels = [{grid = 3 : i64, name = "step_combine_0", shared = 0 : i64, threads = 128 : i64}, {grid = 1 : i64, name = "step_combine_1", shared = 0 : i64, threads = 128 : i64}]
//       CHECK:   gpu.func @step_combine_0(
//       CHECK:     memref.store %{{.*}}, %{{.*}}[] : memref<i64>
//       CHECK:     affine.if #[[LARGE:.*]]()
//   CHECK-NOT:     affine.if
//       CHECK:   gpu.func @step_combine_1(
//       CHECK:     memref.store %{{.*}}, %{{.*}}[] : memref<i64>
//       CHECK:     affine.if
//   CHECK-NOT:   gpu.barrier
module attributes {ai.fixed_bytes = 8192 : i64, ai.num_slots = 4 : i64, ai.slot_offset = 4096 : i64} {
  func.func @step_combine(%fixed: memref<8192xi8> {ai.role = "fixed"}, %count: i64 {ai.role = "count"},
                          %part: index {ai.role = "part"})
      attributes {ai.kind = "combine", ai.threads = 128 : i64} {
    %byte = arith.constant 1 : i8
    %t = gpu.thread_id x
    %own = memref.alloca() : memref<i64>
    memref.store %count, %own[] : memref<i64>
    affine.if affine_set<()[s0] : (299 - s0 >= 0)>()[%t] {
      affine.store %byte, %fixed[symbol(%t)] : memref<8192xi8>
    } {ai.elements = 300 : i64}
    gpu.barrier
    affine.if affine_set<()[s0] : (9 - s0 >= 0)>()[%t] {
      affine.store %byte, %fixed[299 - symbol(%t)] : memref<8192xi8>
    } {ai.elements = 10 : i64}
    return
  }
}

// -----

// Of a block of three samples each is found by a row of its own, those past the batch's last one by that one's. Loads
// of all samples side by side become loads of a row, of one that is looked up there if it is known no sooner.
// CHECK-LABEL: gpu.func @step_block(
//  CHECK-SAME:     %[[INPUTS:[a-z0-9]*]]: memref<206158430208xi8>, %[[TARGETS:[a-z0-9]*]]: memref<68719476736xi8>, %{{[a-z0-9]*}}: memref<1xi8>, %[[BATCH:[a-z0-9]*]]: memref<4294967300xi64>, %[[FIRST:[a-z0-9]*]]: i64, %[[COUNT:[a-z0-9]*]]: i64) kernel
//       CHECK:   %[[N:.*]] = arith.index_cast %[[COUNT]] : i64 to index
//       CHECK:   %[[LAST:.*]] = arith.subi %[[N]], %c1{{.*}} : index
//       CHECK:   arith.minsi %{{.*}}, %[[LAST]] : index
//       CHECK:   memref.load %[[BATCH]]
//       CHECK:   %[[ROW1:.*]] = memref.view %[[INPUTS]][%{{.*}}][] : memref<206158430208xi8> to memref<40xi8>
//       CHECK:   %[[ELEMENTS:.*]] = memref.view %[[ROW1]][%{{.*}}][] : memref<40xi8> to memref<10xf32>
//       CHECK:   affine.load %[[ELEMENTS]][symbol(%[[T:.*]])]
//       CHECK:   arith.minsi
//       CHECK:   memref.load %[[BATCH]]
//       CHECK:   %[[LABEL:.*]] = memref.view %[[TARGETS]][%{{.*}}][]
//       CHECK:   memref.view %[[LABEL]]
module attributes {ai.fixed_bytes = 8192 : i64, ai.num_slots = 4 : i64, ai.slot_offset = 4096 : i64} {
  func.func @step_block(%work: memref<64xi8> {ai.role = "workspace"},
                        %input: memref<120xi8> {ai.role = "input"}, %target: memref<12xi8> {ai.role = "target"},
                        %first: i64 {ai.role = "first"}, %count: i64 {ai.role = "count"})
      attributes {ai.kind = "block", ai.size = 3 : i64, ai.threads = 128 : i64, ai.workspace_bytes = 64 : i64} {
    %zero = arith.constant 0 : index
    %t = gpu.thread_id x
    %x = memref.view %input[%zero][] : memref<120xi8> to memref<3x2x5xf32>
    %flat = memref.collapse_shape %x [[0], [1, 2]] : memref<3x2x5xf32> into memref<3x10xf32>
    %labels = memref.view %target[%zero][] : memref<12xi8> to memref<3xi32>
    %out = memref.view %work[%zero][] : memref<64xi8> to memref<8xf32>
    %0 = affine.load %flat[1, symbol(%t)] : memref<3x10xf32>
    affine.store %0, %out[0] : memref<8xf32>
    %1 = affine.load %labels[symbol(%t)] : memref<3xi32>
    %2 = arith.sitofp %1 : i32 to f32
    affine.store %2, %out[1] : memref<8xf32>
    return
  }
}
