// RUN: ai-opt %s -split-input-file -verify-diagnostics

func.func @element_types(%x: tensor<3xf32>, %y: tensor<3xf64>) {
  // expected-error@below {{'ai.add' op expects operands of one element type, got 'f32' and 'f64'; convert one with ai.cast}}
  %0 = ai.add %x, %y : (tensor<3xf32>, tensor<3xf64>) -> tensor<3xf32>
  return
}

// -----

func.func @element_type_not_allowed(%x: tensor<3xf16>) {
  // expected-error@below {{'ai.relu' op operand #0 must be tensor of f32 or f64 whose dims but the first are static, but got 'tensor<3xf16>'}}
  %0 = ai.relu %x : (tensor<3xf16>) -> tensor<3xf16>
  return
}

// -----

func.func @unknown_inner_dim(%x: tensor<3x?xf32>) {
  // expected-error@below {{'ai.relu' op operand #0 must be tensor of f32 or f64 whose dims but the first are static, but got 'tensor<3x?xf32>'}}
  %0 = ai.relu %x : (tensor<3x?xf32>) -> tensor<3x?xf32>
  return
}

// -----

func.func @broadcast(%x: tensor<4x3xf32>, %y: tensor<4xf32>) {
  // expected-error@below {{'ai.mul' op expects dims that are equal or 1, aligned at the right, got 4x3 and 4}}
  %0 = ai.mul %x, %y : (tensor<4x3xf32>, tensor<4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @broadcast_batch_against_static_dim(%x: tensor<?x3xf32>, %y: tensor<8x3xf32>) {
  // expected-error@below {{'ai.sub' op expects dims that are equal or 1, aligned at the right, got ?x3 and 8x3}}
  %0 = ai.sub %x, %y : (tensor<?x3xf32>, tensor<8x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @batch_not_first(%x: tensor<?xf32>, %y: tensor<4x1xf32>) {
  // expected-error@below {{'ai.add' op expects the batch to be dim 0 of the result, got 4x?}}
  %0 = ai.add %x, %y : (tensor<?xf32>, tensor<4x1xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @declared_shape(%x: tensor<4x3xf32>) {
  // expected-error@below {{'ai.relu' op expects result type(s) 'tensor<4x3xf32>' or less specific ones, got 'tensor<4x5xf32>'}}
  %0 = ai.relu %x : (tensor<4x3xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @declared_more_than_known(%x: tensor<?x3xf32>) {
  // expected-error@below {{'ai.relu' op expects result type(s) 'tensor<?x3xf32>' or less specific ones, got 'tensor<8x3xf32>'}}
  %0 = ai.relu %x : (tensor<?x3xf32>) -> tensor<8x3xf32>
  return
}

// -----

func.func @cast_shape(%x: tensor<4xf32>) {
  // expected-error@below {{'ai.cast' op requires the same shape for all operands and results}}
  %0 = ai.cast %x : (tensor<4xf32>) -> tensor<5xf64>
  return
}

// -----

func.func @relayout_element_type(%x: tensor<4xf32>) {
  // expected-error@below {{'ai.relayout' op requires the same element type for all operands and results}}
  %0 = ai.relayout %x : tensor<4xf32> -> tensor<4xf64>
  return
}

// -----

func.func @matmul_rank(%x: tensor<4xf32>, %y: tensor<4x5xf32>) {
  // expected-error@below {{'ai.matmul' op expects lhs of rank 2, got 'tensor<4xf32>'}}
  %0 = ai.matmul %x, %y : (tensor<4xf32>, tensor<4x5xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @matmul_dims(%x: tensor<64x784xf32>, %y: tensor<512x10xf32>) {
  // expected-error@below {{'ai.matmul' op expects lhs dim 1 to equal rhs dim 0, got 784 and 512 in 64x784 and 512x10; change rhs dim 0 to 784}}
  %0 = ai.matmul %x, %y : (tensor<64x784xf32>, tensor<512x10xf32>) -> tensor<64x10xf32>
  return
}

// -----

func.func @matmul_transposed_dims(%x: tensor<64x784xf32>, %y: tensor<64x10xf32>) {
  // expected-error@below {{'ai.matmul' op expects lhs dim 0 to equal rhs dim 1, got 64 and 10 in 64x784 and 64x10; change rhs dim 1 to 64}}
  %0 = ai.matmul %x, %y {transpose_lhs, transpose_rhs} : (tensor<64x784xf32>, tensor<64x10xf32>) -> tensor<784x64xf32>
  return
}

// -----

func.func @linear_features(%x: tensor<?x400xf32>, %w: tensor<120x256xf32>) {
  // expected-error@below {{'ai.linear' op expects input dim 1 to equal weight dim 1, got 400 and 256 in ?x400 and 120x256; change weight dim 1 to 400}}
  %0 = ai.linear %x, %w : (tensor<?x400xf32>, tensor<120x256xf32>) -> tensor<?x120xf32>
  return
}

// -----

func.func @linear_bias(%x: tensor<?x400xf32>, %w: tensor<120x400xf32>, %b: tensor<84xf32>) {
  // expected-error@below {{'ai.linear' op expects weight dim 0 to equal bias dim 0, got 120 and 84 in 120x400 and 84; change bias dim 0 to 120}}
  %0 = ai.linear %x, %w, %b : (tensor<?x400xf32>, tensor<120x400xf32>, tensor<84xf32>) -> tensor<?x120xf32>
  return
}

// -----

func.func @conv_rank(%x: tensor<?x784xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d' op expects input of rank 4, got 'tensor<?x784xf32>'}}
  %0 = ai.conv2d %x, %w : (tensor<?x784xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_channels(%x: tensor<?x3x8x8xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d' op expects input dim 1 to equal weight dim 1, got 3 and 1 in ?x3x8x8 and 6x1x5x5; change weight dim 1 to 3}}
  %0 = ai.conv2d %x, %w : (tensor<?x3x8x8xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_bias(%x: tensor<?x1x8x8xf32>, %w: tensor<6x1x5x5xf32>, %b: tensor<5xf32>) {
  // expected-error@below {{'ai.conv2d' op expects weight dim 0 to equal bias dim 0, got 6 and 5 in 6x1x5x5 and 5; change bias dim 0 to 6}}
  %0 = ai.conv2d %x, %w, %b : (tensor<?x1x8x8xf32>, tensor<6x1x5x5xf32>, tensor<5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_kernel_too_large(%x: tensor<?x1x8x4xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d' op expects the kernel to fit into the padded image, got extents 5 and 4}}
  %0 = ai.conv2d %x, %w : (tensor<?x1x8x4xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_stride(%x: tensor<?x1x8x8xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d' op expects stride to be at least 1, got 0}}
  %0 = ai.conv2d %x, %w {stride = [0, 1]} : (tensor<?x1x8x8xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_stride_not_a_pair(%x: tensor<?x1x8x8xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d' op expects stride to be a pair, got [1]}}
  %0 = ai.conv2d %x, %w {stride = [1]} : (tensor<?x1x8x8xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_padding(%x: tensor<?x1x8x8xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d' op expects padding to be at least 0, got -1}}
  %0 = ai.conv2d %x, %w {padding = [-1, 0]} : (tensor<?x1x8x8xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_dilation(%x: tensor<?x1x8x8xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d' op expects dilation to be at least 1, got 0}}
  %0 = ai.conv2d %x, %w {dilation = [0, 0]} : (tensor<?x1x8x8xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_input_gradient_extents(%ct: tensor<?x6x24x24xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d_input_gradient' op expects ct of the forward op's extents 24x26, got 24x24}}
  %0 = ai.conv2d_input_gradient %ct, %w {input_size = [28, 30]} : (tensor<?x6x24x24xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_input_gradient_channels(%ct: tensor<?x5x24x24xf32>, %w: tensor<6x1x5x5xf32>) {
  // expected-error@below {{'ai.conv2d_input_gradient' op expects ct dim 1 to equal weight dim 0, got 5 and 6 in ?x5x24x24 and 6x1x5x5; change weight dim 0 to 5}}
  %0 = ai.conv2d_input_gradient %ct, %w {input_size = [28, 28]} : (tensor<?x5x24x24xf32>, tensor<6x1x5x5xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_weight_gradient_batch(%x: tensor<?x1x28x28xf32>, %ct: tensor<8x6x24x24xf32>) {
  // expected-error@below {{'ai.conv2d_weight_gradient' op expects input dim 0 to equal ct dim 0, got ? and 8 in ?x1x28x28 and 8x6x24x24; change ct dim 0 to ?}}
  %0 = ai.conv2d_weight_gradient %x, %ct {kernel_size = [5, 5]} : (tensor<?x1x28x28xf32>, tensor<8x6x24x24xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @conv_weight_gradient_extents(%x: tensor<?x1x28x28xf32>, %ct: tensor<?x6x24x24xf32>) {
  // expected-error@below {{'ai.conv2d_weight_gradient' op expects ct of the forward op's extents 26x24, got 24x24}}
  %0 = ai.conv2d_weight_gradient %x, %ct {kernel_size = [3, 5]} : (tensor<?x1x28x28xf32>, tensor<?x6x24x24xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @pool_rank(%x: tensor<?x28x28xf32>) {
  // expected-error@below {{'ai.max_pool2d' op expects input of rank 4, got 'tensor<?x28x28xf32>'}}
  %0 = ai.max_pool2d %x {kernel = [2, 2]} : (tensor<?x28x28xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @pool_without_kernel(%x: tensor<?x1x28x28xf32>) {
  // expected-error@below {{'ai.max_pool2d' op requires attribute 'kernel'}}
  %0 = ai.max_pool2d %x : (tensor<?x1x28x28xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @pool_kernel(%x: tensor<?x1x28x28xf32>) {
  // expected-error@below {{'ai.avg_pool2d' op expects kernel to be at least 1, got 0}}
  %0 = ai.avg_pool2d %x {kernel = [2, 0]} : (tensor<?x1x28x28xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @pool_empty_window(%x: tensor<?x1x28x28xf32>) {
  // expected-error@below {{'ai.max_pool2d' op expects padding to be less than the kernel, so that no window is empty, got 2 and 2}}
  %0 = ai.max_pool2d %x {kernel = [2, 2], padding = [2, 0]} : (tensor<?x1x28x28xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @pool_winner_type(%x: tensor<?x1x28x28xf32>) {
  // expected-error@below {{'ai.max_pool2d_with_index' op expects result type(s) 'tensor<?x1x14x14xf32>', 'tensor<?x1x14x14xi8>' or less specific ones, got 'tensor<*xf32>', 'tensor<*xi32>'}}
  %0:2 = ai.max_pool2d_with_index %x {kernel = [2, 2]} : (tensor<?x1x28x28xf32>) -> (tensor<*xf32>, tensor<*xi32>)
  return
}

// -----

func.func @scatter_winner_type(%ct: tensor<?x1x4x4xf32>, %w: tensor<?x1x4x4xi32>) {
  // expected-error@below {{'ai.max_pool2d_scatter' op expects winner of element type 'i8', got 'i32'}}
  %0 = ai.max_pool2d_scatter %ct, %w {kernel = [2, 2], input_size = [8, 8]} : (tensor<?x1x4x4xf32>, tensor<?x1x4x4xi32>) -> tensor<*xf32>
  return
}

// -----

func.func @scatter_winner_shape(%ct: tensor<?x1x4x4xf32>, %w: tensor<?x1x4x5xi8>) {
  // expected-error@below {{'ai.max_pool2d_scatter' op expects winner of the pool's shape ?x1x4x4, got ?x1x4x5}}
  %0 = ai.max_pool2d_scatter %ct, %w {kernel = [2, 2], input_size = [8, 8]} : (tensor<?x1x4x4xf32>, tensor<?x1x4x5xi8>) -> tensor<*xf32>
  return
}

// -----

func.func @gather_winner_shape(%x: tensor<?x1x8x8xf32>, %w: tensor<?x1x3x4xi8>) {
  // expected-error@below {{'ai.max_pool2d_gather' op expects winner of the pool's shape ?x1x4x4, got ?x1x3x4}}
  %0 = ai.max_pool2d_gather %x, %w {kernel = [2, 2]} : (tensor<?x1x8x8xf32>, tensor<?x1x3x4xi8>) -> tensor<*xf32>
  return
}

// -----

func.func @pool_gradient_extents(%ct: tensor<?x1x4x4xf32>) {
  // expected-error@below {{'ai.avg_pool2d_gradient' op expects ct of the forward op's extents 4x5, got 4x4}}
  %0 = ai.avg_pool2d_gradient %ct {kernel = [2, 2], input_size = [8, 10]} : (tensor<?x1x4x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @reshape_entry(%x: tensor<4x6xf32>) {
  // expected-error@below {{'ai.reshape' op expects shape entries of at least -1, got -2}}
  %0 = ai.reshape %x {shape = [-2, 3]} : (tensor<4x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @reshape_two_unknown(%x: tensor<4x6xf32>) {
  // expected-error@below {{'ai.reshape' op expects at most one -1 in shape, got [-1, -1]}}
  %0 = ai.reshape %x {shape = [-1, -1]} : (tensor<4x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @reshape_count(%x: tensor<4x6xf32>) {
  // expected-error@below {{'ai.reshape' op expects shape to hold the operand's number of elements, got [5, -1] and 24}}
  %0 = ai.reshape %x {shape = [5, -1]} : (tensor<4x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @reshape_batch_not_first(%x: tensor<?x6xf32>) {
  // expected-error@below {{'ai.reshape' op expects -1 as dim 0 of shape, which stands for the batch, got [6, -1]}}
  %0 = ai.reshape %x {shape = [6, -1]} : (tensor<?x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @reshape_across_samples(%x: tensor<?x6xf32>) {
  // expected-error@below {{'ai.reshape' op expects as many elements in a sample as before, got 3 and 6}}
  %0 = ai.reshape %x {shape = [-1, 3]} : (tensor<?x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @flatten_rank(%x: tensor<f32>) {
  // expected-error@below {{'ai.flatten' op expects an operand of rank 1 or more, got rank 0}}
  %0 = ai.flatten %x : (tensor<f32>) -> tensor<*xf32>
  return
}

// -----

func.func @transpose_permutation(%x: tensor<4x6xf32>) {
  // expected-error@below {{'ai.transpose' op expects each dim once in permutation, got [0, 0]}}
  %0 = ai.transpose %x {permutation = [0, 0]} : (tensor<4x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @transpose_rank(%x: tensor<4x6xf32>) {
  // expected-error@below {{'ai.transpose' op expects one entry of permutation for each dim, got 3 and 2}}
  %0 = ai.transpose %x {permutation = [0, 2, 1]} : (tensor<4x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @transpose_batch(%x: tensor<?x6xf32>) {
  // expected-error@below {{'ai.transpose' op expects the batch to be dim 0 of the result, got 6x?}}
  %0 = ai.transpose %x {permutation = [1, 0]} : (tensor<?x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @broadcast_unknown_shape(%x: tensor<6xf32>) {
  // expected-error@below {{'ai.broadcast' op expects a static shape, got [-1, 6]; use ai.broadcast_like}}
  %0 = ai.broadcast %x {shape = [-1, 6]} : (tensor<6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @broadcast_rank(%x: tensor<2x6xf32>) {
  // expected-error@below {{'ai.broadcast' op expects a result of at least the operand's rank, got 1 and 2}}
  %0 = ai.broadcast %x {shape = [6]} : (tensor<2x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @broadcast_dims_count(%x: tensor<6xf32>) {
  // expected-error@below {{'ai.broadcast' op expects one entry of dims for each dim of the operand, got 2 and 1}}
  %0 = ai.broadcast %x {shape = [4, 6], dims = [0, 1]} : (tensor<6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @broadcast_dims_order(%x: tensor<4x6xf32>) {
  // expected-error@below {{'ai.broadcast' op expects dims to ascend within 0 to 1, got [1, 0]}}
  %0 = ai.broadcast %x {shape = [6, 4], dims = [1, 0]} : (tensor<4x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @broadcast_dim(%x: tensor<6xf32>) {
  // expected-error@below {{'ai.broadcast' op expects operand dim 0 to be 1 or result dim 1, got 6 and 4}}
  %0 = ai.broadcast %x {shape = [6, 4]} : (tensor<6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @broadcast_like_dim(%x: tensor<6xf32>, %y: tensor<?x6xf32>) {
  // expected-error@below {{'ai.broadcast_like' op expects operand dim 0 to be 1 or result dim 0, got 6 and ?}}
  %0 = ai.broadcast_like %x, %y {dims = [0]} : (tensor<6xf32>, tensor<?x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @reduce_dims(%x: tensor<4x6xf32>) {
  // expected-error@below {{'ai.reduce_sum' op expects dims to ascend within 0 to 1, got [0, 2]}}
  %0 = ai.reduce_sum %x {dims = [0, 2]} : (tensor<4x6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @argmax_dim(%x: tensor<4x6xf32>) {
  // expected-error@below {{'ai.argmax' op expects dim to be a dim of the operand, got 2 and 4x6}}
  %0 = ai.argmax %x {dim = 2} : (tensor<4x6xf32>) -> tensor<*xi32>
  return
}

// -----

func.func @one_hot_classes(%x: tensor<4xi32>) {
  // expected-error@below {{'ai.one_hot' op expects classes to be at least 1, got 0}}
  %0 = ai.one_hot %x {classes = 0} : (tensor<4xi32>) -> tensor<*xf32>
  return
}

// -----

func.func @one_hot_rank(%x: tensor<4x1xi32>) {
  // expected-error@below {{'ai.one_hot' op expects labels of rank 1, got 'tensor<4x1xi32>'}}
  %0 = ai.one_hot %x {classes = 3} : (tensor<4x1xi32>) -> tensor<*xf32>
  return
}

// -----

func.func @softmax_dim(%x: tensor<6xf32>) {
  // expected-error@below {{'ai.softmax' op expects dim to be a dim of the operand, got 1 and 6}}
  %0 = ai.softmax %x : (tensor<6xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @loss_rank(%x: tensor<?xf32>, %y: tensor<?xi32>) {
  // expected-error@below {{'ai.cross_entropy' op expects scores of rank 2, got 'tensor<?xf32>'}}
  %0 = ai.cross_entropy %x, %y : (tensor<?xf32>, tensor<?xi32>) -> tensor<*xf32>
  return
}

// -----

func.func @loss_batch(%x: tensor<4x10xf32>, %y: tensor<5xi32>) {
  // expected-error@below {{'ai.nll_loss' op expects scores dim 0 to equal labels dim 0, got 4 and 5 in 4x10 and 5; change labels dim 0 to 4}}
  %0 = ai.nll_loss %x, %y : (tensor<4x10xf32>, tensor<5xi32>) -> tensor<*xf32>
  return
}

// -----

func.func @loss_labels(%x: tensor<4x10xf32>, %y: tensor<4xf32>) {
  // expected-error@below {{'ai.cross_entropy' op operand #1 must be tensor of i32 whose dims but the first are static, but got 'tensor<4xf32>'}}
  %0 = ai.cross_entropy %x, %y : (tensor<4x10xf32>, tensor<4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @mse_shapes(%x: tensor<4x10xf32>, %y: tensor<4xf32>) {
  // expected-error@below {{'ai.mse_loss' op expects prediction and target of one shape, got 4x10 and 4}}
  %0 = ai.mse_loss %x, %y : (tensor<4x10xf32>, tensor<4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @mse_rank(%x: tensor<f32>) {
  // expected-error@below {{'ai.mse_loss' op expects operands of rank 1 or more, got rank 0}}
  %0 = ai.mse_loss %x, %x : (tensor<f32>, tensor<f32>) -> tensor<*xf32>
  return
}

// -----

func.func @dropout_mask_rank(%x: tensor<f32>, %i: tensor<i64>) {
  // expected-error@below {{'ai.dropout_mask' op expects an operand of rank 1 or more, got rank 0}}
  %0 = ai.dropout_mask %x, %i, %i, %i {rate = 0.5, stream = 0} : (tensor<f32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xf32>
  return
}

// -----

func.func @mask_samples_rank(%x: tensor<f32>, %i: tensor<i64>) {
  // expected-error@below {{'ai.mask_samples' op expects an operand of rank 1 or more, got rank 0}}
  %0 = ai.mask_samples %x, %i, %i : (tensor<f32>, tensor<i64>, tensor<i64>) -> tensor<*xf32>
  return
}

// -----

func.func @mask_samples_count(%x: tensor<4xf32>, %i: tensor<2xi64>) {
  // expected-error@below {{'ai.mask_samples' op operand #1 must be tensor of rank 0 of i64, but got 'tensor<2xi64>'}}
  %0 = ai.mask_samples %x, %i, %i : (tensor<4xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @optimizer_gradient(%w: tensor<6xf32>, %g: tensor<5xf32>, %r: tensor<f64>) {
  // expected-error@below {{'ai.apply_optimizer' op expects gradient of the parameter's type, got 'tensor<5xf32>' and 'tensor<6xf32>'}}
  %0 = ai.apply_optimizer %w, %g, %r {optimizer = #ai.sgd<lr = 0.1>} : (tensor<6xf32>, tensor<5xf32>, tensor<f64>) -> tensor<6xf32>
  return
}

// -----

func.func @optimizer_state(%w: tensor<6xf32>, %v: tensor<6xf64>, %r: tensor<f64>) {
  // expected-error@below {{'ai.apply_optimizer' op expects state of the parameter's type, got 'tensor<6xf64>' and 'tensor<6xf32>'}}
  %0:2 = ai.apply_optimizer %w, %w, %r states(%v) {optimizer = #ai.sgd<lr = 0.1, momentum = 0.9>} : (tensor<6xf32>, tensor<6xf32>, tensor<f64>, tensor<6xf64>) -> (tensor<6xf32>, tensor<6xf64>)
  return
}
