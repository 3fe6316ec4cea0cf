//===- Machine.h - what the processor can do ------------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_MACHINE_H
#define AI_LIB_RUNTIME_MACHINE_H

#include <cstdint>
#include <string>
#include <vector>

namespace ai::rt {

/// Of many short runs within 0.1 s, per second. The two are the same on a quiet machine.
struct Rate {
  double best;   ///< What the hardware can do.
  double median; ///< What it did, with whatever else is running.
};

/// A cache, or the memory behind the last one.
struct MemoryLevel {
  std::string name; ///< "L1", "L2", "L3", "memory".
  int64_t bytes;    ///< What one of the threads can keep there; 0 for memory: no limit.
  Rate bytesRead;   ///< By all threads together.
};

/// What a roofline is drawn from.
struct Machine {
  int64_t threads;
  Rate flops;                      ///< Of f32.
  std::vector<MemoryLevel> levels; ///< Nearest first; the last one is memory.

  /// The nearest level where one thread can keep so many bytes.
  const MemoryLevel &levelOf(double workingSet) const;
  /// The least seconds in which one thread does that many operations and moves that many bytes:
  /// the longer of the two at the best rate, the bytes at that of their working set's level.
  double leastSeconds(double flops, double bytes, double workingSet) const;
};

/// The multiply-adds of f32 that `threads` threads do from registers, in operations (a multiply-add
/// is two), with the widest vectors of this processor.
Rate measurePeak(int64_t threads);

/// The levels of memory, nearest first, and what `threads` threads read from each, every one from
/// an array of its own. Caches that the system does not tell of are left out.
std::vector<MemoryLevel> measureMemory(int64_t threads);

/// Both; takes about half a second.
Machine measureMachine(int64_t threads);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_MACHINE_H
