//===- DriverTest.cpp - what is asked of NVIDIA's driver ------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCUDA.h"
#include "Setting.h"

#include "lib/Runtime/Error.h"
#include "lib/Runtime/GPU/Backend.h"

#include <cstring>
#include <gtest/gtest.h>
#include <thread>

using namespace ai::rt;
using ai::test::Setting;

namespace {
/// Machine code of two bytes behind its size.
struct Cubin {
  int64_t bytes;
  char code[8];
};
const Cubin cubin = {2, "90"}, noCubin = {0, ""};
const char *bytesOf(const Cubin &cubin) { return reinterpret_cast<const char *>(&cubin); }

const ai_rt_gpu_image_t images[] = {{"sm_75", "ptx 75\n.version 6.3\n", bytesOf(noCubin)},
                                    {"sm_90", "ptx 90\n.version 7.8\n", bytesOf(cubin)},
                                    {"sm_90a", "ptx 90a\n.version 8.0\n", bytesOf(noCubin)}};
std::string firstLine(const char *text) { return std::string(text, std::strcspn(text, "\n")); }

/// Arguments of which the first alone counts.
KernelArguments at(char *arena) {
  KernelArguments arguments = {};
  arguments.fixed = arena;
  return arguments;
}

class Driver : public testing::Test {
protected:
  Driver() {
    *fake_cuda() = {};
    program.num_images = 2;
    program.images = images;
  }
  ~Driver() override {
    const FakeCUDA &cuda = *fake_cuda();
    for (int left : {cuda.contexts, cuda.allocations, cuda.hostAllocations, cuda.events,
                     cuda.streams, cuda.graphs, cuda.modules})
      EXPECT_EQ(left, 0);
  }

  std::string complaint(ai_rt_status_t status = AI_RT_NO_DEVICE) {
    try {
      auto backend = openDriver(program);
      char *arena = backend->allocate(64);
      backend->launch(kernel, 3, at(arena));
      if (numKernels == 2)
        backend->launch(otherKernel, 3, at(arena));
      char byte;
      backend->copyOut(&byte, arena, 1);
    } catch (const Error &error) {
      EXPECT_EQ(error.status, status);
      return error.what();
    }
    return "";
  }

  ai_rt_program_t program = {};
  ai_rt_kernel_t kernel = {"the_kernel", nullptr, 0, 256, 100 << 10, nullptr};
  ai_rt_kernel_t otherKernel = {"other_kernel", nullptr, 0, 64, 0, nullptr};
  int numKernels = 1;
};
} // namespace

TEST_F(Driver, LaunchesKernelsWithTheirArguments) {
  auto backend = openDriver(program);
  char *arena = backend->allocate(64);
  backend->launch(kernel, 3,
                  {arena, arena + 8, arena + 16, arena + 24, arena + 32, arena + 40,
                   reinterpret_cast<int64_t *>(arena + 48), 1, 2});
  backend->launch(kernel, 3, at(arena));
  ASSERT_EQ(fake_cuda()->launches.size(), 2u);
  const FakeCUDA::Launch &launch = fake_cuda()->launches[0];
  EXPECT_EQ(launch.kernel, "the_kernel");
  EXPECT_EQ(launch.grid, 3u);
  EXPECT_EQ(launch.threads, 256u);
  EXPECT_EQ(launch.sharedBytes, 100u << 10);
  auto at = reinterpret_cast<int64_t>(arena);
  const int64_t expected[] = {at, at + 8, at + 16, at + 24, at + 32, at + 40, at + 48, 1, 2};
  EXPECT_EQ(std::memcmp(launch.arguments, expected, sizeof(expected)), 0);
  EXPECT_EQ(fake_cuda()->sharedLimit, 100 << 10); // more than any kernel may have unasked
  EXPECT_EQ(fake_cuda()->names.size(), 1u);       // a function is looked up once
}

TEST_F(Driver, LaunchesThreadBlocksTogetherAsFarAsThereIsRoom) {
  auto backend = openDriver(program);
  char *arena = backend->allocate(64);
  EXPECT_EQ(backend->countResident(kernel), 2 * 132);
  EXPECT_EQ(fake_cuda()->sharedLimit, 100 << 10); // before it is asked how many fit
  backend->launchTogether(kernel, 7, at(arena));
  ASSERT_EQ(fake_cuda()->launches.size(), 1u);
  EXPECT_TRUE(fake_cuda()->launches[0].together);
  EXPECT_EQ(fake_cuda()->launches[0].grid, 7u);
  EXPECT_EQ(fake_cuda()->launches[0].threads, 256u);
  EXPECT_EQ(fake_cuda()->launches[0].sharedBytes, 100u << 10);
  EXPECT_EQ(fake_cuda()->launches[0].arguments[0], reinterpret_cast<int64_t>(arena));
  fake_cuda()->together = 0;
  try {
    backend->countResident(kernel);
    FAIL();
  } catch (const Error &error) {
    EXPECT_EQ(error.status, AI_RT_NO_DEVICE);
    EXPECT_STREQ(
        error.what(),
        "expects a GPU whose thread blocks can wait for each other (cooperative launches), "
        "got Fake GPU, compute capability 9.0, 132 multiprocessors; compile the model with "
        "--gpu-schedule=graph; AI_GPU=emulate runs the kernels on this processor, slowly");
  }
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
  EXPECT_EQ(firstLine(fake_cuda()->image), "ptx 90");
  fake_cuda()->major = 8;
  EXPECT_EQ(openDriver(program)->describe(),
            "Fake GPU, compute capability 8.0, 132 multiprocessors, driver for CUDA 13.0, kernels "
            "for sm_75 (PTX 6.3)");
  EXPECT_EQ(firstLine(fake_cuda()->image), "ptx 75");
  fake_cuda()->numDevices = 2;
  EXPECT_EQ(
      openDriver(program)->describe(),
      "Fake GPU, compute capability 8.0, 132 multiprocessors, driver for CUDA 13.0, kernels "
      "for sm_75 (PTX 6.3); not used: Fake GPU 1, compute capability 8.0, 132 multiprocessors");
  program.num_images = 3;
  fake_cuda()->major = 9;
  openDriver(program);
  EXPECT_EQ(firstLine(fake_cuda()->image), "ptx 90a");
  fake_cuda()->major = 10; // code for sm_90a runs on nothing else
  openDriver(program);
  EXPECT_EQ(firstLine(fake_cuda()->image), "ptx 90");
}

