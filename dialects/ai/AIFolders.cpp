// Folding: to an operand, or of constants. Only what every processor computes to the same bits is
// folded; exp, log and the like depend on the math library and stay for run time.

#include "dialects/ai/AIDialect.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ai;

/// Non-splat constants with more elements stay unfolded.
static constexpr int64_t maxFoldedElements = 1024;

/// `value` if it may stand for `result`: if both have the same shape and type. Unranked types say
/// nothing about the shape, so equal ones are not enough.
static OpFoldResult useInstead(Value value, Value result) {
  bool same = value.getType() == result.getType() && isa<RankedTensorType>(value.getType());
  return same ? OpFoldResult(value) : OpFoldResult();
}

/// Whether the attribute is a splat of the float `value`, sign of zero included, or of the same
/// integer.
static bool isSplatOf(Attribute attribute, double value) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(attribute);
  if (!splat)
    return false;
  if (auto type = dyn_cast<FloatType>(splat.getElementType()))
    return splat.getSplatValue<APFloat>().bitwiseIsEqual(
        cast<FloatAttr>(FloatAttr::get(type, value)).getValue());
  return splat.getSplatValue<APInt>().getSExtValue() == static_cast<int64_t>(value);
}

/// The static, plain type in which a constant can stand for `result`; null if there is none.
static RankedTensorType getConstantType(Value result) {
  auto type = dyn_cast<RankedTensorType>(result.getType());
  return type && type.hasStaticShape() && !type.getEncoding() ? type : RankedTensorType();
}

/// Applies `compute` to constants that are splats or have the result's shape.
template <typename Number>
static DenseElementsAttr foldElements(RankedTensorType type, ArrayRef<DenseElementsAttr> operands,
                                      function_ref<Number(ArrayRef<Number>)> compute) {
  auto at = [&](int64_t index) {
    SmallVector<Number> numbers;
    for (DenseElementsAttr operand : operands)
      numbers.push_back(operand.isSplat() ? operand.getSplatValue<Number>()
                                          : operand.getValues<Number>()[index]);
    return compute(numbers);
  };
  if (llvm::all_of(operands, [](DenseElementsAttr operand) { return operand.isSplat(); }))
    return DenseElementsAttr::get(type, at(0));
  SmallVector<Number> results;
  for (int64_t index = 0, count = type.getNumElements(); index < count; ++index)
    results.push_back(at(index));
  return DenseElementsAttr::get(type, results);
}

/// Folds an element-wise op of constants; null if an operand is none, or too large. Either function
/// may be null: no folding for that kind of number.
static OpFoldResult foldConstants(Value result, ArrayRef<Attribute> attributes,
                                  function_ref<APFloat(ArrayRef<APFloat>)> computeFloat,
                                  function_ref<APInt(ArrayRef<APInt>)> computeInteger) {
  RankedTensorType type = getConstantType(result);
  if (!type || type.getNumElements() == 0)
    return {};
  SmallVector<DenseElementsAttr> operands;
  for (Attribute attribute : attributes) {
    auto dense = dyn_cast_or_null<DenseElementsAttr>(attribute);
    bool fits = dense && (dense.isSplat() || (dense.getType().getShape() == type.getShape() &&
                                              type.getNumElements() <= maxFoldedElements));
    if (!fits)
      return {};
    operands.push_back(dense);
  }
  if (isa<FloatType>(type.getElementType()))
    return computeFloat ? foldElements<APFloat>(type, operands, computeFloat) : OpFoldResult();
  return computeInteger ? foldElements<APInt>(type, operands, computeInteger) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

OpFoldResult AddOp::fold(FoldAdaptor constants) {
  // x + 0 turns -0 into +0; only -0 is neutral among floats.
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(getType()));
  if (isSplatOf(constants.getRhs(), isFloat ? -0.0 : 0.0))
    if (OpFoldResult lhs = useInstead(getLhs(), getOut()))
      return lhs;
  return foldConstants(
      getOut(), constants.getOperands(), [](ArrayRef<APFloat> x) { return x[0] + x[1]; },
      [](ArrayRef<APInt> x) { return x[0] + x[1]; });
}

OpFoldResult SubOp::fold(FoldAdaptor constants) {
  if (isSplatOf(constants.getRhs(), 0.0))
    if (OpFoldResult lhs = useInstead(getLhs(), getOut()))
      return lhs;
  return foldConstants(
      getOut(), constants.getOperands(), [](ArrayRef<APFloat> x) { return x[0] - x[1]; },
      [](ArrayRef<APInt> x) { return x[0] - x[1]; });
}

OpFoldResult MulOp::fold(FoldAdaptor constants) {
  if (isSplatOf(constants.getRhs(), 1.0))
    if (OpFoldResult lhs = useInstead(getLhs(), getOut()))
      return lhs;
  return foldConstants(
      getOut(), constants.getOperands(), [](ArrayRef<APFloat> x) { return x[0] * x[1]; },
      [](ArrayRef<APInt> x) { return x[0] * x[1]; });
}

OpFoldResult DivOp::fold(FoldAdaptor constants) {
  if (isSplatOf(constants.getRhs(), 1.0))
    if (OpFoldResult lhs = useInstead(getLhs(), getOut()))
      return lhs;
  return foldConstants(
      getOut(), constants.getOperands(), [](ArrayRef<APFloat> x) { return x[0] / x[1]; }, nullptr);
}

OpFoldResult MaxOp::fold(FoldAdaptor constants) {
  if (getLhs() == getRhs())
    return useInstead(getLhs(), getOut());
  return foldConstants(
      getOut(), constants.getOperands(), [](ArrayRef<APFloat> x) { return maximum(x[0], x[1]); },
      nullptr);
}

