//===- DeviceTest.cpp - steps on a GPU ------------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model of kernels written by hand: in the emulator for what it computes, on the fake driver for
// what is asked of a GPU and when.
//
//===----------------------------------------------------------------------===//

#include "FakeCUDA.h"
#include "Setting.h"

#include "ai/Runtime/ai_rt.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

using ai::test::Setting;

namespace {
constexpr int64_t kSlots = 4, kSlotBytes = 64, kEntryBytes = 64;
constexpr int64_t kFixedBytes = kSlotBytes * (1 + kSlots), kRowBytes = 16;

#define KERNEL(name)                                                                               \
  void name(char *fixed, char *, char *, const char *inputs, const char *targets, char *metrics,   \
            const int64_t *batch, int64_t first, int64_t count, ai_rt_gpu_thread_t *t)

template <typename T> T &at(const char *base, int64_t offset) {
  return *reinterpret_cast<T *>(const_cast<char *>(base) + offset);
}

/// slot[block] += x[0] + 10 x[1] + 100 y + 10000 step, of the sample's rows.
KERNEL(block) {
  (void)count, (void)metrics;
  int64_t rows = batch[AI_RT_BATCH_ROWS + first + t->block];
  int64_t input = (rows & 0xffffffff) * kRowBytes, target = (rows >> 32) * kRowBytes;
  auto &slot = at<float>(fixed, kSlotBytes * (1 + t->block));
  slot = (first < kSlots ? 0 : slot) + at<float>(inputs, input) +
         10 * at<float>(inputs, input + 4) + 100 * float(at<int32_t>(targets, target)) +
         10000 * float(batch[AI_RT_BATCH_STEP]);
}

/// The loss is the sum of the slots; the parameter counts steps.
KERNEL(combine) {
  (void)inputs, (void)targets, (void)first, (void)count, (void)t;
  float sum = 0;
  for (int64_t i = 1; i <= kSlots; ++i)
    sum += at<float>(fixed, kSlotBytes * i);
  at<float>(metrics, kEntryBytes * batch[AI_RT_BATCH_ENTRY]) = sum;
  at<float>(fixed, 0) += 1;
}

/// Both for as many steps as there are samples: thread block i takes the blocks i, i + 2, ...
KERNEL(epoch) {
  int64_t size = count, total = first;
  EXPECT_EQ(t->blocks, 2);
  for (int64_t begin = 0; begin < total; begin += size) {
    const int64_t *record = batch + begin / size * (AI_RT_BATCH_ROWS + size);
    int64_t own = std::min(size, total - begin);
    for (int64_t round = 0; round < own; round += kSlots) {
      for (int32_t i = t->block; i < kSlots; i += t->blocks) {
        ai_rt_gpu_thread_t turn = *t;
        turn.block = i;
        if (round + i < own)
          block(fixed, nullptr, nullptr, inputs, targets, metrics, record, round, own, &turn);
        else if (round == 0)
          at<float>(fixed, kSlotBytes * (1 + i)) = 0;
      }
      ai_rt_gpu_grid_barrier(t, 0, "");
    }
    if (t->block == 0)
      combine(fixed, nullptr, nullptr, inputs, targets, metrics, record, 0, own, t);
    ai_rt_gpu_grid_barrier(t, 1, "");
  }
}

const int64_t inputShape[] = {1, 2}, targetShape[] = {1};
const ai_rt_tensor_info_t tensors[] = {
    {"steps", AI_RT_PARAMETER, AI_RT_F32, 0, nullptr, 0, 4, AI_RT_INIT_CONSTANT, 0, 0},
    {"lr", AI_RT_SETTING, AI_RT_F64, 0, nullptr, 8, 8, AI_RT_INIT_CONSTANT, 0.5, 0}};
const ai_rt_tensor_info_t stepTensors[] = {
    {"x", AI_RT_INPUT, AI_RT_F32, 2, inputShape, 0, 8, 0, 0, 0},
    {"y", AI_RT_TARGET, AI_RT_I32, 1, targetShape, 0, 4, 0, 0, 0},
    {"loss", AI_RT_METRIC, AI_RT_F32, 0, nullptr, 0, 4, 0, 0, 0}};
const ai_rt_kernel_t blockKernel = {"the_block", block, 0, 1, 0, nullptr},
                     combineKernel = {"the_combine", combine, 1, 1, 0, nullptr};
const ai_rt_kernel_t epochKernel = {"the_epoch", epoch, 2, 1, 0, nullptr};
const ai_rt_gpu_step_t gpuStep = {
    {1, &blockKernel}, {1, &combineKernel}, {0, nullptr}, {0, nullptr}, 0, 0, kEntryBytes, nullptr};
const ai_rt_gpu_step_t joinedStep = {
    {1, &blockKernel}, {1, &combineKernel}, {0, nullptr}, {0, nullptr}, 0, 0,
    kEntryBytes,       &epochKernel};
const ai_rt_step_t steps[] = {{"train", 1, kSlots, 0, nullptr, nullptr, nullptr, nullptr, 0,
                               kSlotBytes, kSlotBytes, 3, stepTensors, 1, -1, &gpuStep, nullptr},
                              {"evaluate", 1, kSlots, 0, nullptr, nullptr, nullptr, nullptr, 0,
                               kSlotBytes, kSlotBytes, 3, stepTensors, 1, -1, &gpuStep, nullptr}};
const ai_rt_step_t joinedSteps[] = {{"train", 1, kSlots, 0, nullptr, nullptr, nullptr, nullptr, 0,
                                     kSlotBytes, kSlotBytes, 3, stepTensors, 1, -1, &joinedStep,
                                     nullptr},
                                    steps[1]};
const int64_t noCubin = 0;
const ai_rt_gpu_image_t image = {"sm_75", "\n.version 6.3\n",
                                 reinterpret_cast<const char *>(&noCubin)};

ai_rt_program_t makeProgram() {
  ai_rt_program_t program = {};
  program.name = "hand";
  program.abi_version = AI_RT_ABI_VERSION;
  program.fixed_bytes = kFixedBytes;
  program.num_tensors = 2;
  program.tensors = tensors;
  program.num_steps = 2;
  program.steps = steps;
  program.loss = AI_RT_MSE_LOSS;
  program.batch = 3;
  program.std = 1;
  program.num_images = 1;
  program.images = &image;
  return program;
}

/// A data set of `rows` samples and a model.
class Device : public testing::Test {
protected:
  static constexpr int64_t kRows = 700;

