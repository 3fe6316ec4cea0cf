//===- Functions.cpp - functions as a program -----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module without a recipe, written by hand: y = ln x1 + x1 * x2 - sin x2, its gradient, and a
// function of integers and tensors.
//
//===----------------------------------------------------------------------===//

#include "ai/Runtime/ai_rt.h"

#include <cmath>

namespace {

void value(char *, char *workspace) {
  double *w = reinterpret_cast<double *>(workspace);
  w[2] = std::log(w[0]) + w[0] * w[1] - std::sin(w[1]);
}

void gradient(char *, char *workspace) {
  double *w = reinterpret_cast<double *>(workspace);
  w[2] = 1 / w[0] + w[1];
  w[3] = w[0] - std::cos(w[1]);
}

void scale(char *, char *workspace) {
  double *matrix = reinterpret_cast<double *>(workspace);
  int32_t factor = *reinterpret_cast<int32_t *>(workspace + 64);
  for (int i = 0; i < 6; ++i)
    matrix[i] *= factor;
}

const int64_t matrixShape[] = {2, 3};
const ai_rt_tensor_info_t arguments[] = {
    {"x1", AI_RT_ARGUMENT, AI_RT_F64, 0, nullptr, 0, 8, 0, 0, 0},
    {"x2", AI_RT_ARGUMENT, AI_RT_F64, 0, nullptr, 8, 8, 0, 0, 0}};
const ai_rt_tensor_info_t results[] = {{"y1", AI_RT_RESULT, AI_RT_F64, 0, nullptr, 16, 8, 0, 0, 0},
                                       {"y2", AI_RT_RESULT, AI_RT_F64, 0, nullptr, 24, 8, 0, 0, 0}};
const ai_rt_tensor_info_t scaleArguments[] = {
    {"matrix", AI_RT_ARGUMENT, AI_RT_F64, 2, matrixShape, 0, 48, 0, 0, 0},
    {"factor", AI_RT_ARGUMENT, AI_RT_I32, 0, nullptr, 64, 4, 0, 0, 0}};
const ai_rt_tensor_info_t scaleResults[] = {
    {"scaled", AI_RT_RESULT, AI_RT_F64, 2, matrixShape, 0, 48, 0, 0, 0}};

const ai_rt_function_t functions[] = {
    {"f", value, 64, 2, arguments, 1, results, nullptr, 0},
    {"f_gradient", gradient, 64, 2, arguments, 2, results, nullptr, 0},
    {"scale", scale, 128, 2, scaleArguments, 1, scaleResults, nullptr, 0}};

const ai_rt_program_t program = {"functions",
                                 AI_RT_ABI_VERSION,
                                 0,
                                 0,
                                 nullptr,
                                 0,
                                 nullptr,
                                 3,
                                 functions,
                                 0,
                                 0,
                                 0,
                                 0,
                                 0,
                                 0,
                                 1,
                                 "",
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
                                 /*num_nodes=*/0,
                                 /*nodes=*/nullptr};

} // namespace

int main(int argc, char **argv) { return ai_rt_main(&program, argc, argv); }
