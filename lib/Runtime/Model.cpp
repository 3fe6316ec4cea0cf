//===- Model.cpp - making models, and their tensors and settings ----------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"
#include "Random.h"

#include <cstring>

using namespace ai::rt;

/// Far more than a machine has; a wrong number should not start a million threads.
static constexpr int64_t kMaxThreads = 4096;

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

/// Throws unless the tables are ones that this runtime can work with.
static const ai_rt_program_t &checkProgram(const ai_rt_program_t *program) {
  if (!program)
    throwInvalid("expects a program, got null");
  if (program->abi_version != AI_RT_ABI_VERSION)
    throwInvalid("expects a program of ABI version ", AI_RT_ABI_VERSION, ", got ",
                 program->abi_version, "; compile the model with the compiler of this runtime");
  if (program->num_steps == 0)
    throwInvalid("expects a program with a training recipe, got functions only; use ai_rt_call");
  for (int64_t i = 0; i < program->num_tensors; ++i) {
    const ai_rt_tensor_info_t &info = program->tensors[i];
    if (info.offset < 0 || info.offset + info.bytes > program->fixed_bytes)
      throwInvalid("expects tensor '", info.name, "' inside ", program->fixed_bytes,
                   " fixed bytes, got ", info.bytes, " bytes at ", info.offset);
  }
  return *program;
}

static ai_rt_config_t resolveConfig(const ai_rt_program_t *program, const ai_rt_config_t *given) {
  checkProgram(program);
  ai_rt_config_t config = given ? *given : ai_rt_config_default(program);
  if (config.batch < 0)
    throwInvalid("expects a batch of at least 1, got ", config.batch);
  if (config.threads < 0 || config.threads > kMaxThreads)
    throwInvalid("expects 1 to ", kMaxThreads, " threads, got ", config.threads);
  if (config.batch == 0)
    config.batch = program->batch;
  if (isForGPU(*program)) // whose threads are others
    config.threads = 1;
  if (config.threads == 0)
    config.threads = std::min(numUsableCPUs(), kMaxThreads);
  if (int64_t cpus = numUsableCPUs(); config.pin && config.threads > cpus)
    throwInvalid("expects a CPU for each thread that is pinned, of which this process may use ",
                 cpus, ", got ", config.threads, " threads");
  checkMemory(*program, config.batch, config.threads);
  return config;
}

static StepTensors findTensors(const ai_rt_step_t &step) {
  StepTensors found;
  found.step = &step;
  if (step.rest) {
    StepTensors rest = findTensors(*step.rest);
    found.restInput = rest.input;
    found.restTarget = rest.target;
  }
  for (int64_t i = 0; i < step.num_tensors; ++i) {
    const ai_rt_tensor_info_t &info = step.tensors[i];
    if (info.role == AI_RT_INPUT)
      found.input = &info;
    else if (info.role == AI_RT_TARGET)
      found.target = &info;
    else if (info.role == AI_RT_OUTPUT)
      found.output = &info;
    else if (info.role == AI_RT_METRIC && std::strcmp(info.name, "loss") == 0)
      found.loss = &info;
    else if (info.role == AI_RT_METRIC && std::strcmp(info.name, "correct") == 0)
      found.correct = &info;
  }
  if (!found.input)
    throwInvalid("expects step '", step.name, "' to have an input");
  return found;
}

ai_rt_model::ai_rt_model(const ai_rt_program_t &program, const ai_rt_config_t &config)
    : program(program), fixedBytes(roundUp(program.fixed_bytes)),
      workspaceBytes(isForGPU(program) ? 0 : ai::rt::workspaceBytes(program)),
      device(isForGPU(program) ? new Device(program, config.batch) : nullptr),
      memory(fixedBytes + config.threads * workspaceBytes),
      normalisation(program.mean, program.std), progress{0, 0, 0, config.seed},
      pool(config.threads, config.pin != 0), teamBarriers(new Barrier[config.threads]),
      teamTrials(program.num_steps) {
  batch = config.batch;
  rows.reserve(batch);
  if (program.num_profile_rows > 0)
    profiles.assign(config.threads, ThreadProfile(program.num_profile_rows));
  for (int64_t i = 0; i < program.num_steps; ++i)
    steps.push_back(findTensors(program.steps[i]));
  // Random numbers take longer than a small step.
  pool.run(
      [](void *model, int64_t thread) { static_cast<ai_rt_model *>(model)->fillTensors(thread); },
      this);
}

void ai_rt_model::fillTensors(int64_t thread) {
  for (int64_t i = 0; i < program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &info = program.tensors[i];
    if (info.dtype == AI_RT_F32 || info.dtype == AI_RT_F64)
      fillInitial(info, progress.seed, i, fixed() + info.offset, thread, pool.numThreads());
  }
}

ai_rt_status_t ai_rt_model_create(const ai_rt_program_t *program, const ai_rt_config_t *config,
                                  ai_rt_model_t **model) {
  return guarded([&] { *model = new ai_rt_model(*program, resolveConfig(program, config)); });
}

void ai_rt_model_destroy(ai_rt_model_t *model) { delete model; }

//===----------------------------------------------------------------------===//
// What a model says of itself
//===----------------------------------------------------------------------===//

const ai_rt_program_t *ai_rt_model_program(const ai_rt_model_t *model) { return &model->program; }

int64_t ai_rt_model_num_threads(const ai_rt_model_t *model) { return model->pool.numThreads(); }

int64_t ai_rt_model_memory(const ai_rt_model_t *model) {
  return ai_rt_program_memory(&model->program, model->batch, model->pool.numThreads());
}

