//===- ModelTest.cpp - making models, tensors, settings, functions --------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeProgram.h"
#include "lib/Runtime/ThreadPool.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace ai::test;

static void expectError(ai_rt_status_t status, const std::string &text) {
  EXPECT_EQ(status, AI_RT_INVALID);
  EXPECT_EQ(ai_rt_last_error(), text);
}

TEST(ModelCreate, FillsInInitialValues) {
  ModelPtr model = create(regression());
  auto *weight = static_cast<float *>(ai_rt_model_tensor_data(model.get(), "weight"));
  for (int64_t i = 0; i < kFeatures; ++i) {
    EXPECT_LE(std::abs(weight[i]), 0.5f);
    EXPECT_NE(weight[i], 0);
  }
  EXPECT_EQ(*static_cast<float *>(ai_rt_model_tensor_data(model.get(), "bias")), 0.25f);
  double lr;
  ASSERT_EQ(ai_rt_model_get_setting(model.get(), "lr", &lr), AI_RT_OK);
  EXPECT_EQ(lr, 0.05);
  EXPECT_EQ(snapshot(model.get()), snapshot(create(regression(), 2).get()));
  EXPECT_NE(snapshot(model.get()), snapshot(create(regression(), 1, /*seed=*/8).get()));
}

TEST(ModelCreate, TakesTheRecipeWithoutAConfiguration) {
  ai_rt_model_t *model;
  ASSERT_EQ(ai_rt_model_create(&regression(), nullptr, &model), AI_RT_OK);
  EXPECT_EQ(ai_rt_model_progress(model).seed, 1);
  EXPECT_GE(ai_rt_model_num_threads(model), 1);
  EXPECT_EQ(ai_rt_model_program(model), &regression());
  ai_rt_model_destroy(model);
  ai_rt_model_destroy(nullptr);
}

TEST(ModelCreate, RefusesWrongNumbers) {
  ai_rt_model_t *model = nullptr;
  ai_rt_config_t config = {/*threads=*/-1, 0, 0, 0};
  expectError(ai_rt_model_create(&regression(), &config, &model),
              "expects 1 to 4096 threads, got -1");
  config = {/*threads=*/1, /*batch=*/-5, 0, 0};
  expectError(ai_rt_model_create(&regression(), &config, &model),
              "expects a batch of at least 1, got -5");
  expectError(ai_rt_model_create(nullptr, &config, &model), "expects a program, got null");
  ai_rt_program_t program = regression();
  program.abi_version = 99;
  expectError(ai_rt_model_create(&program, nullptr, &model),
              "expects a program of ABI version 13, got 99; compile the model with the compiler of "
              "this runtime");
  config = {/*threads=*/4096, 1, 0, /*pin=*/1};
  expectError(ai_rt_model_create(&regression(), &config, &model),
              "expects a CPU for each thread that is pinned, of which this process may use " +
                  std::to_string(ai::rt::numUsableCPUs()) + ", got 4096 threads");
  program = regression();
  program.num_steps = 0;
  expectError(ai_rt_model_create(&program, nullptr, &model),
              "expects a program with a training recipe, got functions only; use ai_rt_call");
  program = regression();
  program.fixed_bytes = 64;
  expectError(ai_rt_model_create(&program, nullptr, &model),
              "expects tensor 'bias' inside 64 fixed bytes, got 4 bytes at 64");
  EXPECT_EQ(model, nullptr);
}

TEST(ModelCreate, RefusesMoreMemoryThanTheProgramWasCompiledFor) {
  ai_rt_program_t program = regression();
  int64_t workspace = ai_rt_program_memory(&program, 10, 2) - ai_rt_program_memory(&program, 10, 1);
  int64_t least = ai_rt_program_memory(&program, 1, 1);
  ai_rt_model_t *model = nullptr;
  auto expectRefused = [&](int64_t most, ai_rt_config_t config, const std::string &remedy) {
    program.max_memory = most;
    EXPECT_EQ(ai_rt_model_create(&program, &config, &model), AI_RT_NO_MEMORY);
    std::string got = std::to_string(ai_rt_program_memory(&program, config.batch, config.threads));
    std::string threads = config.threads == 1 ? "1 thread" : "4 threads";
    EXPECT_EQ(ai_rt_last_error(), "expects at most " + std::to_string(most) +
                                      " bytes of memory (ai-compile's --max-memory), got " + got +
                                      " for " + threads + " and a batch of " +
                                      std::to_string(config.batch) + "; " + remedy);
  };
  expectRefused(least + 2 * workspace, {4, 1, 0, 0}, "it fits with --threads 3");
  expectRefused(least + 3 * workspace - 1, {4, 1, 0, 0}, "it fits with --threads 3");
  expectRefused(least + 80, {1, 12, 0, 0}, "it fits with --batch 11");
  expectRefused(least - 1, {4, 100, 0, 0},
                "the least, one thread and a batch of 1, is " + std::to_string(least));
  EXPECT_EQ(model, nullptr);

  // What fits is made; a batch that would have to be made room for is refused later.
  program.max_memory = least + 80;
  ai_rt_config_t config = {1, 11, 0, 0};
  ASSERT_EQ(ai_rt_model_create(&program, &config, &model), AI_RT_OK);
  ModelPtr owner(model);
  RegressionData samples(12);
  EXPECT_EQ(ai_rt_model_train_batch(model, &samples.data, nullptr, 0, 11, nullptr), AI_RT_OK);
  EXPECT_EQ(ai_rt_model_train_batch(model, &samples.data, nullptr, 0, 12, nullptr),
            AI_RT_NO_MEMORY);
}

