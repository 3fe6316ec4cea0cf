//===- ThreadPoolTest.cpp - every thread, every job, no deadlock ----------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/ThreadPool.h"

#include <gtest/gtest.h>
#include <sched.h>

using namespace ai::rt;

namespace {
class ThreadPoolTest : public testing::TestWithParam<int64_t> {};

/// Each thread leaves its mark before the barrier and looks for all marks after it.
struct Marks {
  explicit Marks(ThreadPool &pool) : pool(pool), marks(pool.numThreads()) {}

  void work(int64_t thread) {
    marks[thread] += 1;
    pool.barrier();
    for (int mark : marks)
      disagreements += mark != marks[thread];
    pool.barrier();
  }

  ThreadPool &pool;
  std::vector<int> marks;
  std::atomic<int> disagreements{0};
};
} // namespace

TEST_P(ThreadPoolTest, RunsEachJobOnEachThreadAndBarriersSeparate) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.numThreads(), GetParam());
  Marks marks(pool);
  constexpr int jobs = 500;
  for (int i = 0; i < jobs; ++i)
    pool.run([](void *marks, int64_t thread) { static_cast<Marks *>(marks)->work(thread); },
             &marks);
  EXPECT_EQ(marks.disagreements, 0);
  for (int mark : marks.marks)
    EXPECT_EQ(mark, jobs);
}

TEST_P(ThreadPoolTest, WakesThreadsThatFellAsleep) {
  ThreadPool pool(GetParam());
  std::atomic<int> runs{0};
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pool.run([](void *runs, int64_t) { ++*static_cast<std::atomic<int> *>(runs); }, &runs);
  }
  EXPECT_EQ(runs, 5 * GetParam());
}

TEST_P(ThreadPoolTest, EndsWithoutAJob) { ThreadPool pool(GetParam()); }

TEST(ThreadPool, BindsItsThreads) {
  std::vector<int> cpus = usableCPUs();
  ASSERT_EQ(int64_t(cpus.size()), numUsableCPUs());
  ThreadPool pool(numUsableCPUs(), /*pin=*/true);
  std::vector<std::vector<int>> bound(cpus.size());
  pool.run(
      [](void *bound, int64_t thread) {
        (*static_cast<std::vector<std::vector<int>> *>(bound))[thread] = usableCPUs();
      },
      &bound);
  EXPECT_EQ(bound[0], cpus) << "the caller is left alone";
  for (size_t i = 1; i < cpus.size(); ++i)
    EXPECT_EQ(bound[i], std::vector<int>{cpus[i]});
}

TEST(ThreadPool, RefusesACPUThatIsNotThere) {
  EXPECT_THROW(bindThread(pthread_self(), CPU_SETSIZE - 1), std::system_error);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 8, 17));

TEST(NumUsableCPUs, IsAtLeastOne) { EXPECT_GE(numUsableCPUs(), 1); }
