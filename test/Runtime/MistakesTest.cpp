//===- MistakesTest.cpp - pictures of samples, and when there are none ----===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a log holds of them is tested in test_watching.py.
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Mistakes.h"

#include "FakeProgram.h"
#include "Files.h"

#include <cmath>

using namespace ai::rt;
using namespace ai::test;

namespace {

ai_rt_tensor_info_t imagesOf(const int64_t (&shape)[4]) {
  ai_rt_tensor_info_t info = {};
  info.rank = 4;
  info.shape = shape;
  return info;
}

TEST(Picture, HasTheChannelsOfAPixelSideBySide) {
  const int64_t shape[] = {16, 3, 1, 2}, all[] = {2, 3, 1, 2};
  const uint8_t images[] = {9, 9, 9, 9, 9, 9, 1, 2, 30, 40, 100, 200};
  Image image = pictureOf({images, AI_RT_U8, 4, all}, 1, imagesOf(shape));
  EXPECT_EQ(image.height, 1);
  EXPECT_EQ(image.width, 2);
  EXPECT_EQ(image.channels, 3);
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{1, 30, 100, 2, 40, 200}));
  std::string png = encodePNG(image);
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(png.substr(12, 4), "IHDR");
  EXPECT_EQ(png.substr(24, 2), std::string("\x08\x02")) << "eight bits, RGB";
}

TEST(Picture, SpreadsNumbersFromBlackToWhite) {
  const int64_t shape[] = {16, 1, 1, 4}, all[] = {1, 1, 1, 4};
  const float floats[] = {-1, NAN, 0, 1}, equal[] = {5, 5, 5, INFINITY};
  const double doubles[] = {0, 1, 2, 4};
  const int32_t words[] = {-100, 0, 300, 200};
  const int64_t longs[] = {0, 0, 0, 1};
  const int8_t bytes[] = {-128, 127, 0, 0};
  auto pixels = [&](const void *data, int64_t dtype) {
    return pictureOf({data, dtype, 4, all}, 0, imagesOf(shape)).pixels;
  };
  EXPECT_EQ(pixels(floats, AI_RT_F32), (std::vector<uint8_t>{0, 0, 128, 255}));
  EXPECT_EQ(pixels(equal, AI_RT_F32), (std::vector<uint8_t>{0, 0, 0, 0}));
  EXPECT_EQ(pixels(doubles, AI_RT_F64), (std::vector<uint8_t>{0, 64, 128, 255}));
  EXPECT_EQ(pixels(words, AI_RT_I32), (std::vector<uint8_t>{0, 64, 255, 191}));
  EXPECT_EQ(pixels(longs, AI_RT_I64), (std::vector<uint8_t>{0, 0, 0, 255}));
  EXPECT_EQ(pixels(bytes, AI_RT_I8), (std::vector<uint8_t>{0, 255, 128, 128}));
}

TEST(Mistakes, AreNoneWithoutClasses) {
  TemporaryFolder folder;
  ModelPtr model = create(regression());
  RegressionData samples(37);
  EXPECT_TRUE(findMistakes(*model, samples.data, 16).empty());
  ai_rt_log_t *log = nullptr;
  ASSERT_EQ(ai_rt_log_open(model.get(), folder.path.c_str(), 1, &log), AI_RT_OK);
  EXPECT_EQ(ai_rt_log_mistakes(log, &samples.data), AI_RT_OK);
  EXPECT_EQ(ai_rt_log_close(log), AI_RT_OK);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "test"));
}

} // namespace
