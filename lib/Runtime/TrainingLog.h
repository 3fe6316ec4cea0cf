//===- TrainingLog.h - the curves of a training --------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_TRAININGLOG_H
#define AI_LIB_RUNTIME_TRAININGLOG_H

#include "EventFile.h"
#include "Model.h"

#include <optional>

/// A folder each, because what a reader forgets when a training is resumed counts steps in one and
/// epochs in the others, and because curves of one name in two folders are drawn together.
struct ai_rt_log {
  ai_rt_log(ai_rt_model &model, const std::string &folder, bool withTest);

  void addMetrics(ai::rt::EventFile &file, const char *loss, const char *accuracy,
                  const ai_rt_metrics_t &metrics) const;
  void addHistograms();
  void writeStep(const ai_rt_metrics_t &metrics);
  void writeEpoch(const ai_rt_metrics_t &trained, const ai_rt_metrics_t *tested);
  void writeMistakes(const ai_rt_data_t &data);
  void flush();

  ai_rt_model &model;
  ai::rt::EventFile steps, train;
  std::optional<ai::rt::EventFile> test;
};

#endif // AI_LIB_RUNTIME_TRAININGLOG_H
