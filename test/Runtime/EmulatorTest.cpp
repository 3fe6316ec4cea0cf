//===- EmulatorTest.cpp - kernels on this processor -----------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Setting.h"

#include "lib/Runtime/Error.h"
#include "lib/Runtime/GPU/Backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace ai::rt;
using ai::test::Setting;

namespace {
constexpr int64_t kThreads = 64, kBlocks = 3;

/// As generated code does: the runtime looks at an access that is outside.
template <typename T>
T *checked(ai_rt_gpu_thread_t *thread, char *base, int64_t index, bool isWrite, bool isShared) {
  char *address = base + index * int64_t(sizeof(T));
  char *begin = isShared ? thread->shared : thread->arena;
  int64_t size = isShared ? thread->shared_bytes : thread->arena_bytes;
  if (address < begin || address - begin + int64_t(sizeof(T)) > size)
    ai_rt_gpu_access(thread, address, sizeof(T), isWrite, isShared, "model.mlir:3:5");
  return reinterpret_cast<T *>(address);
}
float load(ai_rt_gpu_thread_t *t, char *base, int64_t index, bool isShared) {
  return *checked<float>(t, base, index, false, isShared);
}
void store(ai_rt_gpu_thread_t *t, char *base, int64_t index, bool isShared, float value) {
  *checked<float>(t, base, index, true, isShared) = value;
}
void barrier(ai_rt_gpu_thread_t *t, int64_t number = 0) {
  ai_rt_gpu_barrier(t, number, "model.mlir:7:1");
}

void warpBarrier(ai_rt_gpu_thread_t *t, int64_t number = 0) {
  ai_rt_gpu_warp_barrier(t, number, "model.mlir:8:1");
}

#define KERNEL(name)                                                                               \
  void name(char *fixed, char *workspace, char *staged, const char *inputs, const char *targets,   \
            char *metrics, const int64_t *batch, int64_t first, int64_t count,                     \
            ai_rt_gpu_thread_t *t)

/// fixed[block][thread] = what the opposite thread left in shared memory, which held nothing.
KERNEL(exchange) {
  EXPECT_TRUE(std::isnan(load(t, t->shared, t->thread, true)));
  store(t, t->shared, t->thread, true, float(100 * t->block + t->thread));
  barrier(t);
  store(t, fixed, t->block * kThreads + t->thread, false,
        load(t, t->shared, kThreads - 1 - t->thread, true));
}

KERNEL(exchangeWithoutBarrier) {
  store(t, t->shared, t->thread, true, 1);
  store(t, fixed, t->thread, false, load(t, t->shared, kThreads - 1 - t->thread, true));
}

KERNEL(halfOfThemWait) {
  if (t->thread < kThreads / 2)
    barrier(t);
}

/// fixed[thread] = what its neighbour in the warp left; then all wait, some of them twice.
KERNEL(exchangeInWarps) {
  store(t, t->shared, t->thread, true, float(t->thread));
  warpBarrier(t);
  store(t, fixed, t->thread, false, load(t, t->shared, t->thread ^ 1, true));
  if (t->thread < 32)
    warpBarrier(t, 1);
  barrier(t, 2);
}

/// fixed[thread] = the sum of the numbers of its warp's threads.
KERNEL(sumOfAWarp) {
  int32_t sum = t->thread;
  for (int32_t mask = 16; mask > 0; mask /= 2)
    sum += ai_rt_gpu_shuffle(t, sum, mask, mask, "");
  store(t, fixed, t->thread, false, float(sum));
}

/// A shuffle orders no memory.
KERNEL(shuffleForABarrier) {
  store(t, t->shared, t->thread, true, 1);
  ai_rt_gpu_shuffle(t, 0, 1, 0, "");
  load(t, t->shared, t->thread ^ 1, true);
}

/// What the other warp has left is not there yet.
KERNEL(exchangeBetweenWarps) {
  store(t, t->shared, t->thread, true, 1);
  warpBarrier(t);
  load(t, t->shared, t->thread ^ 32, true);
}

KERNEL(halfOfAWarpWaits) {
  if (t->thread < 16)
    warpBarrier(t);
}

KERNEL(twoBarriers) { barrier(t, t->thread == 5 ? 1 : 0); }

/// Factors of two products for each warp, K = 8 or 16 wide: lhs[row][k], rhs[k][column].
struct Factors {
  float lhs[2][16][16], rhs[2][16][8];
};
Factors factorsOfWarp[2];
bool arePairs;

/// fixed[warp][row][column] = row + the sum of both products. Fragments are those of NVIDIA's PTX
/// ISA, "Matrix Fragments for mma.m16n8k8" and "for mma.m16n8k16 with floating point type".
KERNEL(multipliesMatrices) {
  const Factors &factors = factorsOfWarp[t->thread / 32];
  int32_t group = t->thread % 32 / 4, inGroup = t->thread % 4;
  int32_t fragments[10];
  auto rowOf = [&](int i) { return group + (i < 2 ? 0 : 8); };
  auto columnOf = [&](int i) { return inGroup * 2 + (i & 1); };
  for (int i = 0; i < 4; ++i) {
    auto sum = float(rowOf(i));
    std::memcpy(&fragments[6 + i], &sum, sizeof(sum));
  }
  for (int product = 0; product < 2; ++product) {
    const auto &lhs = factors.lhs[product];
    const auto &rhs = factors.rhs[product];
    for (int i = 0; i < 4 && !arePairs; ++i)
      fragments[i] = ai_rt_gpu_round_tf32(lhs[group + (i & 1 ? 8 : 0)][inGroup + (i < 2 ? 0 : 4)]);
    for (int i = 0; i < 2 && !arePairs; ++i)
      fragments[4 + i] = ai_rt_gpu_round_tf32(rhs[inGroup + 4 * i][group]);
    for (int i = 0; i < 8 && arePairs; i += 2) {
      int row = (i & 2) == 0 ? group : group + 8, k = inGroup * 2 + (i < 4 ? 0 : 8);
      fragments[i / 2] = ai_rt_gpu_pack_bf16(lhs[row][k + 1], lhs[row][k]);
    }
    for (int i = 0; i < 4 && arePairs; i += 2) {
      int k = inGroup * 2 + (i < 2 ? 0 : 8);
      fragments[4 + i / 2] = ai_rt_gpu_pack_bf16(rhs[k + 1][group], rhs[k][group]);
    }
    ai_rt_gpu_multiply(t, fragments, arePairs, product, "model.mlir:9:1");
  }
  for (int i = 0; i < 4; ++i) {
    float sum;
    std::memcpy(&sum, &fragments[6 + i], sizeof(sum));
    store(t, fixed, (t->thread / 32 * 16 + rowOf(i)) * 8 + columnOf(i), false, sum);
  }
}

KERNEL(oneThreadMultipliesNothing) {
  int32_t fragments[10] = {};
  if (t->thread != 37)
    ai_rt_gpu_multiply(t, fragments, 0, 0, "model.mlir:9:1");
}

KERNEL(allMultiply) {
  int32_t fragments[10] = {};
  ai_rt_gpu_multiply(t, fragments, 0, 0, "model.mlir:9:1");
}

KERNEL(readsBehindTheEnd) { load(t, t->shared, t->thread + 1, true); }

KERNEL(writesBeforeTheArena) {
  if (t->block == 1 && t->thread == 2)
    store(t, fixed, -1, false, 1);
}

/// All blocks write one element: no barrier is between blocks.
KERNEL(allWriteOne) {
  if (t->thread == 0)
    store(t, fixed, 0, false, 1);
}

KERNEL(allReadOne) {
  store(t, fixed, 1 + t->block * kThreads + t->thread, false, load(t, fixed, 0, false));
}

KERNEL(seesItsArguments) {
  if (t->thread == 0)
    for (int64_t i : {first, count})
      store(t, workspace, i, false, float(i));
  EXPECT_EQ(staged, workspace + 512);
  EXPECT_EQ(metrics, staged + 8);
  EXPECT_EQ(inputs, fixed + 1);
  EXPECT_EQ(targets, fixed + 2);
  EXPECT_EQ(reinterpret_cast<const char *>(batch), fixed + 8);
}

void gridBarrier(ai_rt_gpu_thread_t *t, int64_t number = 0) {
  ai_rt_gpu_grid_barrier(t, number, "model.mlir:9:1");
}

/// fixed[blocks + block] = the sum of what all blocks have left in fixed[block], twice.
KERNEL(exchangeInGrid) {
  for (int64_t step = 0; step < 2; ++step) {
    if (t->thread == 5)
      store(t, fixed, t->block, false, float(1 + t->block + 10 * step));
    gridBarrier(t);
    float sum = 0;
    for (int64_t i = 0; t->thread == 0 && i < t->blocks; ++i)
      sum += load(t, fixed, i, false);
    if (t->thread == 0)
      store(t, fixed, t->blocks + t->block, false, sum);
    gridBarrier(t, 1);
  }
}

KERNEL(exchangeInGridWithoutBarrier) {
  if (t->thread == 0)
    store(t, fixed, t->block, false, load(t, fixed, (t->block + 1) % t->blocks, false));
}

KERNEL(firstBlockWaitsForGrid) {
  if (t->block == 0)
    gridBarrier(t);
}

KERNEL(halfOfABlockWaitsForGrid) {
  if (t->thread < kThreads / 2)
    gridBarrier(t);
  else
    barrier(t);
}

/// In its second turn a block finds nothing of the first in its shared memory.
KERNEL(takesTwoTurns) {
  for (int64_t turn = 0; turn < 2; ++turn) {
    ai_rt_gpu_turn_barrier(t, 0, "model.mlir:9:1");
    EXPECT_TRUE(std::isnan(load(t, t->shared, kThreads - 1 - t->thread, true)));
    barrier(t, 1);
    store(t, t->shared, t->thread, true, 1);
  }
}

/// fixed[0] = fixed[0] + inputs[0], and a second kernel that doubles it.
KERNEL(addsInput) {
  if (t->thread == 0 && t->block == 0)
    store(t, fixed, 0, false,
          load(t, fixed, 0, false) + load(t, const_cast<char *>(inputs), 0, false));
}

KERNEL(doubles) {
  if (t->thread == 0 && t->block == 0)
    store(t, fixed, 0, false, 2 * load(t, fixed, 0, false));
}

KERNEL(writesInputs) { store(t, const_cast<char *>(inputs), t->thread, false, 1); }

class Session {
public:
  Session() : backend(openEmulator()), arena(backend->allocate(kBytes)) {}

