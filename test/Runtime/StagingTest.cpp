//===- StagingTest.cpp - rows that become a block -------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Staging.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

using namespace ai::rt;

namespace {

constexpr int64_t kRows = 23;

/// A block of `samples` rows of `count` elements, staged with samples as lanes or not.
struct Block {
  Block(int64_t source, int64_t target, int64_t samples, int64_t count, bool lanes,
        const Normalisation *normalisation, int64_t parts)
      : samples(samples), count(count), size(ai_rt_dtype_size(target)), shape{samples, count},
        // Elements behind the block are not touched.
        bytes(size_t(samples * count * size + kMargin), '\x5a') {
    std::vector<char> rows(size_t(kRows * count * ai_rt_dtype_size(source)));
    for (size_t i = 0; i < rows.size(); ++i) // small numbers of every type, bytes of all values
      rows[i] = source == AI_RT_F32 || source == AI_RT_F64 ? 0 : char(i * 37 + i / 251);
    for (int64_t i = 0; i < kRows * count; ++i)
      if (source == AI_RT_F32)
        reinterpret_cast<float *>(rows.data())[i] = float(i) * 0.3f;
      else if (source == AI_RT_F64)
        reinterpret_cast<double *>(rows.data())[i] = double(i) * 0.7;
    int64_t extents[] = {kRows, count};
    ai_rt_array_t array = {rows.data(), source, 2, extents};
    ai_rt_tensor_info_t info = {"x", AI_RT_INPUT, target, 2, shape, 0, samples * count * size,
                                0,   0,           lanes};
    Stager stager(array, &info, normalisation);
    for (int64_t part = 0; part < parts; ++part)
      stager.stageBlock(bytes.data(), samples, part, parts,
                        [](int64_t i) { return uint32_t(i * 5 % kRows); });
  }

  std::string at(int64_t sample, int64_t element, bool lanes) const {
    int64_t index = lanes ? element * samples + sample : sample * count + element;
    return {bytes.data() + index * size, size_t(size)};
  }
  bool hasMargin() const {
    return bytes.substr(bytes.size() - kMargin) == std::string(kMargin, '\x5a');
  }

  static constexpr size_t kMargin = 64;
  int64_t samples, count, size;
  int64_t shape[2];
  std::string bytes;
};

void expectSame(int64_t source, int64_t target, int64_t samples, int64_t count,
                const Normalisation *normalisation, int64_t parts) {
  SCOPED_TRACE(testing::Message() << "from type " << source << " to " << target << ", " << samples
                                  << " samples of " << count << ", " << parts << " parts, "
                                  << (normalisation ? "normalised" : "plain"));
  Block rows(source, target, samples, count, /*lanes=*/false, normalisation, 1);
  Block lanes(source, target, samples, count, /*lanes=*/true, normalisation, parts);
  EXPECT_TRUE(rows.hasMargin() && lanes.hasMargin());
  for (int64_t sample = 0; sample < samples; ++sample)
    for (int64_t element = 0; element < count; ++element)
      ASSERT_EQ(lanes.at(sample, element, true), rows.at(sample, element, false))
          << "element " << element << " of sample " << sample;
}

TEST(Staging, SamplesAsLanesAreTheSameNumbers) {
  Normalisation normalisation(0.1307, 0.3081);
  for (int64_t source : {AI_RT_F32, AI_RT_F64, AI_RT_I32, AI_RT_I64, AI_RT_I8, AI_RT_I1, AI_RT_U8})
    for (int64_t target : {AI_RT_F32, AI_RT_F64, AI_RT_I32, AI_RT_I64}) {
      if (!Stager::converts(source, target))
        continue;
      expectSame(source, target, 16, 300, nullptr, 2);
      if (source == AI_RT_U8)
        expectSame(source, target, 16, 300, &normalisation, 2);
    }
}

TEST(Staging, BlocksOfAnySizeAreSharedOutAmongAnyNumberOfParts) {
  for (int64_t samples : {1, 2, 4, 6, 8, 16})
    for (int64_t count : {1, 3, 4, 15, 16, 17, 127, 128, 129, 257})
      for (int64_t parts : {1, 2, 3, 5}) {
        expectSame(AI_RT_U8, AI_RT_F32, samples, count, nullptr, parts);
        expectSame(AI_RT_F64, AI_RT_F64, samples, count, nullptr, parts);
      }
}

TEST(Staging, WithoutATargetNothingIsStaged) {
  ai_rt_array_t none = {};
  Stager stager(none, nullptr, nullptr);
  std::string untouched(8, 'x');
  stager.stageBlock(untouched.data(), 4, 0, 1, [](int64_t) { return uint32_t(0); });
  EXPECT_EQ(untouched, "xxxxxxxx");
}

} // namespace
