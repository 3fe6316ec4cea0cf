// Convolutions of 3x3 kernels by Winograd's minimal filtering F(m x m, 3x3) (Lavin and Gray 2016,
// "Fast algorithms for convolutional neural networks"): a tile of m x m results meets a square of
// (m + 2) x (m + 2) pixels and needs as many multiplications a channel, 16 for m = 2 and 36 for
// m = 4, instead of 9 for each result.
//
//   results = A' [ (G g G') . (B' d B) ] A    d: square of the image, g: the kernel, . :
//   elementwise
//
// A kernel's gradient is that formula transposed, with as many multiplications:
//
//   gradient = G' [ sum over tiles of (A c A') . (B' d B) ] G    c: tile of the cotangent
//
// A transform of a square is one of its columns and then one of its rows, each a nest of its own:
// columns of the image belong to several squares and are transformed once. Transforms are
// element-wise in the lanes; between them stand products of matrices, tiles by channels. Upstream's
// linalg.winograd_* ops do the transforms as products with constant matrices, multiplications by 0
// and 1 included.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/WinogradTransforms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ai;

static constexpr int64_t kKernel = 3;
/// So many tiles meet a kernel for each time that it is read, which may be from the third cache: a
/// multiply-add each takes as long as that.
static constexpr int64_t kMinTiles = 16;
/// What it costs, in multiply-adds, to write an element and to read it from a cache behind the
/// first.
static constexpr int64_t kFarMove = 4 * kMove;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static AffineExpr constant(int64_t value, MLIRContext *context) {
  return getAffineConstantExpr(value, context);
}

//===----------------------------------------------------------------------===//
// Nests
//===----------------------------------------------------------------------===//

namespace {
/// A convolution, or a gradient written as one: out[n, o, y, x] = sum over i, p, q of
/// image[n, i, y + p, x + q] * kernel[o, i, p, q].
class TiledConvolution {
public:
  /// `image` lies inside its border and `type` is a whole number of tiles. In a gradient the kernel
  /// is turned around, and its channels have changed places.
  TiledConvolution(ImplicitLocOpBuilder &b, const WinogradTransforms &transforms,
                   const Tensor &image, RankedTensorType type, bool isGradient)
      : b(b), transforms(transforms), image(image), type(type), isGradient(isGradient),
        side(transforms.tile + kKernel - 1), rows(type.getDimSize(2) / transforms.tile),
        columns(type.getDimSize(3) / transforms.tile) {
    // The kernels of small images would be read again for a few tiles.
    while (2 * together <= type.getDimSize(0) && type.getDimSize(0) % (2 * together) == 0 &&
           together * rows * columns < kMinTiles)
      together *= 2;
  }

  /// The result, or if `inWindows` its windows of 2x2: [sample, channel, window row, window column,
  /// row, column].
  Tensor run(const Tensor &weight, std::optional<Tensor> bias, bool inWindows) {
    return finish(multiply(makeSquares(image, transforms.input), makeKernels(weight)), bias,
                  inWindows);
  }

  /// The gradient of the kernel, of type `weight`; `ct` is a whole number of tiles.
  Tensor runGradient(const Tensor &ct, RankedTensorType weight) {
    return finishGradient(multiplyTransposed(makeSquares(image, transforms.input),
                                             makeSquares(ct, transforms.cotangent), weight),
                          weight);
  }

private:
  RankedTensorType inMemory(ArrayRef<int64_t> shape) const {
    return RankedTensorType::get(shape, type.getElementType());
  }

  /// The loops over samples: groups of some that go through a nest together, and those in a group.
  struct Samples {
    AffineExpr index;
    Indices groups, inGroup;

    Indices around(ArrayRef<AffineExpr> loops) const {
      Indices all(groups);
      llvm::append_range(all, inGroup);
      llvm::append_range(all, loops);
      return all;
    }
  };
  Samples makeSamples(Nest &nest) const {
    Indices loops = nest.loops(together == 1 ? 1 : 2);
    if (together == 1)
      return {loops[0], loops, {}};
    return {loops[0] * together + loops[1], {loops[0]}, {loops[1]}};
  }

