// Convolutions of 3x3 kernels by Winograd's minimal filtering F(2x2, 3x3) (Lavin and Gray 2016,
// "Fast algorithms for convolutional neural networks"): a tile of 2x2 results needs 16
// multiplications a channel instead of 36.
//
//   results = A' [ (G g G') . (B' d B) ] A    d: 4x4 of the image, g: the kernel, . : elementwise
//
// Transforms are element-wise in the lanes, which are channels; between them stand 16 products of
// matrices, tiles by channels. Upstream's linalg.winograd_* ops do the transforms as products with
// constant matrices, multiplications by 0 and 1 included.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ai;

/// Rows of a tile, of the kernel, and of the image that they meet.
static constexpr int64_t kTile = 2, kKernel = 3, kInput = 4;
/// With fewer channels to sum over the transforms cost more than they save.
static constexpr int64_t kMinChannels = 16;

using Values = SmallVector<Value>;
using Transform = llvm::function_ref<Values(ImplicitLocOpBuilder &, ArrayRef<Value>)>;

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

static Values transformInput(ImplicitLocOpBuilder &b, ArrayRef<Value> d) {
  return {scalar::sub(b, d[0], d[2]), scalar::add(b, d[1], d[2]), scalar::sub(b, d[2], d[1]),
          scalar::sub(b, d[1], d[3])};
}

static Values transformKernel(ImplicitLocOpBuilder &b, ArrayRef<Value> g) {
  Value half = scalar::constantLike(b, g[0], 0.5), ends = scalar::add(b, g[0], g[2]);
  return {g[0], scalar::mul(b, scalar::add(b, ends, g[1]), half),
          scalar::mul(b, scalar::sub(b, ends, g[1]), half), g[2]};
}

static Values transformOutput(ImplicitLocOpBuilder &b, ArrayRef<Value> m) {
  return {scalar::add(b, scalar::add(b, m[0], m[1]), m[2]),
          scalar::sub(b, scalar::sub(b, m[1], m[2]), m[3])};
}

/// The value of which `index` is the number; by the time that loops are unrolled it is known.
static Value pick(ImplicitLocOpBuilder &b, Value index, ArrayRef<Value> values) {
  Value picked = values.back();
  for (int64_t i = int64_t(values.size()) - 2; i >= 0; --i) {
    Value here = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, index,
                                       arith::ConstantIndexOp::create(b, i));
    picked = scalar::select(b, here, values[i], picked);
  }
  return picked;
}

/// Element (row, column) of the transform of the square `x`, given row by row, in both dimensions.
static Value transformSquare(ImplicitLocOpBuilder &b, ArrayRef<Value> x, int64_t side,
                             Transform transform, Value row, Value column) {
  SmallVector<Values> rows; // of the square whose columns are transformed
  for (int64_t q = 0; q < side; ++q) {
    Values line;
    for (int64_t p = 0; p < side; ++p)
      line.push_back(x[p * side + q]);
    rows.push_back(transform(b, line));
  }
  Values ofRow;
  for (int64_t q = 0; q < side; ++q)
    ofRow.push_back(pick(b, row, rows[q]));
  return pick(b, column, transform(b, ofRow));
}

//===----------------------------------------------------------------------===//
// Nests
//===----------------------------------------------------------------------===//

namespace {
/// A convolution, or a gradient written as one: out[n, o, y, x] = sum over i, p, q of
/// image[n, i, y + p, x + q] * kernel[o, i, p, q].
struct TiledConvolution {
  Tensor image;    // inside its border, channels as lanes
  Tensor weight;   // as the op has it
  bool isGradient; // the kernel is turned around, and its channels have changed places
  std::optional<Tensor> bias;
  RankedTensorType type; // of the result
};
} // namespace

static AffineExpr constant(int64_t value, MLIRContext *context) {
  return getAffineConstantExpr(value, context);
}

