//===- Error.h - errors inside the runtime, statuses outside ----*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_ERROR_H
#define AI_LIB_RUNTIME_ERROR_H

#include "ai/Runtime/ai_rt.h"

#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace ai::rt {

/// Thrown inside the runtime, turned into a status at the C API by `guarded`.
class Error : public std::runtime_error {
public:
  Error(ai_rt_status_t status, const std::string &message)
      : std::runtime_error(message), status(status) {}

  ai_rt_status_t status;
};

/// Returns the parts, written one after the other.
template <typename... Parts> std::string concat(const Parts &...parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Throws AI_RT_INVALID with the parts as its message.
template <typename... Parts> [[noreturn]] void throwInvalid(const Parts &...parts) {
  throw Error(AI_RT_INVALID, concat(parts...));
}

/// Throws AI_RT_BAD_FILE with the parts as its message.
template <typename... Parts> [[noreturn]] void throwBadFile(const Parts &...parts) {
  throw Error(AI_RT_BAD_FILE, concat(parts...));
}

/// Returns `[60000,28,28]`.
std::string formatShape(const int64_t *shape, int64_t rank);

/// Records `message` for `ai_rt_last_error` and returns `status`. Throws nothing.
ai_rt_status_t fail(ai_rt_status_t status, const char *message) noexcept;

/// Runs `body` and returns its outcome: the one door between exceptions and the C API.
template <typename Body> ai_rt_status_t guarded(Body &&body) noexcept {
  try {
    body();
    return AI_RT_OK;
  } catch (const Error &error) {
    return fail(error.status, error.what());
  } catch (const std::bad_alloc &) {
    return fail(AI_RT_NO_MEMORY, "out of memory");
  } catch (const std::system_error &error) {
    return fail(AI_RT_NO_MEMORY, error.what());
  } catch (const std::exception &error) {
    return fail(AI_RT_INVALID, error.what());
  }
}

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_ERROR_H
