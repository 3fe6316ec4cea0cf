//===- Random.h - random numbers by counting ------------------ -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_RANDOM_H
#define AI_LIB_RUNTIME_RANDOM_H

#include "ai/Runtime/ai_rt.h"

#include <array>

namespace ai::rt {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"): 128 random bits
/// that are a pure function of key and counter, whoever asks in whatever order.
std::array<uint32_t, 4> philox(uint64_t key, const std::array<uint32_t, 4> &counter);

/// What the last word of a counter says about the number's purpose. Dropout, drawn by generated
/// code, uses small words: the number of the dropout layer.
enum : uint32_t { kInitStream = 0x80000000u, kShuffleStream = 0xFFFFFFFFu };

/// Fills a parameter (f32 or f64) with its initial values: a function of seed, the parameter's
/// index in the program and the element's index. f32 values are the f64 values, rounded. Fills the
/// elements of one of `parts` equal parts only.
void fillInitial(const ai_rt_tensor_info_t &info, int64_t seed, int64_t index, void *data,
                 int64_t part = 0, int64_t parts = 1);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_RANDOM_H
