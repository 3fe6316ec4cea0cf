//===- Driver.cpp - kernels on an NVIDIA GPU -----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Everything that is used of NVIDIA's driver API ("CUDA Driver API" reference manual), declared
// here: neither its headers nor its libraries are needed to build.

#include "Backend.h"

#include "lib/Runtime/Error.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <vector>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// The driver's interface
//===----------------------------------------------------------------------===//

namespace {
using Result = int; // CUresult; 0 is success
using DeviceNumber = int;
using Address = unsigned long long; // CUdeviceptr
using Context = struct ContextTag *;
using Stream = struct StreamTag *;
using Module = struct ModuleTag *;
using Function = struct FunctionTag *;

constexpr Result kOutOfMemory = 2; // CUDA_ERROR_OUT_OF_MEMORY
// Attributes of devices and functions.
constexpr int kComputeMajor = 75, kComputeMinor = 76, kMultiprocessors = 16;
constexpr int kMaxDynamicSharedBytes = 8;
/// More than this of shared memory has to be asked for.
constexpr int64_t kPlainSharedBytes = 48 << 10;

/// The functions of libcuda.so.1 by the names that it exports.
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
  Result (*cuMemGetInfo_v2)(size_t *free, size_t *total);
  Result (*cuMemAlloc_v2)(Address *memory, size_t bytes);
  Result (*cuMemFree_v2)(Address memory);
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
  Result (*cuGetErrorName)(Result result, const char **name);
  Result (*cuGetErrorString)(Result result, const char **text);

private:
  template <typename Fn> void find(Fn *&function, const char *name);
  void *handle;
};

template <typename... Parts> [[noreturn]] void throwNoDevice(const Parts &...parts) {
  throw Error(AI_RT_NO_DEVICE,
              concat(parts..., "; AI_GPU=emulate runs the kernels on this processor, "
                               "slowly"));
}
} // namespace

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
  FIND(cuMemGetInfo_v2);
  FIND(cuMemAlloc_v2);
  FIND(cuMemFree_v2);
  FIND(cuMemcpyHtoDAsync_v2);
  FIND(cuMemcpyDtoHAsync_v2);
  FIND(cuMemsetD8Async);
  FIND(cuModuleLoadData);
  FIND(cuModuleUnload);
  FIND(cuModuleGetFunction);
  FIND(cuFuncSetAttribute);
  FIND(cuLaunchKernel);
  FIND(cuGetErrorName);
  FIND(cuGetErrorString);
#undef FIND
}

//===----------------------------------------------------------------------===//
// The back end
//===----------------------------------------------------------------------===//

namespace {
/// The first GPU, one stream, one allocation.
class Driver : public Backend {
public:
  explicit Driver(const ai_rt_program_t &program);
  ~Driver() override { release(); }

  char *allocate(int64_t bytes) override;
  void copyIn(char *to, const void *from, int64_t bytes) override;
  void copyOut(void *to, const char *from, int64_t bytes) override;
  void clear(char *at, int64_t bytes) override;
  void launch(const ai_rt_kernel_t &kernel, int64_t blocks,
              const KernelArguments &arguments) override;
  std::string describe() const override;

private:
  void check(Result result, const char *what);
  std::string textOf(Result result);
  void open(const ai_rt_program_t &program);
  void release();
  void load(const ai_rt_program_t &program);
  Function find(const ai_rt_kernel_t &kernel);
  static Address addressOf(const char *pointer) { return reinterpret_cast<Address>(pointer); }

  Library library;
  DeviceNumber device = 0;
  int major = 0, minor = 0;
  Context context = nullptr;
  Stream stream = nullptr;
  Module module = nullptr;
  std::string image;
  Address arena = 0;
  std::map<const ai_rt_kernel_t *, Function> functions;
  const char *lastKernel = nullptr; ///< Faults show at a later call.
};
} // namespace

std::string Driver::textOf(Result result) {
  const char *name = nullptr, *text = nullptr;
  library.cuGetErrorName(result, &name);
  library.cuGetErrorString(result, &text);
  return concat(name ? name : "error", " ", result, text ? ": " : "", text ? text : "");
}

void Driver::check(Result result, const char *what) {
  if (result == 0)
    return;
  std::string kernel = lastKernel ? concat(" (the last kernel was ", lastKernel, ")") : "";
  throw Error(AI_RT_NO_DEVICE, concat("the GPU failed while ", what, kernel, ": ", textOf(result)));
}

Driver::Driver(const ai_rt_program_t &program) {
  try {
    open(program);
  } catch (...) {
    release();
    throw;
  }
}

void Driver::open(const ai_rt_program_t &program) {
  Result result = library.cuInit(0);
  int count = 0;
  if (result == 0)
    result = library.cuDeviceGetCount(&count);
  if (result != 0)
    throwNoDevice("expects NVIDIA's driver to start, got ", textOf(result));
  if (count == 0)
    throwNoDevice("expects an NVIDIA GPU, but the driver finds none");
  check(library.cuDeviceGet(&device, 0), "looking for it");
  check(library.cuDeviceGetAttribute(&major, kComputeMajor, device), "asking for its architecture");
  check(library.cuDeviceGetAttribute(&minor, kComputeMinor, device), "asking for its architecture");
  check(library.cuDevicePrimaryCtxRetain(&context, device), "making a context");
  check(library.cuCtxSetCurrent(context), "making a context");
  check(library.cuStreamCreate(&stream, /*CU_STREAM_NON_BLOCKING=*/1), "making a stream");
  load(program);
}

