// RUN: ai-opt %s --convert-ai-to-linalg | FileCheck %s

// CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[$SCALAR:.*]] = affine_map<(d0, d1) -> ()>
// CHECK-DAG: #[[$NONE:.*]] = affine_map<() -> ()>


// CHECK-LABEL: func @broadcasts(
//       CHECK:   linalg.generic {indexing_maps = [#[[$COLUMN]], #[[$ROW]], #[[$ID]]], iterator_types = ["parallel", "parallel"]}
//       CHECK:     arith.addf %{{.*}}, %{{.*}} fastmath<contract> : f32
func.func @broadcasts(%a: tensor<2x1xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = ai.add %a, %b : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @broadcasts_a_scalar(
//       CHECK:   linalg.generic {indexing_maps = [#[[$ID]], #[[$SCALAR]], #[[$ID]]]
func.func @broadcasts_a_scalar(%a: tensor<2x3xf64>, %b: tensor<f64>) -> tensor<2x3xf64> {
  %0 = ai.div %a, %b : (tensor<2x3xf64>, tensor<f64>) -> tensor<2x3xf64>
  return %0 : tensor<2x3xf64>
}

// CHECK-LABEL: func @computes_scalars(
//       CHECK:   linalg.generic {indexing_maps = [#[[$NONE]], #[[$NONE]], #[[$NONE]]], iterator_types = []}
func.func @computes_scalars(%a: tensor<f64>) -> tensor<f64> {
  %0 = ai.power %a, %a : (tensor<f64>, tensor<f64>) -> tensor<f64>
  return %0 : tensor<f64>
}

// CHECK-LABEL: func @keeps_nan_in_relu(
//       CHECK:   ^bb0(%[[X:.*]]: f32, %{{.*}}: f32):
//  CHECK-NEXT:     %[[ZERO:.*]] = arith.constant 0.0
//  CHECK-NEXT:     %[[NEGATIVE:.*]] = arith.cmpf ogt, %[[ZERO]], %[[X]]
//  CHECK-NEXT:     arith.select %[[NEGATIVE]], %[[ZERO]], %[[X]]
func.func @keeps_nan_in_relu(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ai.relu %a : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @max_gives_nan(
//       CHECK:   ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
//  CHECK-NEXT:     %[[GT:.*]] = arith.cmpf ogt, %[[A]], %[[B]]
//  CHECK-NEXT:     %[[LARGER:.*]] = arith.select %[[GT]], %[[A]], %[[B]]
//  CHECK-NEXT:     %[[NAN:.*]] = arith.cmpf uno, %[[A]], %[[A]]
//  CHECK-NEXT:     arith.select %[[NAN]], %[[A]], %[[LARGER]]
func.func @max_gives_nan(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ai.max %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @compares(
//       CHECK:   linalg.generic {{.*}} outs(%{{.*}} : tensor<4xi1>)
//       CHECK:     arith.cmpf une
func.func @compares(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xi1> {
  %0 = ai.compare ne, %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: func @selects(
//       CHECK:   linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4xi1>, tensor<4xf32>, tensor<4xf32>)
//       CHECK:     arith.select
func.func @selects(%c: tensor<4xi1>, %a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ai.select %c, %a, %b : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @casts(
//       CHECK:     arith.sitofp %{{.*}} : i64 to f64
//       CHECK:     arith.truncf %{{.*}} : f64 to f32
//       CHECK:     arith.fptosi %{{.*}} : f32 to i32
//       CHECK:     arith.cmpi ne
//       CHECK:     arith.uitofp %{{.*}} : i1 to f32
func.func @casts(%a: tensor<4xi64>) -> tensor<4xf32> {
  %0 = ai.cast %a : (tensor<4xi64>) -> tensor<4xf64>
  %1 = ai.cast %0 : (tensor<4xf64>) -> tensor<4xf32>
  %2 = ai.cast %1 : (tensor<4xf32>) -> tensor<4xi32>
  %3 = ai.cast %2 : (tensor<4xi32>) -> tensor<4xi1>
  %4 = ai.cast %3 : (tensor<4xi1>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// CHECK-LABEL: func @calls_math(
//       CHECK: math.exp
//       CHECK: math.log
//       CHECK: math.sqrt
//       CHECK: math.sin
//       CHECK: math.cos
//       CHECK: math.tanh
//       CHECK: math.exp
//       CHECK: arith.negf
//       CHECK: arith.subf
//       CHECK: arith.mulf
//       CHECK: arith.cmpf olt
func.func @calls_math(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ai.exp %a : (tensor<4xf32>) -> tensor<4xf32>
  %1 = ai.log %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = ai.sqrt %1 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = ai.sin %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = ai.cos %3 : (tensor<4xf32>) -> tensor<4xf32>
  %5 = ai.tanh %4 : (tensor<4xf32>) -> tensor<4xf32>
  %6 = ai.sigmoid %5 : (tensor<4xf32>) -> tensor<4xf32>
  %7 = ai.neg %6 : (tensor<4xf32>) -> tensor<4xf32>
  %8 = ai.sub %7, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %9 = ai.mul %8, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %10 = ai.min %9, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %10 : tensor<4xf32>
}
