// Functions that a GPU has no instruction for, of scalars: series after a reduction of the argument
// (Muller, "Elementary Functions", 2016), in f64; those of f32 that ai-expand-math leaves are
// computed in f64, too. What is an instruction (roots, roundings) becomes a call of LLVM's
// intrinsic: upstream's lowering to NVVM would call libdevice instead.

#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ai {
#define GEN_PASS_DEF_AIEXPANDDEVICEMATHPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using arith::CmpFPredicate;

/// The intrinsic of an op that is one instruction or a few; empty if it is none.
static StringRef intrinsicOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case([](math::AbsFOp) { return "llvm.fabs"; })
      .Case([](math::CeilOp) { return "llvm.ceil"; })
      .Case([](math::CopySignOp) { return "llvm.copysign"; })
      .Case([](math::FloorOp) { return "llvm.floor"; })
      .Case([](math::RoundEvenOp) { return "llvm.roundeven"; })
      .Case([](math::SqrtOp) { return "llvm.sqrt"; })
      .Case([](math::TruncOp) { return "llvm.trunc"; })
      .Default(StringRef());
}

// log(2) and pi / 2 in parts, each the rest rounded to f64; the first part of log(2) has 21 zeros
// at its end, so that its product with an exponent is exact.
static constexpr double kLog2[] = {0x1.62e42fee00000p-1, 0x1.a39ef35793c76p-33};
static constexpr double kHalfPi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54,
                                     -0x1.f1976b7ed8fbcp-110};
static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

namespace {
/// Writes formulas in f64.
class Formula {
public:
  explicit Formula(Operation *op) : b(op->getLoc(), op) {}

  Value exp(Value x);
  Value log(Value x);
  Value tanh(Value x);
  Value sin(Value x) { return sinOfTurn(x, 0); }
  Value cos(Value x) { return sinOfTurn(x, 1); }
  Value pow(Value x, Value y);

  ImplicitLocOpBuilder b;

private:
  Value real(double value) { return arith::ConstantOp::create(b, b.getF64FloatAttr(value)); }
  Value integer(int64_t value) { return arith::ConstantIntOp::create(b, value, 64); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, x, y, z); }
  Value neg(Value x) { return arith::NegFOp::create(b, x); }
  Value intrinsic(StringRef name, Value x) {
    return LLVM::CallIntrinsicOp::create(b, x.getType(), b.getStringAttr(name), x).getResult(0);
  }
  Value abs(Value x) { return intrinsic("llvm.fabs", x); }
  Value trunc(Value x) { return intrinsic("llvm.trunc", x); }
  Value round(Value x) { return intrinsic("llvm.roundeven", x); }
  Value is(CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, predicate, x, y);
  }
  Value is(arith::CmpIPredicate predicate, Value x, int64_t y) {
    return arith::CmpIOp::create(b, predicate, x, integer(y));
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value negate(Value condition) {
    return arith::XOrIOp::create(b, condition, arith::ConstantIntOp::create(b, 1, 1));
  }
  Value asInteger(Value x) { return arith::FPToSIOp::create(b, b.getI64Type(), x); }
  Value asReal(Value n) { return arith::SIToFPOp::create(b, b.getF64Type(), n); }
  Value bitsOf(Value x) { return arith::BitcastOp::create(b, b.getI64Type(), x); }
  Value fromBits(Value n) { return arith::BitcastOp::create(b, b.getF64Type(), n); }

  /// c0 + x (c1 + x (c2 + ...)).
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value sum = real(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, real(c));
    return sum;
  }

  /// 2^n for -1022 <= n <= 1023.
  Value powerOfTwo(Value n) {
    Value biased = arith::AddIOp::create(b, n, integer(1023));
    return fromBits(arith::ShLIOp::create(b, biased, integer(52)));
  }

  Value sinOfTurn(Value x, int64_t quarters);

  /// `result` at numbers, x itself where x is none.
  Value keepNaN(Value x, Value result) { return select(is(CmpFPredicate::UNO, x, x), x, result); }
};
} // namespace

