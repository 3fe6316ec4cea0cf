//===- FakeCUDA.cpp - a libcuda.so.1 without a GPU ------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the runtime calls of NVIDIA's driver, on memory of the host. Launches are written down, and
// so is what streams and events are asked for; between the two ends of a capture nothing is done. A
// test sets what the GPU is like, and which call fails. A call that breaks a rule of the driver's
// (no context, a stream that is capturing) ends the process.
//
//===----------------------------------------------------------------------===//

#include "FakeCUDA.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

/// Programs that are no tests are told by the environment.
static FakeCUDA readState() {
  FakeCUDA state;
  if (const char *failing = getenv("FAKE_CUDA_FAILS"))
    state.failing = failing;
  const char *memory = getenv("FAKE_CUDA_MEMORY");
  state.memory = memory ? strtoull(memory, nullptr, 10) : size_t(1) << 32;
  if (const char *together = getenv("FAKE_CUDA_TOGETHER"))
    state.together = atoi(together);
  return state;
}

static FakeCUDA state = readState();
FakeCUDA *fake_cuda() { return &state; }

namespace {
struct Stream {
  int number;
};
struct Event {
  int number;
};
using Graph = std::vector<FakeCUDA::Launch>;
} // namespace

static Graph *capturing = nullptr;
static thread_local bool hasContext = false;
static std::map<unsigned long long, size_t> sizes;

static void require(bool holds, const char *rule) {
  if (holds)
    return;
  fprintf(stderr, "fake libcuda: %s\n", rule);
  abort();
}

/// The result of a call: 0, or the error for the one that shall fail.
static int called(const char *name) { return state.failing == name ? state.error : 0; }

static std::string nameOf(void *stream) {
  return std::to_string(static_cast<Stream *>(stream)->number);
}

static void log(const std::string &call) { state.calls.push_back(call); }

/// Something that is done at once, and may not be done while a graph is made.
static int done(const char *name) {
  require(hasContext, "no context is current");
  require(!capturing, "a capturing stream was asked for something else");
  return called(name);
}

template <typename T> static T *pointer(unsigned long long address) {
  return reinterpret_cast<T *>(address);
}

extern "C" {
int cuInit(unsigned) { return called("cuInit"); }
int cuDriverGetVersion(int *version) { return *version = 13000, 0; }
int cuDeviceGetCount(int *count) { return *count = state.numDevices, 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetName(char *name, int bytes, int device) {
  return snprintf(name, size_t(bytes), "Fake GPU%s", device ? " 1" : ""), 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 75   ? state.major
           : attribute == 76 ? state.minor
           : attribute == 95 ? state.together > 0
                             : 132;
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int) {
  return ++state.contexts, *context = &state, called("cuDevicePrimaryCtxRetain");
}
int cuDevicePrimaryCtxRelease_v2(int) { return --state.contexts, 0; }
int cuCtxSetCurrent(void *context) { return hasContext = context != nullptr, 0; }

int cuStreamCreate(void **stream, unsigned flags) {
  require(flags == 1, "streams must not wait for the default one");
  *stream = new Stream{state.streams++};
  return done("cuStreamCreate");
}
int cuStreamDestroy_v2(void *stream) {
  delete static_cast<Stream *>(stream);
  return --state.streams, 0;
}
int cuStreamSynchronize(void *stream) {
  log("sync " + nameOf(stream));
  return done("cuStreamSynchronize");
}
int cuStreamWaitEvent(void *stream, void *event, unsigned) {
  log("wait " + nameOf(stream) + " e" + std::to_string(static_cast<Event *>(event)->number));
  return done("cuStreamWaitEvent");
}
int cuStreamBeginCapture_v2(void *, int) {
  int result = done("cuStreamBeginCapture_v2");
  capturing = new Graph;
  return result;
}
int cuStreamEndCapture(void *, void **graph) {
  *graph = capturing;
  capturing = nullptr;
  ++state.graphs;
  return called("cuStreamEndCapture");
}
int cuGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long) {
  ++state.graphs;
  *exec = new Graph(*static_cast<Graph *>(graph));
  return done("cuGraphInstantiateWithFlags");
}
int cuGraphDestroy(void *graph) {
  delete static_cast<Graph *>(graph);
  return --state.graphs, 0;
}
int cuGraphExecDestroy(void *exec) { return cuGraphDestroy(exec); }
int cuGraphLaunch(void *exec, void *stream) {
  log("graph " + nameOf(stream));
  const Graph &graph = *static_cast<Graph *>(exec);
  state.launches.insert(state.launches.end(), graph.begin(), graph.end());
  return done("cuGraphLaunch");
}

int cuEventCreate(void **event, unsigned flags) {
  require(flags == 2, "events that keep times are slow");
  *event = new Event{state.events++};
  return done("cuEventCreate");
}
int cuEventDestroy_v2(void *event) {
  delete static_cast<Event *>(event);
  return --state.events, 0;
}
int cuEventRecord(void *event, void *stream) {
  log("mark " + nameOf(stream) + " e" + std::to_string(static_cast<Event *>(event)->number));
  return done("cuEventRecord");
}
int cuEventSynchronize(void *event) {
  log("await e" + std::to_string(static_cast<Event *>(event)->number));
  return done("cuEventSynchronize");
}

int cuMemGetInfo_v2(size_t *free, size_t *total) {
  return *free = state.memory - state.used, *total = state.memory, 0;
}
int cuMemAlloc_v2(unsigned long long *memory, size_t bytes) {
  if (bytes > state.memory - state.used)
    return 2;
  ++state.allocations;
  state.used += bytes;
  *memory = reinterpret_cast<unsigned long long>(calloc(bytes, 1));
  sizes[*memory] = bytes;
  return done("cuMemAlloc_v2");
}
int cuMemFree_v2(unsigned long long memory) {
  --state.allocations;
  state.used -= sizes.at(memory);
  sizes.erase(memory);
  free(pointer<void>(memory));
  return done("cuMemFree_v2");
}
int cuMemAllocHost_v2(void **memory, size_t bytes) {
  ++state.hostAllocations;
  *memory = malloc(bytes);
  return done("cuMemAllocHost_v2");
}
int cuMemFreeHost(void *memory) {
  --state.hostAllocations;
  free(memory);
  return done("cuMemFreeHost");
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t bytes, void *stream) {
  log("copyIn " + nameOf(stream));
  memcpy(pointer<void>(to), from, bytes);
  return done("cuMemcpyHtoDAsync_v2");
}
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t bytes, void *stream) {
  log("copyOut " + nameOf(stream));
  memcpy(to, pointer<void>(from), bytes);
  return done("cuMemcpyDtoHAsync_v2");
}
int cuMemsetD8Async(unsigned long long at, unsigned char value, size_t bytes, void *) {
  require(hasContext, "no context is current");
  if (!capturing)
    memset(pointer<void>(at), value, bytes);
  return called("cuMemsetD8Async");
}