  void operator()(ai_rt_emulate_fn body, int64_t blocks = kBlocks) {
    kernel = {"the_kernel", body, 0, kThreads, kThreads * 4, nullptr};
    launch(kernel, arena + 1, blocks);
  }
  void launch(const ai_rt_kernel_t &launched, const char *inputs, int64_t blocks = kBlocks) {
    backend->launch(launched, blocks,
                    {arena, arena + 1024, arena + 1536, inputs, arena + 2, arena + 1544,
                     reinterpret_cast<int64_t *>(arena + 8), 1, 2});
  }
  void together(ai_rt_emulate_fn body, int64_t blocks) {
    kernel = {"the_kernel", body, 0, kThreads, kThreads * 4, nullptr};
    backend->launchTogether(kernel, blocks,
                            {arena, arena, arena, arena, arena, arena, nullptr, 0, 0});
  }
  std::vector<float> floats(int64_t offset, int64_t count) {
    std::vector<float> values(count);
    backend->copyOut(values.data(), arena + offset, count * 4);
    return values;
  }
  /// What the error of a run says; empty if there is none.
  std::string complaint(ai_rt_emulate_fn body, int64_t blocksTogether = 0) {
    try {
      if (blocksTogether)
        together(body, blocksTogether);
      else
        (*this)(body);
    } catch (const Error &error) {
      EXPECT_EQ(error.status, AI_RT_NO_DEVICE);
      return error.what();
    }
    return "";
  }

