//===- LibraryTest.cpp - calls of cuDNN and cuBLASLt ----------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCUDA.h"
#include "Setting.h"

#include "lib/Runtime/Error.h"
#include "lib/Runtime/GPU/Backend.h"
#include "lib/Runtime/GPU/LibraryCalls.h"

#include <cmath>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <vector>

using namespace ai::rt;
using ai::test::Setting;

namespace {
const char dnnFile[] = AI_FAKES "/cudnn.so", blasFile[] = AI_FAKES "/cublaslt.so";

// A convolution of one image and its product with a matrix.
const int64_t imageShape[] = {1, 1, 4, 4}, weightShape[] = {2, 1, 3, 3},
              resultShape[] = {1, 2, 2, 2};
const int64_t lhsShape[] = {2, 4}, rhsShape[] = {3, 4}, biasShape[] = {3}, productShape[] = {2, 3};
const ai_rt_operand_t convOperands[] = {{AI_RT_WORKSPACE, 0, 4, imageShape},
                                        {AI_RT_FIXED, 0, 4, weightShape},
                                        {AI_RT_WORKSPACE, 64, 4, resultShape}};
const ai_rt_operand_t productOperands[] = {{AI_RT_WORKSPACE, 64, 2, lhsShape},
                                           {AI_RT_FIXED, 128, 2, rhsShape},
                                           {AI_RT_FIXED, 192, 1, biasShape},
                                           {AI_RT_STAGED, 0, 2, productShape}};
const ai_rt_call_t conv = {
    AI_RT_CALL_CONV2D, AI_RT_F32, "a.mlir:1:2", 3, convOperands, {1, 1}, {0, 0}, {1, 1}, 0, 0, 0};
const ai_rt_call_t product = {
    AI_RT_CALL_MATMUL, AI_RT_F32, "a.mlir:3:4", 4, productOperands, {}, {}, {}, 0, 1, 1};
const ai_rt_kernel_t kernels[] = {{"conv", nullptr, 0, 0, 0, &conv},
                                  {"product", nullptr, 0, 0, 0, &product}};
const ai_rt_kernels_t list = {2, kernels};
const ai_rt_function_t function = {"f", nullptr, 128, 0, nullptr, 0, nullptr, &list, 64};

class Library : public testing::Test {
protected:
  Library() : dnn("AI_CUDNN", dnnFile), blas("AI_CUBLASLT", blasFile) {
    *fake_cuda() = {};
    program.num_functions = 1;
    program.functions = &function;
    for (size_t i = 0; i < 16; ++i)
      workspace[i] = float(i);
    for (size_t i = 0; i < 18; ++i)
      fixed[i] = i < 9 ? 1.0f : -1.0f;
    for (size_t i = 0; i < 12; ++i)
      fixed[32 + i] = float(i % 4 == 0) * float(i / 4 + 1);
    fixed[48] = 0.5f;
  }
  ~Library() override {
    EXPECT_EQ(live(dnnFile, "fake_cudnn_live"), 0);
    EXPECT_EQ(live(blasFile, "fake_cublaslt_live"), 0);
  }

  /// Handles and descriptors that a fake still has.
  static int live(const char *file, const char *name) {
    void *handle = dlopen(file, RTLD_NOW);
    int count = reinterpret_cast<int (*)()>(dlsym(handle, name))();
    dlclose(handle);
    return count;
  }
  std::unique_ptr<LibraryCalls> open(void *stream = nullptr) {
    return std::make_unique<LibraryCalls>(program, bytes(fixed), bytes(workspace), bytes(staged),
                                          stream);
  }
  void runAll() {
    auto calls = open();
    std::vector<char> scratch(size_t(calls->scratchBytes()));
    calls->bind(scratch.data());
    for (const ai_rt_kernel_t &kernel : kernels)
      calls->run(kernel);
  }
  std::string complaint() {
    try {
      runAll();
    } catch (const Error &error) {
      EXPECT_EQ(error.status, AI_RT_NO_DEVICE);
      return error.what();
    }
    return "";
  }
  static char *bytes(float *values) { return reinterpret_cast<char *>(values); }

  Setting dnn, blas;
  ai_rt_program_t program = {};
  alignas(256) float fixed[64] = {}, workspace[32] = {}, staged[16] = {};
};
} // namespace

TEST_F(Library, ComputesWhatTheTableSays) {
  EXPECT_TRUE(callsLibraries(program));
  runAll();
  const float sums[] = {45, 54, 81, 90}; // of 3x3 windows of 0 ... 15
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(workspace[16 + i], sums[i]);
    EXPECT_EQ(workspace[20 + i], -sums[i]);
  }
  const float expected[] = {45.5f, 90, 135, 0, 0, 0}; // relu(x[:, 0] * (1, 2, 3) + (0.5, 0, 0))
  for (size_t i = 0; i < 6; ++i)
    EXPECT_EQ(staged[i], expected[i]);
}

