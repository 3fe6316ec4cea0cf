// The gradient of a max-pool is sparse: of each window one element, the winner, has a cotangent.
// The rest need not be multiplied if one sample is computed after the other: a cotangent is one
// number that meets vectors of pixels and their channels at the winner's place, which is looked up.
// With samples as lanes every lane would have a place of its own.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ai;

/// The max-pool whose cotangents are spread over `ct`, if at least every second one of those is a
/// zero between: to look up the others costs something.
static MaxPool2DScatterOp getSparseSource(Value ct) {
  auto scatter = ct.getDefiningOp<MaxPool2DScatterOp>();
  if (!scatter)
    return {};
  int64_t winners = cast<RankedTensorType>(scatter.getCt().getType()).getNumElements();
  int64_t elements = cast<RankedTensorType>(ct.getType()).getNumElements();
  return 2 * winners <= elements ? scatter : MaxPool2DScatterOp();
}

/// `index` * `factor` + `offset`.
static Value scale(ImplicitLocOpBuilder &b, Value index, int64_t factor, int64_t offset = 0) {
  Value scaled =
      b.createOrFold<arith::MulIOp>(index, arith::ConstantIndexOp::create(b, factor).getResult());
  return b.createOrFold<arith::AddIOp>(scaled,
                                       arith::ConstantIndexOp::create(b, offset).getResult());
}

/// The gradient of type `type` from sums [O, P, Q / together, lane]: the last elements of a lane
/// are `together` columns of the kernel.
static Value readLanes(ImplicitLocOpBuilder &b, const Tensor &sums, RankedTensorType type,
                       int64_t together) {
  int64_t channels = type.getDimSize(1), unread = sums.dim(3) - together * channels;
  if (unread == 0) {
    SmallVector<ReassociationIndices> last{{0}, {1}, {2, 3}};
    return tensor::ExpandShapeOp::create(
        b, getMemoryType(type), tensor::CollapseShapeOp::create(b, sums.memory, last), last);
  }
  Nest nest(b);
  Indices out = nest.loops(4);
  AffineExpr o = out[0], i = out[1], p = out[2], q = out[3];
  nest.in(sums, {o, p, q.floorDiv(together), q % together * channels + i + unread});
  nest.out(emptyTensor(b, type), out);
  return nest.build(copyElement).front();
}

namespace {

/// Images as a convolution's kernel meets them: inside their border, pixel by pixel and in a pixel
/// channel by channel, so that what a row of the kernel meets lies together. Memory [N, elements];
/// `unread` elements in front of an image can be read as well.
struct Pixels {
  Pixels(ImplicitLocOpBuilder &b, const Tensor &image, ArrayRef<int64_t> padding, int64_t unread);

  int64_t bytesOfImage() const {
    return (first + rows * row) * getElementTypeOrSelf(memory).getIntOrFloatBitWidth() / 8;
  }

  Value memory;
  int64_t rows, row; // of an image, elements of a row
  int64_t first;     // element of an image
};

} // namespace

Pixels::Pixels(ImplicitLocOpBuilder &b, const Tensor &image, ArrayRef<int64_t> padding,
               int64_t unread) {
  RankedTensorType bordered = growImages(image.type, padding);
  int64_t channels = image.dim(1);
  rows = bordered.getDimSize(2), row = bordered.getDimSize(3) * channels;
  int64_t spareRows = llvm::divideCeil(unread, row);
  first = spareRows * row;
  auto type = RankedTensorType::get({image.dim(0), spareRows + rows, row}, image.element());
  bool hasBorder = padding[0] != 0 || padding[1] != 0;
  if (hasChannelLanes(image.type) && !hasBorder && unread == 0) {
    memory = tensor::CollapseShapeOp::create(b, image.memory,
                                             ArrayRef<ReassociationIndices>{{0}, {1, 2, 3}});
    return;
  }
  Nest nest(b);
  AffineExpr n = nest.loop(), y = nest.loop(), u = nest.loop();
  nest.in(image, {n, u % channels, y, u.floorDiv(channels)});
  nest.range({image.dim(3) * channels}, {u});
  nest.out(hasBorder ? filledTensor(b, type, 0) : emptyTensor(b, type),
           {n, y + (spareRows + padding[0]), u + padding[1] * channels});
  memory = tensor::CollapseShapeOp::create(b, nest.build({n, y, u}, copyElement).front(),
                                           ArrayRef<ReassociationIndices>{{0}, {1, 2}});
}

