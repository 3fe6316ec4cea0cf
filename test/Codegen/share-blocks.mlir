// RUN: ai-opt %s --pass-pipeline="builtin.module(func.func(ai-share-blocks))" --split-input-file | FileCheck %s
// RUN: ai-opt %s --pass-pipeline="builtin.module(func.func(ai-share-blocks{l2=32768}))" --split-input-file | FileCheck %s --check-prefix=SMALL

// CHECK: #[[$THROUGH:.*]] = affine_map<(d0, d1) -> (d0 * 200 + d1)>

// Two nests of 2,400 stores and more; each runs over shares of its outer loop, or of both where that one has few
// iterations. The second reads what the first has written, in other places: a barrier comes between them.
// CHECK-LABEL: func.func @nests_are_shared_out(
//  CHECK-SAME:   %[[X:.*]]: memref<200x12xf32>, %[[Y:.*]]: memref<12x200xf32>,
//  CHECK-SAME:   %[[PART:.*]]: index {ai.role = "part"}, %[[PARTS:.*]]: index {ai.role = "parts"}
//       CHECK:   %[[SCALED:.*]] = arith.shli %[[PART]], %{{.*}}
//       CHECK:   %[[UP:.*]] = arith.addi %[[SCALED]], %{{.*}}
//       CHECK:   %[[BEGIN:.*]] = arith.divui %[[UP]], %[[PARTS]]
//       CHECK:   %[[WORK:.*]] = arith.muli %[[BEGIN]], %{{.*}}
//       CHECK:   arith.shrui %[[WORK]], %{{.*}}
//       CHECK:   affine.for %[[I:.*]] = 0 to 200 {
//       CHECK:     %[[FROM:.*]] = arith.cmpi uge, %[[I]], %{{.*}}
//       CHECK:     %[[BEFORE:.*]] = arith.cmpi ult, %[[I]], %{{.*}}
//       CHECK:     %[[MINE:.*]] = arith.andi %[[FROM]], %[[BEFORE]]
//       CHECK:     scf.if %[[MINE]] {
//       CHECK:       affine.for %{{.*}} = 0 to 12 {
//       CHECK:   gpu.barrier
//       CHECK:   affine.for %[[I:.*]] = 0 to 12 {
//       CHECK:     affine.for %[[J:.*]] = 0 to 200 {
//       CHECK:       %[[TRIP:.*]] = affine.apply #[[$THROUGH]](%[[I]], %[[J]])
//       CHECK:       arith.cmpi uge, %[[TRIP]],
//       CHECK:       scf.if
func.func @nests_are_shared_out(%x: memref<200x12xf32>, %y: memref<12x200xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 200 {
    affine.for %j = 0 to 12 {
      affine.store %0, %x[%i, %j] : memref<200x12xf32>
    }
  }
  affine.for %i = 0 to 12 {
    affine.for %j = 0 to 200 {
      %1 = affine.load %x[199 - %j, %i] : memref<200x12xf32>
      affine.store %1, %y[%i, %j] : memref<12x200xf32>
    }
  }
  return
}

// -----

// The same slices of the same memory: whoever wrote an element reads it. No barrier.
// CHECK-LABEL: func.func @slices_alike_need_no_barrier(
//   CHECK-NOT:   gpu.barrier
//       CHECK:   return
func.func @slices_alike_need_no_barrier(%x: memref<64x32xf32>, %y: memref<64x32xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 32 {
      affine.store %0, %x[%i, %j] : memref<64x32xf32>
    }
  }
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 32 {
      %1 = affine.load %x[%i, 31 - %j] : memref<64x32xf32>
      affine.store %1, %y[%i, %j] : memref<64x32xf32>
    }
  }
  return
}

// -----