TEST_F(Library, AsksForTheLargestWorkspace) {
  auto calls = open();
  EXPECT_EQ(calls->scratchBytes(), 5000);
  EXPECT_EQ(calls->describe(), "cuDNN 9.19.0, 1 calls; cuBLASLt 13.1.0, 1 calls");
}

TEST_F(Library, OpensOnlyWhatIsCalled) {
  Setting missing("AI_CUDNN", "/none.so");
  const ai_rt_kernels_t products = {1, kernels + 1};
  ai_rt_function_t other = function;
  other.gpu = &products;
  program.functions = &other;
  EXPECT_EQ(open()->describe(), "cuBLASLt 13.1.0, 1 calls");
  program.num_functions = 0;
  EXPECT_FALSE(callsLibraries(program));
}

TEST_F(Library, FreesAllThatWasMadeBeforeAFailure) {
  for (const char *name :
       {"cudnnCreate", "cudnnSetStream", "cudnnBackendCreateDescriptor", "cudnnBackendSetAttribute",
        "cudnnBackendFinalize", "cudnnBackendGetAttribute", "cudnnBackendExecute"}) {
    Setting failing("FAKE_CUDNN_FAILS", name);
    EXPECT_NE(complaint().find(name), std::string::npos) << name;
    EXPECT_EQ(live(dnnFile, "fake_cudnn_live"), 0) << name;
  }
  for (const char *name : {"cublasLtCreate", "cublasLtMatmulDescCreate",
                           "cublasLtMatmulDescSetAttribute", "cublasLtMatrixLayoutCreate",
                           "cublasLtMatmulPreferenceCreate", "cublasLtMatmulPreferenceSetAttribute",
                           "cublasLtMatmulAlgoGetHeuristic", "cublasLtMatmul"}) {
    Setting failing("FAKE_CUBLASLT_FAILS", name);
    EXPECT_NE(complaint().find(name), std::string::npos) << name;
    EXPECT_EQ(live(blasFile, "fake_cublaslt_live"), 0) << name;
  }
}

TEST_F(Library, SaysWhichFilesWereLookedFor) {
  Setting noFolders("LD_LIBRARY_PATH", "");
  try {
    SharedObject object("a library", "AI_NO_SUCH_VARIABLE", {"libnone.so.2", "libnone.so.1"});
    FAIL() << "expects no such library";
  } catch (const Error &error) {
    std::string text = error.what();
    EXPECT_EQ(text.find("expects a library, but neither libnone.so.2 nor libnone.so.1 can be "
                        "opened (libnone.so.2: cannot open shared object file: No such file or "
                        "directory; libnone.so.1: cannot"),
              0u)
        << text;
    EXPECT_NE(text.find("name the file with AI_NO_SUCH_VARIABLE"), std::string::npos) << text;
  }
}

/// On the driver's stream, at once and while a graph is recorded; faults name the call.
TEST_F(Library, CallsOnTheDriversStream) {
  const int64_t noCubin = 0;
  const ai_rt_gpu_image_t image = {"sm_75", "\n.version 6.3\n",
                                   reinterpret_cast<const char *>(&noCubin)};
  program.num_images = 1;
  program.images = &image;
  auto backend = openDriver(program);
  ASSERT_NE(backend->libraryStream(), nullptr);
  auto calls = open(backend->libraryStream());
  std::vector<char> scratch(size_t(calls->scratchBytes()));
  calls->bind(scratch.data());
  int asked = 0;
  auto ask = [&] {
    ++asked;
    calls->run(kernels[0]);
  };
  backend->call(kernels[0], ask);
  backend->beginGraph();
  backend->call(kernels[0], ask);
  Graph graph = backend->endGraph();
  backend->replay(graph);
  EXPECT_EQ(asked, 2); // a graph has what the library launched
  EXPECT_EQ(workspace[16], 45);

  fake_cuda()->failing = "cuStreamSynchronize";
  try {
    char byte;
    backend->copyOut(&byte, backend->allocate(64), 1);
    FAIL() << "expects a fault";
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("in kernel conv: CUDA_ERROR_ILLEGAL_ADDRESS"),
              std::string::npos)
        << error.what();
  }
  fake_cuda()->failing = "";
}

//===----------------------------------------------------------------------===//
// NVIDIA's own library, where it is installed
//===----------------------------------------------------------------------===//