TEST_F(Driver, TakesAnOlderImageWhereTheDriverIsTooOldForTheNewest) {
  fake_cuda()->major = 12;
  fake_cuda()->refused = {{"ptx 90", 222}};
  openDriver(program);
  EXPECT_EQ(firstLine(fake_cuda()->image), "ptx 75");
  fake_cuda()->refused["ptx 75"] = 222;
  std::string text = ": CUDA_ERROR_UNSUPPORTED_PTX_VERSION 222: a newer toolchain";
  EXPECT_EQ(complaint(), "expects a driver that can load the program's kernels, got one for CUDA "
                         "13.0 (sm_90 (PTX 7.8)" +
                             text + "; sm_75 (PTX 6.3)" + text +
                             "); install a newer driver; AI_GPU=emulate runs the kernels on this "
                             "processor, slowly");
}

TEST_F(Driver, LaunchesGraphsAtOnce) {
  auto backend = openDriver(program);
  char *arena = backend->allocate(64);
  backend->launch(kernel, 1, at(arena)); // as everybody does before
  backend->launch(otherKernel, 1, at(arena));
  backend->beginGraph();
  backend->launch(kernel, 2, at(arena));
  backend->clear(arena, 8);
  backend->launch(otherKernel, 3, at(arena));
  Graph graph = backend->endGraph();
  EXPECT_EQ(fake_cuda()->launches.size(), 2u);
  backend->replay(graph);
  backend->replay(graph);
  ASSERT_EQ(fake_cuda()->launches.size(), 6u);
  EXPECT_EQ(fake_cuda()->launches[4].kernel, "the_kernel");
  EXPECT_EQ(fake_cuda()->launches[5].grid, 3u);
  backend->beginGraph();
  backend->launch(kernel, 2, at(arena));
  Graph other = backend->endGraph();
  backend->releaseGraph(graph);
  backend->replay(other);
  EXPECT_EQ(fake_cuda()->launches.size(), 7u);
}

TEST_F(Driver, StreamsMeetAtEvents) {
  auto backend = openDriver(program);
  char *arena = backend->allocate(64), *host = backend->allocateHost(64);
  fake_cuda()->calls.clear();
  Event event = backend->makeEvent();
  backend->copyIn(arena, host, 64, Stream::Copies);
  backend->mark(event, Stream::Copies);
  backend->follow(Stream::Kernels, event);
  backend->await(event);
  EXPECT_EQ(fake_cuda()->calls,
            (std::vector<std::string>{"copyIn 1", "mark 1 e0", "wait 0 e0", "await e0"}));
  backend->releaseHost(host);
  EXPECT_EQ(fake_cuda()->hostAllocations, 0);
}

TEST_F(Driver, IsUsedByAnyThread) {
  auto backend = openDriver(program);
  char *arena = backend->allocate(64);
  std::thread([&] {
    backend->clear(arena, 64);
  }).join(); // the fake ends a thread without a context
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
  fake_cuda()->memory = 60;
  EXPECT_EQ(complaint(AI_RT_NO_MEMORY),
            "expects 64 bytes of the GPU's memory, which has 60 of 60 free");
  fake_cuda()->memory = 1 << 20;
  Setting setting("AI_GPU_CHECK", "race");
  EXPECT_EQ(complaint(AI_RT_INVALID), "expects AI_GPU_CHECK to be launch on a GPU, got 'race'; "
                                      "AI_GPU=emulate looks for races");
}

TEST_F(Driver, NamesTheKernelThatFailed) {
  std::string text = ": CUDA_ERROR_ILLEGAL_ADDRESS 700: an illegal access";
  fake_cuda()->failing = "cuStreamSynchronize";
  EXPECT_EQ(complaint(), "the GPU failed while running in kernel the_kernel" + text);
  numKernels = 2;
  EXPECT_EQ(complaint(), "the GPU failed while running in one of the kernels the_kernel, "
                         "other_kernel (AI_GPU_CHECK=launch waits for each and says in which)" +
                             text);
  Setting setting("AI_GPU_CHECK", "launch");
  EXPECT_EQ(complaint(), "the GPU failed while running in kernel the_kernel" + text);
}
