//===- Driver.cpp - kernels on an NVIDIA GPU -----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CUDA.h"
#include "Device.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <tuple>
#include <vector>

using namespace ai::rt;
using namespace ai::rt::cuda;

/// More than this of shared memory has to be asked for.
static constexpr int64_t kPlainSharedBytes = 48 << 10;

namespace {
/// The first GPU, and two streams of it.
class Driver : public Backend {
public:
  explicit Driver(const ai_rt_program_t &program);
  ~Driver() override { close(); }

  char *allocate(int64_t bytes) override;
  void release(char *memory) override;
  char *allocateHost(int64_t bytes) override;
  void releaseHost(char *memory) override;
  void copyIn(char *to, const void *from, int64_t bytes, ai::rt::Stream stream) override;
  void copyOut(void *to, const char *from, int64_t bytes) override;
  void clear(char *at, int64_t bytes) override;
  void launch(const ai_rt_kernel_t &kernel, int64_t blocks,
              const KernelArguments &arguments) override;
  void call(const ai_rt_kernel_t &kernel, const std::function<void()> &ask) override;
  void *libraryStream() override {
    driver();
    return streamOf(ai::rt::Stream::Kernels);
  }
  int64_t countResident(const ai_rt_kernel_t &kernel) override;
  void launchTogether(const ai_rt_kernel_t &kernel, int64_t blocks,
                      const KernelArguments &arguments) override;
  void beginGraph() override;
  ai::rt::Graph endGraph() override;
  void replay(ai::rt::Graph graph) override;
  void releaseGraph(ai::rt::Graph graph) override;
  bool hasGraphs() const override { return !checksLaunches; }
  ai::rt::Event makeEvent() override;
  void mark(ai::rt::Event event, ai::rt::Stream stream) override;
  void follow(ai::rt::Stream stream, ai::rt::Event event) override;
  void await(ai::rt::Event event) override;
  std::string describe() const override;

private:
  using Kernels = std::vector<const char *>;
  /// A graph and the names of its kernels.
  struct Recorded {
    GraphExec exec;
    Kernels kernels;
  };

  void check(Result result, const char *what);
  void open(const ai_rt_program_t &program);
  void close();
  void load(const ai_rt_program_t &program);
  Function find(const ai_rt_kernel_t &kernel);
  int attribute(int which);
  void endLaunch();
  std::string describeDriver() const;
  std::string describeDevice(DeviceNumber number) const;
  /// A thread that asks the driver for something needs the context.
  Library &driver() {
    library.cuCtxSetCurrent(context);
    return library;
  }
  cuda::Stream &streamOf(ai::rt::Stream stream) { return streams[size_t(stream)]; }
  static Address addressOf(const char *pointer) { return reinterpret_cast<Address>(pointer); }

  Library library;
  bool checksLaunches;
  DeviceNumber device = 0;
  int major = 0, minor = 0;
  Context context = nullptr;
  cuda::Stream streams[2] = {};
  Module module = nullptr;
  std::string image;
  std::vector<char *> memories, hostMemories;
  std::vector<cuda::Event> events;
  std::map<ai::rt::Graph, Recorded> graphs;
  ai::rt::Graph nextGraph = 0;
  bool isRecording = false;
  std::map<const ai_rt_kernel_t *, Function> functions;
  Kernels unfinished; ///< Launched since anybody waited: faults show at a later call.
  Kernels recorded;
};
} // namespace

static bool readCheck() {
  const char *text = std::getenv("AI_GPU_CHECK");
  if (!text || !*text)
    return false;
  if (std::strcmp(text, "launch") == 0)
    return true;
  throwInvalid("expects AI_GPU_CHECK to be launch on a GPU, got '", text,
               "'; AI_GPU=emulate looks for races");
}

