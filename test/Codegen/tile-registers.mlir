// RUN: ai-opt %s -split-input-file -ai-tile-registers -canonicalize 2>/dev/null | FileCheck %s
// RUN: ai-opt %s -split-input-file -ai-tile-registers -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: ai-opt %s -split-input-file -ai-tile-registers=l1=8192 -o /dev/null 2>&1 | FileCheck %s --check-prefix=SMALL

// A product of matrices, the columns in vectors: rows are jammed so that a vector is loaded once.
// REMARK: remark: register tile: loop 0 x 12, 12 accumulators
// CHECK-LABEL: func @jams_rows(
//       CHECK:   affine.for %{{.*}} = 0 to 20 {
//       CHECK:     vector.transfer_write
//       CHECK:     vector.transfer_write
func.func @jams_rows(%w: memref<12x20xf32>, %x: memref<20x16xf32>, %y: memref<12x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %o = 0 to 12 {
    affine.for %k = 0 to 20 {
      %0 = affine.load %w[%o, %k] : memref<12x20xf32>
      %1 = vector.broadcast %0 : f32 to vector<16xf32>
      %2 = vector.transfer_read %x[%k, %c0], %p {in_bounds = [true]} : memref<20x16xf32>, vector<16xf32>
      %3 = vector.transfer_read %y[%o, %c0], %p {in_bounds = [true]} : memref<12x16xf32>, vector<16xf32>
      %4 = vector.fma %1, %2, %3 : vector<16xf32>
      vector.transfer_write %4, %y[%o, %c0] {in_bounds = [true]} : vector<16xf32>, memref<12x16xf32>
    }
  }
  return
}

// -----

// Row %i of the result is read by row %i + 1: nothing may be jammed.
// CHECK-LABEL: func @keeps_dependent_rows(
//       CHECK:   affine.for %{{.*}} = 0 to 12 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 20 {
//       CHECK:       affine.store
//   CHECK-NOT:       affine.store
func.func @keeps_dependent_rows(%x: memref<20xf32>, %y: memref<13xf32>) {
  affine.for %i = 0 to 12 {
    affine.for %k = 0 to 20 {
      %0 = affine.load %x[%k] : memref<20xf32>
      %1 = affine.load %y[%i] : memref<13xf32>
      %2 = arith.mulf %0, %1 : f32
      %3 = affine.load %y[%i + 1] : memref<13xf32>
      %4 = arith.addf %3, %2 : f32
      affine.store %4, %y[%i + 1] : memref<13xf32>
    }
  }
  return
}

// -----

// 31 rows have no divisor: 27 of them get a tile, and the last 4 one of their own.
// REMARK: register tile: loop 0 x 27, 27 accumulators
// REMARK: register tile: loop 0 x 4, 4 accumulators
// CHECK-LABEL: func @gives_the_last_rows_a_tile(
//       CHECK:   affine.for %{{.*}} = 0 to 20 {
// CHECK-COUNT-27:  vector.transfer_write
//       CHECK:   affine.for %[[K:.*]] = 0 to 20 {
//       CHECK:     affine.load %{{.*}}[27, %[[K]]]
//       CHECK:     affine.load %{{.*}}[30, %[[K]]]
//       CHECK:     vector.transfer_write
//   CHECK-NOT:   vector.transfer_write
func.func @gives_the_last_rows_a_tile(%w: memref<31x20xf32>, %x: memref<20x16xf32>, %y: memref<31x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %o = 0 to 31 {
    affine.for %k = 0 to 20 {
      %0 = affine.load %w[%o, %k] : memref<31x20xf32>
      %1 = vector.broadcast %0 : f32 to vector<16xf32>
      %2 = vector.transfer_read %x[%k, %c0], %p {in_bounds = [true]} : memref<20x16xf32>, vector<16xf32>
      %3 = vector.transfer_read %y[%o, %c0], %p {in_bounds = [true]} : memref<31x16xf32>, vector<16xf32>
      %4 = vector.fma %1, %2, %3 : vector<16xf32>
      vector.transfer_write %4, %y[%o, %c0] {in_bounds = [true]} : vector<16xf32>, memref<31x16xf32>
    }
  }
  return
}

