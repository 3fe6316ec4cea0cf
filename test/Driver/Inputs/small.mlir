// A convolution, a pool, a layer: all that a page explains, compiled in a second.
ai.model @small(%image: tensor<?x1x12x12xf32>) -> tensor<?x10xf32> {
  %w1 = ai.parameter "conv.weight" : tensor<4x1x3x3xf32>
  %b1 = ai.parameter "conv.bias" : tensor<4xf32>
  %c = ai.conv2d %image, %w1, %b1 : (tensor<?x1x12x12xf32>, tensor<4x1x3x3xf32>, tensor<4xf32>) -> tensor<*xf32>
  %r = ai.relu %c : (tensor<*xf32>) -> tensor<*xf32>
  %p = ai.max_pool2d %r {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %flat = ai.flatten %p : (tensor<*xf32>) -> tensor<*xf32>
  %w2 = ai.parameter "fc.weight" : tensor<10x100xf32>
  %b2 = ai.parameter "fc.bias" : tensor<10xf32>
  %logits = ai.linear %flat, %w2, %b2 : (tensor<*xf32>, tensor<10x100xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  ai.return %logits : tensor<?x10xf32>
}
ai.train @small loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {batch = 48, epochs = 1, seed = 1}
