// RUN: not ai-opt %s --ai-outline-kernels 2>&1 | FileCheck %s

// A row of the data set is a block's sample.
// CHECK: error: expects blocks of one sample on a GPU, got 2
func.func @step_block(%input: memref<40xi8> {ai.role = "input"})
    attributes {ai.kind = "block", ai.size = 2 : i64, ai.threads = 128 : i64} {
  return
}
