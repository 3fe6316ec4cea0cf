// Short names for ai ops, so that an update rule reads like its formula.

#ifndef AI_LIB_AUTODIFF_SCALARBUILDER_H
#define AI_LIB_AUTODIFF_SCALARBUILDER_H

#include "dialects/ai/AIDialect.h"

namespace ai {

/// Builds element-wise ai ops at one location. Constants are rank-0 tensors of f64.
class ScalarBuilder {
public:
  ScalarBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::Value constant(double value) { return ConstantOp::create(b, loc, b.getF64Type(), value); }
  mlir::Value cast(mlir::Value x, mlir::Type elementType) {
    if (mlir::getElementTypeOrSelf(x.getType()) == elementType)
      return x;
    return CastOp::create(b, loc, x, elementType);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) { return AddOp::create(b, loc, x, y); }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return SubOp::create(b, loc, x, y); }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return MulOp::create(b, loc, x, y); }
  mlir::Value div(mlir::Value x, mlir::Value y) { return DivOp::create(b, loc, x, y); }
  mlir::Value power(mlir::Value x, mlir::Value y) { return PowerOp::create(b, loc, x, y); }
  mlir::Value neg(mlir::Value x) { return NegOp::create(b, loc, x); }
  mlir::Value sqrt(mlir::Value x) { return SqrtOp::create(b, loc, x); }
  mlir::Value square(mlir::Value x) { return mul(x, x); }

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
};

} // namespace ai

#endif // AI_LIB_AUTODIFF_SCALARBUILDER_H
