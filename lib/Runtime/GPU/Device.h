//===- Device.h - a model's memory on a GPU -*- C++ -* -------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_DEVICE_H
#define AI_LIB_RUNTIME_GPU_DEVICE_H

#include "Backend.h"

#include <vector>

struct ai_rt_model;

namespace ai::rt {

struct Batch;
struct StepTensors;

/// The sizes of a program's regions on a device.
struct DeviceMemory {
  explicit DeviceMemory(const ai_rt_program_t &program);

  int64_t bytes() const { return fixed + workspace + staged; }

  int64_t fixed, workspace = 0;
  int64_t staged = 0;  ///< Of as many blocks as there are slots.
  int64_t tensors = 0; ///< Bytes at the start of the fixed region that the host has a copy of.
};

/// A device with one program's arena on it: fixed region, workspace, staged samples. The host's
/// copy of the tensors is brought up to date when somebody looks at it, and sent back if it may
/// have been changed.
class Device {
public:
  explicit Device(const ai_rt_program_t &program);

  /// Before the host reads its copy; `mayChange` if it may write, too.
  void showToHost(char *tensors, bool mayChange);

  /// Runs a step on a batch. Outputs, if any, are stored row after row.
  void run(ai_rt_model &model, const StepTensors &tensors, const Batch &batch, char *outputs);

  /// Reads `bytes` at `offset` of the fixed region.
  void read(void *to, int64_t offset, int64_t bytes);

  /// Runs a function that is no step.
  void call(const ai_rt_function_t &function, const void *const *args, void *const *results);

private:
  void launch(const ai_rt_kernels_t &kernels, int64_t blocks, const KernelArguments &arguments);
  void clearMissing(const ai_rt_step_t &step, int64_t blocks, bool isFirstRound);

  const ai_rt_program_t &program;
  DeviceMemory sizes;
  std::unique_ptr<Backend> backend;
  char *fixed, *workspace, *staged;
  std::vector<char> samples; ///< The host's side of the staged region.
  bool hostIsNewer = true, deviceIsNewer = false;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_DEVICE_H