// What takes no time goes to one part, together with what it feeds; a sum over all iterations does too. Nests stay apart
// unless a value passes from one to the next.
// CHECK-LABEL: func.func @little_work_is_one_parts(
//       CHECK:   scf.if %[[MINE:.*]] {
//       CHECK:     affine.for %{{.*}} = 0 to 8 {
//       CHECK:   }
//       CHECK:   %[[OWNER:.*]] = arith.remui
//       CHECK:   %[[MINE:.*]] = arith.cmpi eq, %{{.*}}, %[[OWNER]]
//       CHECK:   scf.if %[[MINE]] {
//       CHECK:     %[[SUM:.*]] = affine.for %{{.*}} = 0 to 4096 iter_args
//       CHECK:     affine.store %[[SUM]]
//       CHECK:   }
//       CHECK:   scf.if
//       CHECK:     affine.load %{{.*}}[0]
//       CHECK:     affine.store
//       CHECK:   }
//   CHECK-NOT:   gpu.barrier
//       CHECK:   return
func.func @little_work_is_one_parts(%x: memref<4096xf32>, %sum: memref<1xf32>, %twice: memref<1xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 8 {
    affine.store %0, %sum[0] : memref<1xf32>
  }
  %6 = affine.for %i = 0 to 4096 iter_args(%2 = %0) -> f32 {
    %1 = affine.load %x[%i] : memref<4096xf32>
    %3 = arith.addf %1, %2 : f32
    affine.yield %3 : f32
  }
  affine.store %6, %sum[0] : memref<1xf32>
  affine.for %i = 0 to 8 {
    affine.store %0, %twice[0] : memref<1xf32>
  }
  %4 = affine.load %sum[0] : memref<1xf32>
  %5 = arith.addf %4, %4 : f32
  affine.store %5, %twice[0] : memref<1xf32>
  return
}

// -----

// A value that a shared nest computes with is read by every part, behind a barrier for its writer.
// CHECK-LABEL: func.func @values_are_read_by_all(
//       CHECK:   scf.if
//       CHECK:     affine.store
//       CHECK:   }
//       CHECK:   gpu.barrier
//       CHECK:   %[[V:.*]] = affine.load %{{.*}}[0] : memref<1xf32>
//       CHECK:   affine.for %[[I:.*]] = 0 to 4096 {
//       CHECK:     arith.cmpi uge, %[[I]],
//       CHECK:     affine.store %[[V]]
func.func @values_are_read_by_all(%x: memref<4096xf32>, %s: memref<1xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.store %0, %s[0] : memref<1xf32>
  %1 = affine.load %s[0] : memref<1xf32>
  affine.for %i = 0 to 4096 {
    affine.store %1, %x[%i] : memref<4096xf32>
  }
  return
}

// -----

// A row that one nest keeps for itself is in every thread's own workspace; one that two nests touch is not. The writes
// of an iteration may reach over several rows as long as they do not meet the next iteration's.
// CHECK-LABEL: func.func @own_memory(
//       CHECK:   memref.alloc() {ai.own} : memref<32xf32>
//       CHECK:   memref.alloc() : memref<64x32xf32>
//       CHECK:   affine.for %[[I:.*]] = 0 to 64 {
//       CHECK:     arith.cmpi uge, %[[I]],
//       CHECK:     scf.if
func.func @own_memory(%x: memref<128x32xf32>, %y: memref<64x32xf32>) attributes {ai.kind = "block"} {
  %row = memref.alloc() : memref<32xf32>
  %rows = memref.alloc() : memref<64x32xf32>
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 32 {
      %1 = affine.load %y[%i, %j] : memref<64x32xf32>
      affine.store %1, %row[%j] : memref<32xf32>
    }
    affine.for %j = 0 to 32 {
      %1 = affine.load %row[31 - %j] : memref<32xf32>
      affine.store %1, %x[2 * %i, %j] : memref<128x32xf32>
      affine.store %1, %x[2 * %i + 1, %j] : memref<128x32xf32>
      affine.store %1, %rows[%i, %j] : memref<64x32xf32>
    }
  }
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 32 {
      %1 = affine.load %rows[%i, %j] : memref<64x32xf32>
      affine.store %1, %y[%i, %j] : memref<64x32xf32>
    }
  }
  return
}

// -----

// Rows that meet the next iteration's: the inner loop is shared out.
// CHECK-LABEL: func.func @iterations_that_meet(
//       CHECK:   affine.for %{{.*}} = 0 to 64 {
//       CHECK:     affine.for %[[J:.*]] = 0 to 32 {
//       CHECK:       arith.cmpi uge, %[[J]],
//       CHECK:       scf.if
func.func @iterations_that_meet(%x: memref<128x32xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 32 {
      affine.store %0, %x[2 * %i, %j] : memref<128x32xf32>
      affine.store %0, %x[2 * %i + 2, %j] : memref<128x32xf32>
    }
  }
  return
}

// -----

