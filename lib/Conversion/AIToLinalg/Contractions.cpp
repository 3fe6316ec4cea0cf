// matmul and linear, and the accumulation of any sum into a value that exists.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ai;

SmallVector<Value> ai::multiplyAdd(ImplicitLocOpBuilder &b, ValueRange x) {
  return {scalar::add(b, x.back(), scalar::mul(b, x[0], x[1]))};
}

Tensor ai::initialSum(ImplicitLocOpBuilder &b, RankedTensorType type, std::optional<Tensor> bias,
                      int64_t biasDim, ArrayRef<int64_t> order) {
  if (!bias && order == ArrayRef(getMemoryOrder(type)))
    return filledTensor(b, type, 0);
  Nest nest(b);
  Indices loops = nest.loops(type.getRank());
  if (bias)
    nest.in(*bias, {loops[biasDim]});
  nest.out(emptyTensor(b, type), loops);
  Indices ordered = llvm::map_to_vector(order, [&](int64_t dim) { return loops[dim]; });
  auto sum = nest.build(ordered, [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
    return {bias ? x[0] : scalar::constant(b, type.getElementType(), 0)};
  });
  return {sum.front(), type};
}

/// How many rows of a matrix to read side by side, a few elements of each, before the next columns:
/// as many as hardware prefetching follows; 0 if that is all or the rows are short.
static int64_t countStreams(const Tensor &matrix) {
  constexpr int64_t kMinStreams = 8, kStreams = 32, kRowBytes = 4096;
  int64_t rows = matrix.dim(0), streams = std::min(rows, kStreams);
  while (rows % streams != 0)
    --streams;
  bool isLong = matrix.dim(1) * matrix.element().getIntOrFloatBitWidth() / 8 >= kRowBytes;
  return isLong && streams < rows && streams >= kMinStreams ? streams : 0;
}

/// out[r, c] = init + sum over k of lhs * rhs; the sum innermost, but for the lane of the result
/// and for rows of rhs that are too many to be read side by side.
static Value contractMatrices(ImplicitLocOpBuilder &b, RankedTensorType type, Tensor lhs,
                              bool transposeLhs, Tensor rhs, bool transposeRhs,
                              std::optional<Tensor> bias) {
  Nest nest(b);
  Indices loops = nest.loops(3), order;
  AffineExpr row = loops[0], column = loops[1], k = loops[2];
  // With samples as lanes rhs is read element by element.
  bool isByElement = getLaneDim(type) == 0 && !transposeRhs;
  int64_t streams = isByElement ? countStreams(rhs) : 0;
  if (streams) {
    order.push_back(nest.loop());
    k = order[0] * streams + loops[2];
  }
  nest.in(lhs, transposeLhs ? Indices{k, row} : Indices{row, k});
  nest.in(rhs, transposeRhs ? Indices{column, k} : Indices{k, column});
  if (streams)
    nest.range({rhs.dim(0) / streams, streams}, {order[0], loops[2]});
  SmallVector<int64_t> dims = getMemoryOrder(type);
  nest.out(initialSum(b, type, bias, /*biasDim=*/1, dims), {row, column});
  order.append({loops[dims[0]], loops[dims[1]], loops[2]});
  return nest.build(order, multiplyAdd).front();
}

namespace {

/// ai.matmul -> zeros + one generic.
struct LowerMatMul final : OpConversionPattern<MatMulOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MatMulOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor lhs(operands.getLhs(), op.getLhs().getType());
    Tensor rhs(operands.getRhs(), op.getRhs().getType());
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(op, contractMatrices(b, type, lhs, op.getTransposeLhs(), rhs,
                                            op.getTransposeRhs(), std::nullopt));
    return success();
  }
};

/// ai.linear -> the bias for every sample + one generic.
struct LowerLinear final : OpConversionPattern<LinearOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(LinearOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    Tensor weight(operands.getWeight(), op.getWeight().getType());
    std::optional<Tensor> bias;
    if (op.getBias())
      bias.emplace(operands.getBias(), op.getBias().getType());
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(op, contractMatrices(b, type, x, /*transposeLhs=*/false, weight,
                                            /*transposeRhs=*/true, bias));
    return success();
  }
};

/// The generic that made `value` by adding to zeros; null if there is none.
static linalg::GenericOp getSumFromZero(Value value) {
  auto generic = value.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumDpsInits() != 1)
    return {};
  auto zeros = generic.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!zeros || !matchPattern(zeros.getInputs()[0], m_AnyZeroFloat()))
    return {};
  Value sum = generic.getBody()->getTerminator()->getOperand(0);
  auto add = sum.getDefiningOp<arith::AddFOp>();
  return add && add.getLhs() == generic.getRegionOutputArgs()[0] ? generic : linalg::GenericOp();
}

/// ai.add of a value and a sum that has no other use -> the sum starts from the value. So a
/// gradient is added to its slot in place. Not so the state of an optimizer, which is scaled first:
/// it would be read from far away in front of the sum, and behind it comes the update anyway.
struct AccumulateInPlace final : OpConversionPattern<AddOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(AddOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    for (unsigned side : {1, 0}) {
      linalg::GenericOp sum = getSumFromZero(operands.getOperands()[side]);
      Value start = operands.getOperands()[1 - side];
      bool isScaled = op->getOperand(1 - side).getDefiningOp<MulOp>() != nullptr;
      bool alike = op.getLhs().getType() == op.getType() && op.getRhs().getType() == op.getType();
      if (!sum || isScaled || !alike || !op->getOperand(side).hasOneUse())
        continue;
      // The sum from zero is dead afterwards: the pass removes it.
      auto accumulated = cast<linalg::GenericOp>(rewriter.clone(*sum));
      rewriter.modifyOpInPlace(accumulated,
                               [&] { accumulated.getDpsInitsMutable()[0].set(start); });
      rewriter.replaceOp(op, accumulated);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "adds no sum that has no other use");
  }
};

} // namespace

void ai::populateContractionLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerMatMul, LowerLinear>(types, patterns.getContext());
  patterns.add<AccumulateInPlace>(types, patterns.getContext(), /*benefit=*/2);
}