// -----

// 57 is 3 times 19: a cut would save less than it costs in code.
// REMARK: register tile: loop 0 x 19, 19 accumulators
// CHECK-LABEL: func @does_not_cut_for_a_little(
//       CHECK:   affine.for %{{.*}} = 0 to 57 step 19 {
//       CHECK:     affine.for %{{.*}} = 0 to 20 {
//   CHECK-NOT:   affine.for
func.func @does_not_cut_for_a_little(%w: memref<57x20xf32>, %x: memref<20x16xf32>, %y: memref<57x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %o = 0 to 57 {
    affine.for %k = 0 to 20 {
      %0 = affine.load %w[%o, %k] : memref<57x20xf32>
      %1 = vector.broadcast %0 : f32 to vector<16xf32>
      %2 = vector.transfer_read %x[%k, %c0], %p {in_bounds = [true]} : memref<20x16xf32>, vector<16xf32>
      %3 = vector.transfer_read %y[%o, %c0], %p {in_bounds = [true]} : memref<57x16xf32>, vector<16xf32>
      %4 = vector.fma %1, %2, %3 : vector<16xf32>
      vector.transfer_write %4, %y[%o, %c0] {in_bounds = [true]} : vector<16xf32>, memref<57x16xf32>
    }
  }
  return
}

// -----

// A row of 48 columns does not fit the registers. It is kept 6 columns at a time, and those segments stand
// outside of both channels: what they read of %ct does not change along %i.
// REMARK: register tile: loop 1 x 3, loop 3 x 6, loop 4 x 3, 24 accumulators
// CHECK-LABEL: func @keeps_a_segment_of_a_row(
//       CHECK:   affine.for %{{.*}} = 0 to 48 step 6 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 7 {
// CHECK-COUNT-54:    vector.transfer_write
//   CHECK-NOT:   affine.for
//   CHECK-NOT:   vector.transfer_write
func.func @keeps_a_segment_of_a_row(%w: memref<7x3x3xf32>, %ct: memref<7x48x16xf32>, %y: memref<3x50x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %o = 0 to 7 {
      affine.for %x = 0 to 48 {
        affine.for %q = 0 to 3 {
          %0 = affine.load %w[%o, %i, %q] : memref<7x3x3xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %ct[%o, %x, %c0], %p {in_bounds = [true]} : memref<7x48x16xf32>, vector<16xf32>
          %at = affine.apply affine_map<(x, q) -> (x + q)>(%x, %q)
          %3 = vector.transfer_read %y[%i, %at, %c0], %p {in_bounds = [true]} : memref<3x50x16xf32>, vector<16xf32>
          %4 = vector.fma %1, %2, %3 : vector<16xf32>
          vector.transfer_write %4, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<3x50x16xf32>
        }
      }
    }
  }
  return
}

// -----

// 29 columns are four segments of 6, and one of 5 behind them.
// REMARK: register tile: loop 1 x 3, loop 3 x 6, loop 4 x 3, 24 accumulators
// REMARK: register tile: loop 0 x 3, loop 2 x 5, loop 3 x 3, 21 accumulators
// CHECK-LABEL: func @gives_the_last_segment_loops_of_its_own(
//       CHECK:   affine.for %{{.*}} = 0 to 24 step 6 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 7 {
// CHECK-COUNT-54:    vector.transfer_write
//       CHECK:   affine.for %[[O:.*]] = 0 to 7 {
//       CHECK:     vector.transfer_read %{{.*}}[%[[O]], %c24, %c0]
// CHECK-COUNT-45:  vector.transfer_write
//   CHECK-NOT:   affine.for
//   CHECK-NOT:   vector.transfer_write
func.func @gives_the_last_segment_loops_of_its_own(%w: memref<7x3x3xf32>, %ct: memref<7x29x16xf32>, %y: memref<3x31x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %o = 0 to 7 {
      affine.for %x = 0 to 29 {
        affine.for %q = 0 to 3 {
          %0 = affine.load %w[%o, %i, %q] : memref<7x3x3xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %ct[%o, %x, %c0], %p {in_bounds = [true]} : memref<7x29x16xf32>, vector<16xf32>
          %at = affine.apply affine_map<(x, q) -> (x + q)>(%x, %q)
          %3 = vector.transfer_read %y[%i, %at, %c0], %p {in_bounds = [true]} : memref<3x31x16xf32>, vector<16xf32>
          %4 = vector.fma %1, %2, %3 : vector<16xf32>
          vector.transfer_write %4, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<3x31x16xf32>
        }
      }
    }
  }
  return
}

