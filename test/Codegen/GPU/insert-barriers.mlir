// RUN: ai-opt %s --split-input-file --ai-insert-barriers | FileCheck %s

// One barrier between a write and a read of the same memory, none between independent loops.
// CHECK-LABEL: func.func @written_then_read(
//       CHECK:   affine.store %{{.*}}, %[[A:.*]][
//       CHECK:   affine.store %{{.*}}, %[[B:.*]][
//       CHECK:   gpu.barrier
//       CHECK:   affine.load %[[A]][
//       CHECK:   affine.load %[[B]][
//   CHECK-NOT:   gpu.barrier
//       CHECK:   return
func.func @written_then_read(%x: memref<256xf32>, %y: memref<256xf32>, %z: memref<256xf32>) {
  %t = gpu.thread_id x
  %a = memref.alloc() : memref<256xf32>
  %b = memref.alloc() : memref<256xf32>
  affine.if affine_set<()[s0] : (255 - s0 >= 0)>()[%t] {
    %0 = affine.load %x[symbol(%t)] : memref<256xf32>
    affine.store %0, %a[symbol(%t)] : memref<256xf32>
  }
  affine.if affine_set<()[s0] : (255 - s0 >= 0)>()[%t] {
    %0 = affine.load %x[symbol(%t)] : memref<256xf32>
    affine.store %0, %b[symbol(%t)] : memref<256xf32>
  }
  affine.if affine_set<()[s0] : (255 - s0 >= 0)>()[%t] {
    %0 = affine.load %a[255 - symbol(%t)] : memref<256xf32>
    affine.store %0, %y[symbol(%t)] : memref<256xf32>
  }
  affine.if affine_set<()[s0] : (255 - s0 >= 0)>()[%t] {
    %0 = affine.load %b[255 - symbol(%t)] : memref<256xf32>
    affine.store %0, %z[symbol(%t)] : memref<256xf32>
  }
  return
}

// -----

// What was read may not be overwritten yet, also through a view.
// CHECK-LABEL: func.func @read_then_written(
//       CHECK:   affine.load
//       CHECK:   gpu.barrier
//       CHECK:   affine.store
func.func @read_then_written(%x: memref<16x16xf32>, %y: memref<256xf32>, %v: f32) {
  %t = gpu.thread_id x
  %flat = memref.collapse_shape %x [[0, 1]] : memref<16x16xf32> into memref<256xf32>
  affine.if affine_set<()[s0] : (255 - s0 >= 0)>()[%t] {
    %0 = affine.load %flat[255 - symbol(%t)] : memref<256xf32>
    memref.store %0, %y[%t] : memref<256xf32>
  }
  affine.if affine_set<()[s0] : (255 - s0 >= 0)>()[%t] {
    affine.store %v, %x[symbol(%t) floordiv 16, symbol(%t) mod 16] : memref<16x16xf32>
  }
  return
}

// -----

// A thread's own memory needs none.
// CHECK-LABEL: func.func @own(
//   CHECK-NOT:   gpu.barrier
func.func @own(%v: f32, %y: memref<256xf32>) {
  %t = gpu.thread_id x
  %own = memref.alloca() : memref<f32>
  affine.store %v, %own[] : memref<f32>
  affine.if affine_set<()[s0] : (255 - s0 >= 0)>()[%t] {
    %0 = affine.load %own[] : memref<f32>
    affine.store %0, %y[symbol(%t)] : memref<256xf32>
  }
  return
}

// -----

// A thread's own elements need none, whatever the view and the number of turns; nor does what is left to one thread.
// CHECK-LABEL: func.func @own_elements(
//   CHECK-NOT:   gpu.barrier
//       CHECK:   return
func.func @own_elements(%x: memref<18x36xf32>, %y: memref<648xf32>, %n: memref<2xf32>) {
  %t = gpu.thread_id x
  %cube = memref.alloc() : memref<18x6x6xf32>
  %flat = memref.collapse_shape %cube [[0, 1, 2]] : memref<18x6x6xf32> into memref<648xf32>
  affine.for %i = 0 to 648 step 256 {
    affine.if affine_set<(d0)[s0] : (647 - d0 - s0 >= 0)>(%i)[%t] {
      %0 = affine.load %x[(%i + symbol(%t)) floordiv 36, (%i + symbol(%t)) mod 36] : memref<18x36xf32>
      affine.store %0, %cube[(%i + symbol(%t)) floordiv 36, ((%i + symbol(%t)) floordiv 6) mod 6, (%i + symbol(%t)) mod 6] : memref<18x6x6xf32>
    }
  } {ai.elements = 648 : i64}
  affine.if affine_set<()[s0] : (255 - s0 >= 0)>()[%t] {
    %0 = affine.load %flat[symbol(%t)] : memref<648xf32>
    affine.store %0, %y[symbol(%t)] : memref<648xf32>
  } {ai.elements = 256 : i64}
  affine.if affine_set<()[s0] : (-s0 >= 0)>()[%t] {
    %0 = affine.load %n[0] : memref<2xf32>
    affine.store %0, %n[1] : memref<2xf32>
  } {ai.elements = 1 : i64}
  affine.if affine_set<()[s0] : (-s0 >= 0)>()[%t] {
    %0 = affine.load %n[1] : memref<2xf32>
    affine.store %0, %n[0] : memref<2xf32>
  } {ai.elements = 1 : i64}
  return
}

// -----

// Every thread reads what one has written; and what all threads touch at once is nobody's own.
// CHECK-LABEL: func.func @broadcast(
//       CHECK:   affine.store %{{.*}}, %[[N:.*]][0]
//       CHECK:   gpu.barrier
//       CHECK:   affine.load %[[N]][0]
//       CHECK:   affine.store %{{.*}}, %[[A:.*]][symbol(
//       CHECK:   gpu.barrier
//       CHECK:   affine.for %{{.*}} = 0 to 8
func.func @broadcast(%v: f32, %n: memref<1xf32>, %a: memref<8xf32>, %y: memref<8xf32>) {
  %t = gpu.thread_id x
  affine.if affine_set<()[s0] : (-s0 >= 0)>()[%t] {
    affine.store %v, %n[0] : memref<1xf32>
  } {ai.elements = 1 : i64}
  affine.if affine_set<()[s0] : (7 - s0 >= 0)>()[%t] {
    %0 = affine.load %n[0] : memref<1xf32>
    affine.store %0, %a[symbol(%t)] : memref<8xf32>
  } {ai.elements = 8 : i64}
  affine.if affine_set<()[s0] : (7 - s0 >= 0)>()[%t] {
    %0 = affine.for %i = 0 to 8 iter_args(%sum = %v) -> (f32) {
      %1 = affine.load %a[%i] : memref<8xf32>
      %2 = arith.addf %sum, %1 : f32
      affine.yield %2 : f32
    }
    affine.store %0, %y[symbol(%t)] : memref<8xf32>
  } {ai.elements = 8 : i64}
  return
}
