//===- Device.cpp - steps and functions on a GPU -------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"

#include "lib/Runtime/Model.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace ai::rt;

std::unique_ptr<Backend> ai::rt::openBackend(const ai_rt_program_t &program) {
  const char *name = std::getenv("AI_GPU");
  if (!name || !*name || std::strcmp(name, "driver") == 0)
    return openDriver(program);
  if (std::strcmp(name, "emulate") == 0)
    return openEmulator();
  throwInvalid("expects AI_GPU to be driver or emulate, got '", name, "'");
}

ai_rt_status_t ai_rt_program_device(const ai_rt_program_t *program, char *text, int64_t bytes) {
  return guarded([&] {
    std::string name = isForGPU(*program) ? openBackend(*program)->describe() : "this processor";
    std::snprintf(text, size_t(bytes), "%s", name.c_str());
  });
}

DeviceMemory::DeviceMemory(const ai_rt_program_t &program) : fixed(roundUp(program.fixed_bytes)) {
  for (int64_t i = 0; i < program.num_steps; ++i) {
    const ai_rt_gpu_step_t &step = *program.steps[i].gpu;
    workspace = std::max(workspace, roundUp(step.workspace_bytes));
    staged = std::max(staged, roundUp(program.num_slots * step.staged_bytes));
  }
  for (int64_t i = 0; i < program.num_functions; ++i) {
    workspace = std::max(workspace, roundUp(program.functions[i].workspace_bytes));
    staged = std::max(staged, roundUp(program.functions[i].staged_bytes));
  }
  for (int64_t i = 0; i < program.num_tensors; ++i)
    tensors = std::max(tensors, program.tensors[i].offset + program.tensors[i].bytes);
}

Device::Device(const ai_rt_program_t &program)
    : program(program), sizes(program), backend(openBackend(program)),
      fixed(backend->allocate(sizes.bytes())), workspace(fixed + sizes.fixed),
      staged(workspace + sizes.workspace), samples(sizes.staged) {}

void Device::showToHost(char *tensors, bool mayChange) {
  if (deviceIsNewer)
    backend->copyOut(tensors, fixed, sizes.tensors);
  deviceIsNewer = false;
  hostIsNewer |= mayChange;
}

void Device::read(void *to, int64_t offset, int64_t bytes) {
  backend->copyOut(to, fixed + offset, bytes);
}

void Device::launch(const ai_rt_kernels_t &kernels, int64_t blocks,
                    const KernelArguments &arguments) {
  for (int64_t i = 0; i < kernels.count; ++i) {
    const ai_rt_kernel_t &kernel = kernels.kernels[i];
    backend->launch(kernel, kernel.grid ? kernel.grid : blocks, arguments);
  }
}

/// Slots that no block adds to hold nothing, and rows of blocks that are missing are zeros: panels
/// are summed as a whole.
void Device::clearMissing(const ai_rt_step_t &step, int64_t blocks, bool isFirstRound) {
  int64_t missing = program.num_slots - blocks;
  if (missing == 0)
    return;
  if (isFirstRound && step.slot_bytes)
    backend->clear(fixed + step.slot_offset + blocks * step.slot_bytes, missing * step.slot_bytes);
  for (int64_t i = 0; i < step.num_tensors; ++i) {
    const ai_rt_tensor_info_t &rows = step.tensors[i];
    if (rows.role == AI_RT_ROWS)
      backend->clear(fixed + rows.offset + blocks * rows.bytes, missing * rows.bytes);
  }
}

void Device::run(ai_rt_model &model, const StepTensors &tensors, const Batch &batch,
                 char *outputs) {
  const ai_rt_step_t &step = *tensors.step;
  const ai_rt_gpu_step_t &gpu = *step.gpu;
  if (hostIsNewer)
    backend->copyIn(fixed, model.memory.data(), sizes.tensors);
  hostIsNewer = false;
  Stager input(batch.data.inputs, tensors.input, &model.normalisation);
  Stager target(batch.data.targets, tensors.target, nullptr);
  int64_t blockSize = program.block_size, slots = program.num_slots;
  int64_t numBlocks = (batch.count + blockSize - 1) / blockSize;
  const ai_rt_progress_t &at = model.progress;
  KernelArguments arguments{fixed, workspace, staged, 0, batch.count, at.step, at.epoch, at.seed};
  for (int64_t begin = 0; begin < numBlocks; begin += slots) {
    int64_t blocks = std::min(slots, numBlocks - begin);
    for (int64_t i = 0; i < blocks * blockSize; ++i) {
      // As on a CPU, the first sample takes the places behind the batch's end.
      int64_t sample = begin * blockSize + i < batch.count ? begin * blockSize + i : 0;
      char *place = samples.data() + i / blockSize * gpu.staged_bytes;
      input.stage(place, i % blockSize, batch.inputRow(sample));
      if (tensors.target)
        target.stage(place, i % blockSize, batch.targetRow(sample));
    }
    backend->copyIn(staged, samples.data(), blocks * gpu.staged_bytes);
    if (begin > 0) {
      arguments.count = begin * blockSize;
      launch(gpu.fold, 0, arguments);
      arguments.count = batch.count;
    }
    clearMissing(step, blocks, begin == 0);
    arguments.first = begin * blockSize;
    launch(gpu.block, blocks, arguments);
    if (!outputs)
      continue;
    backend->copyOut(samples.data(), staged, blocks * gpu.staged_bytes);
    int64_t bytes = tensors.output->bytes / blockSize;
    for (int64_t i = 0; i < std::min(blocks * blockSize, batch.count - begin * blockSize); ++i)
      std::memcpy(outputs + (begin * blockSize + i) * bytes,
                  samples.data() + i / blockSize * gpu.staged_bytes + tensors.output->offset +
                      i % blockSize * bytes,
                  bytes);
  }
  launch(numBlocks > slots && gpu.fold.count ? gpu.finish : gpu.combine, 0, arguments);
  deviceIsNewer = true;
}

void Device::call(const ai_rt_function_t &function, const void *const *args, void *const *results) {
  for (int64_t i = 0; i < function.num_args; ++i)
    std::memcpy(samples.data() + function.args[i].offset, args[i], function.args[i].bytes);
  backend->copyIn(staged, samples.data(), function.staged_bytes);
  launch(*function.gpu, 1, {fixed, workspace, staged, 0, 0, 0, 0, 0});
  backend->copyOut(samples.data(), staged, function.staged_bytes);
  for (int64_t i = 0; i < function.num_results; ++i)
    std::memcpy(results[i], samples.data() + function.results[i].offset, function.results[i].bytes);
}
