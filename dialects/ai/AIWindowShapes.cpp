// Type inference of the ops that slide a window over images: convolutions and pools.

#include "dialects/ai/TypeInference.h"

using namespace mlir;
using namespace ai;

/// How a window moves over an image.
struct Window {
  ArrayRef<int64_t> kernel, stride, padding, dilation;
};

static LogicalResult checkWindow(const Window &window, TypeInference &infer) {
  if (failed(infer.checkPair("kernel", window.kernel, 1)) ||
      failed(infer.checkPair("stride", window.stride, 1)) ||
      failed(infer.checkPair("padding", window.padding, 0)) ||
      failed(infer.checkPair("dilation", window.dilation, 1)))
    return failure();
  return success();
}

/// Appends the extents of the result of sliding `window` over an image of extents `size`.
static LogicalResult slide(const Window &window, ArrayRef<int64_t> size, TypeInference &infer,
                           SmallVectorImpl<int64_t> &result) {
  for (int i = 0; i < 2; ++i) {
    int64_t extent = window.dilation[i] * (window.kernel[i] - 1) + 1;
    int64_t padded = size[i] + 2 * window.padding[i];
    if (padded < extent)
      return infer.expects("the kernel to fit into the padded image, got extents ", extent, " and ",
                           padded);
    result.push_back((padded - extent) / window.stride[i] + 1);
  }
  return success();
}

