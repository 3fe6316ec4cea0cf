// RUN: ai-opt %s --ai-check-nan --mlir-print-local-scope | FileCheck %s

// Samples are looked at first. A buffer is once all of it is written: its border alone is not enough. Integers have no
// NaN. Threads do not share the block. Stores between nests are looked at behind the last of them.
//       CHECK: module attributes {ai.checks = ["input", "inside", "sums+twice+classes", "sums+twice+classes", "logits"]}
//       CHECK: func.func private @ai_rt_check_nan(i64, i64, i64, i64)
// CHECK-LABEL: func.func @step_block(
//  CHECK-SAME:   %[[X:[a-z0-9]+]]: memref<8xf32> {{.*}}ai.alone
//       CHECK:   %[[P:.*]] = memref.extract_aligned_pointer_as_index %[[X]] : memref<8xf32> -> index
//       CHECK:   %[[A:.*]] = arith.index_cast %[[P]] : index to i64
//   CHECK-DAG:   %[[ROW:.*]] = arith.constant 0 : i64
//   CHECK-DAG:   %[[COUNT:.*]] = arith.constant 8 : i64
//   CHECK-DAG:   %[[BYTES:.*]] = arith.constant 4 : i64
//       CHECK:   call @ai_rt_check_nan(%[[ROW]], %[[A]], %[[COUNT]], %[[BYTES]])
//       CHECK:   %[[BORDERED:.*]] = memref.alloc() : memref<10xf32>
//       CHECK:   affine.for
//   CHECK-NOT:   ai_rt_check_nan
//       CHECK:   affine.for
//       CHECK:   memref.extract_aligned_pointer_as_index %[[BORDERED]]
//       CHECK:   call @ai_rt_check_nan(
//       CHECK:   affine.for
//   CHECK-DAG:   memref.extract_aligned_pointer_as_index %{{.*}} : memref<8xf64>
//   CHECK-DAG:   arith.constant 8 : i64
//       CHECK:   call @ai_rt_check_nan(
//       CHECK:   memref.extract_aligned_pointer_as_index %{{.*}} : memref<2x4xf32>
//       CHECK:   call @ai_rt_check_nan(
//       CHECK:   affine.store {{.*}}[0] : memref<2xf32>
//   CHECK-NOT:   call
//       CHECK:   affine.store {{.*}}[1] : memref<2xf32>
//       CHECK:   memref.extract_aligned_pointer_as_index %{{.*}} : memref<2xf32>
//       CHECK:   call @ai_rt_check_nan(
//   CHECK-NOT:   call
//       CHECK:   return
func.func @step_block(%x: memref<8xf32> {ai.name = "input", ai.role = "input"},
                      %labels: memref<8xi32> {ai.name = "target", ai.role = "target"}) attributes {ai.kind = "block"} {
  %zero = arith.constant 0.0 : f32
  %bordered = memref.alloc() : memref<10xf32>
  affine.for %i = 0 to 2 {
    affine.store %zero, %bordered[%i * 9] : memref<10xf32> loc("border")
  }
  affine.for %i = 0 to 8 {
    %v = affine.load %x[%i] : memref<8xf32>
    affine.store %v, %bordered[%i + 1] : memref<10xf32> loc("inside")
  }
  %sums = memref.alloc() : memref<8xf64>
  %matrix = memref.alloc() : memref<2x4xf32>
  %twice = memref.collapse_shape %matrix [[0, 1]] : memref<2x4xf32> into memref<8xf32>
  %classes = memref.alloc() : memref<8xi32>
  affine.for %i = 0 to 8 {
    %v = affine.load %bordered[%i] : memref<10xf32>
    %l = affine.load %labels[%i] : memref<8xi32>
    %w = arith.extf %v : f32 to f64
    affine.store %w, %sums[%i] : memref<8xf64> loc("sums")
    %t = arith.addf %v, %v : f32
    affine.store %t, %twice[%i] : memref<8xf32> loc("twice")
    affine.store %l, %classes[%i] : memref<8xi32> loc("classes")
  }
  %logits = memref.alloc() : memref<2xf32>
  affine.store %zero, %logits[0] : memref<2xf32> loc("logits")
  affine.store %zero, %logits[1] : memref<2xf32> loc("logits")
  return
}

// CHECK-LABEL: func.func @step_combine(
//   CHECK-NOT:   call
//       CHECK:   return
func.func @step_combine(%x: memref<8xf32>) attributes {ai.kind = "combine"} {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 8 {
    affine.store %zero, %x[%i] : memref<8xf32>
  }
  return
}
