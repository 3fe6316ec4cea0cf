//===- IDX.h - arrays in IDX files ------------------------------*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// IDX is the format of MNIST: two zero bytes, a byte for the element type, a byte for the rank, one
// big-endian 32-bit extent per dimension, then the elements, big-endian and row major.
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_IDX_H
#define AI_LIB_RUNTIME_IDX_H

#include "ai/Runtime/ai_rt.h"

#include <memory>
#include <string>
#include <vector>

namespace ai::rt {

/// An array whose dimension 0 counts samples. Elements are in the byte order of the machine and
/// keep the type they have in the file: images of bytes stay bytes.
struct IDXArray {
  std::string path;
  int64_t dtype = AI_RT_U8; ///< AI_RT_U8, I8, I32, F32 or F64.
  std::vector<int64_t> shape;
  std::unique_ptr<char[]> data;

  int64_t rows() const { return shape.empty() ? 0 : shape[0]; }
  /// A view that lives as long as this array.
  ai_rt_array_t view() const { return {data.get(), dtype, int64_t(shape.size()), shape.data()}; }
};

/// Reads an IDX file, plain or gzipped, whatever its name. Everything that the header claims is
/// checked against the file before it is believed. Throws an Error that begins with the path.
IDXArray readIDX(const std::string &path);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_IDX_H