namespace {
/// An H200 as cuDNN 9 describes one.
const char h200[] =
    R"({"deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0, "deviceName": "NVIDIA H200",
        "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
        "regsPerBlock": 65536, "multiProcessorCount": 132, "smClockRateKHz": 1980000,
        "memClockRateKHz": 3201000, "l2CacheSize": 62914560, "warpSize": 32,
        "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
        "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "pciDeviceId": 0,
        "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "isTccDriver": 0,
        "supportCoopLaunch": 1, "totalGlobalMem": 150000000000})";

/// Extents of images [N,C,H,W], weight and result, padding, stride and dilation.
struct Layer {
  int64_t image[4], weight[4], result[4], padding[2], stride[2], dilation[2];
};
const Layer layers[] = {
    {{64, 1, 28, 28}, {6, 1, 5, 5}, {64, 6, 28, 28}, {2, 2}, {1, 1}, {1, 1}},
    {{64, 6, 14, 14}, {16, 6, 5, 5}, {64, 16, 10, 10}, {0, 0}, {1, 1}, {1, 1}},
    {{128, 32, 26, 26}, {64, 32, 3, 3}, {128, 64, 24, 24}, {0, 0}, {1, 1}, {1, 1}},
    {{37, 3, 29, 31}, {7, 3, 3, 3}, {37, 7, 14, 15}, {0, 0}, {2, 2}, {1, 1}},
    {{37, 3, 29, 31}, {7, 3, 3, 3}, {37, 7, 29, 31}, {2, 2}, {1, 1}, {2, 2}}};
} // namespace

/// cuDNN plans for a GPU that is described to it: it takes our descriptors, and its heuristics have
/// an engine for each of them that we allow.
TEST(RealCuDNN, PlansForAnH200) {
  std::unique_ptr<cudnn::Library> library;
  try {
    library = std::make_unique<cudnn::Library>();
  } catch (const Error &error) {
    GTEST_SKIP() << error.what();
  }
  cudnn::BackendDescriptor device = nullptr;
  if (library->cudnnBackendCreateDescriptor(cudnn::kDeviceProperties, &device) ||
      library->cudnnBackendSetAttribute(device, cudnn::kDeviceAsJSON, cudnn::kTypeChar,
                                        sizeof(h200), h200) ||
      library->cudnnBackendFinalize(device))
    GTEST_SKIP() << "cuDNN " << library->version() << " plans for no GPU but one that is there";
  for (const Layer &layer : layers)
    for (int64_t what :
         {AI_RT_CALL_CONV2D, AI_RT_CALL_CONV2D_INPUT_GRADIENT, AI_RT_CALL_CONV2D_WEIGHT_GRADIENT})
      for (int64_t type : {AI_RT_F32, AI_RT_F64}) {
        const int64_t *orders[3][3] = {{layer.image, layer.weight, layer.result},
                                       {layer.result, layer.weight, layer.image},
                                       {layer.image, layer.result, layer.weight}};
        ai_rt_operand_t operands[3];
        for (size_t i = 0; i < 3; ++i)
          operands[i] = {AI_RT_WORKSPACE, 0, 4, orders[what][i]};
        ai_rt_call_t call = {what,
                             type,
                             "",
                             3,
                             operands,
                             {layer.stride[0], layer.stride[1]},
                             {layer.padding[0], layer.padding[1]},
                             {layer.dilation[0], layer.dilation[1]},
                             0,
                             0,
                             0};
        std::vector<char *> pointers;
        for (uintptr_t at : {64, 4096, 128}) // never read
          pointers.push_back(reinterpret_cast<char *>(at));
        try {
          auto plan = planConvolution(*library, nullptr, call, pointers, device);
          EXPECT_LE(plan->workspaceBytes(), kMostWorkspaceBytes);
        } catch (const Error &error) {
          ADD_FAILURE() << "layer " << &layer - layers << ": " << error.what();
        }
      }
  library->cudnnBackendDestroyDescriptor(device);
}

/// cuBLASLt takes our descriptors, and gives up where it needs a GPU: at its heuristics.
TEST(RealCuBLASLt, TakesOurDescriptors) {
  std::unique_ptr<cublaslt::Library> library;
  try {
    library = std::make_unique<cublaslt::Library>();
  } catch (const Error &error) {
    GTEST_SKIP() << error.what();
  }
  std::vector<char *> pointers;
  for (uintptr_t at : {64, 4096, 128, 8192}) // never read
    pointers.push_back(reinterpret_cast<char *>(at));
  try {
    planProduct(*library, nullptr, nullptr, product, pointers);
    FAIL() << "expects no plan without a handle";
  } catch (const Error &error) {
    EXPECT_EQ(std::string(error.what())
                  .find("cuBLASLt failed in cublasLtMatmulAlgoGetHeuristic "
                        "for matmul of a.mlir:3:4: "),
              0u)
        << error.what();
  }
}
