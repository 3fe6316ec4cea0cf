//===- Fibers.h - many stacks on one thread -*- C++ -* -------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_FIBERS_H
#define AI_LIB_RUNTIME_GPU_FIBERS_H

#include "lib/Runtime/Memory.h"

#include <csetjmp>
#include <memory>
#include <ucontext.h>

namespace ai::rt {

/// A function that can stop in the middle and go on later. It runs on a stack of its own, and only
/// between `resume` and the `yield` inside of it. It is started again and again; a fiber that
/// stopped in the middle may be destroyed, and nothing on its stack is.
class Fiber {
public:
  using Body = void (*)(void *argument);
  Fiber(Body body, void *argument);
  Fiber(const Fiber &) = delete;
  Fiber &operator=(const Fiber &) = delete;

  /// Goes on where the body yielded, or starts it; returns when it yields or has returned.
  void resume();
  /// Called by the body: returns from `resume`.
  void yield();
  bool isDone() const { return done; }

private:
  static constexpr int64_t kStackBytes = 256 << 10; // pages that are not used cost nothing
  static void enter(unsigned low, unsigned high);

  Body body;
  void *argument;
  Memory stack;
  ucontext_t start; // of the first run; later switches need no system call
  jmp_buf inside, outside;
  bool started = false, done = true;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_FIBERS_H
