//===- ThreadPool.cpp - threads that spin, then sleep ---------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"

#include <csignal>
#include <linux/futex.h>
#include <sched.h>
#include <string>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

using namespace ai::rt;

/// Tells the core that this is a waiting loop.
static void pauseCPU() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

static void futex(std::atomic<uint32_t> &word, int operation, uint32_t value) {
  static_assert(sizeof(word) == sizeof(uint32_t), "the kernel reads 32 bits");
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), operation, value, nullptr, nullptr, 0);
}

void EventCount::advance() {
  // Sequentially consistent on both sides: either a sleeper is seen here, or it sees the new value.
  value.fetch_add(1);
  if (sleepers.load() != 0)
    futex(value, FUTEX_WAKE_PRIVATE, INT32_MAX);
}

void EventCount::wait(uint32_t old, int spins) {
  for (int i = 0; i < spins; ++i) {
    if (load() != old)
      return;
    pauseCPU();
  }
  sleepers.fetch_add(1);
  while (value.load() == old)
    futex(value, FUTEX_WAIT_PRIVATE, old);
  sleepers.fetch_sub(1);
}

std::vector<int> ai::rt::usableCPUs() {
  std::vector<int> cpus;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set))
        cpus.push_back(cpu);
  return cpus;
}

int64_t ai::rt::numUsableCPUs() {
  if (size_t count = usableCPUs().size())
    return int64_t(count);
  // More CPUs than a cpu_set_t can name.
  unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : count;
}

void ai::rt::bindThread(pthread_t thread, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (int error = pthread_setaffinity_np(thread, sizeof(set), &set))
    throw std::system_error(error, std::generic_category(),
                            "cannot bind a thread to CPU " + std::to_string(cpu));
}

ThreadPool::ThreadPool(int64_t numThreads, bool pin) : numParties(numThreads) {
  // About 100 us, longer than threads of one step wait for each other. A thread that spins while
  // another one has no core to run on only delays it.
  spins = numThreads <= numUsableCPUs() ? 4000 : 0;
  // Signals are the caller's: a worker that ran the handler of an application would surprise it.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  try {
    start(numThreads, pin);
  } catch (...) {
    stop();
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void ThreadPool::start(int64_t numThreads, bool pin) {
  std::vector<int> cpus = pin ? usableCPUs() : std::vector<int>();
  workers.reserve(numThreads - 1);
  for (int64_t i = 1; i < numThreads; ++i) {
    workers.emplace_back([this, i] { work(i); });
    if (pin)
      bindThread(workers.back().native_handle(), cpus.at(i));
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stopping = true;
  jobs.advance();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::work(int64_t thread) {
  for (uint32_t seen = 0;; ++seen) {
    jobs.wait(seen, spins);
    if (stopping)
      return;
    job(context, thread);
    barrier();
  }
}

void ThreadPool::run(Job newJob, void *newContext) {
  job = newJob;
  context = newContext;
  if (numParties > 1)
    jobs.advance();
  job(context, 0);
  barrier();
}

void Barrier::wait(int64_t parties, int spins) {
  uint32_t phase = phases.load();
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 < parties)
    return phases.wait(phase, spins);
  arrived.store(0, std::memory_order_relaxed);
  phases.advance();
}
