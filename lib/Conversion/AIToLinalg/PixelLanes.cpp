// Convolutions whose lanes are the pixels of a sample alone. Where few channels would leave vectors
// half empty, images are copied row major and their rows taken as one: the result's pixel `m` of
// such a row meets the image at `m` + p * width + q for element (p, q) of the kernel. What the last
// columns of a row meet in the next one is computed too, and left out when the result is copied
// back. An input gradient is the convolution of the cotangents, inside a border, with the kernel
// turned around.

#include "lib/Conversion/AIToLinalg/Patterns.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ai;

/// What a vector costs that is transposed in registers and goes to memory, in multiply-adds of one.
static constexpr int64_t kTransposed = 10;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// The convolution that computes an op with stride 1.
struct Shape {
  /// Of images [N, C, H, W], with a border of `padding`, for results [N, O, H', W'].
  Shape(RankedTensorType image, RankedTensorType result, ArrayRef<int64_t> kernel,
        ArrayRef<int64_t> dilation, ArrayRef<int64_t> padding)
      : image(image), result(result), kernel(kernel.take_back(2)), dilation(dilation),
        padding(padding), width(image.getDimSize(3) + 2 * padding[1]),
        length((result.getDimSize(2) - 1) * width + result.getDimSize(3)) {}

  RankedTensorType image, result;
  SmallVector<int64_t> kernel, dilation, padding;
  int64_t width;  // of a row of the image inside its border
  int64_t length; // from the first pixel of the result to the last one, in such rows
};
} // namespace

static bool isOne(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t value) { return value == 1; });
}

static std::optional<Shape> getShape(Operation *op) {
  if (auto conv = dyn_cast<Conv2DOp>(op)) {
    if (!isOne(conv.getStride()) || isInWindows(conv))
      return std::nullopt;
    return Shape(typeOf(conv.getInput()), typeOf(conv.getResult()),
                 typeOf(conv.getWeight()).getShape(), conv.getDilation(), conv.getPadding());
  }
  auto gradient = dyn_cast<Conv2DInputGradientOp>(op);
  if (!gradient || !isOne(gradient.getStride()))
    return std::nullopt;
  ArrayRef<int64_t> kernel = typeOf(gradient.getWeight()).getShape();
  SmallVector<int64_t> border;
  for (int64_t axis : {0, 1})
    border.push_back((kernel[2 + axis] - 1) * gradient.getDilation()[axis] -
                     gradient.getPadding()[axis]);
  if (border[0] < 0 || border[1] < 0)
    return std::nullopt;
  return Shape(typeOf(gradient.getCt()), typeOf(gradient.getResult()), kernel,
               gradient.getDilation(), border);
}

std::optional<double> ai::getShareOfPixelLanes(Operation *op, const Vectors &vectors) {
  std::optional<Shape> shape = getShape(op);
  if (!shape || !hasChannelLanes(shape->result) || shape->result.getDimSize(0) != 1)
    return std::nullopt;
  Type element = shape->result.getElementType();
  int64_t in = shape->image.getDimSize(1), out = shape->result.getDimSize(1);
  int64_t taps = shape->kernel[0] * shape->kernel[1];
  // A direct input gradient visits the pixels of the cotangents.
  RankedTensorType visited = isa<Conv2DOp>(op) ? shape->result : shape->image;
  int64_t channels =
      visited.getDimSize(2) * visited.getDimSize(3) * taps * in * vectors.count(out, element);
  int64_t pixels = taps * in * out * vectors.count(shape->length, element);
  int64_t copied = shape->image.getNumElements() + shape->result.getNumElements();
  return double(pixels + kTransposed * vectors.count(copied, element)) / double(channels);
}

/// Row major, inside a border of zeros, the rows of a channel as one.
static Tensor flatten(ImplicitLocOpBuilder &b, const Tensor &x, const Shape &shape) {
  Tensor image = padImages(b, relayout(b, x, getRowMajor(x.type)), shape.padding, 0);
  SmallVector<ReassociationIndices> rows{{0}, {1}, {2, 3}};
  Value flat = tensor::CollapseShapeOp::create(b, image.memory, rows);
  return {flat, typeOf(flat)};
}

/// The result of type `shape.result`, from the rows as one.
static Tensor unflatten(ImplicitLocOpBuilder &b, const Tensor &flat, const Shape &shape) {
  Nest nest(b);
  Indices at = nest.loops(4);
  nest.in(flat, {at[0], at[1], at[2] * shape.width + at[3]});
  nest.out(emptyTensor(b, shape.result), at);
  return {nest.build(copyElement).front(), shape.result};
}

/// The sums over all that `isTurned` or plain kernels meet.
static Tensor convolve(ImplicitLocOpBuilder &b, const Tensor &x, const Tensor &weight,
                       const std::optional<Tensor> &bias, const Shape &shape, bool isTurned) {
  Tensor image = flatten(b, x, shape);
  ArrayRef<int64_t> result = shape.result.getShape();
  auto type = RankedTensorType::get({result[0], result[1], shape.length}, x.element());
  Nest nest(b);
  AffineExpr n = nest.loop(), m = nest.loop(), o = nest.loop(), i = nest.loop(), p = nest.loop(),
             q = nest.loop();
  nest.in(image, {n, i, m + p * (shape.dilation[0] * shape.width) + q * shape.dilation[1]});
  if (isTurned) {
    nest.in(weight, {i, o, shape.kernel[0] - 1 - p, shape.kernel[1] - 1 - q});
    nest.range(shape.kernel, {p, q});
  } else {
    nest.in(weight, {o, i, p, q});
  }
  nest.out(initialSum(b, type, bias, /*biasDim=*/1, {0, 2, 1}), {n, o, m});
  return unflatten(b, {nest.build({n, m, o, i, p, q}, multiplyAdd).front(), type}, shape);
}

Tensor ai::convolvePixels(ImplicitLocOpBuilder &b, Conv2DOp op, const Tensor &x,
                          const Tensor &weight, const std::optional<Tensor> &bias) {
  return convolve(b, x, weight, bias, *getShape(op), /*isTurned=*/false);
}

Tensor ai::convolveGradientPixels(ImplicitLocOpBuilder &b, Conv2DInputGradientOp op,
                                  const Tensor &ct, const Tensor &weight) {
  return convolve(b, ct, weight, std::nullopt, *getShape(op), /*isTurned=*/true);
}
