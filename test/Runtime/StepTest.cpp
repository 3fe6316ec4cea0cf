//===- StepTest.cpp - stepping, evaluating, predicting, on any number of threads ===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeProgram.h"

#include "lib/Runtime/Model.h"
#include "lib/Runtime/Staging.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <thread>

using namespace ai::test;
using ai::rt::TeamTrial;

/// Trains on all of `data`, shuffled, in batches of 10 (the last one shorter).
static void trainEpoch(ai_rt_model_t *model, const RegressionData &data) {
  int64_t count = data.inputShape[0];
  std::vector<uint32_t> order(count);
  ai_rt_progress_t at = ai_rt_model_progress(model);
  ai_rt_shuffle(at.seed, at.epoch, count, order.data());
  for (int64_t first = 0; first < count; first += 10)
    ASSERT_EQ(ai_rt_model_train_batch(model, &data.data, order.data(), first,
                                      std::min<int64_t>(10, count - first), nullptr),
              AI_RT_OK)
        << ai_rt_last_error();
  ai_rt_model_next_epoch(model);
}

TEST(TrainBatch, FindsTheLine) {
  RegressionData data(97);
  ModelPtr model = create(regression(), 2);
  for (int epoch = 0; epoch < 200; ++epoch)
    trainEpoch(model.get(), data);
  auto *weight = static_cast<float *>(ai_rt_model_tensor_data(model.get(), "weight"));
  EXPECT_NEAR(weight[0], 2, 1e-2);
  EXPECT_NEAR(weight[1], -3, 1e-2);
  EXPECT_NEAR(weight[2], 0.5, 1e-2);
}

TEST(TrainBatch, GivesTheSameBitsOnAnyNumberOfThreads) {
  RegressionData data(97);
  std::string expected;
  for (int64_t threads : {1, 2, 3, 8}) {
    ModelPtr model = create(regression(), threads);
    for (int epoch = 0; epoch < 3; ++epoch)
      trainEpoch(model.get(), data);
    if (expected.empty())
      expected = snapshot(model.get());
    EXPECT_EQ(snapshot(model.get()), expected) << threads << " threads";
  }
}

/// Takes one step with the first `count` samples, from any state of the model without momentum, and
/// expects what the formula says.
static void expectOneStep(ai_rt_model_t *model, int64_t count) {
  RegressionData data(count);
  double before[kFeatures + 1], gradient[kFeatures + 1] = {}, loss = 0;
  auto *w = static_cast<float *>(ai_rt_model_tensor_data(model, "weight"));
  auto *bias = static_cast<float *>(ai_rt_model_tensor_data(model, "bias"));
  auto *momentum = static_cast<float *>(ai_rt_model_tensor_data(model, "weight.momentum_buffer"));
  std::fill(momentum, momentum + kFeatures, 0.0f);
  std::copy(w, w + kFeatures, before);
  before[kFeatures] = *bias;
  for (int64_t n = 0; n < count; ++n) {
    const float *x = &data.inputs[n * kFeatures];
    double error = before[kFeatures] - data.targets[n];
    for (int64_t i = 0; i < kFeatures; ++i)
      error += before[i] * x[i];
    loss += error * error;
    for (int64_t i = 0; i <= kFeatures; ++i)
      gradient[i] += 2 * error * (i < kFeatures ? x[i] : 1) / static_cast<double>(count);
  }
  ai_rt_metrics_t metrics;
  ASSERT_EQ(ai_rt_model_train_batch(model, &data.data, nullptr, 0, count, &metrics), AI_RT_OK);
  EXPECT_NEAR(metrics.loss, loss, 1e-5 * loss);
  EXPECT_EQ(metrics.count, count);
  for (int64_t i = 0; i <= kFeatures; ++i)
    EXPECT_NEAR(i < kFeatures ? w[i] : *bias, before[i] - 0.05 * gradient[i], 1e-6)
        << "batch " << count;
}

/// A program whose only step is `step`, which outlives it.
static ai_rt_program_t withStep(ai_rt_program_t program, const ai_rt_step_t &step) {
  program.num_steps = 1;
  program.steps = &step;
  return program;
}

