// Reverse-mode rules of convolutions and pools. The convolution and its two adjoints are each
// bilinear, so the rule of one uses the other two; pools pair up with their adjoints.

#include "dialects/ai/VjpBuilder.h"

using namespace mlir;
using namespace ai;

/// Height and width of images, or of kernels.
static ArrayRef<int64_t> getExtents(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().take_back(2);
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

template <typename ConvOp>
static Value convolve(VjpBuilder &b, ConvOp op, Value input, Value weight) {
  return b.create<Conv2DOp>(input, weight, /*bias=*/Value(), op.getStride(), op.getPadding(),
                            op.getDilation());
}

/// The cotangent of the input of a convolution like `op`.
template <typename ConvOp>
static Value inputGradient(VjpBuilder &b, ConvOp op, Value ct, Value weight, Value input) {
  return b.create<Conv2DInputGradientOp>(ct, weight, getExtents(input), op.getStride(),
                                         op.getPadding(), op.getDilation());
}

/// The cotangent of the weight of a convolution like `op`.
template <typename ConvOp>
static Value weightGradient(VjpBuilder &b, ConvOp op, Value input, Value ct, Value weight) {
  return b.create<Conv2DWeightGradientOp>(input, ct, getExtents(weight), op.getStride(),
                                          op.getPadding(), op.getDilation());
}

Gradients Conv2DOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  Gradients gradients{inputGradient(b, *this, cts[0], getWeight(), getInput()),
                      weightGradient(b, *this, getInput(), cts[0], getWeight())};
  if (getBias())
    gradients.push_back(b.sum(cts[0], {0, 2, 3}));
  return gradients;
}

Gradients Conv2DInputGradientOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {convolve(b, *this, cts[0], getWeight()),
          weightGradient(b, *this, cts[0], getCt(), getWeight())};
}

Gradients Conv2DWeightGradientOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  if (getPerSample())
    return {};
  return {inputGradient(b, *this, getCt(), cts[0], getInput()),
          convolve(b, *this, getInput(), cts[0])};
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

/// Adds `ct` at the winners of a pool like `op` over `input`.
template <typename PoolOp>
static Value scatter(VjpBuilder &b, PoolOp op, Value ct, Value winner, Value input) {
  return b.create<MaxPool2DScatterOp>(ct, winner, getExtents(input), op.getKernel(), op.getStride(),
                                      op.getPadding());
}

Gradients MaxPool2DOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  auto pool = b.createPrimal<MaxPool2DWithIndexOp>(*this, getInput(), getKernel(), getStride(),
                                                   getPadding());
  b.replacePrimal(*this, pool.getOut());
  return {scatter(b, *this, cts[0], pool.getWinner(), getInput())};
}

Gradients MaxPool2DWithIndexOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {cts[0] ? scatter(b, *this, cts[0], getWinner(), getInput()) : Value()};
}

Gradients MaxPool2DScatterOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.create<MaxPool2DGatherOp>(cts[0], getWinner(), getKernel(), getStride(), getPadding()),
          Value()};
}

Gradients MaxPool2DGatherOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {scatter(b, *this, cts[0], getWinner(), getInput()), Value()};
}

Gradients AvgPool2DOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.create<AvgPool2DGradientOp>(cts[0], getExtents(getInput()), getKernel(), getStride(),
                                        getPadding())};
}

Gradients AvgPool2DGradientOp::vjp(VjpBuilder &b, ArrayRef<Value> cts) {
  return {b.create<AvgPool2DOp>(cts[0], getKernel(), getStride(), getPadding())};
}
