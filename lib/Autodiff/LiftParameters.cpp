// ai-lift-parameters: a model becomes a function of its input and its parameters.

#include "FunctionSketch.h"
#include "ai/Autodiff/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

namespace ai {
#define GEN_PASS_DEF_AILIFTPARAMETERSPASS
#include "ai/Autodiff/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// How many inputs (dim 1) or outputs (dim 0) an element of the result or of the gradient sums.
static double getFan(RankedTensorType type, int64_t dim) {
  double receptive = 1;
  for (int64_t size : type.getShape().drop_front(2))
    receptive *= size;
  return receptive * type.getDimSize(dim);
}

/// The initialiser with its fans resolved: constant, uniform (bound) or normal (deviation).
/// Sources: He et al. 2015, Glorot and Bengio 2010.
static FailureOr<InitializerAttr> resolveInitializer(ParameterOp parameter) {
  InitializerAttr init = parameter.getInitOrDefault();
  auto type = cast<RankedTensorType>(parameter.getType());
  auto resolved = [&](InitializerKind kind, double value) {
    return InitializerAttr::get(parameter.getContext(), kind, APFloat(value));
  };
  InitializerKind kind = init.getKind();
  if (kind == InitializerKind::constant || kind == InitializerKind::uniform ||
      kind == InitializerKind::normal)
    return init;
  if (type.getRank() < 2)
    return parameter.emitOpError("expects rank 2 or more for an initialiser that depends on the "
                                 "number of inputs, got ")
           << type << "; use constant, uniform or normal";
  double value = init.getValue().convertToDouble();
  double fanIn = getFan(type, 1), fanOut = getFan(type, 0);
  switch (kind) {
  case InitializerKind::kaiming_uniform:
    return resolved(InitializerKind::uniform, value * std::sqrt(3 / fanIn));
  case InitializerKind::kaiming_normal:
    return resolved(InitializerKind::normal, value / std::sqrt(fanIn));
  case InitializerKind::xavier_uniform:
    return resolved(InitializerKind::uniform, value * std::sqrt(6 / (fanIn + fanOut)));
  default:
    return resolved(InitializerKind::normal, value * std::sqrt(2 / (fanIn + fanOut)));
  }
}

/// The parameters of a model in order of declaration, the first of each name.
static FailureOr<llvm::MapVector<StringRef, ParameterOp>> collectParameters(ModelOp model) {
  llvm::MapVector<StringRef, ParameterOp> parameters;
  WalkResult result = model.walk([&](ParameterOp parameter) {
    auto [first, isNew] = parameters.insert({parameter.getName(), parameter});
    if (isNew || first->second.getType() == parameter.getType())
      return WalkResult::advance();
    InFlightDiagnostic error = parameter.emitOpError("expects one type for each parameter, got ")
                               << parameter.getType() << " for \"" << parameter.getName()
                               << "\", declared before as " << first->second.getType();
    error.attachNote(first->second.getLoc()) << "declared here";
    return WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return failure();
  return parameters;
}

/// The signature of the lifted function: inputs, then parameters.
static LogicalResult sketchSignature(ModelOp model,
                                     const llvm::MapVector<StringRef, ParameterOp> &parameters,
                                     FunctionSketch &sketch) {
  for (auto [index, type] : llvm::enumerate(model.getArgumentTypes()))
    sketch.addArgument(type, index ? "input" + std::to_string(index) : "input", "input");
  for (auto [name, parameter] : parameters) {
    FailureOr<InitializerAttr> init = resolveInitializer(parameter);
    if (failed(init))
      return failure();
    NamedAttrList extra;
    extra.set(kInitAttr, *init);
    sketch.addArgument(parameter.getType(), name, "parameter", std::move(extra));
  }
  return success();
}

namespace {

struct LiftParametersPass : ai::impl::AILiftParametersPassBase<LiftParametersPass> {
  void runOnOperation() override {
    for (auto model : llvm::make_early_inc_range(getOperation().getOps<ModelOp>()))
      if (failed(lift(model)))
        return signalPassFailure();
  }

private:
  LogicalResult lift(ModelOp model);
};

/// Replaces the model by a function of the same name.
LogicalResult LiftParametersPass::lift(ModelOp model) {
  auto parameters = collectParameters(model);
  FunctionSketch sketch(model.getContext());
  if (failed(parameters) || failed(sketchSignature(model, *parameters, sketch)))
    return failure();
  OpBuilder builder(model.getContext());
  func::FuncOp function = sketch.create(builder, model.getLoc(), model.getSymName());
  getOperation().insert(model, function);

  IRMapping mapping;
  Block &body = model.getBody().front();
  mapping.map(body.getArguments(), function.getArguments().take_front(body.getNumArguments()));
  SmallVector<Value> lifted = sketch.getArguments("parameter");
  for (Operation &op : body.without_terminator()) {
    if (auto parameter = dyn_cast<ParameterOp>(op))
      mapping.map(parameter.getOut(),
                  lifted[std::distance(parameters->begin(), parameters->find(parameter.getName()))]);
    else
      builder.clone(op, mapping);
  }
  func::ReturnOp::create(builder, body.getTerminator()->getLoc());
  for (Value output : body.getTerminator()->getOperands())
    sketch.addResult(mapping.lookup(output), "output", "output");
  sketch.finish();
  numParameters += lifted.size();
  model.erase();
  return success();
}

} // namespace
