// Sums, means and maxima over dimensions, and the position of a maximum.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

using namespace mlir;
using namespace ai;

static constexpr double kNegativeInfinity = -std::numeric_limits<double>::infinity();

RankedTensorType ai::getReducedType(RankedTensorType type, ArrayRef<int64_t> dims) {
  SmallVector<int64_t> shape;
  Attribute encoding;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (llvm::is_contained(dims, dim))
      continue;
    if (getLaneDim(type) == static_cast<int64_t>(dim))
      encoding = LanesAttr::get(type.getContext(), shape.size());
    shape.push_back(size);
  }
  return RankedTensorType::get(shape, type.getElementType(), encoding);
}

/// Loops over `x` and the indices of a result without `dims` (or with a 0 in their place), and the
/// order: the result's dimensions, then the reduced ones as they lie in memory.
namespace {
struct ReductionLoops {
  ReductionLoops(Nest &nest, const Tensor &x, ArrayRef<int64_t> dims, const Tensor &out)
      : in(nest.loops(x.rank())) {
    bool keepsDims = out.rank() == x.rank();
    for (int64_t dim = 0; dim < x.rank(); ++dim) {
      if (!llvm::is_contained(dims, dim))
        this->out.push_back(in[dim]);
      else if (keepsDims)
        this->out.push_back(getAffineConstantExpr(0, x.type.getContext()));
    }
    for (int64_t dim : getMemoryOrder(out.type))
      if (isa<AffineDimExpr>(this->out[dim]))
        order.push_back(this->out[dim]);
    for (int64_t dim : getMemoryOrder(x.type))
      if (llvm::is_contained(dims, dim))
        order.push_back(in[dim]);
  }

  Indices in, out, order;
};
} // namespace

Tensor ai::reduceTensor(ImplicitLocOpBuilder &b, const Tensor &x, ArrayRef<int64_t> dims,
                        const Tensor &init, Combine combine) {
  Nest nest(b);
  ReductionLoops loops(nest, x, dims, init);
  nest.in(x, loops.in);
  nest.out(init, loops.out);
  auto result =
      nest.build(loops.order, [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
        return {combine(b, x[1], x[0])};
      });
  return {result.front(), init.type};
}

Tensor ai::maxOver(ImplicitLocOpBuilder &b, const Tensor &x, ArrayRef<int64_t> dims,
                   RankedTensorType type) {
  return reduceTensor(b, x, dims, filledTensor(b, type, kNegativeInfinity), scalar::max);
}

Tensor ai::sumOver(ImplicitLocOpBuilder &b, const Tensor &x, ArrayRef<int64_t> dims,
                   RankedTensorType type) {
  return reduceTensor(b, x, dims, filledTensor(b, type, 0), scalar::add);
}

Tensor ai::divideByCount(ImplicitLocOpBuilder &b, const Tensor &sum, int64_t count) {
  Nest nest(b);
  Indices loops = nest.loops(sum.rank());
  nest.in(sum, loops);
  nest.out(emptyTensor(b, sum.type), loops);
  auto mean = nest.build([&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
    return {scalar::div(b, x[0], scalar::constantLike(b, x[0], count))};
  });
  return {mean.front(), sum.type};
}

namespace {

/// ai.reduce_sum -> zeros + one generic.
struct LowerReduceSum final : OpConversionPattern<ReduceSumOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ReduceSumOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(op, sumOver(b, x, op.getDims(), type).memory);
    return success();
  }
};

/// ai.reduce_mean -> the sum, then one division of each result.
struct LowerReduceMean final : OpConversionPattern<ReduceMeanOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ReduceMeanOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    Tensor sum = sumOver(b, x, op.getDims(), cast<RankedTensorType>(op.getType()));
    int64_t count = 1;
    for (int64_t dim : op.getDims())
      count *= x.dim(dim);
    rewriter.replaceOp(op, divideByCount(b, sum, count).memory);
    return success();
  }
};

/// ai.reduce_max -> -inf + one generic.
struct LowerReduceMax final : OpConversionPattern<ReduceMaxOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ReduceMaxOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(op, maxOver(b, x, op.getDims(), type).memory);
    return success();
  }
};

/// ai.argmax -> one generic that carries the largest element and its position.
struct LowerArgMax final : OpConversionPattern<ArgMaxOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ArgMaxOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    auto type = cast<RankedTensorType>(op.getType());
    int64_t dim = op.getDim();
    Tensor best = filledTensor(b, type.clone(x.element()), kNegativeInfinity);
    Nest nest(b);
    ReductionLoops loops(nest, x, dim, best);
    nest.in(x, loops.in);
    nest.out(best, loops.out);
    nest.out(filledTensor(b, type, 0), loops.out);
    auto results =
        nest.build(loops.order, [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
          Value wins = scalar::beats(b, x[0], x[1]);
          Value here = arith::IndexCastOp::create(b, x[2].getType(), nest.index(b, loops.in[dim]));
          return {scalar::select(b, wins, x[0], x[1]), scalar::select(b, wins, here, x[2])};
        });
    rewriter.replaceOp(op, results[1]);
    return success();
  }
};

} // namespace

void ai::populateReductionLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerReduceSum, LowerReduceMean, LowerReduceMax, LowerArgMax>(types,
                                                                             patterns.getContext());
}
