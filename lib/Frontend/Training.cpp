// A network at work: training, evaluation, prediction, checkpoints.

#include "lib/Frontend/NetworkState.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <chrono>

using namespace ai;
using Clock = std::chrono::steady_clock;

/// Samples that are evaluated or predicted between two questions whether to stop.
static constexpr int64_t kPiece = 1024;

/// Steps of a trace.
static constexpr int64_t kTracedSteps = 10;

namespace {
/// Asks about twenty times a second.
class Stopwatch {
public:
  explicit Stopwatch(const std::function<bool()> &interrupted) : interrupted(interrupted) {}

  bool asksToStop() {
    Clock::time_point now = Clock::now();
    if (!interrupted || now - last < std::chrono::milliseconds(50))
      return false;
    last = now;
    return interrupted();
  }

private:
  const std::function<bool()> &interrupted;
  Clock::time_point last = Clock::now();
};
} // namespace

static llvm::Error refuse(const std::string &text) {
  return llvm::make_error<RuntimeError>(AI_RT_INVALID, text);
}

static llvm::Error refuseUse() {
  return refuse("expects one thread at a time to use a model, but another one is at it");
}

static int64_t rows(const ai_rt_array_t &array) { return array.rank > 0 ? array.shape[0] : 0; }

static llvm::Error checkData(const ai_rt_model_t *model, const ai_rt_data_t &data,
                             bool withTargets) {
  if (withTargets && rows(data.inputs) != rows(data.targets))
    return refuse("expects as many targets as inputs, got " + std::to_string(rows(data.targets)) +
                  " and " + std::to_string(rows(data.inputs)));
  return checkStatus(ai_rt_model_check_data(model, &data, withTargets));
}

/// The images of a grey data set have no dimension for their one channel.
static std::vector<int64_t> sampleShape(const ai_rt_array_t &inputs) {
  std::vector<int64_t> shape(inputs.shape + 1, inputs.shape + inputs.rank);
  if (shape.size() == 2)
    shape.insert(shape.begin(), 1);
  return shape;
}

/// Compiles what is not compiled yet; `again` if that may have changed.
llvm::Error Network::prepare(const Recipe &recipe, const ai_rt_array_t *inputs, bool again) {
  if (inputs && inputs->rank < 2)
    return refuse("expects inputs of rank 2 or more, [samples, ...], got rank " +
                  std::to_string(inputs->rank));
  if (state->model && !again)
    return llvm::Error::success();
  bool adopts = inputs && inputShape.empty();
  if (adopts)
    inputShape = sampleShape(*inputs);
  llvm::Error error = update(recipe);
  if (error && adopts) // these data may have been wrong, the next ones need not be
    inputShape.clear();
  return error;
}

