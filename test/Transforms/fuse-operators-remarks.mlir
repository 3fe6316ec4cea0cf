// RUN: ai-opt %s -ai-fuse-operators=remarks -verify-diagnostics -o /dev/null

func.func @reports_groups(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  // expected-remark@below {{fusion group 0: ai.matmul ai.exp}}
  %0 = ai.matmul %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %1 = ai.exp %0 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}