/// [row, column, channel that is summed over, channel of the result]
static Tensor makeKernels(ImplicitLocOpBuilder &b, const TiledConvolution &conv) {
  auto weight = conv.weight.type;
  int64_t summed = conv.isGradient ? 0 : 1;
  auto type = RankedTensorType::get(
      {kInput, kInput, weight.getDimSize(summed), weight.getDimSize(1 - summed)},
      weight.getElementType());
  Nest nest(b);
  Indices out = nest.loops(4);
  AffineExpr o = out[conv.isGradient ? 2 : 3], i = out[conv.isGradient ? 3 : 2];
  for (int64_t p = 0; p < kKernel; ++p)
    for (int64_t q = 0; q < kKernel; ++q) {
      auto at = [&](int64_t tap) {
        return constant(conv.isGradient ? kKernel - 1 - tap : tap, b.getContext());
      };
      nest.in(conv.weight, {o, i, at(p), at(q)});
    }
  nest.out(emptyTensor(b, type), out);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) -> Values {
    return {transformSquare(b, Values(x.drop_back()), kKernel, transformKernel,
                            nest.index(b, out[0]), nest.index(b, out[1]))};
  };
  return {nest.build({out[2], out[3], out[0], out[1]}, body).front(), type};
}

/// [sample, row of tiles, row, column, tile, channel]
static Tensor makeInputs(ImplicitLocOpBuilder &b, const TiledConvolution &conv) {
  int64_t shape[] = {conv.image.dim(0),
                     conv.type.getDimSize(2) / kTile,
                     kInput,
                     kInput,
                     conv.type.getDimSize(3) / kTile,
                     conv.image.dim(1)};
  auto type = RankedTensorType::get(shape, conv.image.element());
  Nest nest(b);
  Indices out = nest.loops(6);
  for (int64_t p = 0; p < kInput; ++p)
    for (int64_t q = 0; q < kInput; ++q)
      nest.in(conv.image, {out[0], out[5], out[1] * kTile + p, out[4] * kTile + q});
  nest.out(emptyTensor(b, type), out);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) -> Values {
    return {transformSquare(b, Values(x.drop_back()), kInput, transformInput, nest.index(b, out[2]),
                            nest.index(b, out[3]))};
  };
  return {nest.build({out[0], out[1], out[4], out[5], out[2], out[3]}, body).front(), type};
}

/// The products, of the inputs' dimensions but with channels of the result.
static Tensor multiply(ImplicitLocOpBuilder &b, const Tensor &inputs, const Tensor &kernels) {
  SmallVector<int64_t> shape(inputs.type.getShape());
  shape.back() = kernels.dim(3);
  auto type = RankedTensorType::get(shape, inputs.element());
  Nest nest(b);
  Indices out = nest.loops(6);
  AffineExpr n = out[0], y = out[1], p = out[2], q = out[3], x = out[4], o = out[5],
             i = nest.loop();
  nest.in(inputs, {n, y, p, q, x, i});
  nest.in(kernels, {p, q, i, o});
  nest.out(initialSum(b, type, std::nullopt, /*biasDim=*/0, {0, 1, 2, 3, 5, 4}), out);
  return {nest.build({n, y, p, q, o, x, i}, multiplyAdd).front(), type};
}

