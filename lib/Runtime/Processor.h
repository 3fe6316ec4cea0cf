//===- Processor.h - which code this processor runs ------------ -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_PROCESSOR_H
#define AI_LIB_RUNTIME_PROCESSOR_H

#include "ai/Runtime/ai_rt.h"

#include <string>

namespace ai::rt {

/// Whether a processor has a feature.
using HasFeature = bool (*)(int64_t bit);

/// Whether this processor has it, and the system keeps its registers.
bool hasFeature(int64_t bit);

/// `ai_rt_program_select` for a processor that has what `has` says; `wanted` is AI_CPU, or empty.
/// Throws an Error if there is none.
const ai_rt_program_t &selectProgram(const ai_rt_program_t *const *programs, int64_t count,
                                     const std::string &wanted, HasFeature has);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_PROCESSOR_H
