//===- TrainingLog.cpp - the curves of a training -------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingLog.h"

#include "GraphMessage.h"
#include "Mistakes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

using namespace ai::rt;

/// Of an epoch, at most.
static constexpr size_t kMistakes = 16;

ai_rt_log::ai_rt_log(ai_rt_model &model, const std::string &folder, bool withTest)
    : model(model), steps(folder + "/steps", model.progress.step + 1),
      train(folder + "/train", model.progress.epoch + 1) {
  if (withTest)
    test.emplace(folder + "/test", model.progress.epoch + 1);
  if (model.program.num_nodes > 0)
    train.writeGraph(graphMessage(model.program));
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

/// What a tensor's histogram is called; empty if it gets none. "w.gradient" is that of "w".
static std::string histogramTag(const ai_rt_tensor_info_t &info) {
  std::string name = info.name;
  if (info.dtype != AI_RT_F32 && info.dtype != AI_RT_F64)
    return "";
  if (info.role == AI_RT_GRADIENT)
    return "gradients/" + name.substr(0, name.rfind('.'));
  return info.role == AI_RT_PARAMETER ? "parameters/" + name : "";
}

/// An event for each tensor, so that no event outgrows the buffer.
void ai_rt_log::addHistograms() {
  for (int64_t i = 0; i < model.program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &info = model.program.tensors[i];
    std::string tag = histogramTag(info);
    if (tag.empty())
      continue;
    const char *data = std::as_const(model).fixed() + info.offset;
    int64_t count = info.bytes / ai_rt_dtype_size(info.dtype);
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
  addHistograms();
  if (tested && test) {
    addMetrics(*test, "epoch/loss", "epoch/accuracy", *tested);
    test->write(model.progress.epoch);
  }
  flush();
}

void ai_rt_log::writeMistakes(const ai_rt_data_t &data) {
  if (!test)
    return;
  std::vector<Mistake> mistakes = findMistakes(model, data, kMistakes);
  if (mistakes.empty())
    return;
  const ai_rt_tensor_info_t &input = *model.step("predict", 1).input;
  for (size_t i = 0; i < mistakes.size(); ++i)
    test->add(concat("misclassified/", i / 10, i % 10).c_str(),
              pictureOf(data.inputs, mistakes[i].row, input));
  test->addText("misclassified/list", describe(mistakes));
  test->write(model.progress.epoch);
  test->flush();
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

ai_rt_status_t ai_rt_log_open(ai_rt_model_t *model, const char *folder, int64_t with_test,
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

ai_rt_status_t ai_rt_log_mistakes(ai_rt_log_t *log, const ai_rt_data_t *data) {
  return guarded([&] { log->writeMistakes(*data); });
}

ai_rt_status_t ai_rt_log_close(ai_rt_log_t *log) {
  std::unique_ptr<ai_rt_log_t> owned(log);
  return guarded([&] {
    if (owned)
      owned->flush();
  });
}