// -----

// A row that fits the registers is kept as a whole.
// REMARK: register tile: loop 0 x 3, loop 2 x 4, loop 3 x 3, 18 accumulators
// CHECK-LABEL: func @keeps_a_short_row_whole(
//       CHECK:   affine.for %{{.*}} = 0 to 7 {
// CHECK-COUNT-36:  vector.transfer_write
//   CHECK-NOT:   affine.for
func.func @keeps_a_short_row_whole(%w: memref<7x3x3xf32>, %ct: memref<7x4x16xf32>, %y: memref<3x6x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %o = 0 to 7 {
      affine.for %x = 0 to 4 {
        affine.for %q = 0 to 3 {
          %0 = affine.load %w[%o, %i, %q] : memref<7x3x3xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %ct[%o, %x, %c0], %p {in_bounds = [true]} : memref<7x4x16xf32>, vector<16xf32>
          %at = affine.apply affine_map<(x, q) -> (x + q)>(%x, %q)
          %3 = vector.transfer_read %y[%i, %at, %c0], %p {in_bounds = [true]} : memref<3x6x16xf32>, vector<16xf32>
          %4 = vector.fma %1, %2, %3 : vector<16xf32>
          vector.transfer_write %4, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<3x6x16xf32>
        }
      }
    }
  }
  return
}

// -----

// Each %i reads other elements of %ct: the segments stay inside its loop.
// REMARK: register tile: loop 3 x 24, loop 4 x 3, 26 accumulators
// CHECK-LABEL: func @leaves_no_loop_that_reads_others(
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 48 step 24 {
//  CHECK-NEXT:       affine.for %{{.*}} = 0 to 7 {
func.func @leaves_no_loop_that_reads_others(%w: memref<7x3x3xf32>, %ct: memref<3x7x48x16xf32>, %y: memref<3x50x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %o = 0 to 7 {
      affine.for %x = 0 to 48 {
        affine.for %q = 0 to 3 {
          %0 = affine.load %w[%o, %i, %q] : memref<7x3x3xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %ct[%i, %o, %x, %c0], %p {in_bounds = [true]} : memref<3x7x48x16xf32>, vector<16xf32>
          %at = affine.apply affine_map<(x, q) -> (x + q)>(%x, %q)
          %3 = vector.transfer_read %y[%i, %at, %c0], %p {in_bounds = [true]} : memref<3x50x16xf32>, vector<16xf32>
          %4 = vector.fma %1, %2, %3 : vector<16xf32>
          vector.transfer_write %4, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<3x50x16xf32>
        }
      }
    }
  }
  return
}

// -----

// A segment of 6 columns of 100 channels would be more than the first cache holds: by the time that the next
// channels of the result need it, it would be gone.
// REMARK: register tile: loop 1 x 3, loop 3 x 3, loop 4 x 3, 15 accumulators
// SMALL: register tile: loop 1 x 3, loop 3 x 2, loop 4 x 3, 12 accumulators
// CHECK-LABEL: func @keeps_segments_in_the_first_cache(
//       CHECK:   affine.for %{{.*}} = 0 to 48 step 3 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 100 {
func.func @keeps_segments_in_the_first_cache(%w: memref<100x3x3xf32>, %ct: memref<100x48x16xf32>, %y: memref<3x50x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %o = 0 to 100 {
      affine.for %x = 0 to 48 {
        affine.for %q = 0 to 3 {
          %0 = affine.load %w[%o, %i, %q] : memref<100x3x3xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %ct[%o, %x, %c0], %p {in_bounds = [true]} : memref<100x48x16xf32>, vector<16xf32>
          %at = affine.apply affine_map<(x, q) -> (x + q)>(%x, %q)
          %3 = vector.transfer_read %y[%i, %at, %c0], %p {in_bounds = [true]} : memref<3x50x16xf32>, vector<16xf32>
          %4 = vector.fma %1, %2, %3 : vector<16xf32>
          vector.transfer_write %4, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<3x50x16xf32>
        }
      }
    }
  }
  return
}

