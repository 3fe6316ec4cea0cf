//===- Profile.cpp - where the time of steps goes -------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Profile.h"

#include "Model.h"

#include <algorithm>

using namespace ai::rt;

/// Of the step that this thread works for: generated code knows no model.
static thread_local ThreadProfile *current = nullptr;

void ThreadProfile::begin(Trace *newTrace, int64_t newThread) {
  current = this;
  trace = newTrace;
  thread = newThread;
  last = Clock::now();
}

void ThreadProfile::lap(int64_t row) {
  Clock::time_point now = Clock::now();
  ++rows[row].calls;
  rows[row].time += now - last;
  rows[row].least = std::min(rows[row].least, now - last);
  // The rows before are of the time between nests, which the step traces itself.
  if (trace && row > AI_RT_PROFILE_WAITING)
    trace->nest(thread, row, last, now);
  last = now;
}

void ai_rt_profile_lap(int64_t row) {
  if (current)
    current->lap(row);
}

void ai_rt_model_profile_reset(ai_rt_model_t *model) {
  for (ThreadProfile &profile : model->profiles)
    profile.reset();
}

ai_rt_status_t ai_rt_model_profile(const ai_rt_model_t *model, int64_t row, int64_t *calls,
                                   double *seconds, double *least) {
  return guarded([&] {
    if (model->program.num_profile_rows == 0)
      throwInvalid("model '", model->program.name, "' has no profile; compile it with --profile");
    if (row < 0 || row >= model->program.num_profile_rows)
      throwInvalid("expects a row of the profile from 0 to ", model->program.num_profile_rows - 1,
                   ", got ", row);
    int64_t sum = 0;
    ThreadProfile::Clock::duration time{}, best = ThreadProfile::Clock::duration::max();
    for (const ThreadProfile &profile : model->profiles) {
      sum += profile.rows[row].calls;
      time += profile.rows[row].time;
      best = std::min(best, profile.rows[row].least);
    }
    *calls = sum;
    *seconds = std::chrono::duration<double>(time).count();
    *least = sum ? std::chrono::duration<double>(best).count() : 0;
  });
}
