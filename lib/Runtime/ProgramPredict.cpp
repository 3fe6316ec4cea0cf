//===- ProgramPredict.cpp - the commands eval and predict -----------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Error.h"
#include "Terminal.h"

#include <algorithm>
#include <cstdio>
#include <sys/stat.h>

using namespace ai::rt;

int ai::rt::runEval(const ai_rt_program_t &program, const Options &options) {
  requireStep(program, "evaluate");
  ModelPointer model = createTrainedModel(program, options);
  Dataset data = readSplit(model.get(), options, Split::Test);
  ai_rt_metrics_t metrics = evaluate(model.get(), data);
  if (interrupted())
    return interruptedExitCode();
  std::string text = describeMetrics(program, metrics);
  if (options.json) {
    double count = double(std::max<int64_t>(metrics.count, 1));
    text = concat("{\"loss\": ", jsonNumber(metrics.loss / count), ", \"count\": ", metrics.count);
    if (isClassifier(program))
      text += concat(", \"correct\": ", metrics.correct,
                     ", \"accuracy\": ", jsonNumber(double(metrics.correct) / count));
    text += "}";
  }
  writeOutput(text + "\n");
  return 0;
}

/// The file of --data, or the test images of the folder.
static Dataset readSamples(const Options &options) {
  std::string path = dataFolder(options);
  struct stat info;
  bool isFile = stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  Dataset data = readDataset({isFile ? path : findInputs(path, Split::Test), ""});
  padImages(data.inputs, options.pad);
  return data;
}

namespace {

/// The outputs of a batch, and how one of them is printed.
class Outputs {
public:
  Outputs(const ai_rt_program_t &program, const ai_rt_tensor_info_t &output, int64_t batch)
      : classes(isClassifier(program)), isDouble(output.dtype == AI_RT_F64),
        elements(countElements(output) / output.shape[0]),
        bytes(size_t(elements * batch * ai_rt_dtype_size(output.dtype))) {
    if (output.dtype != AI_RT_F32 && output.dtype != AI_RT_F64)
      throwInvalid("expected a prediction of f32 or f64, got ", ai_rt_dtype_name(output.dtype));
  }

  void *data() { return bytes.data(); }
  std::string text(int64_t row) const;
  std::string json(int64_t row, int64_t sample) const;

private:
  double at(int64_t row, int64_t element) const {
    int64_t index = row * elements + element;
    return isDouble ? reinterpret_cast<const double *>(bytes.data())[index]
                    : double(reinterpret_cast<const float *>(bytes.data())[index]);
  }
  int64_t largest(int64_t row) const {
    int64_t best = 0;
    for (int64_t i = 1; i < elements; ++i)
      if (at(row, i) > at(row, best))
        best = i;
    return best;
  }

  bool classes, isDouble;
  int64_t elements;
  std::vector<char> bytes;
};

} // namespace

std::string Outputs::text(int64_t row) const {
  if (classes) {
    char line[64];
    int64_t best = largest(row);
    snprintf(line, sizeof(line), "%lld %.6f\n", (long long)best, at(row, best));
    return line;
  }
  std::string line;
  for (int64_t i = 0; i < elements; ++i)
    line += (i ? " " : "") + readableNumber(at(row, i));
  return line + "\n";
}

std::string Outputs::json(int64_t row, int64_t sample) const {
  std::string line = concat("{\"sample\": ", sample);
  if (classes) {
    int64_t best = largest(row);
    line += concat(", \"class\": ", best, ", \"probability\": ", jsonNumber(at(row, best)));
  }
  line += classes ? ", \"probabilities\": [" : ", \"prediction\": [";
  for (int64_t i = 0; i < elements; ++i)
    line += (i ? ", " : "") + jsonNumber(at(row, i));
  return line + "]}\n";
}

int ai::rt::runPredict(const ai_rt_program_t &program, const Options &options) {
  const ai_rt_tensor_info_t *output = findTensor(&requireStep(program, "predict"), AI_RT_OUTPUT);
  if (!output)
    throwInvalid("the program was compiled without a prediction");
  ModelPointer model = createTrainedModel(program, options);
  Dataset data = readSamples(options);
  checkDataset(model.get(), data);
  ai_rt_data_t view = data.view();
  int64_t samples = data.inputs.rows(), piece = std::max<int64_t>(options.batch, 1024);
  Outputs outputs(program, *output, std::min(piece, samples));
  for (int64_t first = 0; first < samples; first += piece) {
    int64_t count = std::min(piece, samples - first);
    check(ai_rt_model_predict_data(model.get(), &view, first, count, outputs.data()));
    std::string lines;
    for (int64_t i = 0; i < count; ++i)
      lines += options.json ? outputs.json(i, first + i) : outputs.text(i);
    // A reader that has seen enough, such as head, is no error.
    if (!writeOutput(lines))
      return 0;
    if (interrupted())
      return interruptedExitCode();
  }
  return 0;
}