// -----

// The loop over %o does more than this row: it stays where it is, and the row in memory.
// REMARK: register tile: loop 1 x 3, 3 accumulators
// CHECK-LABEL: func @moves_no_row_past_others(
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//  CHECK-NEXT:     affine.for %[[O:.*]] = 0 to 7 {
//  CHECK-NEXT:       affine.store %{{.*}}, %{{.*}}[%[[O]]]
//  CHECK-NEXT:       affine.for %{{.*}} = 0 to 24 {
func.func @moves_no_row_past_others(%w: memref<7x3x3xf32>, %ct: memref<7x24x16xf32>, %z: memref<7xf32>, %y: memref<3x26x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %o = 0 to 7 {
      affine.store %p, %z[%o] : memref<7xf32>
      affine.for %x = 0 to 24 {
        affine.for %q = 0 to 3 {
          %0 = affine.load %w[%o, %i, %q] : memref<7x3x3xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %ct[%o, %x, %c0], %p {in_bounds = [true]} : memref<7x24x16xf32>, vector<16xf32>
          %at = affine.apply affine_map<(x, q) -> (x + q)>(%x, %q)
          %3 = vector.transfer_read %y[%i, %at, %c0], %p {in_bounds = [true]} : memref<3x26x16xf32>, vector<16xf32>
          %4 = vector.fma %1, %2, %3 : vector<16xf32>
          vector.transfer_write %4, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<3x26x16xf32>
        }
      }
    }
  }
  return
}

// -----

// Elements where two segments meet take part in both, so all %o of one would come before those of the other. That
// is fine for sums only, and this is none: what was there is multiplied.
// CHECK-LABEL: func @keeps_the_order_of_what_is_no_sum(
//       CHECK:   affine.for %{{.*}} = 0 to 7 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 48 {
//  CHECK-NEXT:       affine.for %{{.*}} = 0 to 3 {
func.func @keeps_the_order_of_what_is_no_sum(%w: memref<7x3x3xf32>, %ct: memref<7x48x16xf32>, %y: memref<3x50x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %o = 0 to 7 {
      affine.for %x = 0 to 48 {
        affine.for %q = 0 to 3 {
          %0 = affine.load %w[%o, %i, %q] : memref<7x3x3xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %ct[%o, %x, %c0], %p {in_bounds = [true]} : memref<7x48x16xf32>, vector<16xf32>
          %at = affine.apply affine_map<(x, q) -> (x + q)>(%x, %q)
          %3 = vector.transfer_read %y[%i, %at, %c0], %p {in_bounds = [true]} : memref<3x50x16xf32>, vector<16xf32>
          %4 = vector.fma %1, %3, %2 : vector<16xf32>
          vector.transfer_write %4, %y[%i, %at, %c0] {in_bounds = [true]} : vector<16xf32>, memref<3x50x16xf32>
        }
      }
    }
  }
  return
}

// -----

// The tile keeps 4 weights in registers, fewer than its 5 vectors: a vector is loaded, and all weights use it up.
// REMARK: register tile: loop 0 x 5, loop 1 x 4, 20 accumulators
// CHECK-LABEL: func @keeps_the_weights(
//  CHECK-SAME:     %[[W:.*]]: memref<8x20xf32>,
//       CHECK:   affine.load %[[W]][%[[O:.*]], %[[K:.*]]]
//       CHECK:   affine.load %[[W]][%[[O]] + 1, %[[K]]]
//       CHECK:   affine.load %[[W]][%[[O]] + 2, %[[K]]]
//       CHECK:   affine.load %[[W]][%[[O]] + 3, %[[K]]]
//       CHECK:   affine.load %[[W]][%[[O]], %[[K]]]
//       CHECK:   affine.load %[[W]][%[[O]] + 1, %[[K]]]
func.func @keeps_the_weights(%w: memref<8x20xf32>, %in: memref<20x10x16xf32>, %y: memref<8x10x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %x = 0 to 10 {
    affine.for %o = 0 to 8 {
      affine.for %k = 0 to 20 {
        %0 = affine.load %w[%o, %k] : memref<8x20xf32>
        %1 = vector.broadcast %0 : f32 to vector<16xf32>
        %2 = vector.transfer_read %in[%k, %x, %c0], %p {in_bounds = [true]} : memref<20x10x16xf32>, vector<16xf32>
        %3 = vector.transfer_read %y[%o, %x, %c0], %p {in_bounds = [true]} : memref<8x10x16xf32>, vector<16xf32>
        %4 = vector.fma %1, %2, %3 : vector<16xf32>
        vector.transfer_write %4, %y[%o, %x, %c0] {in_bounds = [true]} : vector<16xf32>, memref<8x10x16xf32>
      }
    }
  }
  return
}

