// ai.train @m -> @m_train_step, @m_evaluate, @m_predict.
//
// Batch-wide sums appear only in the two metrics and in the gradients of the parameters; all else
// keeps the batch as dimension 0. Samples from %count on are selected away, in the losses and in
// their cotangents, so that whatever fills the last block of a batch leaves no trace.

#include "TrainingFunctions.h"

#include "FunctionSketch.h"
#include "Inline.h"
#include "Optimizers.h"
#include "ReverseSweep.h"
#include "ScalarBuilder.h"

using namespace mlir;
using namespace ai;

void ai::removeDropout(Operation *op) {
  op->walk([](DropoutOp dropout) {
    dropout.replaceAllUsesWith(dropout.getInput());
    dropout.erase();
  });
}

namespace {

/// Builds one of the functions of a recipe.
class TrainingFunction {
public:
  TrainingFunction(TrainOp recipe, func::FuncOp model, SymbolTable &symbols)
      : recipe(recipe), model(model), symbols(symbols), builder(recipe.getContext()),
        loc(recipe.getLoc()), sketch(recipe.getContext()) {}

  LogicalResult buildTrainStep(bool keepGradients, int64_t &numRules);
  LogicalResult buildEvaluate();
  LogicalResult buildPredict();

private:
  void addParameters();
  void addStates(const OptimizerParts &optimizer);
  void addSettings(ArrayRef<Setting> settings);
  void addInput() { sketch.addArgument(model.getArgumentTypes().front(), "input", "input"); }
  void addTarget();
  void addCounter(StringRef name);
  void create(StringRef suffix);

  LogicalResult cloneModel();
  void liftDropout();
  Value buildLosses();
  Value buildSum(Value perSample);
  Value buildCorrect();
  Value buildSeed(Value losses);
  void addMetrics(Value losses);
  void addUpdates(const OptimizerParts &optimizer, ValueRange gradients);

  Location nameLoc(const Twine &name) { return NameLoc::get(builder.getStringAttr(name), loc); }
  Type getCounterType() { return RankedTensorType::get({}, builder.getI64Type()); }
  /// What the model computes, as long as the function is not finished.
  Value getOutput() { return function.getBody().front().getTerminator()->getOperand(0); }
  Type getModelResult() { return model.getResultTypes().front(); }
  /// Parameters follow the input among the model's arguments.
  unsigned getNumParameters() { return model.getNumArguments() - 1; }
  StringRef getParameterName(unsigned index) {
    return model.getArgAttrOfType<StringAttr>(index + 1, kNameAttr).getValue();
  }

