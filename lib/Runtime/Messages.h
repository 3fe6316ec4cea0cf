//===- Messages.h - protocol buffers, as they are written ----- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A message is a sequence of fields: a number and a type, then a value. Readers know the fields by
// their numbers, so those are what the formats fix.
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_MESSAGES_H
#define AI_LIB_RUNTIME_MESSAGES_H

#include <cstdint>
#include <cstring>
#include <string>

namespace ai::rt {

/// Appends the low `size` bytes of `bits`, the lowest first.
inline void appendBytes(std::string &bytes, uint64_t bits, int size) {
  for (int i = 0; i < size; ++i)
    bytes += char(bits >> (8 * i));
}

/// The bits of a floating-point number, as an integer of its size.
template <typename Bits, typename T> Bits bitsOf(T value) {
  static_assert(sizeof(Bits) == sizeof(T), "all bits and no more");
  Bits bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

void addInteger(std::string &message, int field, int64_t value);
void addDouble(std::string &message, int field, double value);
void addFloat(std::string &message, int field, float value);

/// Text, a message, or numbers one behind the other.
void addBytes(std::string &message, int field, const char *data, size_t size);
void addBytes(std::string &message, int field, const std::string &data);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_MESSAGES_H