  Device() : x(2 * kRows), y(kRows) {
    *fake_cuda() = {};
    std::iota(x.begin(), x.end(), 0.0f);
    std::iota(y.begin(), y.end(), 0);
    data = {{x.data(), AI_RT_F32, 2, xShape}, {y.data(), AI_RT_I32, 1, yShape}};
    for (int64_t i = 0; i < kRows; ++i)
      order.push_back(uint32_t((i * 37) % kRows));
  }
  void SetUp() override { create(); }
  void TearDown() override {
    ai_rt_model_destroy(model);
    for (int left : {fake_cuda()->contexts, fake_cuda()->allocations, fake_cuda()->hostAllocations,
                     fake_cuda()->events, fake_cuda()->graphs})
      EXPECT_EQ(left, 0);
  }
  void create() {
    ASSERT_EQ(ai_rt_model_create(&program, nullptr, &model), AI_RT_OK) << ai_rt_last_error();
  }
  void keep() { ASSERT_EQ(ai_rt_model_keep_data(model, &data), AI_RT_OK) << ai_rt_last_error(); }
  ai_rt_status_t train(int64_t first, int64_t count, ai_rt_metrics_t *metrics = nullptr) {
    return ai_rt_model_train_batch(model, &data, order.data(), first, count, metrics);
  }
  ai_rt_metrics_t unread() {
    ai_rt_metrics_t metrics = {};
    EXPECT_EQ(ai_rt_model_read_metrics(model, &metrics), AI_RT_OK) << ai_rt_last_error();
    return metrics;
  }
  /// What a step on these positions must come to.
  double expected(int64_t step, int64_t first, int64_t count) const {
    double sum = 0;
    for (int64_t i = first; i < first + count; ++i)
      sum += x[2 * order[i]] + 10.0 * x[2 * order[i] + 1] + 100.0 * y[order[i]] + 10000.0 * step;
    return sum;
  }
  /// Steps of several sizes: their sums, when asked for one by one and all together.
  void expectRightSums() {
    double sum = 0;
    int64_t step = 0, samples = 0;
    for (int64_t count : {3, 3, 3, 9, 3, 9, 1, 9}) {
      int64_t first = 50 * step;
      ai_rt_metrics_t own = {};
      ASSERT_EQ(train(first, count, step % 3 == 2 ? &own : nullptr), AI_RT_OK)
          << ai_rt_last_error();
      double value = expected(step, first, count);
      if (step % 3 == 2) {
        EXPECT_EQ(own.loss, value) << step;
        EXPECT_EQ(own.count, count);
      } else {
        sum += value;
        samples += count;
      }
      ++step;
    }
    ai_rt_metrics_t late = unread();
    EXPECT_EQ(late.loss, sum);
    EXPECT_EQ(late.count, samples);
    EXPECT_EQ(unread().count, 0);
  }

