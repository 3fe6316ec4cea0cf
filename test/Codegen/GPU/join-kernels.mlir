// RUN: ai-opt %s --split-input-file --ai-join-kernels -verify-diagnostics | FileCheck %s

// Blocks of two samples, four at once: a step is taken in rounds, and panels are folded between them. Each phase is a
// function, which is told the number of its thread block and the place of the step's record.
module attributes {ai.num_slots = 4 : i64, ai.slot_offset = 4096 : i64} {
  func.func private @net_train_step_block() attributes {
    ai.kernels = [{grid = 0 : i64, name = "net_train_step_block", shared = 256 : i64, threads = 64 : i64}], ai.kind = "block",
    ai.size = 2 : i64, ai.slot_bytes = 128 : i64, ai.step = "net_train_step",
    ai.tensors = [{bytes = 24 : i64, name = "x", offset = 0 : i64, role = "input"},
                  {bytes = 32 : i64, name = "rows", offset = 512 : i64, role = "rows"}]}
  func.func private @net_train_step_combine() attributes {
    ai.kernels = [{grid = 5 : i64, name = "net_train_step_combine_0", shared = 0 : i64, threads = 64 : i64},
                  {grid = 1 : i64, name = "net_train_step_combine_1", shared = 0 : i64, threads = 64 : i64}], ai.kind = "combine"}
  func.func private @net_train_step_fold() attributes {
    ai.kernels = [{grid = 3 : i64, name = "net_train_step_fold_0", shared = 512 : i64, threads = 64 : i64}], ai.kind = "fold"}
  func.func private @net_train_step_finish() attributes {
    ai.kernels = [{grid = 5 : i64, name = "net_train_step_finish_0", shared = 0 : i64, threads = 64 : i64}], ai.kind = "finish"}
  // CHECK: func.func private @net_train_step_block() attributes {ai.epoch = {grid = 5 : i64, name = "net_train_step_epoch", shared = 512 : i64, threads = 64 : i64}
  // CHECK: gpu.module @kernels
  gpu.module @kernels {
    gpu.func @net_train_step_block(%fixed: memref<8192xi8>, %w: memref<1024xi8>, %s: memref<1xi8>, %x: memref<64xi8>, %y: memref<1xi8>,
                                   %m: memref<1xi8>, %batch: memref<100xi64>, %first: i64, %count: i64) kernel {
      %own = memref.alloca() : memref<i64>
      %number = gpu.block_id x upper_bound 4
      %word = memref.load %batch[%number] : memref<100xi64>
      memref.store %word, %own[] : memref<i64>
      gpu.return
    }
    gpu.func @net_train_step_combine_0(%fixed: memref<8192xi8>, %w: memref<1xi8>, %s: memref<1xi8>, %x: memref<1xi8>, %y: memref<1xi8>,
                                       %m: memref<1xi8>, %batch: memref<100xi64>, %first: i64, %count: i64) kernel {
      gpu.return
    }
    gpu.func @net_train_step_combine_1(%fixed: memref<8192xi8>, %w: memref<1xi8>, %s: memref<1xi8>, %x: memref<1xi8>, %y: memref<1xi8>,
                                       %m: memref<1xi8>, %batch: memref<100xi64>, %first: i64, %count: i64) kernel {
      gpu.return
    }
    gpu.func @net_train_step_fold_0(%fixed: memref<8192xi8>, %w: memref<1xi8>, %s: memref<1xi8>, %x: memref<1xi8>, %y: memref<1xi8>,
                                    %m: memref<1xi8>, %batch: memref<100xi64>, %first: i64, %count: i64) kernel {
      gpu.return
    }
    gpu.func @net_train_step_finish_0(%fixed: memref<8192xi8>, %w: memref<1xi8>, %s: memref<1xi8>, %x: memref<1xi8>, %y: memref<1xi8>,
                                      %m: memref<1xi8>, %batch: memref<100xi64>, %first: i64, %count: i64) kernel {
      gpu.return
    }
  }
}
// CHECK:      func.func private @ai_grid_barrier()
// CHECK-NEXT: func.func private @ai_begin_turn()
// The kernels stay as they are, for steps that are launched one by one.
// CHECK:      gpu.func @net_train_step_block(
// CHECK:      gpu.block_id
//
// CHECK:      func.func private @joined_net_train_step_block(%{{.*}}, %[[BATCH:[a-z0-9]*]]: memref<100xi64>, %{{.*}}: i64, %{{.*}}: i64, %[[PLACE:.*]]: index, %[[NUMBER:.*]]: index)
// CHECK-SAME:   llvm.linkage = #llvm.linkage<internal>, passthrough = ["noinline", "convergent"]
// CHECK:        %[[RECORD:.*]] = memref.subview %[[BATCH]][%[[PLACE]]]
// CHECK-NOT:    gpu.block_id
// CHECK:        memref.load %[[RECORD]][%[[NUMBER]]]
//
// What the host clears between launches: a slot, once in a step, and the rows of a block.
// CHECK:      func.func private @joined_net_train_step_clear(%[[FIXED:.*]]: memref<8192xi8>, %[[SLOT:.*]]: index, %[[FIRST:.*]]: index)
// CHECK:        %[[IS:.*]] = arith.cmpi eq, %[[FIRST]], %c0{{.*}} : index
// CHECK:        scf.if %[[IS]]
// CHECK:          memref.view %[[FIXED]][%{{.*}}][] : memref<8192xi8> to memref<32xi32>
// CHECK:          memref.store %c0_i32
// CHECK:        }
// CHECK:        memref.view %[[FIXED]][%{{.*}}][] : memref<8192xi8> to memref<8xi32>
// CHECK:        memref.store
//
// CHECK:      gpu.func @net_train_step_epoch(%[[ARENA:[a-z0-9]*]]: memref<8192xi8>, %{{[a-z0-9]*}}: memref<1024xi8>, %{{[a-z0-9]*}}: memref<1xi8>, %{{[a-z0-9]*}}: memref<64xi8>, {{.*}}: memref<100xi64>, %[[TOTAL:[a-z0-9]*]]: i64, %[[SIZE:[a-z0-9]*]]: i64) kernel
// CHECK-SAME:   known_block_size = array<i32: 64, 1, 1>, nvvm.minctasm = 1
// CHECK:        %[[OWN:.*]] = gpu.block_id x upper_bound 5
// CHECK:        %[[ALL:.*]] = gpu.grid_dim x upper_bound 5
// CHECK:        %[[N:.*]] = arith.index_cast %[[TOTAL]]
// CHECK:        %[[B:.*]] = arith.index_cast %[[SIZE]]
// CHECK:        scf.for %[[BEGIN:.*]] = %c0{{.*}} to %[[N]] step %[[B]] {
// CHECK:          %[[LEFT:.*]] = arith.subi %[[N]], %[[BEGIN]]
// CHECK:          %[[STEP:.*]] = arith.divui %[[BEGIN]], %[[B]]
// CHECK:          %[[COUNT:.*]] = arith.minsi %[[B]], %[[LEFT]]
// CHECK:          %[[WORDS:.*]] = arith.addi %[[B]], %c4
// CHECK:          %[[AT:.*]] = arith.muli %[[STEP]], %[[WORDS]]
// CHECK:          scf.for %[[ROUND:.*]] = %c0{{.*}} to %[[COUNT]] step %c8
// CHECK:            arith.cmpi sgt, %[[ROUND]], %c0
// CHECK:            scf.if
// CHECK:              scf.for %{{.*}} = %[[OWN]] to %c3{{.*}} step %[[ALL]] {
// CHECK:                func.call @ai_begin_turn()
// CHECK:                func.call @joined_net_train_step_fold_0(
// CHECK:              }
// CHECK-NEXT:         func.call @ai_grid_barrier()
// CHECK:            %[[REST:.*]] = arith.subi %[[COUNT]], %[[ROUND]]
// CHECK:            %[[BLOCKS:.*]] = arith.ceildivui %[[REST]], %c2
// CHECK:            scf.for %[[TURN:.*]] = %[[OWN]] to %c4{{.*}} step %[[ALL]] {
// CHECK:              arith.cmpi slt, %[[TURN]], %[[BLOCKS]]
// CHECK:              scf.if
// CHECK:                func.call @ai_begin_turn()
// CHECK:                func.call @joined_net_train_step_block(%[[ARENA]], {{.*}}, %[[AT]], %[[TURN]])
// CHECK:              } else {
// CHECK:                func.call @joined_net_train_step_clear(%[[ARENA]], %[[TURN]], %[[ROUND]])
// CHECK:              }
// CHECK:            }
// CHECK-NEXT:       func.call @ai_grid_barrier()
// CHECK:          arith.cmpi sgt, %[[COUNT]], %c8
// CHECK:          scf.if
// CHECK:            func.call @joined_net_train_step_finish_0(
// CHECK:            func.call @ai_grid_barrier()
// CHECK:          } else {
// CHECK:            scf.for %{{.*}} = %[[OWN]] to %c5
// CHECK:              func.call @joined_net_train_step_combine_0(
// CHECK:            func.call @ai_grid_barrier()
// CHECK:            scf.for %{{.*}} = %[[OWN]] to %c1
// CHECK:              func.call @joined_net_train_step_combine_1(
// CHECK:            func.call @ai_grid_barrier()

