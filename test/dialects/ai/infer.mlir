// RUN: ai-opt %s -ai-infer-shapes | FileCheck %s

// CHECK-LABEL: func @elementwise(
func.func @elementwise(%x: tensor<?x1x4xf32>, %y: tensor<3x1xf32>, %s: tensor<f32>) {
  // CHECK: ai.add {{.*}} -> tensor<?x3x4xf32>
  %0 = ai.add %x, %y : (tensor<?x1x4xf32>, tensor<3x1xf32>) -> tensor<*xf32>
  // CHECK: ai.mul {{.*}} -> tensor<?x3x4xf32>
  %1 = ai.mul %s, %0 : (tensor<f32>, tensor<*xf32>) -> tensor<*xf32>
  // CHECK: ai.sigmoid {{.*}} -> tensor<?x3x4xf32>
  %2 = ai.sigmoid %1 : (tensor<*xf32>) -> tensor<*xf32>
  // CHECK: ai.compare lt, {{.*}} -> tensor<?x3x4xi1>
  %3 = ai.compare lt, %2, %s : (tensor<*xf32>, tensor<f32>) -> tensor<*xi1>
  // CHECK: ai.select {{.*}} -> tensor<?x3x4xf32>
  %4 = ai.select %3, %s, %y : (tensor<*xi1>, tensor<f32>, tensor<3x1xf32>) -> tensor<*xf32>
  // CHECK: ai.cast {{.*}} -> tensor<?x3x4xf64>
  %5 = ai.cast %4 : (tensor<*xf32>) -> tensor<*xf64>
  // A declared shape that is less specific is refined too.
  // CHECK: ai.neg {{.*}} : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %6 = ai.neg %y : (tensor<3x1xf32>) -> tensor<?x1xf32>
  return
}

