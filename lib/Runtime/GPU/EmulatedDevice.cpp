//===- EmulatedDevice.cpp - memory, streams and graphs of the host --------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatedDevice.h"

#include "lib/Runtime/Error.h"

#include <cstdlib>
#include <cstring>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static int64_t readMemory() {
  const char *text = std::getenv("AI_GPU_MEMORY");
  if (!text || !*text)
    return INT64_MAX;
  char *end = nullptr;
  long long bytes = std::strtoll(text, &end, 10);
  if (*end || bytes < 1)
    throwInvalid("expects AI_GPU_MEMORY to be a number of bytes, got '", text, "'");
  return bytes;
}

EmulatedDevice::EmulatedDevice() : freeBytes(readMemory()) {}

char *EmulatedDevice::allocate(int64_t bytes) {
  if (bytes > freeBytes)
    throw Error(AI_RT_NO_MEMORY, concat("expects ", bytes, " bytes of the GPU's memory, which has ",
                                        freeBytes, " free (AI_GPU_MEMORY)"));
  auto memory = std::make_unique<Memory>(bytes);
  char *begin = memory->data();
  std::memset(begin, kGarbage, bytes);
  freeBytes -= bytes;
  memories[begin] = {std::move(memory), bytes};
  if (arena)
    return begin;
  arena = begin;
  arenaBytes = bytes;
  return arena;
}

void EmulatedDevice::release(char *memory) {
  freeBytes += memories.at(memory).second;
  memories.erase(memory);
}

char *EmulatedDevice::allocateHost(int64_t bytes) {
  std::unique_ptr<char[]> memory(new char[size_t(bytes)]);
  char *begin = memory.get();
  hostMemories[begin] = std::move(memory);
  return begin;
}

bool EmulatedDevice::isInput(const char *address, int64_t bytes) const {
  auto next = memories.upper_bound(address);
  if (next == memories.begin())
    return false;
  const auto &[begin, memory] = *std::prev(next);
  return begin != arena && address + bytes <= begin + memory.second;
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

void EmulatedDevice::copyIn(char *to, const void *from, int64_t bytes, Stream stream) {
  if (stream == Stream::Copies)
    copies.push_back({to, from, bytes});
  else
    std::memcpy(to, from, bytes);
}

void EmulatedDevice::copyOut(void *to, const char *from, int64_t bytes) {
  std::memcpy(to, from, bytes);
}

void EmulatedDevice::copyUpTo(int64_t count) {
  for (; copiesMade < count; ++copiesMade) {
    std::memcpy(copies.front().to, copies.front().from, copies.front().bytes);
    copies.pop_front();
  }
}

Event EmulatedDevice::makeEvent() {
  events.push_back(0);
  return Event(events.size()) - 1;
}

void EmulatedDevice::mark(Event event, Stream stream) {
  events[size_t(event)] =
      stream == Stream::Copies ? copiesMade + int64_t(copies.size()) : 0; // kernels are done
}

void EmulatedDevice::follow(Stream stream, Event event) {
  if (stream == Stream::Kernels)
    copyUpTo(events[size_t(event)]);
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

void EmulatedDevice::clear(char *at, int64_t bytes) {
  if (recording)
    return recording->push_back([=] { std::memset(at, 0, bytes); });
  std::memset(at, 0, bytes);
}

void EmulatedDevice::launch(const ai_rt_kernel_t &launched, int64_t blocks,
                            const KernelArguments &given) {
  if (recording)
    return recording->push_back(
        [=, &launched] { run(launched, blocks, given, /*together=*/false); });
  run(launched, blocks, given, /*together=*/false);
}

void EmulatedDevice::call(const ai_rt_kernel_t &, const std::function<void()> &ask) {
  if (recording)
    return recording->push_back(ask);
  ask();
}

Graph EmulatedDevice::endGraph() {
  recording = nullptr;
  return nextGraph++;
}

void EmulatedDevice::replay(Graph graph) {
  for (const auto &launch : graphs.at(graph))
    launch();
}