// -----

// Here the vectors are 4 and the weights 5: a weight is loaded, and all vectors use it up.
// REMARK: register tile: loop 0 x 4, loop 1 x 5, 20 accumulators
// CHECK-LABEL: func @keeps_the_vectors(
//  CHECK-SAME:     %[[W:.*]]: memref<10x20xf32>,
// CHECK-COUNT-4:   affine.load %[[W]][%[[O:[^ ]*]], %[[K:.*]]]
// CHECK-COUNT-4:   affine.load %[[W]][%{{.*}} + 1, %{{.*}}]
// CHECK-COUNT-4:   affine.load %[[W]][%{{.*}} + 2, %{{.*}}]
func.func @keeps_the_vectors(%w: memref<10x20xf32>, %in: memref<20x8x16xf32>, %y: memref<10x8x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %x = 0 to 8 {
    affine.for %o = 0 to 10 {
      affine.for %k = 0 to 20 {
        %0 = affine.load %w[%o, %k] : memref<10x20xf32>
        %1 = vector.broadcast %0 : f32 to vector<16xf32>
        %2 = vector.transfer_read %in[%k, %x, %c0], %p {in_bounds = [true]} : memref<20x8x16xf32>, vector<16xf32>
        %3 = vector.transfer_read %y[%o, %x, %c0], %p {in_bounds = [true]} : memref<10x8x16xf32>, vector<16xf32>
        %4 = vector.fma %1, %2, %3 : vector<16xf32>
        vector.transfer_write %4, %y[%o, %x, %c0] {in_bounds = [true]} : vector<16xf32>, memref<10x8x16xf32>
      }
    }
  }
  return
}

// -----

// The next tile along %o reads the same vectors again, and they are more bytes than the weights: %o moves inward.
// REMARK: register tile: loop 0 x 5, loop 1 x 4, 20 accumulators
// CHECK-LABEL: func @moves_a_loop_inward(
//       CHECK:   affine.for %{{.*}} = 0 to 40 step 5 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 32 step 4 {
//  CHECK-NEXT:       affine.for %{{.*}} = 0 to 20 {
func.func @moves_a_loop_inward(%w: memref<32x20xf32>, %in: memref<20x40x16xf32>, %y: memref<32x40x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %o = 0 to 32 {
    affine.for %x = 0 to 40 {
      affine.for %k = 0 to 20 {
        %0 = affine.load %w[%o, %k] : memref<32x20xf32>
        %1 = vector.broadcast %0 : f32 to vector<16xf32>
        %2 = vector.transfer_read %in[%k, %x, %c0], %p {in_bounds = [true]} : memref<20x40x16xf32>, vector<16xf32>
        %3 = vector.transfer_read %y[%o, %x, %c0], %p {in_bounds = [true]} : memref<32x40x16xf32>, vector<16xf32>
        %4 = vector.fma %1, %2, %3 : vector<16xf32>
        vector.transfer_write %4, %y[%o, %x, %c0] {in_bounds = [true]} : vector<16xf32>, memref<32x40x16xf32>
      }
    }
  }
  return
}

// -----

