// Windows over images. Small windows are straight-line code over all their elements, so that these
// can stay in registers; large ones are loops.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ai;

static constexpr double kNegativeInfinity = -std::numeric_limits<double>::infinity();

/// Straight-line code has at most so many operands, or nests beside each other.
static constexpr int64_t kLargest = 16;

/// Whether windows are written as straight-line code. Linalg takes a plain index of an input for
/// the range of its loop, which the first element of windows that step by 1 would contradict.
static bool areUnrolled(const Windows &windows) {
  auto isFine = [](auto pair) { return std::get<0>(pair) == 1 || std::get<1>(pair) > 1; };
  return windows.area() <= kLargest &&
         llvm::all_of(llvm::zip(windows.kernel, windows.stride), isFine);
}

template <typename Op> static Windows getWindows(Op op) {
  return {llvm::to_vector(op.getKernel()), llvm::to_vector(op.getStride()),
          llvm::to_vector(op.getPadding())};
}

bool ai::isInWindows(Conv2DOp conv) {
  Value result = conv.getResult();
  if (!result.hasOneUse())
    return false;
  return llvm::TypeSwitch<Operation *, bool>(*result.user_begin())
      .Case<MaxPool2DOp, MaxPool2DWithIndexOp, AvgPool2DOp>([&](auto pool) {
        Windows windows = getWindows(pool);
        return getConvolutionInWindows(result, windows) && areUnrolled(windows);
      })
      .Default(false);
}

//===----------------------------------------------------------------------===//
// Windows as operands
//===----------------------------------------------------------------------===//

/// What a pooling op reads: an image inside its border, or the windows of a convolution.
namespace {
struct PoolInput {
  Tensor tensor;
  bool isInWindows;
};
} // namespace

/// The input of a pool; `border` is the value of the padding.
template <typename Op>
static PoolInput getPoolInput(Op op, Value memory, double border,
                              ConversionPatternRewriter &rewriter) {
  Windows windows = getWindows(op);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (auto conv = op.getInput().template getDefiningOp<Conv2DOp>(); conv && isInWindows(conv))
    return {convolveInWindows(rewriter, conv, type, windows), true};
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  return {padImages(b, {memory, op.getInput().getType()}, windows.padding, border), false};
}

/// The indices of element (p, q) of the window that belongs to `out`.
static Indices getElement(const Indices &out, const Windows &windows, AffineExpr p, AffineExpr q,
                          bool isInWindows = false) {
  if (isInWindows)
    return {out[0], out[1], out[2], out[3], p, q};
  return {out[0], out[1], out[2] * windows.stride[0] + p, out[3] * windows.stride[1] + q};
}

/// Adds every element of the window, row by row, as an input of its own.
static void addWindow(Nest &nest, const PoolInput &x, const Indices &out, const Windows &windows) {
  MLIRContext *context = x.tensor.type.getContext();
  for (int64_t p = 0; p < windows.kernel[0]; ++p)
    for (int64_t q = 0; q < windows.kernel[1]; ++q)
      nest.in(x.tensor, getElement(out, windows, getAffineConstantExpr(p, context),
                                   getAffineConstantExpr(q, context), x.isInWindows));
}

/// `indices` of images of type `type` in the order in which these lie in memory.
static Indices inMemoryOrder(const Indices &indices, RankedTensorType type) {
  return llvm::map_to_vector(getMemoryOrder(type), [&](int64_t dim) { return indices[dim]; });
}

/// The order of the loops over a pool's results: that of the convolution in windows.
static Indices getOrder(const Indices &out, const PoolInput &x) {
  return x.isInWindows ? Indices{out[0], out[2], out[1], out[3]}
                       : inMemoryOrder(out, x.tensor.type);
}

/// Folds the elements of each window into `init`: fold(result so far, element).
static Tensor foldWindows(ImplicitLocOpBuilder &b, const PoolInput &x, const Windows &windows,
                          RankedTensorType type, double init, Combine fold) {
  Nest nest(b);
  Indices out = nest.loops(4);
  if (areUnrolled(windows)) {
    addWindow(nest, x, out, windows);
    nest.out(emptyTensor(b, type), out);
    auto folded = [&](ImplicitLocOpBuilder &b, ValueRange elements) -> SmallVector<Value> {
      Value result = elements.front();
      for (Value element : elements.drop_front().drop_back())
        result = fold(b, result, element);
      return {result};
    };
    return {nest.build(getOrder(out, x), folded, hasChannelLanes(type)).front(), type};
  }
  AffineExpr p = nest.loop(), q = nest.loop();
  nest.in(x.tensor, getElement(out, windows, p, q));
  nest.range(windows.kernel, {p, q});
  nest.out(filledTensor(b, type, init), out);
  auto step = [&](ImplicitLocOpBuilder &b, ValueRange elements) -> SmallVector<Value> {
    return {fold(b, elements[2], elements[0])};
  };
  Indices order = inMemoryOrder(out, type);
  order.append({p, q});
  return {nest.build(order, step).front(), type};
}

