// What derivative rules are written with.

#ifndef AI_DIALECTS_AI_VJPBUILDER_H
#define AI_DIALECTS_AI_VJPBUILDER_H

#include "dialects/ai/AIDialect.h"

namespace ai {

/// Emits the `ai` ops of a derivative rule, so that a rule is as short as its formula. Result types
/// are inferred; operands must have ranked types.
class VjpBuilder {
public:
  /// Emits at the insertion point of `b`, every op with location `loc`.
  VjpBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpBuilder &getBuilder() { return b; }
  mlir::Location getLoc() const { return loc; }

  /// Emits any op.
  template <typename OpTy, typename... Args> OpTy create(Args &&...args) {
    return OpTy::create(b, loc, std::forward<Args>(args)...);
  }

  mlir::Value add(mlir::Value lhs, mlir::Value rhs) { return create<AddOp>(lhs, rhs); }
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs) { return create<SubOp>(lhs, rhs); }
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs) { return create<MulOp>(lhs, rhs); }
  mlir::Value div(mlir::Value lhs, mlir::Value rhs) { return create<DivOp>(lhs, rhs); }
  mlir::Value power(mlir::Value lhs, mlir::Value rhs) { return create<PowerOp>(lhs, rhs); }
  mlir::Value neg(mlir::Value x) { return create<NegOp>(x); }
  mlir::Value exp(mlir::Value x) { return create<ExpOp>(x); }
  mlir::Value log(mlir::Value x) { return create<LogOp>(x); }
  mlir::Value sin(mlir::Value x) { return create<SinOp>(x); }
  mlir::Value cos(mlir::Value x) { return create<CosOp>(x); }
  mlir::Value compare(ComparePredicate predicate, mlir::Value lhs, mlir::Value rhs) {
    return create<CompareOp>(predicate, lhs, rhs);
  }
  mlir::Value select(mlir::Value condition, mlir::Value onTrue, mlir::Value onFalse) {
    return create<SelectOp>(condition, onTrue, onFalse);
  }
  mlir::Value sum(mlir::Value x, llvm::ArrayRef<int64_t> dims, bool keepdims = false) {
    return create<ReduceSumOp>(x, dims, keepdims);
  }

  /// A constant of rank 0 with the float element type of `like`; broadcasting does the rest.
  mlir::Value constantLike(mlir::Value like, double value);

  /// `x` in the shape of `like`, which has as many elements.
  mlir::Value reshapeLike(mlir::Value x, mlir::Value like);
  /// `x` repeated to the shape of `like`; dim i of `x` becomes dim dims[i].
  mlir::Value broadcastLike(mlir::Value x, mlir::Value like, llvm::ArrayRef<int64_t> dims);
  /// Sums a cotangent over the dims that NumPy broadcasting added or repeated, so that it gets the
  /// shape of `operand`.
  mlir::Value sumTo(mlir::Value operand, mlir::Value ct);
  /// The same where dim i of `operand` became dim dims[i].
  mlir::Value sumTo(mlir::Value operand, mlir::Value ct, llvm::ArrayRef<int64_t> dims);

  /// Emits an op before `primal` instead, with the location of `primal`: for a rule that needs more
  /// from the forward computation than it gives.
  template <typename OpTy, typename... Args>
  OpTy createPrimal(mlir::Operation *primal, Args &&...args) {
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(primal);
    return OpTy::create(b, primal->getLoc(), std::forward<Args>(args)...);
  }
  /// Lets the users of `primal` use `values` instead. `primal` stays, without users.
  void replacePrimal(mlir::Operation *primal, mlir::ValueRange values) {
    primal->replaceAllUsesWith(values);
  }

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
};

} // namespace ai

#endif // AI_DIALECTS_AI_VJPBUILDER_H