  static constexpr int64_t kBytes = 2048;
  std::unique_ptr<Backend> backend;
  char *arena;
  ai_rt_kernel_t kernel;
};

void expectExchanged(Session &run) {
  std::vector<float> values = run.floats(0, kBlocks * kThreads);
  for (int64_t block = 0; block < kBlocks; ++block)
    for (int64_t i = 0; i < kThreads; ++i)
      EXPECT_EQ(values[block * kThreads + i], float(100 * block + kThreads - 1 - i));
}
} // namespace

TEST(Emulator, ThreadsExchangeThroughSharedMemoryInAnyOrder) {
  for (const char *order : {"", "forward", "reverse", "random:1", "random:12345"}) {
    Setting setting("AI_GPU_ORDER", order);
    Session run;
    run(exchange);
    expectExchanged(run);
  }
}

TEST(Emulator, ThreadsOfAWarpWaitForEachOther) {
  for (const char *order : {"forward", "reverse", "random:1"}) {
    Setting setting("AI_GPU_ORDER", order), check("AI_GPU_CHECK", "race");
    Session run;
    run(exchangeInWarps, 1);
    std::vector<float> values = run.floats(0, kThreads);
    for (int64_t i = 0; i < kThreads; ++i)
      EXPECT_EQ(values[i], float(i ^ 1));
    run(sumOfAWarp, 1);
    values = run.floats(0, kThreads);
    for (int64_t i = 0; i < kThreads; ++i)
      EXPECT_EQ(values[i], i < 32 ? 496 : 496 + 32 * 32);
    EXPECT_NE(run.complaint(shuffleForABarrier).find("with no barrier between them"),
              std::string::npos);
    EXPECT_NE(run.complaint(exchangeBetweenWarps).find("with no barrier between them"),
              std::string::npos);
  }
  Session run;
  EXPECT_EQ(run.complaint(halfOfAWarpWaits),
            "barrier that not all threads reach: kernel the_kernel, block 0, thread 0 waits at its "
            "warp's barrier 0 (model.mlir:8:1), thread 16 has ended");
}

