// The arithmetic of one element.

#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ai;

Value scalar::constant(ImplicitLocOpBuilder &b, Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, static_cast<int64_t>(value)));
}

Value scalar::constantLike(ImplicitLocOpBuilder &b, Value like, double value) {
  return constant(b, like.getType(), value);
}

template <typename FloatOp, typename IntOp>
static Value arithmetic(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  if (isa<FloatType>(lhs.getType()))
    return FloatOp::create(b, lhs, rhs, arith::FastMathFlags::contract);
  return IntOp::create(b, lhs, rhs);
}

Value scalar::add(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arithmetic<arith::AddFOp, arith::AddIOp>(b, lhs, rhs);
}

Value scalar::sub(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arithmetic<arith::SubFOp, arith::SubIOp>(b, lhs, rhs);
}

Value scalar::mul(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arithmetic<arith::MulFOp, arith::MulIOp>(b, lhs, rhs);
}

Value scalar::div(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arithmetic<arith::DivFOp, arith::DivSIOp>(b, lhs, rhs);
}

static arith::CmpFPredicate getFloatPredicate(ComparePredicate predicate) {
  switch (predicate) {
  case ComparePredicate::eq:
    return arith::CmpFPredicate::OEQ;
  case ComparePredicate::ne:
    return arith::CmpFPredicate::UNE;
  case ComparePredicate::lt:
    return arith::CmpFPredicate::OLT;
  case ComparePredicate::le:
    return arith::CmpFPredicate::OLE;
  case ComparePredicate::gt:
    return arith::CmpFPredicate::OGT;
  case ComparePredicate::ge:
    return arith::CmpFPredicate::OGE;
  }
  llvm_unreachable("all predicates are listed");
}

static arith::CmpIPredicate getIntPredicate(ComparePredicate predicate, bool isSigned) {
  switch (predicate) {
  case ComparePredicate::eq:
    return arith::CmpIPredicate::eq;
  case ComparePredicate::ne:
    return arith::CmpIPredicate::ne;
  case ComparePredicate::lt:
    return isSigned ? arith::CmpIPredicate::slt : arith::CmpIPredicate::ult;
  case ComparePredicate::le:
    return isSigned ? arith::CmpIPredicate::sle : arith::CmpIPredicate::ule;
  case ComparePredicate::gt:
    return isSigned ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::ugt;
  case ComparePredicate::ge:
    return isSigned ? arith::CmpIPredicate::sge : arith::CmpIPredicate::uge;
  }
  llvm_unreachable("all predicates are listed");
}

Value scalar::compare(ImplicitLocOpBuilder &b, ComparePredicate predicate, Value lhs, Value rhs) {
  if (isa<FloatType>(lhs.getType()))
    return arith::CmpFOp::create(b, getFloatPredicate(predicate), lhs, rhs);
  bool isSigned = !lhs.getType().isInteger(1);
  return arith::CmpIOp::create(b, getIntPredicate(predicate, isSigned), lhs, rhs);
}

Value scalar::beats(ImplicitLocOpBuilder &b, Value candidate, Value best) {
  if (!isa<FloatType>(candidate.getType()))
    return compare(b, ComparePredicate::gt, candidate, best);
  // "Larger or unordered" lets a NaN win; nothing beats the first NaN.
  Value larger = arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, candidate, best);
  Value isNumber = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, best, best);
  return arith::AndIOp::create(b, larger, isNumber);
}

/// The operand that `predicate` prefers; the first NaN if there is one.
static Value extremum(ImplicitLocOpBuilder &b, ComparePredicate predicate, Value lhs, Value rhs) {
  Value better = arith::SelectOp::create(b, scalar::compare(b, predicate, lhs, rhs), lhs, rhs);
  if (!isa<FloatType>(lhs.getType()))
    return better;
  // The comparison is false for NaN and takes rhs: only NaN on the left is left to care for.
  Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, lhs, lhs);
  return arith::SelectOp::create(b, isNaN, lhs, better);
}

Value scalar::max(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return extremum(b, ComparePredicate::gt, lhs, rhs);
}

Value scalar::min(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return extremum(b, ComparePredicate::lt, lhs, rhs);
}

Value scalar::select(ImplicitLocOpBuilder &b, Value condition, Value whenTrue, Value whenFalse) {
  return arith::SelectOp::create(b, condition, whenTrue, whenFalse);
}

Value scalar::cast(ImplicitLocOpBuilder &b, Value value, Type type) {
  Type from = value.getType();
  unsigned fromWidth = from.getIntOrFloatBitWidth(), width = type.getIntOrFloatBitWidth();
  if (from == type)
    return value;
  if (type.isInteger(1))
    return compare(b, ComparePredicate::ne, value, constantLike(b, value, 0.0));
  if (isa<FloatType>(from) && isa<FloatType>(type))
    return fromWidth < width ? arith::ExtFOp::create(b, type, value).getResult()
                             : arith::TruncFOp::create(b, type, value).getResult();
  if (isa<FloatType>(from))
    return arith::FPToSIOp::create(b, type, value);
  if (isa<FloatType>(type))
    return from.isInteger(1) ? arith::UIToFPOp::create(b, type, value).getResult()
                             : arith::SIToFPOp::create(b, type, value).getResult();
  if (fromWidth > width)
    return arith::TruncIOp::create(b, type, value);
  return from.isInteger(1) ? arith::ExtUIOp::create(b, type, value).getResult()
                           : arith::ExtSIOp::create(b, type, value).getResult();
}
