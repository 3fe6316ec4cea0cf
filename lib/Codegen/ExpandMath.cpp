// Functions that the processor does not have: exp, log, tanh and erf of f32 become polynomials, so
// that vectors stay vectors; all else becomes calls of libm, element by element. Upstream's
// polynomials for sin and cos lose all digits of large arguments, and its lowering of expm1 and
// log1p to LLVM those of small ones, so these are calls, too.

#include "ai/Codegen/Passes.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace ai {
#define GEN_PASS_DEF_AIEXPANDMATHPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;

/// log(x) = log(x * 2^24) - 24 log(2) where x is denormal: upstream's polynomial takes the smallest
/// normal number instead.
static void scaleDenormals(math::LogOp log) {
  if (!getElementTypeOrSelf(log.getType()).isF32())
    return;
  OpBuilder b(log);
  Location loc = log.getLoc();
  Value x = log.getOperand();
  auto constant = [&](double value) -> Value {
    TypedAttr attribute = b.getF32FloatAttr(value);
    if (auto vector = dyn_cast<VectorType>(x.getType()))
      attribute = DenseElementsAttr::get(vector, Attribute(attribute));
    return arith::ConstantOp::create(b, loc, attribute);
  };
  Value isTiny = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, constant(0x1p-126));
  Value scaled = arith::MulFOp::create(b, loc, x, constant(0x1p24));
  log.getOperandMutable().assign(arith::SelectOp::create(b, loc, isTiny, scaled, x));
  b.setInsertionPointAfter(log);
  Value corrected = arith::SubFOp::create(b, loc, log, constant(24 * M_LN2));
  Value result = arith::SelectOp::create(b, loc, isTiny, corrected, log);
  SmallPtrSet<Operation *, 2> ours{corrected.getDefiningOp(), result.getDefiningOp()};
  log.getResult().replaceAllUsesExcept(result, ours);
}

/// They are few: nobody has to look at all the others.
static SmallVector<Operation *> collectMathOps(ModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<math::MathDialect>(op->getDialect()))
      ops.push_back(op);
  });
  return ops;
}

static LogicalResult expandPolynomials(ModuleOp module) {
  module.walk([](math::LogOp log) { scaleDenormals(log); });
  RewritePatternSet patterns(module.getContext());
  populateMathAlgebraicSimplificationPatterns(patterns);
  populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
    return llvm::is_contained(
        {"math.exp", "math.expm1", "math.log", "math.log1p", "math.tanh", "math.erf"}, name);
  });
  return applyOpPatternsGreedily(collectMathOps(module), std::move(patterns));
}

static LogicalResult callLibm(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  populateMathToLibmConversionPatterns(patterns);
  ConversionTarget target(*module.getContext());
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  target.addIllegalOp<math::AcosOp, math::AcoshOp, math::AsinOp, math::AsinhOp, math::AtanOp,
                      math::Atan2Op, math::AtanhOp, math::CbrtOp, math::CosOp, math::CoshOp,
                      math::ErfOp, math::ErfcOp, math::ExpOp, math::Exp2Op, math::ExpM1Op,
                      math::LogOp, math::Log10Op, math::Log1pOp, math::Log2Op, math::PowFOp,
                      math::SinOp, math::SinhOp, math::TanOp, math::TanhOp>();
  return applyPartialConversion(collectMathOps(module), target, std::move(patterns));
}

namespace {
struct ExpandMath final : ai::impl::AIExpandMathPassBase<ExpandMath> {
  using AIExpandMathPassBase::AIExpandMathPassBase;

  void runOnOperation() final {
    if (failed(expandPolynomials(getOperation())) || (libm && failed(callLibm(getOperation()))))
      signalPassFailure();
  }
};
} // namespace
