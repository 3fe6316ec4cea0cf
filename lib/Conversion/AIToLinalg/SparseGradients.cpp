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

/// Whether `op` can visit the winners of a max-pool only.
static bool visitsWinners(Conv2DWeightGradientOp op) {
  return getSparseSource(op.getCt()) && !op.getPerSample() &&
         hasChannelLanes(cast<RankedTensorType>(op.getType()));
}

/// A term that is looked up costs more than one that is streamed.
static constexpr int64_t kCostOfLookUp = 2;

std::optional<int64_t> ai::getCostOfWinners(Operation *op) {
  auto gradient = dyn_cast<Conv2DWeightGradientOp>(op);
  if (!gradient || !visitsWinners(gradient))
    return std::nullopt;
  auto winners = cast<RankedTensorType>(getSparseSource(gradient.getCt()).getCt().getType());
  ArrayRef<int64_t> kernel = cast<RankedTensorType>(gradient.getType()).getShape().drop_front();
  int64_t met = kernel[0] * kernel[1] * kernel[2];
  return kCostOfLookUp * winners.getNumElements() / winners.getDimSize(0) * met;
}

/// A constant of the type of `like`.
static Value constantLike(ImplicitLocOpBuilder &b, Value like, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(like.getType(), value));
}

/// `index` * `factor` + `offset`.
static Value scale(ImplicitLocOpBuilder &b, Value index, int64_t factor, int64_t offset = 0) {
  Value scaled = b.createOrFold<arith::MulIOp>(index, constantLike(b, index, factor));
  return b.createOrFold<arith::AddIOp>(scaled, constantLike(b, index, offset));
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

/// Images as the rows of a convolution's kernel meet them: what one of them meets, a run, lies
/// together, pixel by pixel and in a pixel channel by channel. Memory [N, elements].
struct Runs {
  /// Images inside their border. `unread` elements in front of the first run can be read as well.
  Runs(ImplicitLocOpBuilder &b, const Tensor &image, Conv2DWeightGradientOp op, int64_t unread);

  /// A copy with each run of `length` elements on its own.
  Runs copy(ImplicitLocOpBuilder &b, int64_t columns, int64_t length) const;

  int64_t bytesOfImage() const {
    auto type = cast<RankedTensorType>(memory.getType());
    return type.getDimSize(1) * type.getElementTypeBitWidth() / 8;
  }

  Value memory;
  int64_t rows, row; // of an image, elements of a row
  int64_t first;     // where the first run begins, `unread` elements in front of it
  int64_t column;    // from there to the run of the next column of the convolution

private:
  Runs() = default;
};

} // namespace

