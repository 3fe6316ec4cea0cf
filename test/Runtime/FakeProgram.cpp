//===- FakeProgram.cpp - programs written by hand, as the compiler would --===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeProgram.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

using namespace ai::test;

//===----------------------------------------------------------------------===//
// Linear regression
//===----------------------------------------------------------------------===//

static constexpr int64_t kBlock = 4, kSlots = 3;

/// Of a sample: so many that it pays to share every step of more than one block among threads.
static constexpr double kFlops = 1e9;

namespace {
/// The fixed region, but for its slots.
struct Fixed {
  alignas(64) float weight[kFeatures];
  alignas(64) float bias;
  alignas(64) float momentum[kFeatures];
  alignas(64) double lr;
  alignas(64) double decay;
  alignas(64) float loss;
  alignas(64) float correct;
};

struct alignas(64) Slot {
  float weight[kFeatures], bias, loss;
};

struct FixedWithSlots {
  Fixed fixed;
  Slot slots[kSlots];
};

struct FixedWithPanels {
  FixedWithSlots base;
  alignas(64) float inputs[kSlots][kBlock][kFeatures];
  alignas(64) float cts[kSlots][kBlock];
  alignas(64) float sums[kFeatures]; // over the panels that were folded
};

struct Workspace {
  alignas(64) float inputs[kBlock][kFeatures];
  alignas(64) float targets[kBlock];
  alignas(64) float outputs[kBlock];
};
} // namespace

static void forward(const Fixed &fixed, Workspace &workspace) {
  for (int64_t n = 0; n < kBlock; ++n) {
    workspace.outputs[n] = fixed.bias;
    for (int64_t i = 0; i < kFeatures; ++i)
      workspace.outputs[n] += workspace.inputs[n][i] * fixed.weight[i];
  }
}

static void predictBlock(char *fixed, char *workspace, char *, char *, char *, int64_t, int64_t,
                         int64_t, int64_t, int64_t, int64_t, int64_t) {
  forward(*reinterpret_cast<Fixed *>(fixed), *reinterpret_cast<Workspace *>(workspace));
}

static void evaluateBlock(char *fixed, char *work, char *slotBytes, char *, char *, int64_t first,
                          int64_t, int64_t, int64_t count, int64_t, int64_t, int64_t) {
  auto &workspace = *reinterpret_cast<Workspace *>(work);
  auto &slot = *reinterpret_cast<Slot *>(slotBytes);
  if (first < kSlots * kBlock) // the first block of its slot
    slot = {};
  forward(*reinterpret_cast<Fixed *>(fixed), workspace);
  for (int64_t n = 0; n < std::min(kBlock, count - first); ++n) {
    float error = workspace.outputs[n] - workspace.targets[n];
    slot.loss += error * error;
  }
}

static void trainBlock(char *fixed, char *work, char *slotBytes, char *, char *, int64_t first,
                       int64_t, int64_t, int64_t count, int64_t step, int64_t epoch, int64_t seed) {
  evaluateBlock(fixed, work, slotBytes, work, nullptr, first, 0, 1, count, step, epoch, seed);
  auto &workspace = *reinterpret_cast<Workspace *>(work);
  auto &slot = *reinterpret_cast<Slot *>(slotBytes);
  for (int64_t n = 0; n < kBlock; ++n) {
    if (first + n >= count) {
      // The contract: beyond the end lies a copy of the batch's first sample.
      EXPECT_NE(workspace.targets[n], 0);
      continue;
    }
    float ct = 2 * (workspace.outputs[n] - workspace.targets[n]) / static_cast<float>(count);
    slot.bias += ct;
    for (int64_t i = 0; i < kFeatures; ++i)
      slot.weight[i] += ct * workspace.inputs[n][i];
  }
}

/// Takes a descent along the gradient of a weight, or of the bias, which has no momentum.
static void update(Fixed &fixed, int64_t i, float sum) {
  auto lr = static_cast<float>(fixed.lr), decay = static_cast<float>(fixed.decay);
  if (i == kFeatures) {
    fixed.bias -= lr * sum;
    return;
  }
  fixed.momentum[i] = decay * fixed.momentum[i] + sum;
  fixed.weight[i] -= lr * fixed.momentum[i];
}