TEST(ProgramMemory, GrowsByWorkspacesAndIndices) {
  auto memory = [](int64_t batch, int64_t threads) {
    return ai_rt_program_memory(&regression(), batch, threads);
  };
  int64_t workspace = regression().steps[0].workspace_bytes;
  EXPECT_EQ(memory(1, 1), regression().fixed_bytes + workspace + 8);
  EXPECT_EQ(memory(65, 3) - memory(1, 1), 64 * 8 + 2 * workspace);
  EXPECT_EQ(memory(0, 1), memory(10, 1));
  EXPECT_EQ(ai_rt_model_memory(create(regression(), 3).get()), memory(10, 3));
}

TEST(Tensors, AreFoundAndCopiedByName) {
  ModelPtr model = create(regression());
  EXPECT_EQ(ai_rt_model_num_tensors(model.get()), 5);
  EXPECT_EQ(ai_rt_model_find_tensor(model.get(), "bias"), 1);
  EXPECT_EQ(ai_rt_model_find_tensor(model.get(), "bia"), -1);
  EXPECT_EQ(ai_rt_model_tensor_info(model.get(), 5), nullptr);
  EXPECT_EQ(ai_rt_model_tensor_data(model.get(), "none"), nullptr);
  float values[kFeatures] = {1, 2, 3}, read[kFeatures];
  ASSERT_EQ(ai_rt_model_set_tensor(model.get(), "weight.momentum_buffer", values, 12), AI_RT_OK);
  EXPECT_EQ(ai_rt_model_is_trained(model.get()), 0);
  ASSERT_EQ(ai_rt_model_set_tensor(model.get(), "weight", values, 12), AI_RT_OK);
  EXPECT_EQ(ai_rt_model_is_trained(model.get()), 1);
  ASSERT_EQ(ai_rt_model_get_tensor(model.get(), "weight", read, 12), AI_RT_OK);
  EXPECT_EQ(read[2], 3);
}

TEST(Tensors, RefuseWrongNamesAndSizes) {
  ModelPtr model = create(regression());
  float value = 0;
  expectError(ai_rt_model_get_tensor(model.get(), "wait", &value, 4),
              "model 'regression' has no tensor 'wait'; it has: weight, bias, "
              "weight.momentum_buffer, lr, momentum");
  expectError(ai_rt_model_set_tensor(model.get(), "weight", &value, 4),
              "expects 12 bytes for tensor 'weight' of [3] f32, got 4");
}

TEST(Settings, ChangeTheNextStep) {
  RegressionData data(10);
  ModelPtr model = create(regression());
  std::string before = snapshot(model.get());
  double lr;
  ASSERT_EQ(ai_rt_model_set_setting(model.get(), "lr", 0), AI_RT_OK);
  ASSERT_EQ(ai_rt_model_get_setting(model.get(), "lr", &lr), AI_RT_OK);
  EXPECT_EQ(lr, 0);
  ASSERT_EQ(ai_rt_model_train_batch(model.get(), &data.data, nullptr, 0, 10, nullptr), AI_RT_OK);
  EXPECT_EQ(snapshot(model.get()).substr(0, 16), before.substr(0, 16));
  expectError(ai_rt_model_set_setting(model.get(), "weight", 0),
              "model 'regression' has no setting 'weight'; it has: lr, momentum");
}

TEST(Progress, CanBeSetButNotBelowZero) {
  ModelPtr model = create(regression());
  ai_rt_progress_t progress = {5, 1, 20, 3};
  ASSERT_EQ(ai_rt_model_set_progress(model.get(), &progress), AI_RT_OK);
  EXPECT_EQ(ai_rt_model_progress(model.get()).position, 20);
  progress.epoch = -1;
  expectError(ai_rt_model_set_progress(model.get(), &progress),
              "expects step, epoch and position of at least 0, got 5, -1 and 20");
  EXPECT_EQ(ai_rt_model_progress(model.get()).epoch, 1);
}

TEST(Models, AreIndependent) {
  RegressionData data(10);
  ModelPtr first = create(regression(), 2), second = create(regression(), 2);
  ModelPtr other = create(counter(), 2);
  std::string before = snapshot(second.get());
  ASSERT_EQ(ai_rt_model_train_batch(first.get(), &data.data, nullptr, 0, 10, nullptr), AI_RT_OK);
  EXPECT_EQ(snapshot(second.get()), before);
  EXPECT_NE(snapshot(first.get()), before);
}

TEST(Call, CopiesArgumentsAndResults) {
  double x = 2, y = 0.5, z = 0;
  const void *args[] = {&x, &y};
  void *results[] = {&z};
  ASSERT_EQ(ai_rt_call(&counter(), "add", args, results), AI_RT_OK);
  EXPECT_EQ(z, 2.5);
  expectError(ai_rt_call(&counter(), "sub", args, results),
              "'counter' has no function 'sub'; it has: add");
  expectError(ai_rt_call(&regression(), "sub", args, results),
              "'regression' has no function 'sub'; it has: none");
}

TEST(Tables, AnswerByName) {
  EXPECT_EQ(ai_rt_program_find_step(&regression(), "evaluate"), &regression().steps[1]);
  EXPECT_EQ(ai_rt_program_find_step(&regression(), "nothing"), nullptr);
  EXPECT_EQ(ai_rt_program_find_function(&counter(), "add"), counter().functions);
  EXPECT_STREQ(ai_rt_dtype_name(AI_RT_U8), "u8");
  EXPECT_STREQ(ai_rt_dtype_name(7), "?");
  EXPECT_EQ(ai_rt_dtype_size(AI_RT_I64), 8);
  EXPECT_EQ(ai_rt_dtype_size(AI_RT_I1), 1);
  EXPECT_EQ(ai_rt_dtype_size(-1), 0);
}
