//===- ThreadPool.h - threads that spin, then sleep ----------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_THREADPOOL_H
#define AI_LIB_RUNTIME_THREADPOOL_H

#include <atomic>
#include <cstdint>
#include <pthread.h>
#include <thread>
#include <vector>

namespace ai::rt {

/// A counter that threads wait on: they spin for a while, then sleep in the kernel.
class EventCount {
public:
  uint32_t load() const { return value.load(std::memory_order_acquire); }

  /// Adds 1 and wakes every waiting thread. What came before is visible to them.
  void advance();

  /// Returns once the counter is no longer `old`; spins at most `spins` times before it sleeps.
  void wait(uint32_t old, int spins);

private:
  std::atomic<uint32_t> value{0};
  std::atomic<uint32_t> sleepers{0};
};

/// Where a number of threads wait for each other, again and again.
class Barrier {
public:
  /// Returns once `parties` threads have called it. What came before is visible behind it.
  void wait(int64_t parties, int spins);

private:
  // Apart from each other, so that arriving threads do not disturb those that spin.
  alignas(64) EventCount phases;
  alignas(64) std::atomic<int64_t> arrived{0};
};

/// A fixed set of threads, made once, that run one job after the other together with their caller.
/// Nothing is allocated after construction.
class ThreadPool {
public:
  /// Runs as `thread` of `numThreads()`; must not throw.
  using Job = void (*)(void *context, int64_t thread);

  /// Starts `numThreads - 1` threads. Throws std::system_error if they cannot be had. If `pin`,
  /// thread i is bound to CPU i of those that the caller may use; the caller itself is left as it
  /// is.
  explicit ThreadPool(int64_t numThreads, bool pin = false);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int64_t numThreads() const { return static_cast<int64_t>(workers.size()) + 1; }

  /// Runs `job` on every thread, the caller being thread 0, and returns when all have ended.
  void run(Job job, void *context);

  /// Waits, inside a job, until every thread of the job is here.
  void barrier() { everybody.wait(numParties, spins); }

  /// How often a thread looks before it sleeps.
  int numSpins() const { return spins; }

private:
  void start(int64_t numThreads, bool pin);
  void work(int64_t thread);
  void stop();

  int64_t numParties;
  int spins;
  Job job = nullptr;
  void *context = nullptr;
  bool stopping = false;
  alignas(64) EventCount jobs;
  Barrier everybody;
  std::vector<std::thread> workers;
};

/// Returns the number of CPUs that this process may use, at least 1.
int64_t numUsableCPUs();

/// Returns their numbers, ascending; none if the system does not tell.
std::vector<int> usableCPUs();

/// Binds a thread to one CPU. Throws std::system_error if it may not run there.
void bindThread(pthread_t thread, int cpu);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_THREADPOOL_H