TEST(Emulator, ThreadBlocksWaitForEachOther) {
  for (const char *check : {"", "race"})
    for (const char *order : {"forward", "reverse", "random:1", "random:2"}) {
      Setting setting("AI_GPU_ORDER", order), races("AI_GPU_CHECK", check);
      Session run;
      run.together(exchangeInGrid, 5);
      EXPECT_EQ(run.floats(5 * 4, 5), std::vector<float>(5, 1 + 2 + 3 + 4 + 5 + 5 * 10));
      run.together(exchangeInGrid, 2); // other threads again
      EXPECT_EQ(run.floats(2 * 4, 2), std::vector<float>(2, 1 + 2 + 2 * 10));
      run(exchange);
      expectExchanged(run);
    }
}

TEST(Emulator, FindsMissingBarriersOfAGrid) {
  Setting races("AI_GPU_CHECK", "race");
  Session run;
  EXPECT_EQ(run.complaint(exchangeInGridWithoutBarrier, 3),
            "kernel the_kernel, block 1, thread 0 writes byte 4 of the arena (model.mlir:3:5), "
            "which thread 0 of block 0 touched, with no barrier between them");
  EXPECT_EQ(run.complaint(firstBlockWaitsForGrid, 3),
            "barrier of the grid that not all thread blocks reach: kernel the_kernel, block 0, "
            "thread 0 waits at the grid's barrier 0 (model.mlir:9:1), block 1 has ended");
  EXPECT_EQ(run.complaint(halfOfABlockWaitsForGrid, 3),
            "barrier that not all threads reach: kernel the_kernel, block 0, thread 0 waits at the "
            "grid's barrier 0 (model.mlir:9:1), thread 32 waits at barrier 0 (model.mlir:7:1)");
  EXPECT_EQ(run.complaint(firstBlockWaitsForGrid),
            "barrier of a grid whose thread blocks were not launched together: kernel the_kernel, "
            "block 0, thread 0 waits at the grid's barrier 0 (model.mlir:9:1)");
}

