// conv2d and its two gradients: one generic each, beside the border and the initial value.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

/// The input row (axis 0) or column (axis 1) that meets the kernel's row or column for an output's.
template <typename Op>
static AffineExpr inputIndex(Op op, int64_t axis, AffineExpr out, AffineExpr kernel) {
  return out * op.getStride()[axis] + kernel * op.getDilation()[axis];
}

/// Adds what kernels of type `kernel` meet in `image`, which lies inside its border, for results of
/// type `result`: `at` is [sample, channel, row, column, kernel row, kernel column].
template <typename Op>
static void addImage(ImplicitLocOpBuilder &b, Nest &nest, Op op, const Tensor &image, Type result,
                     RankedTensorType kernel, const Indices &at) {
  if (getAlgorithm(op) == Algorithm::Im2col) {
    RankedTensorType type =
        getPatchType(image.type, cast<RankedTensorType>(result).getShape().take_back(2),
                     kernel.getShape().take_back(2));
    return nest.in(makePatches(b, image, type, op.getStride(), op.getDilation()), at);
  }
  nest.in(image, {at[0], at[1], inputIndex(op, 0, at[2], at[4]), inputIndex(op, 1, at[3], at[5])});
}

/// The operands of a convolution in memory; the image inside its border.
namespace {
struct ConvolutionOperands {
  ConvolutionOperands(ImplicitLocOpBuilder &b, Conv2DOp op, Value input, Value weight, Value bias)
      : image(padImages(b, {input, op.getInput().getType()}, getBorder(op), 0)),
        weight(weight, op.getWeight().getType()) {
    if (bias)
      this->bias.emplace(bias, op.getBias().getType());
  }

  Tensor image, weight;
  std::optional<Tensor> bias;
};
} // namespace

/// The convolution as a tensor [N, O, rows, columns], or [N, O, window rows, window columns, kernel
/// rows, kernel columns] for windows of the given stride.
static Tensor convolve(ImplicitLocOpBuilder &b, Conv2DOp op, const ConvolutionOperands &operands,
                       RankedTensorType type, ArrayRef<int64_t> order,
                       ArrayRef<int64_t> windowStride = {}) {
  Nest nest(b);
  Indices out = nest.loops(type.getRank());
  AffineExpr i = nest.loop(), p = nest.loop(), q = nest.loop();
  AffineExpr y = out[2], x = out[3];
  if (!windowStride.empty()) {
    y = y * windowStride[0] + out[4];
    x = x * windowStride[1] + out[5];
  }
  addImage(b, nest, op, operands.image, op.getType(), operands.weight.type,
           {out[0], i, y, x, p, q});
  nest.in(operands.weight, {out[1], i, p, q});
  nest.out(initialSum(b, type, operands.bias, /*biasDim=*/1, order), out);

  Indices loops = llvm::map_to_vector(order, [&](int64_t dim) { return out[dim]; });
  // The innermost sum walks the smallest stride: with channels as lanes, that of the channels.
  loops.append(hasChannelLanes(type) ? Indices{p, q, i} : Indices{i, p, q});
  return {nest.build(loops, multiplyAdd, hasChannelLanes(type)).front(), type};
}

namespace {

/// ai.conv2d -> the bias or zeros + one generic.
struct LowerConv2D final : OpConversionPattern<Conv2DOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(Conv2DOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    if (getAlgorithm(op) == Algorithm::PixelLanes) {
      std::optional<Tensor> bias;
      if (operands.getBias())
        bias.emplace(operands.getBias(), op.getBias().getType());
      rewriter.replaceOp(op, convolvePixels(b, op, {operands.getInput(), op.getInput().getType()},
                                            {operands.getWeight(), op.getWeight().getType()}, bias)
                                 .memory);
      return success();
    }
    ConvolutionOperands memory(b, op, operands.getInput(), operands.getWeight(),
                               operands.getBias());
    auto type = cast<RankedTensorType>(op.getType());
    if (isWinograd(getAlgorithm(op))) {
      rewriter.replaceOp(op, convolveInTiles(b, op, memory.image, memory.weight, memory.bias,
                                             /*inWindows=*/false)
                                 .memory);
      return success();
    }
    // In blocked layouts a row of all channels, then the next row: the rows of the input that it
    // needs stay in the cache.
    SmallVector<int64_t> rows{0, 2, 1, 3}, rowMajor{0, 1, 2, 3};
    rewriter.replaceOp(op,
                       convolve(b, op, memory, type, getLaneDim(type) ? rows : rowMajor).memory);
    return success();
  }
};

} // namespace

