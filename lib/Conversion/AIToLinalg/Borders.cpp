// Borders around images: what padding means to a convolution or a pool.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

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

/// `images` with `value` in the rows above and below, then in the columns beside them.
static Tensor setBorder(ImplicitLocOpBuilder &b, Tensor images, ArrayRef<int64_t> padding,
                        double value) {
  for (int64_t axis : {0, 1}) {
    int64_t width = padding[axis], dim = images.rank() - 2 + axis;
    if (width == 0)
      continue;
    Nest nest(b);
    Indices at = nest.loops(images.rank());
    AffineExpr side = nest.loop();
    nest.range({2, width}, {side, at[dim]});
    Indices out = at;
    out[dim] = side * (images.dim(dim) - width) + at[dim];
    if (axis == 1 && padding[0] != 0) {
      nest.range({images.dim(dim - 1) - 2 * padding[0]}, {at[dim - 1]});
      out[dim - 1] = at[dim - 1] + padding[0];
    }
    nest.out(images, out);
    auto set = [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
      return {scalar::constantLike(b, x.back(), value)};
    };
    Indices order;
    for (int64_t d : getMemoryOrder(images.type)) {
      if (d == dim)
        order.push_back(side);
      order.push_back(at[d]);
    }
    images.memory = nest.build(order, set).front();
  }
  return images;
}

Tensor ai::padImages(ImplicitLocOpBuilder &b, const Tensor &x, ArrayRef<int64_t> padding,
                     double value) {
  if (isZero(padding))
    return x;
  RankedTensorType type = growImages(x.type, padding);
  Nest nest(b);
  auto [plain, shifted] = shiftedLoops(nest, x.rank(), padding);
  nest.in(x, plain);
  nest.out(emptyTensor(b, type), shifted);
  // ai-pad-in-place takes the copy away where it can. Elsewhere it is a nest of its own, in the
  // order of memory: as part of the one that makes the images it writes to two buffers at once,
  // which took longer where both are larger than the second cache.
  return setBorder(b, {nest.build(plain, copyElement).front(), type}, padding, value);
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