TEST(Emulator, SharedMemoryIsNewInEveryTurn) {
  for (const char *check : {"", "race"}) {
    Setting races("AI_GPU_CHECK", check);
    Session run;
    run.together(takesTwoTurns, 2);
  }
}

TEST(Emulator, HasAsManyMultiprocessorsAsItIsTold) {
  EXPECT_EQ(openEmulator()->countResident({}), 4);
  Setting setting("AI_GPU_MULTIPROCESSORS", "132");
  EXPECT_EQ(openEmulator()->countResident({}), 132);
  for (const char *wrong : {"0", "-1", "many", "3x"}) {
    Setting other("AI_GPU_MULTIPROCESSORS", wrong);
    try {
      openEmulator();
      FAIL();
    } catch (const Error &error) {
      EXPECT_EQ(error.what(), "expects AI_GPU_MULTIPROCESSORS to be a number of at least 1, got '" +
                                  std::string(wrong) + "'");
    }
  }
}

/// What the bits stand for.
static float real(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
static float rounded(float value) {
  return real(arePairs ? uint32_t(ai_rt_gpu_pack_bf16(0, value)) << 16
                       : uint32_t(ai_rt_gpu_round_tf32(value)));
}

TEST(Emulator, AWarpMultipliesMatrices) {
  std::mt19937 random(17);
  std::uniform_real_distribution<float> any(-1, 1);
  for (bool pairs : {false, true}) {
    arePairs = pairs;
    for (Factors &factors : factorsOfWarp)
      for (int product = 0; product < 2; ++product) {
        for (auto &row : factors.lhs[product])
          std::generate(std::begin(row), std::end(row), [&] { return any(random); });
        for (auto &row : factors.rhs[product])
          std::generate(std::begin(row), std::end(row), [&] { return any(random); });
      }
    for (const char *order : {"forward", "reverse", "random:1", "random:2"}) {
      Setting setting("AI_GPU_ORDER", order);
      Session run;
      run(multipliesMatrices, 1);
      std::vector<float> values = run.floats(0, 2 * 16 * 8);
      for (int warp = 0; warp < 2; ++warp)
        for (int row = 0; row < 16; ++row)
          for (int column = 0; column < 8; ++column) {
            double sum = row;
            for (int product = 0; product < 2; ++product)
              for (int k = 0; k < (pairs ? 16 : 8); ++k)
                sum += double(rounded(factorsOfWarp[warp].lhs[product][row][k])) *
                       double(rounded(factorsOfWarp[warp].rhs[product][k][column]));
            EXPECT_NEAR(values[(warp * 16 + row) * 8 + column], sum, 1e-5)
                << order << ", warp " << warp << ", row " << row << ", column " << column;
          }
    }
  }
}

TEST(Emulator, AllThreadsOfAWarpMultiply) {
  Session run;
  EXPECT_EQ(run.complaint(oneThreadMultipliesNothing),
            "barrier that not all threads reach: kernel the_kernel, block 0, thread 0 has ended, "
            "thread 32 waits at its warp's barrier 0 (model.mlir:9:1)");
  run.kernel = {"the_kernel", allMultiply, 0, kThreads - 8, 0, nullptr};
  try {
    run.launch(run.kernel, run.arena + 1);
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "kernel the_kernel, block 0, thread 32 exchanges numbers in a warp "
                               "of 24 threads (model.mlir:9:1); expects whole warps of 32");
  }
}

