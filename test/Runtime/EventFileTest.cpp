//===- EventFileTest.cpp - records, histograms and files of events --------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/EventFile.h"

#include "Files.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace ai::rt;
using namespace ai::test;

namespace {

uint32_t checksum(const std::string &data) { return crc32c(data.data(), data.size()); }

/// The values of RFC 3720, appendix B.4, and the polynomial's check value.
TEST(EventFile, KnowsTheChecksum) {
  EXPECT_EQ(checksum(""), 0u);
  EXPECT_EQ(checksum("123456789"), 0xE3069283);
  EXPECT_EQ(checksum(std::string(32, '\0')), 0x8A9136AA);
  EXPECT_EQ(checksum(std::string(32, '\xff')), 0x62A8AB43);
  std::string ascending(32, '\0');
  std::iota(ascending.begin(), ascending.end(), 0);
  EXPECT_EQ(checksum(ascending), 0x46DD794E);
}

/// 0xE3069283, rotated right by 15, is 0x2507C60D; 0xA282EAD8 is added.
TEST(EventFile, FramesARecord) {
  std::string bytes = "before";
  appendRecord(bytes, "123456789");
  ASSERT_EQ(bytes.size(), 6u + 8 + 4 + 9 + 4);
  EXPECT_EQ(bytes.substr(6, 8), std::string("\x09\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(18), "123456789\xe5\xb0\x8a\xc7");
}

TEST(Histogram, CountsByPlace) {
  std::vector<float> elements(640);
  for (size_t i = 0; i < elements.size(); ++i)
    elements[i] = float(i) / 640;
  elements.push_back(1);
  Histogram histogram(elements.data(), int64_t(elements.size()));
  EXPECT_EQ(histogram.min, 0);
  EXPECT_EQ(histogram.max, 1);
  EXPECT_EQ(histogram.count, 641);
  EXPECT_NEAR(histogram.sum, 320.5, 1e-4);
  EXPECT_NEAR(histogram.sumOfSquares, 213.8341, 1e-3);
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    EXPECT_EQ(histogram.buckets[size_t(i)], i + 1 < Histogram::kBuckets ? 10 : 11) << i;
    EXPECT_DOUBLE_EQ(histogram.limit(i), double(i + 1) / 64);
  }
}

TEST(Histogram, PutsEqualElementsIntoOneBucket) {
  double elements[] = {-2.5, -2.5, -2.5};
  Histogram histogram(elements, 3);
  EXPECT_EQ(histogram.buckets[0], 3);
  EXPECT_EQ(histogram.limit(0), -2.5);
  EXPECT_EQ(histogram.limit(63), -2.5);
}

TEST(Histogram, LeavesOutWhatIsNotFinite) {
  double elements[] = {NAN, 1, INFINITY, 3, -INFINITY};
  Histogram histogram(elements, 5);
  EXPECT_EQ(histogram.count, 2);
  EXPECT_EQ(histogram.min, 1);
  EXPECT_EQ(histogram.max, 3);
  EXPECT_EQ(histogram.buckets[0] + histogram.buckets[63], 2);
  Histogram none(elements, 1), empty(elements, 0);
  EXPECT_EQ(none.count + empty.count, 0);
  EXPECT_EQ(none.limit(63), 0);
}

TEST(Histogram, SpansTheWholeRange) {
  double greatest = std::numeric_limits<double>::max();
  double elements[] = {-greatest, 0, greatest};
  Histogram histogram(elements, 3);
  EXPECT_EQ(histogram.buckets[0] + histogram.buckets[32] + histogram.buckets[63], 3);
  EXPECT_EQ(histogram.limit(31), 0);
  double tiny = std::numeric_limits<double>::denorm_min(), least[] = {0, tiny};
  Histogram small(least, 2);
  EXPECT_EQ(std::accumulate(small.buckets.begin(), small.buckets.end(), int64_t(0)), 2);
}

std::vector<std::string> filesOf(const std::string &folder) {
  std::vector<std::string> paths;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    paths.push_back(entry.path());
  return paths;
}

TEST(EventFile, IsRemovedWithoutAnyEvent) {
  TemporaryFolder folder;
  {
    EventFile file(folder / "a/b", 1);
    ASSERT_EQ(filesOf(folder / "a/b").size(), 1u);
    EXPECT_GT(readFile(filesOf(folder / "a/b")[0]).size(), 60u) << "version and start";
  }
  EXPECT_TRUE(filesOf(folder / "a/b").empty());
}

TEST(EventFile, NeverWritesToTheFileOfAnother) {
  TemporaryFolder folder;
  EventFile first(folder.path, 1), second(folder.path, 1);
  EXPECT_EQ(filesOf(folder.path).size(), 2u);
}

TEST(EventFile, KeepsLongTagsAndManyEvents) {
  TemporaryFolder folder;
  std::string tag(100000, 't');
  {
    EventFile file(folder.path, 1);
    for (int step = 1; step <= 3; ++step) {
      file.add(tag.c_str(), 0.5);
      file.write(step);
    }
  }
  EXPECT_GT(readFile(filesOf(folder.path).at(0)).size(), 300000u);
}

TEST(EventFile, SaysWhereItCannotBe) {
  TemporaryFolder folder;
  writeFile(folder / "file", "");
  std::string error = errorOf([&] { EventFile file(folder / "file/log", 1); });
  EXPECT_EQ(error.find(folder / "file/log/events.out.tfevents."), 0u) << error;
  EXPECT_NE(error.find(": cannot create: Not a directory"), std::string::npos) << error;
}

} // namespace