/// One step by the formula, whatever the batch: blocks of 4 are full, partly filled, or missing.
TEST(TrainBatch, IsNotSharedWhereThatTakesLonger) {
  ai_rt_program_t program = regression();
  std::vector<ai_rt_step_t> steps(program.steps, program.steps + program.num_steps);
  program.steps = steps.data();
  steps[0].flops = 100;
  ModelPtr small = create(program, 3), large = create(regression(), 3);
  EXPECT_EQ(ai_rt_model_busy_threads(large.get(), 12), 3);
  EXPECT_EQ(ai_rt_model_busy_threads(large.get(), 5), 2);
  EXPECT_EQ(ai_rt_model_busy_threads(large.get(), 4), 1);
  EXPECT_EQ(ai_rt_model_busy_threads(small.get(), 12), 1);
  EXPECT_EQ(ai_rt_model_busy_threads(small.get(), 12000), 3);
  // A large combine is shared, though there is but one block.
  program.fixed_bytes += 1 << 20;
  EXPECT_EQ(small->threadsOf(steps[0], 4), 3);
  EXPECT_EQ(small->threadsOf(steps[2], 4), 1) << "predictions have none";
  program.fixed_bytes -= 1 << 20;
  RegressionData data(97);
  trainEpoch(small.get(), data);
  trainEpoch(large.get(), data);
  EXPECT_EQ(snapshot(small.get()), snapshot(large.get()));
}

TEST(TrainBatch, TakesAnyBatchSize) {
  for (int64_t count : {1, 3, 4, 5, 12, 13, 37})
    expectOneStep(create(regression(), 2).get(), count);
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

/// What lies in the slots of the regression, when a block is called and when the combine is.
namespace {
struct Seen {
  float before[3]; // in slot i when its first block comes
  int64_t blocks[3];
  std::vector<float> combined; // the first element of all slots
};
} // namespace

static Seen seen;

/// Block i of a batch puts i + 1 into its slot, on top of nothing.
static void markBlock(char *, char *, char *slot, char *, char *, int64_t first, int64_t, int64_t,
                      int64_t, int64_t, int64_t, int64_t) {
  int64_t block = first / 4;
  float *value = reinterpret_cast<float *>(slot);
  if (first < 3 * 4)
    seen.before[block % 3] = *value;
  ++seen.blocks[block % 3];
  *value = float(block + 1);
}

static void markCombine(char *fixed, char *, int64_t part, int64_t, int64_t, int64_t, int64_t,
                        int64_t) {
  const ai_rt_step_t &step = regression().steps[0];
  if (part != 0)
    return;
  seen.combined.clear();
  for (int64_t s = 0; s < 3; ++s)
    seen.combined.push_back(
        *reinterpret_cast<float *>(fixed + step.slot_offset + s * step.slot_bytes));
}

/// Of steps with one name the last that takes so many samples.
TEST(FindStep, TakesTheVariantForSmallBatches) {
  ai_rt_program_t program = regression();
  ai_rt_step_t steps[] = {program.steps[0], program.steps[0], program.steps[2]};
  steps[1].most_samples = 3;
  program.num_steps = 3;
  program.steps = steps;
  for (int64_t count : {1, 3})
    EXPECT_EQ(ai::rt::findStep(program, "train", count), &steps[1]);
  for (int64_t count : {4, 100})
    EXPECT_EQ(ai::rt::findStep(program, "train", count), &steps[0]);
  EXPECT_EQ(ai::rt::findStep(program, "predict", 1), &steps[2]);
  EXPECT_EQ(ai::rt::findStep(program, "evaluate", 1), nullptr);
  EXPECT_EQ(ai_rt_program_find_step(&program, "train"), &steps[0]) << "the one for any batch";
}

static volatile float half = 0.5f, least = 1.17549435e-38f; // the least that is not denormal
static std::atomic<float> underflow = {-1};                 // all threads leave the same

static void halveBlock(char *, char *, char *, char *, char *, int64_t, int64_t, int64_t, int64_t,
                       int64_t, int64_t, int64_t) {
  underflow = half * least;
}

static void noCombine(char *, char *, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t) {}

/// Numbers that fade away, a momentum's, must not slow a training down.
TEST(TrainBatch, TakesDenormalsForZeros) {
  ai_rt_step_t step = regression().steps[0];
  step.block = halveBlock;
  step.combine = noCombine;
  ai_rt_program_t program = withStep(regression(), step);
  RegressionData data(12);
  for (int64_t threads : {1, 3}) {
    underflow = -1;
    ModelPtr model = create(program, threads);
    EXPECT_EQ(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, 12, nullptr), AI_RT_OK);
    EXPECT_EQ(underflow, 0);
    EXPECT_NE(half * least, 0) << "the caller's own arithmetic stays as it is";
  }
}

