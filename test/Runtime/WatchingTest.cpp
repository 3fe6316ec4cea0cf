//===- WatchingTest.cpp - logs of a training, in C ------------------------===//
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

} // namespace
