//===- Mistakes.h - what a model classifies wrongly -------------*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_MISTAKES_H
#define AI_LIB_RUNTIME_MISTAKES_H

#include "Model.h"
#include "PNG.h"

namespace ai::rt {

/// A sample: its row of the inputs, its label, and the class that it was taken for.
struct Mistake {
  int64_t row, label, guess;
};

/// The first samples of `data`, at most `limit`, that the model classifies wrongly; none where
/// inputs are no images of 1 or 3 channels, or outputs no classes. Predicts no further than needed.
std::vector<Mistake> findMistakes(ai_rt_model &model, const ai_rt_data_t &data, size_t limit);

/// Row `row` of `inputs`, whose samples are images like those of `input`. Bytes are pixels; of
/// other types the least element becomes black, the greatest white.
Image pictureOf(const ai_rt_array_t &inputs, int64_t row, const ai_rt_tensor_info_t &input);

/// A table in Markdown.
std::string describe(const std::vector<Mistake> &mistakes);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_MISTAKES_H
