//===- MachineTest.cpp - what the processor can do ------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Machine.h"

#include <gtest/gtest.h>

using namespace ai::rt;

/// No more is certain of an unknown machine.
static void expectPlausible(const Rate &rate, double least) {
  EXPECT_GE(rate.best, rate.median);
  EXPECT_GT(rate.median, 0);
  EXPECT_GT(rate.best, least);
}

TEST(Machine, MultipliesAndAdds) {
  // One scalar multiply-add in a nanosecond would be 2e9.
  for (int64_t threads : {1, 2})
    expectPlausible(measurePeak(threads), 2e9);
}

TEST(Machine, ReadsFromEveryLevel) {
  std::vector<MemoryLevel> levels = measureMemory(2);
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.back().name, "memory");
  EXPECT_EQ(levels.back().bytes, 0);
  for (const MemoryLevel &level : levels) {
    expectPlausible(level.bytesRead, 1e8);
    EXPECT_EQ(level.bytes == 0, level.name == "memory");
  }
}