static void evaluateCombine(char *fixedBytes, char *, int64_t part, int64_t, int64_t, int64_t,
                            int64_t, int64_t) {
  auto &all = *reinterpret_cast<FixedWithSlots *>(fixedBytes);
  if (part != 0)
    return;
  all.fixed.loss = 0;
  for (const Slot &slot : all.slots)
    all.fixed.loss += slot.loss;
}

static void trainCombine(char *fixedBytes, char *workspace, int64_t part, int64_t parts,
                         int64_t count, int64_t step, int64_t epoch, int64_t seed) {
  evaluateCombine(fixedBytes, workspace, part, parts, count, step, epoch, seed);
  auto &all = *reinterpret_cast<FixedWithSlots *>(fixedBytes);
  for (int64_t i = part; i <= kFeatures; i += parts) {
    float sum = 0;
    for (const Slot &slot : all.slots)
      sum += i < kFeatures ? slot.weight[i] : slot.bias;
    update(all.fixed, i, sum);
  }
}

const ai_rt_program_t &ai::test::regression() {
  static const int64_t features[] = {kFeatures}, one[] = {1};
  static const int64_t inputShape[] = {kBlock, kFeatures}, columnShape[] = {kBlock, 1};
  static const ai_rt_tensor_info_t tensors[] = {
      {"weight", AI_RT_PARAMETER, AI_RT_F32, 1, features, offsetof(Fixed, weight), 12,
       AI_RT_INIT_UNIFORM, 0.5, 0},
      {"bias", AI_RT_PARAMETER, AI_RT_F32, 1, one, offsetof(Fixed, bias), 4, AI_RT_INIT_CONSTANT,
       0.25, 0},
      {"weight.momentum_buffer", AI_RT_STATE, AI_RT_F32, 1, features, offsetof(Fixed, momentum), 12,
       AI_RT_INIT_CONSTANT, 0, 0},
      {"lr", AI_RT_SETTING, AI_RT_F64, 0, nullptr, offsetof(Fixed, lr), 8, AI_RT_INIT_CONSTANT,
       0.05, 0},
      {"momentum", AI_RT_SETTING, AI_RT_F64, 0, nullptr, offsetof(Fixed, decay), 8,
       AI_RT_INIT_CONSTANT, 0.5, 0}};
  static const ai_rt_tensor_info_t io[] = {
      {"input", AI_RT_INPUT, AI_RT_F32, 2, inputShape, offsetof(Workspace, inputs), 48, 0, 0, 0},
      {"target", AI_RT_TARGET, AI_RT_F32, 2, columnShape, offsetof(Workspace, targets), 16, 0, 0,
       0},
      {"loss", AI_RT_METRIC, AI_RT_F32, 0, nullptr, offsetof(Fixed, loss), 4, 0, 0, 0},
      {"correct", AI_RT_METRIC, AI_RT_F32, 0, nullptr, offsetof(Fixed, correct), 4, 0, 0, 0}};
  static const ai_rt_tensor_info_t predictIO[] = {io[0],
                                                  {"output", AI_RT_OUTPUT, AI_RT_F32, 2,
                                                   columnShape, offsetof(Workspace, outputs), 16, 0,
                                                   0, 0}};
  constexpr int64_t slots = offsetof(FixedWithSlots, slots);
  static const ai_rt_step_t steps[] = {
      {"train", kBlock, kSlots, 0, trainBlock, trainCombine, nullptr, nullptr, sizeof(Workspace),
       sizeof(Slot), slots, 4, io, kFlops, -1, nullptr, nullptr},
      {"evaluate", kBlock, kSlots, 0, evaluateBlock, evaluateCombine, nullptr, nullptr,
       sizeof(Workspace), sizeof(Slot), slots, 4, io, kFlops, -1, nullptr, nullptr},
      {"predict", kBlock, kSlots, 0, predictBlock, nullptr, nullptr, nullptr, sizeof(Workspace), 0,
       slots, 2, predictIO, 6, -1, nullptr, nullptr}};
  static const ai_rt_program_t program = {"regression",
                                          AI_RT_ABI_VERSION,
                                          sizeof(FixedWithSlots),
                                          5,
                                          tensors,
                                          3,
                                          steps,
                                          0,
                                          nullptr,
                                          AI_RT_MSE_LOSS,
                                          1,
                                          /*batch=*/10,
                                          /*epochs=*/2,
                                          /*seed=*/1,
                                          /*mean=*/0,
                                          /*std=*/1,
                                          "",
                                          /*num_profile_rows=*/0,
                                          nullptr,
                                          /*num_images=*/0,
                                          nullptr,
                                          /*cpu=*/"fake",
                                          /*cpus=*/"fake",
                                          /*num_features=*/0,
                                          nullptr,
                                          /*max_memory=*/0,
                                          /*num_checks=*/0,
                                          /*checks=*/nullptr,
                                          /*num_nodes=*/0,
                                          /*nodes=*/nullptr};
  return program;
}