  Setting emulate{"AI_GPU", "emulate"};
  ai_rt_program_t program = makeProgram();
  ai_rt_model_t *model = nullptr;
  std::vector<float> x;
  std::vector<int32_t> y;
  const int64_t xShape[2] = {kRows, 2}, yShape[1] = {kRows};
  ai_rt_data_t data;
  std::vector<uint32_t> order;
};

/// The same on the fake driver.
class DeviceOnDriver : public Device {
protected:
  DeviceOnDriver() { setenv("AI_GPU", "driver", 1); }

  /// How often a call of this kind was made since the last time.
  std::vector<std::string> calls() { return std::exchange(fake_cuda()->calls, {}); }
  static int64_t count(const std::vector<std::string> &calls, const std::string &kind) {
    return std::count_if(calls.begin(), calls.end(), [&](const std::string &call) {
      return call.compare(0, kind.size(), kind) == 0;
    });
  }
};
} // namespace

TEST_F(Device, SendsTheSamplesOfABatch) { expectRightSums(); }

TEST_F(Device, KeepsADataSet) {
  keep();
  keep(); // once
  expectRightSums();
  ASSERT_EQ(ai_rt_model_keep_data(model, nullptr), AI_RT_OK);
  x[2 * order[0]] += 1; // may change again
  ai_rt_metrics_t metrics;
  ASSERT_EQ(train(0, 3, &metrics), AI_RT_OK);
  EXPECT_EQ(metrics.loss, expected(8, 0, 3));
}

TEST_F(Device, SendsWhatThereIsNoRoomFor) {
  ai_rt_model_destroy(model);
  // The arena, the record and samples on their way fit, and then the inputs, not the targets.
  Setting memory("AI_GPU_MEMORY", "95000");
  create();
  keep();
  expectRightSums();
}

TEST_F(Device, GrowsWithTheBatch) {
  ai_rt_metrics_t metrics;
  for (int64_t count : {3, 600, 3, 600, 3}) {
    int64_t step = ai_rt_model_progress(model).step;
    ASSERT_EQ(train(0, count, &metrics), AI_RT_OK) << ai_rt_last_error();
    EXPECT_FLOAT_EQ(float(metrics.loss), float(expected(step, 0, count)));
  }
}

TEST_F(Device, EvaluatesBetweenSteps) {
  ASSERT_EQ(train(0, 3), AI_RT_OK);
  std::iota(order.begin(), order.end(), 0u);
  ai_rt_metrics_t metrics;
  ASSERT_EQ(ai_rt_model_evaluate_data(model, &data, 5, 70, &metrics), AI_RT_OK);
  EXPECT_EQ(metrics.loss, expected(1, 5, 70));
  EXPECT_EQ(metrics.count, 70);
  EXPECT_EQ(unread().count, 3); // the training's
}

TEST_F(Device, RunsManyStepsInOneLaunch) {
  program.steps = joinedSteps;
  ai_rt_model_destroy(model);
  create();
  EXPECT_EQ(ai_rt_model_batches_at_once(model, &data), 1);
  expectRightSums(); // of samples that are sent: step by step
  keep();
  EXPECT_EQ(ai_rt_model_batches_at_once(model, &data), 1024);
  int64_t step = ai_rt_model_progress(model).step;
  for (int64_t size : {3, 9, 4, 700, 1}) { // the last batch is smaller, or a launch ends before
    double sum = 0;
    for (int64_t first = 0; first < kRows; first += size)
      sum += double(float(expected(step++, first, std::min(size, kRows - first))));
    for (int64_t first : {int64_t(0), 10 * size})
      if (int64_t end = first ? kRows : std::min(10 * size, kRows); first < end)
        ASSERT_EQ(ai_rt_model_train_batches(model, &data, order.data(), first, end - first, size),
                  AI_RT_OK)
            << ai_rt_last_error();
    EXPECT_EQ(ai_rt_model_progress(model).step, step);
    ai_rt_metrics_t metrics = unread();
    EXPECT_NEAR(metrics.loss / sum, 1, 1e-5) << size; // of floats, in another order
    EXPECT_EQ(metrics.count, kRows);
  }
  float counted = 0;
  ASSERT_EQ(ai_rt_model_get_tensor(model, "steps", &counted, 4), AI_RT_OK);
  EXPECT_EQ(counted, float(step));
}

