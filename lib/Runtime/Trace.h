//===- Trace.h - what each thread does when -------------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_TRACE_H
#define AI_LIB_RUNTIME_TRACE_H

#include "ai/Runtime/ai_rt.h"

#include <chrono>
#include <string>
#include <vector>

namespace ai::rt {

/// Records a few runs of steps. On every thread a run is one event, whose parts follow each other
/// without a gap; a part holds its nests. All memory is taken at once.
class Trace {
public:
  using Clock = std::chrono::steady_clock;

  /// What a thread did. `Step` is the whole run, `Nest` a part of a block, a fold or a combine.
  enum class Kind : uint8_t { Step, Waiting, Staging, Block, Fold, Combine, Nest };

  /// Makes room for `runs` runs of `eventsPerRun` events a thread, as far as there is any.
  Trace(int64_t threads, int64_t runs, int64_t eventsPerRun);

  /// Begins a run unless all are done or this one, of at most `events` events a thread, does not
  /// fit. Called while no thread is at work, like `endRun`.
  bool beginRun(const char *step, int64_t stepsDone, int64_t samples, int64_t events);
  void endRun();

  /// Thread `thread` has done this since its last lap.
  void lap(int64_t thread, Kind kind, int64_t block = 0) { lap(thread, kind, block, Clock::now()); }
  /// A nest, from the profile's clock.
  void nest(int64_t thread, int64_t row, Clock::time_point begin, Clock::time_point end) {
    append(thread, {begin, end, row, Kind::Nest});
  }

  bool empty() const { return runs.empty(); }

  /// Replaces the file at `path`.
  void write(const ai_rt_program_t &program, const std::string &path) const;

private:
  /// `index` of a block, of a row of the profile, or of a run.
  struct Event {
    Clock::time_point begin, end;
    int64_t index;
    Kind kind;
  };
  struct alignas(64) Thread {  // apart from each other's cache lines
    std::vector<Event> events; ///< All there is room for.
    size_t used = 0;
    Clock::time_point last;
  };
  struct Run {
    const char *step;
    int64_t stepsDone, samples;
  };

  void lap(int64_t thread, Kind kind, int64_t block, Clock::time_point now);
  void append(int64_t thread, const Event &event);
  void describe(std::string &text, const ai_rt_program_t &program, size_t thread,
                const Event &event) const;

  std::vector<Thread> threads;
  std::vector<Run> runs;
  Clock::time_point traceBegin, runBegin;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_TRACE_H