int64_t ai_rt_model_is_trained(const ai_rt_model_t *model) { return model->trained; }

ai_rt_progress_t ai_rt_model_progress(const ai_rt_model_t *model) { return model->progress; }

ai_rt_status_t ai_rt_model_set_progress(ai_rt_model_t *model, const ai_rt_progress_t *progress) {
  return guarded([&] {
    if (progress->step < 0 || progress->epoch < 0 || progress->position < 0)
      throwInvalid("expects step, epoch and position of at least 0, got ", progress->step, ", ",
                   progress->epoch, " and ", progress->position);
    model->progress = *progress;
  });
}

void ai_rt_model_next_epoch(ai_rt_model_t *model) {
  ++model->progress.epoch;
  model->progress.position = 0;
}

const StepTensors &ai_rt_model::step(const char *name, int64_t count) const {
  const ai_rt_step_t *found = findStep(program, name, count);
  if (!found)
    throwInvalid("model '", program.name, "' has no step '", name, "'");
  return steps[found - program.steps];
}

int64_t ai_rt_model::eventsOf(const ai_rt_step_t &step, int64_t count) const {
  int64_t numSlots = step.num_slots, threads = threadsOf(step, count);
  int64_t blocks = blocksOf(step, count);
  int64_t rounds = (blocks + numSlots - 1) / numSlots; // blocks of a slot
  int64_t ownSlots = (numSlots + threads - 1) / threads;
  int64_t calls = rounds * ownSlots + (step.fold ? rounds : 1); // into generated code
  calls += singlesOf(step, count);
  // Each has an event of its own, one of staging or waiting, another wait behind a fold or before
  // a single sample, and runs no nest twice. Then the run itself and its first and last wait.
  return calls * (3 + program.num_profile_rows) + 3;
}

//===----------------------------------------------------------------------===//
// Tensors and settings
//===----------------------------------------------------------------------===//

int64_t ai_rt_model_num_tensors(const ai_rt_model_t *model) { return model->program.num_tensors; }

const ai_rt_tensor_info_t *ai_rt_model_tensor_info(const ai_rt_model_t *model, int64_t index) {
  bool exists = index >= 0 && index < model->program.num_tensors;
  return exists ? &model->program.tensors[index] : nullptr;
}

int64_t ai_rt_model_find_tensor(const ai_rt_model_t *model, const char *name) {
  for (int64_t i = 0; i < model->program.num_tensors; ++i)
    if (std::strcmp(model->program.tensors[i].name, name) == 0)
      return i;
  return -1;
}

/// Returns the names of the program's tensors of one role, or of all if `role` is negative.
static std::string listNames(const ai_rt_program_t &program, int64_t role) {
  std::string names;
  for (int64_t i = 0; i < program.num_tensors; ++i)
    if (role < 0 || program.tensors[i].role == role)
      names += (names.empty() ? "" : ", ") + std::string(program.tensors[i].name);
  return names.empty() ? "none" : names;
}

const ai_rt_tensor_info_t &ai_rt_model::tensor(const char *name) const {
  int64_t index = ai_rt_model_find_tensor(this, name);
  if (index < 0)
    throwInvalid("model '", program.name, "' has no tensor '", name,
                 "'; it has: ", listNames(program, -1));
  return program.tensors[index];
}

void *ai_rt_model_tensor_data(ai_rt_model_t *model, const char *name) {
  int64_t index = ai_rt_model_find_tensor(model, name);
  return index < 0 ? nullptr : model->fixed() + model->program.tensors[index].offset;
}

static const ai_rt_tensor_info_t &tensorOfSize(const ai_rt_model_t &model, const char *name,
                                               int64_t bytes) {
  const ai_rt_tensor_info_t &info = model.tensor(name);
  if (bytes != info.bytes)
    throwInvalid("expects ", info.bytes, " bytes for tensor '", name, "' of ",
                 formatShape(info.shape, info.rank), " ", ai_rt_dtype_name(info.dtype), ", got ",
                 bytes);
  return info;
}

ai_rt_status_t ai_rt_model_get_tensor(const ai_rt_model_t *model, const char *name, void *data,
                                      int64_t bytes) {
  return guarded([&] {
    const ai_rt_tensor_info_t &info = tensorOfSize(*model, name, bytes);
    std::memcpy(data, model->fixed() + info.offset, bytes);
  });
}

ai_rt_status_t ai_rt_model_set_tensor(ai_rt_model_t *model, const char *name, const void *data,
                                      int64_t bytes) {
  return guarded([&] {
    const ai_rt_tensor_info_t &info = tensorOfSize(*model, name, bytes);
    std::memcpy(model->fixed() + info.offset, data, bytes);
    model->trained |= info.role == AI_RT_PARAMETER;
  });
}

static const ai_rt_tensor_info_t &findSetting(const ai_rt_model_t &model, const char *name) {
  int64_t index = ai_rt_model_find_tensor(&model, name);
  if (index < 0 || model.program.tensors[index].role != AI_RT_SETTING)
    throwInvalid("model '", model.program.name, "' has no setting '", name,
                 "'; it has: ", listNames(model.program, AI_RT_SETTING));
  return model.program.tensors[index];
}

ai_rt_status_t ai_rt_model_get_setting(const ai_rt_model_t *model, const char *name,
                                       double *value) {
  return guarded([&] {
    std::memcpy(value, model->settings() + findSetting(*model, name).offset, sizeof(*value));
  });
}

ai_rt_status_t ai_rt_model_set_setting(ai_rt_model_t *model, const char *name, double value) {
  return guarded([&] {
    std::memcpy(model->fixed() + findSetting(*model, name).offset, &value, sizeof(value));
  });
}
