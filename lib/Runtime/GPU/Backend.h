//===- Backend.h - what runs kernels -*- C++ -* --------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_BACKEND_H
#define AI_LIB_RUNTIME_GPU_BACKEND_H

#include "ai/Runtime/ai_rt.h"

#include <memory>
#include <string>

namespace ai::rt {

/// The arguments of a kernel. Pointers are the device's.
struct KernelArguments {
  char *fixed, *workspace, *staged;
  int64_t first, count, step, epoch, seed;
};

/// A device that kernels run on. What is asked of it is done in order; only `copyOut` waits until
/// it is done. Functions throw Error (AI_RT_NO_DEVICE, AI_RT_NO_MEMORY), which names the kernel
/// that failed; after that the device is of no more use.
class Backend {
public:
  virtual ~Backend() = default;

  /// Allocates the arena, the only memory there is; its contents are anything. Called once.
  virtual char *allocate(int64_t bytes) = 0;
  virtual void copyIn(char *to, const void *from, int64_t bytes) = 0;
  virtual void copyOut(void *to, const char *from, int64_t bytes) = 0;
  virtual void clear(char *at, int64_t bytes) = 0;
  virtual void launch(const ai_rt_kernel_t &kernel, int64_t blocks,
                      const KernelArguments &arguments) = 0;
  /// What it is, for people.
  virtual std::string describe() const = 0;
};

/// The GPU of this machine, by way of NVIDIA's driver, which is opened here: a program needs
/// nothing else of NVIDIA's. Throws if there is no driver, no GPU, or no image for it.
std::unique_ptr<Backend> openDriver(const ai_rt_program_t &program);

/// This processor: each GPU thread runs until it has to wait for others. AI_GPU_ORDER says in which
/// order: forward, reverse or random:SEED. With AI_GPU_CHECK=race, threads that touch the same
/// byte without a barrier between them, one of which writes, are an error.
std::unique_ptr<Backend> openEmulator();

/// The back end that AI_GPU names: driver (default) or emulate.
std::unique_ptr<Backend> openBackend(const ai_rt_program_t &program);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_BACKEND_H
