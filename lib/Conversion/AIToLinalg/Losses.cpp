// Softmax and the per-sample losses. The largest logit is subtracted before exp is taken.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ai;

/// An element-wise tensor of `x` and of tensors that lack its dimension `dim`.
static Tensor mapAlong(ImplicitLocOpBuilder &b, const Tensor &x, int64_t dim,
                       ArrayRef<Tensor> reduced, Nest::Body body) {
  Nest nest(b);
  Indices loops = nest.loops(x.rank()), kept = loops;
  kept.erase(kept.begin() + dim);
  nest.in(x, loops);
  for (const Tensor &tensor : reduced)
    nest.in(tensor, kept);
  nest.out(emptyTensor(b, x.type), loops);
  return {nest.build(body).front(), x.type};
}

/// An element-wise tensor of tensors of one type.
static Tensor mapAlike(ImplicitLocOpBuilder &b, ArrayRef<Tensor> tensors, Nest::Body body) {
  Nest nest(b);
  Indices loops = nest.loops(tensors[0].rank());
  for (const Tensor &tensor : tensors)
    nest.in(tensor, loops);
  nest.out(emptyTensor(b, tensors[0].type), loops);
  return {nest.build(body).front(), tensors[0].type};
}

/// What every softmax starts with, along dimension `dim`.
namespace {
struct Softmax {
  Softmax(ImplicitLocOpBuilder &b, const Tensor &x, int64_t dim)
      : max(maxOver(b, x, dim, getReducedType(x.type, dim))),
        exp(mapAlong(b, x, dim, max,
                     [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
                       return {math::ExpOp::create(b, scalar::sub(b, x[0], x[1]))};
                     })),
        sum(sumOver(b, exp, dim, max.type)) {}

  /// The logarithm of the sum of exp(x).
  Tensor logSumExp(ImplicitLocOpBuilder &b) const {
    return mapAlike(b, {max, sum}, [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
      return {scalar::add(b, x[0], math::LogOp::create(b, x[1]))};
    });
  }

  Tensor max, exp, sum;
};
} // namespace

/// Starts from 0 and takes `choose(logit, rest…)` of the class that the label names; [N].
static Value pickLabel(ImplicitLocOpBuilder &b, const Tensor &x, const Tensor &labels,
                       ArrayRef<Tensor> samples, Type type, Nest::Body choose) {
  auto result = cast<RankedTensorType>(type);
  Nest nest(b);
  AffineExpr n = nest.loop(), c = nest.loop();
  nest.in(x, {n, c});
  for (const Tensor &sample : samples)
    nest.in(sample, {n});
  nest.in(labels, {n});
  nest.out(filledTensor(b, result, 0), {n});
  auto picked =
      nest.build({n, c}, [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
        Value label = x[x.size() - 2];
        Value here = arith::IndexCastOp::create(b, label.getType(), nest.index(b, c));
        Value isLabel = scalar::compare(b, ComparePredicate::eq, here, label);
        return {scalar::select(b, isLabel, choose(b, x.drop_back(2)).front(), x.back())};
      });
  return picked.front();
}

namespace {

/// ai.softmax -> exp(x - max) / sum.
struct LowerSoftmax final : OpConversionPattern<SoftmaxOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(SoftmaxOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Softmax softmax(b, {operands.getInput(), op.getInput().getType()}, op.getDim());
    auto divide = [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
      return {scalar::div(b, x[0], x[1])};
    };
    rewriter.replaceOp(op, mapAlong(b, softmax.exp, op.getDim(), softmax.sum, divide).memory);
    return success();
  }
};

/// ai.log_softmax -> x - log of the sum of exp(x).
struct LowerLogSoftmax final : OpConversionPattern<LogSoftmaxOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(LogSoftmaxOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    Tensor logSumExp = Softmax(b, x, op.getDim()).logSumExp(b);
    auto subtract = [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
      return {scalar::sub(b, x[0], x[1])};
    };
    rewriter.replaceOp(op, mapAlong(b, x, op.getDim(), logSumExp, subtract).memory);
    return success();
  }
};

/// ai.cross_entropy -> log of the sum of exp(x), minus the label's logit.
struct LowerCrossEntropy final : OpConversionPattern<CrossEntropyOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(CrossEntropyOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getLogits(), op.getLogits().getType());
    Tensor labels(operands.getLabels(), op.getLabels().getType());
    Tensor logSumExp = Softmax(b, x, /*dim=*/1).logSumExp(b);
    auto loss = [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
      return {scalar::sub(b, x[1], x[0])};
    };
    rewriter.replaceOp(op, pickLabel(b, x, labels, logSumExp, op.getType(), loss));
    return success();
  }
};

/// ai.nll_loss -> minus the label's log probability.
struct LowerNLLLoss final : OpConversionPattern<NLLLossOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(NLLLossOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getLogProbabilities(), op.getLogProbabilities().getType());
    Tensor labels(operands.getLabels(), op.getLabels().getType());
    auto loss = [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
      return {arith::NegFOp::create(b, x[0])};
    };
    rewriter.replaceOp(op, pickLabel(b, x, labels, {}, op.getType(), loss));
    return success();
  }
};

/// ai.mse_loss -> the sum of squared differences of a sample, divided by their number.
struct LowerMSELoss final : OpConversionPattern<MSELossOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MSELossOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor prediction(operands.getPrediction(), op.getPrediction().getType());
    Tensor target(operands.getTarget(), op.getTarget().getType());
    Tensor squares = mapAlike(b, {prediction, target},
                              [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
                                Value difference = scalar::sub(b, x[0], x[1]);
                                return {scalar::mul(b, difference, difference)};
                              });
    auto dims = llvm::to_vector(llvm::seq<int64_t>(1, prediction.rank()));
    Tensor sum = sumOver(b, squares, dims, cast<RankedTensorType>(op.getType()));
    int64_t count = ShapedType::getNumElements(prediction.type.getShape().drop_front());
    rewriter.replaceOp(op, divideByCount(b, sum, count).memory);
    return success();
  }
};

/// ai.one_hot -> one generic that compares the label with each class.
struct LowerOneHot final : OpConversionPattern<OneHotOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(OneHotOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    Nest nest(b);
    AffineExpr n = nest.loop(), c = nest.loop();
    nest.in({operands.getLabels(), op.getLabels().getType()}, {n});
    nest.out(emptyTensor(b, type), {n, c});
    rewriter.replaceOp(
        op, nest.build([&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
          Value here = arith::IndexCastOp::create(b, x[0].getType(), nest.index(b, c));
          Value isLabel = scalar::compare(b, ComparePredicate::eq, here, x[0]);
          return {scalar::select(b, isLabel, scalar::constantLike(b, x[1], 1),
                                 scalar::constantLike(b, x[1], 0))};
        }));
    return success();
  }
};

} // namespace

void ai::populateLossLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerSoftmax, LowerLogSoftmax, LowerCrossEntropy, LowerNLLLoss, LowerMSELoss,
               LowerOneHot>(types, patterns.getContext());
}