Runs::Runs(ImplicitLocOpBuilder &b, const Tensor &image, Conv2DWeightGradientOp op,
           int64_t unread) {
  ArrayRef<int64_t> padding = op.getPadding();
  RankedTensorType bordered = growImages(image.type, padding);
  int64_t channels = image.dim(1);
  rows = bordered.getDimSize(2), row = bordered.getDimSize(3) * channels;
  int64_t spareRows = llvm::divideCeil(unread, row);
  first = spareRows * row - unread;
  column = op.getStride()[1] * channels;
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

Runs Runs::copy(ImplicitLocOpBuilder &b, int64_t columns, int64_t length) const {
  Runs result;
  result.rows = rows, result.row = columns * length, result.first = 0, result.column = length;
  auto images = cast<RankedTensorType>(memory.getType());
  auto type = images.clone({images.getDimSize(0), rows * result.row}, images.getElementType());
  Nest nest(b);
  AffineExpr n = nest.loop(), y = nest.loop(), x = nest.loop(), u = nest.loop();
  nest.in({memory, images}, {n, y * row + x * column + u + first});
  nest.range({rows, columns, length}, {y, x, u});
  nest.out(emptyTensor(b, type), {n, y * result.row + x * length + u});
  result.memory = nest.build({n, y, x, u}, copyElement).front();
  return result;
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
    if (!visitsWinners(op) || getAlgorithm(op) != Algorithm::Direct)
      return rewriter.notifyMatchFailure(op, "is not the gradient of a max-pool, lanes channels");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    MaxPool2DScatterOp scatter = getSparseSource(op.getCt());
    Tensor image(operands.getInput(), op.getInput().getType());
    Tensor ct(rewriter.getRemappedValue(scatter.getCt()), scatter.getCt().getType());
    Tensor winner(rewriter.getRemappedValue(scatter.getWinner()), scatter.getWinner().getType());
    int64_t channels = type.getDimSize(1), dilation = op.getDilation()[1];
    // Columns of the kernel that are part of the lane, and that are not.
    int64_t together = dilation == 1 ? type.getDimSize(3) : 1;
    int64_t apart = type.getDimSize(3) / together;
    int64_t met = together * channels, lane = llvm::alignTo(met, image.dim(0)), unread = lane - met;
    Runs runs = getRuns(b, image, op, ct, lane, unread);
    Tensor starts = findStarts(b, op, scatter, winner, runs);

    Nest nest(b);
    Indices in = nest.loops(4);
    AffineExpr n = in[0], o = in[1], y = in[2], x = in[3], p = nest.loop(), q = nest.loop(),
               u = nest.loop();
    nest.in(ct, in);
    nest.in(starts, in);
    auto sums = RankedTensorType::get({type.getDimSize(0), type.getDimSize(2), apart, lane},
                                      image.element());
    nest.out(filledTensor(b, sums, 0), {o, p, q, u});
    auto add = [&](ImplicitLocOpBuilder &b, ValueRange values) {
      Value start = arith::IndexCastOp::create(b, b.getIndexType(), values[1]);
      Value inKernel =
          arith::AddIOp::create(b, scale(b, nest.index(b, p), op.getDilation()[0] * runs.row),
                                scale(b, nest.index(b, q), dilation * channels));
      Value run = arith::AddIOp::create(b, start, inKernel);
      Value indices[] = {nest.index(b, n), arith::AddIOp::create(b, run, nest.index(b, u))};
      Value met = tensor::ExtractOp::create(b, runs.memory, indices);
      return multiplyAdd(b, {values[0], met, values.back()});
    };
    // One sample after the other. If the first cache does not hold its image, a row of windows at a
    // time: the rows of the input that it meets stay there.
    Indices order = staysInL1(runs.bytesOfImage()) ? Indices{n, o, p, q, u, y, x}
                                                   : Indices{n, y, o, p, q, u, x};
    Tensor sum(nest.build(order, add, /*isLaneInPlace=*/true).front(), sums);

    rewriter.replaceOp(op, readLanes(b, sum, type, together));
    return success();
  }

private:
  /// What rows of the kernel meet. Read from the image itself a run starts anywhere in a cache line
  /// unless pixels are whole vectors, and most of its vectors would then take two: if the first
  /// cache holds a copy, and it is read often, a copy is read.
  Runs getRuns(ImplicitLocOpBuilder &b, const Tensor &image, Conv2DWeightGradientOp op,
               const Tensor &ct, int64_t lane, int64_t unread) const {
    Runs runs(b, image, op, unread);
    auto type = cast<RankedTensorType>(op.getType());
    int64_t columns = cast<RankedTensorType>(op.getCt().getType()).getDimSize(3);
    int64_t copies = runs.rows * columns;
    int64_t reads = ct.dim(1) * ct.dim(2) * ct.dim(3) * type.getDimSize(2);
    bool isAligned = image.dim(1) % image.dim(0) == 0;
    bool isWhole = op.getDilation()[1] == 1;
    int64_t bytes = copies * lane * image.element().getIntOrFloatBitWidth() / 8;
    if (isAligned || !isWhole || !staysInL1(bytes) || reads < kReadsOfCopy * copies)
      return runs;
    return runs.copy(b, columns, lane);
  }

  /// Where the run of a winner's first row begins, for each window.
  static Tensor findStarts(ImplicitLocOpBuilder &b, Conv2DWeightGradientOp op,
                           MaxPool2DScatterOp scatter, const Tensor &winner, const Runs &runs) {
    Nest nest(b);
    Indices at = nest.loops(4);
    nest.in(winner, at);
    Tensor starts = emptyTensor(b, winner.type.clone(winner.type.getShape(), b.getI32Type()));
    nest.out(starts, at);
    auto find = [&](ImplicitLocOpBuilder &b, ValueRange values) -> SmallVector<Value> {
      Value position = values[0]; // i8 or i32, as windows are large
      if (!position.getType().isInteger(32))
        position = arith::ExtUIOp::create(b, b.getI32Type(), position);
      Value columns = constantLike(b, position, scatter.getKernel()[1]);
      // The winner's row or column in the convolution's result.
      auto place = [&](int64_t axis, Value inWindow) -> Value {
        Value window = arith::IndexCastOp::create(b, b.getI32Type(), nest.index(b, at[2 + axis]));
        Value begin = scale(b, window, scatter.getStride()[axis], -scatter.getPadding()[axis]);
        return arith::AddIOp::create(b, begin, inWindow);
      };
      Value row = place(0, arith::DivUIOp::create(b, position, columns));
      Value column = place(1, arith::RemUIOp::create(b, position, columns));
      return {arith::AddIOp::create(b, scale(b, row, op.getStride()[0] * runs.row),
                                    scale(b, column, runs.column, runs.first))};
    };
    return {nest.build(find).front(), starts.type};
  }

  /// Beside what else a sample needs.
  bool staysInL1(int64_t bytesOfImage) const { return bytesOfImage <= l1 / 4 * 3; }

  /// A copy of a run pays if it is read as often.
  static constexpr int64_t kReadsOfCopy = 4;

  int64_t l1;
};

} // namespace

void ai::populateSparseLowerings(const TypeConverter &types, int64_t l1,
                                 RewritePatternSet &patterns) {
  patterns.add<LowerSparseWeightGradient>(types, patterns.getContext(), l1);
}
