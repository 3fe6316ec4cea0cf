// RUN: ai-opt %s --ai-block-batch --split-input-file --verify-diagnostics

func.func @mixes_samples(%x: tensor<?x4xf32>) -> tensor<4xf32> {
  // expected-error@below {{'ai.reduce_max' op cannot be split into blocks of samples; sums over the batch are ai.reduce_sum, ai.matmul with transpose_lhs, or ai.conv2d_weight_gradient}}
  %0 = ai.reduce_max %x {dims = [0]} : (tensor<?x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @second_pass(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = ai.reduce_sum %x {dims = [0]} : (tensor<?x4xf32>) -> tensor<4xf32>
  // expected-error@below {{'ai.sub' op needs a sum over the whole batch before it, which takes a second pass over the batch; only sums of gradients and losses are supported}}
  %1 = ai.sub %x, %0 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// -----

func.func @second_pass_after_a_panel(%ct: tensor<?x96xf32>, %x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  // expected-remark@below {{summed over panels of 128 samples}}
  %0 = ai.matmul %ct, %x {transpose_lhs} : (tensor<?x96xf32>, tensor<?x64xf32>) -> tensor<96x64xf32>
  // expected-error@below {{'ai.matmul' op needs a sum over the whole batch before it, which takes a second pass over the batch; only sums of gradients and losses are supported}}
  %1 = ai.matmul %x, %0 {transpose_rhs} : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  return %1 : tensor<?x96xf32>
}
