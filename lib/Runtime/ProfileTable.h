//===- ProfileTable.h - a profile beside its roofline ----------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_PROFILETABLE_H
#define AI_LIB_RUNTIME_PROFILETABLE_H

#include "Machine.h"
#include "ai/Runtime/ai_rt.h"

namespace ai::rt {

/// A row of a profile, its times summed over threads.
struct ProfileRow {
  const ai_rt_profile_row_t *info;
  int64_t calls;
  double seconds, least;
};

/// What was measured: rows of `steps` steps, which took `wall` seconds.
struct Profile {
  std::vector<ProfileRow> rows;
  int64_t steps;
  double wall;
};

/// The rows that ran, the longest first, as a table of a mean step: all threads' times added up,
/// beside the least time that the machine allows, and the share of its FMA peak. A nest holds no
/// other, so its total time is its own. Of the rows behind the first `limit` one tells the sum; 0
/// shows all.
std::string formatProfile(Profile profile, const Machine &machine, int64_t limit);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_PROFILETABLE_H
