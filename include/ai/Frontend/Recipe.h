// How a model is trained, as plain data: what `ai.train` says.

#ifndef AI_FRONTEND_RECIPE_H
#define AI_FRONTEND_RECIPE_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/Location.h"
#include <string>
#include <variant>

namespace ai {

// Optimizers and schedules, with the formulas and defaults of the attributes of the same name
// (dialects/ai/AIDialect.td).

struct SGD {
  double lr = 0.01, momentum = 0, weightDecay = 0;
  bool nesterov = false;
};
struct Adam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0;
};
struct AdamW {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0.01;
};
struct RMSprop {
  double lr = 0.01, alpha = 0.99, eps = 1e-8, weightDecay = 0, momentum = 0;
};
struct Adadelta {
  double lr = 1, rho = 0.9, eps = 1e-6, weightDecay = 0;
};
using Optimizer = std::variant<SGD, Adam, AdamW, RMSprop, Adadelta>;

/// rate = lr * gamma^floor(epoch / every)
struct StepSchedule {
  double gamma;
  int64_t every = 1;
};
/// rate = lr * (1 + gamma * step)^-power
struct InverseSchedule {
  double gamma, power;
};
using Schedule = std::variant<std::monostate, StepSchedule, InverseSchedule>;

/// What is minimised, how, and for how long.
struct Recipe {
  std::string loss = "cross_entropy"; ///< or nll_loss, mse_loss
  Optimizer optimizer;
  Schedule schedule; ///< none: a constant rate
  int64_t batch = 64, epochs = 1, seed = 1;
  double mean = 0, std = 1; ///< a byte u of the input becomes (u/255 - mean)/std
};

/// The attributes of the dialect; null, with an error at `loc`, if a number breaks their rules.
mlir::Attribute makeOptimizer(const Optimizer &optimizer, mlir::Location loc);
mlir::Attribute makeSchedule(const Schedule &schedule, mlir::Location loc);

} // namespace ai

#endif // AI_FRONTEND_RECIPE_H
