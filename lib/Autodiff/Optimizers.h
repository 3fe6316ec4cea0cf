// What an optimizer or a schedule consists of: its settings and the states it keeps.

#ifndef AI_LIB_AUTODIFF_OPTIMIZERS_H
#define AI_LIB_AUTODIFF_OPTIMIZERS_H

#include "dialects/ai/AIDialect.h"

namespace ai {

/// A number of the recipe that the trained program may override.
struct Setting {
  llvm::StringRef name;
  double value;
};

/// Settings beside the rate, in the order in which ai.apply_optimizer takes them, and the names of
/// the states kept for each parameter, as torch.optim spells them.
///
/// A momentum or weight decay of zero is no setting: its terms are not compiled in.
struct OptimizerParts {
  llvm::SmallVector<Setting> settings;
  llvm::SmallVector<llvm::StringRef> states;
  /// Whether ai.apply_optimizer takes the number of this update, from 1, after its settings.
  bool countsUpdates = false;

  bool has(llvm::StringRef setting) const;
};

/// The learning rate that an optimizer starts from.
double getRate(mlir::Attribute optimizer);

/// The parts of an optimizer attribute (#ai.sgd, #ai.adam, …).
OptimizerParts getOptimizerParts(mlir::Attribute optimizer);

/// The settings of a schedule attribute; none for null, the constant schedule.
llvm::SmallVector<Setting> getScheduleSettings(mlir::Attribute schedule);

/// Builds the rate of an update, a tensor<f64>, from the values of `lr` and of the schedule's
/// settings (tensor<f64>) and the counters `step` and `epoch` (tensor<i64>).
mlir::Value buildRate(mlir::OpBuilder &b, mlir::Location loc, mlir::Attribute schedule,
                      mlir::Value lr, mlir::ValueRange settings, mlir::Value step,
                      mlir::Value epoch);

} // namespace ai

#endif // AI_LIB_AUTODIFF_OPTIMIZERS_H