//===----------------------------------------------------------------------===//
// Linear regression in panels
//===----------------------------------------------------------------------===//

/// Writes the rows that the weight's gradient is made of to the place of the block's slot.
static void panelBlock(char *fixedBytes, char *work, char *slotBytes, char *, char *, int64_t first,
                       int64_t, int64_t, int64_t count, int64_t step, int64_t epoch, int64_t seed) {
  evaluateBlock(fixedBytes, work, slotBytes, work, nullptr, first, 0, 1, count, step, epoch, seed);
  auto &all = *reinterpret_cast<FixedWithPanels *>(fixedBytes);
  auto &workspace = *reinterpret_cast<Workspace *>(work);
  auto &slot = *reinterpret_cast<Slot *>(slotBytes);
  int64_t place = first / kBlock % kSlots;
  EXPECT_EQ(&slot, &all.base.slots[place]);
  for (int64_t n = 0; n < kBlock; ++n) {
    float ct = 2 * (workspace.outputs[n] - workspace.targets[n]) / static_cast<float>(count);
    all.cts[place][n] = first + n < count ? ct : 0;
    slot.bias += all.cts[place][n];
    std::copy_n(workspace.inputs[n], kFeatures, all.inputs[place][n]);
  }
}

/// The gradient of weight `i` by all rows of the panel.
static float sumPanel(const FixedWithPanels &all, int64_t i) {
  float sum = 0;
  for (int64_t s = 0; s < kSlots; ++s)
    for (int64_t n = 0; n < kBlock; ++n)
      sum += all.cts[s][n] * all.inputs[s][n][i];
  return sum;
}

static void panelFold(char *fixedBytes, char *, int64_t part, int64_t parts, int64_t count, int64_t,
                      int64_t, int64_t) {
  auto &all = *reinterpret_cast<FixedWithPanels *>(fixedBytes);
  EXPECT_EQ(count % (kSlots * kBlock), 0) << "only whole panels are folded";
  for (int64_t i = part; i < kFeatures; i += parts)
    all.sums[i] = (count <= kSlots * kBlock ? 0 : all.sums[i]) + sumPanel(all, i);
}

/// The combine, from what was folded if anything was.
static void updateByPanel(char *fixedBytes, int64_t part, int64_t parts, bool wasFolded) {
  auto &all = *reinterpret_cast<FixedWithPanels *>(fixedBytes);
  evaluateCombine(fixedBytes, nullptr, part, parts, 0, 0, 0, 0);
  for (int64_t i = part; i <= kFeatures; i += parts) {
    float sum = 0;
    if (i < kFeatures)
      sum = (wasFolded ? all.sums[i] : 0) + sumPanel(all, i);
    else
      for (const Slot &slot : all.base.slots)
        sum += slot.bias;
    update(all.base.fixed, i, sum);
  }
}

static void panelCombine(char *fixed, char *, int64_t part, int64_t parts, int64_t count, int64_t,
                         int64_t, int64_t) {
  EXPECT_LE(count, kSlots * kBlock);
  updateByPanel(fixed, part, parts, /*wasFolded=*/false);
}

