//===- CommandLine.h - the arguments of a compiled program ------*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_COMMANDLINE_H
#define AI_LIB_RUNTIME_COMMANDLINE_H

#include "ai/Runtime/ai_rt.h"

#include <string>
#include <utility>
#include <vector>

namespace ai::rt {

/// What a program is asked to do. Numbers start as the recipe has them.
struct Options {
  std::string programName; ///< As messages name it: the last part of argv[0].
  std::string command;     ///< "train", …, or the name of a function.
  std::string data;        ///< A folder or, for predict, a file; empty means the default.
  std::string save, load;  ///< Checkpoints; empty means none.
  std::string log;         ///< A folder for curves; empty means none.
  std::string trace;       ///< A file; empty means none.
  int64_t traceSteps = 10;
  int64_t rows = 10; ///< of a profile
  int64_t epochs = 0;
  int64_t batch = 0;
  int64_t pad = 0;     ///< Zeros on every side of an image.
  int64_t threads = 0; ///< 0 means as many as there are CPUs.
  bool pin = false;
  int64_t seed = 0;
  bool hasSeed = false; ///< Given, not the recipe's.
  bool json = false;
  double seconds = 3;
  std::string mode = "train"; ///< Of bench: "train" or "infer".
  std::vector<std::pair<std::string, double>> settings;
  std::vector<std::string> arguments; ///< Of a function.
};

/// Reads the command line of `program`. Returns false if it asked for help, whose text is then in
/// `help`. Throws an Error that names the argument at fault, and what was probably meant.
bool parseCommandLine(const ai_rt_program_t &program, int argc, const char *const *argv,
                      Options &options, std::string &help);

/// The candidate that `word` probably stands for: the nearest by edit distance, if it is near
/// enough, else an empty string.
std::string nearestWord(const std::string &word, const std::vector<std::string> &candidates);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_COMMANDLINE_H