//===----------------------------------------------------------------------===//
// Maxima
//===----------------------------------------------------------------------===//

/// The position in its window of the first element that is not border, for a window that begins at
/// row `y` and column `x` of the windows: what wins when everything is -inf.
static Value getFirstInside(ImplicitLocOpBuilder &b, const Nest &nest, const Indices &out,
                            const Windows &windows, Type type) {
  auto outside = [&](int64_t axis) -> Value {
    Value start = arith::MulIOp::create(b, nest.index(b, out[2 + axis]),
                                        arith::ConstantIndexOp::create(b, windows.stride[axis]));
    Value border = arith::ConstantIndexOp::create(b, windows.padding[axis]);
    Value zero = arith::ConstantIndexOp::create(b, 0);
    return arith::MaxSIOp::create(b, arith::SubIOp::create(b, border, start), zero);
  };
  Value columns = arith::ConstantIndexOp::create(b, windows.kernel[1]);
  Value first = arith::AddIOp::create(b, arith::MulIOp::create(b, outside(0), columns), outside(1));
  return arith::IndexCastOp::create(b, type, first);
}

/// The largest element of each window and its position, as straight-line code.
static SmallVector<Value> findWinnersUnrolled(ImplicitLocOpBuilder &b, const PoolInput &x,
                                              const Windows &windows, RankedTensorType outType,
                                              RankedTensorType winnerType) {
  Nest nest(b);
  Indices out = nest.loops(4);
  addWindow(nest, x, out, windows);
  nest.out(emptyTensor(b, outType), out);
  nest.out(emptyTensor(b, winnerType), out);
  Type position = winnerType.getElementType();
  auto findWinner = [&](ImplicitLocOpBuilder &b, ValueRange elements) -> SmallVector<Value> {
    elements = elements.drop_back(2);
    Value best = elements.front(), winner = scalar::constant(b, position, 0);
    if (windows.isPadded()) {
      best = scalar::constantLike(b, best, kNegativeInfinity);
      winner = getFirstInside(b, nest, out, windows, position);
    }
    for (auto [i, element] : llvm::enumerate(elements)) {
      if (element == best)
        continue;
      Value wins = scalar::beats(b, element, best);
      best = scalar::select(b, wins, element, best);
      winner = scalar::select(b, wins, scalar::constant(b, position, i), winner);
    }
    return {best, winner};
  };
  return nest.build(getOrder(out, x), findWinner, hasChannelLanes(outType));
}

/// The same by loops over the window.
static SmallVector<Value> findWinners(ImplicitLocOpBuilder &b, const PoolInput &x,
                                      const Windows &windows, RankedTensorType outType,
                                      RankedTensorType winnerType) {
  Type position = winnerType.getElementType();
  Nest start(b);
  Indices loops = start.loops(4);
  start.out(emptyTensor(b, winnerType), loops);
  auto first = start.build([&](ImplicitLocOpBuilder &b, ValueRange) -> SmallVector<Value> {
    return {getFirstInside(b, start, loops, windows, position)};
  });

  Nest nest(b);
  Indices out = nest.loops(4);
  AffineExpr p = nest.loop(), q = nest.loop();
  nest.in(x.tensor, getElement(out, windows, p, q));
  nest.range(windows.kernel, {p, q});
  nest.out(filledTensor(b, outType, kNegativeInfinity), out);
  nest.out({first.front(), winnerType}, out);
  Indices order = inMemoryOrder(out, outType);
  order.append({p, q});
  return nest.build(order, [&](ImplicitLocOpBuilder &b, ValueRange elements) -> SmallVector<Value> {
    Value element = elements[0], best = elements[2], winner = elements[3];
    Value columns = arith::ConstantIndexOp::create(b, windows.kernel[1]);
    Value here = arith::AddIOp::create(b, arith::MulIOp::create(b, nest.index(b, p), columns),
                                       nest.index(b, q));
    Value wins = scalar::beats(b, element, best);
    return {scalar::select(b, wins, element, best),
            scalar::select(b, wins, arith::IndexCastOp::create(b, position, here), winner)};
  });
}

