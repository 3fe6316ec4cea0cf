//===- Setting.h - environment variables of a test -------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_TEST_RUNTIME_SETTING_H
#define AI_TEST_RUNTIME_SETTING_H

#include <cstdlib>

namespace ai::test {

/// An environment variable for as long as this lives.
struct Setting {
  Setting(const char *name, const char *value) : name(name) { setenv(name, value, 1); }
  ~Setting() { unsetenv(name); }
  const char *name;
};

} // namespace ai::test

#endif // AI_TEST_RUNTIME_SETTING_H
