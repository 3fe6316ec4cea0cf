//===- CommandLineTest.cpp - the arguments of a program -------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/CommandLine.h"

#include "Files.h"

using namespace ai::rt;
using namespace ai::test;

namespace {

/// A model with two settings.
ai_rt_program_t modelProgram() {
  static const ai_rt_tensor_info_t tensors[] = {
      {"lr", AI_RT_SETTING, AI_RT_F64, 0, nullptr, 0, 8, 0, 0.1, 0},
      {"momentum", AI_RT_SETTING, AI_RT_F64, 0, nullptr, 8, 8, 0, 0.9, 0}};
  static const ai_rt_step_t steps[] = {{"train", 1, 1, 0, nullptr, nullptr, nullptr, nullptr, 0, 0,
                                        0, 0, nullptr, 0, -1, nullptr, nullptr}};
  ai_rt_program_t program = {};
  program.name = "lenet";
  program.num_tensors = 2;
  program.tensors = tensors;
  program.num_steps = 1;
  program.steps = steps;
  program.batch = 64;
  program.epochs = 4;
  program.seed = 1;
  return program;
}

/// One function of two numbers.
ai_rt_program_t functionProgram() {
  static const ai_rt_tensor_info_t args[] = {
      {"x", AI_RT_ARGUMENT, AI_RT_F32, 0, nullptr, 0, 4, 0, 0, 0},
      {"y", AI_RT_ARGUMENT, AI_RT_F32, 0, nullptr, 64, 4, 0, 0, 0}};
  static const ai_rt_function_t functions[] = {{"f", nullptr, 128, 2, args, 1, args, nullptr, 0}};
  ai_rt_program_t program = {};
  program.name = "autodiff";
  program.num_functions = 1;
  program.functions = functions;
  return program;
}

/// Parses words after the program's name.
bool parse(const ai_rt_program_t &program, std::vector<const char *> words, Options &options,
           std::string &help) {
  words.insert(words.begin(), "./dir/prog");
  return parseCommandLine(program, int(words.size()), words.data(), options, help);
}

Options parsed(const ai_rt_program_t &program, const std::vector<const char *> &words) {
  Options options;
  std::string help;
  EXPECT_TRUE(parse(program, words, options, help));
  return options;
}

std::string error(const ai_rt_program_t &program, const std::vector<const char *> &words) {
  Options options;
  std::string help;
  return errorOf([&] { parse(program, words, options, help); });
}

TEST(CommandLine, StartsFromTheRecipe) {
  Options options = parsed(modelProgram(), {"train"});
  EXPECT_EQ(options.programName, "prog");
  EXPECT_EQ(options.command, "train");
  EXPECT_EQ(options.epochs, 4);
  EXPECT_EQ(options.batch, 64);
  EXPECT_EQ(options.seed, 1);
  EXPECT_FALSE(options.hasSeed);
  EXPECT_EQ(options.threads, 0);
}

TEST(CommandLine, ReadsEveryOptionOfTrain) {
  Options options = parsed(
      modelProgram(), {"train",     "--data", "d",      "--epochs=2", "--batch", "37",
                       "--threads", "3",      "--seed", "9",          "--save",  "s",
                       "--load",    "l",      "--set",  "lr=0.01",    "--set",   "momentum=-1e-3",
                       "--json",    "--log",  "g",      "--trace",    "t",       "--trace-steps",
                       "5"});
  EXPECT_EQ(options.data, "d");
  EXPECT_EQ(options.epochs, 2);
  EXPECT_EQ(options.batch, 37);
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.seed, 9);
  EXPECT_TRUE(options.hasSeed);
  EXPECT_EQ(options.save, "s");
  EXPECT_EQ(options.load, "l");
  ASSERT_EQ(options.settings.size(), 2u);
  EXPECT_EQ(options.settings[0], std::make_pair(std::string("lr"), 0.01));
  EXPECT_EQ(options.settings[1], std::make_pair(std::string("momentum"), -1e-3));
  EXPECT_TRUE(options.json);
  EXPECT_EQ(options.log, "g");
  EXPECT_EQ(options.trace, "t");
  EXPECT_EQ(options.traceSteps, 5);
}

TEST(CommandLine, TakesTheLastOfARepeatedOption) {
  EXPECT_EQ(parsed(modelProgram(), {"train", "--batch", "1", "--batch", "2"}).batch, 2);
}

TEST(CommandLine, ReadsTheOptionsOfBench) {
  Options options = parsed(modelProgram(), {"bench", "--seconds", "0.5", "--mode", "infer"});
  EXPECT_EQ(options.seconds, 0.5);
  EXPECT_EQ(options.mode, "infer");
  EXPECT_EQ(error(modelProgram(), {"bench", "--mode", "x"}),
            "--mode expects train or infer, got x");
  EXPECT_EQ(error(modelProgram(), {"bench", "--seconds", "0"}),
            "--seconds expects a number above 0, got 0");
}

