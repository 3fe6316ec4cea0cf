//===- Team.h - threads that compute one block together -------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_TEAM_H
#define AI_LIB_RUNTIME_TEAM_H

#include "ThreadPool.h"

#include <array>

namespace ai::rt {

/// A thread's place in a team: what the `team` of a block's call points to.
struct Team {
  Barrier &barrier; ///< Of all its threads.
  int64_t number;   ///< Thread `number` is one of them: its workspace is theirs.
  int64_t part, parts;
  int spins;

  void wait() const { barrier.wait(parts, spins); }
};

/// Who computes what of `blocks` blocks, one for each slot at most: every thread the same number of
/// blocks alone, and what is left over in teams, one for each of those blocks.
struct Sharing {
  Sharing(int64_t threads, int64_t blocks)
      : threads(threads), teams(blocks % threads), alone(blocks - teams) {}

  int64_t threads, teams;
  int64_t alone; ///< Blocks of threads alone: thread t takes t, t + threads, ...
};

/// Whether teams pay, found out step by step: what a thread needs of another one's work comes from
/// that one's cache, and how long this takes depends on where the two run, which may change. Both
/// ways give the same bits.
class TeamTrial {
public:
  /// Whether the next run, on `samples` samples, forms teams: both ways are tried at first, then
  /// the faster one is taken, and once in a while the other has a trial.
  bool next(int64_t samples);

  /// How long it took.
  void record(double seconds);

private:
  /// What is known of runs on so many samples.
  struct Count {
    int64_t samples = 0, runs = 0;
    double seconds[2] = {}; ///< Without teams, and with them.
  };

  /// Whole batches, last ones, those of a test set: more come and go.
  std::array<Count, 4> counts;
  size_t present = 0;
  bool hasTeams = false;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_TEAM_H
