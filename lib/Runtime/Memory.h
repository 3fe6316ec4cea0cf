//===- Memory.h - zeroed memory for compiled code ------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_MEMORY_H
#define AI_LIB_RUNTIME_MEMORY_H

#include <cstdint>

namespace ai::rt {

/// Regions begin on a cache line, which is a whole vector of the widest kind, too.
inline constexpr int64_t kRegionAlignment = 64;

inline int64_t roundUp(int64_t bytes) {
  return (bytes + kRegionAlignment - 1) / kRegionAlignment * kRegionAlignment;
}

/// Zeroed memory that begins on a page. Pages come into being on first use, so that each lies near
/// the thread that works on it.
class Memory {
public:
  /// Throws std::bad_alloc.
  explicit Memory(int64_t bytes);
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  char *data() { return begin; }
  const char *data() const { return begin; }

private:
  int64_t size;
  char *begin;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_MEMORY_H
