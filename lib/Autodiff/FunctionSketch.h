// A function whose signature is listed piece by piece, each piece with its name and role.

#ifndef AI_LIB_AUTODIFF_FUNCTIONSKETCH_H
#define AI_LIB_AUTODIFF_FUNCTIONSKETCH_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ai {

/// The discardable attributes that say what an argument or result is.
inline constexpr llvm::StringLiteral kNameAttr = "ai.name";
inline constexpr llvm::StringLiteral kRoleAttr = "ai.role";
inline constexpr llvm::StringLiteral kInitAttr = "ai.init";
inline constexpr llvm::StringLiteral kValueAttr = "ai.value";

/// Collects arguments, then makes the function, then its return with named results.
class FunctionSketch {
public:
  explicit FunctionSketch(mlir::MLIRContext *context) : b(context) {}

  /// Adds an argument; `extra` goes beside its name and role.
  void addArgument(mlir::Type type, const llvm::Twine &name, llvm::StringRef role,
                   mlir::NamedAttrList extra = {});

  /// Makes the function with an empty body, and leaves the builder at its end.
  mlir::func::FuncOp create(mlir::OpBuilder &builder, mlir::Location loc, const llvm::Twine &name);

  /// The arguments that have this role, in order.
  llvm::SmallVector<mlir::Value> getArguments(llvm::StringRef role);
  /// The one argument that has this role; null if there is none.
  mlir::Value getArgument(llvm::StringRef role);

  /// Adds a value to those that `finish` returns.
  void addResult(mlir::Value value, const llvm::Twine &name, llvm::StringRef role);

  /// Makes the function's return give the results, and erases ops that nobody needs.
  void finish();

private:
  mlir::DictionaryAttr describe(const llvm::Twine &name, llvm::StringRef role,
                                mlir::NamedAttrList extra);

  mlir::Builder b;
  mlir::func::FuncOp function;
  llvm::SmallVector<mlir::Type> argumentTypes;
  llvm::SmallVector<mlir::Attribute> argumentAttrs, resultAttrs;
  llvm::SmallVector<mlir::Value> results;
};

} // namespace ai

#endif // AI_LIB_AUTODIFF_FUNCTIONSKETCH_H