// -----

// Without panels there is nothing to fold; an evaluation is launched as before.
// CHECK-LABEL: gpu.func @plain_train_step_epoch(
//   CHECK-NOT:   @joined
//       CHECK:   func.call @joined_plain_train_step_block(
//       CHECK:   func.call @joined_plain_train_step_clear(
//       CHECK:   func.call @ai_grid_barrier()
//   CHECK-NOT:   scf.if
//       CHECK:   func.call @joined_plain_train_step_combine_0(
//       CHECK:   func.call @ai_grid_barrier()
//   CHECK-NOT: @net_evaluate_epoch
module attributes {ai.num_slots = 4 : i64, ai.slot_offset = 4096 : i64} {
  func.func private @plain_train_step_block() attributes {
    ai.kernels = [{grid = 0 : i64, name = "plain_train_step_block", shared = 256 : i64, threads = 64 : i64}], ai.kind = "block",
    ai.size = 2 : i64, ai.slot_bytes = 128 : i64, ai.step = "plain_train_step", ai.tensors = []}
  func.func private @plain_train_step_combine() attributes {
    ai.kernels = [{grid = 5 : i64, name = "plain_train_step_combine_0", shared = 0 : i64, threads = 64 : i64}], ai.kind = "combine"}
  func.func private @net_evaluate_block() attributes {
    ai.kernels = [{grid = 0 : i64, name = "net_evaluate_block", shared = 256 : i64, threads = 64 : i64}], ai.kind = "block",
    ai.size = 2 : i64, ai.slot_bytes = 128 : i64, ai.step = "net_evaluate", ai.tensors = []}
  gpu.module @kernels {
    gpu.func @plain_train_step_block(%fixed: memref<8192xi8>, %w: memref<1xi8>, %s: memref<1xi8>, %x: memref<1xi8>, %y: memref<1xi8>,
                %m: memref<1xi8>, %batch: memref<100xi64>, %first: i64, %count: i64) kernel {
      gpu.return
    }
    gpu.func @plain_train_step_combine_0(%fixed: memref<8192xi8>, %w: memref<1xi8>, %s: memref<1xi8>, %x: memref<1xi8>, %y: memref<1xi8>,
                                       %m: memref<1xi8>, %batch: memref<100xi64>, %first: i64, %count: i64) kernel {
      gpu.return
    }
    gpu.func @net_evaluate_block(%fixed: memref<8192xi8>, %w: memref<1xi8>, %s: memref<1xi8>, %x: memref<1xi8>, %y: memref<1xi8>,
                                 %m: memref<1xi8>, %batch: memref<100xi64>, %first: i64, %count: i64) kernel {
      gpu.return
    }
  }
}

// -----

module attributes {ai.num_slots = 4 : i64} {
  // expected-error@below {{expects the kernels of a step to have as many threads each, got 64 and 32}}
  func.func private @net_train_step_block() attributes {
    ai.kernels = [{grid = 0 : i64, name = "a", shared = 256 : i64, threads = 64 : i64}], ai.kind = "block",
    ai.size = 2 : i64, ai.slot_bytes = 128 : i64, ai.step = "net_train_step", ai.tensors = []}
  func.func private @net_train_step_combine() attributes {
    ai.kernels = [{grid = 5 : i64, name = "b", shared = 0 : i64, threads = 32 : i64}], ai.kind = "combine"}
  gpu.module @kernels {
    gpu.func @a(%fixed: memref<8192xi8>) kernel {
      gpu.return
    }
    gpu.func @b(%fixed: memref<8192xi8>) kernel {
      gpu.return
    }
  }
}
