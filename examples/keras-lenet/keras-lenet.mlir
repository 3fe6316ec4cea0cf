// LeNet as the Keras tutorials write it: 3x3 convolutions on a 32x32 image, average pooling.
// 81,194 parameters; shapes 30, 15, 13, 6, 576, 120, 84, 10.
ai.model @keras_lenet(%image: tensor<?x1x28x28xf32>) -> tensor<?x10xf32> {
  %conv1_w = ai.parameter "conv1.weight" : tensor<6x1x3x3xf32>
  %conv1_b = ai.parameter "conv1.bias" init(#ai.init<uniform, 0.333333333>) : tensor<6xf32>
  %1 = ai.conv2d %image, %conv1_w, %conv1_b {padding = [2, 2]} : (tensor<?x1x28x28xf32>, tensor<6x1x3x3xf32>, tensor<6xf32>) -> tensor<*xf32>
  %2 = ai.relu %1 : (tensor<*xf32>) -> tensor<*xf32>
  %3 = ai.avg_pool2d %2 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %conv2_w = ai.parameter "conv2.weight" : tensor<16x6x3x3xf32>
  %conv2_b = ai.parameter "conv2.bias" init(#ai.init<uniform, 0.136082763>) : tensor<16xf32>
  %4 = ai.conv2d %3, %conv2_w, %conv2_b : (tensor<*xf32>, tensor<16x6x3x3xf32>, tensor<16xf32>) -> tensor<*xf32>
  %5 = ai.relu %4 : (tensor<*xf32>) -> tensor<*xf32>
  %6 = ai.avg_pool2d %5 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %7 = ai.flatten %6 : (tensor<*xf32>) -> tensor<*xf32>
  %fc1_w = ai.parameter "fc1.weight" : tensor<120x576xf32>
  %fc1_b = ai.parameter "fc1.bias" init(#ai.init<uniform, 0.041666667>) : tensor<120xf32>
  %8 = ai.linear %7, %fc1_w, %fc1_b : (tensor<*xf32>, tensor<120x576xf32>, tensor<120xf32>) -> tensor<*xf32>
  %9 = ai.relu %8 : (tensor<*xf32>) -> tensor<*xf32>
  %fc2_w = ai.parameter "fc2.weight" : tensor<84x120xf32>
  %fc2_b = ai.parameter "fc2.bias" init(#ai.init<uniform, 0.091287093>) : tensor<84xf32>
  %10 = ai.linear %9, %fc2_w, %fc2_b : (tensor<*xf32>, tensor<84x120xf32>, tensor<84xf32>) -> tensor<*xf32>
  %11 = ai.relu %10 : (tensor<*xf32>) -> tensor<*xf32>
  %fc3_w = ai.parameter "fc3.weight" : tensor<10x84xf32>
  %fc3_b = ai.parameter "fc3.bias" init(#ai.init<uniform, 0.109108945>) : tensor<10xf32>
  %12 = ai.linear %11, %fc3_w, %fc3_b : (tensor<*xf32>, tensor<10x84xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  ai.return %12 : tensor<?x10xf32>
}
ai.train @keras_lenet loss(cross_entropy) optimizer(#ai.sgd<lr = 0.02, momentum = 0.9>) {batch = 64, epochs = 4, seed = 1}