/// The constant [kernel rows, kernel columns] of an element's position in its window.
static Tensor getWindowPositions(ImplicitLocOpBuilder &b, const Windows &windows, Type element) {
  SmallVector<Attribute> positions;
  for (int64_t i = 0; i < windows.area(); ++i)
    positions.push_back(b.getIntegerAttr(element, i));
  auto type = RankedTensorType::get(windows.kernel, element);
  return {arith::ConstantOp::create(b, DenseElementsAttr::get(type, positions)), type};
}

namespace {

/// ai.max_pool2d -> one generic, after the border.
struct LowerMaxPool2D final : OpConversionPattern<MaxPool2DOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MaxPool2DOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    PoolInput x = getPoolInput(op, operands.getInput(), kNegativeInfinity, rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(
        op, foldWindows(b, x, getWindows(op), type, kNegativeInfinity, scalar::max).memory);
    return success();
  }
};

/// ai.max_pool2d_with_index -> one generic with two results, after the border.
struct LowerMaxPool2DWithIndex final : OpConversionPattern<MaxPool2DWithIndexOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MaxPool2DWithIndexOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    PoolInput x = getPoolInput(op, operands.getInput(), kNegativeInfinity, rewriter);
    Windows windows = getWindows(op);
    auto out = cast<RankedTensorType>(op.getOut().getType());
    auto winner = cast<RankedTensorType>(op.getWinner().getType());
    rewriter.replaceOp(op, areUnrolled(windows) ? findWinnersUnrolled(b, x, windows, out, winner)
                                                : findWinners(b, x, windows, out, winner));
    return success();
  }
};

/// ai.max_pool2d_gather -> one generic that selects among the elements of the window.
struct LowerMaxPool2DGather final : OpConversionPattern<MaxPool2DGatherOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MaxPool2DGatherOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Windows windows = getWindows(op);
    Tensor image = padImages(b, {operands.getInput(), op.getInput().getType()}, windows.padding, 0);
    auto type = cast<RankedTensorType>(op.getType());
    Nest nest(b);
    Indices out = nest.loops(4);
    AffineExpr p = nest.loop(), q = nest.loop();
    nest.in(image, getElement(out, windows, p, q));
    nest.in({operands.getWinner(), op.getWinner().getType()}, out);
    nest.in(getWindowPositions(b, windows, getElementTypeOrSelf(op.getWinner())), {p, q});
    nest.out(filledTensor(b, type, 0), out);
    Indices order = inMemoryOrder(out, type);
    order.append({p, q});
    rewriter.replaceOp(
        op, nest.build(order, [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
          Value won = scalar::compare(b, ComparePredicate::eq, x[1], x[2]);
          return {scalar::select(b, won, x[0], x[3])};
        }));
    return success();
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Means and scatters
//===----------------------------------------------------------------------===//

/// Whether windows of `ct` are all of a tensor of type `type`, each element in one of them.
static bool coverAll(const Windows &windows, RankedTensorType ct, RankedTensorType type) {
  return windows.areTiles() && ct.getDimSize(2) * windows.kernel[0] == type.getDimSize(2) &&
         ct.getDimSize(3) * windows.kernel[1] == type.getDimSize(3);
}

Windows ai::getScatteredRows(Value ct) {
  auto scatter = ct.getDefiningOp<MaxPool2DScatterOp>();
  if (!scatter || !ct.hasOneUse() || !isa<Conv2DWeightGradientOp>(*ct.user_begin()))
    return {};
  Windows windows = getWindows(scatter);
  auto pooled = cast<RankedTensorType>(scatter.getCt().getType());
  return coverAll(windows, pooled, cast<RankedTensorType>(ct.getType())) ? windows : Windows();
}

