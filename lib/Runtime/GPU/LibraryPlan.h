//===- LibraryPlan.h - one call, made ready -*- C++ -* -------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_LIBRARYPLAN_H
#define AI_LIB_RUNTIME_GPU_LIBRARYPLAN_H

#include "CuBLASLt.h"
#include "CuDNN.h"

#include "ai/Runtime/ai_rt.h"

#include <memory>
#include <string>
#include <vector>

namespace ai::rt {

/// A call of a library whose descriptors are made and whose algorithm is chosen.
class LibraryPlan {
public:
  virtual ~LibraryPlan() = default;

  virtual int64_t workspaceBytes() const = 0;
  /// Says where the workspace is, of at least so many bytes; before `run`.
  virtual void bind(char *workspace) = 0;
  /// Asks the library to compute, on the stream that the plan was made for. Allocates nothing of
  /// the device's memory.
  virtual void run() = 0;
};

/// More workspace than that is not asked for; what is asked for depends on nothing but the call,
/// the library and the GPU, so that bits do not, either.
inline constexpr int64_t kMostWorkspaceBytes = 256 << 20;
/// Of a product: what NVIDIA recommends for an H100; more is for splitting sums further.
inline constexpr int64_t kMostProductBytes = 32 << 20;

/// "conv2d of lenet.mlir:4:9"
std::string nameOf(const ai_rt_call_t &call);

/// The power of two, at most 256, that an address is a multiple of.
int64_t alignmentOf(const char *address);

/// The first engine of cuDNN's own order that computes in the operands' type, always the same bits,
/// and needs no more workspace than we allow. `operands` are the call's, on the device. Without a
/// GPU, and without a handle, `device` may describe one: such a plan cannot be run.
std::unique_ptr<LibraryPlan> planConvolution(const cudnn::Library &library, cudnn::Handle handle,
                                             const ai_rt_call_t &call,
                                             const std::vector<char *> &operands,
                                             cudnn::BackendDescriptor device = nullptr);

/// The first algorithm of cuBLASLt's own order.
std::unique_ptr<LibraryPlan> planProduct(const cublaslt::Library &library, cublaslt::Handle handle,
                                         void *stream, const ai_rt_call_t &call,
                                         const std::vector<char *> &operands);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_LIBRARYPLAN_H
