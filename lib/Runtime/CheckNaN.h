//===- CheckNaN.h - where a NaN comes from ------------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_CHECKNAN_H
#define AI_LIB_RUNTIME_CHECKNAN_H

#include "ai/Runtime/ai_rt.h"

#include <atomic>
#include <limits>

namespace ai::rt {

/// The first of a program's checks that a step's blocks did not pass. Rows count in the order in
/// which a block comes by them, and blocks find cleared memory, so it does not depend on threads.
class FirstNaN {
public:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

  /// Checks of the calling thread are those of this step, until another one begins.
  void begin();
  void found(int64_t row);
  bool isFound() const { return row.load() != kNone; }
  /// Returns the row, and begins anew.
  int64_t take() { return row.exchange(kNone); }

private:
  std::atomic<int64_t> row{kNone};
};

/// Throws if a block of the step that has just ended met a NaN, or if its combine left one in a
/// parameter or state. Looks at nothing in a program without checks.
void checkNoNaN(ai_rt_model &model, const ai_rt_step_t &step);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_CHECKNAN_H