namespace {

/// ai.conv2d_weight_gradient of a scattered cotangent -> one generic over the windows:
/// out[o, i, p, q] = sum over n, y, x of ct[n, o, y, x] * input[n, i, row of the winner + p, column
/// of the winner + q].
/// The lane is what lies together of what a row of the kernel meets: q * channels + i, or the
/// channels alone if the kernel is dilated. It is filled up in front to whole vectors with terms
/// that nobody reads.
struct LowerSparseWeightGradient final : OpConversionPattern<Conv2DWeightGradientOp> {
  LowerSparseWeightGradient(const TypeConverter &types, MLIRContext *context, int64_t l1)
      : OpConversionPattern(types, context, /*benefit=*/2), l1(l1) {}

  LogicalResult matchAndRewrite(Conv2DWeightGradientOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    auto type = cast<RankedTensorType>(op.getType());
    MaxPool2DScatterOp scatter = getSparseSource(op.getCt());
    if (!scatter || op.getPerSample() || !hasChannelLanes(type))
      return rewriter.notifyMatchFailure(op, "is not the gradient of a max-pool, lanes channels");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor image(operands.getInput(), op.getInput().getType());
    Tensor ct(rewriter.getRemappedValue(scatter.getCt()), scatter.getCt().getType());
    Tensor winner(rewriter.getRemappedValue(scatter.getWinner()), scatter.getWinner().getType());
    int64_t channels = type.getDimSize(1), dilation = op.getDilation()[1];
    // Columns of the kernel that are part of the lane, and that are not.
    int64_t together = dilation == 1 ? type.getDimSize(3) : 1;
    int64_t apart = type.getDimSize(3) / together;
    int64_t met = together * channels, lane = llvm::alignTo(met, image.dim(0)), unread = lane - met;
    Pixels pixels(b, image, op.getPadding(), unread);

    Nest nest(b);
    Indices in = nest.loops(4);
    AffineExpr n = in[0], o = in[1], y = in[2], x = in[3], p = nest.loop(), q = nest.loop(),
               u = nest.loop();
    nest.in(ct, in);
    nest.in(winner, in);
    auto sums = RankedTensorType::get({type.getDimSize(0), type.getDimSize(2), apart, lane},
                                      image.element());
    nest.out(filledTensor(b, sums, 0), {o, p, q, u});
    auto add = [&](ImplicitLocOpBuilder &b, ValueRange values) {
      Value position = arith::IndexCastUIOp::create(b, b.getIndexType(), values[1]);
      Value columns = arith::ConstantIndexOp::create(b, scatter.getKernel()[1]);
      Value inWindow[] = {arith::DivUIOp::create(b, position, columns),
                          arith::RemUIOp::create(b, position, columns)};
      Value at[2]; // the first row and column that the winner's kernel meets
      for (int64_t axis : {0, 1}) {
        Value window = scale(b, nest.index(b, axis ? x : y), scatter.getStride()[axis],
                             -scatter.getPadding()[axis]);
        at[axis] = scale(b, arith::AddIOp::create(b, window, inWindow[axis]), op.getStride()[axis]);
      }
      Value corner = arith::AddIOp::create(b, scale(b, at[0], pixels.row),
                                           scale(b, at[1], channels, pixels.first - unread));
      Value inKernel =
          arith::AddIOp::create(b, scale(b, nest.index(b, p), op.getDilation()[0] * pixels.row),
                                scale(b, nest.index(b, q), dilation * channels));
      Value run = arith::AddIOp::create(b, corner, inKernel);
      Value indices[] = {nest.index(b, n), arith::AddIOp::create(b, run, nest.index(b, u))};
      Value met = tensor::ExtractOp::create(b, pixels.memory, indices);
      return multiplyAdd(b, {values[0], met, values.back()});
    };
    // One sample after the other. If the first cache does not hold its image, a row of windows at a
    // time: the rows of the input that it meets stay there.
    Indices order = 2 * pixels.bytesOfImage() <= l1 ? Indices{n, o, p, q, u, y, x}
                                                    : Indices{n, y, o, p, q, u, x};
    Tensor sum(nest.build(order, add, /*isLaneInPlace=*/true).front(), sums);

    rewriter.replaceOp(op, readLanes(b, sum, type, together));
    return success();
  }

private:
  int64_t l1;
};

} // namespace

void ai::populateSparseLowerings(const TypeConverter &types, int64_t l1,
                                 RewritePatternSet &patterns) {
  patterns.add<LowerSparseWeightGradient>(types, patterns.getContext(), l1);
}
