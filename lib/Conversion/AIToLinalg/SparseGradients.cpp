// The gradient of a max-pool is sparse: of each window one element, the winner, has a cotangent.
// With channels as lanes the rest need not be multiplied: a cotangent is one number that meets
// vectors of input channels at the winner's place, which is looked up. With samples as lanes every
// lane would have a place of its own.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ai;

/// A term that is looked up costs more than one that is streamed.
static constexpr int64_t kCostOfLookUp = 2;

/// The max-pool whose cotangents are spread over `ct`, if it pays to leave out the zeros between.
static MaxPool2DScatterOp getSparseSource(Value ct) {
  auto scatter = ct.getDefiningOp<MaxPool2DScatterOp>();
  if (!scatter || !hasChannelLanes(cast<RankedTensorType>(ct.getType())))
    return {};
  int64_t winners = cast<RankedTensorType>(scatter.getCt().getType()).getNumElements();
  int64_t elements = cast<RankedTensorType>(ct.getType()).getNumElements();
  return kCostOfLookUp * winners <= elements ? scatter : MaxPool2DScatterOp();
}

/// `index` * `factor` + `offset`.
static Value scale(ImplicitLocOpBuilder &b, Value index, int64_t factor, int64_t offset = 0) {
  Value scaled = arith::MulIOp::create(b, index, arith::ConstantIndexOp::create(b, factor));
  return arith::AddIOp::create(b, scaled, arith::ConstantIndexOp::create(b, offset));
}

namespace {

/// ai.conv2d_weight_gradient of a scattered cotangent -> one generic over the windows:
/// out[o, i, p, q] = sum over n, y, x of ct[n, o, y, x] * input[n, i, row of the winner + p, column
/// of the winner + q].
struct LowerSparseWeightGradient final : OpConversionPattern<Conv2DWeightGradientOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(Conv2DWeightGradientOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    auto type = cast<RankedTensorType>(op.getType());
    MaxPool2DScatterOp scatter = getSparseSource(op.getCt());
    if (!scatter || op.getPerSample() || !hasChannelLanes(type))
      return rewriter.notifyMatchFailure(op, "is not the gradient of a max-pool, lanes channels");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor image = padImages(b, {operands.getInput(), op.getInput().getType()}, op.getPadding(), 0);
    Tensor ct(rewriter.getRemappedValue(scatter.getCt()), scatter.getCt().getType());
    Tensor winner(rewriter.getRemappedValue(scatter.getWinner()), scatter.getWinner().getType());

    Nest nest(b);
    Indices in = nest.loops(4);
    AffineExpr n = in[0], o = in[1], y = in[2], x = in[3], i = nest.loop(), p = nest.loop(),
               q = nest.loop();
    nest.in(ct, in);
    nest.in(winner, in);
    nest.out(filledTensor(b, type, 0), {o, i, p, q});
    auto add = [&](ImplicitLocOpBuilder &b, ValueRange values) {
      Value position = arith::IndexCastUIOp::create(b, b.getIndexType(), values[1]);
      Value columns = arith::ConstantIndexOp::create(b, scatter.getKernel()[1]);
      Value inWindow[] = {arith::DivUIOp::create(b, position, columns),
                          arith::RemUIOp::create(b, position, columns)};
      Value at[2];
      for (int64_t axis : {0, 1}) {
        Value window = scale(b, nest.index(b, axis ? x : y), scatter.getStride()[axis],
                             -scatter.getPadding()[axis]);
        Value row = arith::AddIOp::create(b, window, inWindow[axis]);
        at[axis] =
            arith::AddIOp::create(b, scale(b, row, op.getStride()[axis]),
                                  scale(b, nest.index(b, axis ? q : p), op.getDilation()[axis]));
      }
      Value logical[] = {nest.index(b, n), nest.index(b, i), at[0], at[1]};
      SmallVector<Value> indices = llvm::map_to_vector(getMemoryOrder(image.type),
                                                       [&](int64_t dim) { return logical[dim]; });
      Value met = tensor::ExtractOp::create(b, image.memory, indices);
      return multiplyAdd(b, {values[0], met, values.back()});
    };
    // A row of windows at a time: the rows of the input that it meets stay in the first cache.
    rewriter.replaceOp(op, nest.build({n, y, o, p, q, i, x}, add, /*isLaneInPlace=*/true));
    return success();
  }
};

} // namespace

void ai::populateSparseLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerSparseWeightGradient>(types, patterns.getContext(), /*benefit=*/2);
}
