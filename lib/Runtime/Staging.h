//===- Staging.h - from rows of a data set to a block's tensors  -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_STAGING_H
#define AI_LIB_RUNTIME_STAGING_H

#include "ai/Runtime/ai_rt.h"

#include <algorithm>

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

  /// Writes row `row` of the source as sample `sample` of a row-major block in `workspace`.
  void stage(char *workspace, int64_t sample, uint32_t row) const {
    conversion.toRow(rowAt(row), workspace + offset + sample * count * targetSize, count,
                     normalisation);
  }

  /// Writes part `part` of `parts` of a block: `samples` of them, number i from row `rowOf(i)`.
  template <typename RowOf>
  void stageBlock(char *workspace, int64_t samples, int64_t part, int64_t parts,
                  RowOf rowOf) const {
    if (!source)
      return;
    if (hasLanes)
      return stageLanes(workspace, samples, part, parts, rowOf);
    for (int64_t i = part; i < samples; i += parts) {
      prefetch(rowAt(rowOf(i + kPrefetchDistance)), count * sourceSize);
      stage(workspace, i, rowOf(i));
    }
  }

  /// Samples whose elements change over to lanes together.
  static constexpr int64_t kGroup = 4;

private:
  /// Elements of a sample that are staged before the next sample's: those of all samples stay in
  /// the first cache meanwhile, and so does what becomes of them.
  static constexpr int64_t kBand = 128;
  /// Samples between the one that is staged and the one that is fetched.
  static constexpr int64_t kPrefetchDistance = 4;
  static constexpr int64_t kCacheLine = 64;

  /// From dense elements to dense elements, or from those of `numRows` rows, at most kGroup, to
  /// neighbours in the lanes of `target`.
  struct Conversion {
    void (*toRow)(const char *source, char *target, int64_t count, const Normalisation *);
    void (*toLanes)(const char *const *rows, int64_t numRows, char *target, int64_t numLanes,
                    int64_t count, const Normalisation *);
  };
  template <typename Element> static Conversion make();
  template <typename Target> static Conversion selectSource(int64_t source);
  static Conversion select(int64_t source, int64_t target, bool normalised);

  /// A part is a range of elements: a line of the block belongs to one thread. Rows are read side
  /// by side, streams that the hardware follows: to fetch ahead gained nothing.
  template <typename RowOf>
  void stageLanes(char *workspace, int64_t samples, int64_t part, int64_t parts,
                  RowOf rowOf) const {
    int64_t numBands = (count + kBand - 1) / kBand;
    int64_t end = numBands * (part + 1) / parts;
    for (int64_t band = numBands * part / parts; band < end; ++band) {
      int64_t first = band * kBand, size = std::min(kBand, count - first);
      for (int64_t sample = 0; sample < samples; sample += kGroup) {
        const char *rows[kGroup];
        int64_t numRows = std::min(kGroup, samples - sample);
        for (int64_t i = 0; i < numRows; ++i)
          rows[i] = rowAt(rowOf(sample + i)) + first * sourceSize;
        conversion.toLanes(rows, numRows,
                           workspace + offset + (first * samples + sample) * targetSize, samples,
                           size, normalisation);
      }
    }
  }

  const char *rowAt(uint32_t row) const { return source + row * count * sourceSize; }

  /// Shuffled rows are where no hardware expects them.
  static void prefetch(const char *bytes, int64_t count) {
    for (int64_t byte = 0; byte < count; byte += kCacheLine)
      __builtin_prefetch(bytes + byte);
  }

  Conversion conversion = {};
  const char *source = nullptr;
  const Normalisation *normalisation;
  bool hasLanes = false;
  int64_t count = 0, offset = 0, sourceSize = 0, targetSize = 0;
};

/// Returns the number of elements of one sample: of all extents but the first.
int64_t sampleElements(const int64_t *shape, int64_t rank);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_STAGING_H