Conv2DOp ai::getConvolutionInWindows(Value x, const Windows &windows) {
  auto conv = x.getDefiningOp<Conv2DOp>();
  if (!conv || !x.hasOneUse() || !windows.areTiles())
    return {};
  std::optional<int64_t> lane = getLaneDim(cast<RankedTensorType>(x.getType()));
  return lane && *lane < 2 ? conv : Conv2DOp();
}

Tensor ai::convolveInWindows(ConversionPatternRewriter &rewriter, Conv2DOp conv,
                             RankedTensorType type, const Windows &windows) {
  ImplicitLocOpBuilder b(conv.getLoc(), rewriter);
  auto remapped = [&](Value value) { return value ? rewriter.getRemappedValue(value) : value; };
  ConvolutionOperands operands(b, conv, remapped(conv.getInput()), remapped(conv.getWeight()),
                               remapped(conv.getBias()));
  if (isWinograd(getAlgorithm(conv)) && windows.kernel == ArrayRef<int64_t>{2, 2})
    return convolveInTiles(b, conv, operands.image, operands.weight, operands.bias,
                           /*inWindows=*/true);
  SmallVector<int64_t> shape(type.getShape());
  shape.append(windows.kernel);
  return convolve(b, conv, operands, type.clone(shape), {0, 2, 1, 3, 4, 5}, windows.stride);
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

static int64_t bytesOf(RankedTensorType type) {
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

/// Whether a row of all channels stays in a first cache of `l1` bytes while other loops run over
/// it.
static bool isRowInCache(const Tensor &x, int64_t l1) {
  std::optional<int64_t> lane = getLaneDim(x.type);
  int64_t row = x.dim(1) * x.dim(3) * (lane ? x.dim(*lane) : 1);
  return row * x.element().getIntOrFloatBitWidth() / 8 <= l1;
}

namespace {

/// ai.conv2d_input_gradient -> one generic that scatters into zeros, then the border is cut off.
/// Scattering keeps a row of the result in registers and multiplies no border of zeros. A channel
/// of the result is finished before the next one, so that what follows it finds it in the cache,
/// unless the cotangent would then come from further away for every one of them.
struct LowerConv2DInputGradient final : OpConversionPattern<Conv2DInputGradientOp> {
  LowerConv2DInputGradient(const TypeConverter &types, MLIRContext *context, int64_t l1)
      : OpConversionPattern(types, context), l1(l1) {}

  LogicalResult matchAndRewrite(Conv2DInputGradientOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor ct(operands.getCt(), op.getCt().getType());
    Tensor weight(operands.getWeight(), op.getWeight().getType());
    Algorithm algorithm = getAlgorithm(op);
    if (algorithm != Algorithm::Direct) {
      auto convolve = algorithm == Algorithm::Im2col       ? convolveGradientByPatches
                      : algorithm == Algorithm::PixelLanes ? convolveGradientPixels
                                                           : convolveGradientInTiles;
      rewriter.replaceOp(op, convolve(b, op, ct, weight).memory);
      return success();
    }
    auto type = cast<RankedTensorType>(op.getType());
    RankedTensorType bordered = growImages(type, op.getPadding());

    Nest nest(b);
    AffineExpr n = nest.loop(), i = nest.loop(), y = nest.loop(), p = nest.loop(), o = nest.loop(),
               x = nest.loop(), q = nest.loop();
    nest.in(ct, {n, o, y, x});
    nest.in(weight, {o, i, p, q});
    nest.out(filledTensor(b, bordered, 0),
             {n, i, inputIndex(op, 0, y, p), inputIndex(op, 1, x, q)});
    Indices order =
        isRowInCache(ct, l1) ? Indices{n, i, y, p, o, x, q} : Indices{n, y, i, p, o, x, q};
    Tensor result(nest.build(order, multiplyAdd, hasChannelLanes(type)).front(), bordered);
    rewriter.replaceOp(op, cropImages(b, result, op.getPadding()).memory);
    return success();
  }

private:
  int64_t l1;
};

/// ai.conv2d_weight_gradient -> zeros + one generic; with `per_sample` each sample, that is each
/// lane, has a sum of its own.
struct LowerConv2DWeightGradient final : OpConversionPattern<Conv2DWeightGradientOp> {
  LowerConv2DWeightGradient(const TypeConverter &types, MLIRContext *context, int64_t l1)
      : OpConversionPattern(types, context), l1(l1) {}

  LogicalResult matchAndRewrite(Conv2DWeightGradientOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Tensor ct(operands.getCt(), op.getCt().getType());
    if (isWinograd(getAlgorithm(op))) {
      rewriter.replaceOp(op, sumGradientInTiles(b, op, operands.getInput(), ct).memory);
      return success();
    }
    Tensor image = padImages(b, {operands.getInput(), op.getInput().getType()}, op.getPadding(), 0);
    auto type = cast<RankedTensorType>(op.getType());
    if (getAlgorithm(op) == Algorithm::Im2col && hasChannelLanes(type)) {
      rewriter.replaceOp(op, multiplyByPatches(b, op, image, ct));
      return success();
    }

    Nest nest(b);
    AffineExpr n = nest.loop(), o = nest.loop(), i = nest.loop(), y = nest.loop(), x = nest.loop(),
               p = nest.loop(), q = nest.loop();
    Indices out{o, i, p, q};
    if (op.getPerSample())
      out.insert(out.begin(), n);
    AffineExpr row = y;
    Indices order;
    // With channels as lanes one sample after the other: its images stay in the cache.
    bool isBySample = getLaneDim(type) && !op.getPerSample();
    if (isBySample)
      order.push_back(n);
    Windows windows = getScatteredRows(op.getCt());
    if (!windows.kernel.empty()) {
      order.push_back(nest.loop());
      row = order.back() * windows.kernel[0] + y;
    }
    Indices ctIndices{n, o, row, x};
    addImage(b, nest, op, image, op.getCt().getType(), type, {n, i, row, x, p, q});
    nest.in(ct, ctIndices);
    if (!windows.kernel.empty())
      nest.range({ct.dim(2) / windows.kernel[0], windows.kernel[0]}, {order.back(), y});
    nest.out(filledTensor(b, type, 0), out);

    if (op.getPerSample() && windows.kernel.empty() && isFasterByRow(image, ct, type))
      order.push_back(y);
    for (int64_t dim : getMemoryOrder(type))
      order.push_back(out[dim]);
    for (int64_t dim : getMemoryOrder(ct.type))
      if (!llvm::is_contained(out, ctIndices[dim]) && !llvm::is_contained(order, ctIndices[dim]))
        order.push_back(dim == 2 ? y : ctIndices[dim]);
    rewriter.replaceOp(op, nest.build(order, multiplyAdd, isBySample));
    return success();
  }

private:
  /// Images that the first cache does not hold are read again for every register tile of sums. Row
  /// by row they are not, if the sums, which then go to memory and back for each row, are few.
  bool isFasterByRow(const Tensor &image, const Tensor &ct, RankedTensorType type) const {
    return bytesOf(image.type) + bytesOf(ct.type) > l1 && 2 * bytesOf(type) <= l1;
  }

  int64_t l1;
};

} // namespace

void ai::populateConvolutionLowerings(const TypeConverter &types, int64_t l1,
                                      RewritePatternSet &patterns) {
  patterns.add<LowerConv2D>(types, patterns.getContext());
  patterns.add<LowerConv2DInputGradient, LowerConv2DWeightGradient>(types, patterns.getContext(),
                                                                    l1);
}