/// 1 / (first)!, 1 / (first + step)!, ...
static SmallVector<double> inverseFactorials(int first, int last, int step = 1) {
  SmallVector<double> result;
  double factorial = 1;
  for (int n = 1; n <= last; ++n) {
    factorial *= n;
    if (n >= first && (n - first) % step == 0)
      result.push_back(1 / factorial);
  }
  return result;
}

/// exp(x) = 2^n exp(r), |r| <= log(2) / 2.
Value Formula::exp(Value x) {
  Value low = real(-746), high = real(710);
  Value finite = select(is(CmpFPredicate::OGT, x, low), x, low); // also for NaN
  finite = select(is(CmpFPredicate::OLT, finite, high), finite, high);
  Value n = round(mul(finite, real(M_LOG2E)));
  Value r = fma(neg(n), real(kLog2[1]), fma(neg(n), real(kLog2[0]), finite));
  SmallVector<double> series{1};
  llvm::append_range(series, inverseFactorials(1, 13));
  // Two factors: 2^n itself may be no normal number.
  Value exponent = asInteger(n);
  Value half = arith::ShRSIOp::create(b, exponent, integer(1));
  Value rest = arith::SubIOp::create(b, exponent, half);
  Value result = mul(mul(polynomial(r, series), powerOfTwo(half)), powerOfTwo(rest));
  return keepNaN(x, result);
}

/// log(2^e m) = e log(2) + log(m), m in [sqrt(1/2), sqrt(2)]; log(m) by s = (m - 1) / (m + 1).
Value Formula::log(Value x) {
  Value isTiny = is(CmpFPredicate::OLT, x, real(0x1p-1022));
  Value normal = select(isTiny, mul(x, real(0x1p54)), x);
  Value bits = bitsOf(normal);
  // The exponent counts from sqrt(1/2) on.
  constexpr int64_t kRootHalf = 0x3fe6a09e667f3bcd;
  Value shifted = arith::SubIOp::create(b, bits, integer(kRootHalf));
  Value exponent = arith::ShRSIOp::create(b, shifted, integer(52));
  Value m =
      fromBits(arith::SubIOp::create(b, bits, arith::ShLIOp::create(b, exponent, integer(52))));
  Value e = asReal(exponent);
  e = select(isTiny, sub(e, real(54)), e);

  Value f = sub(m, real(1)), s = div(f, add(f, real(2))), z = mul(s, s);
  SmallVector<double> series;
  for (int n = 3; n <= 25; n += 2)
    series.push_back(2.0 / n);
  // log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + z (2/3 + 2/5 z + ...))
  Value square = mul(real(0.5), mul(f, f)), tail = mul(z, polynomial(z, series));
  Value low = fma(e, real(kLog2[1]), mul(s, add(square, tail)));
  Value result = fma(e, real(kLog2[0]), sub(f, sub(square, low)));
  result = select(is(CmpFPredicate::OEQ, x, real(kInfinity)), x, result);
  result = select(is(CmpFPredicate::OEQ, x, real(0)), real(-kInfinity), result);
  result = select(is(CmpFPredicate::OLT, x, real(0)), real(kNaN), result);
  return keepNaN(x, result);
}

/// t / (t + 2) with t = exp(2x) - 1, a series near 0.
Value Formula::tanh(Value x) {
  Value twice = mul(x, real(2)), magnitude = abs(x);
  Value small = mul(twice, polynomial(twice, inverseFactorials(1, 18)));
  Value large = sub(real(1), div(real(2), add(exp(mul(magnitude, real(2))), real(1))));
  Value isNegative = is(CmpFPredicate::OLT, x, real(0));
  large = select(isNegative, neg(large), large);
  Value isSmall = is(CmpFPredicate::OLT, magnitude, real(0.35));
  return keepNaN(x, select(isSmall, div(small, add(small, real(2))), large));
}

