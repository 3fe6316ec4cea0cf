// The functions that ai.train stands for.

#ifndef AI_LIB_AUTODIFF_TRAININGFUNCTIONS_H
#define AI_LIB_AUTODIFF_TRAININGFUNCTIONS_H

#include "mlir/IR/BuiltinOps.h"

namespace ai {

/// Builds @m_train_step, @m_evaluate and @m_predict for every `ai.train @m` of the module, and
/// erases @m unless something else refers to it. Adds the number of rules applied to `numRules`.
/// With `keepGradients` a step also returns its gradients.
mlir::LogicalResult expandTraining(mlir::ModuleOp module, bool keepGradients, int64_t &numRules);

/// Replaces every ai.dropout below `op` by its operand: what it is outside training.
void removeDropout(mlir::Operation *op);

} // namespace ai

#endif // AI_LIB_AUTODIFF_TRAININGFUNCTIONS_H
