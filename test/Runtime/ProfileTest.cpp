//===- ProfileTest.cpp - rows of time, over calls, threads and models -----===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeProgram.h"

#include <chrono>
#include <gtest/gtest.h>
#include <thread>

using namespace ai::test;

static constexpr auto kNap = std::chrono::microseconds(200);

/// The regression's block as the compiler writes it for a profile, with one nest that takes a
/// while.
static void profiledBlock(char *fixed, char *workspace, char *slot, char *, char *, int64_t first,
                          int64_t, int64_t, int64_t count, int64_t step, int64_t epoch,
                          int64_t seed) {
  ai_rt_profile_lap(AI_RT_PROFILE_STAGING);
  regression().steps[0].block(fixed, workspace, slot, workspace, nullptr, first, 0, 1, count, step,
                              epoch, seed);
  std::this_thread::sleep_for(kNap);
  ai_rt_profile_lap(2);
}

static void profiledCombine(char *fixed, char *workspace, int64_t part, int64_t parts,
                            int64_t count, int64_t step, int64_t epoch, int64_t seed) {
  ai_rt_profile_lap(AI_RT_PROFILE_WAITING);
  regression().steps[0].combine(fixed, workspace, part, parts, count, step, epoch, seed);
  ai_rt_profile_lap(3);
}

/// The regression, trained with a profile of two nests.
static const ai_rt_program_t &profiled() {
  static const ai_rt_profile_row_t rows[] = {{"staging", 0, 0, 0, 0},
                                             {"waiting", 0, 0, 0, 0},
                                             {"forward", 24, 96, 64, 0},
                                             {"update", 8, 32, 32, 1}};
  static const ai_rt_step_t steps[] = {[] {
                                         ai_rt_step_t step = regression().steps[0];
                                         step.block = profiledBlock;
                                         step.combine = profiledCombine;
                                         return step;
                                       }(),
                                       regression().steps[1], regression().steps[2]};
  static const ai_rt_program_t program = [] {
    ai_rt_program_t copy = regression();
    copy.steps = steps;
    copy.num_profile_rows = 4;
    copy.profile_rows = rows;
    return copy;
  }();
  return program;
}

namespace {
struct Row {
  int64_t calls = -1;
  double seconds = -1, least = -1;
};
} // namespace

static Row rowOf(const ModelPtr &model, int64_t index) {
  Row row;
  EXPECT_EQ(ai_rt_model_profile(model.get(), index, &row.calls, &row.seconds, &row.least), AI_RT_OK)
      << ai_rt_last_error();
  return row;
}

/// Steps on 37 samples: ten blocks each.
static void train(const ModelPtr &model, int64_t steps) {
  static const RegressionData data(37);
  for (int64_t i = 0; i < steps; ++i)
    ASSERT_EQ(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, 37, nullptr), AI_RT_OK);
}

TEST(Profile, AddsUpOverThreads) {
  for (int64_t threads : {1, 2, 3}) {
    ModelPtr model = create(profiled(), threads);
    auto start = std::chrono::steady_clock::now();
    train(model, 4);
    double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    Row staging = rowOf(model, AI_RT_PROFILE_STAGING),
        waiting = rowOf(model, AI_RT_PROFILE_WAITING);
    Row forward = rowOf(model, 2), update = rowOf(model, 3);
    EXPECT_EQ(forward.calls, 40) << "blocks on " << threads << " threads";
    EXPECT_EQ(update.calls, 4 * threads);
    EXPECT_EQ(staging.calls, forward.calls);
    EXPECT_EQ(waiting.calls, update.calls);
    double nap = std::chrono::duration<double>(kNap).count();
    EXPECT_GE(forward.least, nap);
    EXPECT_GE(forward.seconds, 40 * forward.least);
    EXPECT_GE(update.seconds, 4 * double(threads) * update.least);
    EXPECT_LT(staging.least, nap) << "a nap is no time between nests";
    EXPECT_LE(staging.seconds + waiting.seconds + forward.seconds + update.seconds,
              double(threads) * wall);
  }
}

TEST(Profile, IsResetToZero) {
  ModelPtr model = create(profiled(), 2);
  train(model, 2);
  ai_rt_model_profile_reset(model.get());
  for (int64_t i = 0; i < 4; ++i) {
    Row row = rowOf(model, i);
    EXPECT_EQ(row.calls, 0);
    EXPECT_EQ(row.seconds, 0);
    EXPECT_EQ(row.least, 0);
  }
  train(model, 1);
  EXPECT_EQ(rowOf(model, 2).calls, 10);
}

TEST(Profile, BelongsToOneModel) {
  ModelPtr first = create(profiled()), second = create(profiled());
  train(first, 1);
  train(second, 2);
  train(first, 1);
  EXPECT_EQ(rowOf(first, 2).calls, 20);
  EXPECT_EQ(rowOf(second, 2).calls, 20);
  ai_rt_model_profile_reset(first.get());
  EXPECT_EQ(rowOf(second, 2).calls, 20);
}

/// Generated code does not know whether anyone listens.
TEST(Profile, IsNotKeptWithoutAModel) {
  std::thread([] { ai_rt_profile_lap(7); }).join();
}

TEST(Profile, ChangesNoBits) {
  ModelPtr plain = create(regression(), 2), model = create(profiled(), 2);
  train(plain, 3);
  train(model, 3);
  EXPECT_EQ(snapshot(plain.get()), snapshot(model.get()));
}

static void expectRefusal(const ModelPtr &model, int64_t row, const char *text) {
  Row untouched;
  EXPECT_EQ(
      ai_rt_model_profile(model.get(), row, &untouched.calls, &untouched.seconds, &untouched.least),
      AI_RT_INVALID);
  EXPECT_STREQ(ai_rt_last_error(), text);
  EXPECT_EQ(untouched.calls, -1);
}

TEST(Profile, RefusesRowsThatItLacks) {
  ModelPtr model = create(profiled());
  expectRefusal(model, 4, "expects a row of the profile from 0 to 3, got 4");
  expectRefusal(model, -1, "expects a row of the profile from 0 to 3, got -1");
}

TEST(Profile, IsNoneWhereTheProgramHasNoRows) {
  ModelPtr model = create(regression(), 2);
  train(model, 1);
  ai_rt_model_profile_reset(model.get());
  expectRefusal(model, 0, "model 'regression' has no profile; compile it with --profile");
}