/// Writes `element(ct, rest…)` of each window to its elements in a tensor of zeros, where it is
/// added if windows overlap; `byRows` puts the loop over rows outside of that over channels. `rest`
/// are the block arguments of what `addInputs` adds beside `ct`.
static Value
scatter(ImplicitLocOpBuilder &b, const Tensor &ct, const Windows &windows, RankedTensorType type,
        bool byRows,
        llvm::function_ref<void(Nest &, const Indices &, AffineExpr, AffineExpr)> addInputs,
        llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> element) {
  RankedTensorType bordered = growImages(type, windows.padding);
  bool tiles = windows.areTiles();
  bool covers = coverAll(windows, ct.type, type);
  Nest nest(b);
  Indices in = nest.loops(4);
  AffineExpr p = nest.loop(), q = nest.loop();
  nest.in(ct, in);
  addInputs(nest, in, p, q);
  nest.out(covers ? emptyTensor(b, bordered) : filledTensor(b, bordered, 0),
           getElement(in, windows, p, q));
  Indices order = byRows ? Indices{in[0], in[2], in[1], in[3]} : inMemoryOrder(in, type);
  order.append({p, q});
  auto result = nest.build(order, [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
    Value value = element(b, x);
    return {tiles ? value : scalar::add(b, x.back(), value)};
  });
  return cropImages(b, {result.front(), bordered}, windows.padding).memory;
}

namespace {
/// The windows that meet rows (axis 0) or columns (axis 1) `phase`, `phase` + stride, …: the i-th
/// of these rows lies in windows i + `last`, i + `last` - 1, …, `count` of them or fewer at an
/// edge.
struct Meeting {
  Meeting(const Windows &windows, int64_t axis, int64_t phase) : stride(windows.stride[axis]) {
    int64_t at = phase + windows.padding[axis];
    first = at % stride;
    last = at / stride;
    count = windows.kernel[axis] > first
                ? int64_t(llvm::divideCeil(windows.kernel[axis] - first, stride))
                : 0;
  }

  /// The row's place in the `i`-th of its windows.
  int64_t place(int64_t i) const { return first + i * stride; }

  int64_t stride, first, last, count;
};
} // namespace

/// Whether the elements of overlapping windows are gathered: adding to an element in memory for
/// each of its windows waits for the one before. Row major images, whose columns are the lanes,
/// would have to be taken apart.
static bool isGathered(const Windows &windows, RankedTensorType type) {
  int64_t phases = 1, operands = 1;
  bool overlap = false;
  for (auto [kernel, stride] : llvm::zip(windows.kernel, windows.stride)) {
    overlap |= kernel > stride;
    phases *= stride;
    operands *= llvm::divideCeil(kernel, stride);
  }
  return overlap && getLaneDim(type) && phases <= kLargest && operands <= kLargest;
}

/// `ct` at the position that won, zero at all others.
static Value selectWinner(ImplicitLocOpBuilder &b, Value ct, Value winner, Value position) {
  Value won = scalar::compare(b, ComparePredicate::eq, winner, position);
  return scalar::select(b, won, ct, scalar::constantLike(b, ct, 0));
}

/// Every element of a tensor of type `type` as the sum of `term(operands, position)` over the
/// windows that it belongs to, `position` being its place in the window and `operands` the elements
/// of `tensors` that belong to the window: a nest for all elements that lie at the same place of a
/// stride.
static Tensor gather(ImplicitLocOpBuilder &b, SmallVector<Tensor> tensors, const Windows &windows,
                     RankedTensorType type,
                     llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange, int64_t)> term) {
  SmallVector<int64_t> border;
  for (int64_t axis : {0, 1}) {
    int64_t before = 1; // no index is plain, see `areUnrolled`
    int64_t after =
        llvm::divideCeil(type.getDimSize(2 + axis) + windows.padding[axis], windows.stride[axis]) -
        tensors.front().dim(2 + axis);
    for (int64_t phase = 0; phase < windows.stride[axis]; ++phase) {
      Meeting meeting(windows, axis, phase);
      before = std::max(before, meeting.count - meeting.last);
    }
    border.push_back(std::max(before, after));
  }
  for (Tensor &tensor : tensors)
    tensor = padImages(b, tensor, border, 0);
  Value result = emptyTensor(b, type).memory;
  for (int64_t y = 0; y < std::min(windows.stride[0], type.getDimSize(2)); ++y)
    for (int64_t x = 0; x < std::min(windows.stride[1], type.getDimSize(3)); ++x) {
      Meeting rows(windows, 0, y), columns(windows, 1, x);
      Nest nest(b);
      Indices at = nest.loops(4);
      SmallVector<int64_t> positions;
      for (int64_t i = 0; i < rows.count; ++i)
        for (int64_t k = 0; k < columns.count; ++k) {
          positions.push_back(rows.place(i) * windows.kernel[1] + columns.place(k));
          for (const Tensor &tensor : tensors)
            nest.in(tensor, {at[0], at[1], at[2] + (rows.last - i + border[0]),
                             at[3] + (columns.last - k + border[1])});
        }
      nest.range({int64_t(llvm::divideCeil(type.getDimSize(2) - y, windows.stride[0])),
                  int64_t(llvm::divideCeil(type.getDimSize(3) - x, windows.stride[1]))},
                 {at[2], at[3]});
      nest.out({result, type},
               {at[0], at[1], at[2] * windows.stride[0] + y, at[3] * windows.stride[1] + x});
      auto sum = [&](ImplicitLocOpBuilder &b, ValueRange elements) -> SmallVector<Value> {
        Value result = scalar::constantLike(b, elements.back(), 0);
        for (auto [i, position] : llvm::enumerate(positions)) {
          Value value = term(b, elements.slice(i * tensors.size(), tensors.size()), position);
          result = i == 0 ? value : scalar::add(b, result, value);
        }
        return {result};
      };
      result = nest.build(inMemoryOrder(at, type), sum).front();
    }
  return {result, type};
}

