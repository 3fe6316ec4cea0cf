// Borders around images: what padding means to a convolution or a pool.

#include "lib/Conversion/AIToLinalg/Patterns.h"

using namespace mlir;
using namespace ai;

RankedTensorType ai::growImages(RankedTensorType type, ArrayRef<int64_t> padding) {
  SmallVector<int64_t> shape(type.getShape());
  shape[type.getRank() - 2] += 2 * padding[0];
  shape[type.getRank() - 1] += 2 * padding[1];
  return type.clone(shape);
}

SmallVector<Value> ai::copyElement(ImplicitLocOpBuilder &b, ValueRange x) { return {x[0]}; }

/// The loops of an image's copy, and the same with the image shifted by the border.
static std::pair<Indices, Indices> shiftedLoops(Nest &nest, int64_t rank,
                                                ArrayRef<int64_t> padding) {
  Indices plain = nest.loops(rank), shifted = plain;
  shifted[rank - 2] = plain[rank - 2] + padding[0];
  shifted[rank - 1] = plain[rank - 1] + padding[1];
  return {plain, shifted};
}

static bool isZero(ArrayRef<int64_t> padding) { return padding[0] == 0 && padding[1] == 0; }

Tensor ai::padImages(ImplicitLocOpBuilder &b, const Tensor &x, ArrayRef<int64_t> padding,
                     double value) {
  if (isZero(padding))
    return x;
  RankedTensorType type = growImages(x.type, padding);
  Nest nest(b);
  auto [plain, shifted] = shiftedLoops(nest, x.rank(), padding);
  nest.in(x, plain);
  nest.out(filledTensor(b, type, value), shifted);
  return {nest.build(plain, copyElement).front(), type};
}

Tensor ai::cropImages(ImplicitLocOpBuilder &b, const Tensor &x, ArrayRef<int64_t> padding) {
  if (isZero(padding))
    return x;
  RankedTensorType type = growImages(x.type, {-padding[0], -padding[1]});
  Nest nest(b);
  auto [plain, shifted] = shiftedLoops(nest, x.rank(), padding);
  nest.in(x, shifted);
  nest.out(emptyTensor(b, type), plain);
  return {nest.build(copyElement).front(), type};
}
