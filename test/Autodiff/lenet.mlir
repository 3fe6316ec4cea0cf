// The whole backward pass of LeNet is at most 40 ai ops; each is named after what it belongs to.
// RUN: ai-opt %examples/lenet/lenet.mlir -ai-infer-shapes -ai-check-model -canonicalize -ai-lift-parameters -ai-differentiate -canonicalize -cse -mlir-use-nameloc-as-prefix > %t
// RUN: FileCheck %s < %t
// RUN: grep -c "%d_.* = ai" %t > %t.count
// RUN: %python -c "assert 20 < int(open('%t.count').read()) <= 40"
// RUN: %python -c "assert len(open('%examples/lenet/lenet.mlir').readlines()) <= 40"


// CHECK-LABEL: func @lenet_train_step(
//   CHECK-DAG:   %d_fc3.weight = ai.matmul {{.*}} -> tensor<10x84xf32>
//   CHECK-DAG:   %d_fc3.bias = ai.reduce_sum {{.*}} -> tensor<10xf32>
//   CHECK-DAG:   %d_fc1.weight = ai.matmul {{.*}} -> tensor<120x400xf32>
//   CHECK-DAG:   %d_conv2 = ai.conv2d_input_gradient {{.*}} -> tensor<?x6x14x14xf32>
//   CHECK-DAG:   %d_conv2.weight = ai.conv2d_weight_gradient {{.*}} -> tensor<16x6x5x5xf32>
//   CHECK-DAG:   %d_conv1.weight = ai.conv2d_weight_gradient {{.*}} -> tensor<6x1x5x5xf32>
//   CHECK-DAG:   %d_conv1.bias = ai.reduce_sum {{.*}} -> tensor<6xf32>
// The image gets no gradient.
//   CHECK-NOT:   %d_conv1 =
// CHECK-LABEL: func @lenet_evaluate(
//   CHECK-NOT:   %d_
