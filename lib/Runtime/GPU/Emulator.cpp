//===- Emulator.cpp - kernels on this processor --------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatedDevice.h"
#include "Fibers.h"
#include "RaceCheck.h"

#include "lib/Runtime/Error.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <utility>
#include <vector>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

namespace {
class Emulator;
struct ThreadBlock;

/// Who waits for each other at a barrier.
enum class Scope : uint8_t { Warp, Block, Grid };

/// A thread of a block. What generated code sees of it comes first.
struct Thread {
  Thread(Emulator &emulator, ThreadBlock &block)
      : emulator(emulator), block(block), fiber(run, this) {}
  static void run(void *self);

  ai_rt_gpu_thread_t record{};
  Emulator &emulator;
  ThreadBlock &block;
  Fiber fiber;
  int64_t barrier = -1; ///< The one that it waits at; -1 while it runs.
  Scope scope = Scope::Block;
  bool ordersMemory = true;
  bool beginsTurn = false; ///< Behind the barrier shared memory is new.
  const char *place = nullptr;
  bool isReady = true;
  uint32_t warpPhase = 0; ///< Barriers of its warp that it has passed.
  /// What it gives in its last two exchanges: the others of its warp are one behind at most.
  struct {
    int32_t value;          ///< Of a shuffle.
    int32_t lhs[4], rhs[2]; ///< Of a product.
  } given[2] = {};
  uint32_t exchanges = 0;
};

/// Threads and the memory that they share.
struct ThreadBlock {
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<char> shared;
  std::optional<RaceCheck> races;
  uint32_t phase = 0; ///< Barriers passed.
};

/// In which order the threads of a block run between two barriers.
struct Order {
  enum { Forward, Reverse, Random } kind = Forward;
  uint64_t seed = 0;
};

/// What is looked at beside the bounds of memories.
enum class Check { Bounds, Races, Bytes };

/// Of one kernel.
struct Count {
  long long launches = 0;
  long long bytes[2][2] = {}; ///< By shared memory, and by stores.
};

class Emulator : public EmulatedDevice {
public:
  Emulator();
  /// Prints the bytes that kernels touched if they were to be counted.
  ~Emulator() override;

  char *allocate(int64_t bytes) override;
  std::string describe() const override { return "emulator of NVIDIA GPUs on this processor"; }
  int64_t countResident(const ai_rt_kernel_t &) override { return multiprocessors; }

  void runThread(Thread &thread);
  void access(Thread &thread, char *address, int64_t bytes, bool isWrite, bool isShared,
              const char *place);
  /// Stops the thread if its warp is the block's last one and has not all its threads.
  void expectWholeWarp(Thread &thread, const char *place);

private:
  void run(const ai_rt_kernel_t &kernel, int64_t count, const KernelArguments &arguments,
           bool together) override;
  void prepare(ThreadBlock &block, int64_t number, int64_t count);
  void renewShared(ThreadBlock &block);
  void runBlock(ThreadBlock &block);
  bool areTogether(const ThreadBlock &block, int64_t begin, int64_t end, Scope scope) const;
  bool passBarriers(ThreadBlock &block);
  bool passGridBarrier(int64_t count);
  void arrange(std::vector<size_t> &numbers, int64_t count) const;
  void shuffle(std::vector<size_t> &numbers);
  [[noreturn]] void reportDivergence(const ThreadBlock &block);
  [[noreturn]] void stop(const std::string &text);
  std::string describe(const Thread &thread) const;
  static std::string stateOf(const Thread &thread);
  static std::string placeText(const char *place);
  std::string describe(const Moment &moment) const;

  Order order;
  Check check;
  bool checksRaces;
  std::map<std::string, Count> counts;
  int64_t multiprocessors;
  std::vector<std::unique_ptr<ThreadBlock>> blocks; ///< Those that are there at once.
  std::vector<size_t> turns, blockTurns;
  std::mt19937_64 random;
  const ai_rt_kernel_t *kernel = nullptr;
  const KernelArguments *arguments = nullptr;
  std::string error; ///< What a thread did wrong; it is stopped there.
  std::optional<RaceCheck> arenaRaces;
  uint32_t numLaunches = 0; ///< And barriers of grids: all that came before is in order.
};
} // namespace

void Thread::run(void *self) {
  auto &thread = *static_cast<Thread *>(self);
  thread.emulator.runThread(thread);
}

