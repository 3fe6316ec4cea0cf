// RUN: ai-opt %s --split-input-file --ai-block-batch=size=16 --ai-choose-lanes=l2=40000 | FileCheck %s
// RUN: ai-opt %s --split-input-file --ai-block-batch=size=16 --ai-choose-lanes | FileCheck %s --check-prefix=LARGE
// RUN: ai-opt %s --split-input-file --ai-block-batch=size=1 --ai-choose-lanes | FileCheck %s --check-prefix=ALONE
// RUN: ai-opt %s --split-input-file --ai-block-batch=size=1 --ai-choose-lanes=masks=false | FileCheck %s --check-prefix=PARTS
// RUN: ai-opt %s --split-input-file --ai-block-batch=size=16 --ai-choose-lanes=l2=40000 -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// The sums of the second layer's weight gradient, 32,768 bytes of vectors, are too many for half of the cache: its
// images, and all that are computed from them or they from, have channels as lanes. The first layer's input has too few
// channels and is read row major; what is flattened goes back to samples.
// LARGE-NOT: #ai.lanes<1>
// REMARK: :[[@LINE+36]]:10: remark: channels as lanes: a sum for each of 16 samples takes 32768 bytes, more than 20000
// CHECK-LABEL: func.func @two_layers(
//  CHECK-SAME:     %[[W1:[a-z0-9]+]]: tensor<32x3x1x1xf32>, %[[W2:[a-z0-9]+]]: tensor<16x32x1x1xf32>,
//       CHECK:   ai.for_blocks
//       CHECK:   ^bb0(%{{.*}}: tensor<i64>, %[[X:.*]]: tensor<16x3x8x8xf32>, %[[CT:.*]]: tensor<16x256xf32>):
//   CHECK-DAG:     %[[CT0:.*]] = ai.relayout %[[CT]] : {{.*}} -> tensor<16x256xf32, #ai.lanes<0>>
//   CHECK-DAG:     %[[O1:.*]] = ai.relayout %[[W1]] : tensor<32x3x1x1xf32> -> tensor<32x3x1x1xf32, #ai.lanes<0>>
//       CHECK:     %[[Y1:.*]] = ai.conv2d %{{.*}}, %[[O1]] : (tensor<16x3x8x8xf32>, tensor<32x3x1x1xf32, #ai.lanes<0>>)
//  CHECK-SAME:       -> tensor<16x32x8x8xf32, #ai.lanes<1>>
//       CHECK:     %[[R:.*]] = ai.relu %[[Y1]] : {{.*}} -> tensor<16x32x8x8xf32, #ai.lanes<1>>
//       CHECK:     %[[O2:.*]] = ai.relayout %[[W2]] : {{.*}} -> tensor<16x32x1x1xf32, #ai.lanes<0>>
//       CHECK:     %[[Y2:.*]] = ai.conv2d %[[R]], %[[O2]] : {{.*}} -> tensor<16x16x8x8xf32, #ai.lanes<1>>
//       CHECK:     %[[P:.*]] = ai.max_pool2d %[[Y2]] {{.*}} -> tensor<16x16x4x4xf32, #ai.lanes<1>>
//       CHECK:     %[[P0:.*]] = ai.relayout %[[P]] : {{.*}} -> tensor<16x16x4x4xf32, #ai.lanes<0>>
//       CHECK:     ai.flatten %[[P0]]
//       CHECK:     %[[G0:.*]] = ai.reshape %[[CT0]]
//       CHECK:     %[[S:.*]] = ai.reduce_sum %[[G:.*]] {dims = [2, 3]} : {{.*}}#ai.lanes<1>>) -> tensor<16x16xf32>
//       CHECK:     %[[DW2:.*]] = ai.conv2d_weight_gradient %[[R]], %[[G]] {kernel_size = [1, 1]}
//  CHECK-SAME:       -> tensor<16x32x1x1xf32, #ai.lanes<1>>
//       CHECK:     %[[DW2R:.*]] = ai.relayout %[[DW2]] : {{.*}} -> tensor<16x32x1x1xf32>
//       CHECK:     %[[I2:.*]] = ai.relayout %[[W2]] : {{.*}} -> tensor<16x32x1x1xf32, #ai.lanes<1>>
//       CHECK:     %[[DX:.*]] = ai.conv2d_input_gradient %[[G]], %[[I2]] {{.*}} -> tensor<16x32x8x8xf32, #ai.lanes<1>>
//       CHECK:     %[[DW1:.*]] = ai.conv2d_weight_gradient %{{.*}}, %[[DX]] {{.*}}tensor<16x3x8x8xf32>,
//  CHECK-SAME:       -> tensor<32x3x1x1xf32, #ai.lanes<0>>
//       CHECK:     %[[DW1R:.*]] = ai.relayout %[[DW1]] : {{.*}} -> tensor<32x3x1x1xf32>
//       CHECK:     ai.yield {{.*}}%[[S]], %[[DW2R]], %[[DW1R]]
func.func @two_layers(%w1: tensor<32x3x1x1xf32>, %w2: tensor<16x32x1x1xf32>, %x: tensor<?x3x8x8xf32>, %ct: tensor<?x256xf32>)
    -> (tensor<?x256xf32>, tensor<16xf32>, tensor<16x32x1x1xf32>, tensor<32x3x1x1xf32>) {
  %y1 = ai.conv2d %x, %w1 : (tensor<?x3x8x8xf32>, tensor<32x3x1x1xf32>) -> tensor<?x32x8x8xf32>
  %r = ai.relu %y1 : (tensor<?x32x8x8xf32>) -> tensor<?x32x8x8xf32>
  %y2 = ai.conv2d %r, %w2 : (tensor<?x32x8x8xf32>, tensor<16x32x1x1xf32>) -> tensor<?x16x8x8xf32>
  %p = ai.max_pool2d %y2 {kernel = [2, 2]} : (tensor<?x16x8x8xf32>) -> tensor<?x16x4x4xf32>
  %f = ai.flatten %p : (tensor<?x16x4x4xf32>) -> tensor<?x256xf32>
  %g4 = ai.reshape %ct {shape = [-1, 16, 4, 4]} : (tensor<?x256xf32>) -> tensor<?x16x4x4xf32>
  %g = ai.avg_pool2d_gradient %g4 {input_size = [8, 8], kernel = [2, 2]} : (tensor<?x16x4x4xf32>) -> tensor<?x16x8x8xf32>
  %db = ai.reduce_sum %g {dims = [0, 2, 3]} : (tensor<?x16x8x8xf32>) -> tensor<16xf32>
  %dw2 = ai.conv2d_weight_gradient %r, %g {kernel_size = [1, 1]}
      : (tensor<?x32x8x8xf32>, tensor<?x16x8x8xf32>) -> tensor<16x32x1x1xf32>
  %dx = ai.conv2d_input_gradient %g, %w2 {input_size = [8, 8]}
      : (tensor<?x16x8x8xf32>, tensor<16x32x1x1xf32>) -> tensor<?x32x8x8xf32>
  %dw1 = ai.conv2d_weight_gradient %x, %dx {kernel_size = [1, 1]}
      : (tensor<?x3x8x8xf32>, tensor<?x32x8x8xf32>) -> tensor<32x3x1x1xf32>
  return %f, %db, %dw2, %dw1 : tensor<?x256xf32>, tensor<16xf32>, tensor<16x32x1x1xf32>, tensor<32x3x1x1xf32>
}