/// A slot with blocks is left to the first of them, whatever lies there; one without is cleared.
TEST(TrainBatch, ClearsSlotsWithoutBlocksOnly) {
  ai_rt_step_t step = regression().steps[0];
  step.block = markBlock;
  step.combine = markCombine;
  ai_rt_program_t program = withStep(regression(), step);
  RegressionData data(37);
  for (int64_t threads : {1, 3, 8}) {
    ModelPtr model = create(program, threads);
    auto train = [&](int64_t count) {
      seen = {{-1, -1, -1}, {}, {}};
      EXPECT_EQ(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, count, nullptr),
                AI_RT_OK);
    };
    train(37); // ten blocks: 0, 3, 6, 9 for the first slot, three for each of the others
    EXPECT_EQ(seen.combined, (std::vector<float>{10, 8, 9}));
    EXPECT_EQ(seen.blocks[0], 4);
    train(5); // two blocks
    EXPECT_EQ(seen.before[0], 10);
    EXPECT_EQ(seen.before[1], 8);
    EXPECT_EQ(seen.blocks[2], 0);
    EXPECT_EQ(seen.combined, (std::vector<float>{1, 2, 0}));
    train(12);
    EXPECT_EQ(seen.before[2], 0);
    EXPECT_EQ(seen.combined, (std::vector<float>{1, 2, 3}));
  }
}

/// What was computed on each slot: the samples of a block, and the first of them.
static std::array<std::vector<std::pair<int64_t, int64_t>>, 3> slotCalls;

template <int64_t size>
static void recordCall(char *fixed, char *, char *slot, char *, char *, int64_t first, int64_t,
                       int64_t, int64_t, int64_t, int64_t, int64_t) {
  const ai_rt_step_t &step = regression().steps[0];
  slotCalls[(slot - fixed - step.slot_offset) / step.slot_bytes].push_back({size, first});
  if (size == 1)
    *reinterpret_cast<float *>(slot) += 100;
  else
    *reinterpret_cast<float *>(slot) = float(first);
}

/// One or two samples that fill no block add to the slots one by one, behind the blocks; three are
/// a block, too. A slot that has no block is cleared for them.
TEST(TrainBatch, TakesTheRestOneByOne) {
  ai_rt_step_t rest = regression().steps[0], step = rest;
  rest.block_size = 1;
  rest.most_samples = 2;
  rest.block = recordCall<1>;
  step.block = recordCall<4>;
  step.combine = markCombine;
  step.rest = &rest;
  ai_rt_program_t program = withStep(regression(), step);
  RegressionData data(37);
  using Calls = decltype(slotCalls);
  for (int64_t threads : {1, 2, 3, 8}) {
    ModelPtr model = create(program, threads);
    auto train = [&](int64_t count) {
      slotCalls = {};
      EXPECT_EQ(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, count, nullptr),
                AI_RT_OK);
      return slotCalls;
    };
    EXPECT_EQ(train(18), (Calls{{{{4, 0}, {4, 12}, {1, 16}}, {{4, 4}, {1, 17}}, {{4, 8}}}}));
    EXPECT_EQ(seen.combined, (std::vector<float>{112, 104, 8}));
    EXPECT_EQ(train(6), (Calls{{{{4, 0}, {1, 4}}, {{1, 5}}, {}}}));
    EXPECT_EQ(seen.combined, (std::vector<float>{100, 100, 0}));
    EXPECT_EQ(train(7), (Calls{{{{4, 0}}, {{4, 4}}, {}}}));
    EXPECT_EQ(train(8), (Calls{{{{4, 0}}, {{4, 4}}, {}}}));
    EXPECT_EQ(ai_rt_model_busy_threads(model.get(), 6), std::min<int64_t>(threads, 2));
    EXPECT_EQ(ai_rt_model_busy_threads(model.get(), 18), std::min<int64_t>(threads, 3));
  }
}

//===----------------------------------------------------------------------===//
// Panels: 3 slots of blocks of 4 samples, so 12 samples each
//===----------------------------------------------------------------------===//

/// One panel, partly filled or full; several, the last one with blocks and samples missing.
TEST(TrainBatch, SumsOverPanels) {
  for (int64_t threads : {1, 2, 3, 8})
    for (int64_t count : {1, 4, 11, 12, 13, 16, 17, 24, 25, 42, 100})
      expectOneStep(create(panelRegression(), threads).get(), count);
}

/// Rows of blocks that are missing hold nothing of an earlier panel or batch, nor do the sums.
TEST(TrainBatch, ForgetsEarlierPanels) {
  for (int64_t threads : {1, 2, 3, 8}) {
    ModelPtr model = create(panelRegression(), threads);
    for (int64_t count : {42, 1, 12, 13, 5, 37, 8, 24})
      expectOneStep(model.get(), count);
  }
}

