//===- ProgramBench.cpp - the command bench -------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Error.h"
#include "ProfileTable.h"
#include "Terminal.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>

using namespace ai::rt;

namespace {

using Clock = std::chrono::steady_clock;

/// Seconds beside which the host's part of a launch is nothing.
constexpr double kLongLaunch = 0.02;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// How long steps took. Remembers the last of them for the median; all memory is taken at once.
class StepTimes {
public:
  StepTimes() : times(1 << 18) {}

  void add(double seconds) {
    times[size_t(added++) % times.size()] = float(seconds);
    least = count ? std::min(least, seconds) : seconds;
    ++count;
  }
  /// Steps of one launch, which took the same time each.
  void add(double seconds, int64_t steps) {
    add(seconds / double(steps));
    count += steps - 1;
  }
  double median() {
    size_t size = std::min(size_t(added), times.size());
    auto middle = times.begin() + long(size / 2);
    std::nth_element(times.begin(), middle, times.begin() + long(size));
    return double(*middle);
  }

  int64_t count = 0;
  double least = 0;

private:
  std::vector<float> times;
  int64_t added = 0;
};

/// One run of `bench`.
class Bench {
public:
  Bench(const ai_rt_program_t &program, const Options &options);
  int run();

private:
  void readData();
  void makeData();
  void runStep(ai_rt_metrics_t *metrics);
  void runSteps(int64_t count);
  float firstLoss();
  double runFor(double seconds, StepTimes &times);
  std::string report(StepTimes &times, double wall) const;
  void printProfile(int64_t steps, double wall) const;

  const ai_rt_program_t &program;
  const Options &options;
  const bool training;
  const ai_rt_step_t &step;
  ModelPointer model;
  Dataset data;
  ai_rt_data_t view = {};
  std::vector<char> outputs;
  int64_t index = 0;
  int64_t atOnce = 1, together = 1; ///< Steps that a launch may take, and does.
  double firstStep = 0;
  std::vector<float> firstLosses;
};

} // namespace

Bench::Bench(const ai_rt_program_t &program, const Options &options)
    : program(program), options(options), training(options.mode == "train"),
      step(requireStep(program, training ? "train" : "predict")),
      model(createModel(program, options)) {
  checkFolderOf(options.trace);
  if (!options.load.empty())
    check(ai_rt_model_load_parameters(model.get(), options.load.c_str()));
  if (options.data.empty())
    makeData();
  else
    readData();
  view = data.view();
  check(ai_rt_model_keep_data(model.get(), &view));
  if (training)
    atOnce = batchesOfLaunch(model.get(), view);
  if (const ai_rt_tensor_info_t *output = findTensor(&step, AI_RT_OUTPUT))
    outputs.resize(size_t(output->bytes / output->shape[0] * options.batch));
}

/// Whole batches only, so that step i takes batch i mod (their number) of images and of labels.
static void keepWholeBatches(IDXArray &array, int64_t batch) {
  if (array.rows() < batch)
    throwBadFile(array.path, ": expected at least one batch of ", batch, " samples, got ",
                 array.rows());
  array.shape[0] -= array.rows() % batch;
}

void Bench::readData() {
  data = readDataset(findDataFiles(options.data, Split::Train), /*sameCount=*/false);
  padImages(data.inputs, options.pad);
  checkDataset(model.get(), data);
  keepWholeBatches(data.inputs, options.batch);
  keepWholeBatches(data.targets, options.batch);
}

/// Fills an array of `batches` batches by calling `next` for each element.
template <typename T, typename Next>
static void fill(IDXArray &array, const ai_rt_tensor_info_t &tensor, int64_t batches, int64_t batch,
                 int64_t dtype, Next next) {
  array.path = "random samples";
  array.dtype = dtype;
  array.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  int64_t elements = countElements(tensor) / array.shape[0] * batches * batch;
  array.shape[0] = batches * batch;
  array.data.reset(new char[size_t(elements) * sizeof(T)]);
  T *values = reinterpret_cast<T *>(array.data.get());
  std::generate(values, values + elements, next);
}

/// Random samples of mean 0 and deviation 1. The numbers of batches have no common divisor, so
/// every image meets many labels and the loss stays what it is in the middle of a training.
void Bench::makeData() {
  const ai_rt_tensor_info_t *input = findTensor(&step, AI_RT_INPUT);
  const ai_rt_tensor_info_t *target = findTensor(&step, AI_RT_TARGET);
  if (!input)
    throwInvalid("the step \"", step.name, "\" takes no samples");
  std::mt19937_64 random(1);
  auto number = [&] { return float(double(random() >> 11) * 0x1p-53 * 3.4641016 - 1.7320508); };
  auto label = [&] {
    return int32_t(random() % uint64_t(std::max<int64_t>(program.num_classes, 1)));
  };
  fill<float>(data.inputs, *input, 16, options.batch, AI_RT_F32, number);
  if (target && isClassifier(program))
    fill<int32_t>(data.targets, *target, 17, options.batch, AI_RT_I32, label);
  else if (target)
    fill<float>(data.targets, *target, 17, options.batch, AI_RT_F32, number);
}

