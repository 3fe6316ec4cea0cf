// RUN: ai-opt %s --ai-add-small-batches | FileCheck %s
// RUN: ai-opt %s --ai-add-small-batches="vector-bits=128" | FileCheck %s --check-prefix=NARROW
// RUN: ai-opt %s --ai-add-small-batches="masks" | FileCheck %s --check-prefix=MASKS
// RUN: ai-opt %s --ai-add-small-batches --ai-block-batch="slots=2" --ai-choose-lanes --ai-outline-blocks | FileCheck %s --check-prefix=OUTLINE
// RUN: ai-opt %s --ai-add-small-batches="l2=32768" | FileCheck %s --check-prefix=CACHE
// RUN: ai-opt %s --ai-add-small-batches -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A product with 96 x 64 terms fills 6144 vectors with samples as lanes, 384 with features: 6144 / (1.5 * 384) > 8, half
// of the lanes. With four lanes two samples are half of them. The gradient has as many terms along the same features.
//  CHECK-LABEL: func.func @net_train_step(
//        CHECK: func.func @net_train_step_small(
//   CHECK-SAME:     attributes {ai.most_samples = 8 : i64, ai.variant_of = "net_train_step"}
//        CHECK: func.func @net_evaluate(
//    CHECK-NOT: func.func @net_evaluate_small(
//        CHECK: func.func @narrow_predict(
//        CHECK: func.func @narrow_predict_small(
//   CHECK-SAME:     attributes {ai.most_samples = 2 : i64,
//        CHECK: func.func @thin_predict(
//    CHECK-NOT: func.func @thin_predict_small(
//       NARROW: func.func @net_train_step_small(
//  NARROW-SAME:     attributes {ai.most_samples = 2 : i64,
//       REMARK: remark: batches of up to 8 samples, one at a time: 768 vectors of channels or features each, 12288 of 16 samples for a block of these
//       REMARK: remark: batches of up to 2 samples, one at a time:

// Parameters of 24,576 bytes leave a cache of twice 16,384.
//        CACHE: func.func @net_train_step_small(
//   CACHE-SAME:     attributes {ai.most_samples = 2 : i64,

// The variant's blocks are single samples, row major, with a slot for each. Its panel, of a name of its own, holds the
// largest batch: it needs no fold.
//      OUTLINE: func.func @net_train_step_block(
//      OUTLINE: func.func @net_train_step_fold(
//      OUTLINE: func.func @net_train_step_small_block(
// OUTLINE-SAME:     tensor<1x64xf32> {ai.name = "x", ai.role = "input"}
// OUTLINE-SAME:     tensor<1x96xf32> {ai.name = "small.rows0", ai.role = "rows"}
// OUTLINE-SAME:     ai.kind = "block", ai.most_samples = 8 : i64, ai.size = 1 : i64, ai.step = "net_train_step_small", ai.variant_of = "net_train_step"
//      OUTLINE: func.func @net_train_step_small_combine(
// OUTLINE-SAME:     tensor<8x96xf32> {ai.name = "small.rows0", ai.role = "panel"}
//  OUTLINE-NOT: func.func @net_train_step_small_fold(
//      OUTLINE: func.func @net_evaluate_block(
func.func @net_train_step(%x: tensor<?x64xf32> {ai.name = "x", ai.role = "input"},
                          %w: tensor<96x64xf32> {ai.name = "w", ai.role = "parameter"}) -> tensor<96x64xf32> {
  %y = ai.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %dw = ai.matmul %y, %x {transpose_lhs} : (tensor<?x96xf32>, tensor<?x64xf32>) -> tensor<96x64xf32>
  %new = ai.sub %w, %dw : (tensor<96x64xf32>, tensor<96x64xf32>) -> tensor<96x64xf32>
  return %new : tensor<96x64xf32>
}

func.func @net_evaluate(%x: tensor<?x64xf32> {ai.name = "x", ai.role = "input"},
                        %w: tensor<96x64xf32> {ai.name = "w", ai.role = "parameter"}) -> tensor<?x96xf32> {
  %y = ai.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// Six channels are two vectors, of four and two, or one with masks: six vectors of samples against two, or one.
//        MASKS: func.func @narrow_predict_small(
//   MASKS-SAME:     attributes {ai.most_samples = 4 : i64,
func.func @narrow_predict(%x: tensor<?x3x8x8xf32> {ai.name = "x", ai.role = "input"},
                          %w: tensor<6x3x3x3xf32> {ai.name = "w", ai.role = "parameter"}) -> tensor<?x6x6x6xf32> {
  %y = ai.conv2d %x, %w : (tensor<?x3x8x8xf32>, tensor<6x3x3x3xf32>) -> tensor<?x6x6x6xf32>
  return %y : tensor<?x6x6x6xf32>
}

// One channel fills nothing.
func.func @thin_predict(%x: tensor<?x1x8x8xf32> {ai.name = "x", ai.role = "input"},
                        %w: tensor<1x1x3x3xf32> {ai.name = "w", ai.role = "parameter"}) -> tensor<?x1x6x6xf32> {
  %y = ai.conv2d %x, %w : (tensor<?x1x8x8xf32>, tensor<1x1x3x3xf32>) -> tensor<?x1x6x6xf32>
  return %y : tensor<?x1x6x6xf32>
}

// No step: nothing is an input, whatever it is called.
//  CHECK-LABEL: func.func @plain_predict(
//    CHECK-NOT: func.func @plain_predict_small
func.func @plain_predict(%x: tensor<8x64xf32>, %w: tensor<96x64xf32>) -> tensor<8x96xf32> {
  %y = ai.matmul %x, %w {transpose_rhs} : (tensor<8x64xf32>, tensor<96x64xf32>) -> tensor<8x96xf32>
  return %y : tensor<8x96xf32>
}

// A name that is taken.
//  CHECK-LABEL: func.func @taken_predict(
//        CHECK: func.func @taken_predict_small_0(
//   CHECK-SAME:     ai.variant_of = "taken_predict"
//        CHECK: func.func @taken_predict_small(
func.func @taken_predict(%x: tensor<?x64xf32> {ai.name = "x", ai.role = "input"},
                         %w: tensor<96x64xf32> {ai.name = "w", ai.role = "parameter"}) -> tensor<?x96xf32> {
  %y = ai.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}
func.func @taken_predict_small() {
  return
}
