//===- Classifier.cpp - a small model as a program ------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Softmax regression on 28x28 images, written by hand in the form that the compiler gives a model:
// the commands can be tested without a compiler, by a model that really learns.
//
//===----------------------------------------------------------------------===//

#include "ai/Runtime/ai_rt.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace {

constexpr int64_t blockSize = 16, numSlots = 4, pixels = 784, classes = 10;

struct Parameters {
  alignas(64) float weight[classes][pixels];
  alignas(64) float bias[classes];
};

struct Slot {
  Parameters gradients;
  alignas(64) float loss, correct;
};

struct Fixed {
  Parameters parameters;
  alignas(64) double lr;
  alignas(64) float loss;
  alignas(64) float correct;
  Slot slots[numSlots];
};

struct Workspace {
  alignas(64) float images[blockSize][pixels];
  alignas(64) int32_t labels[blockSize];
  alignas(64) float probabilities[blockSize][classes];
};

void predict(char *fixedBytes, char *workspaceBytes, char *, char *, char *, int64_t, int64_t,
             int64_t, int64_t, int64_t, int64_t, int64_t) {
  const Parameters &p = reinterpret_cast<Fixed *>(fixedBytes)->parameters;
  Workspace &w = *reinterpret_cast<Workspace *>(workspaceBytes);
  for (int64_t n = 0; n < blockSize; ++n) {
    float *out = w.probabilities[n];
    for (int64_t c = 0; c < classes; ++c) {
      out[c] = p.bias[c];
      for (int64_t i = 0; i < pixels; ++i)
        out[c] += w.images[n][i] * p.weight[c][i];
    }
    float largest = *std::max_element(out, out + classes), sum = 0;
    for (int64_t c = 0; c < classes; ++c)
      sum += out[c] = std::exp(out[c] - largest);
    for (int64_t c = 0; c < classes; ++c)
      out[c] /= sum;
  }
}

void evaluate(char *fixed, char *workspace, char *slotBytes, char *own, char *team, int64_t first,
              int64_t part, int64_t parts, int64_t count, int64_t step, int64_t epoch,
              int64_t seed) {
  predict(fixed, workspace, slotBytes, own, team, first, part, parts, count, step, epoch, seed);
  const Workspace &w = *reinterpret_cast<Workspace *>(workspace);
  Slot &slot = *reinterpret_cast<Slot *>(slotBytes);
  if (first < numSlots * blockSize) // the first block of its slot
    slot = {};
  for (int64_t n = 0; n < std::min(blockSize, count - first); ++n) {
    const float *out = w.probabilities[n];
    slot.loss -= std::log(out[w.labels[n]]);
    slot.correct += std::max_element(out, out + classes) - out == w.labels[n];
  }
}

void train(char *fixed, char *workspace, char *slotBytes, char *own, char *team, int64_t first,
           int64_t part, int64_t parts, int64_t count, int64_t step, int64_t epoch, int64_t seed) {
  evaluate(fixed, workspace, slotBytes, own, team, first, part, parts, count, step, epoch, seed);
  const Workspace &w = *reinterpret_cast<Workspace *>(workspace);
  Parameters &gradients = reinterpret_cast<Slot *>(slotBytes)->gradients;
  for (int64_t n = 0; n < std::min(blockSize, count - first); ++n) {
    for (int64_t c = 0; c < classes; ++c) {
      float ct = (w.probabilities[n][c] - float(c == w.labels[n])) / float(count);
      gradients.bias[c] += ct;
      for (int64_t i = 0; i < pixels; ++i)
        gradients.weight[c][i] += ct * w.images[n][i];
    }
  }
}

void combineMetrics(char *fixedBytes, char *, int64_t part, int64_t, int64_t, int64_t, int64_t,
                    int64_t) {
  Fixed &f = *reinterpret_cast<Fixed *>(fixedBytes);
  if (part != 0)
    return;
  f.loss = f.correct = 0;
  for (const Slot &slot : f.slots) {
    f.loss += slot.loss;
    f.correct += slot.correct;
  }
}

void update(char *fixedBytes, char *workspace, int64_t part, int64_t parts, int64_t count,
            int64_t step, int64_t epoch, int64_t seed) {
  combineMetrics(fixedBytes, workspace, part, parts, count, step, epoch, seed);
  Fixed &f = *reinterpret_cast<Fixed *>(fixedBytes);
  for (int64_t c = part; c < classes; c += parts) {
    for (int64_t i = 0; i <= pixels; ++i) {
      float sum = 0;
      for (const Slot &slot : f.slots)
        sum += i < pixels ? slot.gradients.weight[c][i] : slot.gradients.bias[c];
      (i < pixels ? f.parameters.weight[c][i] : f.parameters.bias[c]) -= float(f.lr) * sum;
    }
  }
}

