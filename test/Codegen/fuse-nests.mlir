// RUN: ai-opt %s -split-input-file -ai-fuse-nests | FileCheck %s

// The initialisation and what follows join the reduction, loop by loop.
// CHECK-LABEL: func @fuses_around_reduction(
//       CHECK:   affine.for %[[I:.*]] = 0 to 8 {
//  CHECK-NEXT:     affine.store %{{.*}}, %[[Y:.*]][%[[I]]]
//  CHECK-NEXT:     affine.for
//       CHECK:     }
//  CHECK-NEXT:     affine.load %[[Y]][%[[I]]]
//       CHECK:     affine.store
//  CHECK-NEXT:   }
//  CHECK-NEXT:   return
func.func @fuses_around_reduction(%x: memref<8x4xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
  }
  affine.for %i = 0 to 8 {
    affine.for %k = 0 to 4 {
      %0 = affine.load %x[%i, %k] : memref<8x4xf32>
      %1 = affine.load %y[%i] : memref<8xf32>
      %2 = arith.addf %0, %1 : f32
      affine.store %2, %y[%i] : memref<8xf32>
    }
  }
  affine.for %i = 0 to 8 {
    %0 = affine.load %y[%i] : memref<8xf32>
    %1 = math.absf %0 : f32
    affine.store %1, %z[%i] : memref<8xf32>
  }
  return
}

// -----

// Windows that do not overlap are slices too; the nest in between is passed over.
// CHECK-LABEL: func @fuses_windows(
//       CHECK:   affine.for %{{.*}} = 0 to 8 {
//  CHECK-NEXT:     affine.load %arg3
//       CHECK:   affine.for %[[P:.*]] = 0 to 4 {
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 2 {
//       CHECK:     affine.load %{{.*}}[%[[P]] * 2]
func.func @fuses_windows(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<4xf32>,
                         %other: memref<8xf32>) {
  affine.for %p = 0 to 4 {
    affine.for %d = 0 to 2 {
      %0 = affine.load %x[2 * %p + %d] : memref<8xf32>
      affine.store %0, %y[2 * %p + %d] : memref<8xf32>
    }
  }
  affine.for %i = 0 to 8 {
    %0 = affine.load %other[%i] : memref<8xf32>
    %1 = arith.negf %0 : f32
    affine.store %1, %other[%i] : memref<8xf32>
  }
  affine.for %p = 0 to 4 {
    %0 = affine.load %y[2 * %p] : memref<8xf32>
    %1 = affine.load %y[2 * %p + 1] : memref<8xf32>
    %2 = arith.maximumf %0, %1 : f32
    affine.store %2, %z[%p] : memref<4xf32>
  }
  return
}

// -----

// An iteration reads what a later one writes.
// CHECK-LABEL: func @keeps_overlapping_slices(
// CHECK-COUNT-2: affine.for
func.func @keeps_overlapping_slices(%x: memref<9xf32>, %y: memref<9xf32>, %z: memref<8xf32>) {
  affine.for %i = 0 to 8 {
    %0 = affine.load %x[%i] : memref<9xf32>
    affine.store %0, %y[%i] : memref<9xf32>
  }
  affine.for %i = 0 to 8 {
    %0 = affine.load %y[%i + 1] : memref<9xf32>
    affine.store %0, %z[%i] : memref<8xf32>
  }
  return
}

// -----

// Vectors of 16 from every index on overlap; from every 16th on they do not.
// CHECK-LABEL: func @keeps_overlapping_vectors(
// CHECK-COUNT-2: affine.for %{{.*}} = 0 to 8
//     CHECK-NOT: affine.for %{{.*}} = 0 to 8
//         CHECK: affine.for %{{.*}} = 0 to 64 step 16
//     CHECK-NOT: affine.for
func.func @keeps_overlapping_vectors(%y: memref<64xf32>, %z: memref<64xf32>) {
  %zero = arith.constant dense<0.0> : vector<16xf32>
  %p = arith.constant 0.0 : f32
  affine.for %i = 0 to 8 {
    vector.transfer_write %zero, %y[%i] {in_bounds = [true]} : vector<16xf32>, memref<64xf32>
  }
  affine.for %i = 0 to 8 {
    %0 = vector.transfer_read %y[%i], %p {in_bounds = [true]} : memref<64xf32>, vector<16xf32>
    vector.transfer_write %0, %z[%i] {in_bounds = [true]} : vector<16xf32>, memref<64xf32>
  }
  affine.for %i = 0 to 64 step 16 {
    vector.transfer_write %zero, %y[%i] {in_bounds = [true]} : vector<16xf32>, memref<64xf32>
  }
  affine.for %i = 0 to 64 step 16 {
    %0 = vector.transfer_read %y[%i], %p {in_bounds = [true]} : memref<64xf32>, vector<16xf32>
    vector.transfer_write %0, %z[%i] {in_bounds = [true]} : vector<16xf32>, memref<64xf32>
  }
  return
}

// -----

// The consumer reads through a view: other indices, same memory.
// CHECK-LABEL: func @keeps_consumer_of_view(
// CHECK-COUNT-2: affine.for
func.func @keeps_consumer_of_view(%y: memref<8x1xf32>, %z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %flat = memref.collapse_shape %y [[0, 1]] : memref<8x1xf32> into memref<8xf32>
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i, %c0] : memref<8x1xf32>
  }
  affine.for %i = 0 to 8 {
    %0 = affine.load %flat[%i] : memref<8xf32>
    affine.store %0, %z[%i] : memref<8xf32>
  }
  return
}

