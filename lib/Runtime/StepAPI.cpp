//===- StepAPI.cpp - steps on data sets and on plain arrays, as C ---------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include <algorithm>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// Data sets
//===----------------------------------------------------------------------===//

ai_rt_status_t ai_rt_model_train_batch(ai_rt_model_t *model, const ai_rt_data_t *data,
                                       const uint32_t *order, int64_t first, int64_t count,
                                       ai_rt_metrics_t *metrics) {
  return guarded([&] { trainBatch(*model, *data, order, first, count, metrics); });
}

int64_t ai_rt_model_batches_at_once(const ai_rt_model_t *model, const ai_rt_data_t *data) {
  int64_t count = 1;
  guarded([&] { count = batchesAtOnce(*model, *data); });
  return count;
}

ai_rt_status_t ai_rt_model_train_batches(ai_rt_model_t *model, const ai_rt_data_t *data,
                                         const uint32_t *order, int64_t first, int64_t samples,
                                         int64_t batch) {
  return guarded([&] { trainBatches(*model, *data, order, first, samples, batch); });
}

ai_rt_status_t ai_rt_model_read_metrics(ai_rt_model_t *model, ai_rt_metrics_t *metrics) {
  return guarded([&] { *metrics = readMetrics(*model); });
}

ai_rt_status_t ai_rt_model_keep_data(ai_rt_model_t *model, const ai_rt_data_t *data) {
  return guarded([&] { keepData(*model, data); });
}

ai_rt_status_t ai_rt_model_evaluate_data(ai_rt_model_t *model, const ai_rt_data_t *data,
                                         int64_t first, int64_t count, ai_rt_metrics_t *metrics) {
  return guarded([&] { *metrics = evaluateData(*model, *data, first, count); });
}

ai_rt_status_t ai_rt_model_predict_data(ai_rt_model_t *model, const ai_rt_data_t *data,
                                        int64_t first, int64_t count, void *outputs) {
  return guarded([&] { predictData(*model, *data, first, count, outputs); });
}

//===----------------------------------------------------------------------===//
// Plain arrays
//===----------------------------------------------------------------------===//

namespace {
/// Arrays of the caller's, in the shapes of a step's tensors, as a data set.
class PlainData {
public:
  PlainData(const StepTensors &tensors, const void *inputs, const void *targets, int64_t count) {
    data.inputs = view(*tensors.input, inputs, inputShape, count);
    data.targets = {};
    if (tensors.target)
      data.targets = view(*tensors.target, targets, targetShape, count);
  }

  /// The inputs are bytes, whatever the type of the step's tensor.
  PlainData(const StepTensors &tensors, const uint8_t *inputs, const void *targets, int64_t count)
      : PlainData(tensors, static_cast<const void *>(inputs), targets, count) {
    data.inputs.dtype = AI_RT_U8;
  }

  PlainData(const PlainData &) = delete;
  PlainData &operator=(const PlainData &) = delete;

  ai_rt_data_t data;

private:
  static constexpr int64_t kMaxRank = 8;

  static ai_rt_array_t view(const ai_rt_tensor_info_t &info, const void *data, int64_t *shape,
                            int64_t count) {
    if (info.rank > kMaxRank)
      throwInvalid("expects tensors of rank ", kMaxRank, " at most, got ", info.rank);
    std::copy(info.shape, info.shape + info.rank, shape);
    shape[0] = count;
    return {data, info.dtype, info.rank, shape};
  }

  int64_t inputShape[kMaxRank], targetShape[kMaxRank];
};
} // namespace

template <typename Input>
static ai_rt_status_t trainPlain(ai_rt_model_t *model, const Input *inputs, const void *targets,
                                 int64_t count, float *loss) {
  return guarded([&] {
    PlainData plain(model->step("train", count), inputs, targets, count);
    ai_rt_metrics_t sums;
    trainBatch(*model, plain.data, /*order=*/nullptr, 0, count, loss ? &sums : nullptr);
    if (loss)
      *loss = static_cast<float>(sums.loss / static_cast<double>(count));
  });
}

template <typename Input>
static ai_rt_status_t evaluatePlain(ai_rt_model_t *model, const Input *inputs, const void *targets,
                                    int64_t count, ai_rt_metrics_t *metrics) {
  return guarded([&] {
    PlainData plain(model->step("evaluate", count), inputs, targets, count);
    *metrics = evaluateData(*model, plain.data, 0, count);
  });
}

template <typename Input>
static ai_rt_status_t predictPlain(ai_rt_model_t *model, const Input *inputs, int64_t count,
                                   void *outputs) {
  return guarded([&] {
    PlainData plain(model->step("predict", count), inputs, /*targets=*/nullptr, count);
    predictData(*model, plain.data, 0, count, outputs);
  });
}

ai_rt_status_t ai_rt_model_train_step(ai_rt_model_t *model, const void *inputs, const void *targets,
                                      int64_t count, float *loss) {
  return trainPlain(model, inputs, targets, count, loss);
}

ai_rt_status_t ai_rt_model_train_step_u8(ai_rt_model_t *model, const uint8_t *inputs,
                                         const void *targets, int64_t count, float *loss) {
  return trainPlain(model, inputs, targets, count, loss);
}

ai_rt_status_t ai_rt_model_evaluate(ai_rt_model_t *model, const void *inputs, const void *targets,
                                    int64_t count, ai_rt_metrics_t *metrics) {
  return evaluatePlain(model, inputs, targets, count, metrics);
}

ai_rt_status_t ai_rt_model_evaluate_u8(ai_rt_model_t *model, const uint8_t *inputs,
                                       const void *targets, int64_t count,
                                       ai_rt_metrics_t *metrics) {
  return evaluatePlain(model, inputs, targets, count, metrics);
}

ai_rt_status_t ai_rt_model_predict(ai_rt_model_t *model, const void *inputs, int64_t count,
                                   void *outputs) {
  return predictPlain(model, inputs, count, outputs);
}

ai_rt_status_t ai_rt_model_predict_u8(ai_rt_model_t *model, const uint8_t *inputs, int64_t count,
                                      void *outputs) {
  return predictPlain(model, inputs, count, outputs);
}
