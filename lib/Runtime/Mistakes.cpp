//===- Mistakes.cpp - what a model classifies wrongly ---------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mistakes.h"

#include <algorithm>
#include <cmath>

using namespace ai::rt;

/// Samples that are predicted at once.
static constexpr int64_t kPiece = 1024;

static bool classifiesImages(const ai_rt_model &model, const StepTensors &step) {
  const ai_rt_tensor_info_t &input = *step.input;
  return model.program.loss != AI_RT_MSE_LOSS && step.output && step.output->rank == 2 &&
         input.rank == 4 && (input.shape[1] == 1 || input.shape[1] == 3);
}

template <typename T> static int64_t greatest(const char *scores, int64_t classes) {
  auto *first = reinterpret_cast<const T *>(scores);
  return std::max_element(first, first + classes) - first;
}

std::vector<Mistake> ai::rt::findMistakes(ai_rt_model &model, const ai_rt_data_t &data,
                                          size_t limit) {
  std::vector<Mistake> mistakes;
  const StepTensors &step = model.step("predict", kPiece);
  if (!classifiesImages(model, step))
    return mistakes;
  int64_t samples = data.inputs.shape[0], classes = step.output->shape[1];
  int64_t rowBytes = step.output->bytes / step.output->shape[0];
  auto guessAt = step.output->dtype == AI_RT_F64 ? greatest<double> : greatest<float>;
  std::vector<char> scores(size_t(std::min(kPiece, samples) * rowBytes));
  for (int64_t first = 0; first < samples && mistakes.size() < limit; first += kPiece) {
    int64_t count = std::min(kPiece, samples - first);
    predictData(model, data, first, count, scores.data());
    for (int64_t i = 0; i < count && mistakes.size() < limit; ++i) {
      int64_t label = labelAt(data.targets, (first + i) % data.targets.shape[0]);
      int64_t guess = guessAt(scores.data() + i * rowBytes, classes);
      if (guess != label)
        mistakes.push_back({first + i, label, guess});
    }
  }
  return mistakes;
}

/// Bytes are what they are.
static std::pair<double, double> rangeOf(const uint8_t *, int64_t) { return {0, 255}; }

template <typename T> static std::pair<double, double> rangeOf(const T *elements, int64_t count) {
  double low = INFINITY, high = -INFINITY;
  for (int64_t i = 0; i < count; ++i) {
    double element = double(elements[i]);
    if (std::isfinite(element)) {
      low = std::min(low, element);
      high = std::max(high, element);
    }
  }
  return {low, high};
}

/// A channel after the other becomes a pixel after the other.
template <typename T> static void fill(Image &image, const void *data, int64_t row) {
  int64_t area = image.height * image.width, count = area * image.channels;
  const T *elements = static_cast<const T *>(data) + row * count;
  auto [low, high] = rangeOf(elements, count);
  double scale = high > low ? 255 / (high - low) : 0;
  image.pixels.resize(size_t(count));
  for (int64_t i = 0; i < count; ++i) {
    double place = (double(elements[i]) - low) * scale;
    double pixel = std::isfinite(place) ? std::clamp(std::round(place), 0.0, 255.0) : 0;
    image.pixels[size_t(i % area * image.channels + i / area)] = uint8_t(pixel);
  }
}

Image ai::rt::pictureOf(const ai_rt_array_t &inputs, int64_t row,
                        const ai_rt_tensor_info_t &input) {
  Image image{input.shape[2], input.shape[3], input.shape[1], {}};
  switch (inputs.dtype) {
  case AI_RT_F32:
    fill<float>(image, inputs.data, row);
    break;
  case AI_RT_F64:
    fill<double>(image, inputs.data, row);
    break;
  case AI_RT_I64:
    fill<int64_t>(image, inputs.data, row);
    break;
  case AI_RT_I32:
    fill<int32_t>(image, inputs.data, row);
    break;
  case AI_RT_I8:
    fill<int8_t>(image, inputs.data, row);
    break;
  default:
    fill<uint8_t>(image, inputs.data, row);
  }
  return image;
}

std::string ai::rt::describe(const std::vector<Mistake> &mistakes) {
  std::string text = "| picture | sample | is | taken for |\n|---|---|---|---|\n";
  for (size_t i = 0; i < mistakes.size(); ++i)
    text += concat("| ", i / 10, i % 10, " | ", mistakes[i].row, " | ", mistakes[i].label, " | ",
                   mistakes[i].guess, " |\n");
  return text;
}
