// RUN: ai-opt %s --ai-describe-nests --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// Vectors count each element, a multiply-add two, loops as often as they run: 6 * 4 * (16 * 2 + 16)
// operations. A nest is named after what it writes or sums up, inside out, or the lines it comes from.
// CHECK-LABEL: module
//  CHECK-SAME:   ai.nests = {step_block = [
//  CHECK-SAME:     {bytes_read = 0.000000e+00 : f64, bytes_written = 2.400000e+01 : f64, flops = 1.152000e+03 : f64, name = "d fc1+conv1", shared = false, working_set = 2.400000e+01 : f64},
//  CHECK-SAME:     name = "r1+p1"
//  CHECK-SAME:     flops = 6.000000e+00 : f64, name = "line {{[0-9]+}}"
// CHECK-LABEL: func.func @step_block(
func.func @step_block(%x: memref<6xf32>, %v: vector<16xf32>, %s: f32) attributes {ai.kind = "block"} {
  %zero = arith.constant dense<0.0> : vector<16xf32>
  affine.for %i = 0 to 6 {
    %sum = affine.for %j = 0 to 4 iter_args(%acc = %zero) -> (vector<16xf32>) {
      %0 = math.fma %v, %v, %acc : vector<16xf32>
      %1 = arith.addf %0, %v : vector<16xf32>
      affine.yield %1 : vector<16xf32>
    } loc("d fc1")
    %first = vector.extract %sum[0] : f32 from vector<16xf32>
    affine.store %first, %x[%i] : memref<6xf32> loc("conv1")
  }
  affine.for %i = 0 to 5 step 2 {
    affine.store %s, %x[%i] : memref<6xf32> loc(fused["r1", "p1"])
    affine.store %s, %x[%i + 1] : memref<6xf32> loc("p1")
  }
  affine.for %i = 0 to 5 step 2 {
    %0 = arith.mulf %s, %s : f32
    %1 = arith.subf %0, %s : f32
    affine.store %1, %x[%i] : memref<6xf32>
  }
  return
}

// -----

// Distinct bytes: the windows of a convolution overlap, and the weights are read again and again.
// Reads: rows 2 to 9 and columns 0 to 7 of the image, 8 * 8 * 16 * 4 bytes, and 9 * 4 of weights.
// Writes: 6 * 6 * 16 * 4. The sums are also read, and all of it is the working set.
// CHECK-LABEL: module
//  CHECK-SAME:   bytes_read = 6.436000e+03 : f64, bytes_written = 2.304000e+03 : f64, flops = 1.036800e+04 : f64
//  CHECK-SAME:   working_set = 6.436000e+03 : f64
func.func @step_block(%x: memref<12x8x16xf32>, %w: memref<3x3xf32>, %y: memref<6x6x16xf32>) attributes {ai.kind = "block"} {
  affine.for %i = 0 to 6 {
    affine.for %j = 0 to 6 {
      affine.for %k = 0 to 3 {
        affine.for %l = 0 to 3 {
          %0 = affine.vector_load %x[%i + %k + 2, %j + %l, 0] : memref<12x8x16xf32>, vector<16xf32>
          %1 = affine.load %w[%k, %l] : memref<3x3xf32>
          %2 = vector.broadcast %1 : f32 to vector<16xf32>
          %3 = affine.vector_load %y[%i, %j, 0] : memref<6x6x16xf32>, vector<16xf32>
          %4 = math.fma %0, %2, %3 : vector<16xf32>
          affine.vector_store %4, %y[%i, %j, 0] : memref<6x6x16xf32>, vector<16xf32>
        }
      }
    }
  }
  return
}

// -----

// A buffer that is seen through two views counts once; another place of the same memory apart.
// CHECK-LABEL: module
//  CHECK-SAME:   bytes_read = 4.800000e+02 : f64, bytes_written = 1.600000e+02 : f64, flops = 0.000000e+00 : f64
//  CHECK-SAME:   working_set = 6.400000e+02 : f64
func.func @step_block(%memory: memref<4096xi8>) attributes {ai.kind = "block"} {
  %c0 = arith.constant 0 : index
  %c640 = arith.constant 640 : index
  %c1280 = arith.constant 1280 : index
  %a = memref.view %memory[%c0][] : memref<4096xi8> to memref<10x8xf32>
  %flat = memref.collapse_shape %a [[0, 1]] : memref<10x8xf32> into memref<80xf32>
  %b = memref.view %memory[%c640][] : memref<4096xi8> to memref<40xf32>
  %c = memref.view %memory[%c1280][] : memref<4096xi8> to memref<40xf32>
  affine.for %i = 0 to 40 {
    %0 = affine.load %flat[%i + 40] : memref<80xf32>
    %1 = affine.load %a[0, 0] : memref<10x8xf32>
    %2 = affine.load %flat[%i] : memref<80xf32>
    %3 = affine.load %b[%i] : memref<40xf32>
    affine.store %3, %c[%i] : memref<40xf32>
  }
  return
}

// -----

// What threads share out is counted as a whole: a loop over a part of 10 rows, and a nest that one
// of the threads runs.
// CHECK-LABEL: module
//  CHECK-SAME:   bytes_read = 1.600000e+02 : f64, bytes_written = 1.600000e+02 : f64, flops = 4.000000e+01 : f64, name = "fc.weight", shared = true
//  CHECK-SAME:   bytes_written = 4.000000e+00 : f64, flops = 3.000000e+00 : f64, name = "sum", shared = true
//  CHECK-SAME:   bytes_written = 4.000000e+00 : f64, flops = 3.000000e+00 : f64, name = "everywhere", shared = false
func.func @step_combine(%w: memref<10x4xf32>, %x: memref<f32>, %s: f32, %from: index, %to: index, %mine: i1) attributes {ai.kind = "combine"} {
  affine.for %i = %from to min affine_map<(d0) -> (d0, 10)>(%to) {
    affine.for %j = 0 to 4 {
      %0 = affine.load %w[%i, %j] : memref<10x4xf32>
      %1 = arith.mulf %0, %s : f32
      affine.store %1, %w[%i, %j] : memref<10x4xf32> loc("fc.weight")
    }
  } {ai.trips = 10 : i64}
  scf.if %mine {
    affine.for %i = 0 to 3 {
      %0 = arith.addf %s, %s : f32
      affine.store %0, %x[] : memref<f32> loc("sum")
    }
  }
  affine.for %i = 0 to 3 {
    %0 = arith.divf %s, %s : f32
    affine.store %0, %x[] : memref<f32> loc("everywhere")
  }
  return
}

// -----

// The operations of a loop with unknown bounds are not known; its accesses may be anywhere in the
// buffer. A nest whose writes have no name takes that of what it does.
// CHECK-LABEL: module
//  CHECK-SAME:   bytes_written = 4.000000e+01 : f64, flops = 0.000000e+00 : f64, name = "softmax"
func.func @step_block(%x: memref<10xf32>, %s: f32, %end: index) attributes {ai.kind = "block"} {
  affine.for %i = 0 to %end {
    %0 = arith.addf %s, %s : f32 loc("softmax")
    affine.store %0, %x[%i] : memref<10xf32> loc(unknown)
  }
  return
}

// -----

// A plain function has no kind.
// CHECK-LABEL: module
//  CHECK-SAME: ai.nests = {}
func.func @plain(%x: memref<10xf32>, %s: f32) {
  affine.for %i = 0 to 10 {
    affine.store %s, %x[%i] : memref<10xf32>
  }
  return
}
