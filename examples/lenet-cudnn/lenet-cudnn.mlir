// The network of the hand-written cuDNN sample: 431,080 parameters, inverse learning-rate schedule.
ai.model @lenet_cudnn(%image: tensor<?x1x28x28xf32>) -> tensor<?x10xf32> {
  %conv1_w = ai.parameter "conv1.weight" : tensor<20x1x5x5xf32>
  %conv1_b = ai.parameter "conv1.bias" init(#ai.init<uniform, 0.2>) : tensor<20xf32>
  %1 = ai.conv2d %image, %conv1_w, %conv1_b : (tensor<?x1x28x28xf32>, tensor<20x1x5x5xf32>, tensor<20xf32>) -> tensor<*xf32>
  %2 = ai.max_pool2d %1 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %conv2_w = ai.parameter "conv2.weight" : tensor<50x20x5x5xf32>
  %conv2_b = ai.parameter "conv2.bias" init(#ai.init<uniform, 0.0447214>) : tensor<50xf32>
  %3 = ai.conv2d %2, %conv2_w, %conv2_b : (tensor<*xf32>, tensor<50x20x5x5xf32>, tensor<50xf32>) -> tensor<*xf32>
  %4 = ai.max_pool2d %3 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %5 = ai.flatten %4 : (tensor<*xf32>) -> tensor<*xf32>
  %fc1_w = ai.parameter "fc1.weight" : tensor<500x800xf32>
  %fc1_b = ai.parameter "fc1.bias" init(#ai.init<uniform, 0.0353553>) : tensor<500xf32>
  %6 = ai.linear %5, %fc1_w, %fc1_b : (tensor<*xf32>, tensor<500x800xf32>, tensor<500xf32>) -> tensor<*xf32>
  %7 = ai.relu %6 : (tensor<*xf32>) -> tensor<*xf32>
  %fc2_w = ai.parameter "fc2.weight" : tensor<10x500xf32>
  %fc2_b = ai.parameter "fc2.bias" init(#ai.init<uniform, 0.0447214>) : tensor<10xf32>
  %8 = ai.linear %7, %fc2_w, %fc2_b : (tensor<*xf32>, tensor<10x500xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  ai.return %8 : tensor<?x10xf32>
}
ai.train @lenet_cudnn loss(cross_entropy) optimizer(#ai.sgd<lr = 0.01, momentum = 0.9>) schedule(#ai.inverse<gamma = 0.0001, power = 0.75>) {batch = 64, epochs = 4, seed = 1, mean = 0.1307, std = 0.3081}