  /// Says how many there are, behind the inputs that are read.
  void addRange(Nest &nest, const Samples &n) const {
    if (together != 1)
      nest.range({type.getDimSize(0) / together, together}, {n.groups[0], n.inGroup[0]});
  }

  /// Those over the products: a kernel's channels go through the first cache once for all tiles of
  /// a row, or of a group of samples.
  struct ProductLoops {
    Samples n;
    Indices out, order;
  };
  ProductLoops makeProductLoops(Nest &nest) const {
    Samples n = makeSamples(nest);
    AffineExpr y = nest.loop(), p = nest.loop(), q = nest.loop(), x = nest.loop(), o = nest.loop();
    Indices out{n.index, y, p, q, x, o};
    if (together == 1)
      return {n, out, {n.index, y, p, q, o, x}};
    return {n, out, {n.groups[0], p, q, o, n.inGroup[0], y, x}};
  }

  /// Builds a nest whose first inputs are the operands of `transform`. Loops `at`, innermost and
  /// unrolled, number its results: one, or two that count pairs and in a pair. A last input is
  /// added to the result if it `addsLast`.
  Value transformAxis(Nest &nest, const AxisTransform &transform, const Indices &loops,
                      const Indices &at, bool addsLast = false) const {
    Indices order(loops);
    llvm::append_range(order, at);
    auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
      Value number = nest.index(b, at.front());
      if (at.size() == 2)
        number = arith::AddIOp::create(
            b, arith::MulIOp::create(b, number, arith::ConstantIndexOp::create(b, 2)),
            nest.index(b, at.back()));
      Value result = transform.pick(b, number, x.take_front(transform.taps));
      return {addsLast ? scalar::add(b, result, x[transform.taps]) : result};
    };
    return nest.build(order, body, /*isLaneInPlace=*/true).front();
  }

  Tensor makeKernels(const Tensor &weight);
  Tensor makeSquares(const Tensor &images, const AxisTransform &transform);
  Tensor multiply(const Tensor &inputs, const Tensor &kernels);
  Tensor finish(const Tensor &products, std::optional<Tensor> bias, bool inWindows);
  Tensor multiplyTransposed(const Tensor &inputs, const Tensor &cts, RankedTensorType weight);
  Tensor finishGradient(const Tensor &sums, RankedTensorType weight);

  ImplicitLocOpBuilder &b;
  const WinogradTransforms &transforms;
  Tensor image;
  RankedTensorType type;
  bool isGradient;
  int64_t side, rows, columns; // of a square; of tiles
  int64_t together = 1;        // samples
};
} // namespace

/// [row, column, channel that is summed over, channel of the result]
Tensor TiledConvolution::makeKernels(const Tensor &weight) {
  int64_t summed = weight.dim(isGradient ? 0 : 1), made = weight.dim(isGradient ? 1 : 0);
  Nest down(b);
  AffineExpr p = down.loop(), q = down.loop(), i = down.loop(), o = down.loop();
  auto turned = [&](AffineExpr tap) { return isGradient ? kKernel - 1 - tap : tap; };
  for (int64_t tap = 0; tap < kKernel; ++tap) {
    AffineExpr row = turned(constant(tap, b.getContext()));
    down.in(weight, isGradient ? Indices{i, o, row, turned(q)} : Indices{o, i, row, q});
  }
  down.range({kKernel}, {q});
  RankedTensorType half = inMemory({side, kKernel, summed, made});
  down.out(emptyTensor(b, half), {p, q, i, o});
  Tensor columns(transformAxis(down, transforms.kernel, {q, i, o}, {p}), half);

  Nest across(b);
  p = across.loop(), q = across.loop(), i = across.loop(), o = across.loop();
  for (int64_t tap = 0; tap < kKernel; ++tap)
    across.in(columns, {p, constant(tap, b.getContext()), i, o});
  RankedTensorType whole = inMemory({side, side, summed, made});
  across.out(emptyTensor(b, whole), {p, q, i, o});
  return {transformAxis(across, transforms.kernel, {p, i, o}, {q}), whole};
}

