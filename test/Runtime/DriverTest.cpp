//===- DriverTest.cpp - what is asked of NVIDIA's driver ------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCUDA.h"

#include "lib/Runtime/Error.h"
#include "lib/Runtime/GPU/Backend.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace ai::rt;

namespace {
/// Machine code of two bytes behind its size.
struct Cubin {
  int64_t bytes;
  char code[8];
};
const Cubin cubin = {2, "90"}, noCubin = {0, ""};
const char *bytesOf(const Cubin &cubin) { return reinterpret_cast<const char *>(&cubin); }

const ai_rt_gpu_image_t images[] = {{"sm_75", "ptx 75", bytesOf(noCubin)},
                                    {"sm_90", "ptx 90", bytesOf(cubin)},
                                    {"sm_90a", "ptx 90a", bytesOf(noCubin)}};

class Driver : public testing::Test {
protected:
  Driver() {
    *fake_cuda() = {};
    program.num_images = 2;
    program.images = images;
  }
  ~Driver() override {
    EXPECT_EQ(fake_cuda()->contexts, 0);
    EXPECT_EQ(fake_cuda()->allocations, 0);
  }

  std::string complaint(ai_rt_status_t status = AI_RT_NO_DEVICE) {
    try {
      auto backend = openDriver(program);
      char *arena = backend->allocate(64);
      backend->launch(kernel, 3, {arena, arena, arena, 0, 0, 0, 0, 0});
      char byte;
      backend->copyOut(&byte, arena, 1);
    } catch (const Error &error) {
      EXPECT_EQ(error.status, status);
      return error.what();
    }
    return "";
  }

  ai_rt_program_t program = {};
  ai_rt_kernel_t kernel = {"the_kernel", nullptr, 0, 256, 100 << 10};
};
} // namespace

TEST_F(Driver, LaunchesKernelsWithTheirArguments) {
  auto backend = openDriver(program);
  char *arena = backend->allocate(64);
  backend->launch(kernel, 3, {arena, arena + 8, arena + 16, 1, 2, 3, 4, 5});
  backend->launch(kernel, 3, {arena, arena, arena, 0, 0, 0, 0, 0});
  ASSERT_EQ(fake_cuda()->launches.size(), 2u);
  const FakeCUDA::Launch &launch = fake_cuda()->launches[0];
  EXPECT_EQ(launch.kernel, "the_kernel");
  EXPECT_EQ(launch.grid, 3u);
  EXPECT_EQ(launch.threads, 256u);
  EXPECT_EQ(launch.sharedBytes, 100u << 10);
  auto at = reinterpret_cast<int64_t>(arena);
  const int64_t expected[] = {at, at + 8, at + 16, 1, 2, 3, 4, 5};
  EXPECT_EQ(std::memcmp(launch.arguments, expected, sizeof(expected)), 0);
  EXPECT_EQ(fake_cuda()->sharedLimit, 100 << 10); // more than any kernel may have unasked
  EXPECT_EQ(fake_cuda()->names.size(), 1u);       // a function is looked up once
}

TEST_F(Driver, CopiesAndClears) {
  auto backend = openDriver(program);
  char *arena = backend->allocate(64);
  const char text[] = "text";
  char back[5] = "";
  backend->copyIn(arena + 10, text, 5);
  backend->clear(arena + 11, 2);
  backend->copyOut(back, arena + 10, 5);
  EXPECT_EQ(std::memcmp(back, "t\0\0t", 5), 0);
}

TEST_F(Driver, LoadsTheNewestImageThatTheGPURuns) {
  openDriver(program);
  EXPECT_EQ(std::string(fake_cuda()->image, 2), "90"); // machine code
  fake_cuda()->major = 12;                             // of another generation: PTX
  openDriver(program);
  EXPECT_STREQ(fake_cuda()->image, "ptx 90");
  fake_cuda()->major = 8;
  EXPECT_EQ(openDriver(program)->describe(),
            "Fake GPU, compute capability 8.0, 132 multiprocessors, driver for CUDA 13.0, kernels "
            "for sm_75 (PTX)");
  EXPECT_STREQ(fake_cuda()->image, "ptx 75");
  program.num_images = 3;
  fake_cuda()->major = 9;
  openDriver(program);
  EXPECT_STREQ(fake_cuda()->image, "ptx 90a");
  fake_cuda()->major = 10; // code for sm_90a runs on nothing else
  openDriver(program);
  EXPECT_STREQ(fake_cuda()->image, "ptx 90");
}

TEST_F(Driver, SaysWhatIsMissing) {
  std::string emulate = "; AI_GPU=emulate runs the kernels on this processor, slowly";
  fake_cuda()->major = 7;
  EXPECT_EQ(complaint(), "expects a GPU that can run code for sm_75, sm_90, got one of compute "
                         "capability 7.0; compile the model for another --arch" +
                             emulate);
  fake_cuda()->major = 9;
  fake_cuda()->numDevices = 0;
  EXPECT_EQ(complaint(), "expects an NVIDIA GPU, but the driver finds none" + emulate);
  fake_cuda()->numDevices = 1;
  fake_cuda()->failing = "cuInit";
  EXPECT_EQ(complaint(), "expects NVIDIA's driver to start, got CUDA_ERROR_ILLEGAL_ADDRESS 700: an "
                         "illegal access" +
                             emulate);
  fake_cuda()->failing = "";
  fake_cuda()->isFull = true;
  EXPECT_EQ(complaint(AI_RT_NO_MEMORY),
            "expects 64 bytes of the GPU's memory, which has 1000 of 2000 free");
}

TEST_F(Driver, NamesTheKernelThatFailed) {
  fake_cuda()->failing = "cuStreamSynchronize";
  EXPECT_EQ(complaint(), "the GPU failed while running kernels (the last kernel was the_kernel): "
                         "CUDA_ERROR_ILLEGAL_ADDRESS 700: an illegal access");
  fake_cuda()->failing = "cuModuleLoadData";
  EXPECT_EQ(complaint(),
            "expects a driver that can load the program's kernels for sm_90 (machine "
            "code); this one, for CUDA 13.0, says CUDA_ERROR_ILLEGAL_ADDRESS 700: an "
            "illegal access; AI_GPU=emulate runs the kernels on this processor, slowly");
}
