// RUN: ai-opt %s --split-input-file --ai-map-to-threads="precision=tf32" -canonicalize -verify-diagnostics | FileCheck %s
// RUN: ai-opt %s --split-input-file --ai-map-to-threads="precision=bf16" -canonicalize 2>/dev/null | FileCheck %s --check-prefix=BF16
// RUN: ai-opt %s --split-input-file --ai-map-to-threads -canonicalize | FileCheck %s --check-prefix=EXACT
// EXACT-NOT: nvvm.
// RUN: not ai-opt %s --split-input-file --ai-map-to-threads="precision=f16" 2>&1 | FileCheck %s --check-prefix=WORD
// WORD: error: expects a precision of f32, tf32 or bf16, got 'f16'

// A product of matrices: a warp computes tiles of 16 x 8, here two of them side by side, all terms of their sums eight by eight.
// Sizes are multiples of the tiles', so there are no conditions. What goes before and behind is done with each element.
// CHECK-LABEL: func.func @product(
//  CHECK-SAME:     %[[X:.*]]: memref<32x64xf32>, %[[W:.*]]: memref<64x64xf32>, %[[Y:.*]]: memref<32x64xf32>)
//       CHECK:   %[[T:.*]] = gpu.thread_id {{ *}}x upper_bound 256
//       CHECK:   affine.if #{{.*}}()[%[[T]]] {
// Eight elements are a thread's.
// CHECK-COUNT-8: affine.load %[[Y]]
//       CHECK:     %[[SUMS:.*]]:8 = affine.for %[[K:.*]] = 0 to 64 step 8 iter_args(%[[C0:[^ ]*]] = %{{[^ ]*}}, %[[C1:[^ ]*]] = %{{[^ ]*}}, %[[C2:[^ ]*]] = %{{[^ ]*}}, %[[C3:[^ ]*]] = %{{[^ ]*}}, %[[D0:[^ ]*]] =
//   CHECK-NOT:       arith.select
//       CHECK:       %[[X0:.*]] = memref.load
//       CHECK:       %[[A0:.*]] = nvvm.convert.float.to.tf32 %[[X0]] {rnd = #nvvm.fp_rnd_mode<rna>}
// CHECK-COUNT-4:     nvvm.convert.float.to.tf32
//       CHECK:       %[[B1:.*]] = nvvm.convert.float.to.tf32
//       CHECK:       nvvm.mma.sync A[%[[A0]], %[[A1:[0-9]*]], %[[A2:[0-9]*]], %[[A3:[0-9]*]]] B[%{{.*}}, %[[B1]]] C[%[[C0]], %[[C1]], %[[C2]], %[[C3]]]
//  CHECK-SAME:         shape = #nvvm.shape<m = 16, n = 8, k = 8>
// CHECK-COUNT-2:     nvvm.convert.float.to.tf32
// The same fragment of the left factor, the next one of the right.
//       CHECK:       nvvm.mma.sync A[%[[A0]], %[[A1]], %[[A2]], %[[A3]]] B[%{{.*}}] C[%[[D0]],
//       CHECK:     arith.maximumf %[[SUMS]]#0
//       CHECK:     affine.store %{{.*}}, %[[Y]]
//       CHECK:     arith.maximumf %[[SUMS]]#7
//   CHECK-NOT:   linalg
//  BF16-LABEL: func.func @product(
//        BF16:   affine.for %{{.*}} = 0 to 64 step 16
//        BF16:     %[[PAIR:.*]] = nvvm.convert.f32x2.to.bf16x2 %{{.*}}, %{{.*}} {rnd = #nvvm.fp_rnd_mode<rn>} : vector<2xbf16>
//        BF16:     llvm.bitcast %[[PAIR]] : vector<2xbf16> to i32
//        BF16:     nvvm.mma.sync {{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 16>
func.func @product(%x: memref<32x64xf32>, %w: memref<64x64xf32>, %y: memref<32x64xf32>) {
  %zero = arith.constant 0.0 : f32
  // expected-remark@below {{tensor cores for a product of 32 x 64 x 64: 512 cycles of a thread block in tiles of 16 x 16 x 8, 4608 without}}
  linalg.matmul ins(%x, %w : memref<32x64xf32>, memref<64x64xf32>) outs(%y : memref<32x64xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%y : memref<32x64xf32>) {
  ^bb0(%a: f32):
    %0 = arith.maximumf %a, %zero : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Tiles and sums that reach beyond the end: elements that are not there are skipped, terms are zeros, lines the last one.
// CHECK-LABEL: func.func @ends(
//       CHECK:   affine.if #{{.*}}()[%{{.*}}] -> f32 {
//       CHECK:     affine.load
//       CHECK:   } else {
//       CHECK:   arith.minsi
//       CHECK:   affine.for %[[K:.*]] = 0 to 70 step 8
//       CHECK:     %[[TERM:.*]] = affine.apply
//       CHECK:     %[[THERE:.*]] = arith.cmpi slt, %[[TERM]], %c70
//       CHECK:     %[[AT:.*]] = arith.minsi %[[TERM]], %c69
//       CHECK:     %[[VALUE:.*]] = memref.load
//       CHECK:     %[[FACTOR:.*]] = arith.select %[[THERE]], %[[VALUE]], %cst
//       CHECK:     nvvm.convert.float.to.tf32 %[[FACTOR]]
//       CHECK:   affine.if #{{.*}}()[%{{.*}}] {
//       CHECK:     affine.store
func.func @ends(%x: memref<90x70xf32>, %w: memref<70x5xf32>, %y: memref<90x5xf32>) {
  // expected-remark@below {{tensor cores for a product of 90 x 70 x 5}}
  linalg.matmul ins(%x, %w : memref<90x70xf32>, memref<70x5xf32>) outs(%y : memref<90x5xf32>)
  return
}

// -----

// The input gradient of a convolution: rows are channels, columns are places, terms are channels of the result, in a loop
// around those of the window. What an iteration does not reach is a zero. Inputs that nobody reads tell extents.
// CHECK-LABEL: func.func @scatter(
//  CHECK-SAME:     %[[CT:.*]]: memref<16x10x10xf32>, %[[W:.*]]: memref<16x8x3x3xf32>, %{{.*}}: memref<10xi1>, %{{.*}}: memref<8x12x12xf32>)
//       CHECK:   affine.for %{{.*}} = 0 to 16 step 8
//       CHECK:     affine.for %[[P:.*]] = 0 to 3
//       CHECK:       affine.for %[[Q:.*]] = 0 to 3
//       CHECK:         memref.load %[[CT]]
//       CHECK:         arith.select
//       CHECK:         memref.load %[[W]]
//       CHECK:         nvvm.mma.sync
func.func @scatter(%ct: memref<16x10x10xf32>, %w: memref<16x8x3x3xf32>, %unread: memref<10xi1>, %y: memref<8x12x12xf32>) {
  // expected-remark@below {{tensor cores for a product of 144 x 144 x 8}}
  linalg.generic {indexing_maps = [affine_map<(o, c, x, y, p, q) -> (o, x, y)>, affine_map<(o, c, x, y, p, q) -> (o, c, p, q)>,
                                   affine_map<(o, c, x, y, p, q) -> (x)>, affine_map<(o, c, x, y, p, q) -> (c, x + p, y + q)>],
                  iterator_types = ["reduction", "parallel", "reduction", "reduction", "reduction", "reduction"]}
      ins(%ct, %w, %unread : memref<16x10x10xf32>, memref<16x8x3x3xf32>, memref<10xi1>) outs(%y : memref<8x12x12xf32>) {
  ^bb0(%a: f32, %b: f32, %c: i1, %out: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// In the grid of a combine every warp takes a tile, and updates the weights that are its elements.
// CHECK-LABEL: func.func @panels_combine(
//       CHECK:   %[[NUMBER:.*]] = arith.addi
//       CHECK:   affine.if #{{.*}}()[%[[NUMBER]]] {
//   CHECK-NOT:   memref.alloc
//       CHECK:     affine.for %{{.*}} = 0 to 64 step 8
//       CHECK:       nvvm.mma.sync
//       CHECK:   ai.elements = 4864
func.func @panels_combine(%a: memref<64x120xf32>, %b: memref<64x150xf32>, %w: memref<120x150xf32>) attributes {ai.kind = "combine"} {
  // expected-remark@below {{tensor cores for a product of 120 x 64 x 150: 352 cycles of a grid in tiles of 16 x 8 x 8, 896 without}}
  linalg.generic {indexing_maps = [affine_map<(o, k, n) -> (n, o)>, affine_map<(o, k, n) -> (n, k)>, affine_map<(o, k, n) -> (o, k)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<64x120xf32>, memref<64x150xf32>) outs(%w : memref<120x150xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// What a thread wrote before the sum stays written if it is read behind it; where the sum begins is in registers.
// CHECK-LABEL: func.func @read_between(
//  CHECK-SAME:     %{{.*}}: memref<32x64xf32>, %{{.*}}: memref<64x64xf32>, %{{.*}}: memref<64xf32>, %[[M:.*]]: memref<32x64xf32>, %[[Y:.*]]: memref<32x64xf32>)
//   CHECK-NOT:   affine.store %{{.*}}, %[[Y]]
// CHECK-COUNT-8: affine.store %{{.*}}, %[[M]]
//   CHECK-NOT:   affine.store %{{.*}}, %[[Y]]
//       CHECK:   nvvm.mma.sync
//       CHECK:   affine.store %{{.*}}, %[[Y]]
//       CHECK:   %[[BEFORE:.*]] = affine.load %[[M]]
//       CHECK:   %[[AFTER:.*]] = arith.addf %[[BEFORE]]
//       CHECK:   affine.store %[[AFTER]], %[[M]]
func.func @read_between(%x: memref<32x64xf32>, %w: memref<64x64xf32>, %bias: memref<64xf32>, %m: memref<32x64xf32>, %y: memref<32x64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%bias : memref<64xf32>) outs(%m, %y : memref<32x64xf32>, memref<32x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.addf %b, %b : f32
    linalg.yield %0, %a : f32, f32
  }
  // expected-remark@below {{tensor cores for a product of 32 x 64 x 64}}
  linalg.matmul ins(%x, %w : memref<32x64xf32>, memref<64x64xf32>) outs(%y : memref<32x64xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<32x64xf32>) outs(%m : memref<32x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Left to threads: a product that fills no tile, numbers of f64, sums of anything but one product.
// CHECK-LABEL: func.func @left_alone(
//   CHECK-NOT:   nvvm.
//       CHECK: return
func.func @left_alone(%x: memref<2x2xf32>, %w: memref<2x2xf32>, %y: memref<2x2xf32>, %v: memref<64x64xf64>, %z: memref<64x64xf64>,
                      %d: memref<64x64xf32>, %e: memref<64x64xf32>, %s: memref<64x64xf32>) {
  // expected-remark@below {{no tensor cores for a product of 2 x 2 x 2: 44 cycles of a thread block in tiles of 16 x 8 x 8, 28 without}}
  linalg.matmul ins(%x, %w : memref<2x2xf32>, memref<2x2xf32>) outs(%y : memref<2x2xf32>)
  linalg.matmul ins(%v, %v : memref<64x64xf64>, memref<64x64xf64>) outs(%z : memref<64x64xf64>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%d, %e : memref<64x64xf32>, memref<64x64xf32>) outs(%s : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.subf %a, %b : f32
    %1 = arith.mulf %0, %0 : f32
    %2 = arith.addf %out, %1 : f32
    linalg.yield %2 : f32
  }
  return
}
