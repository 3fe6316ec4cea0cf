// RUN: ai-opt %s --split-input-file --ai-map-to-threads -canonicalize | FileCheck %s
// RUN: ai-opt %s --split-input-file --ai-map-to-threads="threads=32" -canonicalize | FileCheck %s --check-prefix=WARP

// A thread for each element of the result, which runs the loops of the sum by itself.
//       CHECK: #[[$LAST:.*]] = affine_set<()[s0] : (-s0 + 119 >= 0)>
// CHECK-LABEL: func.func @product(
//  CHECK-SAME:     %[[W:.*]]: memref<120x24xf32>, %[[X:.*]]: memref<24xf32>, %[[Y:.*]]: memref<120xf32>)
//  CHECK-SAME:     attributes {ai.threads = 256 : i64}
//       CHECK:   %[[T:.*]] = gpu.thread_id {{ *}}x upper_bound 256
//       CHECK:   affine.if #[[$LAST]]()[%[[T]]] {
//       CHECK:     %[[Y0:.*]] = affine.load %[[Y]][symbol(%[[T]])]
//       CHECK:     %[[SUM:.*]] = affine.for %[[K:.*]] = 0 to 24 iter_args(%[[ACC:.*]] = %[[Y0]]) -> (f32) {
//       CHECK:       affine.load %[[W]][symbol(%[[T]]), %[[K]]]
//       CHECK:       affine.load %[[X]][%[[K]]]
//       CHECK:     affine.store %[[SUM]], %[[Y]][symbol(%[[T]])]
//   CHECK-NOT:   linalg
// With fewer threads than elements they take turns.
//  WARP-LABEL: func.func @product(
//        WARP:   affine.for %[[I:.*]] = 0 to 120 step 32 {
//        WARP:     affine.if #{{.*}}(%[[I]])[%[[T:.*]]] {
func.func @product(%w: memref<120x24xf32>, %x: memref<24xf32>, %y: memref<120xf32>) {
  linalg.matvec ins(%w, %x : memref<120x24xf32>, memref<24xf32>) outs(%y : memref<120xf32>)
  return
}

// -----