TEST_F(Device, RefusesBatchesThatAreNone) {
  EXPECT_EQ(ai_rt_model_train_batches(model, &data, nullptr, 0, 10, 0), AI_RT_INVALID);
  EXPECT_STREQ(ai_rt_last_error(), "expects a batch of at least 1, got 0");
  EXPECT_EQ(ai_rt_model_train_batches(model, &data, nullptr, 0, 0, 5), AI_RT_INVALID);
  EXPECT_STREQ(ai_rt_last_error(), "expects at least one sample, got 0");
}

TEST_F(Device, ReadsMetricsBeforeTheirPlacesAreUsedUp) {
  keep();
  double sum = 0;
  for (int64_t step = 0; step < 2500; ++step) {
    ASSERT_EQ(train(step % 600, 1), AI_RT_OK);
    sum += double(float(expected(step, step % 600, 1)));
  }
  EXPECT_EQ(unread().loss, sum);
  EXPECT_EQ(unread().count, 0);
}

TEST_F(DeviceOnDriver, RecordsAStepTheSecondTimeAndWaitsForNone) {
  keep();
  calls();
  ASSERT_EQ(train(0, 3), AI_RT_OK);
  EXPECT_EQ(fake_cuda()->launches.size(), 2u);
  EXPECT_EQ(count(calls(), "graph"), 0);
  ASSERT_EQ(train(3, 3), AI_RT_OK);
  EXPECT_EQ(fake_cuda()->graphs, 1);
  calls();
  for (int64_t i = 2; i < 6; ++i)
    ASSERT_EQ(train(3 * i, 3), AI_RT_OK);
  std::vector<std::string> made = calls();
  // A step: its place for a record is free (of eight), the record, the graph.
  EXPECT_EQ(made.size(), 4u * 5);
  EXPECT_EQ(count(made, "copyIn 0"), 4);
  EXPECT_EQ(count(made, "graph 0"), 4);
  EXPECT_EQ(count(made, "sync"), 0);
  EXPECT_EQ(fake_cuda()->launches.size(), 12u);
  EXPECT_EQ(fake_cuda()->launches.back().kernel, "the_combine");
  EXPECT_EQ(unread().count, 18);
  EXPECT_EQ(count(calls(), "sync 0"), 1);
}

TEST_F(DeviceOnDriver, SendsSamplesByAStreamOfTheirOwn) {
  ASSERT_EQ(train(0, 3), AI_RT_OK);
  ASSERT_EQ(train(3, 3), AI_RT_OK);
  calls();
  ASSERT_EQ(train(6, 3), AI_RT_OK);
  std::vector<std::string> made = calls();
  ASSERT_EQ(made.size(), 11u);
  EXPECT_EQ(made[0].substr(0, 5), "await");  // the host's side is free,
  EXPECT_EQ(made[1].substr(0, 6), "wait 1"); // the device's too
  EXPECT_EQ(made[2], "copyIn 1");
  EXPECT_EQ(made[3], "copyIn 1");
  EXPECT_EQ(made[4], "mark 1 " + made[0].substr(6));
  EXPECT_EQ(made[5], "wait 0 " + made[0].substr(6));
  EXPECT_EQ(made[6].substr(0, 5), "await");
  EXPECT_EQ(made[7], "copyIn 0");
  EXPECT_EQ(made[8], "mark 0 " + made[6].substr(6));
  EXPECT_EQ(made[9], "graph 0");
  EXPECT_EQ(made[10], "mark 0 " + made[1].substr(7));
}

TEST_F(DeviceOnDriver, ReadsSettingsWithoutWaiting) {
  ASSERT_EQ(train(0, 3), AI_RT_OK);
  calls();
  double lr = 0;
  ASSERT_EQ(ai_rt_model_get_setting(model, "lr", &lr), AI_RT_OK);
  EXPECT_EQ(lr, 0.5);
  EXPECT_TRUE(calls().empty());
  float number;
  ASSERT_EQ(ai_rt_model_get_tensor(model, "steps", &number, 4), AI_RT_OK);
  EXPECT_EQ(count(calls(), "copyOut"), 1);
}

