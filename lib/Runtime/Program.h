//===- Program.h - the commands of a compiled program -----------*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each command is a function from the program's tables and the options to an exit code; it throws
// an Error for everything that a user did wrong or a file did.
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_PROGRAM_H
#define AI_LIB_RUNTIME_PROGRAM_H

#include "CommandLine.h"
#include "Data.h"

#include <chrono>
#include <memory>

namespace ai::rt {

int runTrain(const ai_rt_program_t &program, const Options &options);
int runEval(const ai_rt_program_t &program, const Options &options);
int runPredict(const ai_rt_program_t &program, const Options &options);
int runBench(const ai_rt_program_t &program, const Options &options);
int runInfo(const ai_rt_program_t &program, const Options &options);
/// Calls the function that `options.command` names.
int runFunction(const ai_rt_program_t &program, const Options &options);

struct ModelDestroyer {
  void operator()(ai_rt_model_t *model) const { ai_rt_model_destroy(model); }
};
using ModelPointer = std::unique_ptr<ai_rt_model_t, ModelDestroyer>;

/// Throws an Error with the text of `ai_rt_last_error` unless `status` is AI_RT_OK.
void check(ai_rt_status_t status);

/// Throws unless the folder of `path`, if there is a path, exists: a mistyped one must not be found
/// out after hours of work.
void checkFolderOf(const std::string &path);

/// Creates the model that the options describe, its settings changed by --set.
ModelPointer createModel(const ai_rt_program_t &program, const Options &options);

/// Creates a model with the parameters of --load; throws an Error if there is no --load.
ModelPointer createTrainedModel(const ai_rt_program_t &program, const Options &options);

/// The folder of --data, or the system's.
std::string dataFolder(const Options &options);

/// Reads one split of --data and checks that it fits `model`.
Dataset readSplit(const ai_rt_model_t *model, const Options &options, Split split);

/// Evaluates the model on all of `data`.
ai_rt_metrics_t evaluate(ai_rt_model_t *model, const Dataset &data);

/// "Average loss: 0.0312, Accuracy: 9897/10000 (98.97%)"; without the accuracy where the loss is
/// no classifier's.
std::string describeMetrics(const ai_rt_program_t &program, const ai_rt_metrics_t &metrics);

/// True if the program predicts classes.
bool isClassifier(const ai_rt_program_t &program);

/// The first tensor of `step` with that role, null if there is none.
const ai_rt_tensor_info_t *findTensor(const ai_rt_step_t *step, ai_rt_role_t role);

/// Elements of a tensor.
int64_t countElements(const ai_rt_tensor_info_t &tensor);

/// The step called `name`; throws an Error if the program was compiled without it.
const ai_rt_step_t &requireStep(const ai_rt_program_t &program, const char *name);

/// How many batches of `data` a launch trains on. Says so on standard error if the program is to
/// run many steps at once and cannot, for want of memory.
int64_t batchesOfLaunch(const ai_rt_model_t *model, const ai_rt_data_t &data);

/// Seconds since the process began, as near as the process can tell.
double secondsSinceStart();

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_PROGRAM_H
