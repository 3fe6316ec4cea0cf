//===- DataCheck.cpp - does a data set fit a model? -----------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include <cstring>
#include <limits>

using namespace ai::rt;

/// Rows are kept in 32 bits.
static constexpr int64_t kMaxRows = std::numeric_limits<uint32_t>::max();

/// Whether two shapes agree in all extents but the first, those of 1 left out.
static bool sameSamples(const int64_t *lhs, int64_t lhsRank, const int64_t *rhs, int64_t rhsRank) {
  int64_t i = 1, j = 1;
  while (true) {
    while (i < lhsRank && lhs[i] == 1)
      ++i;
    while (j < rhsRank && rhs[j] == 1)
      ++j;
    if (i >= lhsRank || j >= rhsRank)
      return i >= lhsRank && j >= rhsRank;
    if (lhs[i++] != rhs[j++])
      return false;
  }
}

static std::string formatSample(const int64_t *shape, int64_t rank) {
  return rank <= 1 ? "[]" : formatShape(shape + 1, rank - 1);
}

static void checkArray(const char *what, const ai_rt_array_t &array,
                       const ai_rt_tensor_info_t &tensor) {
  if (!array.data || array.rank < 1 || array.shape[0] < 1)
    throwInvalid("expects at least one sample of ", what, ", got none");
  if (array.shape[0] > kMaxRows)
    throwInvalid("expects at most ", kMaxRows, " samples of ", what, ", got ", array.shape[0]);
  if (!sameSamples(array.shape, array.rank, tensor.shape, tensor.rank))
    throwInvalid("expects ", what, " of shape ", formatSample(tensor.shape, tensor.rank),
                 " a sample, got ", formatSample(array.shape, array.rank));
  if (!Stager::converts(array.dtype, tensor.dtype))
    throwInvalid("expects ", what, " that convert to ", ai_rt_dtype_name(tensor.dtype), ", got ",
                 ai_rt_dtype_name(array.dtype));
}

void ai::rt::checkShapes(const StepTensors &step, const ai_rt_data_t &data, bool withTargets) {
  checkArray("inputs", data.inputs, *step.input);
  if (withTargets && step.target)
    checkArray("targets", data.targets, *step.target);
}

int64_t ai::rt::labelAt(const ai_rt_array_t &array, int64_t row) {
  switch (array.dtype) {
  case AI_RT_I64:
    return static_cast<const int64_t *>(array.data)[row];
  case AI_RT_I32:
    return static_cast<const int32_t *>(array.data)[row];
  case AI_RT_I8:
    return static_cast<const int8_t *>(array.data)[row];
  default:
    return static_cast<const uint8_t *>(array.data)[row];
  }
}

void ai::rt::checkLabel(const ai_rt_model &model, const StepTensors &step,
                        const ai_rt_array_t &targets, int64_t row) {
  bool isLabel =
      step.target && (step.target->dtype == AI_RT_I32 || step.target->dtype == AI_RT_I64);
  if (!isLabel || model.program.loss == AI_RT_MSE_LOSS)
    return;
  int64_t label = labelAt(targets, row);
  if (label < 0 || label >= model.program.num_classes)
    throwInvalid("expects labels from 0 to ", model.program.num_classes - 1, ", got ", label,
                 " for sample ", row);
}

ai_rt_status_t ai_rt_model_check_data(const ai_rt_model_t *model, const ai_rt_data_t *data,
                                      int64_t with_targets) {
  return guarded([&] {
    const StepTensors &step =
        model->step(with_targets ? "evaluate" : "predict", data->inputs.shape[0]);
    checkShapes(step, *data, with_targets);
    for (int64_t i = 0; with_targets && step.target && i < data->targets.shape[0]; ++i)
      checkLabel(*model, step, data->targets, i);
  });
}
