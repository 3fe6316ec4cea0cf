//===- CUDAHeaderTest.cpp - our declarations are NVIDIA's -----------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the toolkit's header is installed: every function of the driver that we declare takes and
// returns what its own declaration does, and our numbers are its numbers.
//
//===----------------------------------------------------------------------===//

#if __has_include(<cuda.h>)

#include "lib/Runtime/GPU/CUDA.h"

#include <cuda.h>
#include <gtest/gtest.h>
#include <type_traits>

namespace cuda = ai::rt::cuda;

namespace {
/// Enumerations and integers of a size are passed alike, and so are pointers to anything but
/// functions.
template <typename Ours, typename Theirs> constexpr bool passAlike() {
  return sizeof(Ours) == sizeof(Theirs) && std::is_pointer_v<Ours> == std::is_pointer_v<Theirs> &&
         std::is_floating_point_v<Ours> == std::is_floating_point_v<Theirs>;
}

template <typename Ours, typename Theirs> struct Agree : std::false_type {};
template <typename... Ours, typename... Theirs>
struct Agree<cuda::Result (*)(Ours...), CUresult(Theirs...)> {
  static constexpr bool value = [] {
    if constexpr (sizeof...(Ours) == sizeof...(Theirs))
      return (passAlike<Ours, Theirs>() && ...);
    else
      return false;
  }();
};
} // namespace

#define EXPECT_AGREE(name)                                                                         \
  EXPECT_TRUE((Agree<decltype(cuda::Library::name), decltype(::name)>::value)) << #name

TEST(CUDAHeader, DeclaresTheSameFunctions) {
  EXPECT_AGREE(cuInit);
  EXPECT_AGREE(cuDriverGetVersion);
  EXPECT_AGREE(cuDeviceGetCount);
  EXPECT_AGREE(cuDeviceGet);
  EXPECT_AGREE(cuDeviceGetName);
  EXPECT_AGREE(cuDeviceGetAttribute);
  EXPECT_AGREE(cuDevicePrimaryCtxRetain);
  EXPECT_AGREE(cuDevicePrimaryCtxRelease_v2);
  EXPECT_AGREE(cuCtxSetCurrent);
  EXPECT_AGREE(cuStreamCreate);
  EXPECT_AGREE(cuStreamDestroy_v2);
  EXPECT_AGREE(cuStreamSynchronize);
  EXPECT_AGREE(cuStreamWaitEvent);
  EXPECT_AGREE(cuStreamBeginCapture_v2);
  EXPECT_AGREE(cuStreamEndCapture);
  EXPECT_AGREE(cuGraphInstantiateWithFlags);
  EXPECT_AGREE(cuGraphDestroy);
  EXPECT_AGREE(cuGraphLaunch);
  EXPECT_AGREE(cuGraphExecDestroy);
  EXPECT_AGREE(cuEventCreate);
  EXPECT_AGREE(cuEventDestroy_v2);
  EXPECT_AGREE(cuEventRecord);
  EXPECT_AGREE(cuEventSynchronize);
  EXPECT_AGREE(cuMemGetInfo_v2);
  EXPECT_AGREE(cuMemAlloc_v2);
  EXPECT_AGREE(cuMemFree_v2);
  EXPECT_AGREE(cuMemAllocHost_v2);
  EXPECT_AGREE(cuMemFreeHost);
  EXPECT_AGREE(cuMemcpyHtoDAsync_v2);
  EXPECT_AGREE(cuMemcpyDtoHAsync_v2);
  EXPECT_AGREE(cuMemsetD8Async);
  EXPECT_AGREE(cuModuleLoadData);
  EXPECT_AGREE(cuModuleUnload);
  EXPECT_AGREE(cuModuleGetFunction);
  EXPECT_AGREE(cuFuncSetAttribute);
  EXPECT_AGREE(cuLaunchKernel);
  EXPECT_AGREE(cuLaunchCooperativeKernel);
  EXPECT_AGREE(cuOccupancyMaxActiveBlocksPerMultiprocessor);
  EXPECT_AGREE(cuGetErrorName);
  EXPECT_AGREE(cuGetErrorString);
}

TEST(CUDAHeader, DefinesTheSameNumbers) {
  EXPECT_EQ(cuda::kOutOfMemory, int(CUDA_ERROR_OUT_OF_MEMORY));
  EXPECT_EQ(cuda::kComputeMajor, int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR));
  EXPECT_EQ(cuda::kComputeMinor, int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
  EXPECT_EQ(cuda::kMultiprocessors, int(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT));
  EXPECT_EQ(cuda::kCooperativeLaunch, int(CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH));
  EXPECT_EQ(cuda::kMaxDynamicSharedBytes, int(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES));
  EXPECT_EQ(cuda::kNonBlocking, unsigned(CU_STREAM_NON_BLOCKING));
  EXPECT_EQ(cuda::kNoTiming, unsigned(CU_EVENT_DISABLE_TIMING));
  EXPECT_EQ(cuda::kRelaxedCapture, int(CU_STREAM_CAPTURE_MODE_RELAXED));
}

#endif
