//===- Staging.cpp - from rows of a data set to a block's tensors ---------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Staging.h"

#include <type_traits>

using namespace ai::rt;

int64_t ai::rt::sampleElements(const int64_t *shape, int64_t rank) {
  int64_t count = 1;
  for (int64_t i = 1; i < rank; ++i)
    count *= shape[i];
  return count;
}

template <typename Source, typename Target>
static void convertElements(const char *source, char *target, int64_t count,
                            const Normalisation *) {
  auto *__restrict from = reinterpret_cast<const Source *>(source);
  auto *__restrict to = reinterpret_cast<Target *>(target);
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<Target>(from[i]);
}

/// Two divisions, or a table of 256 values, take two to three times as long.
template <typename Target>
static void normaliseBytes(const char *source, char *target, int64_t count,
                           const Normalisation *normalisation) {
  auto *__restrict from = reinterpret_cast<const uint8_t *>(source);
  auto *__restrict to = reinterpret_cast<Target *>(target);
  auto scale = static_cast<Target>(normalisation->scale);
  auto shift = static_cast<Target>(normalisation->shift);
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<Target>(from[i]) * scale + shift;
}

using Convert = void (*)(const char *, char *, int64_t, const Normalisation *);

/// The conversions to `Target`; from a float to an integer there is none.
template <typename Target> static Convert selectSource(int64_t source) {
  constexpr bool toFloat = std::is_floating_point_v<Target>;
  switch (source) {
  case AI_RT_F32:
    return toFloat ? convertElements<float, Target> : nullptr;
  case AI_RT_F64:
    return toFloat ? convertElements<double, Target> : nullptr;
  case AI_RT_I32:
    return convertElements<int32_t, Target>;
  case AI_RT_I64:
    return convertElements<int64_t, Target>;
  case AI_RT_I8:
    return convertElements<int8_t, Target>;
  case AI_RT_I1:
  case AI_RT_U8:
    return convertElements<uint8_t, Target>;
  default:
    return nullptr;
  }
}

Stager::Convert Stager::select(int64_t source, int64_t target, bool normalised) {
  bool bytes = normalised && source == AI_RT_U8;
  switch (target) {
  case AI_RT_F32:
    return bytes ? normaliseBytes<float> : selectSource<float>(source);
  case AI_RT_F64:
    return bytes ? normaliseBytes<double> : selectSource<double>(source);
  case AI_RT_I32:
    return selectSource<int32_t>(source);
  case AI_RT_I64:
    return selectSource<int64_t>(source);
  default:
    return nullptr;
  }
}

bool Stager::converts(int64_t source, int64_t target) {
  return select(source, target, /*normalised=*/false) != nullptr;
}

Stager::Stager(const ai_rt_array_t &source, const ai_rt_tensor_info_t *target,
               const Normalisation *normalisation)
    : normalisation(normalisation) {
  if (!target)
    return;
  convert = select(source.dtype, target->dtype, normalisation != nullptr);
  this->source = static_cast<const char *>(source.data);
  count = sampleElements(target->shape, target->rank);
  offset = target->offset;
  sourceBytes = count * ai_rt_dtype_size(source.dtype);
  targetBytes = count * ai_rt_dtype_size(target->dtype);
}
