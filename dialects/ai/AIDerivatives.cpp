// Reverse-mode rules, one per op, in the order of the op definitions; convolutions and pools are in
// AIWindowDerivatives.cpp. Each is the formula of the op's description.

#include "dialects/ai/VjpBuilder.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

Gradients ConstantOp::vjp(VjpBuilder &, ArrayRef<Value>) { return {}; }

Gradients AddOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.sumTo(getLhs(), cts[0]), b.sumTo(getRhs(), cts[0])};
}

Gradients SubOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.sumTo(getLhs(), cts[0]), b.sumTo(getRhs(), b.neg(cts[0]))};
}

Gradients MulOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.sumTo(getLhs(), b.mul(cts[0], getRhs())), b.sumTo(getRhs(), b.mul(cts[0], getLhs()))};
}

Gradients DivOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value perRhs = b.div(cts[0], getRhs());
  return {b.sumTo(getLhs(), perRhs), b.sumTo(getRhs(), b.neg(b.mul(perRhs, getOut())))};
}

/// Of two operands the one that `wins` against the other takes the cotangent; ties share it.
static Gradients shareBetween(VjpBuilder &b, Value ct, Value lhs, Value rhs,
                              ComparePredicate wins) {
  Value half = b.mul(ct, b.constantLike(ct, 0.5));
  Value tied = b.select(b.compare(ComparePredicate::eq, lhs, rhs), half, b.constantLike(ct, 0.0));
  return {b.sumTo(lhs, b.select(b.compare(wins, lhs, rhs), ct, tied)),
          b.sumTo(rhs, b.select(b.compare(wins, rhs, lhs), ct, tied))};
}

Gradients MaxOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return shareBetween(b, cts[0], getLhs(), getRhs(), ComparePredicate::gt);
}

Gradients MinOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return shareBetween(b, cts[0], getLhs(), getRhs(), ComparePredicate::lt);
}

Gradients PowerOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value zero = b.constantLike(cts[0], 0.0), one = b.constantLike(cts[0], 1.0);
  // Where rhs or lhs is 0 the formula would be 0 * inf, although the derivative is 0.
  Value flat = b.compare(ComparePredicate::eq, getRhs(), zero);
  Value exponent = b.select(flat, one, b.sub(getRhs(), one));
  Value slope = b.mul(getRhs(), b.power(getLhs(), exponent));
  Value base = b.select(b.compare(ComparePredicate::eq, getLhs(), zero), one, getLhs());
  return {b.sumTo(getLhs(), b.mul(cts[0], slope)),
          b.sumTo(getRhs(), b.mul(cts[0], b.mul(getOut(), b.log(base))))};
}

Gradients NegOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) { return {b.neg(cts[0])}; }

Gradients ExpOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) { return {b.mul(cts[0], getOut())}; }

Gradients LogOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) { return {b.div(cts[0], getInput())}; }

Gradients SqrtOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.div(b.mul(cts[0], b.constantLike(cts[0], 0.5)), getOut())};
}

Gradients SinOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.mul(cts[0], b.cos(getInput()))};
}

Gradients CosOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.neg(b.mul(cts[0], b.sin(getInput())))};
}

Gradients TanhOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value one = b.constantLike(cts[0], 1.0);
  return {b.mul(cts[0], b.sub(one, b.mul(getOut(), getOut())))};
}

Gradients SigmoidOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value one = b.constantLike(cts[0], 1.0);
  return {b.mul(cts[0], b.mul(getOut(), b.sub(one, getOut())))};
}

Gradients ReLUOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value zero = b.constantLike(cts[0], 0.0);
  return {b.select(b.compare(ComparePredicate::gt, getOut(), zero), cts[0], zero)};
}

Gradients CompareOp::vjp(VjpBuilder &, ArrayRef<Value>) { return {Value(), Value()}; }

Gradients SelectOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value zero = b.constantLike(cts[0], 0.0);
  return {Value(), b.sumTo(getOnTrue(), b.select(getCondition(), cts[0], zero)),
          b.sumTo(getOnFalse(), b.select(getCondition(), zero, cts[0]))};
}

Gradients CastOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Type from = getElementTypeOrSelf(getInput()), to = getElementTypeOrSelf(getOut());
  if (!isa<FloatType>(from) || !isa<FloatType>(to))
    return {Value()};
  return {b.create<CastOp>(cts[0], from)};
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

static Value matmul(VjpBuilder &b, Value lhs, Value rhs, bool transposeLhs, bool transposeRhs) {
  return b.create<MatMulOp>(lhs, rhs, transposeLhs, transposeRhs);
}

Gradients MatMulOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  bool lhsFlipped = getTransposeLhs(), rhsFlipped = getTransposeRhs();
  Value lhs = lhsFlipped ? matmul(b, getRhs(), cts[0], rhsFlipped, true)
                         : matmul(b, cts[0], getRhs(), false, !rhsFlipped);
  Value rhs = rhsFlipped ? matmul(b, cts[0], getLhs(), true, lhsFlipped)
                         : matmul(b, getLhs(), cts[0], !lhsFlipped, false);
  return {lhs, rhs};
}

Gradients LinearOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Gradients gradients{matmul(b, cts[0], getWeight(), false, false),
                      matmul(b, cts[0], getInput(), true, false)};
  if (getBias())
    gradients.push_back(b.sum(cts[0], {0}));
  return gradients;
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