// -----

// Seven channels fill no vector, and an operand that broadcasts is no image: what is computed from them keeps samples as
// lanes.
// CHECK-LABEL: func.func @meets_others(
//       CHECK:     %[[X:.*]] = ai.exp %{{.*}} -> tensor<16x32x4x4xf32, #ai.lanes<1>>
//       CHECK:     ai.conv2d_weight_gradient %[[X]], %{{.*}} tensor<16x7x2x2xf32>) -> tensor<7x32x3x3xf32, #ai.lanes<1>>
//       CHECK:     %[[X0:.*]] = ai.relayout %[[X]] : {{.*}} -> tensor<16x32x4x4xf32, #ai.lanes<0>>
//       CHECK:     %[[Y:.*]] = ai.mul %[[X0]], %{{.*}} -> tensor<16x32x4x4xf32, #ai.lanes<0>>
//       CHECK:     ai.relayout %[[Y]] : {{.*}} -> tensor<16x32x4x4xf32>
func.func @meets_others(%s: tensor<32x1x1xf32>, %x: tensor<?x32x4x4xf32>, %ct: tensor<?x7x2x2xf32>)
    -> (tensor<7x32x3x3xf32>, tensor<?x32x4x4xf32>) {
  %e = ai.exp %x : (tensor<?x32x4x4xf32>) -> tensor<?x32x4x4xf32>
  %n = ai.neg %ct : (tensor<?x7x2x2xf32>) -> tensor<?x7x2x2xf32>
  %dw = ai.conv2d_weight_gradient %e, %n {kernel_size = [3, 3]}
      : (tensor<?x32x4x4xf32>, tensor<?x7x2x2xf32>) -> tensor<7x32x3x3xf32>
  %y = ai.mul %e, %s : (tensor<?x32x4x4xf32>, tensor<32x1x1xf32>) -> tensor<?x32x4x4xf32>
  return %dw, %y : tensor<7x32x3x3xf32>, tensor<?x32x4x4xf32>
}