// CHECK-LABEL: func @contractions(
func.func @contractions(%x: tensor<?x7xf32>, %w: tensor<5x7xf32>, %b: tensor<5xf32>,
                        %image: tensor<?x3x29x31xf32>, %kernel: tensor<7x3x3x5xf32>) {
  // CHECK: ai.matmul {{.*}} -> tensor<?x5xf32>
  %0 = ai.matmul %x, %w {transpose_rhs} : (tensor<?x7xf32>, tensor<5x7xf32>) -> tensor<*xf32>
  // CHECK: ai.matmul {{.*}} -> tensor<7x5xf32>
  %1 = ai.matmul %x, %0 {transpose_lhs} : (tensor<?x7xf32>, tensor<*xf32>) -> tensor<*xf32>
  // CHECK: ai.linear {{.*}} -> tensor<?x5xf32>
  %2 = ai.linear %x, %w, %b : (tensor<?x7xf32>, tensor<5x7xf32>, tensor<5xf32>) -> tensor<*xf32>
  // (29 + 2*1 - (3-1)*2 - 1)/2 + 1 = 14, (31 + 0 - (5-1)*1 - 1)/3 + 1 = 9
  // CHECK: ai.conv2d {{.*}} -> tensor<?x7x14x9xf32>
  %3 = ai.conv2d %image, %kernel {stride = [2, 3], padding = [1, 0], dilation = [2, 1]} : (tensor<?x3x29x31xf32>, tensor<7x3x3x5xf32>) -> tensor<*xf32>
  // CHECK: ai.conv2d_input_gradient {{.*}} -> tensor<?x3x29x31xf32>
  %4 = ai.conv2d_input_gradient %3, %kernel {stride = [2, 3], padding = [1, 0], dilation = [2, 1], input_size = [29, 31]} : (tensor<*xf32>, tensor<7x3x3x5xf32>) -> tensor<*xf32>
  // CHECK: ai.conv2d_weight_gradient {{.*}} -> tensor<7x3x3x5xf32>
  %5 = ai.conv2d_weight_gradient %image, %3 {stride = [2, 3], padding = [1, 0], dilation = [2, 1], kernel_size = [3, 5]} : (tensor<?x3x29x31xf32>, tensor<*xf32>) -> tensor<*xf32>
  // CHECK: ai.conv2d_weight_gradient {{.*}} -> tensor<?x7x3x3x5xf32>
  %6 = ai.conv2d_weight_gradient %image, %3 {stride = [2, 3], padding = [1, 0], dilation = [2, 1], kernel_size = [3, 5], per_sample} : (tensor<?x3x29x31xf32>, tensor<*xf32>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @pools(
func.func @pools(%x: tensor<?x2x13x13xf32>) {
  // A remainder is dropped.
  // CHECK: ai.max_pool2d {{.*}} -> tensor<?x2x6x4xf32>
  %0 = ai.max_pool2d %x {kernel = [2, 3]} : (tensor<?x2x13x13xf32>) -> tensor<*xf32>
  // CHECK: ai.max_pool2d_with_index {{.*}} -> (tensor<?x2x7x6xf32>, tensor<?x2x7x6xi8>)
  %1, %winner = ai.max_pool2d_with_index %x {kernel = [3, 3], stride = [2, 2], padding = [1, 0]} : (tensor<?x2x13x13xf32>) -> (tensor<*xf32>, tensor<*xi8>)
  // CHECK: ai.max_pool2d_with_index {{.*}} -> (tensor<?x2x1x1xf32>, tensor<?x2x1x1xi32>)
  %2, %far_winner = ai.max_pool2d_with_index %x {kernel = [12, 12]} : (tensor<?x2x13x13xf32>) -> (tensor<*xf32>, tensor<*xi32>)
  // CHECK: ai.max_pool2d_scatter {{.*}} -> tensor<?x2x13x13xf32>
  %3 = ai.max_pool2d_scatter %1, %winner {kernel = [3, 3], stride = [2, 2], padding = [1, 0], input_size = [13, 13]} : (tensor<*xf32>, tensor<*xi8>) -> tensor<*xf32>
  // CHECK: ai.max_pool2d_gather {{.*}} -> tensor<?x2x7x6xf32>
  %4 = ai.max_pool2d_gather %x, %winner {kernel = [3, 3], stride = [2, 2], padding = [1, 0]} : (tensor<?x2x13x13xf32>, tensor<*xi8>) -> tensor<*xf32>
  // CHECK: ai.avg_pool2d {{.*}} -> tensor<?x2x6x6xf32>
  %5 = ai.avg_pool2d %x {kernel = [2, 2]} : (tensor<?x2x13x13xf32>) -> tensor<*xf32>
  // CHECK: ai.avg_pool2d_gradient {{.*}} -> tensor<?x2x13x13xf32>
  %6 = ai.avg_pool2d_gradient %5 {kernel = [2, 2], input_size = [13, 13]} : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @shapes(
func.func @shapes(%x: tensor<?x2x6xf32>, %m: tensor<3x4xf32>, %v: tensor<2xf32>) {
  // CHECK: ai.reshape {{.*}} -> tensor<?x4x3xf32>
  %0 = ai.reshape %x {shape = [-1, 4, 3]} : (tensor<?x2x6xf32>) -> tensor<*xf32>
  // CHECK: ai.reshape {{.*}} -> tensor<2x6xf32>
  %1 = ai.reshape %m {shape = [2, -1]} : (tensor<3x4xf32>) -> tensor<*xf32>
  // CHECK: ai.flatten {{.*}} -> tensor<?x12xf32>
  %2 = ai.flatten %x : (tensor<?x2x6xf32>) -> tensor<*xf32>
  // CHECK: ai.flatten {{.*}} -> tensor<2x1xf32>
  %3 = ai.flatten %v : (tensor<2xf32>) -> tensor<*xf32>
  // CHECK: ai.transpose {{.*}} -> tensor<?x6x2xf32>
  %4 = ai.transpose %x {permutation = [0, 2, 1]} : (tensor<?x2x6xf32>) -> tensor<*xf32>
  // CHECK: ai.broadcast {{.*}} -> tensor<5x2x6xf32>
  %5 = ai.broadcast %v {shape = [5, 2, 6], dims = [1]} : (tensor<2xf32>) -> tensor<*xf32>
  // CHECK: ai.broadcast_like {{.*}} -> tensor<?x2x6xf32>
  %6 = ai.broadcast_like %v, %x {dims = [1]} : (tensor<2xf32>, tensor<?x2x6xf32>) -> tensor<*xf32>
  // CHECK: ai.reduce_sum {{.*}} -> tensor<2xf32>
  %7 = ai.reduce_sum %x {dims = [0, 2]} : (tensor<?x2x6xf32>) -> tensor<*xf32>
  // CHECK: ai.reduce_mean {{.*}} -> tensor<?x1x1xf32>
  %8 = ai.reduce_mean %x {dims = [1, 2], keepdims} : (tensor<?x2x6xf32>) -> tensor<*xf32>
  // CHECK: ai.reduce_max {{.*}} -> tensor<f32>
  %9 = ai.reduce_max %m {dims = [0, 1]} : (tensor<3x4xf32>) -> tensor<*xf32>
  // CHECK: ai.argmax {{.*}} -> tensor<?xi32>
  %10 = ai.argmax %2 : (tensor<*xf32>) -> tensor<*xi32>
  // CHECK: ai.one_hot {{.*}} -> tensor<?x12xf64>
  %11 = ai.one_hot %10 {classes = 12, dtype = f64} : (tensor<*xi32>) -> tensor<*xf64>
  return
}

// CHECK-LABEL: func @losses(
func.func @losses(%x: tensor<?x10xf32>, %image: tensor<?x3x4x4xf32>, %labels: tensor<?xi32>) {
  // CHECK: ai.log_softmax {{.*}} -> tensor<?x10xf32>
  %0 = ai.log_softmax %x : (tensor<?x10xf32>) -> tensor<*xf32>
  // CHECK: ai.nll_loss {{.*}} -> tensor<?xf32>
  %1 = ai.nll_loss %0, %labels : (tensor<*xf32>, tensor<?xi32>) -> tensor<*xf32>
  // CHECK: ai.cross_entropy {{.*}} -> tensor<?xf32>
  %2 = ai.cross_entropy %x, %labels : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<*xf32>
  // CHECK: ai.mse_loss {{.*}} -> tensor<?xf32>
  %3 = ai.mse_loss %image, %image : (tensor<?x3x4x4xf32>, tensor<?x3x4x4xf32>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @training(
func.func @training(%x: tensor<?x8xf32>, %i: tensor<i64>, %w: tensor<6xf32>, %rate: tensor<f64>) {
  // CHECK: ai.dropout {{.*}} -> tensor<?x8xf32>
  %0 = ai.dropout %x {rate = 0.25} : (tensor<?x8xf32>) -> tensor<*xf32>
  // CHECK: ai.dropout_mask {{.*}} -> tensor<?x8xf32>
  %1 = ai.dropout_mask %0, %i, %i, %i {rate = 0.25, stream = 3} : (tensor<*xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xf32>
  // CHECK: ai.mask_samples {{.*}} -> tensor<?x8xf32>
  %2 = ai.mask_samples %1, %i, %i : (tensor<*xf32>, tensor<i64>, tensor<i64>) -> tensor<*xf32>
  // CHECK: ai.apply_optimizer {{.*}} -> (tensor<6xf32>, tensor<6xf32>)
  %3, %4 = ai.apply_optimizer %w, %w, %rate states(%w) {optimizer = #ai.sgd<lr = 0.1, momentum = 0.9>} : (tensor<6xf32>, tensor<6xf32>, tensor<f64>, tensor<6xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}
