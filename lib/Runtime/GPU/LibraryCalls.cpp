//===- LibraryCalls.cpp - what libraries compute of a program ------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LibraryCalls.h"

#include "lib/Runtime/Error.h"

#include <algorithm>

using namespace ai::rt;

std::string ai::rt::nameOf(const ai_rt_call_t &call) {
  static const char *const names[] = {"conv2d", "conv2d_input_gradient", "conv2d_weight_gradient",
                                      "matmul"};
  return concat(names[call.function], *call.place ? " of " : "", call.place);
}

int64_t ai::rt::alignmentOf(const char *address) {
  auto bits = reinterpret_cast<uintptr_t>(address);
  return int64_t(std::min<uintptr_t>(bits & -bits, 256));
}

/// Calls `fn` for each call of a program.
template <typename Fn> static void forEachCall(const ai_rt_program_t &program, Fn fn) {
  auto visit = [&](const ai_rt_kernels_t &kernels) {
    for (int64_t i = 0; i < kernels.count; ++i)
      if (kernels.kernels[i].call)
        fn(*kernels.kernels[i].call);
  };
  for (int64_t i = 0; i < program.num_steps; ++i)
    if (const ai_rt_gpu_step_t *step = program.steps[i].gpu)
      for (const ai_rt_kernels_t *kernels :
           {&step->block, &step->combine, &step->fold, &step->finish})
        visit(*kernels);
  for (int64_t i = 0; i < program.num_functions; ++i)
    if (program.functions[i].gpu)
      visit(*program.functions[i].gpu);
}

bool ai::rt::callsLibraries(const ai_rt_program_t &program) {
  bool found = false;
  forEachCall(program, [&](const ai_rt_call_t &) { found = true; });
  return found;
}

LibraryCalls::LibraryCalls(const ai_rt_program_t &program, char *fixed, char *workspace,
                           char *staged, void *stream)
    : stream(stream) {
  char *const regions[] = {fixed, workspace, staged};
  try {
    forEachCall(program, [&](const ai_rt_call_t &call) {
      open(call);
      std::vector<char *> operands;
      for (int64_t i = 0; i < call.num_operands; ++i)
        operands.push_back(regions[call.operands[i].region] + call.operands[i].offset);
      bool isProduct = call.function == AI_RT_CALL_MATMUL;
      numConvolutions += !isProduct;
      std::unique_ptr<LibraryPlan> &plan = plans[&call];
      plan = isProduct ? planProduct(*blas, blasHandle, stream, call, operands)
                       : planConvolution(*dnn, dnnHandle, call, operands);
      scratch = std::max(scratch, plan->workspaceBytes());
    });
  } catch (...) {
    close();
    throw;
  }
}

LibraryCalls::~LibraryCalls() { close(); }

/// Host memory is nothing that NVIDIA's libraries could read.
static void checkHost(const SharedObject &object, void *stream, const char *variable) {
  if (!stream && !object.has("ai_library_computes_on_host"))
    throw Error(AI_RT_NO_DEVICE,
                concat("expects a library that computes on the host in AI_GPU=emulate, as those of "
                       "the project's tests do, got ",
                       object.file(), "; name another file with ", variable,
                       ", or compile without --gpu-library"));
}

/// Opens the library that a call needs.
void LibraryCalls::open(const ai_rt_call_t &call) {
  auto check = [&](int status, const char *function, const auto &library, const char *name) {
    if (status != 0)
      throw Error(AI_RT_NO_DEVICE, concat("expects ", name, " to start, but ", function,
                                          " failed: ", library.textOf(status)));
  };
  if (call.function == AI_RT_CALL_MATMUL && !blasHandle) {
    checkHost(blas.emplace().object, stream, "AI_CUBLASLT");
    check(blas->cublasLtCreate(&blasHandle), "cublasLtCreate", *blas, "cuBLASLt");
  } else if (call.function != AI_RT_CALL_MATMUL && !dnnHandle) {
    checkHost(dnn.emplace().object, stream, "AI_CUDNN");
    check(dnn->cudnnCreate(&dnnHandle), "cudnnCreate", *dnn, "cuDNN");
    check(dnn->cudnnSetStream(dnnHandle, stream), "cudnnSetStream", *dnn, "cuDNN");
  }
}

void LibraryCalls::close() {
  plans.clear();
  if (dnnHandle)
    dnn->cudnnDestroy(dnnHandle);
  if (blasHandle)
    blas->cublasLtDestroy(blasHandle);
}

void LibraryCalls::bind(char *memory) {
  for (auto &[call, plan] : plans)
    plan->bind(memory);
}

std::string LibraryCalls::describe() const {
  std::string text;
  int64_t numProducts = int64_t(plans.size()) - numConvolutions;
  if (dnn)
    text += concat("cuDNN ", dnn->version(), ", ", numConvolutions, " calls");
  if (blas)
    text +=
        concat(text.empty() ? "" : "; ", "cuBLASLt ", blas->version(), ", ", numProducts, " calls");
  return text;
}
