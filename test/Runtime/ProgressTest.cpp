//===- ProgressTest.cpp - progress lines and numbers ----------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Progress.h"

#include "lib/Runtime/Terminal.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace ai::rt;

namespace {

ProgressLine halfway() {
  ProgressLine line;
  line.epoch = 1;
  line.epochs = 4;
  line.position = 30000;
  line.samples = 60000;
  line.sums = {3000, 29000, 30000};
  line.rate = 98765;
  line.seconds = 12;
  return line;
}

TEST(Progress, DrawsTheLiveLine) {
  EXPECT_STREQ(halfway().live(79).data(),
               "Epoch 2/4 [=====>    ]  50%  loss 0.1000  acc 96.67%  98765 images/s  0:12 left");
  EXPECT_STREQ(halfway().plain().data(),
               "Epoch 2/4  30000/60000  loss 0.1000  acc 96.67%  98765 images/s  0:12 left");
}

TEST(Progress, FitsTheTerminal) {
  ProgressLine line = halfway();
  line.epoch = line.epochs = 999999;
  line.sums.loss = 1e300;
  line.rate = 1e12;
  line.seconds = 1e8;
  for (int columns : {79, 40, 10, 1, 0})
    EXPECT_LE(line.live(columns).size(), columns);
}

TEST(Progress, LeavesOutTheAccuracyOfARegression) {
  ProgressLine line = halfway();
  line.accuracy = false;
  EXPECT_STREQ(line.plain().data(),
               "Epoch 2/4  30000/60000  loss 0.1000  98765 images/s  0:12 left");
}

std::string formatDuration(double seconds) {
  LineText line;
  appendDuration(line, seconds);
  return line.data();
}

TEST(Progress, CutsWhatDoesNotFit) {
  LineText line;
  line.append('x', 1000);
  EXPECT_EQ(line.size(), 255);
  line.append("%s", "y");
  EXPECT_EQ(line.size(), 255);
  line.cut(3);
  EXPECT_STREQ(line.data(), "xxx");
}

TEST(Progress, FormatsDurations) {
  EXPECT_EQ(formatDuration(0), "0:00");
  EXPECT_EQ(formatDuration(59.6), "1:00");
  EXPECT_EQ(formatDuration(3723), "1:02:03");
  EXPECT_EQ(formatDuration(NAN), "?");
  EXPECT_EQ(formatDuration(-1), "?");
}

TEST(Terminal, FormatsNumbersForPeople) {
  EXPECT_EQ(readableNumber(11.65207145), "11.652071");
  EXPECT_EQ(readableNumber(5.5), "5.5");
  EXPECT_EQ(readableNumber(-3), "-3");
  EXPECT_EQ(readableNumber(0), "0");
  EXPECT_EQ(readableNumber(-0.0), "0");
  EXPECT_EQ(readableNumber(1e-9), "1e-09");
  EXPECT_EQ(readableNumber(1.5e12), "1.5e+12");
  EXPECT_EQ(readableNumber(INFINITY), "inf");
  EXPECT_EQ(readableNumber(100), "100");
}

TEST(Terminal, WritesJSON) {
  EXPECT_EQ(jsonNumber(0.25), "0.25");
  EXPECT_EQ(jsonNumber(NAN), "null");
  EXPECT_EQ(jsonString("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
}

} // namespace
