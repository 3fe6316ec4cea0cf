//===- FakeCUDA.h - a libcuda.so.1 without a GPU ---------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_TEST_RUNTIME_FAKECUDA_H
#define AI_TEST_RUNTIME_FAKECUDA_H

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

/// What the fake driver is like, and what was asked of it.
struct FakeCUDA {
  struct Launch {
    std::string kernel;
    unsigned grid, threads, sharedBytes;
    int64_t arguments[9];
    bool together = false;
  };

  /// Thread blocks that a multiprocessor has room for; 0: it has no cooperative launches.
  int together = 2;
  int numDevices = 1, major = 9, minor = 0;
  size_t memory = 1 << 20;
  std::string failing;                ///< The function that fails.
  int error = 700;                    ///< How (CUDA_ERROR_ILLEGAL_ADDRESS).
  std::map<std::string, int> refused; ///< Images by their first line, and the error of each.

  const char *image = nullptr; ///< The last one loaded.
  std::deque<std::string> names;
  std::vector<Launch> launches; ///< Those of graphs when they are launched.
  std::vector<std::string>
      calls; ///< Of streams, events, copies and graphs: "copyIn 1", "wait 0 e2".
  int contexts = 0, allocations = 0, hostAllocations = 0, events = 0, streams = 0, graphs = 0;
  int modules = 0, sharedLimit = 0;
  size_t used = 0;
};

extern "C" FakeCUDA *fake_cuda();

#endif // AI_TEST_RUNTIME_FAKECUDA_H
