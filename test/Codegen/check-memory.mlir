// RUN: ai-opt %s --ai-plan-memory --ai-check-memory="max-memory=10304 threads=2" | FileCheck %s
// RUN: not ai-opt %s --ai-plan-memory --ai-check-memory="max-memory=10303 threads=2" 2>&1 | FileCheck %s --check-prefix=THREADS
// RUN: not ai-opt %s --ai-plan-memory --ai-check-memory="max-memory=7200 threads=1" 2>&1 | FileCheck %s --check-prefix=BATCH
// RUN: not ai-opt %s --ai-plan-memory --ai-check-memory="max-memory=7175 threads=1" 2>&1 | FileCheck %s --check-prefix=LEAST

// CHECK: ai.fixed_bytes = 4096 : i64
// CHECK: ai.workspace_bytes = 3072 : i64

// The error is where three of the buffers are alive; what is written there has a name.
// THREADS: check-memory.mlir:[[# @LINE + 19]]:5: error: expects a memory plan of at most 10303 bytes, got 10304: 4096 fixed, 2 threads of 3072, a batch of 8 of 8 each; it fits with 1 thread
// THREADS: check-memory.mlir:[[# @LINE + 18]]:5: note: a thread uses most of it here, 3072 bytes, in 'middle' of @step_block
// BATCH: error: expects a memory plan of at most 7200 bytes, got 7232: 4096 fixed, 1 thread of 3072, a batch of 8 of 8 each; it fits with a batch of 4
// LEAST: error: expects a memory plan of at most 7175 bytes, got 7232: {{.*}}; the least, one thread and a batch of 1, is 7176
module attributes {ai.recipe = {batch = 8 : i64}} {
  func.func @helper(%x: memref<4096xf32> {ai.role = "argument", ai.name = "x"}) {
    return
  }
  func.func @step_block(%x: memref<256xf32> {ai.role = "input", ai.name = "x"},
                        %w: memref<1024xf32> {ai.role = "parameter", ai.name = "w"},
                        %slot: memref<256xf32> {ai.role = "slot", ai.name = "sum0"})
      attributes {ai.kind = "block", ai.step = "step", ai.size = 8 : i64} {
    %a = memref.alloc() : memref<256xf32>
    %b = memref.alloc() : memref<256xf32>
    affine.for %i = 0 to 256 {
      %0 = affine.load %x[%i] : memref<256xf32>
      affine.store %0, %a[%i] : memref<256xf32>
    }
    %flat = memref.expand_shape %a [[0, 1]] output_shape [16, 16] : memref<256xf32> into memref<16x16xf32>
    affine.for %i = 0 to 256 {
      %0 = affine.load %flat[%i floordiv 16, %i mod 16] : memref<16x16xf32>
      %1 = affine.load %x[%i] : memref<256xf32>
      %2 = arith.addf %0, %1 : f32
      affine.store %2, %b[%i] : memref<256xf32> loc("middle")
    }
    affine.for %i = 0 to 256 {
      %0 = affine.load %b[%i] : memref<256xf32>
      affine.store %0, %slot[%i] : memref<256xf32>
    }
    return
  }
}
