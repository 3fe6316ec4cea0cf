//===- ProgramInfo.cpp - the command info ---------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Error.h"
#include "GPU/Device.h"
#include "Model.h"
#include "Terminal.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace ai::rt;

namespace {

/// The tensors of one role.
struct RoleTotal {
  int64_t tensors = 0, elements = 0, bytes = 0;
};

/// What a run with these options needs.
struct Needs {
  int64_t blockSize = 1, numSlots = 1, threads = 1, busyThreads = 1, bytes = 0;
  int64_t blocks = 1, singles = 0; ///< Singles: samples that blocks leave over.
  double flops = 0;
  std::string libraries;    ///< What the program calls, or why that is not known; may be empty.
  int64_t libraryBytes = 0; ///< What they want of the device.
  bool isJoined = false;    ///< One kernel runs many steps.
};

} // namespace

static RoleTotal totalOf(const ai_rt_program_t &program, ai_rt_role_t role) {
  RoleTotal total;
  for (int64_t i = 0; i < program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &tensor = program.tensors[i];
    if (tensor.role != role)
      continue;
    ++total.tensors;
    total.elements += countElements(tensor);
    total.bytes += tensor.bytes;
  }
  return total;
}

static Needs needsOf(const ai_rt_program_t &program, const Options &options) {
  Needs needs;
  if (const ai_rt_step_t *step = findStep(program, "train", options.batch)) {
    needs.flops = step->flops * double(options.batch);
    needs.blockSize = step->block_size;
    needs.numSlots = step->num_slots;
    needs.blocks = fullBlocksOf(*step, options.batch);
    needs.singles = singlesOf(*step, options.batch);
    needs.isJoined = step->gpu && step->gpu->epoch;
  }
  if (program.num_images > 0) { // what it needs is known without a GPU
    char text[512];
    bool isKnown =
        ai_rt_program_libraries(&program, text, sizeof(text), &needs.libraryBytes) == AI_RT_OK;
    needs.libraries = isKnown ? text : ai_rt_last_error();
    needs.bytes = ai_rt_program_memory(&program, options.batch, 1) + needs.libraryBytes;
    return needs;
  }
  // The model is made to ask it: what is printed is what a run allocates.
  ModelPointer model = createModel(program, options);
  needs.threads = ai_rt_model_num_threads(model.get());
  needs.bytes = ai_rt_model_memory(model.get());
  needs.busyThreads = ai_rt_model_busy_threads(model.get(), options.batch);
  return needs;
}

/// 1234567 -> "1,234,567".
static std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (int64_t i = int64_t(text.size()) - 3; i > 0; i -= 3)
    text.insert(size_t(i), ",");
  return text;
}

static std::string initText(const ai_rt_tensor_info_t &tensor) {
  char text[64];
  const char *form = tensor.init == AI_RT_INIT_UNIFORM  ? "uniform in ±%.6g"
                     : tensor.init == AI_RT_INIT_NORMAL ? "normal, deviation %.6g"
                                                        : "%.6g";
  snprintf(text, sizeof(text), form, tensor.init_value);
  return text;
}

static std::string parameterTable(const ai_rt_program_t &program) {
  size_t nameWidth = 9, shapeWidth = 5;
  for (int64_t i = 0; i < program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &tensor = program.tensors[i];
    if (tensor.role != AI_RT_PARAMETER)
      continue;
    nameWidth = std::max(nameWidth, std::string(tensor.name).size());
    shapeWidth = std::max(shapeWidth, formatShape(tensor.shape, tensor.rank).size());
  }
  std::string text;
  auto row = [&](std::string name, std::string shape, std::string type, std::string count,
                 const std::string &init) {
    name.resize(nameWidth, ' ');
    shape.resize(shapeWidth, ' ');
    count.insert(0, count.size() < 12 ? 12 - count.size() : 0, ' ');
    text += "  " + name + "  " + shape + "  " + type + count + "  " + init + "\n";
  };
  row("parameter", "shape", "   ", "elements", "starts as");
  for (int64_t i = 0; i < program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &tensor = program.tensors[i];
    if (tensor.role == AI_RT_PARAMETER)
      row(tensor.name, formatShape(tensor.shape, tensor.rank), ai_rt_dtype_name(tensor.dtype),
          grouped(countElements(tensor)), initText(tensor));
  }
  RoleTotal total = totalOf(program, AI_RT_PARAMETER);
  row("total", "", "   ", grouped(total.elements), "");
  return text;
}

static std::string settingsText(const ai_rt_program_t &program) {
  std::string text;
  for (int64_t i = 0; i < program.num_tensors; ++i)
    if (program.tensors[i].role == AI_RT_SETTING)
      text += concat(text.empty() ? "" : ", ", program.tensors[i].name, " ",
                     program.tensors[i].init_value);
  return text.empty() ? "none" : text;
}