// -----

// What lies between writes the result again.
// CHECK-LABEL: func @keeps_behind_other_writer(
// CHECK-COUNT-2: affine.for
func.func @keeps_behind_other_writer(%y: memref<8xf32>, %z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %c3 = arith.constant 3 : index
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
  }
  memref.store %zero, %z[%c3] : memref<8xf32>
  memref.copy %z, %y : memref<8xf32> to memref<8xf32>
  affine.for %i = 0 to 8 {
    %0 = affine.load %y[%i] : memref<8xf32>
    affine.store %0, %z[%i] : memref<8xf32>
  }
  return
}

// -----

func.func private @unknown()

// CHECK-LABEL: func @keeps_across_call(
// CHECK-COUNT-2: affine.for
func.func @keeps_across_call(%y: memref<8xf32>, %z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
  }
  call @unknown() : () -> ()
  affine.for %i = 0 to 8 {
    %0 = affine.load %y[%i] : memref<8xf32>
    affine.store %0, %z[%i] : memref<8xf32>
  }
  return
}

// -----

// A gather may read any element.
// CHECK-LABEL: func @keeps_gather(
// CHECK-COUNT-2: affine.for
func.func @keeps_gather(%at: memref<8xindex>, %y: memref<8xf32>, %z: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
  }
  affine.for %i = 0 to 8 {
    %0 = affine.load %at[%i] : memref<8xindex>
    %1 = memref.load %y[%0] : memref<8xf32>
    affine.store %1, %z[%i] : memref<8xf32>
  }
  return
}

// -----

// Two buffers placed in one arena share memory only if their bytes do.
// CHECK-LABEL: func @knows_arena(
//       CHECK:   affine.for
//   CHECK-NOT:   affine.for
func.func @knows_arena(%arena: memref<1024xi8>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %y = memref.view %arena[%c0][] : memref<1024xi8> to memref<8xf32>
  %z = memref.view %arena[%c64][] : memref<1024xi8> to memref<8xf32>
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
  }
  affine.for %i = 0 to 8 {
    %0 = affine.load %y[%i] : memref<8xf32>
    affine.store %0, %z[7 - %i] : memref<8xf32>
  }
  return
}

// -----

// CHECK-LABEL: func @keeps_overlapping_views(
// CHECK-COUNT-2: affine.for
func.func @keeps_overlapping_views(%arena: memref<1024xi8>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %y = memref.view %arena[%c0][] : memref<1024xi8> to memref<8xf32>
  %z = memref.view %arena[%c16][] : memref<1024xi8> to memref<8xf32>
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
  }
  affine.for %i = 0 to 8 {
    %0 = affine.load %y[%i] : memref<8xf32>
    affine.store %0, %z[7 - %i] : memref<8xf32>
  }
  return
}

// -----