  TrainOp recipe;
  func::FuncOp model;
  SymbolTable &symbols;
  OpBuilder builder;
  Location loc;
  FunctionSketch sketch;
  func::FuncOp function;
};

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

void TrainingFunction::addParameters() {
  for (unsigned index : llvm::seq(getNumParameters())) {
    NamedAttrList extra(model.getArgAttrDict(index + 1));
    sketch.addArgument(model.getArgumentTypes()[index + 1], getParameterName(index), "parameter",
                       std::move(extra));
  }
}

void TrainingFunction::addStates(const OptimizerParts &optimizer) {
  auto zero = InitializerAttr::get(recipe.getContext(), InitializerKind::constant, APFloat(0.0));
  for (unsigned index : llvm::seq(getNumParameters()))
    for (StringRef state : optimizer.states) {
      NamedAttrList extra;
      extra.set(kInitAttr, zero);
      sketch.addArgument(model.getArgumentTypes()[index + 1], getParameterName(index) + "." + state,
                         "state", std::move(extra));
    }
}

void TrainingFunction::addSettings(ArrayRef<Setting> settings) {
  for (const Setting &setting : settings) {
    NamedAttrList extra;
    extra.set(kValueAttr, builder.getF64FloatAttr(setting.value));
    sketch.addArgument(RankedTensorType::get({}, builder.getF64Type()), setting.name, "setting",
                       std::move(extra));
  }
}

void TrainingFunction::addTarget() {
  auto output = cast<RankedTensorType>(getModelResult());
  Type target = output;
  if (recipe.getLoss() != LossKind::mse_loss)
    target = RankedTensorType::get({output.getDimSize(0)}, builder.getI32Type());
  sketch.addArgument(target, "target", "target");
}

void TrainingFunction::addCounter(StringRef name) {
  sketch.addArgument(getCounterType(), name, name);
}

void TrainingFunction::create(StringRef suffix) {
  function = sketch.create(builder, model.getLoc(), model.getSymName() + suffix);
  symbols.insert(function, recipe->getIterator());
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

/// The model's body, and a return of its output that holds it until the function is finished: ops
/// may be replaced meanwhile.
LogicalResult TrainingFunction::cloneModel() {
  SmallVector<Value> arguments = {sketch.getArgument("input")}, results;
  arguments.append(sketch.getArguments("parameter"));
  if (failed(cloneInlined(builder, model, arguments, results)))
    return failure();
  builder.setInsertionPoint(func::ReturnOp::create(builder, loc, results));
  return success();
}

void TrainingFunction::liftDropout() {
  int64_t stream = 0;
  function.walk([&](DropoutOp dropout) {
    OpBuilder b(dropout);
    Value mask = DropoutMaskOp::create(b, dropout.getLoc(), dropout.getInput(),
                                       sketch.getArgument("seed"), sketch.getArgument("step"),
                                       sketch.getArgument("first"), dropout.getRate(), stream++);
    Value kept = MulOp::create(b, dropout.getLoc(), dropout.getInput(), mask);
    dropout.replaceAllUsesWith(kept);
    dropout.erase();
  });
}

Value TrainingFunction::buildLosses() {
  Value output = getOutput(), target = sketch.getArgument("target");
  Location loc = nameLoc("loss");
  switch (recipe.getLoss()) {
  case LossKind::cross_entropy:
    return CrossEntropyOp::create(builder, loc, output, target);
  case LossKind::nll_loss:
    return NLLLossOp::create(builder, loc, output, target);
  case LossKind::mse_loss:
    return MSELossOp::create(builder, loc, output, target);
  }
  llvm_unreachable("a loss without its op");
}

/// The sum over the real samples, as f32.
Value TrainingFunction::buildSum(Value perSample) {
  Location loc = nameLoc("sum");
  Value real = MaskSamplesOp::create(builder, loc, perSample, sketch.getArgument("first"),
                                     sketch.getArgument("count"));
  Value sum = ReduceSumOp::create(builder, loc, real, ArrayRef<int64_t>{0});
  return ScalarBuilder(builder, loc).cast(sum, builder.getF32Type());
}

/// How many samples are classified rightly; no classes, none right.
Value TrainingFunction::buildCorrect() {
  Location loc = nameLoc("correct");
  if (recipe.getLoss() == LossKind::mse_loss) {
    auto type = RankedTensorType::get({}, builder.getF32Type());
    return ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, 0.0f));
  }
  Value predicted = ArgMaxOp::create(builder, loc, getOutput(), /*dim=*/1);
  Value right = CompareOp::create(builder, loc, ComparePredicate::eq, predicted,
                                  sketch.getArgument("target"));
  return buildSum(ScalarBuilder(builder, loc).cast(right, builder.getF32Type()));
}

void TrainingFunction::addMetrics(Value losses) {
  sketch.addResult(buildSum(losses), "loss", "metric");
  sketch.addResult(buildCorrect(), "correct", "metric");
}

//===----------------------------------------------------------------------===//
// Backward and update
//===----------------------------------------------------------------------===//

/// The cotangent of the losses: 1 / count for each real sample.
Value TrainingFunction::buildSeed(Value losses) {
  Location loc = nameLoc("d loss");
  ScalarBuilder b(builder, loc);
  Value count = sketch.getArgument("count");
  Value share = b.div(b.constant(1.0), b.cast(count, builder.getF64Type()));
  Value shares = BroadcastLikeOp::create(
      builder, loc, b.cast(share, getElementTypeOrSelf(losses.getType())), losses,
      /*dims=*/DenseI64ArrayAttr());
  return MaskSamplesOp::create(builder, loc, shares, sketch.getArgument("first"), count);
}

void TrainingFunction::addUpdates(const OptimizerParts &optimizer, ValueRange gradients) {
  SmallVector<Value> settings = sketch.getArguments("setting");
  ArrayRef<Value> own = ArrayRef(settings).slice(1, optimizer.settings.size());
  ArrayRef<Value> ofSchedule = ArrayRef(settings).drop_front(1 + optimizer.settings.size());
  Value step = sketch.getArgument("step");
  Value rate = buildRate(builder, nameLoc("rate"), recipe.getScheduleAttr(), settings.front(),
                         ofSchedule, step, sketch.getArgument("epoch"));
  SmallVector<Value> operands(own);
  if (optimizer.countsUpdates) {
    ScalarBuilder b(builder, nameLoc("update"));
    operands.push_back(b.add(b.cast(step, builder.getF64Type()), b.constant(1.0)));
  }

  SmallVector<Value> parameters = sketch.getArguments("parameter");
  SmallVector<Value> states = sketch.getArguments("state");
  size_t numStates = optimizer.states.size();
  SmallVector<Value> newStates;
  for (auto [index, parameter] : llvm::enumerate(parameters)) {
    StringRef name = getParameterName(index);
    auto old = ArrayRef(states).slice(index * numStates, numStates);
    auto update = ApplyOptimizerOp::create(builder, nameLoc(name), parameter, gradients[index],
                                           rate, operands, old, recipe.getOptimizer());
    sketch.addResult(update->getResult(0), name, "parameter");
    llvm::append_range(newStates, update->getResults().drop_front());
  }
  for (auto [index, state] : llvm::enumerate(newStates))
    sketch.addResult(
        state, getParameterName(index / numStates) + "." + optimizer.states[index % numStates],
        "state");
}