static void panelFinish(char *fixed, char *, int64_t part, int64_t parts, int64_t count, int64_t,
                        int64_t, int64_t) {
  EXPECT_GT(count, kSlots * kBlock);
  updateByPanel(fixed, part, parts, /*wasFolded=*/true);
}

const ai_rt_program_t &ai::test::panelRegression() {
  static const int64_t inputShape[] = {kBlock, kFeatures}, ctShape[] = {kBlock};
  static const ai_rt_step_t *plain = regression().steps;
  static const ai_rt_tensor_info_t io[] = {
      plain->tensors[0],
      plain->tensors[1],
      plain->tensors[2],
      plain->tensors[3],
      {"rows0", AI_RT_ROWS, AI_RT_F32, 2, inputShape, offsetof(FixedWithPanels, inputs), 48, 0, 0,
       0},
      {"rows1", AI_RT_ROWS, AI_RT_F32, 1, ctShape, offsetof(FixedWithPanels, cts), 16, 0, 0, 0}};
  static const ai_rt_step_t steps[] = {{"train", kBlock, kSlots, 0, panelBlock, panelCombine,
                                        panelFold, panelFinish, sizeof(Workspace), sizeof(Slot),
                                        plain->slot_offset, 6, io, kFlops, -1, nullptr, nullptr},
                                       plain[1],
                                       plain[2]};
  static const ai_rt_program_t program = [] {
    ai_rt_program_t copy = regression();
    copy.name = "panels";
    copy.fixed_bytes = sizeof(FixedWithPanels);
    copy.steps = steps;
    return copy;
  }();
  return program;
}

//===----------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------===//

static constexpr int64_t kCounterSlots = 2;

namespace {
struct CounterFixed {
  alignas(64) float offset;
  alignas(64) float metrics[2];
  alignas(64) float slots[kCounterSlots][16];
};

struct CounterWorkspace {
  alignas(64) float inputs[kBlock][4];
  alignas(64) int32_t labels[kBlock];
};
} // namespace

static void countBlock(char *, char *work, char *slot, char *, char *, int64_t first, int64_t,
                       int64_t, int64_t count, int64_t, int64_t, int64_t) {
  auto &workspace = *reinterpret_cast<CounterWorkspace *>(work);
  auto *sums = reinterpret_cast<float *>(slot);
  if (first < kCounterSlots * kBlock)
    sums[0] = sums[1] = 0;
  for (int64_t n = 0; n < std::min(kBlock, count - first); ++n) {
    for (float value : workspace.inputs[n])
      sums[0] += value;
    sums[1] += workspace.labels[n] == 0 ? 1.0f : 0.0f;
  }
}

static void countCombine(char *fixedBytes, char *, int64_t part, int64_t, int64_t, int64_t, int64_t,
                         int64_t) {
  auto &fixed = *reinterpret_cast<CounterFixed *>(fixedBytes);
  for (int64_t i = 0; part == 0 && i < 2; ++i)
    fixed.metrics[i] = fixed.slots[0][i] + fixed.slots[1][i];
}

static void addFunction(char *, char *workspace) {
  auto *values = reinterpret_cast<double *>(workspace);
  values[2] = values[0] + values[1];
}