TEST(Emulator, RoundsFactorsAsInstructionsDo) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  auto tf32 = [](uint32_t bits) { return uint32_t(ai_rt_gpu_round_tf32(real(bits))); };
  EXPECT_EQ(tf32(0x3f800fff), 0x3f800000u);
  EXPECT_EQ(tf32(0x3f801000), 0x3f802000u); // the middle, away from zero
  EXPECT_EQ(tf32(0xbf803000), 0xbf804000u);
  EXPECT_EQ(tf32(0x3ffff000), 0x40000000u); // into the exponent
  EXPECT_EQ(tf32(0x7f7fffff), 0x7f800000u);
  EXPECT_EQ(real(tf32(0xff800000)), -kInfinity);
  EXPECT_TRUE(std::isnan(real(tf32(0x7f800001))));
  EXPECT_TRUE(std::isnan(real(tf32(0xffffffff))));
  auto bf16 = [](uint32_t high, uint32_t low) {
    return uint32_t(ai_rt_gpu_pack_bf16(real(high), real(low)));
  };
  EXPECT_EQ(bf16(0x3f808000, 0x3f818000), 0x3f803f82u); // the middle, to even
  EXPECT_EQ(bf16(0x3f808001, 0xbf807fff), 0x3f81bf80u);
  EXPECT_EQ(bf16(0x7f7fffff, 0xff800000), 0x7f80ff80u);
  EXPECT_TRUE(std::isnan(real(bf16(0xffffffff, 0) & 0xffff0000)));
}

TEST(Emulator, KernelsSeeTheirArguments) {
  Session run;
  run(seesItsArguments);
  EXPECT_EQ(run.floats(1024 + 4, 2), (std::vector<float>{1, 2}));
}

TEST(Emulator, GraphsAreDoneAgain) {
  Session run;
  const ai_rt_kernel_t adds = {"adds", addsInput, 0, 1, 0, nullptr},
                       doubled = {"doubles", doubles, 0, 1, 0, nullptr};
  char *inputs = run.backend->allocate(64);
  const float one = 1, three = 3;
  run.backend->copyIn(inputs, &one, 4);
  run.backend->clear(run.arena, 64);
  run.backend->beginGraph();
  run.launch(adds, inputs);
  run.launch(doubled, inputs);
  Graph graph = run.backend->endGraph();
  EXPECT_EQ(run.floats(0, 1)[0], 0); // nothing was done
  run.backend->replay(graph);
  EXPECT_EQ(run.floats(0, 1)[0], 2);
  run.backend->copyIn(inputs, &three, 4); // memory is what differs
  run.backend->replay(graph);
  EXPECT_EQ(run.floats(0, 1)[0], 10);
  run.backend->releaseGraph(graph);
}

TEST(Emulator, CopiesOfTheOtherStreamWaitForAnEvent) {
  Session run;
  float one = 1;
  run.backend->copyIn(run.arena, &one, 4, Stream::Copies);
  EXPECT_TRUE(std::isnan(run.floats(0, 1)[0]));
  Event first = run.backend->makeEvent(), second = run.backend->makeEvent();
  run.backend->await(first); // never marked
  run.backend->mark(first, Stream::Copies);
  run.backend->copyIn(run.arena + 4, &one, 4, Stream::Copies);
  run.backend->mark(second, Stream::Copies);
  run.backend->follow(Stream::Kernels, first);
  EXPECT_EQ(run.floats(0, 1)[0], 1);
  EXPECT_TRUE(std::isnan(run.floats(4, 1)[0]));
  run.backend->await(second);
  EXPECT_EQ(run.floats(4, 1)[0], 1);
}

TEST(Emulator, KernelsOnlyReadSamples) {
  Session run;
  char *inputs = run.backend->allocate(64);
  run.kernel = {"the_kernel", writesInputs, 0, kThreads, 0, nullptr};
  try {
    run.launch(run.kernel, inputs);
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(),
                 "kernel the_kernel, block 0, thread 0 writes 4 bytes of samples or of "
                 "a batch's record (model.mlir:3:5)");
  }
}

