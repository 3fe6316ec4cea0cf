//===- RandomTest.cpp - known answers, distributions, permutations --------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Random.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

using namespace ai::rt;

using Words = std::array<uint32_t, 4>;

/// The known answers of the authors' Random123 library.
TEST(Philox, MatchesTheReference) {
  EXPECT_EQ(philox(0, {0, 0, 0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ull, {~0u, ~0u, ~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

template <typename T>
static std::vector<T> initial(int64_t init, double value, int64_t count, int64_t seed = 1,
                              int64_t index = 0) {
  int64_t dtype = sizeof(T) == 8 ? AI_RT_F64 : AI_RT_F32;
  int64_t bytes = count * static_cast<int64_t>(sizeof(T));
  std::vector<T> values(count);
  fillInitial({"w", AI_RT_PARAMETER, dtype, 1, &count, 0, bytes, init, value, 0}, seed, index,
              values.data());
  return values;
}

TEST(FillInitial, PartsMakeTheWhole) {
  int64_t count = 10;
  std::vector<double> whole = initial<double>(AI_RT_INIT_NORMAL, 1, count), parts(count);
  for (int64_t part : {2, 0, 1})
    fillInitial({"w", AI_RT_PARAMETER, AI_RT_F64, 1, &count, 0, 8 * count, AI_RT_INIT_NORMAL, 1, 0},
                1, 0, parts.data(), part, 3);
  EXPECT_EQ(parts, whole);
}

/// Returns the mean of the values' powers.
static double moment(const std::vector<double> &values, int power) {
  double sum = 0;
  for (double value : values)
    sum += std::pow(value, power);
  return sum / static_cast<double>(values.size());
}

TEST(FillInitial, UniformFillsItsInterval) {
  auto values = initial<double>(AI_RT_INIT_UNIFORM, 0.5, 100000);
  auto [low, high] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*low, -0.5);
  EXPECT_LE(*high, 0.5);
  EXPECT_LT(*low, -0.499);
  EXPECT_GT(*high, 0.499);
  EXPECT_NEAR(moment(values, 1), 0, 3e-3);
  EXPECT_NEAR(moment(values, 2), 1.0 / 12, 1e-3);
}

TEST(FillInitial, NormalHasItsMoments) {
  auto values = initial<double>(AI_RT_INIT_NORMAL, 2, 200000);
  EXPECT_NEAR(moment(values, 1), 0, 2e-2);
  EXPECT_NEAR(moment(values, 2), 4, 5e-2);
  EXPECT_NEAR(moment(values, 3), 0, 2e-1);
  EXPECT_NEAR(moment(values, 4), 3 * 16, 1.5);
}

TEST(FillInitial, ConstantIsConstant) {
  EXPECT_EQ(initial<float>(AI_RT_INIT_CONSTANT, 0.25, 3), (std::vector<float>(3, 0.25f)));
}

TEST(FillInitial, DependsOnSeedAndIndexAndNotOnTheType) {
  auto values = initial<double>(AI_RT_INIT_NORMAL, 1, 50);
  EXPECT_NE(values, initial<double>(AI_RT_INIT_NORMAL, 1, 50, /*seed=*/2));
  EXPECT_NE(values, initial<double>(AI_RT_INIT_NORMAL, 1, 50, /*seed=*/1, /*index=*/1));
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()),
            initial<float>(AI_RT_INIT_NORMAL, 1, 50));
}

static std::vector<uint32_t> shuffled(int64_t seed, int64_t epoch, int64_t count) {
  std::vector<uint32_t> order(count);
  ai_rt_shuffle(seed, epoch, count, order.data());
  return order;
}

TEST(Shuffle, IsAPermutationOfItsArguments) {
  auto order = shuffled(1, 0, 1000);
  EXPECT_EQ(order, shuffled(1, 0, 1000));
  EXPECT_NE(order, shuffled(1, 1, 1000));
  EXPECT_NE(order, shuffled(2, 0, 1000));
  std::sort(order.begin(), order.end());
  std::vector<uint32_t> all(1000);
  std::iota(all.begin(), all.end(), 0u);
  EXPECT_EQ(order, all);
}

TEST(Shuffle, TakesFewSamples) {
  EXPECT_EQ(shuffled(1, 0, 0), std::vector<uint32_t>());
  EXPECT_EQ(shuffled(1, 0, 1), std::vector<uint32_t>{0});
}

/// Each of the 6 orders of 3 samples should come up about 1000 times in 6000 epochs.
TEST(Shuffle, GivesEachOrderTheSameChance) {
  std::vector<int> counts(6);
  for (int64_t epoch = 0; epoch < 6000; ++epoch) {
    auto order = shuffled(3, epoch, 3);
    ++counts[2 * order[0] + (order[1] > order[2])];
  }
  for (int count : counts)
    EXPECT_NEAR(count, 1000, 120);
}