/// [sample, row of tiles, row, column, tile, channel] of what `transform` makes of each tile, with
/// the pixels around it that it takes.
Tensor TiledConvolution::makeSquares(const Tensor &images, const AxisTransform &transform) {
  int64_t tile = transforms.tile, channels = images.dim(1);
  Nest down(b);
  Samples n = makeSamples(down);
  AffineExpr y = down.loop(), p = down.loop(), x = down.loop(), i = down.loop();
  for (int64_t tap = 0; tap < transform.taps; ++tap)
    down.in(images, {n.index, i, y * tile + tap, x});
  RankedTensorType half =
      inMemory({images.dim(0), rows, side, (columns - 1) * tile + transform.taps, channels});
  addRange(down, n);
  down.out(emptyTensor(b, half), {n.index, y, p, x, i});
  Tensor lines(transformAxis(down, transform, n.around({y, x, i}), {p}), half);

  Nest across(b);
  n = makeSamples(across);
  y = across.loop(), p = across.loop(), x = across.loop(), i = across.loop();
  AffineExpr q = across.loop();
  for (int64_t tap = 0; tap < transform.taps; ++tap)
    across.in(lines, {n.index, y, p, x * tile + tap, i});
  RankedTensorType whole = inMemory({images.dim(0), rows, side, side, columns, channels});
  addRange(across, n);
  across.out(emptyTensor(b, whole), {n.index, y, p, q, x, i});
  return {transformAxis(across, transform, n.around({y, p, x, i}), {q}), whole};
}

/// The products, of the inputs' dimensions but with channels of the result.
Tensor TiledConvolution::multiply(const Tensor &inputs, const Tensor &kernels) {
  SmallVector<int64_t> shape(inputs.type.getShape());
  shape.back() = kernels.dim(3);
  RankedTensorType products = inMemory(shape);
  Nest zeros(b);
  ProductLoops loops = makeProductLoops(zeros);
  zeros.range(ArrayRef(shape).drop_front(), Indices(llvm::drop_begin(loops.out)));
  addRange(zeros, loops.n);
  zeros.out(emptyTensor(b, products), loops.out);
  auto set = [&](ImplicitLocOpBuilder &b, ValueRange) -> SmallVector<Value> {
    return {scalar::constant(b, products.getElementType(), 0)};
  };
  Tensor zero(zeros.build(loops.order, set).front(), products);

  Nest nest(b);
  loops = makeProductLoops(nest);
  AffineExpr y = loops.out[1], p = loops.out[2], q = loops.out[3], x = loops.out[4],
             o = loops.out[5], i = nest.loop();
  nest.in(inputs, {loops.out[0], y, p, q, x, i});
  nest.in(kernels, {p, q, i, o});
  addRange(nest, loops.n);
  nest.out(zero, loops.out);
  loops.order.push_back(i);
  return {nest.build(loops.order, multiplyAdd).front(), products};
}

