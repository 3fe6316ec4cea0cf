// Reverse-mode differentiation of one block: the engine. It knows no op.

#ifndef AI_LIB_AUTODIFF_REVERSESWEEP_H
#define AI_LIB_AUTODIFF_REVERSESWEEP_H

#include "dialects/ai/AIDialect.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace ai {

/// Sends cotangents from values of a block back to some of its arguments.
///
/// Backward ops are appended before the terminator. Rules may replace forward ops, so a value of
/// the block that is needed afterwards is to be read from its user (the terminator).
class ReverseSweep {
public:
  /// `names` gives values (parameters) the names that appear in the locations of their gradients.
  explicit ReverseSweep(mlir::Block &block, llvm::DenseMap<mlir::Value, mlir::StringRef> names =
                                                llvm::DenseMap<mlir::Value, mlir::StringRef>());

  /// Adds `cotangent`, of the value's type, to the cotangent of `value`.
  void seed(mlir::Value value, mlir::Value cotangent);

  /// Differentiates towards `arguments` and appends one gradient for each to `gradients`: zeros
  /// where nothing depends on the argument. Fails with an error at an op that has no rule.
  mlir::LogicalResult run(mlir::ValueRange arguments,
                          llvm::SmallVectorImpl<mlir::Value> &gradients);

  /// How many rules `run` applied.
  int64_t getNumRules() const { return numRules; }

private:
  llvm::SmallVector<mlir::Operation *> findActiveOps(mlir::ValueRange arguments);
  mlir::LogicalResult applyRule(mlir::Operation *op);
  void accumulate(mlir::Value value, mlir::Value cotangent, mlir::Location loc);

  mlir::Block &block;
  mlir::OpBuilder builder;
  llvm::DenseMap<mlir::Value, mlir::StringRef> names;
  llvm::DenseMap<mlir::Value, mlir::Value> cotangents;
  llvm::DenseSet<mlir::Value> active;
  int64_t numRules = 0;
};

/// Erases the ops of the block whose results nobody reads.
void eraseDeadOps(mlir::Block &block);

} // namespace ai

#endif // AI_LIB_AUTODIFF_REVERSESWEEP_H
