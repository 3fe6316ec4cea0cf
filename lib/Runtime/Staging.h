//===- Staging.h - from rows of a data set to a block's tensors  -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_STAGING_H
#define AI_LIB_RUNTIME_STAGING_H

#include "ai/Runtime/ai_rt.h"

namespace ai::rt {

/// Bytes become v * scale + shift, product and sum rounded to the element type.
struct Normalisation {
  Normalisation(double mean, double std) : scale(1 / (255 * std)), shift(-mean / std) {}

  double scale, shift;
};

/// Copies samples into a block's tensor, converted to its type. Cheap to make: each step has one.
class Stager {
public:
  /// For rows of `source` that go into `target`, which may be null: then nothing is staged.
  /// Bytes become normalised floats if there is a `normalisation`, else plain ones.
  Stager(const ai_rt_array_t &source, const ai_rt_tensor_info_t *target,
         const Normalisation *normalisation);

  /// Whether elements of `source` can become elements of `target`.
  static bool converts(int64_t source, int64_t target);

  /// Writes row `row` of the source as sample `sample` of the block in `workspace`.
  void stage(char *workspace, int64_t sample, uint32_t row) const {
    if (convert)
      convert(source + row * sourceBytes, workspace + offset + sample * targetBytes, count,
              normalisation);
  }

  /// Fetches a row that will be staged soon: shuffled rows are where no hardware expects them.
  void prefetch(uint32_t row) const {
    for (int64_t byte = 0; byte < sourceBytes; byte += kCacheLine)
      __builtin_prefetch(source + row * sourceBytes + byte);
  }

private:
  static constexpr int64_t kCacheLine = 64;
  using Convert = void (*)(const char *source, char *target, int64_t count,
                           const Normalisation *normalisation);
  static Convert select(int64_t source, int64_t target, bool normalised);

  Convert convert = nullptr;
  const char *source = nullptr;
  const Normalisation *normalisation;
  int64_t count = 0, offset = 0, sourceBytes = 0, targetBytes = 0;
};

/// Returns the number of elements of one sample: of all extents but the first.
int64_t sampleElements(const int64_t *shape, int64_t rank);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_STAGING_H
