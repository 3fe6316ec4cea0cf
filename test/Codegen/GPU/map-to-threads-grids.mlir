// RUN: ai-opt %s --ai-map-to-threads="grids" -canonicalize | FileCheck %s

// Where grids run everything, a block has a thread for each element, and a warp for a long sum. A call stays where it
// is: what stands behind it does not join what stands before.
// CHECK-LABEL: func.func @around_a_call(
//  CHECK-SAME:     attributes {ai.grid, ai.kind = "block", ai.threads = 256 : i64}
//       CHECK:   gpu.block_id
//       CHECK:   affine.if
//       CHECK:     arith.negf
//       CHECK:   } {ai.elements = 4096 : i64}
//       CHECK:   library.call matmul(
//       CHECK:   affine.if
//       CHECK:     gpu.shuffle
//       CHECK:   } {ai.elements = 2048 : i64}
//   CHECK-NOT:   linalg
func.func @around_a_call(%x: memref<64x64xf32>, %y: memref<64x64xf32>, %z: memref<64x64xf32>, %s: memref<64xf32>)
    attributes {ai.kind = "block"} {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  library.call matmul(%y, %y) into %z : (memref<64x64xf32>, memref<64x64xf32>), memref<64x64xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%y : memref<64x64xf32>) outs(%s : memref<64xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %out, %a : f32
    linalg.yield %0 : f32
  }
  return
}
