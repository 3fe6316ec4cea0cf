// Functions without calls: what the engine can differentiate.

#ifndef AI_LIB_AUTODIFF_INLINE_H
#define AI_LIB_AUTODIFF_INLINE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ai {

/// Clones the body of `function` at the builder, with `arguments` for its arguments and all calls
/// replaced by what they call, and appends the values it returns to `results`. Fails with an error
/// at a call that cannot be inlined: of a declaration, of several blocks, or of itself.
mlir::LogicalResult cloneInlined(mlir::OpBuilder &b, mlir::func::FuncOp function,
                                 mlir::ValueRange arguments,
                                 llvm::SmallVectorImpl<mlir::Value> &results);

} // namespace ai

#endif // AI_LIB_AUTODIFF_INLINE_H
