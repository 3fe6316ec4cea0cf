//===- Tables.cpp - questions about a program's tables --------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include <cstring>

using namespace ai::rt;

int64_t ai_rt_dtype_size(int64_t dtype) {
  switch (dtype) {
  case AI_RT_F64:
  case AI_RT_I64:
    return 8;
  case AI_RT_F32:
  case AI_RT_I32:
    return 4;
  case AI_RT_I8:
  case AI_RT_I1:
  case AI_RT_U8:
    return 1;
  default:
    return 0;
  }
}

const char *ai_rt_dtype_name(int64_t dtype) {
  static const char *const names[] = {"f32", "f64", "i32", "i64", "i8", "i1", "u8"};
  return dtype >= 0 && dtype <= AI_RT_U8 ? names[dtype] : "?";
}

/// Returns the entry called `name`, null if there is none.
template <typename Entry>
static const Entry *findByName(const Entry *entries, int64_t count, const char *name) {
  for (int64_t i = 0; i < count; ++i)
    if (std::strcmp(entries[i].name, name) == 0)
      return &entries[i];
  return nullptr;
}

const ai_rt_step_t *ai_rt_program_find_step(const ai_rt_program_t *program, const char *name) {
  return findByName(program->steps, program->num_steps, name);
}

const ai_rt_step_t *ai::rt::findStep(const ai_rt_program_t &program, const char *name,
                                     int64_t count) {
  const ai_rt_step_t *found = nullptr;
  for (int64_t i = 0; i < program.num_steps; ++i) {
    const ai_rt_step_t &step = program.steps[i];
    bool takesSoMany = step.most_samples == 0 || count <= step.most_samples;
    if (takesSoMany && std::strcmp(step.name, name) == 0)
      found = &step;
  }
  return found;
}

const ai_rt_function_t *ai_rt_program_find_function(const ai_rt_program_t *program,
                                                    const char *name) {
  return findByName(program->functions, program->num_functions, name);
}

int64_t ai::rt::workspaceBytes(const ai_rt_program_t &program) {
  int64_t bytes = 0;
  for (int64_t i = 0; i < program.num_steps; ++i)
    bytes = std::max(bytes, program.steps[i].workspace_bytes);
  return roundUp(bytes);
}

int64_t ai_rt_program_memory(const ai_rt_program_t *program, int64_t batch, int64_t threads) {
  if (batch <= 0)
    batch = program->batch;
  if (threads <= 0)
    threads = numUsableCPUs();
  if (isForGPU(*program)) { // what is on the device, and the host's copies of it
    DeviceMemory device(*program);
    return device.bytes() + Samples::recordBytes(batch) + roundUp(program->fixed_bytes) +
           device.staged + device.metrics + batch * 8;
  }
  return roundUp(program->fixed_bytes) + threads * workspaceBytes(*program) + batch * 8;
}

void ai::rt::checkMemory(const ai_rt_program_t &program, int64_t batch, int64_t threads,
                         int64_t scratch) {
  int64_t most = program.max_memory,
          planned = ai_rt_program_memory(&program, batch, threads) + scratch;
  if (most == 0 || planned <= most)
    return;
  if (isForGPU(program))
    throw Error(
        AI_RT_NO_MEMORY,
        concat("expects at most ", most, " bytes of memory (ai-compile's --max-memory), got ",
               planned, " on the GPU and the host for a batch of ", batch,
               scratch ? concat(", of which libraries want ", scratch) : "",
               "; the least, a batch of 1, is ", ai_rt_program_memory(&program, 1, 1) + scratch));
  int64_t workspace = std::max<int64_t>(workspaceBytes(program), 1);
  int64_t fittingThreads = threads - (planned - most + workspace - 1) / workspace;
  int64_t fittingBatch = batch - (planned - most + 7) / 8;
  std::string remedy;
  if (fittingThreads > 0)
    remedy = concat("it fits with --threads ", fittingThreads);
  else if (fittingBatch > 0)
    remedy = concat("it fits with --batch ", fittingBatch);
  else
    remedy =
        concat("the least, one thread and a batch of 1, is ", ai_rt_program_memory(&program, 1, 1));
  throw Error(AI_RT_NO_MEMORY,
              concat("expects at most ", most, " bytes of memory (ai-compile's --max-memory), got ",
                     planned, " for ", threads, threads == 1 ? " thread" : " threads",
                     " and a batch of ", batch, "; ", remedy));
}

ai_rt_config_t ai_rt_config_default(const ai_rt_program_t *program) {
  return {/*threads=*/0, program->batch, program->seed, /*pin=*/0};
}
