//===- RaceCheck.h - who touched which byte last -*- C++ -* --------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_RACECHECK_H
#define AI_LIB_RUNTIME_GPU_RACECHECK_H

#include "lib/Runtime/Memory.h"

namespace ai::rt {

/// When a thread touched something: two accesses of one launch, or between two barriers of its
/// grid, are in order if they are one thread's, one warp's with a barrier of the warp between them,
/// or one block's with a barrier of the block between them.
struct Moment {
  uint32_t launch, phase, warpPhase; ///< Barriers passed; launches and the grid's count from 1.
  int32_t block, thread;
};

/// Remembers the last write and the last reads of every byte of a memory.
class RaceCheck {
public:
  RaceCheck(const char *memory, int64_t bytes);

  /// Records an access; returns the earlier one that it races with, null if there is none.
  const Moment *touch(const char *address, int64_t bytes, bool isWrite, const Moment &now);

  static constexpr int32_t kSeveral = -1; ///< In `block` or `thread`: more than one read it.
  static constexpr int32_t kWarp = 32;    ///< Threads of a warp.

private:
  struct Record {
    Moment write, read;
  };
  static bool races(const Moment &before, const Moment &now);
  static void addReader(Moment &read, const Moment &now);

  const char *begin;
  Memory memory; // pages come into being on first use
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_RACECHECK_H