OpFoldResult MinOp::fold(FoldAdaptor constants) {
  if (getLhs() == getRhs())
    return useInstead(getLhs(), getOut());
  return foldConstants(
      getOut(), constants.getOperands(), [](ArrayRef<APFloat> x) { return minimum(x[0], x[1]); },
      nullptr);
}

OpFoldResult NegOp::fold(FoldAdaptor constants) {
  if (auto inner = getInput().getDefiningOp<NegOp>())
    if (OpFoldResult input = useInstead(inner.getInput(), getOut()))
      return input;
  return foldConstants(
      getOut(), constants.getOperands(), [](ArrayRef<APFloat> x) { return -x[0]; }, nullptr);
}

OpFoldResult ReLUOp::fold(FoldAdaptor constants) {
  if (getInput().getDefiningOp<ReLUOp>())
    if (OpFoldResult input = useInstead(getInput(), getOut()))
      return input;
  return foldConstants(
      getOut(), constants.getOperands(),
      [](ArrayRef<APFloat> x) {
        APFloat zero = APFloat::getZero(x[0].getSemantics());
        return zero > x[0] ? zero : x[0];
      },
      nullptr);
}

OpFoldResult SelectOp::fold(FoldAdaptor constants) {
  if (getOnTrue() == getOnFalse())
    return useInstead(getOnTrue(), getOut());
  auto condition = dyn_cast_or_null<SplatElementsAttr>(constants.getCondition());
  if (!condition)
    return {};
  return useInstead(condition.getSplatValue<bool>() ? getOnTrue() : getOnFalse(), getOut());
}

OpFoldResult CastOp::fold(FoldAdaptor constants) {
  if (OpFoldResult input = useInstead(getInput(), getOut()))
    return input;
  auto dense = dyn_cast_or_null<DenseElementsAttr>(constants.getInput());
  RankedTensorType type = getConstantType(getOut());
  if (!dense || !type || (!dense.isSplat() && type.getNumElements() > maxFoldedElements))
    return {};
  auto to = dyn_cast<FloatType>(type.getElementType());
  if (!to)
    return {};
  auto convert = [&](auto number) {
    if constexpr (std::is_same_v<decltype(number), APFloat>) {
      bool losesInfo;
      number.convert(to.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
      return number;
    } else {
      APFloat result(to.getFloatSemantics());
      result.convertFromAPInt(number, /*IsSigned=*/number.getBitWidth() > 1,
                              APFloat::rmNearestTiesToEven);
      return result;
    }
  };
  if (isa<FloatType>(dense.getElementType()))
    return dense.mapValues(to, [&](const APFloat &x) { return convert(x).bitcastToAPInt(); });
  return dense.mapValues(to, [&](const APInt &x) { return convert(x).bitcastToAPInt(); });
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

/// A constant in another shape of as many elements.
static OpFoldResult foldReshape(Attribute constant, Value result) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(constant);
  RankedTensorType type = getConstantType(result);
  return dense && type ? OpFoldResult(dense.reshape(type)) : OpFoldResult();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor constants) {
  if (OpFoldResult input = useInstead(getInput(), getOut()))
    return input;
  return foldReshape(constants.getInput(), getOut());
}

OpFoldResult FlattenOp::fold(FoldAdaptor constants) {
  if (OpFoldResult input = useInstead(getInput(), getOut()))
    return input;
  return foldReshape(constants.getInput(), getOut());
}

OpFoldResult TransposeOp::fold(FoldAdaptor constants) {
  if (llvm::is_sorted(getPermutation()))
    return useInstead(getInput(), getOut());
  auto splat = dyn_cast_or_null<SplatElementsAttr>(constants.getInput());
  return splat ? foldReshape(splat, getOut()) : OpFoldResult();
}

// A broadcast constant is not folded: it would lie in the program with every repetition.

OpFoldResult BroadcastOp::fold(FoldAdaptor) { return useInstead(getInput(), getOut()); }

OpFoldResult BroadcastLikeOp::fold(FoldAdaptor) { return useInstead(getInput(), getOut()); }

/// A scatter puts every value somewhere into its image, so a sum over images needs no scatter: the
/// gradient of a bias before a pool adds a quarter of the values.
OpFoldResult ReduceSumOp::fold(FoldAdaptor) {
  if (getDims().empty())
    return useInstead(getInput(), getOut());
  auto scatter = getInput().getDefiningOp<MaxPool2DScatterOp>();
  if (!scatter || !llvm::is_contained(getDims(), 2) || !llvm::is_contained(getDims(), 3))
    return {};
  getInputMutable().assign(scatter.getCt());
  return getOut();
}

OpFoldResult ReduceMeanOp::fold(FoldAdaptor) {
  return getDims().empty() ? useInstead(getInput(), getOut()) : OpFoldResult();
}

OpFoldResult ReduceMaxOp::fold(FoldAdaptor) {
  return getDims().empty() ? useInstead(getInput(), getOut()) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

OpFoldResult DropoutOp::fold(FoldAdaptor) {
  return getRate().isZero() ? useInstead(getInput(), getOut()) : OpFoldResult();
}

OpFoldResult MaskSamplesOp::fold(FoldAdaptor) {
  auto inner = getInput().getDefiningOp<MaskSamplesOp>();
  if (!inner || inner.getFirst() != getFirst() || inner.getCount() != getCount())
    return {};
  return useInstead(getInput(), getOut());
}

OpFoldResult RelayoutOp::fold(FoldAdaptor) {
  if (OpFoldResult input = useInstead(getInput(), getOut()))
    return input;
  if (auto inner = getInput().getDefiningOp<RelayoutOp>()) {
    getInputMutable().assign(inner.getInput());
    return getOut();
  }
  return {};
}