static void addOnce(std::vector<const char *> &names, const char *name) {
  if (std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(name);
}

/// Nothing that was computed before is worth anything after an error.
void Driver::check(Result result, const char *what) {
  if (result == 0)
    return;
  std::string names;
  for (const char *name : unfinished)
    names += (names.empty() ? "" : ", ") + std::string(name);
  if (unfinished.size() == 1)
    names = " in kernel " + names;
  else if (!names.empty())
    names = concat(" in one of the kernels ", names,
                   " (AI_GPU_CHECK=launch waits for each and says in which)");
  throw Error(AI_RT_NO_DEVICE,
              concat("the GPU failed while ", what, names, ": ", library.textOf(result)));
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

Driver::Driver(const ai_rt_program_t &program) : checksLaunches(readCheck()) {
  try {
    open(program);
  } catch (...) {
    close();
    throw;
  }
}

void Driver::open(const ai_rt_program_t &program) {
  Result result = library.cuInit(0);
  int count = 0;
  if (result == 0)
    result = library.cuDeviceGetCount(&count);
  if (result != 0)
    throwNoDevice("expects NVIDIA's driver to start, got ", library.textOf(result));
  if (count == 0)
    throwNoDevice("expects an NVIDIA GPU, but the driver finds none");
  check(library.cuDeviceGet(&device, 0), "looking for it");
  check(library.cuDeviceGetAttribute(&major, kComputeMajor, device), "asking for its architecture");
  check(library.cuDeviceGetAttribute(&minor, kComputeMinor, device), "asking for its architecture");
  check(library.cuDevicePrimaryCtxRetain(&context, device), "starting");
  check(library.cuCtxSetCurrent(context), "starting");
  for (cuda::Stream &stream : streams)
    check(library.cuStreamCreate(&stream, kNonBlocking), "making a stream");
  load(program);
}

/// Whatever fails now has been said before, or is of no interest any more.
void Driver::close() {
  if (!context)
    return;
  driver();
  for (cuda::Stream stream : streams)
    if (stream)
      library.cuStreamSynchronize(stream);
  for (auto &[graph, recorded] : graphs)
    library.cuGraphExecDestroy(recorded.exec);
  for (cuda::Event event : events)
    library.cuEventDestroy_v2(event);
  for (char *memory : memories)
    library.cuMemFree_v2(addressOf(memory));
  for (char *memory : hostMemories)
    library.cuMemFreeHost(memory);
  if (module)
    library.cuModuleUnload(module);
  for (cuda::Stream stream : streams)
    if (stream)
      library.cuStreamDestroy_v2(stream);
  library.cuDevicePrimaryCtxRelease_v2(device);
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

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
  bool operator<(const Arch &other) const {
    return std::tie(major, minor, isExact) < std::tie(other.major, other.minor, other.isExact);
  }

  int major, minor;
  bool isExact;
};
} // namespace

/// Takes the newest image that the GPU runs and the driver knows; a cubin needs no compilation.
void Driver::load(const ai_rt_program_t &program) {
  std::vector<const ai_rt_gpu_image_t *> candidates;
  std::string names, reasons;
  for (int64_t i = 0; i < program.num_images; ++i) {
    names += concat(i ? ", " : "", program.images[i].arch);
    if (Arch(program.images[i].arch).runsAsPTX(major, minor))
      candidates.push_back(&program.images[i]);
  }
  if (candidates.empty())
    throwNoDevice("expects a GPU that can run code for ", names, ", got one of compute capability ",
                  major, ".", minor, "; compile the model for another --arch");
  std::sort(candidates.begin(), candidates.end(),
            [](auto *lhs, auto *rhs) { return Arch(rhs->arch) < Arch(lhs->arch); });
  auto loads = [&](const ai_rt_gpu_image_t &from, const char *bytes, const std::string &kind) {
    image = concat(from.arch, " (", kind, ")");
    Result result = library.cuModuleLoadData(&module, bytes);
    if (result != 0)
      reasons += concat(reasons.empty() ? "" : "; ", image, ": ", library.textOf(result));
    return result == 0;
  };
  for (const ai_rt_gpu_image_t *each : candidates) {
    bool isCubin = cubinBytes(*each) > 0 && Arch(each->arch).runsAsCubin(major, minor);
    if (isCubin && loads(*each, each->cubin + sizeof(int64_t), "machine code"))
      return;
    if (loads(*each, each->ptx, concat("PTX ", ptxVersion(*each))))
      return;
  }
  throwNoDevice("expects a driver that can load the program's kernels, got one for CUDA ",
                describeDriver(), " (", reasons, "); install a newer driver");
}

std::string Driver::describeDriver() const {
  int version = 0;
  library.cuDriverGetVersion(&version);
  return concat(version / 1000, ".", version % 1000 / 10);
}

std::string Driver::describe() const {
  int count = 0;
  library.cuDeviceGetCount(&count);
  std::string others;
  for (int i = 0; i < count; ++i) {
    DeviceNumber number = 0;
    library.cuDeviceGet(&number, i);
    if (number != device)
      others += concat("; not used: ", describeDevice(number));
  }
  return concat(describeDevice(device), ", driver for CUDA ", describeDriver(), ", kernels for ",
                image, others);
}

std::string Driver::describeDevice(DeviceNumber number) const {
  char name[256] = "";
  int own[3] = {};
  library.cuDeviceGetName(name, sizeof(name), number);
  const int attributes[] = {kComputeMajor, kComputeMinor, kMultiprocessors};
  for (int i = 0; i < 3; ++i)
    library.cuDeviceGetAttribute(&own[i], attributes[i], number);
  return concat(name, ", compute capability ", own[0], ".", own[1], ", ", own[2],
                " multiprocessors");
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

char *Driver::allocate(int64_t bytes) {
  Address memory = 0;
  Result result = driver().cuMemAlloc_v2(&memory, size_t(bytes));
  if (result == kOutOfMemory) {
    size_t free = 0, total = 0;
    library.cuMemGetInfo_v2(&free, &total);
    throw Error(AI_RT_NO_MEMORY, concat("expects ", bytes, " bytes of the GPU's memory, which has ",
                                        free, " of ", total, " free"));
  }
  check(result, "allocating memory");
  memories.push_back(reinterpret_cast<char *>(memory));
  return memories.back();
}

void Driver::release(char *memory) {
  memories.erase(std::find(memories.begin(), memories.end(), memory));
  check(driver().cuMemFree_v2(addressOf(memory)), "freeing memory");
}

char *Driver::allocateHost(int64_t bytes) {
  void *memory = nullptr;
  Result result = driver().cuMemAllocHost_v2(&memory, size_t(bytes));
  if (result == kOutOfMemory)
    throw Error(AI_RT_NO_MEMORY, concat("expects ", bytes, " bytes of pinned memory of the host"));
  check(result, "allocating memory of the host");
  hostMemories.push_back(static_cast<char *>(memory));
  return hostMemories.back();
}

void Driver::releaseHost(char *memory) {
  hostMemories.erase(std::find(hostMemories.begin(), hostMemories.end(), memory));
  check(driver().cuMemFreeHost(memory), "freeing memory of the host");
}

void Driver::copyIn(char *to, const void *from, int64_t bytes, ai::rt::Stream stream) {
  check(driver().cuMemcpyHtoDAsync_v2(addressOf(to), from, size_t(bytes), streamOf(stream)),
        "copying to it");
}

void Driver::copyOut(void *to, const char *from, int64_t bytes) {
  cuda::Stream stream = streamOf(ai::rt::Stream::Kernels);
  check(driver().cuMemcpyDtoHAsync_v2(to, addressOf(from), size_t(bytes), stream),
        "copying from it");
  check(library.cuStreamSynchronize(stream), "running");
  unfinished.clear();
}

void Driver::clear(char *at, int64_t bytes) {
  check(
      driver().cuMemsetD8Async(addressOf(at), 0, size_t(bytes), streamOf(ai::rt::Stream::Kernels)),
      "clearing memory");
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

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

namespace {
/// What the driver takes of arguments: their addresses.
struct ArgumentList {
  explicit ArgumentList(const KernelArguments &arguments) : a(arguments) {}

  KernelArguments a;
  void *pointers[9] = {&a.fixed,   &a.workspace, &a.staged, &a.inputs, &a.targets,
                       &a.metrics, &a.batch,     &a.first,  &a.count};
};
} // namespace

void Driver::launch(const ai_rt_kernel_t &kernel, int64_t blocks,
                    const KernelArguments &arguments) {
  addOnce(isRecording ? recorded : unfinished, kernel.name);
  ArgumentList list(arguments);
  check(driver().cuLaunchKernel(find(kernel), unsigned(blocks), 1, 1, unsigned(kernel.threads), 1,
                                1, unsigned(kernel.shared_bytes), streamOf(ai::rt::Stream::Kernels),
                                list.pointers, nullptr),
        "launching");
  endLaunch();
}

void Driver::call(const ai_rt_kernel_t &kernel, const std::function<void()> &ask) {
  addOnce(isRecording ? recorded : unfinished, kernel.name);
  driver();
  ask();
  endLaunch();
}

/// Waits if every launch is to be looked at.
void Driver::endLaunch() {
  if (!checksLaunches)
    return;
  check(library.cuStreamSynchronize(streamOf(ai::rt::Stream::Kernels)), "running");
  unfinished.clear();
}

int Driver::attribute(int which) {
  int value = 0;
  check(driver().cuDeviceGetAttribute(&value, which, device), "asking what it can do");
  return value;
}

int64_t Driver::countResident(const ai_rt_kernel_t &kernel) {
  int each = 0;
  if (attribute(kCooperativeLaunch))
    check(library.cuOccupancyMaxActiveBlocksPerMultiprocessor(
              &each, find(kernel), int(kernel.threads), size_t(kernel.shared_bytes)),
          "asking how many thread blocks it has room for");
  if (each == 0)
    throwNoDevice("expects a GPU whose thread blocks can wait for each other (cooperative "
                  "launches), got ",
                  describeDevice(device), "; compile the model with --gpu-schedule=graph");
  return int64_t(each) * attribute(kMultiprocessors);
}

void Driver::launchTogether(const ai_rt_kernel_t &kernel, int64_t blocks,
                            const KernelArguments &arguments) {
  addOnce(unfinished, kernel.name);
  ArgumentList list(arguments);
  check(driver().cuLaunchCooperativeKernel(
            find(kernel), unsigned(blocks), 1, 1, unsigned(kernel.threads), 1, 1,
            unsigned(kernel.shared_bytes), streamOf(ai::rt::Stream::Kernels), list.pointers),
        "launching");
  endLaunch();
}

//===----------------------------------------------------------------------===//
// Graphs and events
//===----------------------------------------------------------------------===//

void Driver::beginGraph() {
  recorded.clear();
  isRecording = true;
  // Nothing else is asked of the driver meanwhile, by this thread or others.
  check(driver().cuStreamBeginCapture_v2(streamOf(ai::rt::Stream::Kernels), kRelaxedCapture),
        "beginning a graph");
}

ai::rt::Graph Driver::endGraph() {
  isRecording = false;
  cuda::Graph graph = nullptr;
  GraphExec exec = nullptr;
  check(driver().cuStreamEndCapture(streamOf(ai::rt::Stream::Kernels), &graph), "ending a graph");
  Result result = library.cuGraphInstantiateWithFlags(&exec, graph, 0);
  library.cuGraphDestroy(graph);
  check(result, "making a graph");
  graphs[nextGraph] = {exec, recorded};
  return nextGraph++;
}

void Driver::replay(ai::rt::Graph graph) {
  const Recorded &step = graphs.at(graph);
  for (const char *name : step.kernels)
    addOnce(unfinished, name);
  check(driver().cuGraphLaunch(step.exec, streamOf(ai::rt::Stream::Kernels)), "launching");
}

void Driver::releaseGraph(ai::rt::Graph graph) {
  check(driver().cuGraphExecDestroy(graphs.at(graph).exec), "freeing a graph");
  graphs.erase(graph);
}

ai::rt::Event Driver::makeEvent() {
  cuda::Event event = nullptr;
  check(driver().cuEventCreate(&event, kNoTiming), "making an event");
  events.push_back(event);
  return ai::rt::Event(events.size()) - 1;
}

void Driver::mark(ai::rt::Event event, ai::rt::Stream stream) {
  check(driver().cuEventRecord(events[size_t(event)], streamOf(stream)), "marking an event");
}

void Driver::follow(ai::rt::Stream stream, ai::rt::Event event) {
  check(driver().cuStreamWaitEvent(streamOf(stream), events[size_t(event)], 0),
        "following an event");
}

void Driver::await(ai::rt::Event event) {
  check(driver().cuEventSynchronize(events[size_t(event)]), "running");
}

std::unique_ptr<Backend> ai::rt::openDriver(const ai_rt_program_t &program) {
  return std::make_unique<Driver>(program);
}
