// RUN: ai-opt %s | ai-opt | FileCheck %s
// RUN: ai-opt %s --mlir-print-op-generic | ai-opt | FileCheck %s
// RUN: ai-opt %s --emit-bytecode | ai-opt | FileCheck %s

// CHECK-LABEL: ai.model @affine(%{{.*}}: tensor<?x4xf32>) -> tensor<?x2xf32> {
//       CHECK:   ai.parameter "weight" init(#ai.init<xavier_normal, 1.5>) : tensor<2x4xf32>
//       CHECK:   ai.parameter "bias" : tensor<2xf32>
//       CHECK:   ai.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<*xf32>
//       CHECK:   ai.return %{{.*}} : tensor<*xf32>
ai.model @affine(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = ai.parameter "weight" init(#ai.init<xavier_normal, 1.5>) : tensor<2x4xf32>
  %b = ai.parameter "bias" : tensor<2xf32>
  %y = ai.linear %x, %w, %b : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<*xf32>
  ai.return %y : tensor<*xf32>
}

// CHECK: ai.train @affine loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>){{$}}
ai.train @affine loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>)
// CHECK: ai.train @affine loss(nll_loss) optimizer(#ai.sgd<lr = 0.01, momentum = 0.9, weight_decay = 0.0005, nesterov = true>) schedule(#ai.inverse<gamma = 0.0001, power = 0.75>) {batch = 32 : i64, epochs = 4 : i64, mean = 1.307000e-01 : f64, seed = 7 : i64, std = 3.081000e-01 : f64}
ai.train @affine loss(nll_loss) optimizer(#ai.sgd<lr = 0.01, momentum = 0.9, weight_decay = 5.0e-4, nesterov = true>) schedule(#ai.inverse<gamma = 0.0001, power = 0.75>) {batch = 32, epochs = 4, seed = 7, mean = 0.1307, std = 0.3081}
// CHECK: ai.train @affine loss(mse_loss) optimizer(#ai.adam<lr = 0.001>) schedule(#ai.step<gamma = 0.7, every = 2>)
ai.train @affine loss(mse_loss) optimizer(#ai.adam<lr = 0.001>) schedule(#ai.step<gamma = 0.7, every = 2>)
// CHECK: optimizer(#ai.adamw<lr = 0.001, beta1 = 0.8, eps = 1.0e-07>)
ai.train @affine loss(cross_entropy) optimizer(#ai.adamw<lr = 0.001, beta1 = 0.8, eps = 1.0e-7>)
// CHECK: optimizer(#ai.rmsprop<lr = 0.01, alpha = 0.9>)
ai.train @affine loss(cross_entropy) optimizer(#ai.rmsprop<lr = 0.01, alpha = 0.9>)
// CHECK: optimizer(#ai.adadelta<lr = 1.0, rho = 0.95>)
ai.train @affine loss(cross_entropy) optimizer(#ai.adadelta<lr = 1.0, rho = 0.95>)

// CHECK: ai.gradient @f wrt [0, 1]
ai.gradient @f wrt [0, 1]
// CHECK: ai.value_and_gradient @f wrt [1]
ai.value_and_gradient @f wrt [1]

// CHECK-LABEL: func @f(
func.func @f(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  // CHECK: ai.constant dense<5.000000e-01> : tensor<f32>
  %half = ai.constant dense<0.5> : tensor<f32>
  // CHECK: ai.mul %{{.*}}, %{{.*}} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %0 = ai.mul %x, %half : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = ai.mul %0, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// CHECK-LABEL: func @two_operands(
func.func @two_operands(%x: tensor<?x3xf64>, %y: tensor<3xf64>) {
  // CHECK: ai.add %{{.*}}, %{{.*}} : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  %0 = ai.add %x, %y : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  // CHECK: ai.sub
  %1 = ai.sub %x, %y : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  // CHECK: ai.mul
  %2 = ai.mul %x, %y : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  // CHECK: ai.div
  %3 = ai.div %x, %y : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  // CHECK: ai.max
  %4 = ai.max %x, %y : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  // CHECK: ai.min
  %5 = ai.min %x, %y : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  // CHECK: ai.power
  %6 = ai.power %x, %y : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  // CHECK: ai.compare ge, %{{.*}}, %{{.*}} : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xi1>
  %7 = ai.compare ge, %x, %y : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xi1>
  // CHECK: ai.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x3xi1>, tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  %8 = ai.select %7, %x, %y : (tensor<?x3xi1>, tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  return
}

// CHECK-LABEL: func @one_operand(
func.func @one_operand(%x: tensor<?x3xf32>) {
  // CHECK: ai.neg %{{.*}} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %0 = ai.neg %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.exp
  %1 = ai.exp %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.log
  %2 = ai.log %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.sqrt
  %3 = ai.sqrt %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.sin
  %4 = ai.sin %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.cos
  %5 = ai.cos %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.tanh
  %6 = ai.tanh %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.sigmoid
  %7 = ai.sigmoid %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.relu
  %8 = ai.relu %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: ai.cast %{{.*}} : (tensor<?x3xf32>) -> tensor<?x3xi32>
  %9 = ai.cast %x : (tensor<?x3xf32>) -> tensor<?x3xi32>
  return
}

// CHECK-LABEL: func @contractions(
func.func @contractions(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>, %image: tensor<?x1x28x28xf32>,
                        %kernel: tensor<6x1x5x5xf32>, %bias: tensor<6xf32>) {
  // CHECK: ai.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %0 = ai.matmul %x, %w {transpose_rhs} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  // CHECK: ai.linear %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %1 = ai.linear %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  // CHECK: ai.conv2d %{{.*}}, %{{.*}}, %{{.*}} {padding = [2, 2], stride = [2, 1]} : (tensor<?x1x28x28xf32>, tensor<6x1x5x5xf32>, tensor<6xf32>) -> tensor<?x6x14x28xf32>
  %2 = ai.conv2d %image, %kernel, %bias {stride = [2, 1], padding = [2, 2], dilation = [1, 1]} : (tensor<?x1x28x28xf32>, tensor<6x1x5x5xf32>, tensor<6xf32>) -> tensor<?x6x14x28xf32>
  // CHECK: ai.conv2d %{{.*}}, %{{.*}} : (tensor<?x1x28x28xf32>, tensor<6x1x5x5xf32>) -> tensor<?x6x24x24xf32>
  %3 = ai.conv2d %image, %kernel : (tensor<?x1x28x28xf32>, tensor<6x1x5x5xf32>) -> tensor<?x6x24x24xf32>
  // CHECK: ai.conv2d_input_gradient %{{.*}}, %{{.*}} {input_size = [28, 28]} : (tensor<?x6x24x24xf32>, tensor<6x1x5x5xf32>) -> tensor<?x1x28x28xf32>
  %4 = ai.conv2d_input_gradient %3, %kernel {input_size = [28, 28]} : (tensor<?x6x24x24xf32>, tensor<6x1x5x5xf32>) -> tensor<?x1x28x28xf32>
  // CHECK: ai.conv2d_weight_gradient %{{.*}}, %{{.*}} {kernel_size = [5, 5]} : (tensor<?x1x28x28xf32>, tensor<?x6x24x24xf32>) -> tensor<6x1x5x5xf32>
  %5 = ai.conv2d_weight_gradient %image, %3 {kernel_size = [5, 5]} : (tensor<?x1x28x28xf32>, tensor<?x6x24x24xf32>) -> tensor<6x1x5x5xf32>
  // CHECK: ai.conv2d_weight_gradient %{{.*}}, %{{.*}} {kernel_size = [5, 5], per_sample} : (tensor<?x1x28x28xf32>, tensor<?x6x24x24xf32>) -> tensor<?x6x1x5x5xf32>
  %6 = ai.conv2d_weight_gradient %image, %3 {kernel_size = [5, 5], per_sample} : (tensor<?x1x28x28xf32>, tensor<?x6x24x24xf32>) -> tensor<?x6x1x5x5xf32>
  return
}

// CHECK-LABEL: func @pools(
func.func @pools(%x: tensor<?x6x28x28xf32>) {
  // The stride is the kernel where it is not given.
  // CHECK: ai.max_pool2d %{{.*}} {kernel = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
  %0 = ai.max_pool2d %x {kernel = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
  // CHECK: ai.max_pool2d %{{.*}} {kernel = [3, 3], padding = [1, 1], stride = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
  %1 = ai.max_pool2d %x {kernel = [3, 3], stride = [2, 2], padding = [1, 1]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
  // CHECK: ai.max_pool2d_with_index %{{.*}} {kernel = [2, 2]} : (tensor<?x6x28x28xf32>) -> (tensor<?x6x14x14xf32>, tensor<?x6x14x14xi8>)
  %2, %winner = ai.max_pool2d_with_index %x {kernel = [2, 2], stride = [2, 2]} : (tensor<?x6x28x28xf32>) -> (tensor<?x6x14x14xf32>, tensor<?x6x14x14xi8>)
  // CHECK: ai.max_pool2d_scatter %{{.*}}, %{{.*}} {input_size = [28, 28], kernel = [2, 2]} : (tensor<?x6x14x14xf32>, tensor<?x6x14x14xi8>) -> tensor<?x6x28x28xf32>
  %3 = ai.max_pool2d_scatter %2, %winner {kernel = [2, 2], input_size = [28, 28]} : (tensor<?x6x14x14xf32>, tensor<?x6x14x14xi8>) -> tensor<?x6x28x28xf32>
  // CHECK: ai.max_pool2d_gather %{{.*}}, %{{.*}} {kernel = [2, 2]} : (tensor<?x6x28x28xf32>, tensor<?x6x14x14xi8>) -> tensor<?x6x14x14xf32>
  %4 = ai.max_pool2d_gather %x, %winner {kernel = [2, 2]} : (tensor<?x6x28x28xf32>, tensor<?x6x14x14xi8>) -> tensor<?x6x14x14xf32>
  // CHECK: ai.avg_pool2d %{{.*}} {kernel = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
  %5 = ai.avg_pool2d %x {kernel = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
  // CHECK: ai.avg_pool2d_gradient %{{.*}} {input_size = [28, 28], kernel = [2, 2]} : (tensor<?x6x14x14xf32>) -> tensor<?x6x28x28xf32>
  %6 = ai.avg_pool2d_gradient %5 {kernel = [2, 2], input_size = [28, 28]} : (tensor<?x6x14x14xf32>) -> tensor<?x6x28x28xf32>
  return
}

// CHECK-LABEL: func @shapes(
func.func @shapes(%x: tensor<?x6x2x2xf32>, %m: tensor<3x4xi32>, %v: tensor<6xf32>,
                  %labels: tensor<?xi32>) {
  // CHECK: ai.reshape %{{.*}} {shape = [-1, 24]} : (tensor<?x6x2x2xf32>) -> tensor<?x24xf32>
  %0 = ai.reshape %x {shape = [-1, 24]} : (tensor<?x6x2x2xf32>) -> tensor<?x24xf32>
  // CHECK: ai.flatten %{{.*}} : (tensor<?x6x2x2xf32>) -> tensor<?x24xf32>
  %1 = ai.flatten %x : (tensor<?x6x2x2xf32>) -> tensor<?x24xf32>
  // CHECK: ai.transpose %{{.*}} {permutation = [1, 0]} : (tensor<3x4xi32>) -> tensor<4x3xi32>
  %2 = ai.transpose %m {permutation = [1, 0]} : (tensor<3x4xi32>) -> tensor<4x3xi32>
  // CHECK: ai.broadcast %{{.*}} {dims = [1], shape = [8, 6, 2, 2]} : (tensor<6xf32>) -> tensor<8x6x2x2xf32>
  %3 = ai.broadcast %v {shape = [8, 6, 2, 2], dims = [1]} : (tensor<6xf32>) -> tensor<8x6x2x2xf32>
  // CHECK: ai.broadcast_like %{{.*}}, %{{.*}} {dims = [1]} : (tensor<6xf32>, tensor<?x6x2x2xf32>) -> tensor<?x6x2x2xf32>
  %4 = ai.broadcast_like %v, %x {dims = [1]} : (tensor<6xf32>, tensor<?x6x2x2xf32>) -> tensor<?x6x2x2xf32>
  // CHECK: ai.reduce_sum %{{.*}} {dims = [0, 2, 3]} : (tensor<?x6x2x2xf32>) -> tensor<6xf32>
  %5 = ai.reduce_sum %x {dims = [0, 2, 3]} : (tensor<?x6x2x2xf32>) -> tensor<6xf32>
  // CHECK: ai.reduce_mean %{{.*}} {dims = [1], keepdims} : (tensor<?x6x2x2xf32>) -> tensor<?x1x2x2xf32>
  %6 = ai.reduce_mean %x {dims = [1], keepdims} : (tensor<?x6x2x2xf32>) -> tensor<?x1x2x2xf32>
  // CHECK: ai.reduce_max %{{.*}} {dims = []} : (tensor<6xf32>) -> tensor<6xf32>
  %7 = ai.reduce_max %v {dims = []} : (tensor<6xf32>) -> tensor<6xf32>
  // CHECK: ai.argmax %{{.*}} : (tensor<?x24xf32>) -> tensor<?xi32>
  %8 = ai.argmax %0 {dim = 1} : (tensor<?x24xf32>) -> tensor<?xi32>
  // CHECK: ai.one_hot %{{.*}} {classes = 10 : i64} : (tensor<?xi32>) -> tensor<?x10xf32>
  %9 = ai.one_hot %labels {classes = 10} : (tensor<?xi32>) -> tensor<?x10xf32>
  // CHECK: ai.one_hot %{{.*}} {classes = 10 : i64, dtype = f64} : (tensor<?xi32>) -> tensor<?x10xf64>
  %10 = ai.one_hot %labels {classes = 10, dtype = f64} : (tensor<?xi32>) -> tensor<?x10xf64>
  return
}

// CHECK-LABEL: func @losses(
func.func @losses(%x: tensor<?x10xf32>, %labels: tensor<?xi32>) {
  // CHECK: ai.softmax %{{.*}} : (tensor<?x10xf32>) -> tensor<?x10xf32>
  %0 = ai.softmax %x : (tensor<?x10xf32>) -> tensor<?x10xf32>
  // CHECK: ai.log_softmax %{{.*}} {dim = 0 : i64} : (tensor<?x10xf32>) -> tensor<?x10xf32>
  %1 = ai.log_softmax %x {dim = 0} : (tensor<?x10xf32>) -> tensor<?x10xf32>
  // CHECK: ai.cross_entropy %{{.*}}, %{{.*}} : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<?xf32>
  %2 = ai.cross_entropy %x, %labels : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<?xf32>
  // CHECK: ai.nll_loss %{{.*}}, %{{.*}} : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<?xf32>
  %3 = ai.nll_loss %1, %labels : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<?xf32>
  // CHECK: ai.mse_loss %{{.*}}, %{{.*}} : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?xf32>
  %4 = ai.mse_loss %x, %0 : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?xf32>
  return
}

// CHECK-LABEL: func @training(
func.func @training(%x: tensor<?x8xf32>, %i: tensor<i64>, %w: tensor<6xf32>, %rate: tensor<f64>) {
  // CHECK: ai.dropout %{{.*}} {rate = 2.500000e-01 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %0 = ai.dropout %x {rate = 0.25} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: ai.dropout_mask %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {rate = 2.500000e-01 : f64, stream = 3 : i64} : (tensor<?x8xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x8xf32>
  %1 = ai.dropout_mask %x, %i, %i, %i {rate = 0.25, stream = 3} : (tensor<?x8xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x8xf32>
  // CHECK: ai.mask_samples %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x8xf32>, tensor<i64>, tensor<i64>) -> tensor<?x8xf32>
  %2 = ai.mask_samples %x, %i, %i : (tensor<?x8xf32>, tensor<i64>, tensor<i64>) -> tensor<?x8xf32>
  // CHECK: ai.apply_optimizer %{{.*}}, %{{.*}}, %{{.*}} settings(%{{.*}}) states(%{{.*}}) {optimizer = #ai.sgd<lr = 0.1, momentum = 0.9>} : (tensor<6xf32>, tensor<6xf32>, tensor<f64>, tensor<f64>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>)
  %w1, %v1 = ai.apply_optimizer %w, %w, %rate settings(%rate) states(%w) {optimizer = #ai.sgd<lr = 0.1, momentum = 0.9>} : (tensor<6xf32>, tensor<6xf32>, tensor<f64>, tensor<f64>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>)
  // CHECK: ai.apply_optimizer %{{.*}}, %{{.*}}, %{{.*}} {optimizer = #ai.sgd<lr = 0.1>} : (tensor<6xf32>, tensor<6xf32>, tensor<f64>) -> tensor<6xf32>
  %w2 = ai.apply_optimizer %w, %w, %rate {optimizer = #ai.sgd<lr = 0.1>} : (tensor<6xf32>, tensor<6xf32>, tensor<f64>) -> tensor<6xf32>
  return
}

// CHECK-LABEL: func @layouts(
func.func @layouts(%x: tensor<16x6x4x4xf32>) {
  // CHECK: ai.relayout %{{.*}} : tensor<16x6x4x4xf32> -> tensor<16x6x4x4xf32, #ai.lanes<0>>
  %0 = ai.relayout %x : tensor<16x6x4x4xf32> -> tensor<16x6x4x4xf32, #ai.lanes<0>>
  // Inference does not compare encodings.
  // CHECK: ai.relu %{{.*}} : (tensor<16x6x4x4xf32, #ai.lanes<0>>) -> tensor<16x6x4x4xf32, #ai.lanes<0>>
  %1 = ai.relu %0 : (tensor<16x6x4x4xf32, #ai.lanes<0>>) -> tensor<16x6x4x4xf32, #ai.lanes<0>>
  return
}
