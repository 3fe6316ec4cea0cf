// RUN: ai-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @folds_neutral_operands(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x3xf32>
//  CHECK-NEXT:   return %[[X]], %[[X]], %[[X]], %[[X]] :
func.func @folds_neutral_operands(%x: tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>) {
  %minus_zero = ai.constant dense<-0.0> : tensor<f32>
  %zero = ai.constant dense<0.0> : tensor<3xf32>
  %one = ai.constant dense<1.0> : tensor<f32>
  %0 = ai.add %x, %minus_zero : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %1 = ai.sub %x, %zero : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %2 = ai.mul %one, %x : (tensor<f32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %3 = ai.div %x, %one : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  return %0, %1, %2, %3 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>
}

// The sum of -0 and +0 is +0, the product of 0 and NaN is NaN.
// CHECK-LABEL: func @keeps_inexact_identities(
//       CHECK:   ai.add
//       CHECK:   ai.mul
func.func @keeps_inexact_identities(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %zero = ai.constant dense<0.0> : tensor<f32>
  %0 = ai.add %x, %zero : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %1 = ai.mul %x, %zero : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  return %0, %1 : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: func @folds_integer_zero(
//  CHECK-SAME:   %[[X:.*]]: tensor<3xi64>
//  CHECK-NEXT:   return %[[X]] :
func.func @folds_integer_zero(%x: tensor<3xi64>) -> tensor<3xi64> {
  %zero = ai.constant dense<0> : tensor<i64>
  %0 = ai.add %x, %zero : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>
  return %0 : tensor<3xi64>
}

// CHECK-LABEL: func @keeps_broadcasting_identities(
//       CHECK:   ai.mul
//       CHECK:   ai.max
func.func @keeps_broadcasting_identities(%x: tensor<3xf32>, %y: tensor<*xf32>) -> (tensor<2x3xf32>, tensor<*xf32>) {
  %one = ai.constant dense<1.0> : tensor<2x1xf32>
  %0 = ai.mul %x, %one : (tensor<3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %1 = ai.max %y, %y : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<*xf32>
}

// CHECK-LABEL: func @folds_idempotent_ops(
//  CHECK-SAME:   %[[X:.*]]: tensor<3xf32>, %[[P:.*]]: tensor<3xi1>
//       CHECK:   %[[RELU:.*]] = ai.relu %[[X]]
//   CHECK-NOT:   ai.
//       CHECK:   return %[[X]], %[[X]], %[[X]], %[[RELU]], %[[X]] :
func.func @folds_idempotent_ops(%x: tensor<3xf32>, %p: tensor<3xi1>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %0 = ai.max %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %1 = ai.min %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %2 = ai.neg %x : (tensor<3xf32>) -> tensor<3xf32>
  %3 = ai.neg %2 : (tensor<3xf32>) -> tensor<3xf32>
  %4 = ai.relu %x : (tensor<3xf32>) -> tensor<3xf32>
  %5 = ai.relu %4 : (tensor<3xf32>) -> tensor<3xf32>
  %6 = ai.select %p, %x, %x : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0, %1, %3, %5, %6 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: func @selects_by_constant(
//  CHECK-SAME:   %[[X:.*]]: tensor<3xf32>, %[[Y:.*]]: tensor<3xf32>
//  CHECK-NEXT:   return %[[X]], %[[Y]] :
func.func @selects_by_constant(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %true = ai.constant dense<true> : tensor<i1>
  %false = ai.constant dense<false> : tensor<3xi1>
  %0 = ai.select %true, %x, %y : (tensor<i1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %1 = ai.select %false, %x, %y : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0, %1 : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: func @folds_constants(
//   CHECK-DAG:   %[[ADD:.*]] = ai.constant dense<[1.500000e+00, 2.500000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[SUB:.*]] = ai.constant dense<[5.000000e-01, 1.500000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[DIV:.*]] = ai.constant dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[MAX:.*]] = ai.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[NEG:.*]] = ai.constant dense<[-1.000000e+00, -2.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[RELU:.*]] = ai.constant dense<0.000000e+00> : tensor<2xf32>
//   CHECK-DAG:   %[[MIN:.*]] = ai.constant dense<5.000000e-01> : tensor<2xf32>
//       CHECK:   return %[[ADD]], %[[SUB]], %[[MIN]], %[[DIV]], %[[MAX]], %[[MIN]], %[[NEG]], %[[RELU]] :
func.func @folds_constants() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %x = ai.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %h = ai.constant dense<0.5> : tensor<f32>
  %ones = ai.constant dense<1.0> : tensor<2xf32>
  %0 = ai.add %x, %h : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = ai.sub %x, %h : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = ai.mul %ones, %h : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %3 = ai.div %x, %h : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %4 = ai.max %x, %h : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %5 = ai.min %x, %h : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %6 = ai.neg %x : (tensor<2xf32>) -> tensor<2xf32>
  %7 = ai.relu %6 : (tensor<2xf32>) -> tensor<2xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// CHECK-LABEL: func @keeps_library_functions(
//       CHECK:   ai.exp
func.func @keeps_library_functions() -> tensor<f32> {
  %x = ai.constant dense<1.0> : tensor<f32>
  %0 = ai.exp %x : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func @folds_casts(
//  CHECK-SAME:   %[[X:.*]]: tensor<3xf32>
//   CHECK-DAG:   %[[WIDE:.*]] = ai.constant dense<5.000000e-01> : tensor<f64>
//   CHECK-DAG:   %[[FROM_INT:.*]] = ai.constant dense<[-1.000000e+00, 2.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[FROM_BOOL:.*]] = ai.constant dense<1.000000e+00> : tensor<f32>
//       CHECK:   return %[[X]], %[[WIDE]], %[[FROM_INT]], %[[FROM_BOOL]] :
func.func @folds_casts(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<f64>, tensor<2xf32>, tensor<f32>) {
  %h = ai.constant dense<0.5> : tensor<f32>
  %i = ai.constant dense<[-1, 2]> : tensor<2xi32>
  %true = ai.constant dense<true> : tensor<i1>
  %0 = ai.cast %x : (tensor<3xf32>) -> tensor<3xf32>
  %1 = ai.cast %h : (tensor<f32>) -> tensor<f64>
  %2 = ai.cast %i : (tensor<2xi32>) -> tensor<2xf32>
  %3 = ai.cast %true : (tensor<i1>) -> tensor<f32>
  return %0, %1, %2, %3 : tensor<3xf32>, tensor<f64>, tensor<2xf32>, tensor<f32>
}

// CHECK-LABEL: func @folds_shape_identities(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x3xf32>, %[[S:.*]]: tensor<2x3xf32>
//  CHECK-NEXT:   return %[[X]], %[[X]], %[[X]], %[[S]], %[[X]], %[[X]] :
func.func @folds_shape_identities(%x: tensor<?x3xf32>, %s: tensor<2x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<2x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>) {
  %0 = ai.reshape %x {shape = [-1, 3]} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %1 = ai.flatten %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %2 = ai.transpose %x {permutation = [0, 1]} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %3 = ai.broadcast %s {shape = [2, 3]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = ai.broadcast_like %x, %x : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %5 = ai.reduce_sum %x {dims = []} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<2x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>
}

// CHECK-LABEL: func @folds_reductions_of_nothing(
//  CHECK-SAME:   %[[X:.*]]: tensor<3xf32>
//  CHECK-NEXT:   return %[[X]], %[[X]] :
func.func @folds_reductions_of_nothing(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %0 = ai.reduce_mean %x {dims = []} : (tensor<3xf32>) -> tensor<3xf32>
  %1 = ai.reduce_max %x {dims = [], keepdims} : (tensor<3xf32>) -> tensor<3xf32>
  return %0, %1 : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: func @reshapes_constants(
//   CHECK-DAG:   %[[RESHAPED:.*]] = ai.constant dense<{{\[}}[1, 2], [3, 4]]> : tensor<2x2xi32>
//   CHECK-DAG:   %[[TRANSPOSED:.*]] = ai.constant dense<1.000000e+00> : tensor<3x2xf32>
//       CHECK:   return %[[RESHAPED]], %[[TRANSPOSED]] :
func.func @reshapes_constants() -> (tensor<2x2xi32>, tensor<3x2xf32>) {
  %x = ai.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %y = ai.constant dense<1.0> : tensor<2x3xf32>
  %0 = ai.reshape %x {shape = [2, -1]} : (tensor<4xi32>) -> tensor<2x2xi32>
  %1 = ai.transpose %y {permutation = [1, 0]} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0, %1 : tensor<2x2xi32>, tensor<3x2xf32>
}

// CHECK-LABEL: func @keeps_broadcast_constant(
//       CHECK:   ai.broadcast
func.func @keeps_broadcast_constant() -> tensor<64x64xf32> {
  %x = ai.constant dense<1.0> : tensor<f32>
  %0 = ai.broadcast %x {shape = [64, 64]} : (tensor<f32>) -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}

// CHECK-LABEL: func @keeps_flatten_of_unknown_rank(
//       CHECK:   ai.flatten
func.func @keeps_flatten_of_unknown_rank(%x: tensor<*xf32>) -> tensor<*xf32> {
  %0 = ai.flatten %x : (tensor<*xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// CHECK-LABEL: func @folds_training_ops(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x3xf32>, %[[I:.*]]: tensor<i64>, %[[J:.*]]: tensor<i64>
//       CHECK:   %[[MASKED:.*]] = ai.mask_samples %[[X]], %[[I]], %[[J]]
//   CHECK-NOT:   ai.
//       CHECK:   return %[[X]], %[[MASKED]] :
func.func @folds_training_ops(%x: tensor<?x3xf32>, %i: tensor<i64>, %j: tensor<i64>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %0 = ai.dropout %x {rate = 0.0} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %1 = ai.mask_samples %x, %i, %j : (tensor<?x3xf32>, tensor<i64>, tensor<i64>) -> tensor<?x3xf32>
  %2 = ai.mask_samples %1, %i, %j : (tensor<?x3xf32>, tensor<i64>, tensor<i64>) -> tensor<?x3xf32>
  return %0, %2 : tensor<?x3xf32>, tensor<?x3xf32>
}

// CHECK-LABEL: func @folds_relayouts(
//  CHECK-SAME:   %[[X:.*]]: tensor<16x3xf32>
//  CHECK-NEXT:   return %[[X]] :
func.func @folds_relayouts(%x: tensor<16x3xf32>) -> tensor<16x3xf32> {
  %0 = ai.relayout %x : tensor<16x3xf32> -> tensor<16x3xf32, #ai.lanes<0>>
  %1 = ai.relayout %0 : tensor<16x3xf32, #ai.lanes<0>> -> tensor<16x3xf32>
  return %1 : tensor<16x3xf32>
}

// CHECK-LABEL: func @sums_before_the_scatter(
//  CHECK-SAME:     %[[CT:.*]]: tensor<?x6x4x4xf32>,
//   CHECK-NOT:   ai.max_pool2d_scatter
//       CHECK:   ai.reduce_sum %[[CT]]
func.func @sums_before_the_scatter(%ct: tensor<?x6x4x4xf32>, %winner: tensor<?x6x4x4xi8>) -> tensor<6xf32> {
  %0 = ai.max_pool2d_scatter %ct, %winner {kernel = [2, 2], input_size = [8, 8]}
    : (tensor<?x6x4x4xf32>, tensor<?x6x4x4xi8>) -> tensor<?x6x8x8xf32>
  %1 = ai.reduce_sum %0 {dims = [0, 2, 3]} : (tensor<?x6x8x8xf32>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

// CHECK-LABEL: func @keeps_the_scatter_of_rows(
//       CHECK:   %[[IMAGE:.*]] = ai.max_pool2d_scatter
//       CHECK:   ai.reduce_sum %[[IMAGE]]
func.func @keeps_the_scatter_of_rows(%ct: tensor<?x6x4x4xf32>, %winner: tensor<?x6x4x4xi8>) -> tensor<6x8xf32> {
  %0 = ai.max_pool2d_scatter %ct, %winner {kernel = [2, 2], input_size = [8, 8]}
    : (tensor<?x6x4x4xf32>, tensor<?x6x4x4xi8>) -> tensor<?x6x8x8xf32>
  %1 = ai.reduce_sum %0 {dims = [0, 3]} : (tensor<?x6x8x8xf32>) -> tensor<6x8xf32>
  return %1 : tensor<6x8xf32>
}
