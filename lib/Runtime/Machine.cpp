//===- Machine.cpp - what the processor can do ----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <unistd.h>

using namespace ai::rt;

namespace {

/// Runs `repeats` passes over `bytes` of data.
using Kernel = void (*)(char *data, int64_t bytes, int64_t repeats);

/// The two kernels in vectors of one instruction set.
struct Kernels {
  int64_t vectorBytes;
  Kernel multiplyAdd, read;
};

} // namespace

/// Sums that multiplyAdd keeps in registers: enough to hide the latency of two units, few enough
/// for sixteen registers.
static constexpr int kSums = 12;

#define AI_INLINE inline __attribute__((always_inline))

/// Each of the sums is multiplied and added to once in a repeat. They and the two constants come
/// from memory, so that no compiler knows that two of them are equal.
template <typename Vector> static AI_INLINE void multiplyAdd(char *data, int64_t repeats) {
  auto *values = reinterpret_cast<Vector *>(data);
  Vector sums[kSums], factor = values[kSums], addend = values[kSums + 1];
  for (int i = 0; i < kSums; ++i)
    sums[i] = values[i];
  for (int64_t n = 0; n < repeats; ++n)
    for (int i = 0; i < kSums; ++i)
      sums[i] = sums[i] * factor + addend;
  for (int i = 0; i < kSums; ++i)
    values[i] = sums[i];
}

template <typename Vector> static AI_INLINE void read(char *data, int64_t bytes, int64_t repeats) {
  constexpr int kStreams = 8;
  auto *values = reinterpret_cast<Vector *>(data);
  int64_t count = bytes / int64_t(sizeof(Vector));
  Vector sums[kStreams] = {};
  for (int64_t n = 0; n < repeats; ++n)
    for (int64_t i = 0; i + kStreams <= count; i += kStreams)
      for (int j = 0; j < kStreams; ++j)
        sums[j] += values[i + j];
  for (int j = 1; j < kStreams; ++j)
    sums[0] += sums[j];
  values[0] = sums[0];
}

/// Both kernels in vectors of `bytes`, compiled for `target`.
#define AI_KERNELS(name, bytes, target)                                                            \
  namespace name {                                                                                 \
  typedef float Vector __attribute__((vector_size(bytes), may_alias));                             \
  target static void runMultiplyAdd(char *data, int64_t, int64_t repeats) {                        \
    multiplyAdd<Vector>(data, repeats);                                                            \
  }                                                                                                \
  target static void runRead(char *data, int64_t size, int64_t repeats) {                          \
    read<Vector>(data, size, repeats);                                                             \
  }                                                                                                \
  constexpr Kernels kernels = {bytes, runMultiplyAdd, runRead};                                    \
  }

AI_KERNELS(vectors128, 16, )
#ifdef __x86_64__
AI_KERNELS(vectors256, 32, __attribute__((target("avx2,fma"))))
AI_KERNELS(vectors512, 64, __attribute__((target("avx512f"))))
#endif

static const Kernels &findKernels() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f"))
    return vectors512::kernels;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return vectors256::kernels;
#endif
  return vectors128::kernels;
}

/// Times `kernel` on `threads` threads, each on an array of its own; its runs are short, so that
/// some of them are not disturbed by other processes. `amount` is the work of a run.
static Rate measure(Kernel kernel, int64_t threads, int64_t bytes, int64_t repeats, double amount) {
  using Clock = std::chrono::steady_clock;
  auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
  constexpr int64_t kLeastRuns = 5;
  constexpr double kSeconds = 0.1;
  std::atomic<int64_t> arrived{0}, finished{0};
  std::atomic<bool> enough{false};
  std::vector<double> times;
  auto wait = [&](std::atomic<int64_t> &count, int64_t run) {
    ++count;
    while (count < run * threads)
      std::this_thread::yield();
  };
  auto work = [&](bool isTimed) {
    std::unique_ptr<char, decltype(&std::free)> data(
        static_cast<char *>(std::aligned_alloc(64, size_t(bytes))), &std::free);
    std::fill_n(reinterpret_cast<float *>(data.get()), bytes / int64_t(sizeof(float)), 0.5f);
    Clock::time_point begin = Clock::now();
    for (int64_t run = 1;; ++run) {
      if (isTimed)
        enough = run > kLeastRuns && seconds(Clock::now() - begin) > kSeconds;
      wait(arrived, run);
      if (enough)
        return;
      Clock::time_point start = Clock::now();
      kernel(data.get(), bytes, repeats);
      wait(finished, run);
      if (isTimed)
        times.push_back(seconds(Clock::now() - start));
    }
  };
  std::vector<std::thread> others;
  for (int64_t t = 1; t < threads; ++t)
    others.emplace_back(work, false);
  work(true);
  for (std::thread &thread : others)
    thread.join();
  std::sort(times.begin(), times.end());
  return {amount / times.front(), amount / times[times.size() / 2]};
}

Rate ai::rt::measurePeak(int64_t threads) {
  const Kernels &kernels = findKernels();
  constexpr int64_t kRepeats = 200000;
  int64_t lanes = kernels.vectorBytes / int64_t(sizeof(float));
  return measure(kernels.multiplyAdd, threads, 16 * kernels.vectorBytes, kRepeats,
                 2.0 * double(threads * kRepeats * kSums * lanes));
}

/// What `threads` threads read, each from an array of `bytes`.
static Rate measureRead(int64_t threads, int64_t bytes) {
  int64_t size = bytes / 1024 * 1024;
  int64_t repeats = std::max<int64_t>(1, (int64_t(16) << 20) / size);
  return measure(findKernels().read, threads, size, repeats, double(threads * size * repeats));
}

std::vector<MemoryLevel> ai::rt::measureMemory(int64_t threads) {
  std::vector<MemoryLevel> levels;
  auto add = [&](const char *name, long size, int64_t sharedBy) {
    if (size / sharedBy >= 2048)
      levels.push_back({name, size / sharedBy, {}});
  };
  add("L1", sysconf(_SC_LEVEL1_DCACHE_SIZE), 1);
  add("L2", sysconf(_SC_LEVEL2_CACHE_SIZE), 1);
  add("L3", sysconf(_SC_LEVEL3_CACHE_SIZE), threads);
  int64_t last = levels.empty() ? 0 : levels.back().bytes * threads;
  // Half of a cache is surely read from there.
  for (MemoryLevel &level : levels)
    level.bytesRead = measureRead(threads, level.bytes / 2);
  constexpr int64_t kLeast = int64_t(32) << 20, kMost = int64_t(512) << 20;
  levels.push_back(
      {"memory", 0, measureRead(threads, std::clamp(4 * last, kLeast, kMost) / threads)});
  return levels;
}

Machine ai::rt::measureMachine(int64_t threads) {
  return {threads, measurePeak(threads), measureMemory(threads)};
}

const MemoryLevel &Machine::levelOf(double workingSet) const {
  auto fits = [&](const MemoryLevel &level) {
    return level.bytes == 0 || workingSet <= double(level.bytes);
  };
  return *std::find_if(levels.begin(), levels.end(), fits);
}

double Machine::leastSeconds(double flops, double bytes, double workingSet) const {
  return double(threads) *
         std::max(flops / this->flops.best, bytes / levelOf(workingSet).bytesRead.best);
}