/// sin(x + quarters pi / 2). With fma, x - n pi / 2 is exact in its first part; n is found twice,
/// for the first one may be off by one when x is large. Beyond 2^52 neighbours are a radian apart:
/// NaN.
Value Formula::sinOfTurn(Value x, int64_t quarters) {
  Value limit = real(0x1p52);
  Value isFine = is(CmpFPredicate::OLE, abs(x), limit);
  Value r = select(isFine, x, real(0));
  Value turns = integer(quarters);
  for (int i = 0; i < 2; ++i) {
    Value n = round(mul(r, real(M_2_PI)));
    for (double part : kHalfPi)
      r = fma(neg(n), real(part), r);
    turns = arith::AddIOp::create(b, turns, asInteger(n));
  }
  Value z = mul(r, r), minus = neg(z);
  // r - r^3/3! + ... and 1 - r^2/2! + ..., in -r^2.
  SmallVector<double> odd = inverseFactorials(3, 19, 2), even = inverseFactorials(2, 18, 2);
  Value sine = fma(mul(r, minus), polynomial(minus, odd), r);
  Value cosine = fma(minus, polynomial(minus, even), real(1));
  Value isOdd = is(arith::CmpIPredicate::ne, arith::AndIOp::create(b, turns, integer(1)), 0);
  Value isBehind = is(arith::CmpIPredicate::ne, arith::AndIOp::create(b, turns, integer(2)), 0);
  Value result = select(isOdd, cosine, sine);
  result = select(isBehind, neg(result), result);
  return select(isFine, result, real(kNaN));
}

/// exp(y log|x|), with a sign if x is negative and y an odd integer.
Value Formula::pow(Value x, Value y) {
  Value magnitude = abs(x), one = real(1);
  Value result = exp(mul(y, log(magnitude)));
  Value isNegative = is(arith::CmpIPredicate::slt, bitsOf(x), 0);
  Value isInteger = is(CmpFPredicate::OEQ, trunc(y), y);
  Value half = mul(y, real(0.5));
  Value isOdd = both(isInteger, is(CmpFPredicate::UNE, trunc(half), half));
  result = select(is(CmpFPredicate::OEQ, magnitude, one),
                  select(is(CmpFPredicate::UNO, y, y), y, one), result);
  result = select(both(isNegative, isOdd), neg(result), result);
  Value isFiniteNegative =
      both(is(CmpFPredicate::OLT, x, real(0)), is(CmpFPredicate::OGT, x, real(-kInfinity)));
  result = select(both(isFiniteNegative, negate(isInteger)), real(kNaN), result);
  result = select(is(CmpFPredicate::OEQ, x, one), one, result);
  return select(is(CmpFPredicate::OEQ, y, real(0)), one, result);
}

/// The function of an op in f64; null if there is none.
static Value expand(Formula &f, Operation *op, ValueRange x) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](math::ExpOp) { return f.exp(x[0]); })
      .Case([&](math::LogOp) { return f.log(x[0]); })
      .Case([&](math::TanhOp) { return f.tanh(x[0]); })
      .Case([&](math::SinOp) { return f.sin(x[0]); })
      .Case([&](math::CosOp) { return f.cos(x[0]); })
      .Case([&](math::PowFOp) { return f.pow(x[0], x[1]); })
      .Default(Value());
}

/// The op's result, computed in f64; null if there is no formula.
static Value expandInF64(Operation *op) {
  Type type = op->getResult(0).getType();
  if (!type.isF32() && !type.isF64())
    return {};
  Formula f(op);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(type.isF64() ? operand
                                    : arith::ExtFOp::create(f.b, f.b.getF64Type(), operand));
  Value result = expand(f, op, operands);
  if (result && type.isF32())
    result = arith::TruncFOp::create(f.b, type, result);
  return result;
}

static LogicalResult expandOp(Operation *op) {
  if (isa<math::FmaOp>(op)) // an instruction
    return success();
  Value result;
  if (StringRef intrinsic = intrinsicOf(op); !intrinsic.empty()) {
    OpBuilder b(op);
    result = LLVM::CallIntrinsicOp::create(b, op->getLoc(), op->getResultTypes()[0],
                                           b.getStringAttr(intrinsic), op->getOperands())
                 .getResult(0);
  } else {
    result = expandInF64(op);
  }
  if (!result)
    return op->emitOpError("has no expansion for a GPU");
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return success();
}

namespace {
struct ExpandDeviceMath final : ai::impl::AIExpandDeviceMathPassBase<ExpandDeviceMath> {
  void runOnOperation() final {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<math::MathDialect>(op->getDialect()))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(expandOp(op)))
        return signalPassFailure();
  }
};
} // namespace
