//===- Messages.cpp - protocol buffers, as they are written ---------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Messages.h"

using namespace ai::rt;

static void appendVarint(std::string &message, uint64_t value) {
  for (; value >= 128; value >>= 7)
    message += char(value | 128);
  message += char(value);
}

void ai::rt::addInteger(std::string &message, int field, int64_t value) {
  appendVarint(message, uint64_t(field) << 3);
  appendVarint(message, uint64_t(value));
}

void ai::rt::addDouble(std::string &message, int field, double value) {
  appendVarint(message, uint64_t(field) << 3 | 1);
  appendBytes(message, bitsOf<uint64_t>(value), 8);
}

void ai::rt::addFloat(std::string &message, int field, float value) {
  appendVarint(message, uint64_t(field) << 3 | 5);
  appendBytes(message, bitsOf<uint32_t>(value), 4);
}

void ai::rt::addBytes(std::string &message, int field, const char *data, size_t size) {
  appendVarint(message, uint64_t(field) << 3 | 2);
  appendVarint(message, size);
  message.append(data, size);
}

void ai::rt::addBytes(std::string &message, int field, const std::string &data) {
  addBytes(message, field, data.data(), data.size());
}
