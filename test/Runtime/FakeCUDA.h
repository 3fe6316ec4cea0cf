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
#include <string>
#include <vector>

/// What the fake driver is like, and what was asked of it.
struct FakeCUDA {
  struct Launch {
    std::string kernel;
    unsigned grid, threads, sharedBytes;
    int64_t arguments[8];
  };

  int numDevices = 1, major = 9, minor = 0;
  bool isFull = false;
  std::string failing; ///< The function that fails.

  const char *image = nullptr; ///< The last one loaded.
  std::deque<std::string> names;
  std::vector<Launch> launches;
  int contexts = 0, allocations = 0, sharedLimit = 0;
};

extern "C" FakeCUDA *fake_cuda();

#endif // AI_TEST_RUNTIME_FAKECUDA_H
