//===- Random.cpp - random numbers by counting ----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Random.h"

#include <cmath>
#include <numeric>
#include <utility>

using namespace ai::rt;

std::array<uint32_t, 4> ai::rt::philox(uint64_t key, const std::array<uint32_t, 4> &counter) {
  auto [c0, c1, c2, c3] = counter;
  auto k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * c0, p1 = uint64_t(0xCD9E8D57) * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {c0, c1, c2, c3};
}

static uint64_t join(uint32_t low, uint32_t high) { return uint64_t(high) << 32 | low; }

/// Returns a multiple of 2^-53 in [0, 1).
static double unit(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

/// The natural logarithm for x in (0, 1]. libm's differs in the last bit from machine to machine.
static double portableLog(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  // log m = 2 artanh s, |s| < 0.172: the terms left out are below 2^-60.
  double s = (mantissa - 1) / (mantissa + 1), square = s * s, sum = 0;
  for (int k = 23; k >= 1; k -= 2)
    sum = sum * square + 1.0 / k;
  return exponent * 0.69314718055994531 + 2 * s * sum;
}

namespace {
/// Where the random bits of one parameter come from.
struct InitStream {
  uint64_t seed;
  uint32_t stream;

  std::array<uint32_t, 4> bits(uint64_t element, uint32_t attempt) const {
    return philox(seed, {static_cast<uint32_t>(element), static_cast<uint32_t>(element >> 32),
                         attempt, stream});
  }

  double uniform(uint64_t element) const {
    auto words = bits(element, 0);
    return 2 * unit(join(words[0], words[1])) - 1;
  }

  /// Marsaglia's polar method: nothing but a logarithm and a square root, which rounds correctly.
  double normal(uint64_t element) const {
    for (uint32_t attempt = 0;; ++attempt) {
      auto words = bits(element, attempt);
      double x = 2 * unit(join(words[0], words[1])) - 1, y = 2 * unit(join(words[2], words[3])) - 1;
      double square = x * x + y * y;
      if (square > 0 && square < 1)
        return x * std::sqrt(-2 * portableLog(square) / square);
    }
  }
};
} // namespace

template <typename T>
static void fill(const ai_rt_tensor_info_t &info, const InitStream &stream, T *data, int64_t part,
                 int64_t parts) {
  int64_t count = info.bytes / static_cast<int64_t>(sizeof(T));
  double scale = info.init_value;
  for (int64_t i = count * part / parts, end = count * (part + 1) / parts; i < end; ++i) {
    switch (info.init) {
    case AI_RT_INIT_UNIFORM:
      data[i] = static_cast<T>(scale * stream.uniform(i));
      break;
    case AI_RT_INIT_NORMAL:
      data[i] = static_cast<T>(scale * stream.normal(i));
      break;
    default:
      data[i] = static_cast<T>(scale);
    }
  }
}

void ai::rt::fillInitial(const ai_rt_tensor_info_t &info, int64_t seed, int64_t index, void *data,
                         int64_t part, int64_t parts) {
  InitStream stream{static_cast<uint64_t>(seed), kInitStream | static_cast<uint32_t>(index)};
  if (info.dtype == AI_RT_F64)
    fill(info, stream, static_cast<double *>(data), part, parts);
  else
    fill(info, stream, static_cast<float *>(data), part, parts);
}

/// Returns a number in [0, bound), each with the same probability up to 2^-64.
static uint64_t below(uint64_t bound, uint64_t bits) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(bits) * bound >> 64);
}

void ai_rt_shuffle(int64_t seed, int64_t epoch, int64_t count, uint32_t *order) {
  std::iota(order, order + count, 0u);
  for (int64_t i = count - 1; i > 0; --i) {
    auto words =
        philox(static_cast<uint64_t>(seed),
               {static_cast<uint32_t>(i), static_cast<uint32_t>(epoch),
                static_cast<uint32_t>(static_cast<uint64_t>(epoch) >> 32), kShuffleStream});
    std::swap(order[i], order[below(i + 1, join(words[0], words[1]))]);
  }
}
