//===- Team.cpp - how many threads share a step, and in teams -------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Team.h"
#include "Model.h"

#include <algorithm>
#include <limits>

using namespace ai::rt;

/// What a step costs beside its work when threads share it, what a barrier of a team costs, and
/// what a thread does at least in a second. They decide between ways to the same bits, one of which
/// takes microseconds longer.
static constexpr double kSharingSeconds = 3e-6, kBarrierSeconds = 1e-6;
static constexpr double kFlops = 100e9, kBytes = 10e9;

//===----------------------------------------------------------------------===//
// By what a step costs
//===----------------------------------------------------------------------===//

static double secondsOfBlock(const ai_rt_step_t &step) {
  return double(step.block_size) * step.flops / kFlops;
}

bool ai_rt_model::hasTeams(const ai_rt_step_t &step, int64_t blocks, int64_t threads) const {
  Sharing sharing(threads, blocks);
  // Threads without a CPU of their own would sleep at every barrier.
  if (blocks > step.num_slots || sharing.teams == 0 || step.num_barriers < 0 ||
      pool.numSpins() == 0)
    return false;
  double least = 1 / double(threads / sharing.teams); // the smallest team's part of a block
  return secondsOfBlock(step) * (1 - least) > double(step.num_barriers) * kBarrierSeconds;
}

/// What the thread with the most to do takes for its part of `blocks` blocks.
static double secondsOf(const ai_rt_model &model, const ai_rt_step_t &step, int64_t blocks,
                        int64_t threads, bool mayHaveTeams) {
  if (blocks == 0)
    return 0;
  if (mayHaveTeams && model.hasTeams(step, blocks, threads)) {
    Sharing sharing(threads, blocks);
    double longest = double(blocks / threads) + 1 / double(threads / sharing.teams);
    return longest * secondsOfBlock(step) + double(step.num_barriers) * kBarrierSeconds;
  }
  int64_t busy = std::min({threads, blocks, step.num_slots});
  return double((blocks + busy - 1) / busy) * secondsOfBlock(step);
}

int64_t ai_rt_model::threadsOf(const ai_rt_step_t &step, int64_t count, bool mayHaveTeams) const {
  int64_t threads = pool.numThreads(), blocks = fullBlocksOf(step, count);
  double saved =
      double(blocks) * secondsOfBlock(step) - secondsOf(*this, step, blocks, threads, mayHaveTeams);
  if (int64_t singles = singlesOf(step, count))
    saved += double(singles) * secondsOfBlock(*step.rest) -
             secondsOf(*this, *step.rest, singles, threads, mayHaveTeams);
  if (step.combine)
    saved += double(program.fixed_bytes) * (1 - 1 / double(threads)) / kBytes;
  return saved > kSharingSeconds ? threads : 1;
}

int64_t ai_rt_model_busy_threads(const ai_rt_model_t *model, int64_t count) {
  if (!ai_rt_program_find_step(&model->program, "train"))
    return 1;
  const ai_rt_step_t &step = *model->step("train", count).step;
  int64_t threads = model->threadsOf(step, count);
  auto busyWith = [&](const ai_rt_step_t &step, int64_t blocks) {
    int64_t atOnce = std::min({threads, blocks, step.num_slots});
    return model->hasTeams(step, blocks, threads) ? threads : atOnce;
  };
  int64_t busy = busyWith(step, fullBlocksOf(step, count));
  return step.rest ? std::max(busy, busyWith(*step.rest, singlesOf(step, count))) : busy;
}

//===----------------------------------------------------------------------===//
// Trials
//===----------------------------------------------------------------------===//

/// A way is tried so often in a row: threads that slept meanwhile are late the first time. After so
/// many runs the slower one has another trial.
static constexpr int64_t kRunsOfTrial = 4, kRunsUntilTrial = 512;

bool TeamTrial::next(int64_t samples) {
  if (counts[present].samples != samples) {
    auto known = std::find_if(counts.begin(), counts.end(),
                              [&](const Count &count) { return count.samples == samples; });
    if (known == counts.end()) {
      constexpr double kNever = std::numeric_limits<double>::infinity();
      known = counts.begin() + (present + 1) % counts.size();
      *known = {samples, 0, {kNever, kNever}};
    }
    present = size_t(known - counts.begin());
  }
  auto &[_, runs, seconds] = counts[present];
  bool isFaster = seconds[true] <= seconds[false];
  int64_t sinceTrial = runs % kRunsUntilTrial;
  if (runs < 2 * kRunsOfTrial)
    hasTeams = runs < kRunsOfTrial;
  else if (sinceTrial < kRunsOfTrial)
    hasTeams = sinceTrial == 0 ? !isFaster : hasTeams;
  else
    hasTeams = isFaster;
  ++runs;
  return hasTeams;
}

/// Others may have disturbed a slow run: it counts an eighth.
void TeamTrial::record(double latest) {
  double &known = counts[present].seconds[hasTeams];
  known = latest < known ? latest : known + (latest - known) / 8;
}
