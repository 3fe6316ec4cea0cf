// LeNet-5 (LeCun et al. 1998) with ReLU and max pooling: 61,706 parameters.
ai.model @lenet(%image: tensor<?x1x28x28xf32>) -> tensor<?x10xf32> {
  %w1 = ai.parameter "conv1.weight" : tensor<6x1x5x5xf32>
  %b1 = ai.parameter "conv1.bias" init(#ai.init<uniform, 0.2>) : tensor<6xf32>
  %c1 = ai.conv2d %image, %w1, %b1 {padding = [2, 2]} : (tensor<?x1x28x28xf32>, tensor<6x1x5x5xf32>, tensor<6xf32>) -> tensor<*xf32>
  %r1 = ai.relu %c1 : (tensor<*xf32>) -> tensor<*xf32>
  %p1 = ai.max_pool2d %r1 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>

  %w2 = ai.parameter "conv2.weight" : tensor<16x6x5x5xf32>
  %b2 = ai.parameter "conv2.bias" init(#ai.init<uniform, 0.081649658>) : tensor<16xf32>
  %c2 = ai.conv2d %p1, %w2, %b2 : (tensor<*xf32>, tensor<16x6x5x5xf32>, tensor<16xf32>) -> tensor<*xf32>
  %r2 = ai.relu %c2 : (tensor<*xf32>) -> tensor<*xf32>
  %p2 = ai.max_pool2d %r2 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %flat = ai.flatten %p2 : (tensor<*xf32>) -> tensor<*xf32>

  %w3 = ai.parameter "fc1.weight" : tensor<120x400xf32>
  %b3 = ai.parameter "fc1.bias" init(#ai.init<uniform, 0.05>) : tensor<120xf32>
  %f1 = ai.linear %flat, %w3, %b3 : (tensor<*xf32>, tensor<120x400xf32>, tensor<120xf32>) -> tensor<*xf32>
  %r3 = ai.relu %f1 : (tensor<*xf32>) -> tensor<*xf32>

  %w4 = ai.parameter "fc2.weight" : tensor<84x120xf32>
  %b4 = ai.parameter "fc2.bias" init(#ai.init<uniform, 0.091287093>) : tensor<84xf32>
  %f2 = ai.linear %r3, %w4, %b4 : (tensor<*xf32>, tensor<84x120xf32>, tensor<84xf32>) -> tensor<*xf32>
  %r4 = ai.relu %f2 : (tensor<*xf32>) -> tensor<*xf32>

  %w5 = ai.parameter "fc3.weight" : tensor<10x84xf32>
  %b5 = ai.parameter "fc3.bias" init(#ai.init<uniform, 0.109108945>) : tensor<10xf32>
  %logits = ai.linear %r4, %w5, %b5 : (tensor<*xf32>, tensor<10x84xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  ai.return %logits : tensor<?x10xf32>
}

ai.train @lenet loss(cross_entropy) optimizer(#ai.sgd<lr = 0.02, momentum = 0.9>)
  {batch = 64, epochs = 4, seed = 1, mean = 0.1307, std = 0.3081}