/// Checks that a cotangent has the extents that the window gives over an image of `size`.
static LogicalResult checkCotangent(const Window &window, RankedTensorType ct,
                                    ArrayRef<int64_t> size, TypeInference &infer) {
  SmallVector<int64_t> expected;
  if (failed(slide(window, size, infer, expected)))
    return failure();
  if (ArrayRef<int64_t>(expected) != ct.getShape().take_back(2))
    return infer.expects("ct of the forward op's extents ", printShape(expected), ", got ",
                         printShape(ct.getShape().take_back(2)));
  return success();
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

LogicalResult Conv2DOp::inferTypes(Adaptor op, TypeInference &infer) {
  Type element = getElement(op.getInput());
  RankedTensorType input = getRanked(op.getInput()), weight = getRanked(op.getWeight());
  RankedTensorType bias = op.getBias() ? getRanked(op.getBias()) : RankedTensorType();
  if (failed(infer.checkSameElementType(op.getOperands())))
    return failure();
  if (!input || !weight)
    return infer.addUnranked(element);
  if (failed(infer.checkRank("input", input, 4)) || failed(infer.checkRank("weight", weight, 4)) ||
      failed(infer.checkDims("input", input, 1, "weight", weight, 1)))
    return failure();
  if (bias && (failed(infer.checkRank("bias", bias, 1)) ||
               failed(infer.checkDims("weight", weight, 0, "bias", bias, 0))))
    return failure();
  Window window{weight.getShape().take_back(2), op.getStride(), op.getPadding(), op.getDilation()};
  SmallVector<int64_t> shape{input.getDimSize(0), weight.getDimSize(0)};
  if (failed(checkWindow(window, infer)) ||
      failed(slide(window, input.getShape().take_back(2), infer, shape)))
    return failure();
  return infer.addResult(shape, element);
}

LogicalResult Conv2DInputGradientOp::inferTypes(Adaptor op, TypeInference &infer) {
  Type element = getElement(op.getCt());
  RankedTensorType ct = getRanked(op.getCt()), weight = getRanked(op.getWeight());
  if (failed(infer.checkSameElementType(op.getOperands())) ||
      failed(infer.checkPair("input_size", op.getInputSize(), 0)))
    return failure();
  if (!ct || !weight)
    return infer.addUnranked(element);
  if (failed(infer.checkRank("ct", ct, 4)) || failed(infer.checkRank("weight", weight, 4)) ||
      failed(infer.checkDims("ct", ct, 1, "weight", weight, 0)))
    return failure();
  Window window{weight.getShape().take_back(2), op.getStride(), op.getPadding(), op.getDilation()};
  if (failed(checkWindow(window, infer)) ||
      failed(checkCotangent(window, ct, op.getInputSize(), infer)))
    return failure();
  SmallVector<int64_t> shape{ct.getDimSize(0), weight.getDimSize(1)};
  llvm::append_range(shape, op.getInputSize());
  return infer.addResult(shape, element);
}

LogicalResult Conv2DWeightGradientOp::inferTypes(Adaptor op, TypeInference &infer) {
  Type element = getElement(op.getInput());
  RankedTensorType input = getRanked(op.getInput()), ct = getRanked(op.getCt());
  Window window{op.getKernelSize(), op.getStride(), op.getPadding(), op.getDilation()};
  if (failed(infer.checkSameElementType(op.getOperands())) ||
      failed(infer.checkPair("kernel_size", op.getKernelSize(), 1)) ||
      failed(checkWindow(window, infer)))
    return failure();
  if (!input || !ct)
    return infer.addUnranked(element);
  if (failed(infer.checkRank("input", input, 4)) || failed(infer.checkRank("ct", ct, 4)) ||
      failed(infer.checkDims("input", input, 0, "ct", ct, 0)) ||
      failed(checkCotangent(window, ct, input.getShape().take_back(2), infer)))
    return failure();
  SmallVector<int64_t> shape{ct.getDimSize(1), input.getDimSize(1)};
  llvm::append_range(shape, op.getKernelSize());
  if (op.getPerSample())
    shape.insert(shape.begin(), input.getDimSize(0));
  return infer.addResult(shape, element);
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

static constexpr int64_t undilated[] = {1, 1};

/// The window of a pool, checked.
template <typename Adaptor>
static FailureOr<Window> getPoolWindow(Adaptor op, TypeInference &infer) {
  Window window{op.getKernel(), op.getStride(), op.getPadding(), undilated};
  if (failed(checkWindow(window, infer)))
    return failure();
  for (auto [padding, kernel] : llvm::zip_equal(window.padding, window.kernel))
    if (padding >= kernel)
      return infer.expects("padding to be less than the kernel, so that no window is empty, got ",
                           padding, " and ", kernel);
  return window;
}

/// The winner's position in a window takes the smaller of i8 and i32 that holds it.
static Type getWinnerElement(MLIRContext *context, const Window &window) {
  return IntegerType::get(context, window.kernel[0] * window.kernel[1] <= 127 ? 8 : 32);
}

/// Adds the type of a pool over `value`, with each element type listed.
static LogicalResult inferPool(Value value, const Window &window, ArrayRef<Type> elements,
                               TypeInference &infer) {
  RankedTensorType input = getRanked(value);
  SmallVector<int64_t> shape;
  if (input) {
    if (failed(infer.checkRank("input", input, 4)))
      return failure();
    shape.assign({input.getDimSize(0), input.getDimSize(1)});
    if (failed(slide(window, input.getShape().take_back(2), infer, shape)))
      return failure();
  }
  for (Type element : elements)
    if (failed(input ? infer.addResult(shape, element) : infer.addUnranked(element)))
      return failure();
  return success();
}

/// Adds the type of the adjoint of a pool over an image of extents `size`.
static LogicalResult inferPoolAdjoint(Value value, const Window &window, ArrayRef<int64_t> size,
                                      TypeInference &infer) {
  RankedTensorType ct = getRanked(value);
  if (failed(infer.checkPair("input_size", size, 0)))
    return failure();
  if (!ct)
    return infer.addUnranked(getElement(value));
  if (failed(infer.checkRank("ct", ct, 4)) || failed(checkCotangent(window, ct, size, infer)))
    return failure();
  return infer.addResult({ct.getDimSize(0), ct.getDimSize(1), size[0], size[1]},
                         ct.getElementType());
}

/// Checks that winners are as a pool with this window gives them, for values of this shape.
static LogicalResult checkWinner(Value value, const Window &window,
                                 std::optional<ArrayRef<int64_t>> shape, TypeInference &infer) {
  Type element = getWinnerElement(value.getContext(), window);
  if (getElement(value) != element)
    return infer.expects("winner of element type ", element, ", got ", getElement(value));
  RankedTensorType winner = getRanked(value);
  if (winner && shape && winner.getShape() != *shape)
    return infer.expects("winner of the pool's shape ", printShape(*shape), ", got ",
                         printShape(winner.getShape()));
  return success();
}

LogicalResult MaxPool2DOp::inferTypes(Adaptor op, TypeInference &infer) {
  FailureOr<Window> window = getPoolWindow(op, infer);
  if (failed(window))
    return failure();
  return inferPool(op.getInput(), *window, getElement(op.getInput()), infer);
}

LogicalResult MaxPool2DWithIndexOp::inferTypes(Adaptor op, TypeInference &infer) {
  FailureOr<Window> window = getPoolWindow(op, infer);
  if (failed(window))
    return failure();
  return inferPool(
      op.getInput(), *window,
      {getElement(op.getInput()), getWinnerElement(op.getInput().getContext(), *window)}, infer);
}

LogicalResult MaxPool2DScatterOp::inferTypes(Adaptor op, TypeInference &infer) {
  FailureOr<Window> window = getPoolWindow(op, infer);
  if (failed(window))
    return failure();
  std::optional<ArrayRef<int64_t>> shape;
  if (RankedTensorType ct = getRanked(op.getCt()))
    shape = ct.getShape();
  if (failed(checkWinner(op.getWinner(), *window, shape, infer)))
    return failure();
  return inferPoolAdjoint(op.getCt(), *window, op.getInputSize(), infer);
}

LogicalResult MaxPool2DGatherOp::inferTypes(Adaptor op, TypeInference &infer) {
  FailureOr<Window> window = getPoolWindow(op, infer);
  if (failed(window))
    return failure();
  RankedTensorType input = getRanked(op.getInput());
  std::optional<ArrayRef<int64_t>> pooled;
  SmallVector<int64_t> shape;
  if (input && input.getRank() == 4) {
    shape.assign({input.getDimSize(0), input.getDimSize(1)});
    if (failed(slide(*window, input.getShape().take_back(2), infer, shape)))
      return failure();
    pooled = shape;
  }
  if (failed(checkWinner(op.getWinner(), *window, pooled, infer)))
    return failure();
  return inferPool(op.getInput(), *window, getElement(op.getInput()), infer);
}

LogicalResult AvgPool2DOp::inferTypes(Adaptor op, TypeInference &infer) {
  FailureOr<Window> window = getPoolWindow(op, infer);
  if (failed(window))
    return failure();
  return inferPool(op.getInput(), *window, getElement(op.getInput()), infer);
}

LogicalResult AvgPool2DGradientOp::inferTypes(Adaptor op, TypeInference &infer) {
  FailureOr<Window> window = getPoolWindow(op, infer);
  if (failed(window))
    return failure();
  return inferPoolAdjoint(op.getCt(), *window, op.getInputSize(), infer);
}
