// ai-differentiate: requests for gradients and recipes become functions.
//
// The work is in four files: Inline (functions without calls), ReverseSweep (the engine, which
// knows no op), GradientFunctions (ai.gradient) and TrainingFunctions (ai.train).

#include "GradientFunctions.h"
#include "TrainingFunctions.h"
#include "ai/Autodiff/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ai {
#define GEN_PASS_DEF_AIDIFFERENTIATEPASS
#include "ai/Autodiff/Passes.h.inc"
} // namespace ai

using namespace mlir;

namespace {

struct DifferentiatePass : ai::impl::AIDifferentiatePassBase<DifferentiatePass> {
  using AIDifferentiatePassBase::AIDifferentiatePassBase;

  void runOnOperation() override {
    int64_t rules = 0;
    if (failed(ai::expandTraining(getOperation(), keepGradients, rules)) ||
        failed(ai::expandGradientFunctions(getOperation(), rules)))
      return signalPassFailure();
    ai::removeDropout(getOperation());
    numRules += rules;
  }
};

} // namespace
