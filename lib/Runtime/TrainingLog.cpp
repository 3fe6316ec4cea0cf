//===- TrainingLog.cpp - the curves of a training -------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EventFile.h"
#include "Model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

using namespace ai::rt;

/// A folder each, because what a reader forgets when a training is resumed counts steps in one and
/// epochs in the others, and because curves of one name in two folders are drawn together.
struct ai_rt_log {
  ai_rt_log(const ai_rt_model &model, const std::string &folder, bool withTest);

  void addMetrics(EventFile &file, const char *loss, const char *accuracy,
                  const ai_rt_metrics_t &metrics) const;
  void addParameters();
  void writeStep(const ai_rt_metrics_t &metrics);
  void writeEpoch(const ai_rt_metrics_t &trained, const ai_rt_metrics_t *tested);
  void flush();

  const ai_rt_model &model;
  EventFile steps, train;
  std::optional<EventFile> test;
};

ai_rt_log::ai_rt_log(const ai_rt_model &model, const std::string &folder, bool withTest)
    : model(model), steps(folder + "/steps", model.progress.step + 1),
      train(folder + "/train", model.progress.epoch + 1) {
  if (withTest)
    test.emplace(folder + "/test", model.progress.epoch + 1);
}

void ai_rt_log::addMetrics(EventFile &file, const char *loss, const char *accuracy,
                           const ai_rt_metrics_t &metrics) const {
  double count = double(std::max<int64_t>(metrics.count, 1));
  file.add(loss, metrics.loss / count);
  if (model.program.loss != AI_RT_MSE_LOSS)
    file.add(accuracy, double(metrics.correct) / count);
}

/// The setting called `name`; null if there is none.
static const double *findSetting(const ai_rt_model &model, const char *name) {
  int64_t index = ai_rt_model_find_tensor(&model, name);
  if (index < 0 || model.program.tensors[index].role != AI_RT_SETTING)
    return nullptr;
  return reinterpret_cast<const double *>(model.settings() + model.program.tensors[index].offset);
}

/// The learning rate of the step with that number, from 0. A schedule is known by its settings;
/// the formulas are those of #ai.step and #ai.inverse, which generated code evaluates by itself.
static std::optional<double> learningRate(const ai_rt_model &model, int64_t step) {
  const double *lr = findSetting(model, "lr"), *gamma = findSetting(model, "gamma");
  if (!lr)
    return std::nullopt;
  if (const double *every = findSetting(model, "every"); gamma && every)
    return *lr * std::pow(*gamma, std::floor(double(model.progress.epoch) / *every));
  if (const double *power = findSetting(model, "power"); gamma && power)
    return *lr * std::pow(1 + *gamma * double(step), -*power);
  return *lr;
}

void ai_rt_log::writeStep(const ai_rt_metrics_t &metrics) {
  addMetrics(steps, "step/loss", "step/accuracy", metrics);
  if (std::optional<double> rate = learningRate(model, model.progress.step - 1))
    steps.add("step/learning_rate", *rate);
  steps.write(model.progress.step);
}

/// An event for each parameter, so that no event outgrows the buffer.
void ai_rt_log::addParameters() {
  for (int64_t i = 0; i < model.program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &info = model.program.tensors[i];
    if (info.role != AI_RT_PARAMETER || (info.dtype != AI_RT_F32 && info.dtype != AI_RT_F64))
      continue;
    const char *data = model.fixed() + info.offset;
    int64_t count = info.bytes / ai_rt_dtype_size(info.dtype);
    std::string tag = concat("parameters/", info.name);
    if (info.dtype == AI_RT_F32)
      train.add(tag.c_str(), Histogram(reinterpret_cast<const float *>(data), count));
    else
      train.add(tag.c_str(), Histogram(reinterpret_cast<const double *>(data), count));
    train.write(model.progress.epoch);
  }
}

void ai_rt_log::writeEpoch(const ai_rt_metrics_t &trained, const ai_rt_metrics_t *tested) {
  addMetrics(train, "epoch/loss", "epoch/accuracy", trained);
  train.write(model.progress.epoch);
  addParameters();
  if (tested && test) {
    addMetrics(*test, "epoch/loss", "epoch/accuracy", *tested);
    test->write(model.progress.epoch);
  }
  flush();
}

void ai_rt_log::flush() {
  steps.flush();
  train.flush();
  if (test)
    test->flush();
}

//===----------------------------------------------------------------------===//
// C
//===----------------------------------------------------------------------===//

ai_rt_status_t ai_rt_log_open(const ai_rt_model_t *model, const char *folder, int64_t with_test,
                              ai_rt_log_t **log) {
  return guarded([&] { *log = new ai_rt_log(*model, folder, with_test != 0); });
}

ai_rt_status_t ai_rt_log_step(ai_rt_log_t *log, const ai_rt_metrics_t *metrics) {
  return guarded([&] { log->writeStep(*metrics); });
}

ai_rt_status_t ai_rt_log_epoch(ai_rt_log_t *log, const ai_rt_metrics_t *train,
                               const ai_rt_metrics_t *test) {
  return guarded([&] { log->writeEpoch(*train, test); });
}

ai_rt_status_t ai_rt_log_close(ai_rt_log_t *log) {
  std::unique_ptr<ai_rt_log_t> owned(log);
  return guarded([&] {
    if (owned)
      owned->flush();
  });
}