// A sum starts from one nest and reads another: both join it.
// CHECK-LABEL: func @joins_both_producers(
//       CHECK:   affine.for %{{.*}} = 0 to 8 {
//  CHECK-NEXT:     affine.store %{{.*}} : memref<8xf32>
//  CHECK-NEXT:     affine.for %{{.*}} = 0 to 4 {
//       CHECK:       affine.store %{{.*}} : memref<8x4xf32>
//       CHECK:       affine.store %{{.*}} : memref<8xf32>
//   CHECK-NOT:   affine.for
//       CHECK:   return
func.func @joins_both_producers(%x: memref<8x4xf32>, %t: memref<8x4xf32>, %y: memref<8xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to 8 {
    affine.for %k = 0 to 4 {
      %0 = affine.load %x[%i, %k] : memref<8x4xf32>
      %1 = arith.mulf %0, %0 : f32
      affine.store %1, %t[%i, %k] : memref<8x4xf32>
    }
  }
  affine.for %i = 0 to 8 {
    affine.store %zero, %y[%i] : memref<8xf32>
  }
  affine.for %i = 0 to 8 {
    affine.for %k = 0 to 4 {
      %0 = affine.load %t[%i, %k] : memref<8x4xf32>
      %1 = affine.load %y[%i] : memref<8xf32>
      %2 = arith.addf %1, %0 : f32
      affine.store %2, %y[%i] : memref<8xf32>
    }
  }
  return
}

// -----

// The last rows, which stand between, are not those of the bands: they are passed over.
// CHECK-LABEL: func @passes_over_other_rows(
//       CHECK:   affine.for %{{.*}} = 0 to 4 {
//  CHECK-NEXT:     affine.store
//       CHECK:   affine.for %{{.*}} = 0 to 40 step 20 {
//       CHECK:     affine.for
//  CHECK-NEXT:       affine.store
//  CHECK-NEXT:       affine.load
func.func @passes_over_other_rows(%y: memref<44xf32>, %z: memref<44xf32>) {
  %zero = arith.constant 0.0 : f32
  affine.for %band = 0 to 40 step 20 {
    affine.for %i = 0 to 20 {
      affine.store %zero, %y[%band + %i] : memref<44xf32>
    }
  }
  affine.for %i = 0 to 4 {
    affine.store %zero, %y[%i + 40] : memref<44xf32>
  }
  affine.for %band = 0 to 40 step 20 {
    affine.for %i = 0 to 20 {
      %0 = affine.load %y[%band + %i] : memref<44xf32>
      affine.store %0, %z[%band + %i] : memref<44xf32>
    }
  }
  return
}

// -----

// Patches are twice as many as what they are made of: they wait for the sum that reads them, and the first sum keeps
// its loop.
// CHECK-LABEL: func @expansions_wait_for_their_reader(
//       CHECK:   affine.for %{{.*}} = 0 to 8 {
//       CHECK:     arith.addf
//       CHECK:   affine.for %[[I:.*]] = 0 to 8 {
//       CHECK:     affine.store %{{.*}}, %[[PATCHES:.*]][%[[I]], %{{.*}}] : memref<8x8xf32>
//       CHECK:     affine.load %[[PATCHES]][%[[I]], %{{.*}}]
//   CHECK-NOT:   affine.for %{{.*}} = 0 to 8 {
//       CHECK:   return
func.func @expansions_wait_for_their_reader(%x: memref<8x4x4xf32>, %y: memref<8x4xf32>, %patches: memref<8x8xf32>,
                                            %z: memref<8xf32>) {
  affine.for %i = 0 to 8 {
    affine.for %j = 0 to 4 {
      affine.for %k = 0 to 4 {
        %0 = affine.load %x[%i, %j, %k] : memref<8x4x4xf32>
        %1 = affine.load %y[%i, %j] : memref<8x4xf32>
        %2 = arith.addf %0, %1 : f32
        affine.store %2, %y[%i, %j] : memref<8x4xf32>
      }
    }
  }
  affine.for %i = 0 to 8 {
    affine.for %j = 0 to 8 {
      %0 = affine.load %y[%i, %j floordiv 2] : memref<8x4xf32>
      affine.store %0, %patches[%i, %j] : memref<8x8xf32>
    }
  }
  affine.for %i = 0 to 8 {
    affine.for %j = 0 to 8 {
      %0 = affine.load %patches[%i, %j] : memref<8x8xf32>
      %1 = affine.load %z[%i] : memref<8xf32>
      %2 = arith.addf %0, %1 : f32
      affine.store %2, %z[%i] : memref<8xf32>
    }
  }
  return
}
