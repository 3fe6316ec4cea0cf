//===- Error.cpp - errors inside the runtime, statuses outside ------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"

using namespace ai::rt;

static thread_local std::string lastError;

ai_rt_status_t ai::rt::fail(ai_rt_status_t status, const char *message) noexcept {
  try {
    lastError = message;
  } catch (...) {
    // Without memory for the text the status alone must do.
    lastError.clear();
  }
  return status;
}

std::string ai::rt::formatShape(const int64_t *shape, int64_t rank) {
  std::ostringstream text;
  text << "[";
  for (int64_t i = 0; i < rank; ++i)
    text << (i ? "," : "") << shape[i];
  text << "]";
  return text.str();
}

const char *ai_rt_last_error(void) { return lastError.c_str(); }
