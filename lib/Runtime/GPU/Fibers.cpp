//===- Fibers.cpp - many stacks on one thread ----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fibers.h"

using namespace ai::rt;

// getcontext and its like make a system call for the signal mask; _setjmp and _longjmp do not. So a
// context is used to get onto a new stack, and jumps from then on.

Fiber::Fiber(Body body, void *argument) : body(body), argument(argument), stack(kStackBytes) {
  getcontext(&start);
  start.uc_stack.ss_sp = stack.data();
  start.uc_stack.ss_size = kStackBytes;
  start.uc_link = nullptr;
  auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&start, reinterpret_cast<void (*)()>(enter), 2, unsigned(self), unsigned(self >> 32));
}

void Fiber::enter(unsigned low, unsigned high) {
  auto *self = reinterpret_cast<Fiber *>(uintptr_t(high) << 32 | low);
  for (;;) {
    self->body(self->argument);
    self->done = true;
    self->yield();
  }
}

void Fiber::resume() {
  done = false;
  if (_setjmp(outside))
    return;
  if (started)
    _longjmp(inside, 1);
  started = true;
  setcontext(&start);
}

void Fiber::yield() {
  if (!_setjmp(inside))
    _longjmp(outside, 1);
}