const int64_t weightShape[] = {classes, pixels}, biasShape[] = {classes};
const int64_t imageShape[] = {blockSize, 1, 28, 28}, labelShape[] = {blockSize};
const int64_t outputShape[] = {blockSize, classes};

const ai_rt_tensor_info_t tensors[] = {
    {"linear.weight", AI_RT_PARAMETER, AI_RT_F32, 2, weightShape,
     offsetof(Fixed, parameters.weight), sizeof(Parameters::weight), AI_RT_INIT_UNIFORM, 0.0357, 0},
    {"linear.bias", AI_RT_PARAMETER, AI_RT_F32, 1, biasShape, offsetof(Fixed, parameters.bias),
     sizeof(Parameters::bias), AI_RT_INIT_CONSTANT, 0, 0},
    {"lr", AI_RT_SETTING, AI_RT_F64, 0, nullptr, offsetof(Fixed, lr), 8, 0, 0.1, 0}};

const ai_rt_tensor_info_t inputsAndMetrics[] = {
    {"image", AI_RT_INPUT, AI_RT_F32, 4, imageShape, offsetof(Workspace, images),
     sizeof(Workspace::images), 0, 0, 0},
    {"label", AI_RT_TARGET, AI_RT_I32, 1, labelShape, offsetof(Workspace, labels),
     sizeof(Workspace::labels), 0, 0, 0},
    {"loss", AI_RT_METRIC, AI_RT_F32, 0, nullptr, offsetof(Fixed, loss), 4, 0, 0, 0},
    {"correct", AI_RT_METRIC, AI_RT_F32, 0, nullptr, offsetof(Fixed, correct), 4, 0, 0, 0}};

const ai_rt_tensor_info_t inputAndOutput[] = {
    {"image", AI_RT_INPUT, AI_RT_F32, 4, imageShape, offsetof(Workspace, images),
     sizeof(Workspace::images), 0, 0, 0},
    {"probabilities", AI_RT_OUTPUT, AI_RT_F32, 2, outputShape, offsetof(Workspace, probabilities),
     sizeof(Workspace::probabilities), 0, 0, 0}};

const ai_rt_step_t steps[] = {
    {"train", blockSize, numSlots, 0, train, update, nullptr, nullptr, sizeof(Workspace),
     sizeof(Slot), offsetof(Fixed, slots), 4, inputsAndMetrics, 4 * pixels * classes, -1, nullptr,
     nullptr},
    {"evaluate", blockSize, numSlots, 0, evaluate, combineMetrics, nullptr, nullptr,
     sizeof(Workspace), sizeof(Slot), offsetof(Fixed, slots), 4, inputsAndMetrics,
     2 * pixels * classes, -1, nullptr, nullptr},
    {"predict", blockSize, numSlots, 0, predict, nullptr, nullptr, nullptr, sizeof(Workspace), 0,
     offsetof(Fixed, slots), 2, inputAndOutput, 2 * pixels * classes, -1, nullptr, nullptr}};

const int64_t imageNode[] = {-1, 1, 28, 28};
const int64_t outputNode[] = {-1, classes};

const ai_rt_node_t nodes[] = {
    {"input", "input", "", 4, imageNode},
    {"linear/weight", "ai.parameter", "", 2, weightShape},
    {"linear/bias", "ai.parameter", "", 1, biasShape},
    {"linear/linear", "ai.linear", "input linear/weight linear/bias", 2, outputNode}};

const ai_rt_program_t program = {"classifier",
                                 AI_RT_ABI_VERSION,
                                 sizeof(Fixed),
                                 3,
                                 tensors,
                                 3,
                                 steps,
                                 0,
                                 nullptr,
                                 AI_RT_CROSS_ENTROPY,
                                 classes,
                                 /*batch=*/64,
                                 /*epochs=*/2,
                                 /*seed=*/1,
                                 /*mean=*/0.5,
                                 /*std=*/0.5,
                                 "weights 0\nslots 31488\n",
                                 /*num_profile_rows=*/0,
                                 nullptr,
                                 /*num_images=*/0,
                                 nullptr,
                                 /*cpu=*/"fake",
                                 /*cpus=*/"fake",
                                 /*num_features=*/0,
                                 nullptr,
                                 /*max_memory=*/0,
                                 /*num_checks=*/0,
                                 /*checks=*/nullptr,
                                 /*num_nodes=*/4,
                                 nodes};

} // namespace

int main(int argc, char **argv) { return ai_rt_main(&program, argc, argv); }