TEST(TrainBatch, PanelsGiveTheSameBitsOnAnyNumberOfThreads) {
  RegressionData data(100);
  std::string expected;
  for (int64_t threads : {1, 2, 3, 8}) {
    ModelPtr model = create(panelRegression(), threads);
    for (int64_t count : {100, 42, 12, 13, 100})
      ASSERT_EQ(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, count, nullptr),
                AI_RT_OK);
    if (expected.empty())
      expected = snapshot(model.get());
    EXPECT_EQ(snapshot(model.get()), expected) << threads << " threads";
  }
}

/// The calls of a step, in the order in which they ended or, for blocks, began: all functions take
/// a while, so that a call on the wrong side of a barrier would be seen there.
namespace {
struct Call {
  char function; // block, fold, combine or finish
  int64_t first, count, part, parts;
};
} // namespace

static Call calls[256];
static std::atomic<int64_t> numCalls;

static void record(const Call &call) { calls[numCalls++] = call; }

static void nap(int64_t i) {
  std::this_thread::sleep_for(std::chrono::microseconds(100 * (i % 3)));
}

static void recordBlock(char *fixed, char *workspace, char *slot, char *, char *, int64_t first,
                        int64_t, int64_t, int64_t count, int64_t step, int64_t epoch,
                        int64_t seed) {
  nap(first / 4);
  panelRegression().steps[0].block(fixed, workspace, slot, workspace, nullptr, first, 0, 1, count,
                                   step, epoch, seed);
  record({'b', first, count, 0, 0});
}

template <char function>
static void recordCombine(char *fixed, char *workspace, int64_t part, int64_t parts, int64_t count,
                          int64_t step, int64_t epoch, int64_t seed) {
  const ai_rt_step_t &plain = panelRegression().steps[0];
  ai_rt_combine_fn called = function == 'c'   ? plain.combine
                            : function == 'f' ? plain.fold
                                              : plain.finish;
  nap(part + 1);
  called(fixed, workspace, part, parts, count, step, epoch, seed);
  record({function, 0, count, part, parts});
}

/// Expects the next `number` calls, in any order, to be those of one phase.
static void expectPhase(int64_t &at, char function, int64_t number, int64_t first, int64_t count) {
  std::set<int64_t> which;
  for (int64_t i = 0; i < number; ++i, ++at) {
    ASSERT_LT(at, numCalls);
    EXPECT_EQ(calls[at].function, function) << "call " << at;
    EXPECT_EQ(calls[at].count, count) << "call " << at;
    bool isBlock = function == 'b';
    if (!isBlock)
      EXPECT_EQ(calls[at].parts, number);
    which.insert(isBlock ? (calls[at].first - first) / 4 : calls[at].part);
  }
  EXPECT_EQ(static_cast<int64_t>(which.size()), number) << "a block or part came twice";
  EXPECT_EQ(*which.begin(), 0);
  EXPECT_EQ(*which.rbegin(), number - 1);
}

/// A panel is filled, then folded; all threads wait for each other in between. The last panel is
/// left to the combine, or to the finish where it is not the only one.
TEST(TrainBatch, FillsAPanelThenFoldsIt) {
  ai_rt_step_t step = panelRegression().steps[0];
  step.block = recordBlock;
  step.combine = recordCombine<'c'>;
  step.fold = recordCombine<'f'>;
  step.finish = recordCombine<'l'>;
  ai_rt_program_t program = withStep(panelRegression(), step);
  RegressionData data(100);
  for (int64_t threads : {1, 2, 3, 8}) {
    ModelPtr model = create(program, threads);
    for (int64_t count : {3, 12, 13, 24, 42, 100}) {
      numCalls = 0;
      ASSERT_EQ(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, count, nullptr),
                AI_RT_OK);
      int64_t at = 0, first = 0, parts = count <= 4 ? 1 : threads; // one block is not shared
      for (; first + 12 < count; first += 12) {
        expectPhase(at, 'b', 3, first, count);
        expectPhase(at, 'f', threads, 0, first + 12);
      }
      expectPhase(at, 'b', (count - first + 3) / 4, first, count);
      expectPhase(at, first ? 'l' : 'c', parts, 0, count);
      EXPECT_EQ(at, numCalls) << "batch " << count << " on " << threads << " threads";
    }
  }
}

//===----------------------------------------------------------------------===//
// Teams
//===----------------------------------------------------------------------===//

namespace {
struct TeamCall {
  int64_t block, part, parts;
  char *workspace, *own;
};
} // namespace

static TeamCall teamCalls[64];
static std::atomic<int64_t> numTeamCalls;

