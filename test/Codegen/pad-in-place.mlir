// RUN: ai-opt %s --ai-pad-in-place --split-input-file | FileCheck %s

// The border is set first; the last op that writes the images, and another one that reads them, do so inside of it.
#id = affine_map<(i, j) -> (i, j)>
#inside = affine_map<(i, j) -> (i + 1, j + 2)>
#sides = affine_map<(i, s, j) -> (s, j)>
#columns = affine_map<(i, s, j) -> (i, s * 9 + j)>
// CHECK-DAG: #[[$INSIDE:.*]] = affine_map<(d0, d1) -> (d0 + 1, d1 + 2)>
// CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @elementwise(
//  CHECK-SAME:     %[[X:.*]]: tensor<8x7xf32>
//       CHECK:   %[[LARGE:.*]] = tensor.empty() : tensor<10x11xf32>
//       CHECK:   %[[BORDER:.*]] = linalg.generic {{.*}} outs(%[[LARGE]] : tensor<10x11xf32>)
//       CHECK:   %[[IMAGES:.*]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$INSIDE]]]{{.*}} ins(%[[X]] : tensor<8x7xf32>) outs(%[[BORDER]] : tensor<10x11xf32>)
//   CHECK-NOT:   linalg.generic
//       CHECK:   %[[READ:.*]] = linalg.generic {indexing_maps = [#[[$INSIDE]], #[[$ID]]]{{.*}} ins(%[[IMAGES]] : tensor<10x11xf32>)
//       CHECK:   return %[[IMAGES]], %[[READ]]
func.func @elementwise(%x: tensor<8x7xf32>) -> (tensor<10x11xf32>, tensor<8x7xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8x7xf32>
  %images = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x7xf32>) outs(%empty : tensor<8x7xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.negf %in : f32
    linalg.yield %y : f32
  } -> tensor<8x7xf32>
  %large = tensor.empty() : tensor<10x11xf32>
  %copy = linalg.generic {indexing_maps = [#id, #inside], iterator_types = ["parallel", "parallel"]}
      ins(%images : tensor<8x7xf32>) outs(%large : tensor<10x11xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<10x11xf32>
  %range = tensor.empty() : tensor<2x2xi1>
  %padded = linalg.generic {indexing_maps = [#sides, #columns], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%range : tensor<2x2xi1>) outs(%copy : tensor<10x11xf32>) {
  ^bb0(%in: i1, %out: f32):
    linalg.yield %zero : f32
  } -> tensor<10x11xf32>
  %read = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%images : tensor<8x7xf32>) outs(%empty : tensor<8x7xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.exp %in : f32
    linalg.yield %y : f32
  } -> tensor<8x7xf32>
  return %padded, %read : tensor<10x11xf32>, tensor<8x7xf32>
}

// -----

// A sum that starts from zeros is written inside as a whole, its zeros, too; their extents are those of an operand
// without elements in memory.
#id = affine_map<(i, j) -> (i, j)>
#inside = affine_map<(i, j) -> (i + 1, j + 1)>
#term = affine_map<(i, j, k) -> (i, j, k)>
#sum = affine_map<(i, j, k) -> (i, j)>
// CHECK-DAG: #[[$INSIDE:.*]] = affine_map<(d0, d1) -> (d0 + 1, d1 + 1)>
// CHECK-DAG: #[[$SUM:.*]] = affine_map<(d0, d1, d2) -> (d0 + 1, d1 + 1)>
// CHECK-LABEL: func.func @sum(
//       CHECK:   %[[LARGE:.*]] = tensor.empty() : tensor<6x6xf32>
//       CHECK:   %[[RANGE:.*]] = tensor.empty() : tensor<4x4xi1>
//       CHECK:   %[[ZEROS:.*]] = linalg.generic {indexing_maps = [{{.*}}, #[[$INSIDE]]]{{.*}} ins(%{{.*}}, %[[RANGE]] : f32, tensor<4x4xi1>) outs(%[[LARGE]] : tensor<6x6xf32>)
//       CHECK:   %[[SUMS:.*]] = linalg.generic {indexing_maps = [{{.*}}, #[[$SUM]]]{{.*}} outs(%[[ZEROS]] : tensor<6x6xf32>)
//       CHECK:   return %[[SUMS]]
func.func @sum(%x: tensor<4x4x3xf32>) -> tensor<6x6xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %sums = linalg.generic {indexing_maps = [#term, #sum], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<4x4x3xf32>) outs(%zeros : tensor<4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<4x4xf32>
  %large = tensor.empty() : tensor<6x6xf32>
  %copy = linalg.generic {indexing_maps = [#id, #inside], iterator_types = ["parallel", "parallel"]}
      ins(%sums : tensor<4x4xf32>) outs(%large : tensor<6x6xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<6x6xf32>
  return %copy : tensor<6x6xf32>
}

// -----

// Images that are an argument, or that something else than a generic reads, keep their copy; so does a copy that
// transposes, and one from which two borders start.
#id = affine_map<(i, j) -> (i, j)>
#inside = affine_map<(i, j) -> (i + 1, j + 1)>
#swap = affine_map<(i, j) -> (j + 1, i + 1)>
#sides = affine_map<(i, s) -> (i, s * 5)>
// CHECK-LABEL: func.func @left_alone(
// CHECK-COUNT-9: linalg.generic
//     CHECK-NOT: linalg.generic
func.func @left_alone(%x: tensor<4x4xf32>) 
    -> (tensor<6x6xf32>, tensor<6x6xf32>, tensor<16xf32>, tensor<6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>) {
  %large = tensor.empty() : tensor<6x6xf32>
  %argument = linalg.generic {indexing_maps = [#id, #inside], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x4xf32>) outs(%large : tensor<6x6xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<6x6xf32>
  %empty = tensor.empty() : tensor<4x4xf32>
  %images = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x4xf32>) outs(%empty : tensor<4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.negf %in : f32
    linalg.yield %y : f32
  } -> tensor<4x4xf32>
  %copy = linalg.generic {indexing_maps = [#id, #inside], iterator_types = ["parallel", "parallel"]}
      ins(%images : tensor<4x4xf32>) outs(%large : tensor<6x6xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<6x6xf32>
  %flat = tensor.collapse_shape %images [[0, 1]] : tensor<4x4xf32> into tensor<16xf32>
  %others = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x4xf32>) outs(%empty : tensor<4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.exp %in : f32
    linalg.yield %y : f32
  } -> tensor<4x4xf32>
  %transposed = linalg.generic {indexing_maps = [#id, #swap], iterator_types = ["parallel", "parallel"]}
      ins(%others : tensor<4x4xf32>) outs(%large : tensor<6x6xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<6x6xf32>
  %waves = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x4xf32>) outs(%empty : tensor<4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.sin %in : f32
    linalg.yield %y : f32
  } -> tensor<4x4xf32>
  %shared = linalg.generic {indexing_maps = [#id, #inside], iterator_types = ["parallel", "parallel"]}
      ins(%waves : tensor<4x4xf32>) outs(%large : tensor<6x6xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<6x6xf32>
  %range = tensor.empty() : tensor<6x2xi1>
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %zeros = linalg.generic {indexing_maps = [#id, #sides], iterator_types = ["parallel", "parallel"]}
      ins(%range : tensor<6x2xi1>) outs(%shared : tensor<6x6xf32>) {
  ^bb0(%in: i1, %out: f32):
    linalg.yield %zero : f32
  } -> tensor<6x6xf32>
  %ones = linalg.generic {indexing_maps = [#id, #sides], iterator_types = ["parallel", "parallel"]}
      ins(%range : tensor<6x2xi1>) outs(%shared : tensor<6x6xf32>) {
  ^bb0(%in: i1, %out: f32):
    linalg.yield %one : f32
  } -> tensor<6x6xf32>
  return %argument, %copy, %flat, %transposed, %zeros, %ones
      : tensor<6x6xf32>, tensor<6x6xf32>, tensor<16xf32>, tensor<6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>
}