namespace {

/// ai.max_pool2d_scatter -> one generic that writes to every element of every window; several that
/// gather where windows overlap.
struct LowerMaxPool2DScatter final : OpConversionPattern<MaxPool2DScatterOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MaxPool2DScatterOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Windows windows = getWindows(op);
    Tensor ct(operands.getCt(), op.getCt().getType());
    Tensor winner(operands.getWinner(), op.getWinner().getType());
    auto type = cast<RankedTensorType>(op.getType());
    if (isGathered(windows, ct.type)) {
      auto term = [](ImplicitLocOpBuilder &b, ValueRange x, int64_t position) {
        return selectWinner(b, x[0], x[1], scalar::constantLike(b, x[1], position));
      };
      rewriter.replaceOp(op, gather(b, {ct, winner}, windows, type, term).memory);
      return success();
    }
    Tensor positions = getWindowPositions(b, windows, winner.element());
    auto addInputs = [&](Nest &nest, const Indices &in, AffineExpr p, AffineExpr q) {
      nest.in(winner, in);
      nest.in(positions, {p, q});
    };
    auto element = [](ImplicitLocOpBuilder &b, ValueRange x) {
      return selectWinner(b, x[0], x[1], x[2]);
    };
    bool byRows = !getScatteredRows(op.getResult()).kernel.empty();
    rewriter.replaceOp(op, scatter(b, ct, windows, type, byRows, addInputs, element));
    return success();
  }
};

/// ai.avg_pool2d -> one generic, after the border.
struct LowerAvgPool2D final : OpConversionPattern<AvgPool2DOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(AvgPool2DOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    PoolInput x = getPoolInput(op, operands.getInput(), 0, rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    Windows windows = getWindows(op);
    Tensor sum = foldWindows(b, x, windows, type, 0, scalar::add);
    rewriter.replaceOp(op, divideByCount(b, sum, windows.area()).memory);
    return success();
  }
};

/// ai.avg_pool2d_gradient -> one generic that writes to every element of every window; where
/// windows overlap, nests that gather.
struct LowerAvgPool2DGradient final : OpConversionPattern<AvgPool2DGradientOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(AvgPool2DGradientOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Windows windows = getWindows(op);
    Tensor ct(operands.getCt(), op.getCt().getType());
    auto type = cast<RankedTensorType>(op.getType());
    auto element = [&](ImplicitLocOpBuilder &b, ValueRange x) {
      return scalar::mul(b, x[0], scalar::constantLike(b, x[0], 1.0 / windows.area()));
    };
    if (isGathered(windows, ct.type)) {
      auto term = [&](ImplicitLocOpBuilder &b, ValueRange x, int64_t) { return element(b, x); };
      rewriter.replaceOp(op, gather(b, {ct}, windows, type, term).memory);
      return success();
    }
    auto addInputs = [&](Nest &nest, const Indices &, AffineExpr p, AffineExpr q) {
      nest.range(windows.kernel, {p, q});
    };
    rewriter.replaceOp(op, scatter(b, ct, windows, type, /*byRows=*/false, addInputs, element));
    return success();
  }
};

} // namespace

void ai::populatePoolingLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerMaxPool2D, LowerMaxPool2DWithIndex, LowerMaxPool2DGather, LowerMaxPool2DScatter,
               LowerAvgPool2D, LowerAvgPool2DGradient>(types, patterns.getContext());
}
