//===- ProgramTrain.cpp - the command train -------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Error.h"
#include "Progress.h"
#include "Terminal.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

using namespace ai::rt;

namespace {

struct LogCloser {
  void operator()(ai_rt_log_t *log) const { ai_rt_log_close(log); }
};

/// One run of `train`.
class Training {
public:
  Training(const ai_rt_program_t &program, const Options &options);
  int run();

private:
  void resume();
  void checkSchedule();
  int64_t samplesAtOnce(int64_t first) const;
  void trainOn(int64_t first, int64_t count);
  bool trainEpoch();
  void readMetrics();
  void logStep(const ai_rt_metrics_t &metrics);
  void logEpoch(const ai_rt_metrics_t *tested);
  void finishEpoch();
  int trainEpochs();
  void writeTrace();
  int stop();
  void save();
  void print(const std::string &text);
  std::string jsonOfEpoch(const ai_rt_metrics_t &tested) const;

  const ai_rt_program_t &program;
  const Options &options;
  ModelPointer model;
  Dataset training, test;
  bool hasTest = false;
  std::vector<uint32_t> order;
  Progress progress;
  std::unique_ptr<ai_rt_log_t, LogCloser> log;
  int64_t batchesAtOnce = 1;
  bool tracing = false, readerGone = false;
};

} // namespace

static ModelPointer prepareModel(const ai_rt_program_t &program, const Options &options) {
  checkFolderOf(options.save);
  checkFolderOf(options.trace);
  return createModel(program, options);
}

Training::Training(const ai_rt_program_t &program, const Options &options)
    : program(program), options(options), model(prepareModel(program, options)),
      training(readSplit(model.get(), options, Split::Train)),
      order(size_t(training.inputs.rows())),
      progress(options.json ? Progress::Style::None : Progress::styleOfOutput(), options.epochs,
               training.inputs.rows(), isClassifier(program)) {
  // A folder without any test set is fine; half a test set is a mistake that findDataFiles reports.
  hasTest = !lacksSplit(dataFolder(options), Split::Test);
  if (hasTest)
    test = readSplit(model.get(), options, Split::Test);
  if (!options.load.empty())
    resume();
  for (const Dataset *data : {&training, &test}) {
    ai_rt_data_t view = data->view();
    if (view.inputs.data)
      check(ai_rt_model_keep_data(model.get(), &view));
  }
  checkSchedule();
  // Last, so that a refused training leaves no files.
  if (!options.log.empty()) {
    ai_rt_log_t *opened = nullptr;
    check(ai_rt_log_open(model.get(), options.log.c_str(), hasTest, &opened));
    log.reset(opened);
  }
  if (!options.trace.empty()) {
    check(ai_rt_model_trace_begin(model.get(), options.traceSteps));
    tracing = true;
  }
}

void Training::resume() {
  check(ai_rt_model_load(model.get(), options.load.c_str()));
  ai_rt_progress_t reached = ai_rt_model_progress(model.get());
  if (options.hasSeed && reached.seed != options.seed)
    throwInvalid("--seed ", options.seed, " contradicts ", options.load, ", trained with seed ",
                 reached.seed, "; leave --seed out");
  if (reached.position > training.inputs.rows())
    throwBadFile(options.load, ": stands at sample ", reached.position,
                 " of its epoch, but the data set has ", training.inputs.rows(),
                 " samples; name the data set it was trained on with --data");
}

void Training::print(const std::string &text) {
  if (!writeOutput(text))
    readerGone = true;
}

void Training::save() {
  if (!options.save.empty())
    check(ai_rt_model_save(model.get(), options.save.c_str()));
}

/// A log that cannot be written ends a training, but loses none.
void Training::logStep(const ai_rt_metrics_t &metrics) {
  if (ai_rt_log_step(log.get(), &metrics) == AI_RT_OK)
    return;
  std::string reason = ai_rt_last_error();
  save();
  throw Error(AI_RT_BAD_FILE, reason);
}

/// Nobody waits for a GPU before a line is due.
void Training::readMetrics() {
  ai_rt_metrics_t metrics;
  check(ai_rt_model_read_metrics(model.get(), &metrics));
  progress.add(metrics);
}

/// Steps that are logged are taken one by one: the log asks for the metrics of each.
void Training::checkSchedule() {
  int64_t atOnce = batchesOfLaunch(model.get(), training.view());
  if (options.log.empty())
    batchesAtOnce = atOnce;
}

/// From position `first` on: up to a tenth of the epoch, when a line is due, where a launch takes
/// many batches.
int64_t Training::samplesAtOnce(int64_t first) const {
  int64_t samples = training.inputs.rows(), batch = options.batch;
  int64_t tenth = 10 * first / samples + 1, end = (tenth * samples + 9) / 10;
  int64_t batches = std::min((end - first + batch - 1) / batch, batchesAtOnce);
  return std::min(batches * batch, samples - first);
}

