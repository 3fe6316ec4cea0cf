// Samples of the recipe's batch that fill no block are taken one by one, if they are few enough.
// RUN: sed s/BATCH/35/ %s | ai-compile - --cpu=x86-64-v4 --emit=blocked -o - | FileCheck %s
// RUN: sed s/BATCH/35/ %s | ai-compile - --cpu=x86-64-v4 --emit=blocked --remarks -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: sed s/BATCH/42/ %s | ai-compile - --cpu=x86-64-v4 --emit=blocked -o - | FileCheck %s --check-prefix=NONE
// RUN: sed s/BATCH/48/ %s | ai-compile - --cpu=x86-64-v4 --emit=blocked -o - | FileCheck %s --check-prefix=NONE
// RUN: sed s/BATCH/3/ %s | ai-compile - --cpu=x86-64-v4 --emit=blocked -o - | FileCheck %s --check-prefix=NONE

//  CHECK-LABEL: func.func @net_train_step(
//        CHECK:   ai.for_blocks size 16 slots 3(
//        CHECK:   } rest 8 {
//        CHECK: func.func @net_train_step_small(
//        CHECK:   ai.for_blocks size 1 slots 8(
//    CHECK-NOT:   rest
//       REMARK: remark: the last 3 of 35 samples one at a time: blocks of 16 leave them over
//         NONE: ai.for_blocks size 16
//     NONE-NOT: rest
ai.model @net(%x: tensor<?x3x9x8xf32>) -> tensor<?x10xf32> {
  %w = ai.parameter "conv.weight" : tensor<13x3x3x3xf32>
  %y = ai.conv2d %x, %w : (tensor<?x3x9x8xf32>, tensor<13x3x3x3xf32>) -> tensor<*xf32>
  %f = ai.flatten %y : (tensor<*xf32>) -> tensor<*xf32>
  %v = ai.parameter "fc.weight" : tensor<10x546xf32>
  %z = ai.linear %f, %v : (tensor<*xf32>, tensor<10x546xf32>) -> tensor<?x10xf32>
  ai.return %z : tensor<?x10xf32>
}
ai.train @net loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {batch = BATCH, epochs = 1, seed = 1}