/// The regression's block, which the last part runs when the others are behind its samples.
static void teamBlock(char *fixed, char *workspace, char *slot, char *own, char *team,
                      int64_t first, int64_t part, int64_t parts, int64_t count, int64_t step,
                      int64_t epoch, int64_t seed) {
  teamCalls[numTeamCalls++] = {first / 4, part, parts, workspace, own};
  EXPECT_EQ(team == nullptr, parts == 1);
  EXPECT_EQ(own == workspace, part == 0) << "a team works where its first thread does";
  nap(part);
  ai_rt_team_barrier(team, fixed, workspace, slot);
  if (part + 1 == parts)
    regression().steps[0].block(fixed, workspace, slot, own, nullptr, first, 0, 1, count, step,
                                epoch, seed);
}

/// Every thread takes as many blocks alone as all others; teams take the rest, unless one of them
/// would be a thread alone.
TEST(TrainBatch, LeavesTheRestToTeams) {
  ai_rt_step_t step = regression().steps[0];
  step.block = teamBlock;
  step.num_barriers = 1;
  ai_rt_program_t program = withStep(regression(), step);
  struct {
    int64_t threads, count, alone;
    std::vector<int64_t> teams; // their sizes
  } cases[] = {{2, 4, 0, {2}}, {2, 12, 2, {2}}, {3, 5, 2, {}},  {8, 12, 0, {3, 3, 2}},
               {2, 8, 2, {}},  {3, 12, 3, {}},  {2, 16, 4, {}}, // a slot has two blocks
               {1, 12, 3, {}}};
  for (auto &[threads, count, alone, teams] : cases) {
    if (threads > ai::rt::numUsableCPUs()) { // they would sleep at the barriers
      alone = (count + 3) / 4;
      teams.clear();
    }
    SCOPED_TRACE(std::to_string(count) + " samples on " + std::to_string(threads) + " threads");
    numTeamCalls = 0;
    expectOneStep(create(program, threads).get(), count);
    std::map<int64_t, std::set<int64_t>> parts; // by block
    for (const TeamCall &call : std::vector(teamCalls, teamCalls + numTeamCalls)) {
      EXPECT_EQ(call.parts, call.block < alone ? 1 : teams.at(call.block - alone));
      EXPECT_TRUE(parts[call.block].insert(call.part).second) << "a part came twice";
    }
    EXPECT_EQ(int64_t(parts.size()), (count + 3) / 4);
    for (const auto &[block, numbers] : parts)
      EXPECT_EQ(int64_t(numbers.size()), block < alone ? 1 : teams.at(block - alone));
    EXPECT_EQ(ai_rt_model_busy_threads(create(program, threads).get(), count),
              teams.empty() ? std::min(threads, (count + 3) / 4) : threads);
  }
  step.num_barriers = 1000000; // would take longer than the block
  numTeamCalls = 0;
  expectOneStep(create(program, 2).get(), 12);
  EXPECT_EQ(numTeamCalls, 3);
}

/// Runs with these times, in seconds, without teams and with them; returns how many had teams.
static int64_t runTrial(TeamTrial &trial, int64_t runs, double alone, double inTeams,
                        int64_t blocks = 1) {
  int64_t numTeams = 0;
  for (int64_t i = 0; i < runs; ++i) {
    bool hasTeams = trial.next(blocks);
    trial.record(hasTeams ? inTeams : alone);
    numTeams += hasTeams;
  }
  return numTeams;
}

TEST(TeamTrial, TakesWhatIsFaster) {
  TeamTrial trial;
  EXPECT_EQ(runTrial(trial, 4, 2, 1), 4) << "teams come first";
  EXPECT_EQ(runTrial(trial, 4, 2, 1), 0);
  EXPECT_EQ(runTrial(trial, 2040, 2, 1), 2040 - 3 * 4) << "three trials in four times 512 runs";
  EXPECT_LT(runTrial(trial, 2048, 2, 3), 4 * 4 + 16) << "something has slowed teams down";
  EXPECT_GT(runTrial(trial, 2048, 2, 1), 2048 - 512 - 3 * 4) << "and no longer does";
  EXPECT_EQ(runTrial(trial, 8, 2, 1, /*blocks=*/3), 4) << "another batch begins anew";
  EXPECT_EQ(runTrial(trial, 100, 2, 1), 100 - 4) << "and the first one is not forgotten";
}

/// One slow run among many says nothing.
TEST(TeamTrial, ForgetsADisturbance) {
  TeamTrial trial;
  runTrial(trial, 20, 2, 1);
  runTrial(trial, 1, 2, 8);
  EXPECT_EQ(runTrial(trial, 50, 2, 1), 50);
}

