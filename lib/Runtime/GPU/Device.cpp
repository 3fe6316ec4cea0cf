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
#include <utility>

using namespace ai::rt;

std::unique_ptr<Backend> ai::rt::openBackend(const ai_rt_program_t &program) {
  const char *name = std::getenv("AI_GPU");
  if (!name || !*name || std::strcmp(name, "driver") == 0)
    return openDriver(program);
  if (std::strcmp(name, "emulate") == 0)
    return openEmulator();
  throwInvalid("expects AI_GPU to be driver or emulate, got '", name, "'");
}

int64_t ai::rt::cubinBytes(const ai_rt_gpu_image_t &image) {
  int64_t bytes;
  std::memcpy(&bytes, image.cubin, sizeof(bytes));
  return bytes;
}

std::string ai::rt::ptxVersion(const ai_rt_gpu_image_t &image) {
  static const char directive[] = "\n.version ";
  const char *line = std::strstr(image.ptx, directive);
  if (!line)
    return "?";
  const char *version = line + sizeof(directive) - 1;
  return std::string(version, std::strcspn(version, " \r\n"));
}

ai_rt_status_t ai_rt_program_device(const ai_rt_program_t *program, char *text, int64_t bytes) {
  return guarded([&] {
    std::string name = isForGPU(*program) ? openBackend(*program)->describe() : "this processor";
    std::snprintf(text, size_t(bytes), "%s", name.c_str());
  });
}

ai_rt_status_t ai_rt_program_libraries(const ai_rt_program_t *program, char *text, int64_t bytes,
                                       int64_t *workspace) {
  return guarded([&] {
    std::string names;
    *workspace = 0;
    if (callsLibraries(*program)) {
      Device device(*program, program->batch);
      names = device.libraryCalls()->describe();
      *workspace = device.libraryCalls()->scratchBytes();
    }
    std::snprintf(text, size_t(bytes), "%s", names.c_str());
  });
}

/// Steps whose metrics are kept before somebody has to wait for them.
static constexpr int64_t kMaxPending = 1024;
/// And about this many samples: each is a word of what a launch sends.
static constexpr int64_t kMaxSamples = 64 << 10;

/// Steps that are remembered as graphs: of a training and an evaluation, whole batches and the last
/// one, and some to spare.
static constexpr size_t kMaxRecorded = 16;

DeviceMemory::DeviceMemory(const ai_rt_program_t &program) : fixed(roundUp(program.fixed_bytes)) {
  for (int64_t i = 0; i < program.num_steps; ++i) {
    const ai_rt_gpu_step_t &step = *program.steps[i].gpu;
    int64_t slots = program.steps[i].num_slots;
    workspace = std::max(workspace, roundUp(step.workspace_bytes));
    staged = std::max(staged, roundUp(slots * step.staged_bytes));
    metricBytes = std::max(metricBytes, step.metric_bytes);
  }
  for (int64_t i = 0; i < program.num_functions; ++i) {
    workspace = std::max(workspace, roundUp(program.functions[i].workspace_bytes));
    staged = std::max(staged, roundUp(program.functions[i].staged_bytes));
  }
  for (int64_t i = 0; i < program.num_tensors; ++i)
    tensors = std::max(tensors, program.tensors[i].offset + program.tensors[i].bytes);
  metrics = roundUp(kMaxPending * metricBytes);
}

Device::Device(const ai_rt_program_t &program, int64_t batch)
    : sizes(program), backend(openBackend(program)), fixed(backend->allocate(sizes.bytes())),
      workspace(fixed + sizes.fixed), staged(workspace + sizes.workspace),
      metrics(staged + sizes.staged), batches(*backend, batch), outputs(sizes.staged),
      entries(sizes.metrics) {
  pending.reserve(kMaxPending);
  recorded.reserve(kMaxRecorded + 1);
  openLibraries(program, batch);
}

/// Plans are freed in the device's context.
Device::~Device() {
  if (libraries)
    backend->libraryStream();
}

void Device::openLibraries(const ai_rt_program_t &program, int64_t batch) {
  if (!callsLibraries(program))
    return;
  libraries =
      std::make_unique<LibraryCalls>(program, fixed, workspace, staged, backend->libraryStream());
  int64_t bytes = libraries->scratchBytes();
  checkMemory(program, batch, /*threads=*/1, bytes);
  libraries->bind(bytes ? backend->allocate(bytes) : nullptr);
}

