// Reverse-mode differentiation of scalar functions; each public function becomes a command of the program.

// y = ln x1 + x1 * x2 - sin x2
func.func @f(%x1: tensor<f64>, %x2: tensor<f64>) -> tensor<f64> {
  %0 = ai.log %x1 : (tensor<f64>) -> tensor<f64>
  %1 = ai.mul %x1, %x2 : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %2 = ai.sin %x2 : (tensor<f64>) -> tensor<f64>
  %3 = ai.add %0, %1 : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %4 = ai.sub %3, %2 : (tensor<f64>, tensor<f64>) -> tensor<f64>
  return %4 : tensor<f64>
}

// x * y + z
func.func @g(%x: tensor<f64>, %y: tensor<f64>, %z: tensor<f64>) -> tensor<f64> {
  %0 = ai.mul %x, %y : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %1 = ai.add %0, %z : (tensor<f64>, tensor<f64>) -> tensor<f64>
  return %1 : tensor<f64>
}

ai.gradient @f wrt [0, 1]
ai.gradient @g wrt [0, 1, 2]