int cuModuleLoadData(void **module, const void *image) {
  state.image = static_cast<const char *>(image);
  std::string line(state.image, strcspn(state.image, "\n"));
  if (auto refused = state.refused.find(line); refused != state.refused.end())
    return refused->second;
  ++state.modules;
  *module = &state;
  return done("cuModuleLoadData");
}
int cuModuleUnload(void *) { return --state.modules, 0; }
int cuModuleGetFunction(void **function, void *, const char *name) {
  state.names.push_back(name);
  *function = &state.names.back();
  return done("cuModuleGetFunction"); // may load the kernel
}
int cuFuncSetAttribute(void *, int attribute, int value) {
  return state.sharedLimit = attribute == 8 ? value : -1, done("cuFuncSetAttribute");
}
static void addLaunch(void *function, unsigned gridX, unsigned blockX, unsigned sharedBytes,
                      void **arguments, bool together) {
  require(hasContext, "no context is current");
  FakeCUDA::Launch launch{
      *static_cast<std::string *>(function), gridX, blockX, sharedBytes, {}, together};
  for (int i = 0; i < 9; ++i)
    launch.arguments[i] = *static_cast<int64_t *>(arguments[i]);
  (capturing ? *capturing : state.launches).push_back(launch);
}
int cuLaunchKernel(void *function, unsigned gridX, unsigned, unsigned, unsigned blockX, unsigned,
                   unsigned, unsigned sharedBytes, void *, void **arguments, void **) {
  addLaunch(function, gridX, blockX, sharedBytes, arguments, /*together=*/false);
  return called("cuLaunchKernel");
}
int cuLaunchCooperativeKernel(void *function, unsigned gridX, unsigned, unsigned, unsigned blockX,
                              unsigned, unsigned, unsigned sharedBytes, void *, void **arguments) {
  require(gridX <= 132u * unsigned(state.together), "thread blocks wait for others without room");
  addLaunch(function, gridX, blockX, sharedBytes, arguments, /*together=*/true);
  return called("cuLaunchCooperativeKernel");
}
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *, int threads, size_t) {
  require(threads > 0, "a thread block has threads");
  return *blocks = state.together, done("cuOccupancyMaxActiveBlocksPerMultiprocessor");
}
int cuGetErrorName(int result, const char **name) {
  *name = result == 700   ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : result == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
                          : "CUDA_ERROR";
  return 0;
}
int cuGetErrorString(int result, const char **text) {
  return *text = result == 700 ? "an illegal access" : "a newer toolchain", 0;
}
}
