//===- FakeProgram.h - programs written by hand, as the compiler would  -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_TEST_RUNTIME_FAKEPROGRAM_H
#define AI_TEST_RUNTIME_FAKEPROGRAM_H

#include "ai/Runtime/ai_rt.h"

#include <memory>
#include <string>
#include <vector>

namespace ai::test {

/// Features of the regression's inputs.
inline constexpr int64_t kFeatures = 3;

/// Linear regression on f32 [n,3] with mean squared error and SGD with momentum: parameters
/// "weight" [3] and "bias" [1], state "weight.momentum_buffer", settings "lr" and "momentum".
/// Blocks of 4, 3 slots, batch 10. Fails a test when called against the contract.
const ai_rt_program_t &regression();

/// The same regression, the gradient of whose weight is summed over panels of 12 samples: blocks
/// write inputs and cotangents into "rows0" and "rows1", and steps have a fold and a finish.
const ai_rt_program_t &panelRegression();

/// Counts: of u8 or f32 inputs [n,1,2,2] and labels of 3 classes, loss is the sum of all staged
/// values of real samples, correct the number of labels 0. Blocks of 4, 2 slots, batch 8.
const ai_rt_program_t &counter();

struct DestroyModel {
  void operator()(ai_rt_model_t *model) const { ai_rt_model_destroy(model); }
};
using ModelPtr = std::unique_ptr<ai_rt_model_t, DestroyModel>;

/// Creates a model with `threads` threads; fails the test if that fails.
ModelPtr create(const ai_rt_program_t &program, int64_t threads = 1, int64_t seed = 7);

/// Returns the bytes of all parameters and states.
std::string snapshot(const ai_rt_model_t *model);

/// Samples of y = 2 a - 3 b + c / 2 + 1, always the same ones.
struct RegressionData {
  explicit RegressionData(int64_t count);

  std::vector<float> inputs, targets;
  int64_t inputShape[2], targetShape[2];
  ai_rt_data_t data;
};

/// Returns the number of heap allocations of this process so far; -1 where they are not counted.
int64_t numAllocations();

} // namespace ai::test

#endif // AI_TEST_RUNTIME_FAKEPROGRAM_H