// Loops that add up to an index: the thread of an element looks for the iterations that reach it.
//   CHECK-DAG: #[[$REACHED:.*]] = affine_set<(d0)[s0] : (-d0 + s0 >= 0, -(-d0 + s0) + 7 >= 0)>
// CHECK-LABEL: func.func @scatter(
//  CHECK-SAME:     %[[CT:.*]]: memref<8xf32>, %[[W:.*]]: memref<3xf32>, %[[Y:.*]]: memref<10xf32>)
//       CHECK:   %[[T:.*]] = gpu.thread_id {{ *}}x
//       CHECK:   %[[Y0:.*]] = affine.load %[[Y]][symbol(%[[T]])]
//       CHECK:   %[[SUM:.*]] = affine.for %[[Q:.*]] = 0 to 3 iter_args(%[[ACC:.*]] = %[[Y0]]) -> (f32) {
//       CHECK:     %[[NEXT:.*]] = affine.if #[[$REACHED]](%[[Q]])[%[[T]]] -> f32 {
//       CHECK:       affine.load %[[CT]][-%[[Q]] + symbol(%[[T]])]
//       CHECK:       affine.load %[[W]][%[[Q]]]
//       CHECK:     } else {
//       CHECK:       affine.yield %[[ACC]]
//       CHECK:     affine.yield %[[NEXT]]
//       CHECK:   affine.store %[[SUM]], %[[Y]][symbol(%[[T]])]
func.func @scatter(%ct: memref<8xf32>, %w: memref<3xf32>, %y: memref<10xf32>) {
  linalg.generic {indexing_maps = [affine_map<(x, q) -> (x)>, affine_map<(x, q) -> (q)>, affine_map<(x, q) -> (x + q)>],
                  iterator_types = ["reduction", "reduction"]}
      ins(%ct, %w : memref<8xf32>, memref<3xf32>) outs(%y : memref<10xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Windows that tile are no sums: an element for each iteration of both loops.
// CHECK-LABEL: func.func @tiles(
//  CHECK-SAME:     %[[CT:.*]]: memref<8xf32>, %[[W:.*]]: memref<2xf32>, %[[Y:.*]]: memref<16xf32>)
//       CHECK:   affine.load %[[CT]][symbol(%[[T:.*]]) floordiv 2]
//       CHECK:   affine.load %[[W]][symbol(%[[T]]) mod 2]
//   CHECK-NOT:   affine.for
//       CHECK:   affine.store %{{.*}}, %[[Y]][symbol(%[[T]])]
func.func @tiles(%ct: memref<8xf32>, %w: memref<2xf32>, %y: memref<16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(x, q) -> (x)>, affine_map<(x, q) -> (q)>,
                                   affine_map<(x, q) -> (x * 2 + q)>],
                  iterator_types = ["reduction", "reduction"]}
      ins(%ct, %w : memref<8xf32>, memref<2xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Ops that touch each other's results at the same element are one loop; the element is a register, and a buffer that
// nobody else reads is gone.
// CHECK-LABEL: func.func @one_loop(
//   CHECK-NOT:   memref.alloc
//       CHECK:   %[[SUM:.*]] = affine.for
//       CHECK:   %[[RELU:.*]] = arith.maximumf %[[SUM]]
//       CHECK:   affine.store %[[RELU]]
//   CHECK-NOT:   affine.store
//       CHECK:   return
func.func @one_loop(%w: memref<120x24xf32>, %x: memref<24xf32>, %z: memref<120xf32>) {
  %zero = arith.constant 0.0 : f32
  %y = memref.alloc() : memref<120xf32>
  linalg.fill ins(%zero : f32) outs(%y : memref<120xf32>)
  linalg.matvec ins(%w, %x : memref<120x24xf32>, memref<24xf32>) outs(%y : memref<120xf32>)
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%y : memref<120xf32>) outs(%z : memref<120xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %a, %zero : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A reader of other elements is a loop of its own, and an op behind it that would fit the first loop stays behind it
// if it overwrites what it reads.
// CHECK-LABEL: func.func @neighbours(
// CHECK-COUNT-3:   affine.if
//     CHECK-NOT:   affine.if
func.func @neighbours(%x: memref<16xf32>, %y: memref<15xf32>) {
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<16xf32>
  linalg.copy ins(%x : memref<16xf32>) outs(%a : memref<16xf32>)
  linalg.generic {indexing_maps = [affine_map<(i) -> (i + 1)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%a : memref<16xf32>) outs(%y : memref<15xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }
  linalg.copy ins(%a : memref<16xf32>) outs(%x : memref<16xf32>)
  linalg.fill ins(%zero : f32) outs(%a : memref<16xf32>)
  linalg.copy ins(%a : memref<16xf32>) outs(%x : memref<16xf32>)
  return
}

// -----

// A combine is run by a grid: a thread for each element, the same arithmetic on a rate by all.
// CHECK-LABEL: func.func @step_combine(
//       CHECK:   %[[T:.*]] = gpu.thread_id {{ *}}x
//       CHECK:   %[[B:.*]] = gpu.block_id {{ *}}x
//       CHECK:   %[[N:.*]] = arith.muli %[[B]]
//       CHECK:   %[[I:.*]] = arith.addi %[[N]], %[[T]]
//       CHECK:   %[[RATE:.*]] = memref.alloca() : memref<f32>
//       CHECK:   arith.truncf
//       CHECK:   affine.store %{{.*}}, %[[RATE]][]
//       CHECK:   affine.if #{{.*}}()[%[[I]]] {
//       CHECK:     affine.load %[[RATE]][]
//       CHECK:   } {ai.elements = 4096 : i64}
func.func @step_combine(%lr: memref<f64>, %g: memref<4096xf32>, %w: memref<4096xf32>) attributes {ai.kind = "combine"} {
  %rate = memref.alloc() : memref<f32>
  linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%lr : memref<f64>) outs(%rate : memref<f32>) {
  ^bb0(%in: f64, %out: f32):
    %0 = arith.truncf %in : f64 to f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> ()>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      ins(%rate, %g : memref<f32>, memref<4096xf32>) outs(%w : memref<4096xf32>) {
  ^bb0(%r: f32, %in: f32, %out: f32):
    %0 = arith.mulf %r, %in : f32
    %1 = arith.subf %out, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Ten long sums: a warp for each, whose threads take every 32nd term; only the first one starts from what is there and
// stores. 100 terms are no multiple of 32. What follows element by element is left to that thread, too.
//   CHECK-DAG: #[[$IS_FIRST:.*]] = affine_set<(d0)[s0] : ((d0 + s0) mod 32 == 0)>
//   CHECK-DAG: #[[$WARPS:.*]] = affine_set<(d0)[s0] : (-d0 - s0 + 319 >= 0)>
// CHECK-LABEL: func.func @long_sums(
//       CHECK:   affine.for %[[TURN:.*]] = 0 to 320 step 256 {
//       CHECK:     affine.if #[[$WARPS]]
//       CHECK:       %[[START:.*]] = affine.if #[[$IS_FIRST]]({{.*}} -> f32 {
//       CHECK:         affine.load
//       CHECK:       } else {
//       CHECK:         affine.yield %[[ZERO:.*]] : f32
//       CHECK:       %[[SUM:.*]] = affine.for %{{.*}} = 0 to 100 step 32 iter_args(%[[ACC:.*]] = %[[START]]) -> (f32) {
//       CHECK:         affine.if
//       CHECK:           affine.load
//       CHECK:         } else {
//       CHECK:           affine.yield %[[ACC]]
//       CHECK:       %[[R16:.*]], %{{.*}} = gpu.shuffle xor %[[SUM]], %c16_i32, %c32_i32 : f32
//       CHECK:       %[[S16:.*]] = arith.addf %[[SUM]], %[[R16]]
//       CHECK:       gpu.shuffle xor %[[S16]], %c8_i32
//       CHECK:       gpu.shuffle xor %{{.*}}, %c4_i32
//       CHECK:       gpu.shuffle xor %{{.*}}, %c2_i32
//       CHECK:       %[[R1:.*]], %{{.*}} = gpu.shuffle xor %{{.*}}, %c1_i32
//       CHECK:       %[[WHOLE:.*]] = arith.addf %{{.*}}, %[[R1]]
//       CHECK:       affine.if #[[$IS_FIRST]](
//       CHECK:         %[[ROOT:.*]] = math.sqrt %[[WHOLE]]
//       CHECK:         affine.store %[[ROOT]]
func.func @long_sums(%x: memref<10x100xf32>, %y: memref<10xf32>) {
  linalg.reduce ins(%x : memref<10x100xf32>) outs(%y : memref<10xf32>) dimensions = [1]
    (%a: f32, %sum: f32) { %0 = arith.addf %a, %sum : f32 linalg.yield %0 : f32 }
  linalg.sqrt ins(%y : memref<10xf32>) outs(%y : memref<10xf32>)
  return
}

// -----

// Short sums, sums of f64 and largest elements stay with a thread.
// CHECK-LABEL: func.func @sums_of_a_thread(
//   CHECK-NOT:   gpu.shuffle
//       CHECK:   return
func.func @sums_of_a_thread(%x: memref<10x4xf32>, %y: memref<10xf32>, %u: memref<10x100xf64>, %v: memref<10xf64>,
                            %z: memref<10x100xf32>, %w: memref<10xf32>) {
  linalg.reduce ins(%x : memref<10x4xf32>) outs(%y : memref<10xf32>) dimensions = [1]
    (%a: f32, %sum: f32) { %0 = arith.addf %a, %sum : f32 linalg.yield %0 : f32 }
  linalg.reduce ins(%u : memref<10x100xf64>) outs(%v : memref<10xf64>) dimensions = [1]
    (%a: f64, %sum: f64) { %0 = arith.addf %a, %sum : f64 linalg.yield %0 : f64 }
  linalg.reduce ins(%z : memref<10x100xf32>) outs(%w : memref<10xf32>) dimensions = [1]
    (%a: f32, %sum: f32) { %0 = arith.maximumf %a, %sum : f32 linalg.yield %0 : f32 }
  return
}

// -----

// The samples of a block share weights, so a thread computes all three together and reads a weight once for them; what
// follows sample by sample joins them. A warp sums up for all of them.
// CHECK-LABEL: func.func @samples_share_weights(
//  CHECK-SAME:     %[[W:[a-z0-9]*]]: memref<300x8xf32>,
//       CHECK:   %[[LONG:.*]]:3 = affine.for %{{.*}} = 0 to 512 step 32
// CHECK-COUNT-15:  gpu.shuffle
//   CHECK-NOT:   gpu.shuffle
//       CHECK:   %[[SUMS:.*]]:3 = affine.for %{{.*}} = 0 to 8 iter_args(
// CHECK-COUNT-1:     affine.load %[[W]]
//   CHECK-NOT:     affine.load %[[W]]
//       CHECK:     affine.yield %{{.*}}, %{{.*}}, %{{.*}} : f32, f32, f32
//       CHECK:   %[[ROOT:.*]] = math.sqrt %[[SUMS]]#0
//       CHECK:   affine.store %[[ROOT]], %{{.*}}[%{{.*}} + symbol(%{{.*}}), 0]
//       CHECK:   math.sqrt %[[SUMS]]#2
func.func @samples_share_weights(%w: memref<300x8xf32>, %v: memref<9x512xf32>, %x: memref<8x3xf32>,
                                 %u: memref<512x3xf32>, %y: memref<300x3xf32>, %z: memref<9x3xf32>) {
  linalg.matmul ins(%w, %x : memref<300x8xf32>, memref<8x3xf32>) outs(%y : memref<300x3xf32>)
  linalg.sqrt ins(%y : memref<300x3xf32>) outs(%y : memref<300x3xf32>)
  linalg.matmul ins(%v, %u : memref<9x512xf32>, memref<512x3xf32>) outs(%z : memref<9x3xf32>)
  return
}

// -----

// Samples that share nothing are elements like others, and rows that lie apart are read one after the other.
// CHECK-LABEL: func.func @samples_apart(
//  CHECK-SAME:     %[[ROWS:[a-z0-9]*]]: memref<3x200xf32>,
//       CHECK:   affine.for %{{.*}} = 0 to 600 step 256
//       CHECK:   affine.load %[[ROWS]][0, symbol(%[[T:.*]])]
//       CHECK:   affine.load %[[ROWS]][1, symbol(%[[T]])]
//       CHECK:   affine.load %[[ROWS]][2, symbol(%[[T]])]
func.func @samples_apart(%rows: memref<3x200xf32>, %x: memref<200x3xf32>, %y: memref<200x3xf32>, %z: memref<200x3xf32>) {
  linalg.transpose ins(%rows : memref<3x200xf32>) outs(%x : memref<200x3xf32>) permutation = [1, 0]
  linalg.sqrt ins(%y : memref<200x3xf32>) outs(%z : memref<200x3xf32>)
  return
}

// -----

// A product of two panels: thread blocks copy 32 columns of both, then a thread computes four neighbours, and what
// follows element by element stays in registers. 84 is no multiple of 32.
//   CHECK-DAG: #[[$TILES:.*]] = affine_set<()[s0] : (-s0 + 11 >= 0)>
// CHECK-LABEL: func.func @panels_combine(
//   CHECK-DAG:   %[[LHS:.*]] = memref.alloc() : memref<66x32xf32, #gpu.address_space<workgroup>>
//   CHECK-DAG:   %[[RHS:.*]] = memref.alloc() : memref<66x32xf32, #gpu.address_space<workgroup>>
//   CHECK-DAG:   %[[T:.*]] = gpu.thread_id {{ *}}x
//   CHECK-DAG:   %[[B:.*]] = gpu.block_id {{ *}}x
//       CHECK:   affine.if #[[$TILES]]()[%[[B]]] {
//       CHECK:     affine.for %{{.*}} = 0 to 2112 step 256 {
//       CHECK:       affine.load %{{.*}} : memref<66x84xf32>
//       CHECK:     affine.for %{{.*}} = 0 to 2112 step 256 {
//       CHECK:       affine.load %{{.*}} : memref<66x120xf32>
//       CHECK:     gpu.barrier
//       CHECK:     affine.if
//       CHECK:       %[[SUMS:.*]]:4 = affine.for %[[N:.*]] = 0 to 66
//       CHECK:         affine.load %{{.*}}[%[[N]], symbol(%[[T]]) floordiv 8]
//       CHECK:         affine.load %{{.*}}[%[[N]], symbol(%[[T]]) * 4 - (symbol(%[[T]]) floordiv 8) * 32]
//       CHECK:         affine.load %{{.*}}[%[[N]], symbol(%[[T]]) * 4 - (symbol(%[[T]]) floordiv 8) * 32 + 3]
//       CHECK:       arith.subf %{{.*}}, %[[SUMS]]#3
//       CHECK:   } {ai.elements = 3072 : i64}
func.func @panels_combine(%ct: memref<66x84xf32>, %x: memref<66x120xf32>, %w: memref<84x120xf32>)
    attributes {ai.kind = "combine"} {
  %zero = arith.constant 0.0 : f32
  %dw = memref.alloc() : memref<84x120xf32>
  linalg.fill ins(%zero : f32) outs(%dw : memref<84x120xf32>)
  linalg.generic {indexing_maps = [affine_map<(o, k, n) -> (n, o)>, affine_map<(o, k, n) -> (n, k)>, affine_map<(o, k, n) -> (o, k)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ct, %x : memref<66x84xf32>, memref<66x120xf32>) outs(%dw : memref<84x120xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.sub ins(%w, %dw : memref<84x120xf32>, memref<84x120xf32>) outs(%w : memref<84x120xf32>)
  return
}

// -----

// What a block leaves behind is written as soon as it can be, and not behind what follows.
// CHECK-LABEL: func.func @outputs_first(
//  CHECK-SAME:     %[[X:[a-z0-9]*]]: memref<8xf32>, %[[ROWS:[a-z0-9]*]]: memref<8xf32>
//       CHECK:   %[[A:.*]] = memref.alloc() : memref<8xf32>
//       CHECK:   affine.store %{{.*}}, %[[A]]
//       CHECK:   affine.store %{{.*}}, %[[ROWS]]
//       CHECK:   affine.if
func.func @outputs_first(%x: memref<8xf32>, %rows: memref<8xf32>, %last: memref<7xf32>) {
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<7xf32>
  linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
  linalg.generic {indexing_maps = [affine_map<(i) -> (i + 1)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%a : memref<8xf32>) outs(%b : memref<7xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (-i + 6)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%b : memref<7xf32>) outs(%last : memref<7xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (-i + 7)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%a : memref<8xf32>) outs(%rows : memref<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }
  return
}