// -----

// Of a 3x3 window's nine cotangents one is not zero, and two columns of seven channels fill 14 of a vector's 16 lanes: a term
// that is looked up may cost two. The scatter that the input gradient reads stays. One
// channel fills 2 of 16: that gradient keeps its zeros.
// REMARK: :[[@LINE+19]]:9: remark: channels as lanes: 512 of 4608 cotangents are not zero
// REMARK-NOT: remark
// LARGE-LABEL: func.func @winners(
//       LARGE:   #ai.lanes<1>
// CHECK-LABEL: func.func @winners(
//       CHECK:   ^bb0(%{{.*}}: tensor<i64>, %{{.*}}: tensor<16x7x7x7xf32>, %[[CT:.*]]: tensor<16x8x2x2xf32>, %[[AT:.*]]: {{.*}}xi8>):
//       CHECK:     %[[X:.*]] = ai.relayout %{{.*}} -> tensor<16x7x7x7xf32, #ai.lanes<0>>
//       CHECK:     %[[G:.*]] = ai.max_pool2d_scatter {{.*}} -> tensor<16x8x6x6xf32, #ai.lanes<0>>
//       CHECK:     %[[ROWS:.*]] = ai.max_pool2d_scatter %[[CT]], %[[AT]] {{.*}} -> tensor<16x8x6x6xf32>
//       CHECK:     %[[DW:.*]] = ai.conv2d_weight_gradient %[[X]], %[[ROWS]] {kernel_size = [2, 2]}
//  CHECK-SAME:       -> tensor<8x7x2x2xf32, #ai.lanes<1>>
//       CHECK:     %[[DWR:.*]] = ai.relayout %[[DW]] : {{.*}} -> tensor<8x7x2x2xf32>
//       CHECK:     ai.conv2d_weight_gradient {{.*}}, %[[G]] {{.*}} per_sample}
//       CHECK:     ai.conv2d_input_gradient %[[G]], {{.*}} -> tensor<16x7x7x7xf32, #ai.lanes<0>>
//       CHECK:     ai.yield %[[DWR]]
func.func @winners(%w: tensor<8x7x2x2xf32>, %x: tensor<?x7x7x7xf32>, %ct: tensor<?x8x2x2xf32>, %at: tensor<?x8x2x2xi8>)
    -> (tensor<8x7x2x2xf32>, tensor<8x1x2x2xf32>, tensor<?x7x7x7xf32>) {
  %g = ai.max_pool2d_scatter %ct, %at {input_size = [6, 6], kernel = [3, 3]}
      : (tensor<?x8x2x2xf32>, tensor<?x8x2x2xi8>) -> tensor<?x8x6x6xf32>
  %dw = ai.conv2d_weight_gradient %x, %g {kernel_size = [2, 2]}
      : (tensor<?x7x7x7xf32>, tensor<?x8x6x6xf32>) -> tensor<8x7x2x2xf32>
  %m = ai.reduce_mean %x {dims = [1], keepdims} : (tensor<?x7x7x7xf32>) -> tensor<?x1x7x7xf32>
  %dm = ai.conv2d_weight_gradient %m, %g {kernel_size = [2, 2]}
      : (tensor<?x1x7x7xf32>, tensor<?x8x6x6xf32>) -> tensor<8x1x2x2xf32>
  %dx = ai.conv2d_input_gradient %g, %w {input_size = [7, 7]}
      : (tensor<?x8x6x6xf32>, tensor<8x7x2x2xf32>) -> tensor<?x7x7x7xf32>
  return %dw, %dm, %dx : tensor<8x7x2x2xf32>, tensor<8x1x2x2xf32>, tensor<?x7x7x7xf32>
}

// -----

