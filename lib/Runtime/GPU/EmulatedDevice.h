//===- EmulatedDevice.h - memory, streams and graphs of the host -*- C++ -*===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_EMULATEDDEVICE_H
#define AI_LIB_RUNTIME_GPU_EMULATEDDEVICE_H

#include "Backend.h"

#include "lib/Runtime/Memory.h"

#include <deque>
#include <functional>
#include <map>
#include <vector>

namespace ai::rt {

/// All of a back end but what runs kernels. What the first stream is asked for is done at once.
/// Copies of the other wait until somebody waits for them: a missing event shows as garbage.
class EmulatedDevice : public Backend {
public:
  /// AI_GPU_MEMORY is the number of bytes that there are.
  EmulatedDevice();

  char *allocate(int64_t bytes) override;
  void release(char *memory) override;
  char *allocateHost(int64_t bytes) override;
  void releaseHost(char *memory) override { hostMemories.erase(memory); }
  void copyIn(char *to, const void *from, int64_t bytes, Stream stream) override;
  void copyOut(void *to, const char *from, int64_t bytes) override;
  void clear(char *at, int64_t bytes) override;
  void launch(const ai_rt_kernel_t &kernel, int64_t blocks,
              const KernelArguments &arguments) override;
  void call(const ai_rt_kernel_t &kernel, const std::function<void()> &ask) override;
  void *libraryStream() override { return nullptr; }
  void launchTogether(const ai_rt_kernel_t &kernel, int64_t blocks,
                      const KernelArguments &arguments) override {
    run(kernel, blocks, arguments, /*together=*/true);
  }
  void beginGraph() override { recording = &graphs[nextGraph]; }
  Graph endGraph() override;
  void replay(Graph graph) override;
  void releaseGraph(Graph graph) override { graphs.erase(graph); }
  Event makeEvent() override;
  void mark(Event event, Stream stream) override;
  void follow(Stream stream, Event event) override;
  void await(Event event) override { copyUpTo(events[size_t(event)]); }

protected:
  /// Runs a kernel now, its thread blocks one after the other or together.
  virtual void run(const ai_rt_kernel_t &kernel, int64_t blocks, const KernelArguments &arguments,
                   bool together) = 0;

  /// Whether the bytes lie in memory that kernels only read: all but the arena.
  bool isInput(const char *address, int64_t bytes) const;

  /// What every new memory is full of: NaNs, and offsets that lead nowhere.
  static constexpr int kGarbage = 0xff;

  char *arena = nullptr; ///< The first memory.
  int64_t arenaBytes = 0;

private:
  /// A copy of the second stream whose turn has not come.
  struct Copy {
    char *to;
    const void *from;
    int64_t bytes;
  };
  using Launches = std::vector<std::function<void()>>;

  void copyUpTo(int64_t count);

  std::map<const char *, std::pair<std::unique_ptr<Memory>, int64_t>> memories; ///< With sizes.
  std::map<char *, std::unique_ptr<char[]>> hostMemories;
  int64_t freeBytes;
  std::vector<int64_t> events; ///< Copies before each.
  std::deque<Copy> copies;     ///< Still to be made.
  int64_t copiesMade = 0;
  std::map<Graph, Launches> graphs;
  Graph nextGraph = 0;
  Launches *recording = nullptr;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_EMULATEDDEVICE_H
