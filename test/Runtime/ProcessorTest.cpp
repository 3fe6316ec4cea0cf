//===- ProcessorTest.cpp - which code a processor runs --------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Processor.h"
#include "FakeProgram.h"
#include "lib/Runtime/Error.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace ai::rt;
using namespace ai::test;

namespace {

enum { kNarrow = 4, kWide = 10, kWider = 15 };

/// One module, compiled for three processors.
struct Variants {
  Variants() {
    const char *names[] = {"wider", "wide", "narrow"};
    for (int i = 0; i < 3; ++i) {
      programs[i] = regression();
      programs[i].cpu = names[i];
      programs[i].cpus = "wider, wide, narrow";
      programs[i].num_features = 3 - i;
      programs[i].features = features;
      list[i] = &programs[i];
    }
  }

  std::string select(const std::string &wanted, HasFeature has) const {
    return selectProgram(list, 3, wanted, has).cpu;
  }
  std::string refuse(const std::string &wanted, HasFeature has) const {
    try {
      selectProgram(list, 3, wanted, has);
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  }

  ai_rt_feature_t features[3] = {{"four", kNarrow}, {"eight", kWide}, {"sixteen", kWider}};
  ai_rt_program_t programs[3];
  const ai_rt_program_t *list[3];
};

bool hasAll(int64_t) { return true; }
bool hasEight(int64_t bit) { return bit <= kWide; }
bool hasSixteenOnly(int64_t bit) { return bit == kWider; }

} // namespace

TEST(Processor, RunsTheFirstProgramThatItCan) {
  Variants variants;
  EXPECT_EQ(variants.select("", hasAll), "wider");
  EXPECT_EQ(variants.select("", hasEight), "wide");
  EXPECT_EQ(variants.select("", [](int64_t bit) { return bit == kNarrow; }), "narrow");
}

TEST(Processor, RunsTheProgramThatIsAskedFor) {
  Variants variants;
  EXPECT_EQ(variants.select("narrow", hasAll), "narrow");
  EXPECT_EQ(variants.refuse("widest", hasAll), "AI_CPU expects a processor that the program was "
                                               "compiled for, wider, wide, narrow, got widest");
  EXPECT_EQ(
      variants.refuse("wider", hasEight),
      "expects a processor that the program was compiled for, wider, but this one lacks what "
      "they have: wider has sixteen; compile it for --cpu=native here, or for more processors");
}

TEST(Processor, SaysWhatItLacks) {
  EXPECT_EQ(Variants().refuse("", hasSixteenOnly),
            "expects a processor that the program was compiled for, wider, wide, narrow, but this "
            "one lacks what they have: wider has four, eight; wide has four, eight; narrow has "
            "four; compile it for --cpu=native here, or for more processors");
}

TEST(Processor, AsksTheMachine) {
#ifdef __x86_64__
  // Bits of cmov, sse2, avx2, avx512f and lzcnt in the table of libgcc.
  EXPECT_TRUE(hasFeature(0));
  EXPECT_TRUE(hasFeature(4));
  EXPECT_EQ(hasFeature(10), bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(hasFeature(15), bool(__builtin_cpu_supports("avx512f")));
  EXPECT_EQ(hasFeature(57), bool(__builtin_cpu_supports("lzcnt")));
#endif
}

TEST(Processor, SelectsByTheEnvironment) {
  Variants variants;
  for (ai_rt_program_t &program : variants.programs)
    program.num_features = 0;
  unsetenv("AI_CPU");
  EXPECT_EQ(ai_rt_program_select(variants.list, 3), variants.list[0]);
  setenv("AI_CPU", "wide", 1);
  EXPECT_EQ(ai_rt_program_select(variants.list, 3), variants.list[1]);
  setenv("AI_CPU", "nothing", 1);
  EXPECT_EQ(ai_rt_program_select(variants.list, 3), nullptr);
  EXPECT_NE(std::string(ai_rt_last_error()).find("got nothing"), std::string::npos);
  unsetenv("AI_CPU");
  char name[] = "program";
  char *arguments[] = {name, nullptr};
  EXPECT_EQ(ai_rt_main(nullptr, 1, arguments), 1);
}