TEST(TrainBatch, AllocatesNothing) {
  if (numAllocations() < 0)
    GTEST_SKIP() << "allocations are not counted here";
  RegressionData data(50);
  std::vector<uint32_t> order(50);
  ModelPtr model = create(regression(), 3), panels = create(panelRegression(), 3);
  ai_rt_metrics_t metrics;
  ASSERT_EQ(ai_rt_model_train_batch(panels.get(), &data.data, nullptr, 0, 50, &metrics), AI_RT_OK);
  float output[50];
  int64_t before = numAllocations();
  ai_rt_shuffle(1, 0, 50, order.data());
  int failures = 0;
  for (int i = 0; i < 5; ++i) {
    failures +=
        ai_rt_model_train_batch(model.get(), &data.data, order.data(), 10 * i, 10, &metrics);
    failures +=
        ai_rt_model_train_step(model.get(), data.inputs.data(), data.targets.data(), 7, nullptr);
  }
  failures += ai_rt_model_evaluate_data(model.get(), &data.data, 0, 50, &metrics);
  failures += ai_rt_model_predict_data(model.get(), &data.data, 0, 50, output);
  failures += ai_rt_model_train_batch(panels.get(), &data.data, order.data(), 0, 50, &metrics);
  EXPECT_EQ(numAllocations(), before);
  EXPECT_EQ(failures, 0);
  ::operator delete(::operator new(1));
  EXPECT_GT(numAllocations(), before) << "the counter does not count";
}

TEST(TrainBatch, CountsSteps) {
  RegressionData data(25);
  ModelPtr model = create(regression());
  EXPECT_EQ(ai_rt_model_is_trained(model.get()), 0);
  for (int64_t first : {0, 10, 20})
    ai_rt_model_train_batch(model.get(), &data.data, nullptr, first, first == 20 ? 5 : 10, nullptr);
  ai_rt_progress_t at = ai_rt_model_progress(model.get());
  EXPECT_EQ(at.step, 3);
  EXPECT_EQ(at.epoch, 0);
  EXPECT_EQ(at.position, 25);
  EXPECT_EQ(at.seed, 7);
  ai_rt_model_next_epoch(model.get());
  at = ai_rt_model_progress(model.get());
  EXPECT_EQ(at.epoch, 1);
  EXPECT_EQ(at.position, 0);
  EXPECT_EQ(ai_rt_model_is_trained(model.get()), 1);
}

TEST(TrainBatch, GathersByTheOrder) {
  RegressionData data(30);
  std::vector<uint32_t> order = {29, 3, 17, 5, 5, 0, 8};
  std::vector<float> inputs, targets;
  for (uint32_t row : order) {
    inputs.insert(inputs.end(), &data.inputs[row * kFeatures], &data.inputs[row * kFeatures] + 3);
    targets.push_back(data.targets[row]);
  }
  ModelPtr gathered = create(regression()), copied = create(regression());
  ai_rt_model_train_batch(gathered.get(), &data.data, order.data(), 1, 6, nullptr);
  float loss;
  ASSERT_EQ(ai_rt_model_train_step(copied.get(), &inputs[3], &targets[1], 6, &loss), AI_RT_OK);
  EXPECT_EQ(snapshot(gathered.get()), snapshot(copied.get()));
}

/// Arrays of different lengths wrap around by themselves.
TEST(TrainBatch, WrapsAround) {
  RegressionData data(6), longer(12);
  for (int64_t i = 0; i < 12; ++i)
    longer.targets[i] = data.targets[i % 5];
  for (int64_t i = 0; i < 12 * kFeatures; ++i)
    longer.inputs[i] = data.inputs[i % (6 * kFeatures)];
  data.targetShape[0] = 5;
  ModelPtr wrapped = create(regression()), plain = create(regression());
  ASSERT_EQ(ai_rt_model_train_batch(wrapped.get(), &data.data, nullptr, 2, 10, nullptr), AI_RT_OK);
  ASSERT_EQ(ai_rt_model_train_batch(plain.get(), &longer.data, nullptr, 2, 10, nullptr), AI_RT_OK);
  EXPECT_EQ(snapshot(wrapped.get()), snapshot(plain.get()));
}

TEST(TrainBatch, GrowsForALargerBatch) {
  RegressionData data(1000);
  ModelPtr model = create(regression());
  int64_t before = ai_rt_model_memory(model.get());
  ASSERT_EQ(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, 1000, nullptr), AI_RT_OK);
  EXPECT_EQ(ai_rt_model_memory(model.get()), before + 990 * 8);
}

