// RUN: ai-opt %s --pass-pipeline="builtin.module(func.func(ai-distribute-nests))" --split-input-file | FileCheck %s

// Three iterations, of which one of two threads would run two. The last nest inside has eleven of its own.
// CHECK-LABEL: func.func @cut(
//  CHECK-SAME:   %[[A:.*]]: memref<3x100xf32>, %[[B:.*]]: memref<3x11xf32>
//       CHECK:   affine.for %[[I:.*]] = 0 to 3 {
//       CHECK:     affine.for %[[J:.*]] = 0 to 100 {
//       CHECK:       affine.store %{{.*}}, %[[A]][%[[I]], %[[J]]]
//       CHECK:   }
//       CHECK:   affine.for %[[I2:.*]] = 0 to 3 {
//  CHECK-NEXT:     affine.for %[[K:.*]] = 0 to 11 {
//       CHECK:       affine.load %[[A]][%[[I2]], %{{.*}}]
//       CHECK:       affine.store %{{.*}}, %[[B]][%[[I2]], %[[K]]]
func.func @cut(%a: memref<3x100xf32>, %b: memref<3x11xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %j = 0 to 100 {
      affine.store %0, %a[%i, %j] : memref<3x100xf32>
    }
    affine.for %k = 0 to 11 {
      %1 = affine.for %j = 0 to 100 iter_args(%sum = %0) -> f32 {
        %2 = affine.load %a[%i, %j] : memref<3x100xf32>
        %3 = arith.addf %2, %sum : f32
        affine.yield %3 : f32
      }
      affine.store %1, %b[%i, %k] : memref<3x11xf32>
    }
  }
  return
}

// -----

// Four iterations are two for each of two threads.
// CHECK-LABEL: func.func @an_even_number(
//       CHECK:   affine.for %{{.*}} = 0 to 4 {
//   CHECK-NOT:   affine.for %{{.*}} = 0 to 4 {
//       CHECK:   return
func.func @an_even_number(%a: memref<4x50xf32>, %b: memref<4x11xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 4 {
    affine.for %j = 0 to 50 {
      affine.store %0, %a[%i, %j] : memref<4x50xf32>
    }
    affine.for %k = 0 to 11 {
      affine.for %j = 0 to 50 {
        %2 = affine.load %a[%i, %j] : memref<4x50xf32>
        affine.store %2, %b[%i, %k] : memref<4x11xf32>
      }
    }
  }
  return
}

// -----

// Nine: one part of two has a ninth more, which is not worth it.
// CHECK-LABEL: func.func @enough_iterations(
//       CHECK:   affine.for %{{.*}} = 0 to 9 {
//   CHECK-NOT:   affine.for %{{.*}} = 0 to 9 {
//       CHECK:   return
func.func @enough_iterations(%a: memref<9x50xf32>, %b: memref<9x11xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 9 {
    affine.for %j = 0 to 50 {
      affine.store %0, %a[%i, %j] : memref<9x50xf32>
    }
    affine.for %k = 0 to 11 {
      affine.for %j = 0 to 50 {
        %2 = affine.load %a[%i, %j] : memref<9x50xf32>
        affine.store %2, %b[%i, %k] : memref<9x11xf32>
      }
    }
  }
  return
}

// -----

// All iterations use the same row: the second nest must come before the next one's first.
// CHECK-LABEL: func.func @memory_of_every_iteration(
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//   CHECK-NOT:   affine.for %{{.*}} = 0 to 3 {
//       CHECK:   return
func.func @memory_of_every_iteration(%x: memref<3x50xf32>, %a: memref<50xf32>, %b: memref<3x11xf32>) attributes {ai.kind = "block"} {
  affine.for %i = 0 to 3 {
    affine.for %j = 0 to 50 {
      %1 = affine.load %x[%i, %j] : memref<3x50xf32>
      affine.store %1, %a[%j] : memref<50xf32>
    }
    affine.for %k = 0 to 11 {
      affine.for %j = 0 to 50 {
        %2 = affine.load %a[%j] : memref<50xf32>
        affine.store %2, %b[%i, %k] : memref<3x11xf32>
      }
    }
  }
  return
}

// -----

// A value passes from the first part of an iteration to the second.
// CHECK-LABEL: func.func @a_value_passes(
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//   CHECK-NOT:   affine.for %{{.*}} = 0 to 3 {
//       CHECK:   return
func.func @a_value_passes(%a: memref<3x50xf32>, %b: memref<3x11xf32>) attributes {ai.kind = "block"} {
  affine.for %i = 0 to 3 {
    %1 = affine.load %a[%i, 0] : memref<3x50xf32>
    affine.for %k = 0 to 11 {
      affine.for %j = 0 to 100 {
        affine.store %1, %b[%i, %k] : memref<3x11xf32>
      }
    }
  }
  return
}

// -----

// The sums of the last nest go over all three iterations: it has no more to share out than before.
// CHECK-LABEL: func.func @sums_over_all_iterations(
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//   CHECK-NOT:   affine.for %{{.*}} = 0 to 3 {
//       CHECK:   return
func.func @sums_over_all_iterations(%a: memref<3x50xf32>, %b: memref<11xf32>) attributes {ai.kind = "block"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %j = 0 to 50 {
      affine.store %0, %a[%i, %j] : memref<3x50xf32>
    }
    affine.for %k = 0 to 11 {
      affine.for %j = 0 to 50 {
        %1 = affine.load %a[%i, %j] : memref<3x50xf32>
        %2 = affine.load %b[%k] : memref<11xf32>
        %3 = arith.addf %1, %2 : f32
        affine.store %3, %b[%k] : memref<11xf32>
      }
    }
  }
  return
}

// -----

// CHECK-LABEL: func.func @combines_are_left_alone(
//       CHECK:   affine.for %{{.*}} = 0 to 3 {
//   CHECK-NOT:   affine.for %{{.*}} = 0 to 3 {
//       CHECK:   return
func.func @combines_are_left_alone(%a: memref<3x50xf32>, %b: memref<3x11xf32>) attributes {ai.kind = "combine"} {
  %0 = arith.constant 0.0 : f32
  affine.for %i = 0 to 3 {
    affine.for %j = 0 to 50 {
      affine.store %0, %a[%i, %j] : memref<3x50xf32>
    }
    affine.for %k = 0 to 11 {
      affine.for %j = 0 to 50 {
        %2 = affine.load %a[%i, %j] : memref<3x50xf32>
        affine.store %2, %b[%i, %k] : memref<3x11xf32>
      }
    }
  }
  return
}
