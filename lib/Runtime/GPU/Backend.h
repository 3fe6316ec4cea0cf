//===- Backend.h - what runs kernels -*- C++ -* --------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_BACKEND_H
#define AI_LIB_RUNTIME_GPU_BACKEND_H

#include "ai/Runtime/ai_rt.h"

#include <functional>
#include <memory>
#include <string>

namespace ai::rt {

/// The arguments of a kernel (ai_rt_emulate_fn). Pointers are the device's.
struct KernelArguments {
  char *fixed, *workspace, *staged;
  const char *inputs, *targets;
  char *metrics;
  const int64_t *batch;
  int64_t first, count;
};

/// Two queues of work: each is done in order, and neither waits for the other unless told to.
enum class Stream : uint8_t { Kernels, Copies };

/// A place in a stream.
using Event = int64_t;

/// Clears, launches and calls that were recorded, to be asked for at once.
using Graph = int64_t;

/// A device that kernels run on. Nobody waits for what is asked of it but `copyOut` and `await`.
/// Functions throw Error (AI_RT_NO_DEVICE, AI_RT_NO_MEMORY), which names the kernels that may have
/// failed; after that the device is of no more use.
class Backend {
public:
  virtual ~Backend() = default;

  /// Allocates memory of the device; its contents are anything. The first is the arena, the only
  /// one that kernels write to. What is not released is when the device is closed.
  virtual char *allocate(int64_t bytes) = 0;
  virtual void release(char *memory) = 0;
  /// Allocates memory of the host that copies to the device may read when their turn comes.
  virtual char *allocateHost(int64_t bytes) = 0;
  virtual void releaseHost(char *memory) = 0;

  /// `from` must stay as it is until the copy is done if `allocateHost` made it; otherwise it may
  /// change at once.
  virtual void copyIn(char *to, const void *from, int64_t bytes,
                      Stream stream = Stream::Kernels) = 0;
  /// Waits for the kernels, and copies.
  virtual void copyOut(void *to, const char *from, int64_t bytes) = 0;
  virtual void clear(char *at, int64_t bytes) = 0;
  virtual void launch(const ai_rt_kernel_t &kernel, int64_t blocks,
                      const KernelArguments &arguments) = 0;
  /// The thread blocks of a kernel that are on the device at once, at most. Throws if it has no
  /// such launches.
  virtual int64_t countResident(const ai_rt_kernel_t &kernel) = 0;
  /// The same for thread blocks that wait for each other: as many as `countResident` says, at most.
  virtual void launchTogether(const ai_rt_kernel_t &kernel, int64_t blocks,
                              const KernelArguments &arguments) = 0;

  /// Has `ask` ask a library for `kernel`, which is a call, on the first stream: now, or whenever
  /// the graph that is being recorded is replayed.
  virtual void call(const ai_rt_kernel_t &kernel, const std::function<void()> &ask) = 0;
  /// The first stream as libraries take it (cudaStream_t), in the calling thread's context; null on
  /// the host, where a library has computed when it returns.
  virtual void *libraryStream() = 0;

  /// Clears, launches and calls between the two are recorded, not done; all of their kernels were
  /// launched before.
  virtual void beginGraph() = 0;
  virtual Graph endGraph() = 0;
  virtual void replay(Graph graph) = 0;
  virtual void releaseGraph(Graph graph) = 0;
  /// Whether graphs may be used: not where every launch is to be looked at.
  virtual bool hasGraphs() const { return true; }

  virtual Event makeEvent() = 0;
  /// From now on `event` is the end of what `stream` was asked for.
  virtual void mark(Event event, Stream stream) = 0;
  /// What `stream` is asked for from now on begins after `event`.
  virtual void follow(Stream stream, Event event) = 0;
  /// Waits for `event`; one that was never marked is over.
  virtual void await(Event event) = 0;

  /// What it is, for people.
  virtual std::string describe() const = 0;
};

/// The GPU of this machine, by way of NVIDIA's driver, which is opened here: a program needs
/// nothing else of NVIDIA's. Throws if there is no driver, no GPU, or no image for it. With
/// AI_GPU_CHECK=launch every kernel is waited for, so that an error names it.
std::unique_ptr<Backend> openDriver(const ai_rt_program_t &program);

/// This processor: each GPU thread runs until it has to wait for others. AI_GPU_ORDER says in which
/// order: forward, reverse or random:SEED. With AI_GPU_CHECK=race, threads that touch the same
/// byte without a barrier between them, one of which writes, are an error; with AI_GPU_CHECK=bytes
/// the bytes that each kernel loads and stores are counted, and printed on standard error at the
/// end. AI_GPU_MEMORY is the number of bytes that it has, AI_GPU_MULTIPROCESSORS (4) the number of
/// thread blocks that are there at once. Copies of the second stream are made as
/// late as events allow.
std::unique_ptr<Backend> openEmulator();

/// The back end that AI_GPU names: driver (default) or emulate.
std::unique_ptr<Backend> openBackend(const ai_rt_program_t &program);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_BACKEND_H