// It stays where it is when it is there already.
// CHECK-LABEL: func @keeps_a_good_order(
//       CHECK:   affine.for %{{.*}} = 0 to 40 step 5 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 32 step 4 {
//  CHECK-NEXT:       affine.for %{{.*}} = 0 to 20 {
func.func @keeps_a_good_order(%w: memref<32x20xf32>, %in: memref<20x40x16xf32>, %y: memref<32x40x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %x = 0 to 40 {
    affine.for %o = 0 to 32 {
      affine.for %k = 0 to 20 {
        %0 = affine.load %w[%o, %k] : memref<32x20xf32>
        %1 = vector.broadcast %0 : f32 to vector<16xf32>
        %2 = vector.transfer_read %in[%k, %x, %c0], %p {in_bounds = [true]} : memref<20x40x16xf32>, vector<16xf32>
        %3 = vector.transfer_read %y[%o, %x, %c0], %p {in_bounds = [true]} : memref<32x40x16xf32>, vector<16xf32>
        %4 = vector.fma %1, %2, %3 : vector<16xf32>
        vector.transfer_write %4, %y[%o, %x, %c0] {in_bounds = [true]} : vector<16xf32>, memref<32x40x16xf32>
      }
    }
  }
  return
}

// -----

// Row %o of the result is read by row %o + 1, so that %o stays outermost.
// CHECK-LABEL: func @keeps_dependent_loops_in_order(
//       CHECK:   affine.for %{{.*}} = 0 to 32 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 40 step 20 {
func.func @keeps_dependent_loops_in_order(%w: memref<32x20xf32>, %in: memref<20x40x16xf32>, %y: memref<33x40x16xf32>) {
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : f32
  affine.for %o = 0 to 32 {
    affine.for %x = 0 to 40 {
      affine.for %k = 0 to 20 {
        %0 = affine.load %w[%o, %k] : memref<32x20xf32>
        %1 = vector.broadcast %0 : f32 to vector<16xf32>
        %2 = vector.transfer_read %in[%k, %x, %c0], %p {in_bounds = [true]} : memref<20x40x16xf32>, vector<16xf32>
        %3 = vector.transfer_read %y[%o, %x, %c0], %p {in_bounds = [true]} : memref<33x40x16xf32>, vector<16xf32>
        %o1 = affine.apply affine_map<(o) -> (o + 1)>(%o)
        %4 = vector.fma %1, %2, %3 : vector<16xf32>
        vector.transfer_write %4, %y[%o1, %x, %c0] {in_bounds = [true]} : vector<16xf32>, memref<33x40x16xf32>
      }
    }
  }
  return
}

// -----

// The columns of %b that a tile reads (6,400 bytes) are there for the next rows of %a, which are less than that: the lane
// moves outward.
// REMARK: register tile: loop 0 x 5, loop 1 x 4, 20 accumulators
// CHECK-LABEL: func @keeps_columns(
//       CHECK:   affine.for %{{.*}} = 0 to 640 step 80 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 32 step 4 {
//  CHECK-NEXT:       affine.for %{{.*}} = 0 to 20 {
func.func @keeps_columns(%a: memref<32x20xf32>, %b: memref<20x640xf32>, %y: memref<32x640xf32>) {
  %p = arith.constant 0.0 : f32
  affine.for %o = 0 to 32 {
    affine.for %j = 0 to 640 step 16 {
      affine.for %k = 0 to 20 {
        %0 = affine.load %a[%o, %k] : memref<32x20xf32>
        %1 = vector.broadcast %0 : f32 to vector<16xf32>
        %2 = vector.transfer_read %b[%k, %j], %p {in_bounds = [true]} : memref<20x640xf32>, vector<16xf32>
        %3 = vector.transfer_read %y[%o, %j], %p {in_bounds = [true]} : memref<32x640xf32>, vector<16xf32>
        %4 = vector.fma %1, %2, %3 : vector<16xf32>
        vector.transfer_write %4, %y[%o, %j] {in_bounds = [true]} : vector<16xf32>, memref<32x640xf32>
      }
    }
  }
  return
}

// -----