/// Runs one whole step; without `metrics` a GPU may not be done when it returns.
void Bench::runStep(ai_rt_metrics_t *metrics) {
  int64_t first = index++ * options.batch;
  if (training)
    check(ai_rt_model_train_batch(model.get(), &view, nullptr, first, options.batch, metrics));
  else
    check(ai_rt_model_predict_data(model.get(), &view, first, options.batch, outputs.data()));
}

/// Runs a launch of steps and waits for it, as a training does for a line of progress.
void Bench::runSteps(int64_t count) {
  int64_t first = index * options.batch;
  index += count;
  check(ai_rt_model_train_batches(model.get(), &view, nullptr, first, count * options.batch,
                                  options.batch));
  ai_rt_metrics_t metrics;
  check(ai_rt_model_read_metrics(model.get(), &metrics));
}

/// Runs one whole step and returns the mean loss of its batch; 0 if it has none.
float Bench::firstLoss() {
  ai_rt_metrics_t metrics = {0, 0, 1};
  runStep(&metrics);
  return float(metrics.loss / double(metrics.count));
}

/// Runs steps for about `seconds` and returns how long they took. The host is a few steps ahead of
/// a GPU at most, so the time from one step to the next is the GPU's. Where a launch may take many
/// steps it takes more of them until it is long.
double Bench::runFor(double seconds, StepTimes &times) {
  Clock::time_point start = Clock::now();
  double before = 0;
  while (before < seconds && !interrupted()) {
    int64_t count = together;
    if (atOnce == 1)
      runStep(nullptr);
    else
      runSteps(count);
    double now = secondsSince(start);
    if (now - before < kLongLaunch)
      together = std::min(2 * together, atOnce);
    times.add(now - before, count);
    before = now;
  }
  ai_rt_metrics_t metrics; // once the last of them is done
  check(ai_rt_model_read_metrics(model.get(), &metrics));
  return secondsSince(start);
}

/// The most memory that the process ever had in use.
static double peakMiB() {
  long kib = 0;
  if (FILE *file = fopen("/proc/self/status", "r")) {
    char line[256];
    while (fgets(line, sizeof(line), file))
      if (sscanf(line, "VmHWM: %ld", &kib) == 1)
        break;
    fclose(file);
  }
  return double(kib) / 1024;
}

std::string Bench::report(StepTimes &times, double wall) const {
  double rate = double(times.count * options.batch) / wall;
  std::string losses;
  for (float loss : firstLosses)
    losses += (losses.empty() ? "" : ", ") + jsonNumber(double(loss));
  return concat(
      "{\"samples_per_s\": ", jsonNumber(rate), ", \"step_min_s\": ", jsonNumber(times.least),
      ", \"step_median_s\": ", jsonNumber(times.median()),
      ", \"first_step_s\": ", jsonNumber(firstStep), ", \"peak_rss_mib\": ", jsonNumber(peakMiB()),
      ", \"first_losses\": [", losses, "], \"gflops\": ", jsonNumber(rate * step.flops * 1e-9),
      ", \"steps\": ", times.count, ", \"mode\": ", jsonString(options.mode),
      ", \"batch\": ", options.batch, ", \"threads\": ", ai_rt_model_num_threads(model.get()),
      "}\n");
}

/// The profile of `steps` steps that took `wall` seconds, beside what the machine can do now.
void Bench::printProfile(int64_t steps, double wall) const {
  Profile profile = {{}, steps, wall};
  for (int64_t i = 0; i < program.num_profile_rows; ++i) {
    ProfileRow row = {&program.profile_rows[i], 0, 0, 0};
    check(ai_rt_model_profile(model.get(), i, &row.calls, &row.seconds, &row.least));
    profile.rows.push_back(row);
  }
  Machine machine = measureMachine(ai_rt_model_num_threads(model.get()));
  fputs(formatProfile(std::move(profile), machine, options.rows).c_str(), stderr);
}

int Bench::run() {
  for (int i = 0; i < 3; ++i) {
    float loss = firstLoss();
    if (i == 0)
      firstStep = secondsSinceStart();
    if (training)
      firstLosses.push_back(loss);
  }
  StepTimes warmUp, times;
  // Caches, page tables and the clock of the cores need about this long to settle.
  runFor(std::min(0.5, options.seconds), warmUp);
  ai_rt_model_profile_reset(model.get());
  if (!options.trace.empty())
    check(ai_rt_model_trace_begin(model.get(), options.traceSteps));
  double wall = runFor(options.seconds, times);
  if (interrupted())
    return interruptedExitCode();
  if (!options.trace.empty())
    check(ai_rt_model_trace_write(model.get(), options.trace.c_str()));
  writeOutput(report(times, wall));
  if (program.num_profile_rows > 0)
    printProfile(times.count, wall);
  return 0;
}

int ai::rt::runBench(const ai_rt_program_t &program, const Options &options) {
  return Bench(program, options).run();
}