TEST(CommandLine, RefusesNumbersOutOfRange) {
  EXPECT_EQ(error(modelProgram(), {"train", "--batch", "0"}),
            "--batch expects a whole number from 1 to 2147483647, got 0");
  EXPECT_EQ(error(modelProgram(), {"train", "--epochs", "-1"}),
            "--epochs expects a whole number from 1 to 1000000000, got -1");
  EXPECT_EQ(error(modelProgram(), {"train", "--threads", "2x"}),
            "--threads expects a whole number from 1 to 4096, got 2x");
  EXPECT_EQ(error(modelProgram(), {"train", "--batch=99999999999999999999"}),
            "--batch expects a whole number from 1 to 2147483647, got 99999999999999999999");
  EXPECT_EQ(error(modelProgram(), {"train", "--batch"}), "--batch expects a value");
  EXPECT_EQ(error(modelProgram(), {"bench", "--trace-steps", "0"}),
            "--trace-steps expects a whole number from 1 to 65536, got 0");
}

TEST(CommandLine, RefusesSettingsThatAreNone) {
  EXPECT_EQ(error(modelProgram(), {"train", "--set", "lr"}),
            "--set expects NAME=VALUE, as in --set lr=0.01, got lr");
  EXPECT_EQ(error(modelProgram(), {"train", "--set", "lr=fast"}),
            "--set lr expects a number, got fast");
  EXPECT_EQ(error(modelProgram(), {"train", "--set", "momemtum=0"}),
            "unknown setting momemtum; did you mean momentum?");
}

TEST(CommandLine, SaysWhatWasProbablyMeant) {
  EXPECT_EQ(error(modelProgram(), {"train", "--bacth", "3"}),
            "unknown option --bacth; did you mean --batch?");
  EXPECT_EQ(error(modelProgram(), {"train", "--epoch=3"}),
            "unknown option --epoch; did you mean --epochs?");
  EXPECT_EQ(error(modelProgram(), {"trian", "--epochs", "3"}),
            "unknown command trian; did you mean train?");
  EXPECT_EQ(error(modelProgram(), {"train", "--frobnicate"}),
            "unknown option --frobnicate; see prog train --help");
  EXPECT_EQ(error(modelProgram(), {"qqqqqq"}), "unknown command qqqqqq; see prog --help");
  EXPECT_EQ(error(modelProgram(), {"eval", "file"}),
            "eval expects options only, got file; see prog eval --help");
  EXPECT_EQ(error(modelProgram(), {}), "expected a command; see prog --help");
}

TEST(CommandLine, PrintsHelp) {
  Options options;
  std::string help;
  ASSERT_FALSE(parse(modelProgram(), {"--help"}, options, help));
  for (const char *word : {"train", "eval", "predict", "bench", "info", "prog"})
    EXPECT_NE(help.find(word), std::string::npos) << word;
  ASSERT_FALSE(parse(modelProgram(), {"train", "--help"}, options, help));
  for (const char *word : {"prog train", "--epochs", "the recipe: 64", "lr=0.1, momentum=0.9"})
    EXPECT_NE(help.find(word), std::string::npos) << help;
}

TEST(CommandLine, CallsFunctions) {
  Options options = parsed(functionProgram(), {"f", "2", "-5e-1"});
  EXPECT_EQ(options.command, "f");
  EXPECT_EQ(options.arguments, (std::vector<std::string>{"2", "-5e-1"}));
  options = parsed(functionProgram(), {"f", "--json", "-.5", "-inf"});
  EXPECT_TRUE(options.json);
  EXPECT_EQ(options.arguments, (std::vector<std::string>{"-.5", "-inf"}));
  EXPECT_EQ(error(functionProgram(), {"train"}), "unknown command train; see prog --help");
  std::string help;
  ASSERT_FALSE(parse(functionProgram(), {"f", "--help"}, options, help));
  EXPECT_NE(help.find("(x: f32[], y: f32[])"), std::string::npos) << help;
}

TEST(CommandLine, FindsTheNearestWord) {
  std::vector<std::string> words{"train", "eval", "predict"};
  EXPECT_EQ(nearestWord("tarin", words), "train");
  EXPECT_EQ(nearestWord("pred", words), "predict");
  EXPECT_EQ(nearestWord("evaluate", words), "eval");
  EXPECT_EQ(nearestWord("learn", words), "");
  EXPECT_EQ(nearestWord("x", words), "");
}

} // namespace
