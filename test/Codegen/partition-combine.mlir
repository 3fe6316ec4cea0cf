// RUN: ai-opt %s --pass-pipeline="builtin.module(func.func(ai-partition-combine))" --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @rows_are_shared_out(
//  CHECK-SAME:   %[[PART:.*]]: index {ai.role = "part"}, %[[PARTS:.*]]: index {ai.role = "parts"}
//       CHECK:   affine.for %{{.*}} = %{{.*}} to min {{.*}} {
//       CHECK:   } {ai.trips = 16 : i64}
func.func @rows_are_shared_out(%w: memref<10x16xf32>) attributes {ai.kind = "combine"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 10 {
    affine.for %j = 0 to 16 {
      affine.store %0, %w[%i, %j] : memref<10x16xf32>
    }
  }
  return
}

// -----

// A temporary is made by every thread in its own workspace.
// CHECK-LABEL: func.func @temporary_is_made_by_all(
//       CHECK:   affine.for %{{.*}} = 0 to 10 {
//       CHECK:   affine.for %{{.*}} = %{{.*}} to min
func.func @temporary_is_made_by_all(%g: memref<10xf32>, %w: memref<10xf32>) attributes {ai.kind = "combine"} {
  %t = memref.alloc() : memref<10xf32>
  affine.for %i = 0 to 10 {
    %0 = affine.load %g[%i] : memref<10xf32>
    affine.store %0, %t[%i] : memref<10xf32>
  }
  affine.for %i = 0 to 10 {
    %0 = affine.load %t[9 - %i] : memref<10xf32>
    affine.store %0, %w[%i] : memref<10xf32>
  }
  return
}

// -----

// Bands of rows are shared out. What a band keeps for itself lies in every thread's own workspace, so that all bands may
// use the same place.
// CHECK-LABEL: func.func @bands_are_shared_out(
//       CHECK:   affine.for %{{.*}} = %{{.*}} to min {{.*}} step 20 {
//       CHECK:   } {ai.trips = 3 : i64}
func.func @bands_are_shared_out(%w: memref<60xf32>) attributes {ai.kind = "combine"} {
  %0 = arith.constant 0.0 : f32
  %t = memref.alloc() : memref<20xf32>
  affine.for %band = 0 to 60 step 20 {
    affine.for %i = 0 to 20 {
      affine.store %0, %t[%i] : memref<20xf32>
    }
    affine.for %i = 0 to 20 step 4 {
      %1 = affine.load %t[%i + 3] : memref<20xf32>
      affine.store %1, %w[%band + %i + 3] : memref<60xf32>
    }
  }
  return
}

// -----

// An iteration that reaches into the next band's rows: one thread does it all.
// CHECK-LABEL: func.func @bands_that_meet_are_left_to_one(
//       CHECK:   scf.if
//       CHECK:     affine.for %{{.*}} = 0 to 60 step 20 {
func.func @bands_that_meet_are_left_to_one(%w: memref<64xf32>) attributes {ai.kind = "combine"} {
  %0 = arith.constant 0.0 : f32
  affine.for %band = 0 to 60 step 20 {
    affine.for %i = 0 to 21 {
      affine.store %0, %w[%band + %i] : memref<64xf32>
    }
  }
  return
}

// -----

// Every iteration writes the same element: one thread does it.
// CHECK-LABEL: func.func @sum_is_left_to_one(
//  CHECK-SAME:   %[[PART:[a-z0-9]+]]: index {ai.role = "part"}, %[[PARTS:[a-z0-9]+]]: index
//       CHECK:   %[[OWNER:.*]] = arith.remui %{{.*}}, %[[PARTS]]
//       CHECK:   %[[MINE:.*]] = arith.cmpi eq, %[[PART]], %[[OWNER]]
//       CHECK:   scf.if %[[MINE]]
//       CHECK:     affine.for %{{.*}} = 0 to 10 {
func.func @sum_is_left_to_one(%g: memref<10xf32>, %w: memref<1xf32>) attributes {ai.kind = "combine"} {
  affine.for %i = 0 to 10 {
    %0 = affine.load %g[%i] : memref<10xf32>
    %1 = affine.load %w[0] : memref<1xf32>
    %2 = arith.addf %0, %1 : f32
    affine.store %2, %w[0] : memref<1xf32>
  }
  return
}

