//===- FakeCUDA.cpp - a libcuda.so.1 without a GPU ------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the runtime calls of NVIDIA's driver, on memory of the host. Launches are written down; a
// test sets what the GPU is like, and which call fails.
//
//===----------------------------------------------------------------------===//

#include "FakeCUDA.h"

#include <cstdlib>
#include <cstring>

static FakeCUDA state;
FakeCUDA *fake_cuda() { return &state; }

/// The result of a call: 0, or 700 (CUDA_ERROR_ILLEGAL_ADDRESS) for the one that shall fail.
static int called(const char *name) { return state.failing == name ? 700 : 0; }

extern "C" {
int cuInit(unsigned) { return called("cuInit"); }
int cuDriverGetVersion(int *version) { return *version = 13000, 0; }
int cuDeviceGetCount(int *count) { return *count = state.numDevices, 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetName(char *name, int bytes, int) { return strncpy(name, "Fake GPU", bytes), 0; }
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 75 ? state.major : attribute == 76 ? state.minor : 132;
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int) { return ++state.contexts, *context = &state, 0; }
int cuDevicePrimaryCtxRelease_v2(int) { return --state.contexts, 0; }
int cuCtxSetCurrent(void *) { return 0; }
int cuStreamCreate(void **stream, unsigned) { return *stream = &state, 0; }
int cuStreamDestroy_v2(void *) { return 0; }
int cuStreamSynchronize(void *) { return called("cuStreamSynchronize"); }
int cuMemGetInfo_v2(size_t *free, size_t *total) { return *free = 1000, *total = 2000, 0; }
int cuMemAlloc_v2(unsigned long long *memory, size_t bytes) {
  if (state.isFull)
    return 2;
  ++state.allocations;
  *memory = reinterpret_cast<unsigned long long>(malloc(bytes));
  return 0;
}
int cuMemFree_v2(unsigned long long memory) {
  --state.allocations;
  free(reinterpret_cast<void *>(memory));
  return 0;
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t bytes, void *) {
  return memcpy(reinterpret_cast<void *>(to), from, bytes), 0;
}
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t bytes, void *) {
  return memcpy(to, reinterpret_cast<void *>(from), bytes), 0;
}
int cuMemsetD8Async(unsigned long long at, unsigned char value, size_t bytes, void *) {
  return memset(reinterpret_cast<void *>(at), value, bytes), 0;
}
int cuModuleLoadData(void **module, const void *image) {
  state.image = static_cast<const char *>(image);
  *module = &state;
  return called("cuModuleLoadData");
}
int cuModuleUnload(void *) { return 0; }
int cuModuleGetFunction(void **function, void *, const char *name) {
  state.names.push_back(name);
  *function = &state.names.back();
  return called("cuModuleGetFunction");
}
int cuFuncSetAttribute(void *, int attribute, int value) {
  return state.sharedLimit = attribute == 8 ? value : -1, 0;
}
int cuLaunchKernel(void *function, unsigned gridX, unsigned, unsigned, unsigned blockX, unsigned,
                   unsigned, unsigned sharedBytes, void *, void **arguments, void **) {
  FakeCUDA::Launch launch{*static_cast<std::string *>(function), gridX, blockX, sharedBytes, {}};
  for (int i = 0; i < 8; ++i)
    launch.arguments[i] = *static_cast<int64_t *>(arguments[i]);
  state.launches.push_back(launch);
  return called("cuLaunchKernel");
}
int cuGetErrorName(int result, const char **name) {
  return *name = result == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR", 0;
}
int cuGetErrorString(int, const char **text) { return *text = "an illegal access", 0; }
}
