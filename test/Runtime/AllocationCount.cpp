//===- AllocationCount.cpp - counts the calls to malloc and its kin -------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeProgram.h"

#include <atomic>
#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AI_TEST_SANITIZED
#endif
#endif

#if defined(__GLIBC__) && !defined(AI_TEST_SANITIZED)
static std::atomic<int64_t> allocations{0};

// The C library's own names for what is replaced here; operator new ends in malloc too.
extern "C" {
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *data, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}

void *realloc(void *data, size_t bytes) {
  ++allocations;
  return __libc_realloc(data, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
}

int64_t ai::test::numAllocations() { return allocations; }
#else
int64_t ai::test::numAllocations() { return -1; }
#endif