static void wait(ai_rt_gpu_thread_t *record, int64_t number, const char *place, Scope scope,
                 bool ordersMemory = true, bool beginsTurn = false) {
  auto &thread = *reinterpret_cast<Thread *>(record);
  thread.ordersMemory = ordersMemory;
  thread.beginsTurn = beginsTurn;
  thread.barrier = number;
  thread.place = place;
  thread.scope = scope;
  thread.fiber.yield();
}

void ai_rt_gpu_barrier(ai_rt_gpu_thread_t *thread, int64_t number, const char *place) {
  wait(thread, number, place, Scope::Block);
}

void ai_rt_gpu_turn_barrier(ai_rt_gpu_thread_t *thread, int64_t number, const char *place) {
  wait(thread, number, place, Scope::Block, /*ordersMemory=*/true, /*beginsTurn=*/true);
}

void ai_rt_gpu_grid_barrier(ai_rt_gpu_thread_t *thread, int64_t number, const char *place) {
  wait(thread, number, place, Scope::Grid);
}

void ai_rt_gpu_warp_barrier(ai_rt_gpu_thread_t *thread, int64_t number, const char *place) {
  wait(thread, number, place, Scope::Warp);
}

int32_t ai_rt_gpu_shuffle(ai_rt_gpu_thread_t *record, int32_t value, int32_t mask, int64_t number,
                          const char *place) {
  auto &thread = *reinterpret_cast<Thread *>(record);
  thread.emulator.expectWholeWarp(thread, place);
  uint32_t turn = thread.exchanges++ % 2;
  thread.given[turn].value = value;
  wait(record, number, place, Scope::Warp, /*ordersMemory=*/false);
  return thread.block.threads[size_t(record->thread ^ mask)]->given[turn].value;
}

static float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

static uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// Element k of a row or a column: of the registers of the four threads that share it, the first
/// or the second that they have of it.
static float factorOf(const int32_t *const (&registers)[4][2], int64_t k, bool isPairs) {
  if (!isPairs) // four threads, four neighbours
    return fromBits(uint32_t(*registers[k % 4][k / 4]));
  auto pair = uint32_t(*registers[k / 2 % 4][k / 8]);
  return fromBits(k % 2 ? pair & 0xffff0000u : pair << 16);
}

void ai_rt_gpu_multiply(ai_rt_gpu_thread_t *record, int32_t *fragments, int64_t isPairs,
                        int64_t number, const char *place) {
  auto &thread = *reinterpret_cast<Thread *>(record);
  thread.emulator.expectWholeWarp(thread, place);
  uint32_t turn = thread.exchanges++ % 2;
  auto &given = thread.given[turn];
  std::copy_n(fragments, 4, given.lhs);
  std::copy_n(fragments + 4, 2, given.rhs);
  wait(record, number, place, Scope::Warp, /*ordersMemory=*/false);
  int32_t first = record->thread / RaceCheck::kWarp * RaceCheck::kWarp;
  int32_t lane = record->thread - first;
  auto ofWarp = [&](int32_t other) -> auto & {
    return thread.block.threads[size_t(first + other)]->given[turn];
  };
  for (int32_t i = 0; i < 4; ++i) { // rows lane / 4 and 8 below, two columns of each
    int32_t half = i / 2, column = lane % 4 * 2 + i % 2;
    const int32_t *lhs[4][2], *rhs[4][2];
    for (int32_t j = 0; j < 4; ++j)
      for (int32_t k = 0; k < 2; ++k) {
        lhs[j][k] = &ofWarp(lane / 4 * 4 + j).lhs[2 * k + half];
        rhs[j][k] = &ofWarp(column * 4 + j).rhs[k];
      }
    float sum = fromBits(uint32_t(fragments[6 + i]));
    for (int64_t k = 0; k < (isPairs ? 16 : 8); ++k)
      sum += factorOf(lhs, k, isPairs) * factorOf(rhs, k, isPairs);
    fragments[6 + i] = int32_t(bitsOf(sum));
  }
}

int32_t ai_rt_gpu_round_tf32(float value) {
  if (std::isnan(value))
    return 0x7fffffff;
  // Carries go on into the exponent: what is next to infinity becomes infinite.
  return int32_t((bitsOf(value) + 0x1000) & ~0x1fffu);
}