TEST(EvaluateData, SumsOverChunks) {
  RegressionData data(1001);
  ModelPtr model = create(regression(), 2), other = create(regression(), 1);
  ai_rt_metrics_t all, part, sum = {0, 0, 0};
  ASSERT_EQ(ai_rt_model_evaluate_data(model.get(), &data.data, 0, 1001, &all), AI_RT_OK);
  EXPECT_EQ(all.count, 1001);
  for (int64_t first = 0; first < 1001; first += 77) {
    ASSERT_EQ(ai_rt_model_evaluate_data(other.get(), &data.data, first, 77, &part), AI_RT_OK);
    sum.loss += part.loss;
  }
  EXPECT_NEAR(all.loss, sum.loss, 1e-5 * all.loss);
  EXPECT_EQ(ai_rt_model_is_trained(model.get()), 0);
  EXPECT_EQ(snapshot(model.get()), snapshot(other.get()));
  ASSERT_EQ(ai_rt_model_evaluate(other.get(), data.inputs.data(), data.targets.data(), 1001, &part),
            AI_RT_OK);
  EXPECT_EQ(part.loss, all.loss) << "bits must not depend on threads";
}

TEST(PredictData, StoresEachSample) {
  RegressionData data(1001);
  ModelPtr model = create(regression(), 3);
  std::vector<float> outputs(1002, -1);
  ASSERT_EQ(ai_rt_model_predict_data(model.get(), &data.data, 0, 1001, outputs.data()), AI_RT_OK);
  auto *w = static_cast<float *>(ai_rt_model_tensor_data(model.get(), "weight"));
  for (int64_t n = 0; n < 1001; ++n) {
    const float *x = &data.inputs[n * kFeatures];
    ASSERT_NEAR(outputs[n], 0.25 + w[0] * x[0] + w[1] * x[1] + w[2] * x[2], 1e-6);
  }
  EXPECT_EQ(outputs[1001], -1) << "wrote behind the last sample";
  std::vector<float> one(1);
  ASSERT_EQ(ai_rt_model_predict(model.get(), &data.inputs[3 * 40], 1, one.data()), AI_RT_OK);
  EXPECT_EQ(one[0], outputs[40]);
}

//===----------------------------------------------------------------------===//
// Types, bytes and labels
//===----------------------------------------------------------------------===//

template <typename T> static void expectNormalised(int64_t dtype, double tolerance) {
  uint8_t bytes[256];
  T values[256];
  for (int v = 0; v < 256; ++v)
    bytes[v] = static_cast<uint8_t>(v);
  int64_t shape[] = {1, 256};
  ai_rt_tensor_info_t info = {"input", AI_RT_INPUT, dtype, 2, shape, 0, sizeof(values), 0, 0, 0};
  ai::rt::Normalisation normalisation(0.1307, 0.3081);
  ai::rt::Stager stager({bytes, AI_RT_U8, 2, shape}, &info, &normalisation);
  stager.stage(reinterpret_cast<char *>(values), 0, 0);
  for (int v = 0; v < 256; ++v)
    EXPECT_NEAR(values[v], (v / 255.0 - 0.1307) / 0.3081, tolerance);
}

TEST(Stager, NormalisesBytes) {
  expectNormalised<float>(AI_RT_F32, 3e-7);
  expectNormalised<double>(AI_RT_F64, 1e-15);
}

TEST(EvaluateData, NormalisesBytesAndNothingElse) {
  ModelPtr model = create(counter());
  uint8_t bytes[] = {0, 255, 51, 102};
  int32_t label = 0;
  ai_rt_metrics_t metrics;
  ASSERT_EQ(ai_rt_model_evaluate_u8(model.get(), bytes, &label, 1, &metrics), AI_RT_OK);
  EXPECT_NEAR(metrics.loss, (0 + 1 + 0.2 + 0.4 - 4 * 0.5) / 0.25, 1e-6);
  EXPECT_EQ(metrics.correct, 1);
  int64_t shape[] = {1, 2, 2}, one[] = {1};
  double doubles[] = {1, 2, 3, 4};
  int32_t integers[] = {10, 20, 30, 40};
  ai_rt_data_t data = {{doubles, AI_RT_F64, 3, shape}, {&label, AI_RT_I32, 1, one}};
  ASSERT_EQ(ai_rt_model_evaluate_data(model.get(), &data, 0, 1, &metrics), AI_RT_OK);
  EXPECT_EQ(metrics.loss, 10);
  data.inputs = {integers, AI_RT_I32, 3, shape};
  ASSERT_EQ(ai_rt_model_evaluate_data(model.get(), &data, 0, 1, &metrics), AI_RT_OK);
  EXPECT_EQ(metrics.loss, 100);
}

