//===- CUDA.h - NVIDIA's driver API -*- C++ -* ---------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that is used of NVIDIA's driver ("CUDA Driver API" reference manual), declared here:
// neither its headers nor its libraries are needed to build.
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_CUDA_H
#define AI_LIB_RUNTIME_GPU_CUDA_H

#include "lib/Runtime/Error.h"

namespace ai::rt::cuda {

using Result = int; // CUresult; 0 is success
using DeviceNumber = int;
using Address = unsigned long long; // CUdeviceptr
using Context = struct ContextTag *;
using Stream = struct StreamTag *;
using Event = struct EventTag *;
using Module = struct ModuleTag *;
using Function = struct FunctionTag *;
using Graph = struct GraphTag *;
using GraphExec = struct GraphExecTag *;

constexpr Result kOutOfMemory = 2; // CUDA_ERROR_OUT_OF_MEMORY
// Attributes of devices and functions.
constexpr int kComputeMajor = 75, kComputeMinor = 76, kMultiprocessors = 16;
constexpr int kCooperativeLaunch = 95;
constexpr int kMaxDynamicSharedBytes = 8;
// Flags.
constexpr unsigned kNonBlocking = 1; // CU_STREAM_NON_BLOCKING
constexpr unsigned kNoTiming = 2;    // CU_EVENT_DISABLE_TIMING
constexpr int kRelaxedCapture = 2;   // CU_STREAM_CAPTURE_MODE_RELAXED

/// The functions of libcuda.so.1 by the names that it exports. The constructor throws if the
/// library or one of them is missing.
struct Library {
  Library();

  Result (*cuInit)(unsigned flags);
  Result (*cuDriverGetVersion)(int *version);
  Result (*cuDeviceGetCount)(int *count);
  Result (*cuDeviceGet)(DeviceNumber *device, int ordinal);
  Result (*cuDeviceGetName)(char *name, int bytes, DeviceNumber device);
  Result (*cuDeviceGetAttribute)(int *value, int attribute, DeviceNumber device);
  Result (*cuDevicePrimaryCtxRetain)(Context *context, DeviceNumber device);
  Result (*cuDevicePrimaryCtxRelease_v2)(DeviceNumber device);
  Result (*cuCtxSetCurrent)(Context context);
  Result (*cuStreamCreate)(Stream *stream, unsigned flags);
  Result (*cuStreamDestroy_v2)(Stream stream);
  Result (*cuStreamSynchronize)(Stream stream);
  Result (*cuStreamWaitEvent)(Stream stream, Event event, unsigned flags);
  Result (*cuStreamBeginCapture_v2)(Stream stream, int mode);
  Result (*cuStreamEndCapture)(Stream stream, Graph *graph);
  Result (*cuGraphInstantiateWithFlags)(GraphExec *exec, Graph graph, unsigned long long flags);
  Result (*cuGraphDestroy)(Graph graph);
  Result (*cuGraphLaunch)(GraphExec exec, Stream stream);
  Result (*cuGraphExecDestroy)(GraphExec exec);
  Result (*cuEventCreate)(Event *event, unsigned flags);
  Result (*cuEventDestroy_v2)(Event event);
  Result (*cuEventRecord)(Event event, Stream stream);
  Result (*cuEventSynchronize)(Event event);
  Result (*cuMemGetInfo_v2)(size_t *free, size_t *total);
  Result (*cuMemAlloc_v2)(Address *memory, size_t bytes);
  Result (*cuMemFree_v2)(Address memory);
  Result (*cuMemAllocHost_v2)(void **memory, size_t bytes);
  Result (*cuMemFreeHost)(void *memory);
  Result (*cuMemcpyHtoDAsync_v2)(Address to, const void *from, size_t bytes, Stream stream);
  Result (*cuMemcpyDtoHAsync_v2)(void *to, Address from, size_t bytes, Stream stream);
  Result (*cuMemsetD8Async)(Address at, unsigned char value, size_t bytes, Stream stream);
  Result (*cuModuleLoadData)(Module *module, const void *image);
  Result (*cuModuleUnload)(Module module);
  Result (*cuModuleGetFunction)(Function *function, Module module, const char *name);
  Result (*cuFuncSetAttribute)(Function function, int attribute, int value);
  Result (*cuLaunchKernel)(Function function, unsigned gridX, unsigned gridY, unsigned gridZ,
                           unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                           Stream stream, void **arguments, void **extra);
  Result (*cuLaunchCooperativeKernel)(Function function, unsigned gridX, unsigned gridY,
                                      unsigned gridZ, unsigned blockX, unsigned blockY,
                                      unsigned blockZ, unsigned sharedBytes, Stream stream,
                                      void **arguments);
  Result (*cuOccupancyMaxActiveBlocksPerMultiprocessor)(int *blocks, Function function, int threads,
                                                        size_t sharedBytes);
  Result (*cuGetErrorName)(Result result, const char **name);
  Result (*cuGetErrorString)(Result result, const char **text);

  /// The name, number and text of an error.
  std::string textOf(Result result) const;

private:
  template <typename Fn> void find(Fn *&function, const char *name);
  void *handle;
};

template <typename... Parts> [[noreturn]] void throwNoDevice(const Parts &...parts) {
  throw Error(AI_RT_NO_DEVICE,
              concat(parts..., "; AI_GPU=emulate runs the kernels on this processor, slowly"));
}

} // namespace ai::rt::cuda

#endif // AI_LIB_RUNTIME_GPU_CUDA_H