static uint32_t roundToBF16(float value) {
  uint32_t bits = bitsOf(value);
  if (std::isnan(value))
    return 0x7fff;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

int32_t ai_rt_gpu_pack_bf16(float high, float low) {
  return int32_t(roundToBF16(high) << 16 | roundToBF16(low));
}

void ai_rt_gpu_access(ai_rt_gpu_thread_t *record, char *address, int64_t bytes, int64_t isWrite,
                      int64_t isShared, const char *place) {
  auto &thread = *reinterpret_cast<Thread *>(record);
  thread.emulator.access(thread, address, bytes, isWrite, isShared, place);
}

//===----------------------------------------------------------------------===//
// Settings and memory
//===----------------------------------------------------------------------===//

static Order readOrder() {
  const char *text = std::getenv("AI_GPU_ORDER");
  if (!text || !*text || std::strcmp(text, "forward") == 0)
    return {};
  if (std::strcmp(text, "reverse") == 0)
    return {Order::Reverse, 0};
  char *end = nullptr;
  const char prefix[] = "random:";
  if (std::strncmp(text, prefix, sizeof(prefix) - 1) == 0 && text[sizeof(prefix) - 1]) {
    uint64_t seed = std::strtoull(text + sizeof(prefix) - 1, &end, 10);
    if (!*end)
      return {Order::Random, seed};
  }
  throwInvalid("expects AI_GPU_ORDER to be forward, reverse or random:SEED, got '", text, "'");
}

static Check readCheck() {
  const char *text = std::getenv("AI_GPU_CHECK");
  if (!text || !*text)
    return Check::Bounds;
  if (std::strcmp(text, "race") == 0)
    return Check::Races;
  if (std::strcmp(text, "bytes") == 0)
    return Check::Bytes;
  throwInvalid("expects AI_GPU_CHECK to be race or bytes, got '", text, "'");
}

/// Each has room for one thread block.
static int64_t readMultiprocessors() {
  const char *text = std::getenv("AI_GPU_MULTIPROCESSORS");
  if (!text || !*text)
    return 4;
  char *end = nullptr;
  long long count = std::strtoll(text, &end, 10);
  if (*end || count < 1)
    throwInvalid("expects AI_GPU_MULTIPROCESSORS to be a number of at least 1, got '", text, "'");
  return count;
}

Emulator::Emulator()
    : order(readOrder()), check(readCheck()), checksRaces(check == Check::Races),
      multiprocessors(readMultiprocessors()), random(order.seed) {}

Emulator::~Emulator() {
  for (const auto &[name, count] : counts)
    std::fprintf(stderr,
                 "%s: %lld launches, bytes loaded %lld, stored %lld, of shared memory loaded %lld, "
                 "stored %lld\n",
                 name.c_str(), count.launches, count.bytes[0][0], count.bytes[0][1],
                 count.bytes[1][0], count.bytes[1][1]);
}

char *Emulator::allocate(int64_t bytes) {
  char *memory = EmulatedDevice::allocate(bytes);
  if (memory == arena && checksRaces)
    arenaRaces.emplace(arena, bytes);
  return memory;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// The numbers below `count`, in the order that was asked for.
void Emulator::arrange(std::vector<size_t> &numbers, int64_t count) const {
  numbers.resize(size_t(count));
  std::iota(numbers.begin(), numbers.end(), size_t(0));
  if (order.kind == Order::Reverse)
    std::reverse(numbers.begin(), numbers.end());
}

void Emulator::shuffle(std::vector<size_t> &numbers) {
  if (order.kind == Order::Random)
    std::shuffle(numbers.begin(), numbers.end(), random);
}

/// Blocks that were launched together take turns from one barrier of the grid to the next.
void Emulator::run(const ai_rt_kernel_t &launched, int64_t count, const KernelArguments &given,
                   bool together) {
  kernel = &launched;
  arguments = &given;
  ++numLaunches;
  if (check == Check::Bytes)
    ++counts[kernel->name].launches;
  arrange(turns, kernel->threads);
  while (int64_t(blocks.size()) < (together ? count : 1))
    blocks.push_back(std::make_unique<ThreadBlock>());
  for (int64_t i = 0; i < count && !together; ++i) {
    ThreadBlock &block = *blocks.front();
    prepare(block, i, count);
    runBlock(block);
    if (const Thread &thread = *block.threads.front(); thread.barrier >= 0)
      stop(concat("barrier of a grid whose thread blocks were not launched together: ",
                  describe(thread), " ", stateOf(thread)));
  }
  if (!together)
    return;
  for (int64_t i = 0; i < count; ++i)
    prepare(*blocks[i], i, count);
  arrange(blockTurns, count);
  do {
    shuffle(blockTurns);
    for (size_t i : blockTurns)
      runBlock(*blocks[i]);
  } while (passGridBarrier(count));
}

/// Block `number` of `count`.
void Emulator::prepare(ThreadBlock &block, int64_t number, int64_t count) {
  while (int64_t(block.threads.size()) < kernel->threads)
    block.threads.push_back(std::make_unique<Thread>(*this, block));
  block.shared.resize(kernel->shared_bytes);
  renewShared(block);
  block.phase = 0;
  for (int64_t i = 0; i < kernel->threads; ++i) {
    Thread &thread = *block.threads[i];
    thread.isReady = true;
    thread.warpPhase = thread.exchanges = 0;
    ai_rt_gpu_thread_t &record = thread.record;
    record = {block.shared.data(),
              int64_t(block.shared.size()),
              arena,
              arenaBytes,
              int32_t(i),
              int32_t(number),
              int32_t(count)};
    if (check != Check::Bounds) // every access is one to look at
      record.shared_bytes = record.arena_bytes = 0;
  }
}

void Emulator::renewShared(ThreadBlock &block) {
  std::fill(block.shared.begin(), block.shared.end(), char(kGarbage));
  if (checksRaces)
    block.races.emplace(block.shared.data(), int64_t(block.shared.size()));
}

void Emulator::runThread(Thread &thread) {
  const KernelArguments &a = *arguments;
  kernel->emulate(a.fixed, a.workspace, a.staged, a.inputs, a.targets, a.metrics, a.batch, a.first,
                  a.count, &thread.record);
}

/// Until all of its threads have ended, or wait for the grid.
void Emulator::runBlock(ThreadBlock &block) {
  for (bool isDone = false; !isDone;) {
    shuffle(turns);
    for (size_t i : turns) {
      Thread &thread = *block.threads[i];
      if (!thread.isReady)
        continue;
      thread.barrier = -1;
      thread.isReady = false;
      thread.fiber.resume();
      if (!error.empty())
        stop(std::exchange(error, ""));
    }
    isDone = passBarriers(block);
  }
}

/// Whether the threads of a range wait at one barrier, of a kind, or have all ended.
bool Emulator::areTogether(const ThreadBlock &block, int64_t begin, int64_t end,
                           Scope scope) const {
  auto threads = block.threads.begin();
  const Thread &first = **(threads + begin);
  return std::all_of(threads + begin, threads + end, [&](const auto &thread) {
    return thread->barrier == first.barrier && (first.barrier < 0 || thread->scope == scope);
  });
}

/// Lets threads go on: a warp whose threads all wait at a barrier of the warp, or else the block,
/// whose threads all wait at one of the block. Returns true if all are done, or wait for the grid.
bool Emulator::passBarriers(ThreadBlock &block) {
  bool goesOn = false;
  auto release = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      block.threads[i]->isReady = true;
    goesOn = true;
  };
  for (int64_t begin = 0; begin < kernel->threads; begin += RaceCheck::kWarp) {
    int64_t end = std::min<int64_t>(begin + RaceCheck::kWarp, kernel->threads);
    if (block.threads[begin]->barrier < 0 || !areTogether(block, begin, end, Scope::Warp))
      continue;
    for (int64_t i = begin; i < end; ++i)
      block.threads[i]->warpPhase += block.threads[i]->ordersMemory;
    release(begin, end);
  }
  if (goesOn)
    return false;
  const Thread &first = *block.threads.front();
  if (!areTogether(block, 0, kernel->threads, Scope::Block) &&
      !areTogether(block, 0, kernel->threads, Scope::Grid))
    reportDivergence(block);
  ++block.phase;
  if (first.barrier < 0 || first.scope == Scope::Grid)
    return true;
  if (first.beginsTurn)
    renewShared(block);
  release(0, kernel->threads);
  return false;
}

/// Lets all thread blocks go on, which wait at one barrier. Returns false if they have ended.
bool Emulator::passGridBarrier(int64_t count) {
  const Thread &first = *blocks.front()->threads.front();
  for (int64_t i = 1; i < count; ++i)
    if (const Thread &other = *blocks[i]->threads.front(); other.barrier != first.barrier)
      stop(concat("barrier of the grid that not all thread blocks reach: ", describe(first), " ",
                  stateOf(first), ", block ", i, " ", stateOf(other)));
  ++numLaunches;
  for (int64_t i = 0; i < count; ++i)
    for (const auto &thread : blocks[i]->threads)
      thread->isReady = true;
  return first.barrier >= 0;
}

std::string Emulator::stateOf(const Thread &thread) {
  if (thread.barrier < 0)
    return "has ended";
  const char *whose = thread.scope == Scope::Warp   ? "its warp's "
                      : thread.scope == Scope::Grid ? "the grid's "
                                                    : "";
  return concat("waits at ", whose, "barrier ", thread.barrier, placeText(thread.place));
}

void Emulator::reportDivergence(const ThreadBlock &block) {
  const Thread &first = *block.threads.front();
  const auto &other = *std::find_if(
      block.threads.begin(), block.threads.begin() + kernel->threads, [&](const auto &thread) {
        return thread->barrier != first.barrier || thread->scope != first.scope;
      });
  stop(concat("barrier that not all threads reach: ", describe(first), " ", stateOf(first),
              ", thread ", other->record.thread, " ", stateOf(*other)));
}

/// Threads that stopped in the middle are given up.
void Emulator::stop(const std::string &text) {
  std::string kept = text; // it may name a thread's place
  blocks.clear();
  throw Error(AI_RT_NO_DEVICE, kept);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

std::string Emulator::describe(const Thread &thread) const {
  return concat("kernel ", kernel->name, ", block ", thread.record.block, ", thread ",
                thread.record.thread);
}

std::string Emulator::placeText(const char *place) {
  return *place ? concat(" (", place, ")") : std::string();
}

void Emulator::expectWholeWarp(Thread &thread, const char *place) {
  int64_t warps = kernel->threads / RaceCheck::kWarp;
  if (thread.record.thread < warps * RaceCheck::kWarp)
    return;
  error = concat(describe(thread), " exchanges numbers in a warp of ",
                 kernel->threads - warps * RaceCheck::kWarp, " threads", placeText(place),
                 "; expects whole warps of ", int64_t(RaceCheck::kWarp));
  thread.fiber.yield(); // for the last time
}

void Emulator::access(Thread &thread, char *address, int64_t bytes, bool isWrite, bool isShared,
                      const char *place) {
  std::vector<char> &shared = thread.block.shared;
  char *begin = isShared ? shared.data() : arena;
  int64_t size = isShared ? int64_t(shared.size()) : arenaBytes;
  const char *memory = isShared ? "shared memory" : "the arena";
  const char *verb = isWrite ? "writes" : "reads";
  int64_t offset = address - begin;
  auto stop = [&](const std::string &what) {
    error = what;
    thread.fiber.yield(); // for the last time
  };
  bool isInput = !isShared && EmulatedDevice::isInput(address, bytes);
  if (isInput && isWrite) {
    stop(concat(describe(thread), " writes ", bytes, " bytes of samples or of a batch's record",
                placeText(place)));
    return;
  }
  if (!isInput && (offset < 0 || offset + bytes > size)) {
    stop(concat(describe(thread), " ", verb, " ", bytes, " bytes at ", offset, " of ", memory,
                ", which has ", size, placeText(place)));
    return;
  }
  if (check == Check::Bytes)
    counts[kernel->name].bytes[isShared][isWrite] += bytes;
  if (!checksRaces || isInput)
    return;
  RaceCheck &races = isShared ? *thread.block.races : *arenaRaces;
  Moment now{numLaunches, thread.block.phase, thread.warpPhase, thread.record.block,
             thread.record.thread};
  if (const Moment *other = races.touch(address, bytes, isWrite, now))
    stop(concat(describe(thread), " ", verb, " byte ", offset, " of ", memory, placeText(place),
                ", which ", describe(*other), " touched, with no barrier between them"));
}

std::string Emulator::describe(const Moment &moment) const {
  auto name = [](const char *kind, int32_t number) {
    return number == RaceCheck::kSeveral ? concat("several ", kind, "s")
                                         : concat(kind, " ", number);
  };
  return concat(name("thread", moment.thread), " of ", name("block", moment.block));
}

std::unique_ptr<Backend> ai::rt::openEmulator() { return std::make_unique<Emulator>(); }
