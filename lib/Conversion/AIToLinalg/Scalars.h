// The arithmetic of one element, as the bodies of nests are written.

#ifndef AI_CONVERSION_AITOLINALG_SCALARS_H
#define AI_CONVERSION_AITOLINALG_SCALARS_H

#include "dialects/ai/AIDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ai::scalar {

/// A float or integer constant of the scalar type `type`.
mlir::Value constant(mlir::ImplicitLocOpBuilder &b, mlir::Type type, double value);
mlir::Value constantLike(mlir::ImplicitLocOpBuilder &b, mlir::Value like, double value);

/// Float or integer arithmetic. Floats may be contracted into fused multiply-adds, nothing else.
mlir::Value add(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs, mlir::Value rhs);
mlir::Value sub(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs, mlir::Value rhs);
mlir::Value mul(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs, mlir::Value rhs);
mlir::Value div(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs, mlir::Value rhs);

/// Any comparison with NaN is false, but `ne`. Integers are signed, booleans are not.
mlir::Value compare(mlir::ImplicitLocOpBuilder &b, ComparePredicate predicate, mlir::Value lhs,
                    mlir::Value rhs);

/// Whether `candidate` beats `best` in a search for the maximum: ties go to `best`, and the first
/// NaN wins.
mlir::Value beats(mlir::ImplicitLocOpBuilder &b, mlir::Value candidate, mlir::Value best);

/// The larger or smaller one; NaN if one of them is NaN.
mlir::Value max(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs, mlir::Value rhs);
mlir::Value min(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs, mlir::Value rhs);

mlir::Value select(mlir::ImplicitLocOpBuilder &b, mlir::Value condition, mlir::Value whenTrue,
                   mlir::Value whenFalse);

/// `value` as `type`: floats round to nearest and truncate to integers; true is 1.
mlir::Value cast(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Type type);

} // namespace ai::scalar

#endif // AI_CONVERSION_AITOLINALG_SCALARS_H
