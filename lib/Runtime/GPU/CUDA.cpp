//===- CUDA.cpp - NVIDIA's driver API -------------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CUDA.h"

#include <dlfcn.h>

using namespace ai::rt;
using namespace ai::rt::cuda;

template <typename Fn> void Library::find(Fn *&function, const char *name) {
  function = reinterpret_cast<Fn *>(dlsym(handle, name));
  if (!function)
    throwNoDevice("expects NVIDIA's driver to have ", name,
                  ", which libcuda.so.1 lacks: it is too old");
}

Library::Library() : handle(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
  if (!handle)
    throwNoDevice("expects NVIDIA's driver, but libcuda.so.1 cannot be opened (", dlerror(), ")");
#define FIND(name) find(name, #name)
  FIND(cuInit);
  FIND(cuDriverGetVersion);
  FIND(cuDeviceGetCount);
  FIND(cuDeviceGet);
  FIND(cuDeviceGetName);
  FIND(cuDeviceGetAttribute);
  FIND(cuDevicePrimaryCtxRetain);
  FIND(cuDevicePrimaryCtxRelease_v2);
  FIND(cuCtxSetCurrent);
  FIND(cuStreamCreate);
  FIND(cuStreamDestroy_v2);
  FIND(cuStreamSynchronize);
  FIND(cuStreamWaitEvent);
  FIND(cuStreamBeginCapture_v2);
  FIND(cuStreamEndCapture);
  FIND(cuGraphInstantiateWithFlags);
  FIND(cuGraphDestroy);
  FIND(cuGraphLaunch);
  FIND(cuGraphExecDestroy);
  FIND(cuEventCreate);
  FIND(cuEventDestroy_v2);
  FIND(cuEventRecord);
  FIND(cuEventSynchronize);
  FIND(cuMemGetInfo_v2);
  FIND(cuMemAlloc_v2);
  FIND(cuMemFree_v2);
  FIND(cuMemAllocHost_v2);
  FIND(cuMemFreeHost);
  FIND(cuMemcpyHtoDAsync_v2);
  FIND(cuMemcpyDtoHAsync_v2);
  FIND(cuMemsetD8Async);
  FIND(cuModuleLoadData);
  FIND(cuModuleUnload);
  FIND(cuModuleGetFunction);
  FIND(cuFuncSetAttribute);
  FIND(cuLaunchKernel);
  FIND(cuLaunchCooperativeKernel);
  FIND(cuOccupancyMaxActiveBlocksPerMultiprocessor);
  FIND(cuGetErrorName);
  FIND(cuGetErrorString);
#undef FIND
}

std::string Library::textOf(Result result) const {
  const char *name = nullptr, *text = nullptr;
  cuGetErrorName(result, &name);
  cuGetErrorString(result, &text);
  return concat(name ? name : "error", " ", result, text ? ": " : "", text ? text : "");
}
