//===- Model.h - what a model is made of ---------------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_MODEL_H
#define AI_LIB_RUNTIME_MODEL_H

#include "CheckNaN.h"
#include "Error.h"
#include "GPU/Device.h"
#include "Memory.h"
#include "Profile.h"
#include "Staging.h"
#include "Team.h"
#include "ThreadPool.h"
#include "Trace.h"

#include <memory>
#include <vector>

namespace ai::rt {

/// Returns the bytes that one thread needs for any step of the program.
int64_t workspaceBytes(const ai_rt_program_t &program);

/// Throws if a model with these numbers takes more memory than the program allows.
void checkMemory(const ai_rt_program_t &program, int64_t batch, int64_t threads,
                 int64_t scratch = 0);

/// Whether the program's steps are kernels.
inline bool isForGPU(const ai_rt_program_t &program) { return program.num_images > 0; }

/// A step and those of its tensors that the runtime reads or writes; null where it has none.
struct StepTensors {
  const ai_rt_step_t *step = nullptr;
  const ai_rt_tensor_info_t *input = nullptr;
  const ai_rt_tensor_info_t *target = nullptr;
  const ai_rt_tensor_info_t *output = nullptr;
  const ai_rt_tensor_info_t *loss = nullptr;
  const ai_rt_tensor_info_t *correct = nullptr;
  /// Of its rest.
  const ai_rt_tensor_info_t *restInput = nullptr, *restTarget = nullptr;
};

/// Returns the step called `name` for batches of `count` samples, the last that takes so many; null
/// if there is none. Threads do not enter, so they leave the bits alone.
const ai_rt_step_t *findStep(const ai_rt_program_t &program, const char *name, int64_t count);

/// Blocks of a batch of `count` samples, those that are left over being one, too.
inline int64_t blocksOf(const ai_rt_step_t &step, int64_t count) {
  return (count + step.block_size - 1) / step.block_size;
}

/// How many of `count` samples are taken one by one, in the place of the last block.
inline int64_t singlesOf(const ai_rt_step_t &step, int64_t count) {
  int64_t left = count % step.block_size;
  return step.rest && left <= step.rest->most_samples ? left : 0;
}

/// Blocks but for the one that these take the place of.
inline int64_t fullBlocksOf(const ai_rt_step_t &step, int64_t count) {
  return blocksOf(step, count) - (singlesOf(step, count) > 0);
}

/// The rows of a batch's samples in the arrays of a data set.
struct BatchRows {
  /// Makes room for `count` samples, at least.
  void reserve(int64_t count);

  int64_t capacity = 0;
  std::unique_ptr<uint32_t[]> inputs, targets;
};

/// The samples at positions `first ... first + count - 1`. Rows are either listed or counted.
struct Batch {
  const ai_rt_data_t &data;
  const BatchRows *rows;
  int64_t first, count;

