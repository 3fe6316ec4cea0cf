// RUN: not ai-opt %s --ai-outline-kernels -split-input-file 2>&1 | FileCheck %s

// Samples are rows anywhere in a data set: there is no memory that holds a block of them.
// CHECK: error: 'memref.copy' op expects samples to be loaded element by element
module attributes {ai.fixed_bytes = 64 : i64, ai.num_slots = 1 : i64, ai.slot_offset = 0 : i64} {
  func.func @step_block(%work: memref<40xi8> {ai.role = "workspace"}, %input: memref<40xi8> {ai.role = "input"},
                        %first: i64 {ai.role = "first"}, %count: i64 {ai.role = "count"})
      attributes {ai.kind = "block", ai.size = 2 : i64, ai.threads = 128 : i64, ai.workspace_bytes = 40 : i64} {
    memref.copy %input, %work : memref<40xi8> to memref<40xi8>
    return
  }
}

// -----

// A library is told once where an operand lies.
// CHECK: error: 'library.call' op expects operands at constant places in the arena; run ai-place-call-operands first
module attributes {ai.fixed_bytes = 64 : i64, ai.num_slots = 1 : i64, ai.slot_offset = 0 : i64} {
  func.func @step_block(%work: memref<128xi8> {ai.role = "workspace"}, %at: index {ai.role = "part"})
      attributes {ai.kind = "block", ai.grid, ai.size = 2 : i64, ai.threads = 128 : i64, ai.workspace_bytes = 128 : i64} {
    %x = memref.view %work[%at][] : memref<128xi8> to memref<4x4xf32>
    library.call matmul(%x, %x) into %x : (memref<4x4xf32>, memref<4x4xf32>), memref<4x4xf32>
    return
  }
}
