// The functions that ai.gradient and ai.value_and_gradient stand for.

#ifndef AI_LIB_AUTODIFF_GRADIENTFUNCTIONS_H
#define AI_LIB_AUTODIFF_GRADIENTFUNCTIONS_H

#include "mlir/IR/BuiltinOps.h"

namespace ai {

/// Replaces every request of the module by the function that it stands for, those that others
/// depend on first. Adds the number of rules applied to `numRules`.
mlir::LogicalResult expandGradientFunctions(mlir::ModuleOp module, int64_t &numRules);

} // namespace ai

#endif // AI_LIB_AUTODIFF_GRADIENTFUNCTIONS_H
