//===- Processor.cpp - which code this processor runs ---------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Processor.h"

#include "Error.h"

#include <cstdlib>

using namespace ai::rt;

#ifdef __x86_64__
// What stands behind __builtin_cpu_supports, in libgcc as in compiler-rt. The builtin itself takes
// literals only.
extern "C" {
int __cpu_indicator_init(void);
extern struct {
  unsigned vendor, type, subtype, features[1];
} __cpu_model;
extern unsigned __cpu_features2[];
}

bool ai::rt::hasFeature(int64_t bit) {
  __cpu_indicator_init();
  unsigned word = bit < 32 ? __cpu_model.features[0] : __cpu_features2[bit / 32 - 1];
  return word >> bit % 32 & 1;
}
#else
bool ai::rt::hasFeature(int64_t) { return true; }
#endif

/// "avx512f, avx512bw", what the program needs and the processor has not.
static std::string listMissing(const ai_rt_program_t &program, HasFeature has) {
  std::string names;
  for (int64_t i = 0; i < program.num_features; ++i)
    if (!has(program.features[i].bit))
      names += (names.empty() ? "" : ", ") + std::string(program.features[i].name);
  return names;
}

const ai_rt_program_t &ai::rt::selectProgram(const ai_rt_program_t *const *programs, int64_t count,
                                             const std::string &wanted, HasFeature has) {
  std::string reasons;
  for (int64_t i = 0; i < count; ++i) {
    const ai_rt_program_t &program = *programs[i];
    if (!wanted.empty() && wanted != program.cpu)
      continue;
    std::string missing = listMissing(program, has);
    if (missing.empty())
      return program;
    reasons += concat(reasons.empty() ? "" : "; ", program.cpu, " has ", missing);
  }
  const char *cpus = programs[0]->cpus;
  if (reasons.empty())
    throwInvalid("AI_CPU expects a processor that the program was compiled for, ", cpus, ", got ",
                 wanted);
  throw Error(AI_RT_NO_DEVICE,
              concat("expects a processor that the program was compiled for, ",
                     wanted.empty() ? cpus : wanted.c_str(),
                     ", but this one lacks what they have: ", reasons,
                     "; compile it for --cpu=native here, or for more processors"));
}

const ai_rt_program_t *ai_rt_program_select(const ai_rt_program_t *const *programs, int64_t count) {
  const ai_rt_program_t *selected = nullptr;
  guarded([&] {
    const char *wanted = std::getenv("AI_CPU");
    selected = &selectProgram(programs, count, wanted ? wanted : "", hasFeature);
  });
  return selected;
}