Tensor TiledConvolution::finish(const Tensor &products, std::optional<Tensor> bias,
                                bool inWindows) {
  MLIRContext *context = b.getContext();
  int64_t tile = transforms.tile, channels = type.getDimSize(1);
  Nest down(b);
  Samples n = makeSamples(down);
  AffineExpr y = down.loop(), p = down.loop(), q = down.loop(), x = down.loop(), o = down.loop();
  for (int64_t tap = 0; tap < side; ++tap)
    down.in(products, {n.index, y, constant(tap, context), q, x, o});
  RankedTensorType half = inMemory({image.dim(0), rows, tile, side, columns, channels});
  addRange(down, n);
  down.out(emptyTensor(b, half), {n.index, y, p, q, x, o});
  Tensor lines(transformAxis(down, transforms.output, n.around({y, q, x, o}), {p}), half);

  Nest across(b);
  n = makeSamples(across);
  y = across.loop(), x = across.loop(), o = across.loop();
  // Of a row or column in a tile, or of a window there and what is in it.
  Indices ps = across.loops(inWindows ? 2 : 1), qs = across.loops(inWindows ? 2 : 1);
  p = inWindows ? ps[0] * 2 + ps[1] : ps[0];
  for (int64_t tap = 0; tap < side; ++tap)
    across.in(lines, {n.index, y, p, constant(tap, context), x, o});
  if (bias)
    across.in(*bias, {o});
  addRange(across, n);
  if (!inWindows) {
    across.range({rows, columns, tile, tile}, {y, x, ps[0], qs[0]});
    across.out(emptyTensor(b, type), {n.index, o, y * tile + ps[0], x * tile + qs[0]});
    Indices order = n.around({y, ps[0], x, o});
    return {transformAxis(across, transforms.output, order, qs, bias.has_value()), type};
  }
  int64_t windows = tile / 2;
  auto result = type.clone({type.getDimSize(0), channels, rows * windows, columns * windows, 2, 2});
  across.range({rows, columns, windows, windows}, {y, x, ps[0], qs[0]});
  across.out(emptyTensor(b, result),
             {n.index, o, y * windows + ps[0], x * windows + qs[0], ps[1], qs[1]});
  Indices order = n.around({y, o, x, ps[0], ps[1]});
  return {transformAxis(across, transforms.output, order, qs, bias.has_value()), result};
}

/// Sums over samples and tiles: [row, column, one channel, the other], the lane last.
Tensor TiledConvolution::multiplyTransposed(const Tensor &inputs, const Tensor &cts,
                                            RankedTensorType weight) {
  Nest nest(b);
  Samples n = makeSamples(nest);
  AffineExpr p = nest.loop(), q = nest.loop(), i = nest.loop(), o = nest.loop(), y = nest.loop(),
             x = nest.loop();
  nest.in(inputs, {n.index, y, p, q, x, i});
  nest.in(cts, {n.index, y, p, q, x, o});
  addRange(nest, n);
  bool isByInput = hasChannelLanes(weight);
  int64_t in = inputs.dim(5), out = cts.dim(5);
  RankedTensorType sums =
      isByInput ? inMemory({side, side, out, in}) : inMemory({side, side, in, out});
  Indices at = isByInput ? Indices{p, q, o, i} : Indices{p, q, i, o};
  nest.out(filledTensor(b, sums, 0), at);
  Indices order(n.groups);
  llvm::append_range(order, at);
  llvm::append_range(order, n.inGroup);
  llvm::append_range(order, Indices{y, x});
  return {nest.build(order, multiplyAdd).front(), sums};
}

Tensor TiledConvolution::finishGradient(const Tensor &sums, RankedTensorType weight) {
  MLIRContext *context = b.getContext();
  Nest down(b);
  AffineExpr p = down.loop(), q = down.loop(), first = down.loop(), second = down.loop();
  for (int64_t tap = 0; tap < side; ++tap)
    down.in(sums, {constant(tap, context), q, first, second});
  RankedTensorType half = inMemory({kKernel, side, sums.dim(2), sums.dim(3)});
  down.out(emptyTensor(b, half), {p, q, first, second});
  Tensor lines(transformAxis(down, transforms.gradient, {q, first, second}, {p}), half);

  Nest across(b);
  p = across.loop(), q = across.loop(), first = across.loop(), second = across.loop();
  for (int64_t tap = 0; tap < side; ++tap)
    across.in(lines, {p, constant(tap, context), first, second});
  bool isByInput = hasChannelLanes(weight);
  across.out(emptyTensor(b, weight),
             {isByInput ? first : second, isByInput ? second : first, p, q});
  return {transformAxis(across, transforms.gradient, {first, p, second}, {q}), weight};
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

static bool isOne(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t value) { return value == 1; });
}

static int64_t getTile(Algorithm algorithm) { return algorithm == Algorithm::Winograd4 ? 4 : 2; }

