//===- Staging.cpp - from rows of a data set to a block's tensors ---------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Staging.h"

#include <cstring>
#include <type_traits>
#include <utility>

using namespace ai::rt;

int64_t ai::rt::sampleElements(const int64_t *shape, int64_t rank) {
  int64_t count = 1;
  for (int64_t i = 1; i < rank; ++i)
    count *= shape[i];
  return count;
}

namespace {
/// What becomes of an element: itself, as another type.
template <typename From, typename To> struct Cast {
  using Source = From;
  using Target = To;
  explicit Cast(const Normalisation *) {}
  Target operator()(Source value) const { return static_cast<Target>(value); }
};

/// Two divisions, or a table of 256 values, take two to three times as long.
template <typename To> struct Normalise {
  using Source = uint8_t;
  using Target = To;
  explicit Normalise(const Normalisation *normalisation)
      : scale(static_cast<Target>(normalisation->scale)),
        shift(static_cast<Target>(normalisation->shift)) {}
  Target operator()(uint8_t value) const { return static_cast<Target>(value) * scale + shift; }

  Target scale, shift;
};
} // namespace

template <typename Element>
static void convertRow(const char *source, char *target, int64_t count,
                       const Normalisation *normalisation) {
  Element element(normalisation);
  auto *__restrict from = reinterpret_cast<const typename Element::Source *>(source);
  auto *__restrict to = reinterpret_cast<typename Element::Target *>(target);
  for (int64_t i = 0; i < count; ++i)
    to[i] = element(from[i]);
}

/// Groups of `size` elements, in turn of the two vectors: of their lower halves or upper ones.
template <int size, bool upper, typename Vector, size_t... i>
static Vector zip(Vector a, Vector b, std::index_sequence<i...>) {
  constexpr size_t n = sizeof...(i);
  return __builtin_shufflevector(
      a, b, (upper * n / 2 + i / (2 * size) * size + i % size + i / size % 2 * n)...);
}

/// Transposes the first elements of all rows: those at `columns` of `tile` are rows[...][column].
template <typename Source, size_t columns>
static void transpose(const Source *const *rows, Source (&tile)[columns][Stager::kGroup]) {
  static_assert(Stager::kGroup == 4, "two rounds of zips interleave four rows");
  typedef Source Vector __attribute__((vector_size(columns * sizeof(Source))));
  Vector row[4];
  for (int i = 0; i < 4; ++i)
    std::memcpy(&row[i], rows[i], sizeof(Vector));
  constexpr std::make_index_sequence<columns> all;
  Vector low01 = zip<1, false>(row[0], row[1], all), high01 = zip<1, true>(row[0], row[1], all);
  Vector low23 = zip<1, false>(row[2], row[3], all), high23 = zip<1, true>(row[2], row[3], all);
  Vector result[] = {zip<2, false>(low01, low23, all), zip<2, true>(low01, low23, all),
                     zip<2, false>(high01, high23, all), zip<2, true>(high01, high23, all)};
  std::memcpy(tile, result, sizeof(tile));
}

template <typename Element>
static void convertToLanes(const char *const *sources, int64_t numRows, char *target,
                           int64_t numLanes, int64_t count, const Normalisation *normalisation) {
  using Source = typename Element::Source;
  Element element(normalisation);
  auto *__restrict to = reinterpret_cast<typename Element::Target *>(target);
  const Source *rows[Stager::kGroup];
  for (int64_t row = 0; row < numRows; ++row)
    rows[row] = reinterpret_cast<const Source *>(sources[row]);
  constexpr int64_t columns = std::max<int64_t>(16 / sizeof(Source), Stager::kGroup);
  int64_t done = 0;
  for (; numRows == Stager::kGroup && done + columns <= count; done += columns) {
    Source tile[columns][Stager::kGroup];
    transpose(rows, tile);
    for (int64_t column = 0; column < columns; ++column)
      for (int64_t row = 0; row < Stager::kGroup; ++row)
        to[(done + column) * numLanes + row] = element(tile[column][row]);
    for (const Source *&row : rows)
      row += columns;
  }
  for (int64_t i = done; i < count; ++i)
    for (int64_t row = 0; row < numRows; ++row)
      to[i * numLanes + row] = element(*rows[row]++);
}

template <typename Element> Stager::Conversion Stager::make() {
  return {convertRow<Element>, convertToLanes<Element>};
}

/// The conversions to `Target`; from a float to an integer there is none.
template <typename Target> Stager::Conversion Stager::selectSource(int64_t source) {
  constexpr bool toFloat = std::is_floating_point_v<Target>;
  switch (source) {
  case AI_RT_F32:
    return toFloat ? make<Cast<float, Target>>() : Conversion();
  case AI_RT_F64:
    return toFloat ? make<Cast<double, Target>>() : Conversion();
  case AI_RT_I32:
    return make<Cast<int32_t, Target>>();
  case AI_RT_I64:
    return make<Cast<int64_t, Target>>();
  case AI_RT_I8:
    return make<Cast<int8_t, Target>>();
  case AI_RT_I1:
  case AI_RT_U8:
    return make<Cast<uint8_t, Target>>();
  default:
    return {};
  }
}

Stager::Conversion Stager::select(int64_t source, int64_t target, bool normalised) {
  bool bytes = normalised && source == AI_RT_U8;
  switch (target) {
  case AI_RT_F32:
    return bytes ? make<Normalise<float>>() : selectSource<float>(source);
  case AI_RT_F64:
    return bytes ? make<Normalise<double>>() : selectSource<double>(source);
  case AI_RT_I32:
    return selectSource<int32_t>(source);
  case AI_RT_I64:
    return selectSource<int64_t>(source);
  default:
    return {};
  }
}

bool Stager::converts(int64_t source, int64_t target) {
  return select(source, target, /*normalised=*/false).toRow != nullptr;
}

Stager::Stager(const ai_rt_array_t &source, const ai_rt_tensor_info_t *target,
               const Normalisation *normalisation)
    : normalisation(normalisation) {
  if (!target)
    return;
  conversion = select(source.dtype, target->dtype, normalisation != nullptr);
  this->source = static_cast<const char *>(source.data);
  hasLanes = target->lanes != 0;
  count = sampleElements(target->shape, target->rank);
  offset = target->offset;
  sourceSize = ai_rt_dtype_size(source.dtype);
  targetSize = ai_rt_dtype_size(target->dtype);
}
