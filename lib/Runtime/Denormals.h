//===- Denormals.h - arithmetic without denormal numbers ------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_DENORMALS_H
#define AI_LIB_RUNTIME_DENORMALS_H

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace ai::rt {

/// While it lives, denormal operands and results of this thread are zeros. The momentum of a weight
/// whose gradient stays zero becomes denormal after a few hundred steps, and arithmetic with
/// denormals takes a processor a hundred times as long.
class FlushDenormals {
public:
  FlushDenormals() : before(read()) { write(before | kBits); }
  ~FlushDenormals() { write(before); }
  FlushDenormals(const FlushDenormals &) = delete;
  FlushDenormals &operator=(const FlushDenormals &) = delete;

private:
#if defined(__x86_64__)
  static constexpr uint64_t kBits = 1 << 15 | 1 << 6; // MXCSR: flush to zero, denormals are zero
  static uint64_t read() { return _mm_getcsr(); }
  static void write(uint64_t value) { _mm_setcsr(uint32_t(value)); }
#elif defined(__aarch64__)
  static constexpr uint64_t kBits = 1 << 24; // FPCR: FZ
  static uint64_t read() {
    uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(uint64_t value) { asm volatile("msr fpcr, %0" ::"r"(value)); }
#else
  static constexpr uint64_t kBits = 0;
  static uint64_t read() { return 0; }
  static void write(uint64_t) {}
#endif

  uint64_t before;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_DENORMALS_H