/// Rows above and below and columns on both sides that make `type` a whole number of tiles.
static SmallVector<int64_t> getRim(RankedTensorType type, int64_t tile) {
  return llvm::map_to_vector(type.getShape().take_back(2), [&](int64_t extent) {
    return int64_t(llvm::alignTo(extent, tile) - extent) / 2;
  });
}

static SmallVector<int64_t> add(ArrayRef<int64_t> x, ArrayRef<int64_t> y) {
  return llvm::map_to_vector(llvm::zip(x, y),
                             [](auto pair) { return std::get<0>(pair) + std::get<1>(pair); });
}

/// Whether `op`, a convolution of `image` or the gradient that is one, has tiles: with an even
/// number of rows and columns, what misses in whole ones is the same on both sides. With samples
/// as lanes a row of squares is as many times larger, and goes through the second cache.
template <typename Op> static bool hasTiles(Op op, Value image) {
  RankedTensorType type = typeOf(op.getResult());
  return hasChannelLanes(typeOf(image)) && hasChannelLanes(type) &&
         typeOf(op.getWeight()).getShape().drop_front(2) == ArrayRef<int64_t>{kKernel, kKernel} &&
         isOne(op.getStride()) && isOne(op.getDilation()) && type.getDimSize(2) % 2 == 0 &&
         type.getDimSize(3) % 2 == 0 &&
         llvm::all_of(op.getPadding(), [](int64_t padding) { return padding < kKernel; });
}

/// Whether the gradient of a kernel is a sum over tiles.
static bool hasTiles(Conv2DWeightGradientOp op) {
  RankedTensorType ct = typeOf(op.getCt()), type = typeOf(op.getResult());
  return hasChannelLanes(typeOf(op.getInput())) && hasChannelLanes(ct) && !op.getPerSample() &&
         getLaneDim(type).value_or(2) < 2 &&
         type.getShape().drop_front(2) == ArrayRef<int64_t>{kKernel, kKernel} &&
         isOne(op.getStride()) && isOne(op.getDilation()) && ct.getDimSize(2) % 2 == 0 &&
         ct.getDimSize(3) % 2 == 0;
}

/// For results of type `type` from `in` channels, in multiply-adds a sample; of the gradient of a
/// kernel if `isSum`, whose cotangent has that type. Then all squares of a sample lie in memory
/// before they are multiplied, and the sums, which are as many for each pair of channels as a
/// square has elements, are read and written once a sample: that is the second cache, or the third.
static int64_t getCost(RankedTensorType type, int64_t in, const WinogradTransforms &transforms,
                       bool isSum) {
  int64_t tile = transforms.tile, side = tile + kKernel - 1, out = type.getDimSize(1);
  RankedTensorType whole = growImages(type, getRim(type, tile));
  int64_t tiles = whole.getDimSize(2) / tile * (whole.getDimSize(3) / tile);
  const AxisTransform &output = isSum ? transforms.cotangent : transforms.output;
  const AxisTransform &kernel = isSum ? transforms.gradient : transforms.kernel;
  // Both axes of a square; what they leave goes to memory and back.
  int64_t move = isSum ? kFarMove : kMove, moves = move * side * (tile + side);
  int64_t perInput = (tile + side) * transforms.input.operations + moves;
  int64_t perOutput = (tile + side) * output.operations + moves;
  int64_t perKernel = (kKernel + side) * kernel.operations + move * side * (kKernel + side);
  int64_t sums = isSum ? move * side * side : 0;
  return tiles * (side * side * in * out + perInput * in + perOutput * out) + sums * in * out +
         perKernel * in * out / type.getDimSize(0);
}

