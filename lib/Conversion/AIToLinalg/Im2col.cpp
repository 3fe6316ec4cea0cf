// Convolutions as products of matrices (Chellapilla, Puri and Simard 2006, "High performance
// convolutional neural networks for document processing"): one factor is the patch matrix, a row
// for each pixel of the result and a column for each element of a kernel, the other the weights.
// The matrix has kernel rows x columns as many elements as the image. It is never needed whole:
// where the nest that reads it runs over the same rows, both become one and a row is left of it.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ai;

RankedTensorType ai::getPatchType(RankedTensorType image, ArrayRef<int64_t> result,
                                  ArrayRef<int64_t> kernel) {
  SmallVector<int64_t> shape{image.getDimSize(0), image.getDimSize(1)};
  llvm::append_range(shape, result);
  llvm::append_range(shape, kernel);
  return image.clone(shape);
}

/// Where an image lies under the element (p, q) of a kernel for the result's (y, x).
static Indices underKernel(const Indices &patch, ArrayRef<int64_t> stride,
                           ArrayRef<int64_t> dilation) {
  return {patch[0], patch[1], patch[2] * stride[0] + patch[4] * dilation[0],
          patch[3] * stride[1] + patch[5] * dilation[1]};
}

/// A row of the result after the other, as what reads or makes the matrix has it.
static Indices rowByRow(const Indices &patch, RankedTensorType type) {
  AffineExpr n = patch[0], i = patch[1], y = patch[2], x = patch[3], p = patch[4], q = patch[5];
  return hasChannelLanes(type) ? Indices{n, y, x, p, q, i} : Indices{n, y, i, x, p, q};
}

Tensor ai::makePatches(ImplicitLocOpBuilder &b, const Tensor &image, RankedTensorType type,
                       ArrayRef<int64_t> stride, ArrayRef<int64_t> dilation) {
  Nest nest(b);
  Indices patch = nest.loops(6);
  nest.in(image, underKernel(patch, stride, dilation));
  nest.out(emptyTensor(b, type), patch);
  return {nest.build(rowByRow(patch, type), copyElement).front(), type};
}

Value ai::multiplyByPatches(ImplicitLocOpBuilder &b, Conv2DWeightGradientOp op, const Tensor &image,
                            const Tensor &ct) {
  RankedTensorType memory = getMemoryType(cast<RankedTensorType>(op.getType()));
  RankedTensorType patches = getPatchType(image.type, ct.type.getShape().drop_front(2),
                                          op.getType().getShape().drop_front(2));
  auto lanes = RankedTensorType::get(patches.getShape(), patches.getElementType(),
                                     LanesAttr::get(b.getContext(), 1));
  Value matrix = makePatches(b, image, lanes, op.getStride(), op.getDilation()).memory;
  SmallVector<ReassociationIndices> columns{{0}, {1}, {2}, {3, 4, 5}}, weights{{0}, {1, 2, 3}};
  matrix = tensor::CollapseShapeOp::create(b, matrix, columns);

  Nest nest(b);
  AffineExpr n = nest.loop(), o = nest.loop(), y = nest.loop(), x = nest.loop(), k = nest.loop();
  nest.in(ct, {n, o, y, x});
  nest.in({matrix, matrix.getType()}, {n, y, x, k});
  auto type = RankedTensorType::get(
      {memory.getDimSize(0), memory.getNumElements() / memory.getDimSize(0)}, image.element());
  nest.out(filledTensor(b, type, 0), {o, k});
  Value sums = nest.build({n, o, k, y, x}, multiplyAdd).front();
  return tensor::ExpandShapeOp::create(b, memory, sums, weights);
}

Tensor ai::convolveGradientByPatches(ImplicitLocOpBuilder &b, Conv2DInputGradientOp op,
                                     const Tensor &ct, const Tensor &weight) {
  auto image = growImages(cast<RankedTensorType>(op.getType()), op.getPadding());
  RankedTensorType type =
      getPatchType(image, ct.type.getShape().drop_front(2), weight.type.getShape().drop_front(2));
  Nest product(b);
  Indices patch = product.loops(6);
  AffineExpr n = patch[0], i = patch[1], y = patch[2], x = patch[3], p = patch[4], q = patch[5],
             o = product.loop();
  product.in(ct, {n, o, y, x});
  product.in(weight, {o, i, p, q});
  product.out(filledTensor(b, type, 0), patch);
  bool isInPlace = hasChannelLanes(type);
  Tensor patches(product.build({n, y, i, p, q, x, o}, multiplyAdd, isInPlace).front(), type);

  Nest sum(b);
  patch = sum.loops(6);
  sum.in(patches, patch);
  sum.out(filledTensor(b, image, 0), underKernel(patch, op.getStride(), op.getDilation()));
  auto add = [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
    return {scalar::add(b, x[0], x[1])};
  };
  Tensor bordered(sum.build(rowByRow(patch, type), add).front(), image);
  return cropImages(b, bordered, op.getPadding());
}