  uint32_t inputRow(int64_t i) const {
    return rows ? rows->inputs[i] : static_cast<uint32_t>((first + i) % data.inputs.shape[0]);
  }
  uint32_t targetRow(int64_t i) const {
    return rows ? rows->targets[i] : static_cast<uint32_t>((first + i) % data.targets.shape[0]);
  }
};

/// Throws unless `data` fits the tensors of `step`; `withTargets` says whether targets count.
void checkShapes(const StepTensors &step, const ai_rt_data_t &data, bool withTargets);

/// Throws if row `row` of the targets is no class of the model.
void checkLabel(const ai_rt_model &model, const StepTensors &step, const ai_rt_array_t &targets,
                int64_t row);

/// Returns label `row` of an array of integers.
int64_t labelAt(const ai_rt_array_t &targets, int64_t row);

/// Adds the metrics of a step on `count` samples, whose tensors lie in `region`, to `sums`.
void addMetrics(ai_rt_metrics_t &sums, const char *region, const StepTensors &tensors,
                int64_t count);

/// `ai_rt_model_keep_data`, throwing.
void keepData(ai_rt_model &model, const ai_rt_data_t *data);

/// `ai_rt_model_train_batch`, throwing.
void trainBatch(ai_rt_model &model, const ai_rt_data_t &data, const uint32_t *order, int64_t first,
                int64_t count, ai_rt_metrics_t *metrics);

/// `ai_rt_model_batches_at_once`, throwing.
int64_t batchesAtOnce(const ai_rt_model &model, const ai_rt_data_t &data);

/// `ai_rt_model_train_batches`, throwing.
void trainBatches(ai_rt_model &model, const ai_rt_data_t &data, const uint32_t *order,
                  int64_t first, int64_t samples, int64_t batch);

/// `ai_rt_model_read_metrics`, throwing.
ai_rt_metrics_t readMetrics(ai_rt_model &model);

/// `ai_rt_model_evaluate_data`, throwing.
ai_rt_metrics_t evaluateData(ai_rt_model &model, const ai_rt_data_t &data, int64_t first,
                             int64_t count);

/// `ai_rt_model_predict_data`, throwing.
void predictData(ai_rt_model &model, const ai_rt_data_t &data, int64_t first, int64_t count,
                 void *outputs);

} // namespace ai::rt

struct ai_rt_model {
  ai_rt_model(const ai_rt_program_t &program, const ai_rt_config_t &config);

  /// Gives a thread's part of all tensors their initial values.
  void fillTensors(int64_t thread);

  char *workspace(int64_t thread) { return memory.data() + fixedBytes + thread * workspaceBytes; }
  char *fixed() {
    if (device)
      device->showToHost(memory.data(), /*mayChange=*/true);
    return memory.data();
  }
  const char *fixed() const {
    if (device) // the copy is not what the model is
      device->showToHost(const_cast<char *>(memory.data()), /*mayChange=*/false);
    return memory.data();
  }

  /// The fixed region for who reads settings only: no device changes them.
  const char *settings() const { return memory.data(); }

  /// Returns the tensor called `name`; throws, naming those there are, if there is none.
  const ai_rt_tensor_info_t &tensor(const char *name) const;

  /// Returns the step called `name` for batches of `count` samples; throws if there is none.
  const ai::rt::StepTensors &step(const char *name, int64_t count) const;

  /// How many threads share a step on `count` samples: all, or the caller alone if that should be
  /// faster. Without `mayHaveTeams` they form none.
  int64_t threadsOf(const ai_rt_step_t &step, int64_t count, bool mayHaveTeams = true) const;

  /// Whether blocks that are left over, when all threads have the same number, should be run by
  /// teams.
  bool hasTeams(const ai_rt_step_t &step, int64_t blocks, int64_t threads) const;

  /// Events of a trace on one thread, at most, of a step on `count` samples.
  int64_t eventsOf(const ai_rt_step_t &step, int64_t count) const;

  const ai_rt_program_t &program;
  int64_t fixedBytes, workspaceBytes;
  std::unique_ptr<ai::rt::Device> device; ///< Null in a program for a CPU.
  ai::rt::Memory memory;
  int64_t batch; ///< The largest that there is room for.
  ai::rt::BatchRows rows;
  ai::rt::Normalisation normalisation;
  std::vector<ai::rt::StepTensors> steps;
  ai_rt_progress_t progress;
  ai_rt_metrics_t unread = {}; ///< Of training steps whose metrics nobody has asked for yet.
  bool trained = false;
  std::vector<ai::rt::ThreadProfile> profiles; ///< One for each thread; empty without a profile.
  ai::rt::FirstNaN firstNaN;                   ///< Of the step that runs.
  std::unique_ptr<ai::rt::Trace> trace;        ///< While one is recorded.
  ai::rt::ThreadPool pool;
  std::unique_ptr<ai::rt::Barrier[]> teamBarriers; ///< As many as there can be teams at once.
  std::vector<ai::rt::TeamTrial> teamTrials;       ///< One for each step.
};

#endif // AI_LIB_RUNTIME_MODEL_H
