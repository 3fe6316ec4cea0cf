//===- Memory.cpp - zeroed memory for compiled code -----------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include <algorithm>
#include <new>
#include <sys/mman.h>

using namespace ai::rt;

Memory::Memory(int64_t bytes) : size(std::max<int64_t>(bytes, 1)) {
  void *pages =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, 0);
  if (pages == MAP_FAILED)
    throw std::bad_alloc();
  begin = static_cast<char *>(pages);
}

Memory::~Memory() { munmap(begin, size); }