TEST(EvaluateData, TakesLabelsOfAnyInteger) {
  ModelPtr model = create(counter());
  float inputs[12] = {};
  int64_t inputShape[] = {3, 2, 2}, labelShape[] = {3};
  uint8_t u8[] = {0, 2, 0};
  int8_t i8[] = {0, 2, 0};
  int64_t i64[] = {0, 2, 0};
  ai_rt_array_t array = {inputs, AI_RT_F32, 3, inputShape};
  for (ai_rt_array_t labels :
       {ai_rt_array_t{u8, AI_RT_U8, 1, labelShape}, ai_rt_array_t{i8, AI_RT_I8, 1, labelShape},
        ai_rt_array_t{i64, AI_RT_I64, 1, labelShape}}) {
    ai_rt_data_t data = {array, labels};
    ai_rt_metrics_t metrics;
    ASSERT_EQ(ai_rt_model_evaluate_data(model.get(), &data, 0, 3, &metrics), AI_RT_OK);
    EXPECT_EQ(metrics.correct, 2);
  }
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

/// Expects a call to have failed with just this text.
static void expectError(ai_rt_status_t status, const char *text) {
  EXPECT_EQ(status, AI_RT_INVALID);
  EXPECT_STREQ(ai_rt_last_error(), text);
}

TEST(TrainBatch, RefusesLabelsBeyondTheClasses) {
  ModelPtr model = create(counter());
  float inputs[12] = {};
  for (int32_t bad : {3, -1}) {
    int32_t labels[] = {0, bad, 2};
    std::string text = "expects labels from 0 to 2, got " + std::to_string(bad) + " for sample 1";
    expectError(ai_rt_model_train_step(model.get(), inputs, labels, 3, nullptr), text.c_str());
    ai_rt_metrics_t metrics;
    expectError(ai_rt_model_evaluate(model.get(), inputs, labels, 3, &metrics), text.c_str());
    int64_t inputShape[] = {3, 2, 2}, labelShape[] = {3};
    ai_rt_data_t data = {{inputs, AI_RT_F32, 3, inputShape}, {labels, AI_RT_I32, 1, labelShape}};
    expectError(ai_rt_model_check_data(model.get(), &data, 1), text.c_str());
  }
  EXPECT_EQ(ai_rt_model_progress(model.get()).step, 0);
  EXPECT_EQ(ai_rt_model_is_trained(model.get()), 0);
}

TEST(CheckData, ComparesShapesAndTypes) {
  ModelPtr model = create(counter());
  float inputs[18] = {};
  int32_t labels[2] = {};
  int64_t good[] = {2, 1, 1, 2, 2}, bad[] = {2, 3, 3}, two[] = {2}, pairs[] = {1, 2}, none[] = {0};
  ai_rt_data_t data = {{inputs, AI_RT_F32, 5, good}, {labels, AI_RT_I32, 1, two}};
  auto check = [&] { return ai_rt_model_check_data(model.get(), &data, 1); };
  EXPECT_EQ(check(), AI_RT_OK) << ai_rt_last_error();
  data.inputs.shape = bad;
  data.inputs.rank = 3;
  expectError(check(), "expects inputs of shape [1,2,2] a sample, got [3,3]");
  data.inputs = {inputs, AI_RT_F32, 5, good};
  data.targets = {labels, AI_RT_I32, 2, pairs};
  expectError(check(), "expects targets of shape [] a sample, got [2]");
  data.targets = {labels, AI_RT_F32, 1, two};
  expectError(check(), "expects targets that convert to i32, got f32");
  data.targets = {labels, AI_RT_I32, 1, none};
  expectError(check(), "expects at least one sample of targets, got none");
  data.targets = {};
  expectError(check(), "expects at least one sample of targets, got none");
}

TEST(TrainBatch, RefusesEmptyBatches) {
  RegressionData data(4);
  ModelPtr model = create(regression());
  expectError(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, 0, nullptr),
              "expects at least one sample, got 0");
  expectError(ai_rt_model_train_batch(model.get(), &data.data, nullptr, -1, 1, nullptr),
              "expects a first position of at least 0, got -1");
}

TEST(PredictData, RefusesModelsWithoutPrediction) {
  ModelPtr model = create(counter());
  float inputs[4] = {}, outputs[4];
  expectError(ai_rt_model_predict(model.get(), inputs, 1, outputs),
              "model 'counter' has no step 'predict'");
}
