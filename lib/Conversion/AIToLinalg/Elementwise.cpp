// Element-wise ops: one generic each, whose body is a formula of this file.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

template <typename Op> static Value compute(Op op, ImplicitLocOpBuilder &b, ValueRange x);

#define AI_FORMULA(Op, expression)                                                                 \
  template <> Value compute(Op op, ImplicitLocOpBuilder &b, ValueRange x) { return expression; }

AI_FORMULA(AddOp, scalar::add(b, x[0], x[1]))
AI_FORMULA(SubOp, scalar::sub(b, x[0], x[1]))
AI_FORMULA(MulOp, scalar::mul(b, x[0], x[1]))
AI_FORMULA(DivOp, scalar::div(b, x[0], x[1]))
AI_FORMULA(MaxOp, scalar::max(b, x[0], x[1]))
AI_FORMULA(MinOp, scalar::min(b, x[0], x[1]))
AI_FORMULA(PowerOp, math::PowFOp::create(b, x[0], x[1]))
AI_FORMULA(ExpOp, math::ExpOp::create(b, x[0]))
AI_FORMULA(LogOp, math::LogOp::create(b, x[0]))
AI_FORMULA(SqrtOp, math::SqrtOp::create(b, x[0]))
AI_FORMULA(SinOp, math::SinOp::create(b, x[0]))
AI_FORMULA(CosOp, math::CosOp::create(b, x[0]))
AI_FORMULA(TanhOp, math::TanhOp::create(b, x[0]))
AI_FORMULA(CompareOp, scalar::compare(b, op.getPredicate(), x[0], x[1]))
AI_FORMULA(SelectOp, scalar::select(b, x[0], x[1], x[2]))
AI_FORMULA(CastOp, scalar::cast(b, x[0], getElementTypeOrSelf(op.getType())))

#undef AI_FORMULA

template <> Value compute(NegOp op, ImplicitLocOpBuilder &b, ValueRange x) {
  if (isa<FloatType>(x[0].getType()))
    return arith::NegFOp::create(b, x[0]);
  return scalar::sub(b, scalar::constantLike(b, x[0], 0), x[0]);
}

template <> Value compute(SigmoidOp op, ImplicitLocOpBuilder &b, ValueRange x) {
  Value one = scalar::constantLike(b, x[0], 1);
  Value exp = math::ExpOp::create(b, arith::NegFOp::create(b, x[0]));
  return scalar::div(b, one, scalar::add(b, one, exp));
}

/// `0 > x ? 0 : x` is one instruction of the machine and keeps NaN.
template <> Value compute(ReLUOp op, ImplicitLocOpBuilder &b, ValueRange x) {
  Value zero = scalar::constantLike(b, x[0], 0);
  return scalar::select(b, scalar::compare(b, ComparePredicate::gt, zero, x[0]), zero, x[0]);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// The indices of an operand of NumPy broadcasting: dimensions are aligned at the end.
static Indices getBroadcastIndices(RankedTensorType type, RankedTensorType result,
                                   const Indices &loops, MLIRContext *context) {
  Indices indices;
  int64_t missing = result.getRank() - type.getRank();
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    bool repeated = type.getDimSize(dim) != result.getDimSize(dim + missing);
    indices.push_back(repeated ? getAffineConstantExpr(0, context) : loops[dim + missing]);
  }
  return indices;
}

namespace {

/// An element-wise op with broadcasting -> one parallel generic.
template <typename Op> struct LowerElementwise final : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    Nest nest(b);
    Indices loops = nest.loops(type.getRank());
    for (auto [memory, logical] : llvm::zip(operands.getOperands(), op->getOperandTypes())) {
      Tensor x(memory, logical);
      nest.in(x, getBroadcastIndices(x.type, type, loops, b.getContext()));
    }
    nest.out(emptyTensor(b, type), loops);
    rewriter.replaceOp(op, nest.build([&](ImplicitLocOpBuilder &b, ValueRange elements) {
      return SmallVector<Value>{compute(op, b, elements.drop_back())};
    }));
    return success();
  }
};

} // namespace

template <typename... Ops>
static void addElementwise(const TypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerElementwise<Ops>...>(types, patterns.getContext());
}

void ai::populateElementwiseLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  addElementwise<AddOp, SubOp, MulOp, DivOp, MaxOp, MinOp, PowerOp, NegOp, ExpOp, LogOp, SqrtOp,
                 SinOp, CosOp, TanhOp, SigmoidOp, ReLUOp, CompareOp, SelectOp, CastOp>(types,
                                                                                       patterns);
}