// -----

// The second loop reads what other threads would still be writing.
// CHECK-LABEL: func.func @conflict_is_left_to_one(
// CHECK-COUNT-2: scf.if
func.func @conflict_is_left_to_one(%w: memref<10xf32>, %v: memref<10xf32>) attributes {ai.kind = "combine"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 10 {
    affine.store %0, %w[%i] : memref<10xf32>
  }
  affine.for %i = 0 to 10 {
    %1 = affine.load %w[9 - %i] : memref<10xf32>
    affine.store %1, %v[%i] : memref<10xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @blocks_are_left_alone(%{{.*}}: memref<10xf32>) {{.*}}{
//       CHECK:   affine.for %{{.*}} = 0 to 10 {
func.func @blocks_are_left_alone(%w: memref<10xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 10 {
    affine.store %0, %w[%i] : memref<10xf32>
  }
  return
}

// -----

// What reads an element and what writes another with its value stay together, on one thread.
// CHECK-LABEL: func.func @value_keeps_nests_together(
//       CHECK:   %[[MINE:.*]] = arith.cmpi
//       CHECK:   scf.if %[[MINE]]
//       CHECK:   arith.constant 0 : index
//   CHECK-NOT:   arith.constant 1 : index
//       CHECK:   scf.if
func.func @value_keeps_nests_together(%v: memref<1xf32>, %w: memref<1xf32>) attributes {ai.kind = "combine"} {
  %one = arith.constant 1.0 : f32
  affine.store %one, %v[0] : memref<1xf32>
  %0 = affine.load %v[0] : memref<1xf32>
  affine.store %0, %w[0] : memref<1xf32>
  return
}

// -----

// The loop with the most iterations is shared out, so that all threads get some.
// CHECK-LABEL: func.func @longest_loop_is_shared_out(
//       CHECK:   affine.for %{{.*}} = 0 to 4 {
//  CHECK-NEXT:     affine.for %{{.*}} = %{{.*}} to min {{.*}} {
func.func @longest_loop_is_shared_out(%w: memref<4x48xf32>) attributes {ai.kind = "combine"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 4 {
    affine.for %j = 0 to 48 {
      affine.store %0, %w[%i, %j] : memref<4x48xf32>
    }
  }
  return
}

// -----

// The longer loop is that of a sum: the other one is shared out.
// CHECK-LABEL: func.func @loop_of_a_sum_is_not_shared_out(
//   CHECK-NOT:   scf.if
//       CHECK:   affine.for %{{.*}} = %{{.*}} to min {{.*}} {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 48 {
func.func @loop_of_a_sum_is_not_shared_out(%x: memref<4x48xf32>, %y: memref<4xf32>) attributes {ai.kind = "combine"} {
  affine.for %i = 0 to 4 {
    affine.for %j = 0 to 48 {
      %0 = affine.load %x[%i, %j] : memref<4x48xf32>
      %1 = affine.load %y[%i] : memref<4xf32>
      %2 = arith.addf %0, %1 : f32
      affine.store %2, %y[%i] : memref<4xf32>
    }
  }
  return
}

// -----

// Pieces that write different columns do not meet, and are shared out along different loops.
// CHECK-LABEL: func.func @pieces_of_a_row_are_shared_out_alone(
//   CHECK-NOT:   scf.if
//       CHECK:   affine.for %{{.*}} = 0 to 10 {
//  CHECK-NEXT:     affine.for %{{.*}} = %{{.*}} to min {{.*}} {
//       CHECK:   affine.for %{{.*}} = %{{.*}} to min {{.*}} {
//  CHECK-NEXT:     affine.for %{{.*}} = 16 to 20 {
func.func @pieces_of_a_row_are_shared_out_alone(%w: memref<10x20xf32>) attributes {ai.kind = "finish"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 10 {
    affine.for %j = 0 to 16 {
      affine.store %0, %w[%i, %j] : memref<10x20xf32>
    }
  }
  affine.for %i = 0 to 10 {
    affine.for %j = 16 to 20 {
      affine.store %0, %w[%i, %j] : memref<10x20xf32>
    }
  }
  return
}

// -----

// These meet in column 15.
// CHECK-LABEL: func.func @pieces_that_meet_are_left_to_one(
//  CHECK-SAME:   index {ai.role = "part"}, %{{.*}}: index {ai.role = "parts"}
// CHECK-COUNT-2: scf.if
func.func @pieces_that_meet_are_left_to_one(%w: memref<10x20xf32>) attributes {ai.kind = "fold"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 10 {
    affine.for %j = 0 to 16 {
      affine.store %0, %w[%i, %j] : memref<10x20xf32>
    }
  }
  affine.for %i = 0 to 10 {
    affine.for %j = 15 to 20 {
      affine.store %0, %w[%i, %j] : memref<10x20xf32>
    }
  }
  return
}

// -----

// Nor are iterations apart whose vectors are wider than a step.
// CHECK-LABEL: func.func @wide_vectors_are_left_to_one(
//       CHECK:   scf.if
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 800 step 8 {
func.func @wide_vectors_are_left_to_one(%w: memref<808xf32>) attributes {ai.kind = "fold"} {
  %0 = arith.constant dense<0.0> : vector<16xf32>
  affine.for %j = 0 to 800 step 8 {
    vector.transfer_write %0, %w[%j] {in_bounds = [true]} : vector<16xf32>, memref<808xf32>
  }
  return
}

// -----

// Vectors count from their first element on: these meet although their first columns do not.
// CHECK-LABEL: func.func @vectors_that_meet_are_left_to_one(
// CHECK-COUNT-2: scf.if
func.func @vectors_that_meet_are_left_to_one(%w: memref<10x40xf32>) attributes {ai.kind = "fold"} {
  %0 = arith.constant dense<0.0> : vector<16xf32>
  %c8 = arith.constant 8 : index
  affine.for %j = 16 to 24 step 8 {
    affine.for %i = 0 to 10 {
      vector.transfer_write %0, %w[%i, %j] {in_bounds = [true]} : vector<16xf32>, memref<10x40xf32>
    }
  }
  affine.for %i = 0 to 9 {
    vector.transfer_write %0, %w[%i, %c8] {in_bounds = [true]} : vector<16xf32>, memref<10x40xf32>
  }
  return
}

// The temporary is computed from an element of %v that the same part changes before and after: others would read it at
// any time, so one part does all of it.
// CHECK-LABEL: func.func @temporary_made_of_shared_memory(
//       CHECK:   %[[TEMPORARY:.*]] = memref.alloc
//       CHECK:   %[[FIRST:.*]] = arith.constant 0 : index
//       CHECK:   %[[OWNER:.*]] = arith.remui %[[FIRST]]
//       CHECK:   arith.cmpi eq, %{{.*}}, %[[OWNER]]
//       CHECK:   scf.if
//  CHECK-NEXT:     affine.store %{{.*}}, %[[TEMPORARY]]
//       CHECK:   arith.constant 0 : index
//       CHECK:   scf.if
//  CHECK-NEXT:     affine.store %{{.*}}, %{{.*}}[0] : memref<1xf32>
//       CHECK:   arith.constant 0 : index
//       CHECK:   scf.if
//  CHECK-NEXT:     affine.store %{{.*}}, %{{.*}}[0] : memref<1xf32>
func.func @temporary_made_of_shared_memory(%v: memref<1xf32>, %w: memref<1xf32>) attributes {ai.kind = "combine"} {
  %temporary = memref.alloc() : memref<1xf32>
  %old = affine.load %v[0] : memref<1xf32>
  %root = math.sqrt %old : f32
  affine.store %root, %temporary[0] : memref<1xf32>
  %t = affine.load %temporary[0] : memref<1xf32>
  %square = arith.mulf %t, %t : f32
  affine.store %square, %w[0] : memref<1xf32>
  %sum = arith.addf %square, %old : f32
  affine.store %sum, %v[0] : memref<1xf32>
  return
}
