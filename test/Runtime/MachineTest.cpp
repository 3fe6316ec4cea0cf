//===- MachineTest.cpp - what the processor can do, and a profile beside it ===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Machine.h"
#include "lib/Runtime/ProfileTable.h"

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

/// Two threads: 100 GFLOP/s each, and a cache of 1024 bytes with 10 GB/s each.
static Machine made() {
  return {2, {200e9, 150e9}, {{"L1", 1024, {20e9, 10e9}}, {"memory", 0, {2e9, 1e9}}}};
}

TEST(Machine, TakesTheLongerOfArithmeticAndMemory) {
  Machine machine = made();
  EXPECT_DOUBLE_EQ(machine.leastSeconds(1e6, 1000, 1000), 1e-5) << "arithmetic";
  EXPECT_DOUBLE_EQ(machine.leastSeconds(1e6, 1e6, 1024), 1e-4) << "its bytes fit into L1";
  EXPECT_DOUBLE_EQ(machine.leastSeconds(1e6, 1e6, 1025), 1e-3) << "memory";
  EXPECT_EQ(machine.levelOf(0).name, "L1");
  EXPECT_EQ(machine.levelOf(1e18).name, "memory");
}

TEST(Profile, IsPrintedBesideTheRoofline) {
  static const ai_rt_profile_row_t rows[] = {{"staging", 0, 0, 0, 0},
                                             {"waiting", 0, 0, 0, 0},
                                             {"conv1", 1e6, 1000, 1000, 0},
                                             {"fc.weight", 4000, 40000, 4096, 1}};
  // Ten steps of 100 us: four blocks a step, an update on two threads.
  Profile profile = {{{&rows[0], 40, 100e-6, 1e-6},
                      {&rows[1], 0, 0, 0},
                      {&rows[2], 40, 800e-6, 12.5e-6},
                      {&rows[3], 20, 600e-6, 1e-6}},
                     10,
                     1000e-6};
  EXPECT_EQ(
      formatProfile(profile, made(), /*limit=*/0),
      "2 threads: FMA peak 200.0 GFLOP/s (median 150.0); reads in GB/s: L1 20.0 memory 2.0\n"
      " Total %  Total us    Calls    Avg us    Min us   Roof us  GFLOP/s  % peak at best  FLOP/B  "
      "Fits    Name (times of a step, all threads added up)\n"
      "   40.00     80.00      4.0     20.00     12.50     10.00    50.00    50.0    80.0 1000.00  "
      "L1      conv1\n"
      "   30.00     60.00      2.0     30.00      1.00     20.00     0.07     0.1       -    0.10  "
      "memory  fc.weight\n"
      "    5.00     10.00      4.0      2.50      1.00         -        -       -       -       -  "
      "-       staging\n"
      "   25.00     50.00                                                                          "
      "        outside: other threads at the end, between steps\n"
      "  100.00    200.00                                  80.00    40.04    20.0\n");
  // What is not shown is added up.
  std::string most = formatProfile(profile, made(), /*limit=*/1);
  EXPECT_NE(most.find(" conv1\n"), std::string::npos);
  EXPECT_EQ(most.find("fc.weight"), std::string::npos);
  EXPECT_NE(most.find("   35.00     70.00                                                        "
                      "                          others: 2; --rows 0 shows them all\n"
                      "   25.00     50.00"),
            std::string::npos)
      << most;
  EXPECT_EQ(formatProfile(profile, made(), /*limit=*/3), formatProfile(profile, made(), 100));
}