//===----------------------------------------------------------------------===//
// The three functions
//===----------------------------------------------------------------------===//

LogicalResult TrainingFunction::buildTrainStep(bool keepGradients, int64_t &numRules) {
  OptimizerParts optimizer = getOptimizerParts(recipe.getOptimizer());
  addParameters();
  addStates(optimizer);
  addSettings({{"lr", getRate(recipe.getOptimizer())}});
  addSettings(optimizer.settings);
  addSettings(getScheduleSettings(recipe.getScheduleAttr()));
  addInput();
  addTarget();
  for (StringRef counter : {"count", "first", "step", "epoch", "seed"})
    addCounter(counter);
  create("_train_step");
  if (failed(cloneModel()))
    return failure();
  liftDropout();

  Value losses = buildLosses();
  SmallVector<Value> parameters = sketch.getArguments("parameter"), gradients;
  DenseMap<Value, StringRef> names;
  for (auto [index, parameter] : llvm::enumerate(parameters))
    names[parameter] = getParameterName(index);
  ReverseSweep sweep(function.getBody().front(), std::move(names));
  sweep.seed(losses, buildSeed(losses));
  if (failed(sweep.run(parameters, gradients)))
    return failure();
  numRules += sweep.getNumRules();
  addUpdates(optimizer, gradients);
  for (unsigned index : llvm::seq(keepGradients ? getNumParameters() : 0))
    sketch.addResult(gradients[index], getParameterName(index) + ".gradient", "gradient");
  addMetrics(losses);
  sketch.finish();
  return success();
}

LogicalResult TrainingFunction::buildEvaluate() {
  addParameters();
  addInput();
  addTarget();
  addCounter("count");
  addCounter("first");
  create("_evaluate");
  if (failed(cloneModel()))
    return failure();
  removeDropout(function);
  addMetrics(buildLosses());
  sketch.finish();
  return success();
}

LogicalResult TrainingFunction::buildPredict() {
  addParameters();
  addInput();
  create("_predict");
  if (failed(cloneModel()))
    return failure();
  removeDropout(function);
  Value prediction = getOutput();
  if (recipe.getLoss() == LossKind::cross_entropy)
    prediction = SoftmaxOp::create(builder, nameLoc("probability"), prediction, /*dim=*/1);
  if (recipe.getLoss() == LossKind::nll_loss)
    prediction = ExpOp::create(builder, nameLoc("probability"), prediction);
  sketch.addResult(prediction, "output", "output");
  sketch.finish();
  return success();
}

} // namespace

/// Builds the functions of one recipe.
static LogicalResult expand(TrainOp recipe, SymbolTable &symbols, bool keepGradients,
                            int64_t &numRules) {
  auto model = symbols.lookup<func::FuncOp>(recipe.getModelAttr().getAttr());
  if (!model) // Its functions have been built before.
    return success();
  if (model.getNumResults() != 1 || model.getNumArguments() == 0 || !model.getBody().hasOneBlock())
    return recipe.emitOpError("expects a model of one input and one output, but @")
           << recipe.getModel() << " has type " << model.getFunctionType();
  auto make = [&] { return TrainingFunction(recipe, model, symbols); };
  if (failed(make().buildTrainStep(keepGradients, numRules)) || failed(make().buildEvaluate()) ||
      failed(make().buildPredict()))
    return failure();
  auto uses = SymbolTable::getSymbolUses(model, recipe->getParentOp());
  if (uses && llvm::all_of(*uses, [&](auto use) { return use.getUser() == recipe; }))
    symbols.erase(model);
  return success();
}

LogicalResult ai::expandTraining(ModuleOp module, bool keepGradients, int64_t &numRules) {
  SymbolTable symbols(module);
  for (auto recipe : module.getOps<TrainOp>())
    if (failed(expand(recipe, symbols, keepGradients, numRules)))
      return failure();
  return success();
}
