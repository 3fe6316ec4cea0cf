// What the shape functions of the `ai` ops are written with.

#ifndef AI_DIALECTS_AI_TYPEINFERENCE_H
#define AI_DIALECTS_AI_TYPEINFERENCE_H

#include "dialects/ai/AIDialect.h"

#include "mlir/IR/TypeUtilities.h"

namespace ai {

/// Collects the result types of one op and reports broken rules in its name. Every method that
/// returns a LogicalResult has reported the error when it fails.
class TypeInference {
public:
  TypeInference(llvm::StringRef opName, std::optional<mlir::Location> loc,
                llvm::SmallVectorImpl<mlir::Type> &types)
      : opName(opName), loc(loc), types(types) {}

  /// Adds a result of this shape. Fails if a dim other than the first is `?`.
  llvm::LogicalResult addResult(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  /// Adds a result of unknown shape.
  llvm::LogicalResult addUnranked(mlir::Type element);

  /// Fails with "'op' op expects " and the arguments.
  template <typename... Args> llvm::LogicalResult expects(Args &&...args) {
    return mlir::emitOptionalError(loc, "'", opName, "' op expects ", std::forward<Args>(args)...);
  }

  /// Checks that a value called `name` has this rank.
  llvm::LogicalResult checkRank(llvm::StringRef name, mlir::RankedTensorType type, int64_t rank);
  /// Checks that two dims are equal; `?` equals only `?`. The second is the one to change.
  llvm::LogicalResult checkDims(llvm::StringRef lhsName, mlir::RankedTensorType lhs, int64_t lhsDim,
                                llvm::StringRef rhsName, mlir::RankedTensorType rhs,
                                int64_t rhsDim);
  /// Checks that all values have the element type of the first.
  llvm::LogicalResult checkSameElementType(mlir::ValueRange values);
  /// Checks that a list attribute is a pair whose entries are at least `minimum`.
  llvm::LogicalResult checkPair(llvm::StringRef name, llvm::ArrayRef<int64_t> pair,
                                int64_t minimum);
  /// Checks that a list of dims ascends and lies within 0..rank-1.
  llvm::LogicalResult checkAscendingDims(llvm::ArrayRef<int64_t> dims, int64_t rank);

private:
  llvm::StringRef opName;
  std::optional<mlir::Location> loc;
  llvm::SmallVectorImpl<mlir::Type> &types;
};

/// A dim as it is printed: a number or `?`.
std::string printDim(int64_t dim);
/// A shape as it is printed: `?x10`.
std::string printShape(llvm::ArrayRef<int64_t> shape);

/// The ranked type of a value, null if its rank is unknown.
inline mlir::RankedTensorType getRanked(mlir::Value value) {
  return llvm::dyn_cast<mlir::RankedTensorType>(value.getType());
}
/// The element type of a tensor value.
inline mlir::Type getElement(mlir::Value value) {
  return mlir::getElementTypeOrSelf(value.getType());
}

/// The shape that operands broadcast to as in NumPy; null shape if one is unranked.
llvm::LogicalResult inferBroadcastShape(mlir::ValueRange operands, TypeInference &infer,
                                        std::optional<llvm::SmallVector<int64_t>> &shape);

/// Shape functions of op families.
llvm::LogicalResult inferElementwise(mlir::ValueRange operands, TypeInference &infer);
llvm::LogicalResult inferReduction(mlir::Value input, llvm::ArrayRef<int64_t> dims, bool keepdims,
                                   TypeInference &infer);
llvm::LogicalResult inferAlongDim(mlir::Value input, int64_t dim, TypeInference &infer);
llvm::LogicalResult inferLabelLoss(mlir::ValueRange operands, TypeInference &infer);

} // namespace ai

#endif // AI_DIALECTS_AI_TYPEINFERENCE_H