/// One batch if there is a log.
void Training::trainOn(int64_t first, int64_t count) {
  ai_rt_data_t view = training.view();
  if (!log) {
    check(ai_rt_model_train_batches(model.get(), &view, order.data(), first, count, options.batch));
    return;
  }
  ai_rt_metrics_t metrics;
  check(ai_rt_model_train_batch(model.get(), &view, order.data(), first, count, &metrics));
  logStep(metrics);
  progress.add(metrics);
}

/// Trains to the end of the epoch. False if it was interrupted before.
bool Training::trainEpoch() {
  ai_rt_progress_t reached = ai_rt_model_progress(model.get());
  int64_t samples = training.inputs.rows();
  ai_rt_shuffle(reached.seed, reached.epoch, samples, order.data());
  progress.beginEpoch(reached.epoch, reached.position);
  for (int64_t first = reached.position; first < samples;) {
    int64_t count = samplesAtOnce(first);
    trainOn(first, count);
    first += count;
    if (progress.advance(count)) {
      readMetrics();
      readerGone |= !progress.draw();
    }
    // Without a reader and without a checkpoint nobody would see the result.
    if (first < samples && (interrupted() || (readerGone && options.save.empty()))) {
      readMetrics();
      return false;
    }
  }
  readMetrics();
  return true;
}

std::string Training::jsonOfEpoch(const ai_rt_metrics_t &tested) const {
  const ProgressLine &line = progress.state();
  ai_rt_progress_t reached = ai_rt_model_progress(model.get());
  std::string text = concat("{\"epoch\": ", reached.epoch, ", \"step\": ", reached.step);
  auto add = [&](const char *name, const ai_rt_metrics_t &metrics) {
    double count = double(std::max<int64_t>(metrics.count, 1));
    text += concat(", \"", name, "_loss\": ", jsonNumber(metrics.loss / count));
    if (isClassifier(program))
      text += concat(", \"", name, "_accuracy\": ", jsonNumber(double(metrics.correct) / count));
  };
  add("train", line.sums);
  if (hasTest)
    add("test", tested);
  return text + ", \"samples_per_s\": " + jsonNumber(line.rate) + "}\n";
}

void Training::logEpoch(const ai_rt_metrics_t *tested) {
  check(ai_rt_log_epoch(log.get(), &progress.state().sums, tested));
  if (!tested)
    return;
  ai_rt_data_t view = test.view();
  check(ai_rt_log_mistakes(log.get(), &view));
}

/// Saves first: what evaluation does can not lose the epoch.
void Training::finishEpoch() {
  ai_rt_model_next_epoch(model.get());
  if (!progress.endEpoch())
    readerGone = true;
  save();
  ai_rt_metrics_t tested = {};
  if (hasTest)
    tested = evaluate(model.get(), test);
  if (log)
    logEpoch(hasTest ? &tested : nullptr);
  if (interrupted())
    return;
  if (options.json)
    print(jsonOfEpoch(tested));
  else if (hasTest)
    print(describeMetrics(program, tested) + "\n");
}

/// Ends before the last epoch is over.
int Training::stop() {
  ai_rt_progress_t reached = ai_rt_model_progress(model.get());
  if (reached.position > 0) {
    progress.endEpoch();
    save();
  }
  if (!interrupted())
    return 0;
  std::string where = concat("interrupted after step ", reached.step);
  if (!options.save.empty())
    where += "; go on with --load " + options.save;
  if (!options.json)
    print(where + "\n");
  return interruptedExitCode();
}

void Training::writeTrace() {
  if (tracing)
    check(ai_rt_model_trace_write(model.get(), options.trace.c_str()));
  tracing = false;
}

int Training::trainEpochs() {
  int64_t epoch = ai_rt_model_progress(model.get()).epoch;
  if (!options.json && !hasTest)
    print("no test set in " + dataFolder(options) + ": nothing to evaluate on\n");
  if (!options.json && epoch >= options.epochs) {
    print(concat("already trained for ", epoch, " of ", options.epochs, " epochs\n"));
    if (hasTest)
      print(describeMetrics(program, evaluate(model.get(), test)) + "\n");
  }
  for (; epoch < options.epochs; ++epoch) {
    if (!trainEpoch())
      return stop();
    finishEpoch();
    writeTrace();
    if (interrupted() || (readerGone && options.save.empty()))
      return stop();
  }
  return 0;
}

int Training::run() {
  int code = trainEpochs();
  writeTrace();
  check(ai_rt_log_close(log.release()));
  return code;
}

int ai::rt::runTrain(const ai_rt_program_t &program, const Options &options) {
  requireStep(program, "train");
  return Training(program, options).run();
}
