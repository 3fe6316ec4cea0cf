// The network of PyTorch's MNIST example: 1,199,882 parameters, dropout, Adadelta.
ai.model @mnist_net(%image: tensor<?x1x28x28xf32>) -> tensor<?x10xf32> {
  %conv1_w = ai.parameter "conv1.weight" : tensor<32x1x3x3xf32>
  %conv1_b = ai.parameter "conv1.bias" init(#ai.init<uniform, 0.333333>) : tensor<32xf32>
  %1 = ai.conv2d %image, %conv1_w, %conv1_b : (tensor<?x1x28x28xf32>, tensor<32x1x3x3xf32>, tensor<32xf32>) -> tensor<*xf32>
  %2 = ai.relu %1 : (tensor<*xf32>) -> tensor<*xf32>
  %conv2_w = ai.parameter "conv2.weight" : tensor<64x32x3x3xf32>
  %conv2_b = ai.parameter "conv2.bias" init(#ai.init<uniform, 0.0589256>) : tensor<64xf32>
  %3 = ai.conv2d %2, %conv2_w, %conv2_b : (tensor<*xf32>, tensor<64x32x3x3xf32>, tensor<64xf32>) -> tensor<*xf32>
  %4 = ai.relu %3 : (tensor<*xf32>) -> tensor<*xf32>
  %5 = ai.max_pool2d %4 {kernel = [2, 2]} : (tensor<*xf32>) -> tensor<*xf32>
  %6 = ai.dropout %5 {rate = 0.25} : (tensor<*xf32>) -> tensor<*xf32>
  %7 = ai.flatten %6 : (tensor<*xf32>) -> tensor<*xf32>
  %fc1_w = ai.parameter "fc1.weight" : tensor<128x9216xf32>
  %fc1_b = ai.parameter "fc1.bias" init(#ai.init<uniform, 0.0104167>) : tensor<128xf32>
  %8 = ai.linear %7, %fc1_w, %fc1_b : (tensor<*xf32>, tensor<128x9216xf32>, tensor<128xf32>) -> tensor<*xf32>
  %9 = ai.relu %8 : (tensor<*xf32>) -> tensor<*xf32>
  %10 = ai.dropout %9 {rate = 0.5} : (tensor<*xf32>) -> tensor<*xf32>
  %fc2_w = ai.parameter "fc2.weight" : tensor<10x128xf32>
  %fc2_b = ai.parameter "fc2.bias" init(#ai.init<uniform, 0.0883883>) : tensor<10xf32>
  %11 = ai.linear %10, %fc2_w, %fc2_b : (tensor<*xf32>, tensor<10x128xf32>, tensor<10xf32>) -> tensor<*xf32>
  %12 = ai.log_softmax %11 : (tensor<*xf32>) -> tensor<?x10xf32>
  ai.return %12 : tensor<?x10xf32>
}
ai.train @mnist_net loss(nll_loss) optimizer(#ai.adadelta<lr = 1.0>) schedule(#ai.step<gamma = 0.7>) {batch = 64, epochs = 4, seed = 1, mean = 0.1307, std = 0.3081}
