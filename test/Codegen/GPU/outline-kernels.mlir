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

// -----

// Where grids run everything, a block is alone in its round, in slot 0: it has no number. Calls of libraries become
// entries of the list, with the places of their operands; a phase of calls has no kernel.
// CHECK-LABEL: func.func private @step_block()
//  CHECK-SAME:   ai.kernels = [{grid = 2 : i64, name = "step_block_0", shared = 0 : i64, threads = 128 : i64},
//  CHECK-SAME:     {call = "matmul", name = "step_block_1_matmul", operands = [
//  CHECK-SAME:         {offset = 64 : i64, region = "workspace", shape = array<i64: 8, 4>},
//  CHECK-SAME:         {offset = 256 : i64, region = "fixed", shape = array<i64: 4, 4>},
//  CHECK-SAME:         {offset = 4160 : i64, region = "fixed", shape = array<i64: 4>},
//  CHECK-SAME:         {offset = 0 : i64, region = "staged", shape = array<i64: 8, 4>}],
//  CHECK-SAME:       place = "net.mlir:7:3", relu = 1 : i64, transpose_lhs = 0 : i64, transpose_rhs = 1 : i64, type = f32},
//  CHECK-SAME:     {call = "conv2d", dilation = array<i64: 1, 1>, name = "step_block_1_conv2d",
//  CHECK-SAME:       padding = array<i64: 0, 0>, place = "", stride = array<i64: 2, 1>, type = f64},
//  CHECK-SAME:     {grid = 1 : i64, name = "step_block_2",
//       CHECK:   gpu.func @step_block_0(
//   CHECK-NOT:     gpu.block_id x upper_bound 1
//   CHECK-NOT:     library.call
//       CHECK:   gpu.func @step_block_2(
//   CHECK-NOT:     library.call
//   CHECK-NOT:   gpu.func
module attributes {ai.fixed_bytes = 8192 : i64, ai.num_slots = 1 : i64, ai.slot_offset = 4096 : i64} {
  func.func @step_block(%fixed: memref<8192xi8> {ai.role = "fixed"}, %work: memref<4096xi8> {ai.role = "workspace"},
                        %staged: memref<128xi8> {ai.role = "staged"}, %slot: memref<128xi8> {ai.role = "slot"},
                        %first: i64 {ai.role = "first"}, %count: i64 {ai.role = "count"}, %step: i64 {ai.role = "step"},
                        %epoch: i64 {ai.role = "epoch"}, %seed: i64 {ai.role = "seed"})
      attributes {ai.kind = "block", ai.grid, ai.size = 8 : i64, ai.threads = 128 : i64, ai.workspace_bytes = 4096 : i64,
                  ai.staged_bytes = 128 : i64, ai.slot_bytes = 128 : i64, ai.shared_bytes = 0 : i64} {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c256 = arith.constant 256 : index
    %c512 = arith.constant 512 : index
    %images = memref.view %work[%c64][] : memref<4096xi8> to memref<8x2x2xf32>
    %x = memref.collapse_shape %images [[0], [1, 2]] : memref<8x2x2xf32> into memref<8x4xf32>
    %w = memref.view %fixed[%c256][] : memref<8192xi8> to memref<4x4xf32>
    %b = memref.view %slot[%c64][] : memref<128xi8> to memref<4xf32>
    %y = memref.view %staged[%c0][] : memref<128xi8> to memref<8x4xf32>
    %v = memref.view %work[%c512][] : memref<4096xi8> to memref<1x1x3x3xf64>
    %k = memref.view %work[%c256][] : memref<4096xi8> to memref<1x1x1x1xf64>
    %u = memref.view %work[%c0][] : memref<4096xi8> to memref<1x1x2x3xf64>
    %fixed_words = memref.view %fixed[%c0][] : memref<8192xi8> to memref<8xi64>
    affine.for %i = 0 to 2 {
      affine.store %first, %fixed_words[%i] : memref<8xi64>
    } {ai.elements = 200 : i64}
    gpu.barrier
    library.call matmul(%x, %w, %b) into %y {relu, transpose_rhs}
      : (memref<8x4xf32>, memref<4x4xf32>, memref<4xf32>), memref<8x4xf32> loc("net.mlir":7:3)
    library.call conv2d(%v, %k) into %u {stride = array<i64: 2, 1>}
      : (memref<1x1x3x3xf64>, memref<1x1x1x1xf64>), memref<1x1x2x3xf64> loc(unknown)
    gpu.barrier
    affine.for %i = 0 to 2 {
      affine.store %count, %fixed_words[%i] : memref<8xi64>
    } {ai.elements = 2 : i64}
    return
  }
}
