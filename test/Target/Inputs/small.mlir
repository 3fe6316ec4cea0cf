// A convolution, a pool and a fully connected layer.
ai.model @small(%image: tensor<?x3x12x12xf32>) -> tensor<?x10xf32> {
  %w1 = ai.parameter "conv.weight" : tensor<8x3x3x3xf32>
  %b1 = ai.parameter "conv.bias" : tensor<8xf32>
  %c1 = ai.conv2d %image, %w1, %b1 : (tensor<?x3x12x12xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>) -> tensor<*xf32>
  %r1 = ai.relu %c1 : (tensor<*xf32>) -> tensor<*xf32>
  %p1 = ai.max_pool2d %r1 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %f1 = ai.flatten %p1 : (tensor<*xf32>) -> tensor<*xf32>
  %w2 = ai.parameter "fc.weight" : tensor<10x200xf32>
  %b2 = ai.parameter "fc.bias" : tensor<10xf32>
  %f2 = ai.linear %f1, %w2, %b2 : (tensor<*xf32>, tensor<10x200xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  ai.return %f2 : tensor<?x10xf32>
}
ai.train @small loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {batch = 64}