Gradients ReshapeOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.reshapeLike(cts[0], getInput())};
}

Gradients FlattenOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.reshapeLike(cts[0], getInput())};
}

Gradients TransposeOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.create<TransposeOp>(cts[0], invertPermutationVector(getPermutation()))};
}

Gradients BroadcastOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.sumTo(getInput(), cts[0], getDimsOrDefault())};
}

Gradients BroadcastLikeOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.sumTo(getInput(), cts[0], getDimsOrDefault()), Value()};
}

/// Repeats the result of a reduction over `dims`, or its cotangent, to the shape of its input.
static Value spread(VjpBuilder &b, Value reduced, Value input, ArrayRef<int64_t> dims,
                    bool keepdims) {
  SmallVector<int64_t> kept;
  for (int64_t dim = 0, rank = cast<ShapedType>(input.getType()).getRank(); dim < rank; ++dim)
    if (keepdims || !llvm::is_contained(dims, dim))
      kept.push_back(dim);
  return b.broadcastLike(reduced, input, kept);
}

Gradients ReduceSumOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {spread(b, cts[0], getInput(), getDims(), getKeepdims())};
}

/// The number of elements summed, as a float; counted at run time if the batch is among them.
static Value countReduced(VjpBuilder &b, ReduceMeanOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  int64_t count = 1;
  for (int64_t dim : op.getDims()) {
    if (type.isDynamicDim(dim)) {
      Value ones = b.broadcastLike(b.constantLike(op.getInput(), 1.0), op.getInput(), {});
      return b.sum(ones, op.getDims(), op.getKeepdims());
    }
    count *= type.getDimSize(dim);
  }
  return b.constantLike(op.getInput(), count);
}

Gradients ReduceMeanOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value share = b.div(cts[0], countReduced(b, *this));
  return {spread(b, share, getInput(), getDims(), getKeepdims())};
}

Gradients ReduceMaxOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value largest = spread(b, getOut(), getInput(), getDims(), getKeepdims());
  Value wins = b.compare(ComparePredicate::eq, getInput(), largest);
  Value ones = b.create<CastOp>(wins, getElementTypeOrSelf(getInput()));
  Value share = b.div(cts[0], b.sum(ones, getDims(), getKeepdims()));
  Value spreadShare = spread(b, share, getInput(), getDims(), getKeepdims());
  return {b.select(wins, spreadShare, b.constantLike(cts[0], 0.0))};
}

Gradients ArgMaxOp::vjp(VjpBuilder &, ArrayRef<Value>) { return {Value()}; }

Gradients OneHotOp::vjp(VjpBuilder &, ArrayRef<Value>) { return {Value()}; }

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

Gradients SoftmaxOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value mean = b.sum(b.mul(cts[0], getOut()), getDim(), /*keepdims=*/true);
  return {b.mul(getOut(), b.sub(cts[0], mean))};
}

Gradients LogSoftmaxOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value total = b.sum(cts[0], getDim(), /*keepdims=*/true);
  return {b.sub(cts[0], b.mul(b.exp(getOut()), total))};
}

/// A value per sample, [N], as [N,1,…] so that it broadcasts against `samples`.
static Value perSample(VjpBuilder &b, Value value, Value samples) {
  auto type = cast<RankedTensorType>(samples.getType());
  SmallVector<int64_t> shape(type.getRank(), 1);
  shape[0] = isBatched(type) ? -1 : type.getDimSize(0);
  return type.getRank() == 1 ? value : b.create<ReshapeOp>(value, shape);
}

/// The labels as rows with one 1, of the type of `scores`.
static Value oneHot(VjpBuilder &b, Value labels, Value scores) {
  auto type = cast<RankedTensorType>(scores.getType());
  Type element = type.getElementType();
  return b.create<OneHotOp>(labels, type.getDimSize(1),
                            element.isF32() ? TypeAttr() : TypeAttr::get(element));
}

Gradients CrossEntropyOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value softmax = b.create<SoftmaxOp>(getLogits());
  Value error = b.sub(softmax, oneHot(b, getLabels(), getLogits()));
  return {b.mul(error, perSample(b, cts[0], getLogits())), Value()};
}

Gradients NLLLossOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Value ct = b.neg(perSample(b, cts[0], getLogProbabilities()));
  return {b.mul(oneHot(b, getLabels(), getLogProbabilities()), ct), Value()};
}

Gradients MSELossOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  ArrayRef<int64_t> sample =
      cast<RankedTensorType>(getPrediction().getType()).getShape().drop_front();
  Value scale = b.constantLike(cts[0], 2.0 / ShapedType::getNumElements(sample));
  Value ct = perSample(b, b.mul(cts[0], scale), getPrediction());
  Value gradient = b.mul(b.sub(getPrediction(), getTarget()), ct);
  return {gradient, b.neg(gradient)};
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

Gradients DropoutOp::vjp(VjpBuilder &, ArrayRef<Value> cts) { return {cts[0]}; }

Gradients DropoutMaskOp::vjp(VjpBuilder &, ArrayRef<Value>) { return Gradients(4); }

Gradients MaskSamplesOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.create<MaskSamplesOp>(cts[0], getFirst(), getCount()), Value(), Value()};
}

Gradients RelayoutOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.create<RelayoutOp>(getInput().getType(), cts[0])};
}