llvm::Error Network::prepare() {
  std::unique_lock<std::mutex> lock(state->busy, std::try_to_lock);
  if (!lock)
    return refuseUse();
  return prepare(recipe, nullptr, /*again=*/false);
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

static void add(ai_rt_metrics_t &sums, const ai_rt_metrics_t &part) {
  sums.loss += part.loss;
  sums.correct += part.correct;
  sums.count += part.count;
}

std::string Epoch::text() const {
  std::string text;
  auto append = [&](const char *before, const ai_rt_metrics_t &metrics) {
    double count = double(std::max<int64_t>(metrics.count, 1));
    text += llvm::formatv("{0}loss {1:f4}", before, metrics.loss / count).str();
    if (isClassifier)
      text += llvm::formatv("  {0}acc {1:f2}%", before, 100 * double(metrics.correct) / count);
  };
  append("", train);
  text += llvm::formatv("  {0:n0} samples/s", int64_t(double(train.count) / seconds));
  if (hasTest) {
    text += "  ";
    append("test ", test);
  }
  return text;
}

llvm::Expected<Epoch> Network::trainEpoch(const ai_rt_data_t &data, ai_rt_log_t *log) {
  ai_rt_model_t *model = state->model.get();
  ai_rt_progress_t reached = ai_rt_model_progress(model);
  int64_t samples = rows(data.inputs), batch = recipe.batch;
  if (reached.position > samples)
    return refuse("expects the data that the present epoch was begun with, of at least " +
                  std::to_string(reached.position) + " samples, got " + std::to_string(samples));
  std::vector<uint32_t> order(samples);
  ai_rt_shuffle(reached.seed, reached.epoch, samples, order.data());
  Epoch epoch;
  Stopwatch stopwatch(interrupted);
  Clock::time_point start = Clock::now();
  for (int64_t first = reached.position; first < samples; first += batch) {
    if (stopwatch.asksToStop())
      return llvm::make_error<Interrupted>();
    int64_t count = std::min(batch, samples - first);
    ai_rt_metrics_t metrics;
    if (llvm::Error error = checkStatus(
            ai_rt_model_train_batch(model, &data, order.data(), first, count, &metrics)))
      return error;
    add(epoch.train, metrics);
    if (log)
      if (llvm::Error error = checkStatus(ai_rt_log_step(log, &metrics)))
        return error;
  }
  ai_rt_model_next_epoch(model);
  epoch.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  epoch.number = reached.epoch + 1;
  epoch.isClassifier = ai_rt_model_program(model)->loss != AI_RT_MSE_LOSS;
  return epoch;
}

static llvm::Error writeEpoch(ai_rt_log_t *log, const Epoch &epoch, const ai_rt_data_t *test) {
  if (!log)
    return llvm::Error::success();
  if (llvm::Error error =
          checkStatus(ai_rt_log_epoch(log, &epoch.train, test ? &epoch.test : nullptr)))
    return error;
  return test ? checkStatus(ai_rt_log_mistakes(log, test)) : llvm::Error::success();
}

llvm::Error Network::train(const ai_rt_data_t &train, const ai_rt_data_t *test, ai_rt_log_t *log,
                           llvm::function_ref<void(const Epoch &)> onEpoch) {
  for (int64_t i = 0; i < recipe.epochs; ++i) {
    llvm::Expected<Epoch> epoch = trainEpoch(train, log);
    if (!epoch)
      return epoch.takeError();
    if (test) {
      llvm::Expected<ai_rt_metrics_t> tested = sumOver(*test);
      if (!tested)
        return tested.takeError();
      epoch->hasTest = true;
      epoch->test = *tested;
    }
    if (llvm::Error error = writeEpoch(log, *epoch, test))
      return error;
    onEpoch(*epoch);
  }
  return llvm::Error::success();
}

namespace {
/// The files that a training writes.
class Records {
public:
  Records(ai_rt_model_t *model, const std::string &trace) : model(model), trace(trace) {}
  ~Records() { ai_rt_log_close(log); }

  llvm::Error open(const std::string &folder, bool withTest) {
    llvm::StringRef parent = llvm::sys::path::parent_path(trace);
    if (!parent.empty() && !llvm::sys::fs::is_directory(parent))
      return llvm::make_error<RuntimeError>(AI_RT_BAD_FILE, trace + ": cannot save there, " +
                                                                parent.str() + " is not a folder");
    if (!folder.empty())
      if (llvm::Error error = checkStatus(ai_rt_log_open(model, folder.c_str(), withTest, &log)))
        return error;
    if (trace.empty())
      return llvm::Error::success();
    return checkStatus(ai_rt_model_trace_begin(model, kTracedSteps));
  }

  /// What a training that ended with `error` leaves.
  llvm::Error close(llvm::Error error) {
    if (!trace.empty())
      if (llvm::Error failed = checkStatus(ai_rt_model_trace_write(model, trace.c_str())))
        error =
            error ? (llvm::consumeError(std::move(failed)), std::move(error)) : std::move(failed);
    llvm::Error failed = checkStatus(ai_rt_log_close(std::exchange(log, nullptr)));
    if (!error)
      return failed;
    llvm::consumeError(std::move(failed));
    return error;
  }

  ai_rt_model_t *model;
  const std::string &trace;
  ai_rt_log_t *log = nullptr;
};
} // namespace

llvm::Expected<std::vector<Epoch>> Network::fit(const Recipe &newRecipe, const ai_rt_data_t &train,
                                                const ai_rt_data_t *test,
                                                llvm::function_ref<void(const Epoch &)> onEpoch,
                                                const Watching &watching) {
  std::unique_lock<std::mutex> lock(state->busy, std::try_to_lock);
  if (!lock)
    return refuseUse();
  if (newRecipe.epochs < 1)
    return refuse("expects epochs of at least 1, got " + std::to_string(newRecipe.epochs));
  if (newRecipe.batch < 1)
    return refuse("expects a batch of at least 1, got " + std::to_string(newRecipe.batch));
  if (watching.gradients && watching.log.empty())
    return refuse("expects a log for the gradients, got none; name its folder");
  CompileOptions own = options;
  llvm::scope_exit restore([&] { options = own; }); // exports do not watch
  options.checkNaN |= watching.checkNaN;
  options.keepGradients |= watching.gradients;
  if (llvm::Error error = prepare(newRecipe, &train.inputs, /*again=*/true))
    return error;
  ai_rt_model_t *model = state->model.get();
  for (const ai_rt_data_t *data : {&train, test})
    if (llvm::Error error = data ? checkData(model, *data, true) : llvm::Error::success())
      return error;
  Records records(model, watching.trace);
  if (llvm::Error error = records.open(watching.log, test != nullptr))
    return error;
  recipe = newRecipe;
  ai_rt_progress_t progress = ai_rt_model_progress(model);
  progress.seed = newRecipe.seed;
  if (llvm::Error error = checkStatus(ai_rt_model_set_progress(model, &progress)))
    return error;
  std::vector<Epoch> epochs;
  auto keep = [&](const Epoch &epoch) {
    epochs.push_back(epoch);
    if (onEpoch)
      onEpoch(epoch);
  };
  if (llvm::Error error = records.close(this->train(train, test, records.log, keep)))
    return error;
  return epochs;
}

//===----------------------------------------------------------------------===//
// What a trained network is for
//===----------------------------------------------------------------------===//

llvm::Expected<ai_rt_metrics_t> Network::sumOver(const ai_rt_data_t &data) {
  Stopwatch stopwatch(interrupted);
  ai_rt_metrics_t sums = {};
  for (int64_t first = 0; first < rows(data.inputs); first += kPiece) {
    if (stopwatch.asksToStop())
      return llvm::make_error<Interrupted>();
    int64_t count = std::min(kPiece, rows(data.inputs) - first);
    ai_rt_metrics_t part;
    if (llvm::Error error =
            checkStatus(ai_rt_model_evaluate_data(state->model.get(), &data, first, count, &part)))
      return error;
    add(sums, part);
  }
  return sums;
}

llvm::Expected<ai_rt_metrics_t> Network::evaluate(const ai_rt_data_t &data) {
  std::unique_lock<std::mutex> lock(state->busy, std::try_to_lock);
  if (!lock)
    return refuseUse();
  if (llvm::Error error = prepare(recipe, &data.inputs, /*again=*/false))
    return error;
  if (llvm::Error error = checkData(state->model.get(), data, true))
    return error;
  return sumOver(data);
}

static const ai_rt_tensor_info_t *findOutput(const ai_rt_program_t *program) {
  const ai_rt_step_t *step = ai_rt_program_find_step(program, "predict");
  for (int64_t i = 0; step && i < step->num_tensors; ++i)
    if (step->tensors[i].role == AI_RT_OUTPUT)
      return &step->tensors[i];
  return nullptr;
}

llvm::Error Network::predict(const ai_rt_data_t &data,
                             llvm::function_ref<float *(llvm::ArrayRef<int64_t>)> allocate) {
  std::unique_lock<std::mutex> lock(state->busy, std::try_to_lock);
  if (!lock)
    return refuseUse();
  if (llvm::Error error = prepare(recipe, &data.inputs, /*again=*/false))
    return error;
  ai_rt_model_t *model = state->model.get();
  if (llvm::Error error = checkData(model, data, false))
    return error;
  const ai_rt_tensor_info_t *output = findOutput(ai_rt_model_program(model));
  llvm::SmallVector<int64_t> shape(output->shape, output->shape + output->rank);
  int64_t samples = shape[0] = rows(data.inputs), elements = 1;
  for (int64_t extent : llvm::ArrayRef<int64_t>(shape).drop_front())
    elements *= extent;
  float *outputs = allocate(shape);
  Stopwatch stopwatch(interrupted);
  for (int64_t first = 0; first < samples; first += kPiece) {
    if (stopwatch.asksToStop())
      return llvm::make_error<Interrupted>();
    int64_t count = std::min(kPiece, samples - first);
    if (llvm::Error error = checkStatus(
            ai_rt_model_predict_data(model, &data, first, count, outputs + first * elements)))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error Network::save(const std::string &path) {
  std::unique_lock<std::mutex> lock(state->busy, std::try_to_lock);
  if (!lock)
    return refuseUse();
  if (llvm::Error error = prepare(recipe, nullptr, /*again=*/false))
    return error;
  return checkStatus(ai_rt_model_save(state->model.get(), path.c_str()));
}

llvm::Error Network::load(const std::string &path, bool training) {
  std::unique_lock<std::mutex> lock(state->busy, std::try_to_lock);
  if (!lock)
    return refuseUse();
  if (llvm::Error error = prepare(recipe, nullptr, /*again=*/false))
    return error;
  ai_rt_model_t *model = state->model.get();
  return checkStatus(training ? ai_rt_model_load(model, path.c_str())
                              : ai_rt_model_load_parameters(model, path.c_str()));
}