/// What is embedded, and what it would run on.
static std::string deviceText(const ai_rt_program_t &program, const Options &options,
                              const Needs &needs) {
  std::string text;
  for (int64_t i = 0; i < program.num_images; ++i) {
    const ai_rt_gpu_image_t &image = program.images[i];
    int64_t bytes = cubinBytes(image);
    text += concat("kernels: ", image.arch, ", PTX ", ptxVersion(image), " of ",
                   grouped(int64_t(std::strlen(image.ptx))), " bytes, ");
    text += bytes ? concat("machine code of ", grouped(bytes), " bytes\n")
                  : std::string("no machine code\n");
  }
  DeviceMemory memory(program);
  int64_t bytes = memory.bytes() + Samples::recordBytes(options.batch) + needs.libraryBytes;
  text +=
      concat("device memory: ", grouped(bytes), " bytes: tensors and sums ", grouped(memory.fixed),
             ", temporaries ", grouped(memory.workspace), ", outputs ", grouped(memory.staged),
             ", metrics ", grouped(memory.metrics), ", a batch's rows ",
             grouped(Samples::recordBytes(options.batch)),
             needs.libraryBytes ? ", workspace of libraries " + grouped(needs.libraryBytes) : "",
             "; and data sets, if they fit\n");
  if (!needs.libraries.empty())
    text += concat("libraries: ", needs.libraries, "\n");
  char device[512];
  ai_rt_status_t status = ai_rt_program_device(&program, device, sizeof(device));
  return text + concat("device: ", status == AI_RT_OK ? device : ai_rt_last_error(), "\n");
}

/// "5 samples"
static std::string countOf(int64_t count, const char *what) {
  return concat(count, " ", what, count == 1 ? "" : "s");
}

static std::string threadsText(const ai_rt_program_t &program, const Needs &needs) {
  if (callsLibraries(program))
    return concat("rounds of ", countOf(needs.blockSize, "sample"));
  if (program.num_images > 0)
    return concat("thread blocks of ", countOf(needs.blockSize, "sample"), ", at most ",
                  needs.numSlots, " at once", needs.isJoined ? ", many steps in one kernel" : "");
  std::string text = countOf(needs.threads, "thread");
  int64_t atOnce = std::max(needs.blocks, needs.singles);
  if (needs.busyThreads < std::min({needs.threads, atOnce, needs.numSlots}))
    return text + ", all but one idle: to share a step takes longer than that saves";
  if (needs.busyThreads < needs.threads)
    text += concat(", of which ", needs.threads - needs.busyThreads,
                   " idle: ", countOf(needs.blocks, "block"), " of ",
                   countOf(needs.blockSize, "sample"), ", ",
                   needs.singles > 0 ? countOf(needs.singles, "sample") + " one by one, " : "",
                   needs.numSlots, " slots");
  return text;
}

static std::string describe(const ai_rt_program_t &program, const Options &options) {
  RoleTotal states = totalOf(program, AI_RT_STATE);
  Needs needs = needsOf(program, options);
  static const char *const losses[] = {"cross_entropy", "nll_loss", "mse_loss"};
  std::string text = concat(program.name, "\n\n", parameterTable(program), "\n");
  text += concat("optimizer state: ", grouped(states.elements), " elements in ", states.tensors,
                 " tensors\n");
  text += concat("recipe: loss ", losses[std::clamp<int64_t>(program.loss, 0, 2)], ", ",
                 program.epochs, " epochs of batch ", program.batch, ", seed ", program.seed,
                 "; settings: ", settingsText(program), "\n");
  text += concat("processor: ", program.cpu);
  if (std::strcmp(program.cpu, program.cpus) != 0)
    text += concat(", picked from ", program.cpus);
  text += "\n";
  text += concat("step: batch ", options.batch, ", ", threadsText(program, needs), "\n");
  char line[96];
  snprintf(line, sizeof(line), "work: %.6g MFLOP per step\n", needs.flops * 1e-6);
  text += line;
  snprintf(line, sizeof(line), "memory: %s bytes (%.1f MiB)", grouped(needs.bytes).c_str(),
           double(needs.bytes) / 1048576);
  text += line;
  text += program.max_memory ? concat(", of at most ", grouped(program.max_memory), "\n") : "\n";
  if (program.num_images > 0)
    text += deviceText(program, options, needs);
  std::string plan = program.plan ? program.plan : "";
  if (!plan.empty())
    text += "\nmemory plan\n" + plan + (plan.back() == '\n' ? "" : "\n");
  return text;
}

static std::string describeJson(const ai_rt_program_t &program, const Options &options) {
  Needs needs = needsOf(program, options);
  std::string text = concat("{\"name\": ", jsonString(program.name), ", \"parameters\": [");
  bool first = true;
  for (int64_t i = 0; i < program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &tensor = program.tensors[i];
    if (tensor.role != AI_RT_PARAMETER)
      continue;
    text += concat(first ? "" : ", ", "{\"name\": ", jsonString(tensor.name), ", \"type\": \"",
                   ai_rt_dtype_name(tensor.dtype),
                   "\", \"shape\": ", formatShape(tensor.shape, tensor.rank),
                   ", \"elements\": ", countElements(tensor), "}");
    first = false;
  }
  return text + concat("], \"num_parameters\": ", totalOf(program, AI_RT_PARAMETER).elements,
                       ", \"state_elements\": ", totalOf(program, AI_RT_STATE).elements,
                       ", \"batch\": ", options.batch, ", \"threads\": ", needs.threads,
                       ", \"busy_threads\": ", needs.busyThreads,
                       ", \"block_size\": ", needs.blockSize, ", \"num_slots\": ", needs.numSlots,
                       ", \"cpu\": ", jsonString(program.cpu),
                       ", \"flops_per_step\": ", jsonNumber(needs.flops),
                       ", \"memory_bytes\": ", needs.bytes, "}\n");
}

int ai::rt::runInfo(const ai_rt_program_t &program, const Options &options) {
  writeOutput(options.json ? describeJson(program, options) : describe(program, options));
  return 0;
}