void Driver::release() {
  if (stream)
    library.cuStreamSynchronize(stream);
  if (arena)
    library.cuMemFree_v2(arena);
  if (module)
    library.cuModuleUnload(module);
  if (stream)
    library.cuStreamDestroy_v2(stream);
  if (context)
    library.cuDevicePrimaryCtxRelease_v2(device);
}

namespace {
/// "sm_90a" is for compute capability 9.0, and for nothing else.
struct Arch {
  explicit Arch(const char *name) {
    char *end = nullptr;
    long number = std::strtol(name + 3, &end, 10);
    major = int(number / 10);
    minor = int(number % 10);
    isExact = *end != 0;
  }
  bool runsAsPTX(int deviceMajor, int deviceMinor) const {
    bool isSame = major == deviceMajor && minor == deviceMinor;
    bool isOlder = major < deviceMajor || (major == deviceMajor && minor <= deviceMinor);
    return isExact ? isSame : isOlder;
  }
  bool runsAsCubin(int deviceMajor, int deviceMinor) const {
    return major == deviceMajor && runsAsPTX(deviceMajor, deviceMinor);
  }

  int major, minor;
  bool isExact;
};
} // namespace

/// The newest image that the GPU can run; a cubin needs no compilation.
void Driver::load(const ai_rt_program_t &program) {
  const ai_rt_gpu_image_t *best = nullptr;
  std::string names;
  for (int64_t i = 0; i < program.num_images; ++i) {
    const ai_rt_gpu_image_t &candidate = program.images[i];
    names += concat(i ? ", " : "", candidate.arch);
    Arch arch(candidate.arch);
    if (!arch.runsAsPTX(major, minor))
      continue;
    Arch known(best ? best->arch : "sm_00");
    if (std::make_tuple(known.major, known.minor, known.isExact) <=
        std::make_tuple(arch.major, arch.minor, arch.isExact))
      best = &candidate;
  }
  if (!best)
    throwNoDevice("expects a GPU that can run code for ", names, ", got one of compute capability ",
                  major, ".", minor, "; compile the model for another --arch");
  int64_t bytes;
  std::memcpy(&bytes, best->cubin, sizeof(bytes));
  bool isCubin = bytes > 0 && Arch(best->arch).runsAsCubin(major, minor);
  image = concat(best->arch, isCubin ? " (machine code)" : " (PTX)");
  Result result =
      library.cuModuleLoadData(&module, isCubin ? best->cubin + sizeof(bytes) : best->ptx);
  if (result != 0) {
    int version = 0;
    library.cuDriverGetVersion(&version);
    throwNoDevice("expects a driver that can load the program's kernels for ", image,
                  "; this one, for CUDA ", version / 1000, ".", version % 1000 / 10, ", says ",
                  textOf(result));
  }
}

std::string Driver::describe() const {
  char name[256] = "";
  int version = 0, multiprocessors = 0;
  library.cuDeviceGetName(name, sizeof(name), device);
  library.cuDriverGetVersion(&version);
  library.cuDeviceGetAttribute(&multiprocessors, kMultiprocessors, device);
  return concat(name, ", compute capability ", major, ".", minor, ", ", multiprocessors,
                " multiprocessors, driver for CUDA ", version / 1000, ".", version % 1000 / 10,
                ", kernels for ", image);
}

char *Driver::allocate(int64_t bytes) {
  Result result = library.cuMemAlloc_v2(&arena, bytes);
  if (result == kOutOfMemory) {
    size_t free = 0, total = 0;
    library.cuMemGetInfo_v2(&free, &total);
    throw Error(AI_RT_NO_MEMORY, concat("expects ", bytes, " bytes of the GPU's memory, which has ",
                                        free, " of ", total, " free"));
  }
  check(result, "allocating memory");
  return reinterpret_cast<char *>(arena);
}

void Driver::copyIn(char *to, const void *from, int64_t bytes) {
  check(library.cuMemcpyHtoDAsync_v2(addressOf(to), from, bytes, stream), "copying to it");
}

void Driver::copyOut(void *to, const char *from, int64_t bytes) {
  check(library.cuMemcpyDtoHAsync_v2(to, addressOf(from), bytes, stream), "copying from it");
  check(library.cuStreamSynchronize(stream), "running kernels");
}

void Driver::clear(char *at, int64_t bytes) {
  check(library.cuMemsetD8Async(addressOf(at), 0, bytes, stream), "clearing memory");
}

Function Driver::find(const ai_rt_kernel_t &kernel) {
  Function &function = functions[&kernel];
  if (function)
    return function;
  check(library.cuModuleGetFunction(&function, module, kernel.name), "looking for a kernel");
  if (kernel.shared_bytes > kPlainSharedBytes)
    check(library.cuFuncSetAttribute(function, kMaxDynamicSharedBytes, int(kernel.shared_bytes)),
          "asking for shared memory");
  return function;
}

void Driver::launch(const ai_rt_kernel_t &kernel, int64_t blocks,
                    const KernelArguments &arguments) {
  lastKernel = kernel.name;
  KernelArguments a = arguments;
  void *pointers[] = {&a.fixed, &a.workspace, &a.staged, &a.first,
                      &a.count, &a.step,      &a.epoch,  &a.seed};
  check(library.cuLaunchKernel(find(kernel), unsigned(blocks), 1, 1, unsigned(kernel.threads), 1, 1,
                               unsigned(kernel.shared_bytes), stream, pointers, nullptr),
        "launching a kernel");
}

std::unique_ptr<Backend> ai::rt::openDriver(const ai_rt_program_t &program) {
  return std::make_unique<Driver>(program);
}