// A loop of six iterations that selects by its index is unrolled, and what the iterations read is read once.
// CHECK-LABEL: func @unrolls_a_selecting_loop(
//       CHECK:   affine.for %[[I:.*]] = 0 to 8 {
//  CHECK-NEXT:     %[[A:.*]] = affine.load %arg0[%[[I]]]
//  CHECK-NEXT:     affine.store %[[A]], %arg1[0, %[[I]]]
//  CHECK-NEXT:     %[[B:.*]] = arith.addf %[[A]], %[[A]]
//  CHECK-NEXT:     affine.store %[[B]], %arg1[1, %[[I]]]
//   CHECK-NOT:     affine.load
//       CHECK:     affine.store %{{.*}}, %arg1[5, %[[I]]]
func.func @unrolls_a_selecting_loop(%x: memref<8xf32>, %y: memref<6x8xf32>) {
  %c0 = arith.constant 0 : index
  affine.for %i = 0 to 8 {
    affine.for %j = 0 to 6 {
      %0 = affine.load %x[%i] : memref<8xf32>
      %1 = arith.addf %0, %0 : f32
      %2 = arith.cmpi eq, %j, %c0 : index
      %3 = arith.select %2, %0, %1 : f32
      affine.store %3, %y[%j, %i] : memref<6x8xf32>
    }
  }
  return
}

// -----

// Rows of 4096 bytes share eight places of the first cache: no more than that are read side by side.
// REMARK: remark: register tile: loop 0 x 8, 8 accumulators
// CHECK-LABEL: func @reads_rows_that_share_ways(
func.func @reads_rows_that_share_ways(%w: memref<16x1024xf32>, %x: memref<1024x16xf32>, %y: memref<16x16xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  affine.for %o = 0 to 16 {
    affine.for %k = 0 to 1024 {
      %0 = affine.load %w[%o, %k] : memref<16x1024xf32>
      %1 = vector.broadcast %0 : f32 to vector<16xf32>
      %2 = vector.transfer_read %x[%k, %c0], %zero {in_bounds = [true]} : memref<1024x16xf32>, vector<16xf32>
      %3 = arith.mulf %1, %2 : vector<16xf32>
      %4 = vector.transfer_read %y[%o, %c0], %zero {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
      %5 = arith.addf %4, %3 : vector<16xf32>
      vector.transfer_write %5, %y[%o, %c0] {in_bounds = [true]} : vector<16xf32>, memref<16x16xf32>
    }
  }
  return
}

// -----

// What one iteration of the outer loop hands on, 33,600 bytes, fills the first cache: two are not jammed for a few loads.
// REMARK: remark: register tile: loop 1 x 2, loop 2 x 7, 14 accumulators, 0.64 loads per multiply-add
// CHECK-LABEL: func @keeps_iterations_apart(
func.func @keeps_iterations_apart(%x: memref<4x7x1200xf32>, %w: memref<1200x32xf32>, %y: memref<4x7x32xf32>) {
  %zero = arith.constant 0.0 : f32
  %made = memref.alloc() : memref<4x7x1200xf32>
  affine.for %n = 0 to 4 {
    affine.for %x0 = 0 to 7 {
      affine.for %i = 0 to 1200 {
        %0 = affine.load %x[%n, %x0, %i] : memref<4x7x1200xf32>
        %1 = arith.negf %0 : f32
        affine.store %1, %made[%n, %x0, %i] : memref<4x7x1200xf32>
      }
    }
    affine.for %o = 0 to 32 step 16 {
      affine.for %x0 = 0 to 7 {
        affine.for %i = 0 to 1200 {
          %0 = affine.load %made[%n, %x0, %i] : memref<4x7x1200xf32>
          %1 = vector.broadcast %0 : f32 to vector<16xf32>
          %2 = vector.transfer_read %w[%i, %o], %zero {in_bounds = [true]} : memref<1200x32xf32>, vector<16xf32>
          %3 = arith.mulf %1, %2 : vector<16xf32>
          %4 = vector.transfer_read %y[%n, %x0, %o], %zero {in_bounds = [true]} : memref<4x7x32xf32>, vector<16xf32>
          %5 = arith.addf %4, %3 : vector<16xf32>
          vector.transfer_write %5, %y[%n, %x0, %o] {in_bounds = [true]} : vector<16xf32>, memref<4x7x32xf32>
        }
      }
    }
  }
  return
}
