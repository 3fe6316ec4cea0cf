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
static InitializerAttr resolveInitializer(ParameterOp parameter) {
  InitializerAttr init = parameter.getInitOrDefault();
  auto type = cast<RankedTensorType>(parameter.getType());
  auto resolved = [&](InitializerKind kind, double value) {
    return InitializerAttr::get(parameter.getContext(), kind, APFloat(value));
  };
  InitializerKind kind = init.getKind();
  if (kind == InitializerKind::constant || kind == InitializerKind::uniform ||
      kind == InitializerKind::normal)
    return init;
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

using Parameters = llvm::MapVector<StringRef, ParameterOp>;

/// The parameters of a model in order of declaration, the first of each name.
static Parameters collectParameters(ModelOp model) {
  Parameters parameters;
  for (auto parameter : model.getBody().getOps<ParameterOp>())
    parameters.insert({parameter.getName(), parameter});
  return parameters;
}

/// The signature of the lifted function: inputs, then parameters.
static void sketchSignature(ModelOp model, const Parameters &parameters, FunctionSketch &sketch) {
  for (auto [index, type] : llvm::enumerate(model.getArgumentTypes()))
    sketch.addArgument(type, index ? "input" + std::to_string(index) : "input", "input");
  for (auto [name, parameter] : parameters) {
    NamedAttrList extra;
    extra.set(kInitAttr, resolveInitializer(parameter));
    sketch.addArgument(parameter.getType(), name, "parameter", std::move(extra));
  }
}

/// Replaces the model by a function of the same name; returns how many parameters it has.
static int64_t lift(ModelOp model) {
  Parameters parameters = collectParameters(model);
  FunctionSketch sketch(model.getContext());
  sketchSignature(model, parameters, sketch);
  OpBuilder builder(model.getContext());
  func::FuncOp function = sketch.create(builder, model.getLoc(), model.getSymName());
  model->getBlock()->getOperations().insert(model->getIterator(), function);

  IRMapping mapping;
  Block &body = model.getBody().front();
  mapping.map(body.getArguments(), function.getArguments().take_front(body.getNumArguments()));
  SmallVector<Value> lifted = sketch.getArguments("parameter");
  for (Operation &op : body.without_terminator()) {
    if (auto parameter = dyn_cast<ParameterOp>(op)) {
      auto first = parameters.find(parameter.getName());
      mapping.map(parameter.getOut(), lifted[std::distance(parameters.begin(), first)]);
    } else {
      builder.clone(op, mapping);
    }
  }
  func::ReturnOp::create(builder, body.getTerminator()->getLoc());
  for (Value output : body.getTerminator()->getOperands())
    sketch.addResult(mapping.lookup(output), "output", "output");
  sketch.finish();
  model.erase();
  return lifted.size();
}

namespace {

struct LiftParametersPass : ai::impl::AILiftParametersPassBase<LiftParametersPass> {
  void runOnOperation() override {
    for (auto model : llvm::make_early_inc_range(getOperation().getOps<ModelOp>()))
      numParameters += lift(model);
  }
};

} // namespace
