// Compiling a network when that is needed, and what it says of itself.

#include "ai/Frontend/Graph.h"

#include "ai/Driver/Program.h"
#include "ai/Pipelines/Stages.h"
#include "lib/Frontend/NetworkState.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Compilations
//===----------------------------------------------------------------------===//

namespace {
/// A module with the context that it lives in.
struct Source {
  Source() : context(registry()) {}

  static DialectRegistry registry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

/// Compilations that nobody may be waiting for. A process that ends waits for them: they use what
/// LLVM takes down then.
struct RunningCompilations {
  void add(const std::shared_future<CompileResult> &compilation) {
    std::lock_guard<std::mutex> lock(mutex);
    llvm::erase_if(running, [](const std::shared_future<CompileResult> &other) {
      return other.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    running.push_back(compilation);
  }
  ~RunningCompilations() {
    for (const std::shared_future<CompileResult> &compilation : running)
      compilation.wait();
  }

  std::mutex mutex;
  std::vector<std::shared_future<CompileResult>> running;
};
} // namespace

static CompileResult compileSource(Source &source, const CompileOptions &options) {
  DiagnosticCollector diagnostics(source.context);
  CompileResult result;
  result.program = Program::load(*source.module, options);
  if (!result.program)
    llvm::handleAllErrors(diagnostics.takeError("the compilation failed"),
                          [&](CompileError &error) { result.errors = std::move(error.messages); });
  return result;
}

static std::shared_future<CompileResult> startCompilation(std::unique_ptr<Source> source,
                                                          const CompileOptions &options) {
  static RunningCompilations compilations;
  auto compilation = std::async(std::launch::async, [source = std::move(source), options] {
                       return compileSource(*source, options);
                     }).share();
  compilations.add(compilation);
  return compilation;
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

Network::Network() : state(new State()) { name = "model"; }
Network::~Network() = default;

Value Sequential::apply(ModelBuilder &model, Value input) {
  for (const LayerPointer &layer : layers) {
    if (layer->place.line > 0)
      model.at(layer->place);
    input = layer->apply(model, input);
  }
  return input;
}

std::shared_ptr<ai_rt_model_t> Network::getModel() const { return state->model; }

llvm::Expected<OwningOpRef<ModuleOp>> Network::build(MLIRContext &context, const Recipe &recipe,
                                                     llvm::StringMap<Floats> *firstValues) {
  if (inputShape.empty())
    return llvm::make_error<RuntimeError>(
        AI_RT_INVALID,
        "expects the shape of a sample, which no data have told yet; set input_shape, "
        "such as (1, 28, 28)");
  ModelBuilder model(context, name, inputShape);
  model.at(place);
  Value output = apply(model, model.getInput());
  model.at(place);
  if (firstValues)
    *firstValues = model.getFirstValues();
  return model.finish(output, recipe);
}

static std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, OpPrintingFlags().printNameLocAsPrefix());
  return text;
}

static llvm::Error checkEmit(StringRef emit, StringRef what, ArrayRef<StringRef> names) {
  if (llvm::is_contained(names, emit))
    return llvm::Error::success();
  return llvm::make_error<RuntimeError>(
      AI_RT_INVALID,
      ("expects " + what + ", one of " + llvm::join(names, ", ") + ", got '" + emit + "'").str());
}

/// The stages, and the artefacts that are text on any machine.
static SmallVector<StringRef> textNames() {
  SmallVector<StringRef> names;
  for (const Stage &stage : getStages())
    names.push_back(stage.name);
  names.append({"dot", "svg", "llvm-ir", "asm"});
  return names;
}

llvm::Error Network::write(StringRef emit, const std::string &path, raw_ostream *text) {
  Source source;
  auto module = build(source.context, recipe);
  if (!module)
    return module.takeError();
  if (emit.empty()) {
    *text << ::print(**module);
    return llvm::Error::success();
  }
  CompileOptions options = this->options;
  options.input = name;
  options.output = path;
  options.emit = emit.str();
  options.text = text;
  DiagnosticCollector diagnostics(source.context);
  if (failed(ai::compile(**module, options)))
    return diagnostics.takeError("the compilation failed");
  return llvm::Error::success();
}

llvm::Expected<std::string> Network::print(StringRef emit) {
  if (!emit.empty())
    if (llvm::Error error = checkEmit(emit, "a stage", textNames()))
      return error;
  std::string text;
  llvm::raw_string_ostream os(text);
  if (llvm::Error error = write(emit, "-", &os))
    return error;
  return text;
}

llvm::Expected<std::vector<Operator>> Network::operators() {
  Source source;
  llvm::StringMap<Floats> firstValues;
  auto module = build(source.context, recipe, &firstValues);
  if (!module)
    return module.takeError();
  auto operators = listOperators(*(*module)->getOps<ModelOp>().begin());
  if (!operators)
    return operators;
  for (Operator &op : *operators) {
    if (op.op != ParameterOp::getOperationName())
      continue;
    if (state->model)
      op.values = Floats(state->model, static_cast<const float *>(ai_rt_model_tensor_data(
                                           state->model.get(), op.name.c_str())));
    if (!op.values)
      op.values = firstValues.lookup(op.name);
  }
  return operators;
}

llvm::Error Network::compile(const std::string &path, StringRef emit) {
  if (llvm::Error error = checkEmit(emit, "a stage or an artefact", getEmitNames()))
    return error;
  return write(emit, path, /*text=*/nullptr);
}

llvm::Error Network::report(const std::string &path, bool measure) {
  bool profile = std::exchange(options.profile, measure);
  llvm::scope_exit restore([&] { options.profile = profile; });
  return write("explain", path, /*text=*/nullptr);
}

/// Everything that machine code depends on.
static std::string keyOf(ModuleOp module, const CompileOptions &options) {
  return ::print(module) + options.target + " " + llvm::join(options.cpus, ",") + " " +
         options.conv + " " + std::to_string(options.optLevel) +
         (options.checkNaN ? " check-nan" : "") + (options.keepGradients ? " gradients" : "");
}

/// Copies the parameters, and the optimizer's state if it is the same optimizer's.
static llvm::Error transfer(ai_rt_model_t *from, ai_rt_model_t *to, bool withStates) {
  for (int64_t i = 0; i < ai_rt_model_num_tensors(to); ++i) {
    const ai_rt_tensor_info_t *info = ai_rt_model_tensor_info(to, i);
    bool isState = info->role == AI_RT_STATE && withStates;
    if ((info->role != AI_RT_PARAMETER && !isState) ||
        ai_rt_model_find_tensor(from, info->name) < 0)
      continue;
    const void *data = ai_rt_model_tensor_data(from, info->name);
    const ai_rt_tensor_info_t *old =
        ai_rt_model_tensor_info(from, ai_rt_model_find_tensor(from, info->name));
    if (ArrayRef<int64_t>(old->shape, old->rank) != ArrayRef<int64_t>(info->shape, info->rank))
      return llvm::make_error<RuntimeError>(
          AI_RT_INVALID, "expects parameter '" + std::string(info->name) +
                             "' in the shape that it was trained with; make a new model");
    if (llvm::Error error = checkStatus(ai_rt_model_set_tensor(to, info->name, data, info->bytes)))
      return error;
  }
  return llvm::Error::success();
}

/// Gives parameters the values that they came with.
static llvm::Error adopt(ai_rt_model_t *model, const llvm::StringMap<Floats> &firstValues) {
  for (const auto &entry : firstValues) {
    int64_t index = ai_rt_model_find_tensor(model, entry.first().str().c_str());
    if (index < 0) // the output does not depend on it
      continue;
    const ai_rt_tensor_info_t *info = ai_rt_model_tensor_info(model, index);
    if (llvm::Error error =
            checkStatus(ai_rt_model_set_tensor(model, info->name, entry.second.get(), info->bytes)))
      return error;
  }
  return llvm::Error::success();
}

/// Makes `state->model` what the layers, a recipe and the options now say.
llvm::Error Network::update(const Recipe &recipe) {
  auto source = std::make_unique<Source>();
  Recipe constant = recipe; // what is told at run time would be compiled for nothing
  constant.epochs = constant.seed = 1;
  llvm::StringMap<Floats> firstValues;
  auto module = build(source->context, constant, &firstValues);
  if (!module)
    return module.takeError();
  std::string key = keyOf(**module, options);
  source->module = std::move(*module);
  if (!state->compilation.valid() || state->key != key) {
    state->compilation = startCompilation(std::move(source), options);
    state->key = key;
  }
  while (state->compilation.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready)
    if (interrupted && interrupted())
      return llvm::make_error<Interrupted>();
  const CompileResult &compilation = state->compilation.get();
  if (!compilation.program) {
    state->key.clear();
    return llvm::make_error<CompileError>(compilation.errors);
  }
  if (state->model && state->program == compilation.program && state->threads == threads)
    return llvm::Error::success();

  ai_rt_config_t config = {threads, recipe.batch, recipe.seed, /*pin=*/0};
  ai_rt_model_t *created = nullptr;
  if (llvm::Error error =
          checkStatus(ai_rt_model_create(compilation.program->table(), &config, &created)))
    return error;
  std::shared_ptr<ai_rt_model_t> model(
      created, [program = compilation.program](ai_rt_model_t *m) { ai_rt_model_destroy(m); });
  size_t optimizer = recipe.optimizer.index();
  if (state->model) {
    ai_rt_progress_t progress = ai_rt_model_progress(state->model.get());
    if (llvm::Error error = transfer(state->model.get(), created, optimizer == state->optimizer))
      return error;
    ai_rt_model_set_progress(created, &progress);
  } else if (llvm::Error error = adopt(created, firstValues)) {
    return error;
  }
  state->model = std::move(model);
  state->program = compilation.program;
  state->threads = threads;
  state->optimizer = optimizer;
  return llvm::Error::success();
}
