// RUN: not ai-opt %s --ai-plan-memory --ai-check-memory="max-memory=1000 threads=1" 2>&1 | FileCheck %s

// What a nest keeps for itself counts where it stands; the byte that a barrier names does not.
// CHECK: check-memory-teams.mlir:[[# @LINE + 14]]:5: error: expects a memory plan of at most 1000 bytes
// CHECK: note: a thread uses most of it here, 1536 bytes, in '{{.*}}rows{{.*}}' of @team_block
module attributes {ai.recipe = {batch = 16 : i64}} {
  func.func @team_block(%x: memref<128xf32> {ai.role = "input", ai.name = "x"},
                        %slot: memref<128xf32> {ai.role = "slot", ai.name = "sum0"},
                        %part: index {ai.role = "part"}, %parts: index {ai.role = "parts"})
      attributes {ai.kind = "block", ai.step = "team", ai.size = 16 : i64} {
    %a = memref.alloc() : memref<128xf32>
    %rows = memref.alloc() {ai.own} : memref<256xf32>
    affine.for %i = 0 to 128 {
      %0 = affine.load %x[%i] : memref<128xf32>
      affine.store %0, %a[%i] : memref<128xf32>
    }
    gpu.barrier
    affine.for %i = 0 to 128 {
      %0 = affine.load %a[%i] : memref<128xf32>
      affine.store %0, %rows[%i] : memref<256xf32> loc("rows")
      %1 = affine.load %rows[%i] : memref<256xf32>
      affine.store %1, %slot[%i] : memref<128xf32>
    }
    return
  }
}
