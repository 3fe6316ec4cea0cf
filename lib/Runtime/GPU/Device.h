//===- Device.h - a model's memory on a GPU -*- C++ -* -------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_DEVICE_H
#define AI_LIB_RUNTIME_GPU_DEVICE_H

#include "LibraryCalls.h"
#include "Samples.h"

#include <vector>

struct ai_rt_model;

namespace ai::rt {

/// Bytes of machine code; 0 if there is none.
int64_t cubinBytes(const ai_rt_gpu_image_t &image);

/// The version of an image's PTX, "7.8"; "?" if it says none.
std::string ptxVersion(const ai_rt_gpu_image_t &image);

/// The sizes of a program's regions on a device.
struct DeviceMemory {
  explicit DeviceMemory(const ai_rt_program_t &program);

  int64_t bytes() const { return fixed + workspace + staged + metrics; }

  int64_t fixed, workspace = 0;
  int64_t staged = 0;      ///< Outputs of as many blocks as there are slots, or a function's.
  int64_t metrics = 0;     ///< Entries, one for each step that nobody has read the metrics of.
  int64_t metricBytes = 0; ///< Of an entry.
  int64_t tensors = 0;     ///< Bytes at the start of the fixed region that the host has a copy of.
};

/// A device with one program's arena on it: fixed region, workspace, outputs, metrics. The host's
/// copy of the tensors is brought up to date when somebody looks at it, and sent back if it may
/// have been changed. Steps are only asked for; the host waits when somebody looks at something.
class Device {
public:
  /// For batches of up to `batch` samples; larger ones make it allocate again.
  Device(const ai_rt_program_t &program, int64_t batch);
  ~Device();

  /// Before the host reads its copy; `mayChange` if it may write, too.
  void showToHost(char *tensors, bool mayChange);

  /// Runs a step on a batch. Outputs, if any, are stored row after row; metrics are kept for
  /// `collect`.
  void run(ai_rt_model &model, const StepTensors &tensors, const Batch &batch, char *outputs);

  /// How many batches of `data` one launch takes: 1 where steps are launched one by one.
  int64_t batchesAtOnce(const StepTensors &tensors, const ai_rt_data_t &data, int64_t batch) const;

  /// Makes room for what such launches send; returns how many samples one has at most. Where there
  /// is none for that, the data does not stay.
  int64_t reserveLaunch(const StepTensors &tensors, const ai_rt_data_t &data, int64_t batch);

  /// Runs steps on the samples of `all`, `size` at a time, in one launch, as many as
  /// `batchesAtOnce` at most; metrics are kept.
  void runTogether(ai_rt_model &model, const StepTensors &tensors, const Batch &all, int64_t size);

  /// Returns the sums over the steps since the last call, in their order.
  ai_rt_metrics_t collect();

  /// The data sets that stay on the device.
  Samples &samples() { return batches; }

  /// What libraries compute; null if they do nothing.
  const LibraryCalls *libraryCalls() const { return libraries.get(); }

  /// Runs a function that is no step.
  void call(const ai_rt_function_t &function, const void *const *args, void *const *results);

private:
  /// A step of which the metrics wait.
  struct Pending {
    const StepTensors *tensors;
    int64_t count;
  };
  /// What the device was asked for in a step: a graph, from its second time on.
  struct Recorded {
    bool isOf(const Recorded &other) const;
    const ai_rt_step_t *step;
    int64_t count;
    SentBatch batch;
    Graph graph;
  };

  void openLibraries(const ai_rt_program_t &program, int64_t batch);
  void showToDevice(const ai_rt_model &model);
  void launch(const ai_rt_kernels_t &kernels, int64_t blocks, const KernelArguments &arguments);
  void clearMissing(const ai_rt_step_t &step, int64_t blocks, bool isFirstRound);
  void runRounds(const StepTensors &tensors, KernelArguments arguments, char *outputs);
  void copyOutputs(const StepTensors &tensors, int64_t first, int64_t count, char *outputs);
  void replay(const StepTensors &tensors, const KernelArguments &arguments, const SentBatch &sent);
  void readPending();

  DeviceMemory sizes;
  std::unique_ptr<Backend> backend;
  char *fixed, *workspace, *staged, *metrics;
  std::unique_ptr<LibraryCalls> libraries;
  Samples batches;
  std::vector<char> outputs; ///< The host's side of the staged region.
  std::vector<char> entries; ///< The host's side of the metrics.
  std::vector<Pending> pending;
  ai_rt_metrics_t collected = {};
  std::vector<Recorded> recorded; ///< The ones used last at the end.
  int64_t resident = 0;           ///< Thread blocks of steps in one launch; 0 before the first.
  bool hostIsNewer = true, deviceIsNewer = false;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_DEVICE_H
