// ai-check-model: what is well formed, but cannot be meant.

#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSet.h"

namespace ai {
#define GEN_PASS_DEF_AICHECKMODELPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// The ops of the model that its results depend on.
static DenseSet<Operation *> findLiveOps(ModelOp model) {
  DenseSet<Operation *> live;
  SmallVector<Operation *> worklist = {model.getBody().front().getTerminator()};
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (!live.insert(op).second)
      continue;
    for (Value operand : op->getOperands())
      if (Operation *maker = operand.getDefiningOp())
        worklist.push_back(maker);
  }
  return live;
}

/// One of the declarations of each name reaches the model's result.
static LogicalResult checkParameters(ModelOp model) {
  DenseSet<Operation *> live = findLiveOps(model);
  llvm::StringSet<> used;
  for (auto parameter : model.getBody().getOps<ParameterOp>())
    if (live.contains(parameter))
      used.insert(parameter.getName());
  for (auto parameter : model.getBody().getOps<ParameterOp>())
    if (!used.contains(parameter.getName()))
      return parameter.emitOpError(
                 "expects every parameter to influence the model's result, but \"")
             << parameter.getName() << "\" does not; use it or remove it";
  return success();
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// Whether `value` is known not to hold what `Op` makes: another op made it.
template <typename Op> static bool isKnownNotToBe(Value value) {
  Operation *maker = value.getDefiningOp();
  while (maker && isa<ReshapeOp, FlattenOp, CastOp, DropoutOp>(maker)) {
    value = maker->getOperand(0);
    maker = value.getDefiningOp();
  }
  return maker && !isa<Op>(maker);
}

/// The loss fits what made its operand: `nll_loss` takes logarithms, `cross_entropy` none.
static LogicalResult checkLossOperand(Operation *op, LossKind loss, Value output) {
  if (loss == LossKind::nll_loss && isKnownNotToBe<LogSoftmaxOp>(output)) {
    InFlightDiagnostic error = op->emitOpError(
        "expects nll_loss of log probabilities; apply ai.log_softmax first or use cross_entropy");
    error.attachNote(output.getLoc()) << "these are not the result of ai.log_softmax";
    return error;
  }
  if (loss == LossKind::cross_entropy && output.getDefiningOp<SoftmaxOp>()) {
    InFlightDiagnostic error = op->emitOpError(
        "expects cross_entropy of logits, as it applies log_softmax itself; remove ai.softmax");
    error.attachNote(output.getLoc()) << "these are probabilities";
    return error;
  }
  return success();
}

/// Losses written out in functions.
static LogicalResult checkLosses(Operation *root) {
  WalkResult result = root->walk([](Operation *op) {
    if (auto nll = dyn_cast<NLLLossOp>(op))
      return WalkResult(checkLossOperand(op, LossKind::nll_loss, nll.getLogProbabilities()));
    if (auto entropy = dyn_cast<CrossEntropyOp>(op))
      return WalkResult(checkLossOperand(op, LossKind::cross_entropy, entropy.getLogits()));
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Recipes
//===----------------------------------------------------------------------===//

/// Input and output leave the batch open.
static LogicalResult checkSignature(TrainOp recipe, ModelOp model) {
  for (Type type : {model.getArgumentTypes().front(), model.getResultTypes().front()}) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    if (!ranked)
      return recipe.emitOpError("expects a model of known shapes, got ")
             << type << "; run ai-infer-shapes first";
    if (ranked.getRank() == 0 || !ranked.isDynamicDim(0))
      return recipe.emitOpError("expects a model that leaves the batch open, but @")
             << recipe.getModel() << " has type " << model.getFunctionType()
             << "; write ? for dim 0 of its input and output";
    if (!isa<FloatType>(ranked.getElementType()))
      return recipe.emitOpError("expects a model on f32 or f64, got ") << type;
  }
  return success();
}

static LogicalResult checkRecipe(TrainOp recipe, ModelOp model) {
  if (failed(checkSignature(recipe, model)))
    return failure();
  auto output = cast<RankedTensorType>(model.getResultTypes().front());
  StringRef loss = stringifyLossKind(recipe.getLoss());
  if (recipe.getLoss() != LossKind::mse_loss && output.getRank() != 2)
    return recipe.emitOpError("expects a model output of shape samples x classes for ")
           << loss << ", got " << output << "; flatten it";
  Value result = model.getBody().front().getTerminator()->getOperand(0);
  return checkLossOperand(recipe, recipe.getLoss(), result);
}

/// Every recipe names its own model of this module.
static LogicalResult checkRecipes(ModuleOp module) {
  SymbolTable symbols(module);
  DenseMap<Operation *, TrainOp> recipes;
  for (auto recipe : module.getOps<TrainOp>()) {
    auto model = symbols.lookup<ModelOp>(recipe.getModelAttr().getAttr());
    if (!model)
      return recipe.emitOpError("expects to name an ai.model of this module, got @")
             << recipe.getModel();
    auto [previous, isNew] = recipes.insert({model, recipe});
    if (!isNew) {
      InFlightDiagnostic error =
          recipe.emitOpError("expects one recipe for each model, got another for @")
          << recipe.getModel();
      error.attachNote(previous->second.getLoc()) << "first recipe";
      return error;
    }
    if (failed(checkRecipe(recipe, model)))
      return failure();
  }
  return success();
}

namespace {

struct CheckModelPass : ai::impl::AICheckModelPassBase<CheckModelPass> {
  void runOnOperation() override {
    // The ops' own verifiers see more than when the file was parsed, now that types are known.
    if (failed(verify(getOperation())))
      return signalPassFailure();
    for (auto model : getOperation().getOps<ModelOp>())
      if (failed(checkParameters(model)))
        return signalPassFailure();
    if (failed(checkLosses(getOperation())) || failed(checkRecipes(getOperation())))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