// A nest that both writes and has a result that others use cannot be left to one part: the block is not for teams.
// CHECK-LABEL: func.func @not_for_teams(
//  CHECK-SAME:   ai.alone
//   CHECK-NOT:   scf.if
//       CHECK:   return
func.func @not_for_teams(%x: memref<4096xf32>, %y: memref<4096xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  %1 = affine.for %i = 0 to 4096 iter_args(%sum = %0) -> f32 {
    %2 = affine.load %x[%i] : memref<4096xf32>
    %3 = arith.addf %2, %sum : f32
    affine.store %0, %x[%i] : memref<4096xf32>
    affine.yield %3 : f32
  }
  affine.for %i = 0 to 4096 {
    affine.store %1, %y[%i] : memref<4096xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @combines_are_left_alone(
//   CHECK-NOT:   "part"
func.func @combines_are_left_alone(%x: memref<1xf32>) attributes {ai.kind = "combine"} {
  return
}

// -----

// Nobody knows what a nest with a call touches: what it names is no nest's own, and a barrier stands behind it.
// CHECK-LABEL: func.func @calls(
//       CHECK:   memref.alloc() : memref<4096xf64>
//       CHECK:   scf.if
//       CHECK:   gpu.barrier
//       CHECK:   affine.for %[[I:.*]] = 0 to 4096 {
//       CHECK:     arith.cmpi uge, %[[I]],
func.func private @exp(f64) -> f64
func.func @calls(%x: memref<4096xf64>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f64
  %t = memref.alloc() : memref<4096xf64>
  affine.for %i = 0 to 4096 {
    %1 = func.call @exp(%0) : (f64) -> f64
    affine.store %1, %t[%i] : memref<4096xf64>
  }
  affine.for %i = 0 to 4096 {
    %1 = affine.load %t[4095 - %i] : memref<4096xf64>
    affine.store %1, %x[%i] : memref<4096xf64>
  }
  return
}

// -----

// Enough shares for any number of threads: the outer loop is taken, although the inner one has more iterations.
// CHECK-LABEL: func.func @outer_loops_first(
//       CHECK:   affine.for %[[I:.*]] = 0 to 16 {
//       CHECK:     arith.cmpi uge, %[[I]],
//       CHECK:     affine.for %{{.*}} = 0 to 256
func.func @outer_loops_first(%x: memref<16x256xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 16 {
    affine.for %j = 0 to 256 {
      affine.store %0, %x[%i, %j] : memref<16x256xf32>
    }
  }
  return
}

// -----

// Parameters laid out: every thread has a copy of its own, and no barrier stands behind it, also where a second nest
// lays the copy out again.
// CHECK-LABEL: func.func @parameters_laid_out(
//       CHECK:   memref.alloc() {ai.own} : memref<64x64xf32>
//       CHECK:   memref.alloc() {ai.own} : memref<4096xf32>
//   CHECK-NOT:   scf.if
//   CHECK-NOT:   gpu.barrier
//       CHECK:   affine.for %{{.*}} = 0 to 64 {
//   CHECK-NOT:   scf.if
//   CHECK-NOT:   gpu.barrier
//       CHECK:   affine.for %{{.*}} = 0 to 4096 {
//   CHECK-NOT:   scf.if
//   CHECK-NOT:   gpu.barrier
//       CHECK:   affine.for %[[I:.*]] = 0 to 4096 {
//       CHECK:     arith.cmpi uge, %[[I]],
//       CHECK:     scf.if
// Half of a smaller second cache does not hold them.
// SMALL-LABEL: func.func @parameters_laid_out(
//       SMALL:   memref.alloc() {ai.own} : memref<64x64xf32>
//       SMALL:   memref.alloc() : memref<4096xf32>
//       SMALL:   affine.for %[[I:.*]] = 0 to 4096 {
//       SMALL:     arith.cmpi uge, %[[I]],
//       SMALL:   gpu.barrier
func.func @parameters_laid_out(%w: memref<64x64xf32> {ai.role = "parameter"}, %x: memref<4096xf32>) attributes {ai.kind = "block"} {
  %t = memref.alloc() : memref<64x64xf32>
  %u = memref.alloc() : memref<4096xf32>
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 64 {
      %1 = affine.load %w[%j, %i] : memref<64x64xf32>
      affine.store %1, %t[%i, %j] : memref<64x64xf32>
    }
  }
  affine.for %i = 0 to 4096 {
    %1 = affine.load %t[%i floordiv 64, %i mod 64] : memref<64x64xf32>
    affine.store %1, %u[%i] : memref<4096xf32>
  }
  affine.for %i = 0 to 4096 {
    %1 = affine.load %u[4095 - %i] : memref<4096xf32>
    affine.store %1, %x[%i] : memref<4096xf32>
  }
  return
}

// -----

// A layout that is too large takes no room from one that is not.
// CHECK-LABEL: func.func @one_layout_is_too_large(
//  CHECK-SAME:   attributes {{.*}}ai.team
//       CHECK:   memref.alloc() : memref<1024x1024xf32>
//       CHECK:   memref.alloc() {ai.own} : memref<64x64xf32>
func.func @one_layout_is_too_large(%v: memref<1024x1024xf32> {ai.role = "parameter"}, %w: memref<64x64xf32> {ai.role = "parameter"},
                                   %x: memref<1024x1024xf32>, %y: memref<64x64xf32>) attributes {ai.kind = "block"} {
  %s = memref.alloc() : memref<1024x1024xf32>
  %t = memref.alloc() : memref<64x64xf32>
  affine.for %i = 0 to 1024 {
    affine.for %j = 0 to 1024 {
      %1 = affine.load %v[%j, %i] : memref<1024x1024xf32>
      affine.store %1, %s[%i, %j] : memref<1024x1024xf32>
    }
  }
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 64 {
      %1 = affine.load %w[%j, %i] : memref<64x64xf32>
      affine.store %1, %t[%i, %j] : memref<64x64xf32>
    }
  }
  affine.for %i = 0 to 1024 {
    affine.for %j = 0 to 1024 {
      %1 = affine.load %s[%j, %i] : memref<1024x1024xf32>
      affine.store %1, %x[%i, %j] : memref<1024x1024xf32>
    }
  }
  affine.for %i = 0 to 64 {
    affine.for %j = 0 to 64 {
      %1 = affine.load %t[%j, %i] : memref<64x64xf32>
      affine.store %1, %y[%i, %j] : memref<64x64xf32>
    }
  }
  return
}

// -----

// What is made of samples is shared out, and so is a product of parameters, which has more loads than stores.
// CHECK-LABEL: func.func @no_layouts(
//       CHECK:   memref.alloc() : memref<4096xf32>
//       CHECK:   memref.alloc() : memref<4096xf32>
//       CHECK:   affine.for %[[I:.*]] = 0 to 4096 {
//       CHECK:     arith.cmpi uge, %[[I]],
//       CHECK:   affine.for %[[J:.*]] = 0 to 4096 {
//       CHECK:     arith.cmpi uge, %[[J]],
//       CHECK:   gpu.barrier
func.func @no_layouts(%w: memref<4096xf32> {ai.role = "parameter"}, %x: memref<4096xf32> {ai.role = "input"}, %y: memref<4096xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  %s = memref.alloc() : memref<4096xf32>
  %p = memref.alloc() : memref<4096xf32>
  affine.for %i = 0 to 4096 {
    %1 = affine.load %x[%i] : memref<4096xf32>
    affine.store %1, %s[%i] : memref<4096xf32>
  }
  affine.for %i = 0 to 4096 {
    %1 = affine.for %k = 0 to 16 iter_args(%sum = %0) -> f32 {
      %2 = affine.load %w[%k] : memref<4096xf32>
      %3 = arith.addf %2, %sum : f32
      affine.yield %3 : f32
    }
    affine.store %1, %p[%i] : memref<4096xf32>
  }
  affine.for %i = 0 to 4096 {
    %1 = affine.load %s[4095 - %i] : memref<4096xf32>
    %2 = affine.load %p[4095 - %i] : memref<4096xf32>
    %3 = arith.addf %1, %2 : f32
    affine.store %3, %y[%i] : memref<4096xf32>
  }
  return
}

// -----

// CHECK: #[[$THROUGH:.*]] = affine_map<(d0, d1) -> (d0 * 2 + d1 floordiv 4)>

// Sums of every row: no two iterations of the loop over rows write apart. Every part runs all of it, and its share of
// each nest inside: six tiles of two loops, and 20 iterations.
// CHECK-LABEL: func.func @sums_row_by_row(
//  CHECK-SAME:   attributes {{.*}}ai.team
//       CHECK:   affine.for %{{.*}} = 0 to 52 {
//   CHECK-NOT:   scf.if
//       CHECK:     affine.for %[[K:.*]] = 0 to 3 {
//       CHECK:       affine.for %[[C:.*]] = 0 to 8 step 4 {
//       CHECK:         %[[TRIP:.*]] = affine.apply #[[$THROUGH]](%[[K]], %[[C]])
//       CHECK:         arith.cmpi uge, %[[TRIP]],
//       CHECK:         scf.if
//       CHECK:           affine.for %{{.*}} = 0 to 53 {
//       CHECK:     affine.for %[[I:.*]] = 0 to 20 {
//       CHECK:       arith.cmpi uge, %[[I]],
//       CHECK:       scf.if
//   CHECK-NOT:   gpu.barrier
//       CHECK:   return
func.func @sums_row_by_row(%x: memref<52x53xf32>, %w: memref<3x8xf32>, %v: memref<20xf32>) attributes {ai.kind = "block"} {
  affine.for %r = 0 to 52 {
    affine.for %k = 0 to 3 {
      affine.for %c = 0 to 8 step 4 {
        affine.for %p = 0 to 53 {
          %1 = affine.load %x[%r, %p] : memref<52x53xf32>
          %2 = affine.load %w[%k, %c] : memref<3x8xf32>
          %3 = arith.addf %1, %2 : f32
          affine.store %3, %w[%k, %c] : memref<3x8xf32>
        }
      }
    }
    %4 = affine.load %x[%r, 0] : memref<52x53xf32>
    affine.for %i = 0 to 20 {
      %1 = affine.load %v[%i] : memref<20xf32>
      %2 = arith.addf %1, %4 : f32
      affine.store %2, %v[%i] : memref<20xf32>
    }
  }
  return
}

// -----

// The second nest of a row reads what the first has written: one part runs all rows.
// CHECK-LABEL: func.func @rows_whose_nests_meet(
//       CHECK:   scf.if
//       CHECK:     affine.for %{{.*}} = 0 to 52 {
//   CHECK-NOT:     scf.if
//       CHECK:   return
func.func @rows_whose_nests_meet(%x: memref<52x53xf32>, %w: memref<53xf32>, %v: memref<53xf32>) attributes {ai.kind = "block"} {
  affine.for %r = 0 to 52 {
    affine.for %p = 0 to 53 {
      %1 = affine.load %x[%r, %p] : memref<52x53xf32>
      %2 = affine.load %w[%p] : memref<53xf32>
      %3 = arith.addf %1, %2 : f32
      affine.store %3, %w[%p] : memref<53xf32>
    }
    affine.for %p = 0 to 53 {
      %1 = affine.load %w[52 - %p] : memref<53xf32>
      %2 = affine.load %v[%p] : memref<53xf32>
      %3 = arith.addf %1, %2 : f32
      affine.store %3, %v[%p] : memref<53xf32>
    }
  }
  return
}

// -----

// Sums in memory that all iterations share, beside a store of each: one part runs it.
// CHECK-LABEL: func.func @rows_with_a_store_of_their_own(
//       CHECK:   scf.if
//       CHECK:     affine.for %{{.*}} = 0 to 52 {
//   CHECK-NOT:     scf.if
//       CHECK:   return
func.func @rows_with_a_store_of_their_own(%x: memref<52x53xf32>, %w: memref<53xf32>, %last: memref<1xf32>) attributes {ai.kind = "block"} {
  affine.for %r = 0 to 52 {
    affine.for %p = 0 to 53 {
      %1 = affine.load %x[%r, %p] : memref<52x53xf32>
      %2 = affine.load %w[%p] : memref<53xf32>
      %3 = arith.addf %1, %2 : f32
      affine.store %3, %w[%p] : memref<53xf32>
    }
    %4 = affine.load %x[%r, 0] : memref<52x53xf32>
    affine.store %4, %last[0] : memref<1xf32>
  }
  return
}

// -----

// Of 7 iterations that take longer the second of two parts has 4. So it has 3 of 7 others with no barrier between; more
// than two parts share both alike.
// CHECK-LABEL: func.func @uneven_shares_make_up_for_each_other(
//  CHECK-SAME:   %[[PART:[a-z0-9]+]]: index {ai.role = "part"}, %[[PARTS:[a-z0-9]+]]: index {ai.role = "parts"}
//       CHECK:   %[[BEGIN:.*]] = arith.shrui
//       CHECK:   %[[PAIR:.*]] = arith.cmpi eq, %[[PARTS]], %{{.*}}
//       CHECK:   %[[SECOND:.*]] = arith.cmpi eq, %[[PART]], %{{.*}}
//       CHECK:   %[[AT:.*]] = arith.andi %[[PAIR]], %[[SECOND]]
//       CHECK:   %[[MIDDLE:.*]] = arith.constant 4
//       CHECK:   %[[FIRST:.*]] = arith.select %[[AT]], %[[MIDDLE]], %[[BEGIN]]
//       CHECK:   affine.for %[[I:.*]] = 0 to 7 {
//       CHECK:     arith.cmpi uge, %[[I]], %[[FIRST]]
//   CHECK-NOT:   arith.select
//   CHECK-NOT:   gpu.barrier
//       CHECK:   return
func.func @uneven_shares_make_up_for_each_other(%x: memref<7xf32>, %y: memref<7xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 7 {
    affine.for %k = 0 to 800 {
      affine.store %0, %x[%i] : memref<7xf32>
    }
  }
  affine.for %i = 0 to 7 {
    affine.for %k = 0 to 900 {
      affine.store %0, %y[%i] : memref<7xf32>
    }
  }
  return
}

// -----

// The first part runs one sum, the second another one of 3,000 stores more: of ten iterations of 500 stores, eight are
// the first part's.
// CHECK-LABEL: func.func @sums_have_a_part_each(
//  CHECK-SAME:   %[[PART:[a-z0-9]+]]: index {ai.role = "part"}, %[[PARTS:[a-z0-9]+]]: index {ai.role = "parts"}
//       CHECK:   %[[EVEN:.*]] = arith.constant 0 : index
//       CHECK:   %[[OWNER:.*]] = arith.remui %[[EVEN]], %[[PARTS]]
//       CHECK:   arith.cmpi eq, %[[PART]], %[[OWNER]]
//       CHECK:   scf.if
//       CHECK:   %[[ODD:.*]] = arith.constant 3
//       CHECK:   %[[OWNER:.*]] = arith.remui %[[ODD]], %[[PARTS]]
//       CHECK:   arith.cmpi eq, %[[PART]], %[[OWNER]]
//       CHECK:   scf.if
//       CHECK:   arith.constant 8
//       CHECK:   arith.select
//       CHECK:   affine.for %{{.*}} = 0 to 10 {
//   CHECK-NOT:   gpu.barrier
//       CHECK:   return
func.func @sums_have_a_part_each(%x: memref<1xf32>, %y: memref<1xf32>, %z: memref<10xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %k = 0 to 2000 {
    affine.store %0, %x[0] : memref<1xf32>
  }
  affine.for %k = 0 to 5000 {
    affine.store %0, %y[0] : memref<1xf32>
  }
  affine.for %i = 0 to 10 {
    affine.for %k = 0 to 500 {
      affine.store %0, %z[%i] : memref<10xf32>
    }
  }
  return
}

// -----

// 25 rows are one of two parts' 13: with much to do in each, columns are counted through too. Rows of little are not.
// CHECK: #[[$THROUGH:.*]] = affine_map<(d0, d1) -> (d0 * 6 + d1)>
// CHECK-LABEL: func.func @parts_of_rows(
//       CHECK:   affine.for %[[I:.*]] = 0 to 25 {
//       CHECK:     affine.for %[[J:.*]] = 0 to 6 {
//       CHECK:       affine.apply #[[$THROUGH]](%[[I]], %[[J]])
//       CHECK:       scf.if
//       CHECK:   affine.for %[[I:.*]] = 0 to 25 {
//       CHECK:     arith.cmpi uge, %[[I]]
//       CHECK:     scf.if
//       CHECK:       affine.for %{{.*}} = 0 to 100 {
func.func @parts_of_rows(%x: memref<25x6x200xf32>, %y: memref<25x100xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 25 {
    affine.for %j = 0 to 6 {
      affine.for %k = 0 to 200 {
        affine.store %0, %x[%i, %j, %k] : memref<25x6x200xf32>
      }
    }
  }
  affine.for %i = 0 to 25 {
    affine.for %j = 0 to 100 {
      affine.store %0, %y[%i, %j] : memref<25x100xf32>
    }
  }
  return
}
