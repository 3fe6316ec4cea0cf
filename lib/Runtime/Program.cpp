//===- Program.cpp - the main of a compiled program -----------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Error.h"
#include "Terminal.h"
#include "ThreadPool.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <sys/stat.h>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// What the commands share
//===----------------------------------------------------------------------===//

void ai::rt::check(ai_rt_status_t status) {
  if (status != AI_RT_OK)
    throw Error(status, ai_rt_last_error());
}

void ai::rt::checkFolderOf(const std::string &path) {
  if (path.empty())
    return;
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat info;
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    throwBadFile(path, ": cannot save there, ", folder, " is not a folder");
}

ModelPointer ai::rt::createModel(const ai_rt_program_t &program, const Options &options) {
  ai_rt_config_t config = ai_rt_config_default(&program);
  config.threads = options.threads;
  config.batch = options.batch;
  config.seed = options.seed;
  config.pin = options.pin;
  std::vector<int> cpus = usableCPUs();
  ai_rt_model_t *model = nullptr;
  check(ai_rt_model_create(&program, &config, &model));
  ModelPointer result(model);
  if (options.pin && !cpus.empty())
    bindThread(pthread_self(), cpus.front());
  for (const auto &[name, value] : options.settings)
    check(ai_rt_model_set_setting(model, name.c_str(), value));
  return result;
}

ModelPointer ai::rt::createTrainedModel(const ai_rt_program_t &program, const Options &options) {
  if (options.load.empty())
    throwInvalid(options.command, " expects trained parameters; name a checkpoint with --load");
  ModelPointer model = createModel(program, options);
  check(ai_rt_model_load_parameters(model.get(), options.load.c_str()));
  return model;
}

std::string ai::rt::dataFolder(const Options &options) {
  return options.data.empty() ? defaultDataFolder : options.data;
}

Dataset ai::rt::readSplit(const ai_rt_model_t *model, const Options &options, Split split) {
  Dataset data = readDataset(findDataFiles(dataFolder(options), split));
  padImages(data.inputs, options.pad);
  checkDataset(model, data);
  return data;
}

ai_rt_metrics_t ai::rt::evaluate(ai_rt_model_t *model, const Dataset &data) {
  ai_rt_metrics_t metrics;
  ai_rt_data_t view = data.view();
  check(ai_rt_model_evaluate_data(model, &view, 0, data.inputs.rows(), &metrics));
  return metrics;
}

bool ai::rt::isClassifier(const ai_rt_program_t &program) { return program.loss != AI_RT_MSE_LOSS; }

std::string ai::rt::describeMetrics(const ai_rt_program_t &program,
                                    const ai_rt_metrics_t &metrics) {
  double count = double(std::max<int64_t>(metrics.count, 1));
  char text[128];
  int used = snprintf(text, sizeof(text), "Average loss: %.4f", metrics.loss / count);
  if (isClassifier(program))
    snprintf(text + used, sizeof(text) - size_t(used), ", Accuracy: %lld/%lld (%.2f%%)",
             (long long)metrics.correct, (long long)metrics.count,
             100 * double(metrics.correct) / count);
  return text;
}

const ai_rt_tensor_info_t *ai::rt::findTensor(const ai_rt_step_t *step, ai_rt_role_t role) {
  for (int64_t i = 0; step && i < step->num_tensors; ++i)
    if (step->tensors[i].role == role)
      return &step->tensors[i];
  return nullptr;
}

int64_t ai::rt::countElements(const ai_rt_tensor_info_t &tensor) {
  int64_t elements = 1;
  for (int64_t d = 0; d < tensor.rank; ++d)
    elements *= tensor.shape[d];
  return elements;
}

const ai_rt_step_t &ai::rt::requireStep(const ai_rt_program_t &program, const char *name) {
  const ai_rt_step_t *step = ai_rt_program_find_step(&program, name);
  if (!step)
    throwInvalid("the program was compiled without the step \"", name, "\"");
  return *step;
}

static double clockSeconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

/// When the process began: what it has computed before it came here is what the loader took.
static double startSeconds() {
  static const double start =
      clockSeconds(CLOCK_MONOTONIC) - clockSeconds(CLOCK_PROCESS_CPUTIME_ID);
  return start;
}

int64_t ai::rt::batchesOfLaunch(const ai_rt_model_t *model, const ai_rt_data_t &data) {
  const ai_rt_program_t &program = *ai_rt_model_program(model);
  const ai_rt_gpu_step_t *gpu = requireStep(program, "train").gpu;
  int64_t batches = ai_rt_model_batches_at_once(model, &data);
  if (gpu && gpu->epoch && batches == 1)
    std::fprintf(stderr,
                 "%s: note: the GPU has no room for the training set: steps are launched one by "
                 "one, as with ai-compile --gpu-schedule=graph\n",
                 program.name);
  return batches;
}

double ai::rt::secondsSinceStart() { return clockSeconds(CLOCK_MONOTONIC) - startSeconds(); }

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

static int dispatch(const ai_rt_program_t &program, const Options &options) {
  struct Command {
    const char *name;
    int (*run)(const ai_rt_program_t &, const Options &);
  };
  static const Command commands[] = {{"train", runTrain},
                                     {"eval", runEval},
                                     {"predict", runPredict},
                                     {"bench", runBench},
                                     {"info", runInfo}};
  if (!ai_rt_program_find_function(&program, options.command.c_str()))
    for (const Command &command : commands)
      if (options.command == command.name)
        return command.run(program, options);
  return runFunction(program, options);
}

static int runProgram(const ai_rt_program_t &program, int argc, char **argv) {
  Options options;
  std::string help;
  if (parseCommandLine(program, argc, argv, options, help))
    return dispatch(program, options);
  writeOutput(help);
  return 0;
}

int ai_rt_main(const ai_rt_program_t *program, int argc, char **argv) {
  startSeconds();
  catchSignals();
  int exitCode = 1;
  // Without a program `ai_rt_program_select` has said what is wrong.
  ai_rt_status_t status =
      program ? guarded([&] { exitCode = runProgram(*program, argc, argv); }) : AI_RT_NO_DEVICE;
  if (status == AI_RT_OK)
    return exitCode;
  const char *path = argc > 0 ? argv[0] : "program";
  const char *slash = strrchr(path, '/');
  fprintf(stderr, "%s: error: %s\n", slash ? slash + 1 : path, ai_rt_last_error());
  return 1;
}