std::optional<int64_t> ai::getCostOfTiles(Operation *op, Algorithm algorithm) {
  const WinogradTransforms &transforms = getWinogradTransforms(getTile(algorithm));
  if (auto conv = dyn_cast<Conv2DOp>(op); conv && hasTiles(conv, conv.getInput()))
    return getCost(typeOf(conv.getResult()), typeOf(conv.getInput()).getDimSize(1), transforms,
                   /*isSum=*/false);
  if (auto gradient = dyn_cast<Conv2DInputGradientOp>(op);
      gradient && hasTiles(gradient, gradient.getCt()))
    return getCost(typeOf(gradient.getResult()), typeOf(gradient.getCt()).getDimSize(1), transforms,
                   /*isSum=*/false);
  if (auto gradient = dyn_cast<Conv2DWeightGradientOp>(op); gradient && hasTiles(gradient))
    return getCost(typeOf(gradient.getCt()), typeOf(gradient.getInput()).getDimSize(1), transforms,
                   /*isSum=*/true);
  return std::nullopt;
}

SmallVector<int64_t> ai::getBorder(Conv2DOp conv) {
  Algorithm algorithm = getAlgorithm(conv);
  if (!isWinograd(algorithm))
    return SmallVector<int64_t>(conv.getPadding());
  return add(conv.getPadding(), getRim(typeOf(conv.getResult()), getTile(algorithm)));
}

/// The windows of 2x2 of `images`, which lie inside a border.
static Tensor cutWindows(ImplicitLocOpBuilder &b, const Tensor &images, RankedTensorType type,
                         ArrayRef<int64_t> border) {
  auto windows = type.clone({type.getDimSize(0), type.getDimSize(1), type.getDimSize(2) / 2,
                             type.getDimSize(3) / 2, 2, 2});
  Nest nest(b);
  Indices at = nest.loops(6);
  nest.in(images, {at[0], at[1], at[2] * 2 + at[4] + border[0], at[3] * 2 + at[5] + border[1]});
  nest.out(emptyTensor(b, windows), at);
  return {nest.build({at[0], at[2], at[1], at[3], at[4], at[5]}, copyElement).front(), windows};
}

Tensor ai::convolveInTiles(ImplicitLocOpBuilder &b, Conv2DOp conv, const Tensor &image,
                           const Tensor &weight, std::optional<Tensor> bias, bool inWindows) {
  int64_t tile = getTile(getAlgorithm(conv));
  RankedTensorType type = typeOf(conv.getResult());
  SmallVector<int64_t> rim = getRim(type, tile);
  bool isWhole = rim[0] == 0 && rim[1] == 0;
  TiledConvolution tiled(b, getWinogradTransforms(tile), image, growImages(type, rim),
                         /*isGradient=*/false);
  Tensor result = tiled.run(weight, bias, inWindows && isWhole);
  if (isWhole)
    return result;
  return inWindows ? cutWindows(b, result, type, rim) : cropImages(b, result, rim);
}

Tensor ai::convolveGradientInTiles(ImplicitLocOpBuilder &b, Conv2DInputGradientOp op,
                                   const Tensor &ct, const Tensor &weight) {
  int64_t tile = getTile(getAlgorithm(op));
  RankedTensorType type = typeOf(op.getResult());
  SmallVector<int64_t> rim = getRim(type, tile);
  SmallVector<int64_t> border = add(rim, {kKernel - 1, kKernel - 1});
  border[0] -= op.getPadding()[0], border[1] -= op.getPadding()[1];
  TiledConvolution tiled(b, getWinogradTransforms(tile), padImages(b, ct, border, 0),
                         growImages(type, rim), /*isGradient=*/true);
  return cropImages(b, tiled.run(weight, std::nullopt, /*inWindows=*/false), rim);
}

Tensor ai::sumGradientInTiles(ImplicitLocOpBuilder &b, Conv2DWeightGradientOp op, Value input,
                              const Tensor &ct) {
  int64_t tile = getTile(getAlgorithm(op));
  SmallVector<int64_t> rim = getRim(ct.type, tile);
  Tensor image = padImages(b, {input, op.getInput().getType()}, add(op.getPadding(), rim), 0);
  TiledConvolution tiled(b, getWinogradTransforms(tile), image, growImages(ct.type, rim),
                         /*isGradient=*/true);
  return tiled.runGradient(padImages(b, ct, rim, 0), typeOf(op.getResult()));
}