void Device::showToHost(char *tensors, bool mayChange) {
  if (deviceIsNewer)
    backend->copyOut(tensors, fixed, sizes.tensors);
  deviceIsNewer = false;
  hostIsNewer |= mayChange;
}

//===----------------------------------------------------------------------===//
// Metrics
//===----------------------------------------------------------------------===//

void Device::readPending() {
  if (pending.empty())
    return;
  backend->copyOut(entries.data(), metrics, int64_t(pending.size()) * sizes.metricBytes);
  const char *entry = entries.data();
  for (const Pending &step : pending) {
    addMetrics(collected, entry, *step.tensors, step.count);
    entry += sizes.metricBytes;
  }
  pending.clear();
}

ai_rt_metrics_t Device::collect() {
  readPending();
  return std::exchange(collected, {});
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

void Device::launch(const ai_rt_kernels_t &kernels, int64_t blocks,
                    const KernelArguments &arguments) {
  for (int64_t i = 0; i < kernels.count; ++i) {
    const ai_rt_kernel_t &kernel = kernels.kernels[i];
    if (kernel.call)
      backend->call(kernel, [this, &kernel] { libraries->run(kernel); });
    else
      backend->launch(kernel, kernel.grid ? kernel.grid : blocks, arguments);
  }
}

/// Slots that no block adds to hold nothing, and rows of blocks that are missing are zeros: panels
/// are summed as a whole.
void Device::clearMissing(const ai_rt_step_t &step, int64_t blocks, bool isFirstRound) {
  int64_t missing = step.num_slots - blocks;
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

/// Stores what the blocks of the samples `first ... first + count - 1` left behind.
void Device::copyOutputs(const StepTensors &tensors, int64_t first, int64_t count, char *to) {
  int64_t stride = tensors.step->gpu->staged_bytes, size = tensors.step->block_size;
  int64_t bytes = tensors.output->bytes / size;
  backend->copyOut(outputs.data(), staged, blocksOf(*tensors.step, count) * stride);
  for (int64_t i = 0; i < count; i += size)
    std::memcpy(to + (first + i) * bytes,
                outputs.data() + i / size * stride + tensors.output->offset,
                std::min(size, count - i) * bytes);
}

/// As many blocks as there are slots run at once.
void Device::runRounds(const StepTensors &tensors, KernelArguments arguments, char *to) {
  const ai_rt_gpu_step_t &gpu = *tensors.step->gpu;
  int64_t round = tensors.step->num_slots * tensors.step->block_size, count = arguments.count;
  for (int64_t first = 0; first < count; first += round) {
    int64_t samples = std::min(round, count - first), blocks = blocksOf(*tensors.step, samples);
    if (first > 0) {
      arguments.count = first;
      launch(gpu.fold, 0, arguments);
      arguments.count = count;
    }
    clearMissing(*tensors.step, blocks, first == 0);
    arguments.first = first;
    launch(gpu.block, blocks, arguments);
    if (to)
      copyOutputs(tensors, first, samples, to);
  }
  launch(count > round && gpu.fold.count ? gpu.finish : gpu.combine, 0, arguments);
}

bool Device::Recorded::isOf(const Recorded &other) const {
  return step == other.step && count == other.count && batch.inputs == other.batch.inputs &&
         batch.targets == other.batch.targets && batch.record == other.batch.record;
}

/// The first time a step is run launch by launch, for the driver loads kernels then; the second
/// time it is recorded. All that differs from time to time lies in memory.
void Device::replay(const StepTensors &tensors, const KernelArguments &arguments,
                    const SentBatch &sent) {
  constexpr Graph none = -1;
  Recorded wanted{tensors.step, arguments.count, sent, none};
  auto found = std::find_if(recorded.begin(), recorded.end(),
                            [&](const Recorded &each) { return each.isOf(wanted); });
  if (found == recorded.end()) {
    runRounds(tensors, arguments, /*to=*/nullptr);
    recorded.push_back(wanted);
    if (recorded.size() > kMaxRecorded) {
      if (recorded.front().graph != none)
        backend->releaseGraph(recorded.front().graph);
      recorded.erase(recorded.begin());
    }
    return;
  }
  std::rotate(found, found + 1, recorded.end());
  Recorded &step = recorded.back();
  if (step.graph == none) {
    backend->beginGraph();
    runRounds(tensors, arguments, /*to=*/nullptr);
    step.graph = backend->endGraph();
  }
  backend->replay(step.graph);
}

void Device::showToDevice(const ai_rt_model &model) {
  if (hostIsNewer)
    backend->copyIn(fixed, model.memory.data(), sizes.tensors);
  hostIsNewer = false;
  deviceIsNewer = true;
}

void Device::run(ai_rt_model &model, const StepTensors &tensors, const Batch &batch, char *to) {
  if (batchesAtOnce(tensors, batch.data, batch.count) > 1)
    return runTogether(model, tensors, batch, batch.count);
  showToDevice(model);
  if (int64_t(pending.size()) == kMaxPending)
    readPending();
  const ai_rt_progress_t &at = model.progress;
  const int64_t words[AI_RT_BATCH_ROWS] = {at.step, at.epoch, at.seed, int64_t(pending.size())};
  SentBatch sent = batches.send(words, tensors, batch, batch.count, model.normalisation);
  KernelArguments arguments{fixed,   workspace,   staged, sent.inputs, sent.targets,
                            metrics, sent.record, 0,      batch.count};
  if (to || !backend->hasGraphs())
    runRounds(tensors, arguments, to);
  else
    replay(tensors, arguments, sent);
  batches.endBatch();
  if (tensors.loss)
    pending.push_back({&tensors, batch.count});
}

int64_t Device::batchesAtOnce(const StepTensors &tensors, const ai_rt_data_t &data,
                              int64_t batch) const {
  if (!tensors.step->gpu->epoch || !batches.keeps(data, tensors))
    return 1;
  return std::clamp<int64_t>(kMaxSamples / batch, 2, kMaxPending);
}

int64_t Device::reserveLaunch(const StepTensors &tensors, const ai_rt_data_t &data, int64_t batch) {
  int64_t steps = batchesAtOnce(tensors, data, batch);
  if (steps == 1)
    return 0;
  try {
    batches.reserve(steps, batch);
  } catch (const Error &error) {
    if (error.status != AI_RT_NO_MEMORY)
      throw;
    batches.forget();
  }
  return steps * batch;
}

void Device::runTogether(ai_rt_model &model, const StepTensors &tensors, const Batch &all,
                         int64_t size) {
  const ai_rt_kernel_t &kernel = *tensors.step->gpu->epoch;
  if (resident == 0)
    resident = std::min(kernel.grid, backend->countResident(kernel));
  showToDevice(model);
  int64_t steps = (all.count + size - 1) / size;
  if (int64_t(pending.size()) + steps > kMaxPending)
    readPending();
  const ai_rt_progress_t &at = model.progress;
  const int64_t words[AI_RT_BATCH_ROWS] = {at.step, at.epoch, at.seed, int64_t(pending.size())};
  SentBatch sent = batches.send(words, tensors, all, size, model.normalisation);
  backend->launchTogether(kernel, resident,
                          {fixed, workspace, staged, sent.inputs, sent.targets, metrics,
                           sent.record, /*first=*/all.count, /*count=*/size});
  for (int64_t first = 0; first < all.count; first += size)
    pending.push_back({&tensors, std::min(size, all.count - first)});
}

void Device::call(const ai_rt_function_t &function, const void *const *args, void *const *results) {
  for (int64_t i = 0; i < function.num_args; ++i)
    std::memcpy(outputs.data() + function.args[i].offset, args[i], function.args[i].bytes);
  backend->copyIn(staged, outputs.data(), function.staged_bytes);
  launch(*function.gpu, 1, {fixed, workspace, staged, nullptr, nullptr, nullptr, nullptr, 0, 0});
  backend->copyOut(outputs.data(), staged, function.staged_bytes);
  for (int64_t i = 0; i < function.num_results; ++i)
    std::memcpy(results[i], outputs.data() + function.results[i].offset, function.results[i].bytes);
}
