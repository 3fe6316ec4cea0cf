//===- Profile.h - where the time of steps goes -------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_PROFILE_H
#define AI_LIB_RUNTIME_PROFILE_H

#include "Trace.h"

#include <chrono>
#include <cstdint>
#include <vector>

namespace ai::rt {

/// Calls and times of one thread, a row for each nest of the program.
class ThreadProfile {
public:
  using Clock = std::chrono::steady_clock;
  struct Row {
    int64_t calls = 0;
    Clock::duration time{}, least = Clock::duration::max();
  };

  explicit ThreadProfile(int64_t numRows) : rows(numRows) {}

  /// Makes this the profile of the calling thread, until another one is; the clock starts. Nests
  /// go to `trace`, if there is one, as those of `thread`.
  void begin(Trace *trace, int64_t thread);
  /// The time since the last call belongs to `row`.
  void lap(int64_t row);
  void reset() { rows.assign(rows.size(), Row()); }

  std::vector<Row> rows;

private:
  Clock::time_point last;
  Trace *trace = nullptr;
  int64_t thread = 0;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_PROFILE_H
