//===- LibraryCalls.h - what libraries compute of a program -*- C++ -* ---===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_LIBRARYCALLS_H
#define AI_LIB_RUNTIME_GPU_LIBRARYCALLS_H

#include "LibraryPlan.h"

#include <map>
#include <optional>

namespace ai::rt {

/// Whether kernels of the program are calls of libraries.
bool callsLibraries(const ai_rt_program_t &program);

/// The calls of a program, each with its plan. Handles and plans are made once, and the libraries
/// they need are opened: those that the program calls.
class LibraryCalls {
public:
  /// Work goes to `stream` (cudaStream_t), of the thread's present context. Without a stream the
  /// libraries must be ones that compute on the host at once: they say so by a symbol of their own.
  LibraryCalls(const ai_rt_program_t &program, char *fixed, char *workspace, char *staged,
               void *stream);
  ~LibraryCalls();

  /// Bytes of the device that calls need beside their operands, one after the other.
  int64_t scratchBytes() const { return scratch; }
  /// Says where these are; before the first `run`.
  void bind(char *memory);

  /// Asks for a kernel that is a call.
  void run(const ai_rt_kernel_t &kernel) { plans.at(kernel.call)->run(); }

  /// Libraries, their versions, and how many calls there are of each, for people.
  std::string describe() const;

private:
  void open(const ai_rt_call_t &call);
  void close();

  void *stream;
  std::optional<cudnn::Library> dnn;
  std::optional<cublaslt::Library> blas;
  cudnn::Handle dnnHandle = nullptr;
  cublaslt::Handle blasHandle = nullptr;
  std::map<const ai_rt_call_t *, std::unique_ptr<LibraryPlan>> plans;
  int64_t scratch = 0, numConvolutions = 0;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_LIBRARYCALLS_H