const ai_rt_program_t &ai::test::counter() {
  static const int64_t one[] = {1}, inputShape[] = {kBlock, 1, 2, 2}, labelShape[] = {kBlock};
  static const ai_rt_tensor_info_t tensors[] = {{"offset", AI_RT_PARAMETER, AI_RT_F32, 1, one,
                                                 offsetof(CounterFixed, offset), 4,
                                                 AI_RT_INIT_NORMAL, 1, 0}};
  static const ai_rt_tensor_info_t io[] = {
      {"input", AI_RT_INPUT, AI_RT_F32, 4, inputShape, offsetof(CounterWorkspace, inputs), 64, 0, 0,
       0},
      {"target", AI_RT_TARGET, AI_RT_I32, 1, labelShape, offsetof(CounterWorkspace, labels), 16, 0,
       0, 0},
      {"loss", AI_RT_METRIC, AI_RT_F32, 0, nullptr, offsetof(CounterFixed, metrics[0]), 4, 0, 0, 0},
      {"correct", AI_RT_METRIC, AI_RT_F32, 0, nullptr, offsetof(CounterFixed, metrics[1]), 4, 0, 0,
       0}};
  constexpr int64_t slots = offsetof(CounterFixed, slots);
  static const ai_rt_step_t steps[] = {
      {"train", kBlock, kCounterSlots, 0, countBlock, countCombine, nullptr, nullptr,
       sizeof(CounterWorkspace), 64, slots, 4, io, kFlops, -1, nullptr, nullptr},
      {"evaluate", kBlock, kCounterSlots, 0, countBlock, countCombine, nullptr, nullptr,
       sizeof(CounterWorkspace), 64, slots, 4, io, kFlops, -1, nullptr, nullptr}};
  static const ai_rt_tensor_info_t args[] = {
      {"x", AI_RT_ARGUMENT, AI_RT_F64, 0, nullptr, 0, 8, 0, 0, 0},
      {"y", AI_RT_ARGUMENT, AI_RT_F64, 0, nullptr, 8, 8, 0, 0, 0}};
  static const ai_rt_tensor_info_t results[] = {
      {"z", AI_RT_RESULT, AI_RT_F64, 0, nullptr, 16, 8, 0, 0, 0}};
  static const ai_rt_function_t functions[] = {
      {"add", addFunction, 24, 2, args, 1, results, nullptr, 0}};
  static const ai_rt_program_t program = {"counter",
                                          AI_RT_ABI_VERSION,
                                          sizeof(CounterFixed),
                                          1,
                                          tensors,
                                          2,
                                          steps,
                                          1,
                                          functions,
                                          AI_RT_CROSS_ENTROPY,
                                          /*num_classes=*/3,
                                          /*batch=*/8,
                                          /*epochs=*/1,
                                          /*seed=*/1,
                                          /*mean=*/0.5,
                                          /*std=*/0.25,
                                          "",
                                          /*num_profile_rows=*/0,
                                          nullptr,
                                          /*num_images=*/0,
                                          nullptr,
                                          /*cpu=*/"fake",
                                          /*cpus=*/"fake",
                                          /*num_features=*/0,
                                          nullptr,
                                          /*max_memory=*/0,
                                          /*num_checks=*/0,
                                          /*checks=*/nullptr,
                                          /*num_nodes=*/0,
                                          /*nodes=*/nullptr};
  return program;
}

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

ModelPtr ai::test::create(const ai_rt_program_t &program, int64_t threads, int64_t seed) {
  ai_rt_config_t config = ai_rt_config_default(&program);
  config.threads = threads;
  config.seed = seed;
  ai_rt_model_t *model = nullptr;
  EXPECT_EQ(ai_rt_model_create(&program, &config, &model), AI_RT_OK) << ai_rt_last_error();
  return ModelPtr(model);
}

std::string ai::test::snapshot(const ai_rt_model_t *model) {
  std::string bytes;
  for (int64_t i = 0; i < ai_rt_model_num_tensors(model); ++i) {
    const ai_rt_tensor_info_t *info = ai_rt_model_tensor_info(model, i);
    std::string tensor(info->bytes, '\0');
    EXPECT_EQ(ai_rt_model_get_tensor(model, info->name, tensor.data(), info->bytes), AI_RT_OK);
    if (info->role != AI_RT_SETTING)
      bytes += tensor;
  }
  return bytes;
}

RegressionData::RegressionData(int64_t count)
    : inputShape{count, kFeatures}, targetShape{count, 1} {
  for (int64_t n = 0; n < count; ++n) {
    float a = static_cast<float>((n * 7) % 11) / 11, b = static_cast<float>((n * 5) % 13) / 13,
          c = static_cast<float>((n * 3) % 17) / 17;
    inputs.insert(inputs.end(), {a, b, c});
    targets.push_back(2 * a - 3 * b + c / 2 + 1.001f);
  }
  data = {{inputs.data(), AI_RT_F32, 2, inputShape}, {targets.data(), AI_RT_F32, 2, targetShape}};
}