TEST_F(DeviceOnDriver, LaunchesStepsTogether) {
  program.steps = joinedSteps;
  fake_cuda()->together = 1;
  ai_rt_model_destroy(model);
  create();
  keep();
  calls();
  ASSERT_EQ(ai_rt_model_train_batches(model, &data, order.data(), 0, 10, 3), AI_RT_OK)
      << ai_rt_last_error();
  ASSERT_EQ(fake_cuda()->launches.size(), 1u);
  const FakeCUDA::Launch &launch = fake_cuda()->launches[0];
  EXPECT_EQ(launch.kernel, "the_epoch");
  EXPECT_TRUE(launch.together);
  EXPECT_EQ(launch.grid, 2u); // there is no work for more
  EXPECT_EQ(launch.arguments[7], 10);
  EXPECT_EQ(launch.arguments[8], 3);
  std::vector<std::string> made = calls();
  EXPECT_EQ(count(made, "graph"), 0);
  EXPECT_EQ(count(made, "sync"), 0);
  const auto *records = reinterpret_cast<const int64_t *>(launch.arguments[6]);
  for (int64_t step = 0; step < 4; ++step) {
    const int64_t *record = records + step * (AI_RT_BATCH_ROWS + 3);
    EXPECT_EQ(record[AI_RT_BATCH_STEP], step);
    EXPECT_EQ(record[AI_RT_BATCH_ENTRY], step);
    EXPECT_EQ(record[AI_RT_BATCH_ROWS] & 0xffffffff, order[size_t(3 * step)]);
  }
  EXPECT_EQ(unread().count, 10);
  // One step is launched so, too, and an evaluation as ever.
  ASSERT_EQ(train(0, 3), AI_RT_OK);
  EXPECT_EQ(fake_cuda()->launches.back().kernel, "the_epoch");
  ai_rt_metrics_t metrics;
  ASSERT_EQ(ai_rt_model_evaluate_data(model, &data, 0, 3, &metrics), AI_RT_OK);
  EXPECT_EQ(fake_cuda()->launches.back().kernel, "the_combine");
  ai_rt_model_destroy(model);
  create();
  keep();
  fake_cuda()->together = 0;
  EXPECT_EQ(ai_rt_model_train_batches(model, &data, order.data(), 0, 10, 3), AI_RT_NO_DEVICE);
  EXPECT_EQ(ai_rt_model_progress(model).step, 0);
}

TEST_F(DeviceOnDriver, ForgetsOldGraphs) {
  for (int64_t count = 1; count <= 40; ++count)
    for (int64_t times = 0; times < 2; ++times)
      ASSERT_EQ(train(0, count), AI_RT_OK) << ai_rt_last_error();
  EXPECT_LE(fake_cuda()->graphs, 16);
}

TEST_F(DeviceOnDriver, StoresNoNumberOfAFailedLaunch) {
  ASSERT_EQ(train(0, 3), AI_RT_OK);
  ASSERT_EQ(train(0, 3), AI_RT_OK);
  fake_cuda()->failing = "cuStreamSynchronize";
  ai_rt_metrics_t metrics = {-1, -1, -1};
  EXPECT_EQ(train(0, 3, &metrics), AI_RT_NO_DEVICE);
  EXPECT_EQ(metrics.loss, -1);
  EXPECT_STREQ(ai_rt_last_error(),
               "the GPU failed while running in one of the kernels the_block, the_combine "
               "(AI_GPU_CHECK=launch waits for each and says in which): "
               "CUDA_ERROR_ILLEGAL_ADDRESS 700: an illegal access");
}

TEST_F(DeviceOnDriver, LooksAtEveryLaunchIfAsked) {
  ai_rt_model_destroy(model);
  Setting check("AI_GPU_CHECK", "launch");
  create();
  calls();
  for (int64_t i = 0; i < 3; ++i)
    ASSERT_EQ(train(0, 3), AI_RT_OK);
  std::vector<std::string> made = calls();
  EXPECT_EQ(count(made, "graph"), 0);
  EXPECT_EQ(count(made, "sync 0"), 6);
}

TEST_F(DeviceOnDriver, IsRefusedWithoutRoom) {
  ai_rt_model_destroy(model);
  model = nullptr;
  fake_cuda()->memory = 1000;
  EXPECT_EQ(ai_rt_model_create(&program, nullptr, &model), AI_RT_NO_MEMORY);
  EXPECT_STREQ(ai_rt_last_error(),
               "expects 65856 bytes of the GPU's memory, which has 1000 of 1000 free");
}
