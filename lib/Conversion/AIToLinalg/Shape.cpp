// Ops that only move or repeat elements.

#include "lib/Conversion/AIToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;
using namespace ai;

/// The tensor of type `type` whose dimension `dims[d]` is dimension d of `x`, repeated where that
/// is 1, and along all others.
static Value spread(ImplicitLocOpBuilder &b, const Tensor &x, ArrayRef<int64_t> dims,
                    RankedTensorType type) {
  Nest nest(b);
  Indices loops = nest.loops(type.getRank()), source;
  for (auto [d, dim] : llvm::enumerate(dims)) {
    bool repeated = x.dim(d) != type.getDimSize(dim);
    source.push_back(repeated ? getAffineConstantExpr(0, b.getContext()) : loops[dim]);
  }
  nest.in(x, source);
  nest.out(emptyTensor(b, type), loops);
  return nest.build(copyElement).front();
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

/// `x`, in memory, with another shape of as many elements: no data moves.
static Value reshapeMemory(ImplicitLocOpBuilder &b, Value x, ArrayRef<int64_t> shape) {
  auto from = cast<RankedTensorType>(x.getType());
  RankedTensorType to = RankedTensorType::get(shape, from.getElementType());
  if (from == to)
    return x;
  auto groups = getReassociationIndicesForReshape(from, to);
  if (groups && from.getRank() > to.getRank())
    return tensor::CollapseShapeOp::create(b, to, x, *groups);
  if (groups && from.getRank() < to.getRank())
    return tensor::ExpandShapeOp::create(b, to, x, *groups);
  return reshapeMemory(b, reshapeMemory(b, x, from.getNumElements()), shape);
}

/// The extents before and after the lane dimension.
static std::array<int64_t, 3> splitAtLane(RankedTensorType type) {
  std::optional<int64_t> lane = getLaneDim(type);
  ArrayRef<int64_t> shape = type.getShape();
  if (!lane)
    return {ShapedType::getNumElements(shape), 1, 1};
  return {ShapedType::getNumElements(shape.take_front(*lane)), shape[*lane],
          ShapedType::getNumElements(shape.drop_front(*lane + 1))};
}

RankedTensorType ai::getRowMajor(RankedTensorType type) {
  return RankedTensorType::get(type.getShape(), type.getElementType());
}

/// Between row-major order and lanes, the dimensions before and after the lane dimension are one
/// dimension each: a transposition of long rows.
Tensor ai::relayout(ImplicitLocOpBuilder &b, const Tensor &x, RankedTensorType type) {
  if (getMemoryOrder(x.type) == getMemoryOrder(type))
    return {x.memory, type};
  if (getLaneDim(x.type) && getLaneDim(type))
    return {spread(b, x, llvm::to_vector(llvm::seq<int64_t>(type.getRank())), type), type};
  auto split = splitAtLane(getLaneDim(type) ? type : x.type);
  ArrayRef<int64_t> shape = ArrayRef(split).drop_front(split[0] == 1 ? 1 : 0);
  auto rowMajor = RankedTensorType::get(shape, type.getElementType());
  auto lanes = RankedTensorType::get(shape, type.getElementType(),
                                     LanesAttr::get(b.getContext(), shape.size() - 2));
  auto [from, to] = getLaneDim(type) ? std::pair(rowMajor, lanes) : std::pair(lanes, rowMajor);
  Value flat = reshapeMemory(b, x.memory, getMemoryType(from).getShape());
  Value copied = spread(b, {flat, from}, llvm::to_vector(llvm::seq<int64_t>(shape.size())), to);
  return {reshapeMemory(b, copied, getMemoryType(type).getShape()), type};
}

/// A reshape that leaves the lane dimension alone moves no data, since the lane lies last in both
/// memories; any other goes through row-major order.
static Value reshape(ImplicitLocOpBuilder &b, const Tensor &x, RankedTensorType type) {
  if (splitAtLane(x.type) == splitAtLane(type))
    return reshapeMemory(b, x.memory, getMemoryType(type).getShape());
  Tensor rowMajor = relayout(b, x, getRowMajor(x.type));
  Value reshaped = reshapeMemory(b, rowMajor.memory, type.getShape());
  return relayout(b, {reshaped, getRowMajor(type)}, type).memory;
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

/// ai.reshape, ai.flatten -> views, and copies only where the lane dimension changes.
template <typename Op> struct LowerReshape final : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    rewriter.replaceOp(op, reshape(b, x, cast<RankedTensorType>(op.getType())));
    return success();
  }
};

/// ai.transpose -> one generic.
struct LowerTranspose final : OpConversionPattern<TransposeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(TransposeOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    SmallVector<int64_t> dims = invertPermutationVector(op.getPermutation());
    rewriter.replaceOp(op, spread(b, x, dims, cast<RankedTensorType>(op.getType())));
    return success();
  }
};

/// ai.broadcast, ai.broadcast_like -> one generic.
template <typename Op> struct LowerBroadcast final : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(op, spread(b, x, op.getDimsOrDefault(), type));
    return success();
  }
};

/// ai.relayout -> one generic that copies; nothing where the order in memory stays.
struct LowerRelayout final : OpConversionPattern<RelayoutOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(RelayoutOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor x(operands.getInput(), op.getInput().getType());
    rewriter.replaceOp(op, relayout(b, x, cast<RankedTensorType>(op.getType())).memory);
    return success();
  }
};

/// ai.constant -> arith.constant, with its elements in memory order.
struct LowerConstant final : OpConversionPattern<ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(ConstantOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    auto type = cast<RankedTensorType>(op.getType());
    auto value = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!value)
      return rewriter.notifyMatchFailure(op, "needs dense elements");
    RankedTensorType memory = getMemoryType(type);
    if (value.isSplat()) {
      rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, value.resizeSplat(memory));
      return success();
    }
    auto rowMajor =
        arith::ConstantOp::create(rewriter, op.getLoc(), value.reshape(getRowMajor(type)));
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, relayout(b, {rowMajor, getRowMajor(type)}, type).memory);
    return success();
  }
};

} // namespace

void ai::populateShapeLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerReshape<ReshapeOp>, LowerReshape<FlattenOp>, LowerTranspose,
               LowerBroadcast<BroadcastOp>, LowerBroadcast<BroadcastLikeOp>, LowerRelayout,
               LowerConstant>(types, patterns.getContext());
}
