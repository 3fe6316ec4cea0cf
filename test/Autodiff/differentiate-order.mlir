// RUN: ai-opt %s -ai-differentiate | FileCheck %s

// Requests are expanded after those that they need, wherever they stand.

// CHECK-DAG: func @cube_gradient(%{{.*}}: tensor<f64>) -> tensor<f64>
// CHECK-DAG: func @cube_gradient_gradient(%{{.*}}: tensor<f64>) -> tensor<f64>
ai.gradient @cube_gradient wrt [0]
ai.gradient @cube wrt [0]

func.func @square(%x: tensor<f64>) -> tensor<f64> {
  %0 = ai.mul %x, %x : (tensor<f64>, tensor<f64>) -> tensor<f64>
  return %0 : tensor<f64>
}

// Calls are inlined into what is derived from them.
func.func @cube(%x: tensor<f64>) -> tensor<f64> {
  %0 = call @square(%x) : (tensor<f64>) -> tensor<f64>
  %1 = ai.mul %0, %x : (tensor<f64>, tensor<f64>) -> tensor<f64>
  return %1 : tensor<f64>
}

// A declaration lets other functions call a gradient; it is filled in.
func.func private @square_gradient(tensor<f64>) -> tensor<f64>
ai.gradient @square wrt [0]

func.func @twice_the_slope(%x: tensor<f64>) -> tensor<f64> {
  %0 = call @square_gradient(%x) : (tensor<f64>) -> tensor<f64>
  %1 = ai.add %0, %0 : (tensor<f64>, tensor<f64>) -> tensor<f64>
  return %1 : tensor<f64>
}
ai.gradient @twice_the_slope wrt [0]

// CHECK-LABEL: func @square_gradient(%{{.*}}: tensor<f64>) -> tensor<f64> {
// CHECK-LABEL: func @twice_the_slope_gradient(
//   CHECK-NOT:   call
//       CHECK:   return
