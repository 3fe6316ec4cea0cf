// RUN: ai-opt %s --convert-ai-to-linalg \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   --convert-linalg-to-affine-loops | FileCheck %s

// A convolution without blocking is one nest of seven loops, beside the nest that writes the bias.

//   CHECK-DAG: #[[$AT:.*]] = affine_map<(d0, d1) -> (d0 + d1)>
// CHECK-LABEL: func @conv(
//  CHECK-SAME:     %[[X:.*]]: memref<2x3x9x10xf32>, %[[W:.*]]: memref<4x3x5x3xf32>, %[[B:.*]]: memref<4xf32>)
//       CHECK:   %[[OUT:.*]] = memref.alloc() {{.*}} : memref<2x4x5x8xf32>
//       CHECK:   affine.for %[[N:.*]] = 0 to 2 {
//  CHECK-NEXT:     affine.for %[[O:.*]] = 0 to 4 {
//  CHECK-NEXT:       affine.for %[[Y:.*]] = 0 to 5 {
//  CHECK-NEXT:         affine.for %[[XX:.*]] = 0 to 8 {
//  CHECK-NEXT:           %[[BIAS:.*]] = affine.load %[[B]][%[[O]]]
//  CHECK-NEXT:           affine.store %[[BIAS]], %[[OUT]][%[[N]], %[[O]], %[[Y]], %[[XX]]]
//       CHECK:   affine.for %[[N:.*]] = 0 to 2 {
//  CHECK-NEXT:     affine.for %[[O:.*]] = 0 to 4 {
//  CHECK-NEXT:       affine.for %[[Y:.*]] = 0 to 5 {
//  CHECK-NEXT:         affine.for %[[XX:.*]] = 0 to 8 {
//  CHECK-NEXT:           affine.for %[[I:.*]] = 0 to 3 {
//  CHECK-NEXT:             affine.for %[[P:.*]] = 0 to 5 {
//  CHECK-NEXT:               affine.for %[[Q:.*]] = 0 to 3 {
//  CHECK-NEXT:                 %[[ROW:.*]] = affine.apply #[[$AT]](%[[Y]], %[[P]])
//  CHECK-NEXT:                 %[[COLUMN:.*]] = affine.apply #[[$AT]](%[[XX]], %[[Q]])
//  CHECK-NEXT:                 %[[A:.*]] = affine.load %[[X]][%[[N]], %[[I]], %[[ROW]], %[[COLUMN]]]
//  CHECK-NEXT:                 %[[C:.*]] = affine.load %[[W]][%[[O]], %[[I]], %[[P]], %[[Q]]]
//  CHECK-NEXT:                 %[[SUM:.*]] = affine.load %[[OUT]][%[[N]], %[[O]], %[[Y]], %[[XX]]]
//  CHECK-NEXT:                 %[[PRODUCT:.*]] = arith.mulf %[[A]], %[[C]] fastmath<contract>
//  CHECK-NEXT:                 %[[NEXT:.*]] = arith.addf %[[SUM]], %[[PRODUCT]] fastmath<contract>
//  CHECK-NEXT:                 affine.store %[[NEXT]], %[[OUT]][%[[N]], %[[O]], %[[Y]], %[[XX]]]
//   CHECK-NOT:   affine.for
func.func @conv(%x: tensor<2x3x9x10xf32>, %w: tensor<4x3x5x3xf32>, %b: tensor<4xf32>) -> tensor<2x4x5x8xf32> {
  %y = ai.conv2d %x, %w, %b : (tensor<2x3x9x10xf32>, tensor<4x3x5x3xf32>, tensor<4xf32>) -> tensor<2x4x5x8xf32>
  return %y : tensor<2x4x5x8xf32>
}