/// The results of a convolution, as logical dimensions [sample, channel, row of tiles, tile, row,
/// column] if `inTiles`, otherwise as an image.
static Tensor finish(ImplicitLocOpBuilder &b, const TiledConvolution &conv, const Tensor &products,
                     bool inTiles) {
  Nest nest(b);
  Indices loops = nest.loops(6);
  AffineExpr n = loops[0], o = loops[1], y = loops[2], x = loops[3], p = loops[4], q = loops[5];
  for (int64_t r = 0; r < kInput; ++r)
    for (int64_t c = 0; c < kInput; ++c)
      nest.in(products, {n, y, constant(r, b.getContext()), constant(c, b.getContext()), x, o});
  if (conv.bias)
    nest.in(*conv.bias, {o});
  nest.range({conv.type.getDimSize(2) / kTile, conv.type.getDimSize(3) / kTile, kTile, kTile},
             {y, x, p, q});
  RankedTensorType type = conv.type;
  if (inTiles) {
    type = type.clone({type.getDimSize(0), type.getDimSize(1), type.getDimSize(2) / kTile,
                       type.getDimSize(3) / kTile, kTile, kTile});
    nest.out(emptyTensor(b, type), loops);
  } else {
    nest.out(emptyTensor(b, type), {n, o, y * kTile + p, x * kTile + q});
  }
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange elements) -> Values {
    Values products(elements.take_front(kInput * kInput));
    Value result =
        transformSquare(b, products, kInput, transformOutput, nest.index(b, p), nest.index(b, q));
    return {conv.bias ? scalar::add(b, result, elements[kInput * kInput]) : result};
  };
  return {nest.build({n, y, o, x, p, q}, body, /*isLaneInPlace=*/true).front(), type};
}

static Tensor convolveTiles(ImplicitLocOpBuilder &b, const TiledConvolution &conv, bool inTiles) {
  Tensor kernels = makeKernels(b, conv);
  return finish(b, conv, multiply(b, makeInputs(b, conv), kernels), inTiles);
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kMark = "ai.winograd";

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static bool isOne(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t value) { return value == 1; });
}

/// Whether `op`, a convolution of `image` or the gradient that is one, consists of whole tiles.
template <typename Op> static bool hasTiles(Op op, Value image) {
  RankedTensorType type = typeOf(op.getResult());
  return hasChannelLanes(typeOf(image)) && hasChannelLanes(type) &&
         typeOf(op.getWeight()).getShape().drop_front(2) == ArrayRef<int64_t>{kKernel, kKernel} &&
         isOne(op.getStride()) && isOne(op.getDilation()) && type.getDimSize(2) % kTile == 0 &&
         type.getDimSize(3) % kTile == 0 &&
         llvm::all_of(op.getPadding(), [](int64_t padding) { return padding < kKernel; });
}

void ai::markTiledConvolutions(Operation *root, bool always) {
  auto mark = [&](auto op, Value image) {
    int64_t channels = typeOf(image).getDimSize(1);
    if (!hasTiles(op, image) || (!always && channels < kMinChannels))
      return;
    op->setDiscardableAttr(kMark, UnitAttr::get(op.getContext()));
    op.emitRemark()
        << "by Winograd's algorithm: 16 instead of 36 multiplications for a tile of 2x2 "
           "and a channel, of which there are "
        << channels << " to sum over";
  };
  root->walk([&](Operation *op) {
    if (auto conv = dyn_cast<Conv2DOp>(op))
      mark(conv, conv.getInput());
    else if (auto gradient = dyn_cast<Conv2DInputGradientOp>(op))
      mark(gradient, gradient.getCt());
  });
}

bool ai::isTiled(Operation *op) { return op->hasAttr(kMark); }

Tensor ai::convolveInTiles(ImplicitLocOpBuilder &b, Conv2DOp conv, const Tensor &image,
                           const Tensor &weight, std::optional<Tensor> bias, bool inTiles) {
  return convolveTiles(b, {image, weight, false, bias, typeOf(conv.getResult())}, inTiles);
}

Tensor ai::convolveGradientInTiles(ImplicitLocOpBuilder &b, Conv2DInputGradientOp op,
                                   const Tensor &ct, const Tensor &weight) {
  int64_t border[] = {kKernel - 1 - op.getPadding()[0], kKernel - 1 - op.getPadding()[1]};
  TiledConvolution conv{padImages(b, ct, border, 0), weight, /*isGradient=*/true, std::nullopt,
                        typeOf(op.getResult())};
  return convolveTiles(b, conv, /*inTiles=*/false);
}