TEST(Emulator, HasAsMuchMemoryAsItIsTold) {
  Setting setting("AI_GPU_MEMORY", "3000");
  Session run;
  char *more = run.backend->allocate(900);
  try {
    run.backend->allocate(100);
    FAIL();
  } catch (const Error &error) {
    EXPECT_EQ(error.status, AI_RT_NO_MEMORY);
    EXPECT_STREQ(error.what(),
                 "expects 100 bytes of the GPU's memory, which has 52 free (AI_GPU_MEMORY)");
  }
  run.backend->release(more);
  run.backend->allocate(100);
}

TEST(Emulator, MemoryIsNotANumberBeforeItIsWritten) {
  Session run;
  EXPECT_TRUE(std::isnan(run.floats(64, 1)[0]));
  run.backend->clear(run.arena + 64, 4);
  EXPECT_EQ(run.floats(64, 1)[0], 0);
  run(exchangeWithoutBarrier);
  EXPECT_TRUE(std::isnan(run.floats(0, 1)[0]));
}

TEST(Emulator, ReportsABarrierThatNotAllThreadsReach) {
  Session run;
  EXPECT_EQ(run.complaint(halfOfThemWait),
            "barrier that not all threads reach: kernel the_kernel, block 0, thread 0 waits at "
            "barrier 0 (model.mlir:7:1), thread 32 has ended");
  EXPECT_EQ(run.complaint(twoBarriers),
            "barrier that not all threads reach: kernel the_kernel, block 0, thread 0 waits at "
            "barrier 0 (model.mlir:7:1), thread 5 waits at barrier 1 (model.mlir:7:1)");
  run(exchange); // goes on with new threads
  expectExchanged(run);
}

TEST(Emulator, ReportsAccessesOutsideOfTheirMemory) {
  Session run;
  EXPECT_EQ(run.complaint(readsBehindTheEnd),
            "kernel the_kernel, block 0, thread 63 reads 4 bytes at 256 of shared memory, which "
            "has 256 (model.mlir:3:5)");
  EXPECT_EQ(run.complaint(writesBeforeTheArena),
            "kernel the_kernel, block 1, thread 2 writes 4 bytes at -4 of the arena, which has "
            "2048 (model.mlir:3:5)");
}

TEST(Emulator, ReportsRaces) {
  Setting setting("AI_GPU_CHECK", "race");
  Session run;
  run(exchange);
  expectExchanged(run);
  std::string text = run.complaint(exchangeWithoutBarrier);
  EXPECT_EQ(text, "kernel the_kernel, block 0, thread 32 writes byte 128 of shared memory "
                  "(model.mlir:3:5), which thread 31 of block 0 touched, with no barrier between "
                  "them");
  EXPECT_EQ(run.complaint(allWriteOne),
            "kernel the_kernel, block 1, thread 0 writes byte 0 of the arena (model.mlir:3:5), "
            "which thread 0 of block 0 touched, with no barrier between them");
  run(allWriteOne, 1);
  run(allReadOne); // another launch, and readers do not race
}

TEST(Emulator, RefusesSettingsThatItDoesNotKnow) {
  auto complaint = [] {
    try {
      openEmulator();
    } catch (const Error &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  {
    Setting setting("AI_GPU_ORDER", "random:x");
    EXPECT_EQ(complaint(),
              "expects AI_GPU_ORDER to be forward, reverse or random:SEED, got 'random:x'");
  }
  {
    Setting setting("AI_GPU_CHECK", "all");
    EXPECT_EQ(complaint(), "expects AI_GPU_CHECK to be race or bytes, got 'all'");
  }
  Setting setting("AI_GPU_MEMORY", "1G");
  EXPECT_EQ(complaint(), "expects AI_GPU_MEMORY to be a number of bytes, got '1G'");
}
