//===- CheckNaN.cpp - where a NaN comes from ------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckNaN.h"

#include "Model.h"

#include <algorithm>
#include <cmath>

using namespace ai::rt;

/// Of the step that this thread works for: generated code knows no model.
static thread_local FirstNaN *current = nullptr;

template <typename T> static bool hasNaN(const void *data, int64_t count) {
  auto *values = static_cast<const T *>(data);
  return std::any_of(values, values + count, [](T value) { return std::isnan(value); });
}

static bool hasNaN(const void *data, int64_t count, int64_t bytes) {
  return bytes == sizeof(float) ? hasNaN<float>(data, count) : hasNaN<double>(data, count);
}

void FirstNaN::begin() { current = this; }

void FirstNaN::found(int64_t newRow) {
  int64_t old = row.load();
  while (newRow < old && !row.compare_exchange_weak(old, newRow))
    ;
}

/// What a step is called in a sentence.
static std::string stepName(const ai_rt_model &model, const ai_rt_step_t &step) {
  std::string name = step.name;
  if (name == "train")
    return concat("training step ", model.progress.step + 1);
  return name == "evaluate" ? "an evaluation" : "a prediction";
}

void ai::rt::checkNoNaN(ai_rt_model &model, const ai_rt_step_t &step) {
  const ai_rt_program_t &program = model.program;
  if (int64_t row = model.firstNaN.take(); row != FirstNaN::kNone)
    throw Error(AI_RT_NAN,
                concat(stepName(model, step), " has a NaN, first in '", program.checks[row].name,
                       "'; the parameters are those before it"));
  if (program.num_checks == 0 || step.name != std::string("train"))
    return;
  for (int64_t i = 0; i < program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &tensor = program.tensors[i];
    if (tensor.role == AI_RT_SETTING ||
        !hasNaN(model.fixed() + tensor.offset, tensor.bytes / ai_rt_dtype_size(tensor.dtype),
                ai_rt_dtype_size(tensor.dtype)))
      continue;
    throw Error(AI_RT_NAN, concat(stepName(model, step), " has a NaN, first in the update of '",
                                  tensor.name, "', which has it now; load a checkpoint of before"));
  }
}

void ai_rt_check_nan(int64_t row, int64_t address, int64_t count, int64_t bytes) {
  if (current && hasNaN(reinterpret_cast<const void *>(address), count, bytes))
    current->found(row);
}