// Of a sample alone all images have channels as lanes, also one number for each channel: the mean over an image's pixels,
// what it is added to, and its gradient, which is repeated. A weight gradient's lanes are the channels that fill more of a
// vector: 11 outputs, not 2 inputs; 18 inputs take two vectors, so there it is 12 outputs. What comes in row major and is
// read element by element stays so. Where a max-pool leaves zeros between the cotangents of eight outputs, it is two inputs.
// Without masks 18 are 16 + 2, two vectors as 12 = 8 + 4 are.
// PARTS-LABEL: func.func @alone(
//       PARTS:     ai.conv2d_weight_gradient {{.*}} -> tensor<12x18x3x3xf32, #ai.lanes<1>>
// ALONE-LABEL: func.func @alone(
//   ALONE-NOT:   per_sample
//       ALONE:     %[[M:.*]] = ai.reduce_mean %{{.*}} {dims = [2, 3], keepdims} : (tensor<1x11x4x4xf32, #ai.lanes<1>>) -> tensor<1x11x1x1xf32, #ai.lanes<1>>
//       ALONE:     ai.add %{{.*}}, %[[M]] : {{.*}} -> tensor<1x11x4x4xf32, #ai.lanes<1>>
//       ALONE:     %[[B:.*]] = ai.broadcast_like %{{.*}} : {{.*}} -> tensor<1x11x4x4xf32, #ai.lanes<1>>
//       ALONE:     ai.conv2d_weight_gradient %{{.*}}, %[[B]] {kernel_size = [3, 3]} : (tensor<1x2x6x6xf32>, {{.*}} -> tensor<11x2x3x3xf32, #ai.lanes<0>>
//       ALONE:     ai.conv2d_weight_gradient {{.*}} -> tensor<12x18x3x3xf32, #ai.lanes<0>>
//       ALONE:     ai.conv2d_weight_gradient {{.*}}tensor<1x13x6x6xf32, #ai.lanes<1>>, {{.*}} -> tensor<11x13x3x3xf32, #ai.lanes<1>>
//       ALONE:     ai.conv2d_weight_gradient {{.*}} -> tensor<8x2x2x2xf32, #ai.lanes<1>>
//       ALONE:     ai.conv2d %{{.*}}, %{{.*}} : (tensor<1x2x6x6xf32>, {{.*}} -> tensor<1x11x4x4xf32, #ai.lanes<1>>
func.func @alone(%w: tensor<11x2x3x3xf32>, %x: tensor<?x2x6x6xf32>, %y: tensor<?x11x4x4xf32>, %z: tensor<?x18x6x6xf32>, %u: tensor<?x12x4x4xf32>,
                 %v: tensor<?x13x6x6xf32>, %p: tensor<?x8x1x1xf32>, %at: tensor<?x8x1x1xi8>)
    -> (tensor<?x11x4x4xf32>, tensor<11x2x3x3xf32>, tensor<12x18x3x3xf32>, tensor<11x13x3x3xf32>, tensor<8x2x2x2xf32>,
        tensor<?x11x4x4xf32>) {
  %m = ai.reduce_mean %y {dims = [2, 3], keepdims} : (tensor<?x11x4x4xf32>) -> tensor<?x11x1x1xf32>
  %a = ai.add %y, %m : (tensor<?x11x4x4xf32>, tensor<?x11x1x1xf32>) -> tensor<?x11x4x4xf32>
  %s = ai.reduce_sum %a {dims = [2, 3], keepdims} : (tensor<?x11x4x4xf32>) -> tensor<?x11x1x1xf32>
  %b = ai.broadcast_like %s, %y {dims = [0, 1, 2, 3]} : (tensor<?x11x1x1xf32>, tensor<?x11x4x4xf32>) -> tensor<?x11x4x4xf32>
  %dx = ai.conv2d_weight_gradient %x, %b {kernel_size = [3, 3]}
      : (tensor<?x2x6x6xf32>, tensor<?x11x4x4xf32>) -> tensor<11x2x3x3xf32>
  %e = ai.exp %z : (tensor<?x18x6x6xf32>) -> tensor<?x18x6x6xf32>
  %n = ai.neg %u : (tensor<?x12x4x4xf32>) -> tensor<?x12x4x4xf32>
  %dz = ai.conv2d_weight_gradient %e, %n {kernel_size = [3, 3]}
      : (tensor<?x18x6x6xf32>, tensor<?x12x4x4xf32>) -> tensor<12x18x3x3xf32>
  %dv = ai.conv2d_weight_gradient %v, %b {kernel_size = [3, 3]}
      : (tensor<?x13x6x6xf32>, tensor<?x11x4x4xf32>) -> tensor<11x13x3x3xf32>
  %g = ai.max_pool2d_scatter %p, %at {input_size = [5, 5], kernel = [5, 5]}
      : (tensor<?x8x1x1xf32>, tensor<?x8x1x1xi8>) -> tensor<?x8x5x5xf32>
  // REMARK: :[[@LINE+1]]:9: remark: channels as lanes: 128 of 3200 cotangents are not zero
  %dw = ai.conv2d_weight_gradient %x, %g {kernel_size = [2, 2]}
      : (tensor<?x2x6x6xf32>, tensor<?x8x5x5xf32>) -> tensor<8x2x2x2xf32>
  %c = ai.conv2d %x, %w : (tensor<?x2x6x6xf32>, tensor<11x2x3x3xf32>) -> tensor<?x11x4x4xf32>
  return %a, %dx, %dz, %dv, %dw, %c
      : tensor<?x11x4x4xf32>, tensor<11x2x3x3xf32>, tensor<12x18x3x3xf32>, tensor<11x13x3x3xf32>, tensor<8x2x2x2xf32>,
        tensor<?x11x4x4xf32>
}
