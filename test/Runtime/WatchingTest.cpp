//===- WatchingTest.cpp - logs and traces of a training, in C -------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the files hold is tested in test_watching.py, by a reader of its own.
//
//===----------------------------------------------------------------------===//

#include "FakeProgram.h"
#include "Files.h"

using namespace ai::test;

namespace {

const RegressionData &samples() {
  static const RegressionData data(37);
  return data;
}

ai_rt_metrics_t trainOnce(const ModelPtr &model) {
  ai_rt_metrics_t metrics = {};
  EXPECT_EQ(ai_rt_model_train_batch(model.get(), &samples().data, nullptr, 0, 37, &metrics),
            AI_RT_OK);
  return metrics;
}

bool hasFiles(const std::string &folder) {
  for (const auto &entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      return true;
  return false;
}

TEST(Log, AllocatesNothingInSteps) {
  if (numAllocations() < 0)
    GTEST_SKIP() << "allocations are not counted here";
  TemporaryFolder folder;
  ModelPtr model = create(regression(), 2);
  ai_rt_metrics_t metrics = trainOnce(model);
  ai_rt_log_t *log = nullptr;
  ASSERT_EQ(ai_rt_log_open(model.get(), folder.path.c_str(), 1, &log), AI_RT_OK);
  int64_t before = numAllocations();
  int failures = 0;
  for (int i = 0; i < 2000; ++i) // more than a buffer
    failures += ai_rt_log_step(log, &metrics);
  EXPECT_EQ(numAllocations(), before);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(ai_rt_log_close(log), AI_RT_OK);
}

TEST(Log, ChangesNoBits) {
  TemporaryFolder folder;
  ModelPtr plain = create(regression()), logged = create(regression());
  ai_rt_log_t *log = nullptr;
  ASSERT_EQ(ai_rt_log_open(logged.get(), folder.path.c_str(), 0, &log), AI_RT_OK);
  for (int i = 0; i < 3; ++i) {
    trainOnce(plain);
    ai_rt_metrics_t metrics = trainOnce(logged);
    EXPECT_EQ(ai_rt_log_step(log, &metrics), AI_RT_OK);
  }
  ai_rt_metrics_t sums = {1, 0, 37};
  ai_rt_model_next_epoch(logged.get());
  EXPECT_EQ(ai_rt_log_epoch(log, &sums, nullptr), AI_RT_OK);
  EXPECT_EQ(ai_rt_log_close(log), AI_RT_OK);
  EXPECT_EQ(snapshot(plain.get()), snapshot(logged.get()));
  EXPECT_TRUE(hasFiles(folder.path));
  EXPECT_FALSE(std::filesystem::exists(folder / "test")) << "there is no test set";
}

TEST(Log, LeavesNoFilesWhenItCannotBeOpened) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "log");
  writeFile(folder / "log/test", "");
  ModelPtr model = create(regression());
  ai_rt_log_t *log = nullptr;
  EXPECT_EQ(ai_rt_log_open(model.get(), (folder / "log").c_str(), 1, &log), AI_RT_BAD_FILE);
  EXPECT_EQ(log, nullptr);
  std::filesystem::remove(folder / "log/test");
  EXPECT_FALSE(hasFiles(folder.path));
  EXPECT_EQ(ai_rt_log_close(nullptr), AI_RT_OK);
}

TEST(Trace, AllocatesNothingInSteps) {
  if (numAllocations() < 0)
    GTEST_SKIP() << "allocations are not counted here";
  ModelPtr model = create(panelRegression(), 3);
  trainOnce(model); // more samples than the recipe's batch
  ASSERT_EQ(ai_rt_model_trace_begin(model.get(), 4), AI_RT_OK);
  int64_t before = numAllocations();
  for (int i = 0; i < 6; ++i) // more than are traced
    trainOnce(model);
  EXPECT_EQ(numAllocations(), before);
}

/// Occurrences of an event's name.
size_t countOf(const std::string &trace, const std::string &name) {
  size_t count = 0;
  std::string event = "\"name\": \"" + name + "\", \"cat\"";
  for (size_t at = trace.find(event); at != std::string::npos; at = trace.find(event, at + 1))
    ++count;
  return count;
}

TEST(Trace, ShowsPanels) {
  TemporaryFolder folder;
  for (int64_t threads : {1, 2, 3}) {
    ModelPtr plain = create(panelRegression(), threads), model = create(panelRegression(), threads);
    for (const ModelPtr *each : {&plain, &model})
      trainOnce(*each); // more samples than the recipe's batch: now there is room for them
    ASSERT_EQ(ai_rt_model_trace_begin(model.get(), 2), AI_RT_OK);
    for (int i = 0; i < 3; ++i) {
      trainOnce(plain);
      trainOnce(model);
    }
    EXPECT_EQ(snapshot(plain.get()), snapshot(model.get())) << "changes no bits";
    ASSERT_EQ(ai_rt_model_trace_write(model.get(), (folder / "t").c_str()), AI_RT_OK)
        << ai_rt_last_error();
    // 37 samples are ten blocks, or three panels of three and one more.
    std::string trace = readFile(folder / "t");
    EXPECT_EQ(countOf(trace, "train"), size_t(2 * threads));
    EXPECT_EQ(countOf(trace, "block"), 2 * 10u);
    EXPECT_EQ(countOf(trace, "staging"), 2 * 10u);
    EXPECT_EQ(countOf(trace, "fold"), size_t(2 * 3 * threads));
    EXPECT_EQ(countOf(trace, "combine"), size_t(2 * threads));
    // At the start and the end, twice for a fold, before the combine.
    EXPECT_EQ(countOf(trace, "waiting"), size_t(2 * (2 + 6 + 1) * threads));
  }
}

TEST(Trace, LeavesOutWhatItHasNoRoomFor) {
  TemporaryFolder folder;
  ModelPtr model = create(regression());
  static const RegressionData many(4000);
  ASSERT_EQ(ai_rt_model_trace_begin(model.get(), 2), AI_RT_OK);
  ai_rt_metrics_t metrics;
  ASSERT_EQ(ai_rt_model_evaluate_data(model.get(), &many.data, 0, 4000, &metrics), AI_RT_OK);
  EXPECT_EQ(ai_rt_model_trace_write(model.get(), (folder / "t").c_str()), AI_RT_INVALID);
  EXPECT_FALSE(hasFiles(folder.path));
}

TEST(Trace, RefusesWhatCannotBe) {
  ModelPtr model = create(regression());
  EXPECT_EQ(ai_rt_model_trace_begin(model.get(), 0), AI_RT_INVALID);
  EXPECT_STREQ(ai_rt_last_error(), "expects to trace at least one step, got 0");
  EXPECT_EQ(ai_rt_model_trace_write(model.get(), "t"), AI_RT_INVALID);
  EXPECT_STREQ(ai_rt_last_error(),
               "expects a step to have run since recording began, got none; t is not written");
  ASSERT_EQ(ai_rt_model_trace_begin(model.get(), INT64_MAX), AI_RT_OK) << ai_rt_last_error();
  trainOnce(model);
  EXPECT_EQ(ai_rt_model_trace_write(model.get(), "/no/such/folder"), AI_RT_BAD_FILE);
}

} // namespace
