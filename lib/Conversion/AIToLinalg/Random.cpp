// What depends on where a sample stands in the batch: dropout's mask and the mask of samples.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Philox
//===----------------------------------------------------------------------===//

/// The low (`part` = 0) or high (`part` = 1) 32 bits of `value`.
static Value half(ImplicitLocOpBuilder &b, Value value, int part) {
  if (part == 1)
    value = arith::ShRUIOp::create(b, value, scalar::constantLike(b, value, 32));
  return arith::TruncIOp::create(b, b.getI32Type(), value);
}

static Value word(ImplicitLocOpBuilder &b, uint32_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

/// Philox4x32-10 (Salmon et al. 2011) for a counter of four and a key of two words.
static std::array<Value, 4> philox(ImplicitLocOpBuilder &b, std::array<Value, 4> counter,
                                   std::array<Value, 2> key) {
  Value even = word(b, 0xD2511F53), odd = word(b, 0xCD9E8D57);
  Value evenBump = word(b, 0x9E3779B9), oddBump = word(b, 0xBB67AE85);
  for (int round = 0; round < 10; ++round) {
    if (round > 0) {
      key[0] = arith::AddIOp::create(b, key[0], evenBump);
      key[1] = arith::AddIOp::create(b, key[1], oddBump);
    }
    auto first = arith::MulUIExtendedOp::create(b, counter[0], even);
    auto second = arith::MulUIExtendedOp::create(b, counter[2], odd);
    auto mix = [&](Value high, Value word, Value key) -> Value {
      return arith::XOrIOp::create(b, arith::XOrIOp::create(b, high, word), key);
    };
    counter = {mix(second.getHigh(), counter[1], key[0]), second.getLow(),
               mix(first.getHigh(), counter[3], key[1]), first.getLow()};
  }
  return counter;
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

static Value indexAsI64(ImplicitLocOpBuilder &b, const Nest &nest, AffineExpr loop) {
  return arith::IndexCastOp::create(b, b.getI64Type(), nest.index(b, loop));
}

namespace {

/// ai.dropout that no training step has lifted -> its operand.
struct LowerDropout final : OpConversionPattern<DropoutOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(DropoutOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    rewriter.replaceOp(op, operands.getInput());
    return success();
  }
};

/// Where an element stands in its sample: in a group of four along a row.
struct Place {
  Place(Nest &nest, RankedTensorType type) : shape(type.getShape()) {
    indices = nest.loops(type.getRank());
    isSplit = type.getRank() > 1 && shape.back() % 4 == 0;
    if (!isSplit)
      return;
    fours = indices.back();
    inFour = nest.loop();
    indices.back() = fours * 4 + inFour;
    nest.range({shape.back() / 4, 4}, {fours, inFour});
  }

  /// The loops, samples or channels as lanes inside all but the one over a group.
  Indices order(RankedTensorType type) const {
    Indices loops;
    for (int64_t dim : getMemoryOrder(type)) {
      bool isRow = dim == type.getRank() - 1;
      loops.push_back(isSplit && isRow ? fours : indices[dim]);
    }
    if (isSplit)
      loops.push_back(inFour);
    return loops;
  }

  /// The number of the group in the sample.
  Value group(ImplicitLocOpBuilder &b, const Nest &nest) const {
    Value number = word(b, 0);
    for (unsigned dim = 1; dim < shape.size(); ++dim) {
      bool isRow = dim + 1 == shape.size();
      int64_t size = isRow ? llvm::divideCeil(shape[dim], 4) : shape[dim];
      number = scalar::mul(b, number, scalar::constantLike(b, number, size));
      Value at = isRow ? groupInRow(b, nest) : position(b, nest, indices[dim]);
      number = scalar::add(b, number, at);
    }
    return number;
  }

  /// The word for the element.
  Value pick(ImplicitLocOpBuilder &b, const Nest &nest, ArrayRef<Value> words) const {
    if (shape.size() == 1)
      return words[0];
    Value place = isSplit ? position(b, nest, inFour)
                          : arith::AndIOp::create(b, position(b, nest, indices.back()), word(b, 3));
    Value picked = words[3];
    for (unsigned i : {2, 1, 0}) {
      Value isPlace = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, place, word(b, i));
      picked = scalar::select(b, isPlace, words[i], picked);
    }
    return picked;
  }

  ArrayRef<int64_t> shape;
  Indices indices;
  bool isSplit;
  AffineExpr fours, inFour;

private:
  static Value position(ImplicitLocOpBuilder &b, const Nest &nest, AffineExpr loop) {
    return arith::IndexCastOp::create(b, b.getI32Type(), nest.index(b, loop));
  }
  Value groupInRow(ImplicitLocOpBuilder &b, const Nest &nest) const {
    if (isSplit)
      return position(b, nest, fours);
    return arith::ShRUIOp::create(b, position(b, nest, indices.back()), word(b, 2));
  }
};

/// ai.dropout_mask -> one generic. Four neighbours share the words of one counter: where rows are
/// whole groups of four, the loop along a row is two, so that unrolling the inner one leaves one
/// computation for all four.
struct LowerDropoutMask final : OpConversionPattern<DropoutMaskOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(DropoutMaskOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    Nest nest(b);
    nest.in({operands.getSeed(), op.getSeed().getType()}, {});
    nest.in({operands.getStep(), op.getStep().getType()}, {});
    nest.in({operands.getFirst(), op.getFirst().getType()}, {});
    Place place(nest, type);
    nest.out(emptyTensor(b, type), place.indices);
    auto draw = [&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
      Value sample = scalar::add(b, x[2], indexAsI64(b, nest, place.indices[0]));
      Value stream = word(b, static_cast<uint32_t>(op.getStream()));
      std::array<Value, 4> random =
          philox(b, {half(b, sample, 0), place.group(b, nest), half(b, x[1], 0), stream},
                 {half(b, x[0], 0), half(b, x[0], 1)});
      return {choose(b, op.getRate().convertToDouble(), place.pick(b, nest, random),
                     type.getElementType())};
    };
    rewriter.replaceOp(op, nest.build(place.order(type), draw, /*isLaneInPlace=*/true));
    return success();
  }

private:
  /// 0 with probability `rate`, else what makes up for the zeros.
  static Value choose(ImplicitLocOpBuilder &b, double rate, Value random, Type type) {
    double threshold = std::min(std::round(std::ldexp(rate, 32)), std::ldexp(1.0, 32) - 1);
    Value keeps = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, random,
                                        word(b, static_cast<uint32_t>(threshold)));
    return scalar::select(b, keeps, scalar::constant(b, type, 1 / (1 - rate)),
                          scalar::constant(b, type, 0));
  }
};

/// ai.mask_samples -> one generic that selects by the number of the sample.
struct LowerMaskSamples final : OpConversionPattern<MaskSamplesOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(MaskSamplesOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    Nest nest(b);
    Indices loops = nest.loops(type.getRank());
    nest.in({operands.getInput(), op.getInput().getType()}, loops);
    nest.in({operands.getFirst(), op.getFirst().getType()}, {});
    nest.in({operands.getCount(), op.getCount().getType()}, {});
    nest.out(emptyTensor(b, type), loops);
    rewriter.replaceOp(
        op, nest.build([&](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
          Value sample = scalar::add(b, x[1], indexAsI64(b, nest, loops[0]));
          Value isThere = scalar::compare(b, ComparePredicate::lt, sample, x[2]);
          return {scalar::select(b, isThere, x[0], scalar::constantLike(b, x[0], 0))};
        }));
    return success();
  }
};

} // namespace

void ai::populateRandomLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerDropout, LowerDropoutMask, LowerMaskSamples>(types, patterns.getContext());
}
