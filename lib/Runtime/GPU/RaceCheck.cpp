//===- RaceCheck.cpp - who touched which byte last -----------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RaceCheck.h"

using namespace ai::rt;

RaceCheck::RaceCheck(const char *memory, int64_t bytes)
    : begin(memory), memory(bytes * int64_t(sizeof(Record))) {}

bool RaceCheck::races(const Moment &before, const Moment &now) {
  if (before.launch != now.launch)
    return false;
  if (before.block != now.block)
    return true;
  bool isWarps = before.thread != kSeveral && before.thread / kWarp == now.thread / kWarp;
  return before.phase == now.phase && before.thread != now.thread &&
         !(isWarps && before.warpPhase != now.warpPhase);
}

void RaceCheck::addReader(Moment &read, const Moment &now) {
  if (read.launch != now.launch) {
    read = now;
    return;
  }
  if (read.block != now.block)
    read.block = kSeveral;
  else if (read.phase == now.phase && read.thread != now.thread)
    read.thread = kSeveral;
  else
    read = now;
}

const Moment *RaceCheck::touch(const char *address, int64_t bytes, bool isWrite,
                               const Moment &now) {
  auto *records = reinterpret_cast<Record *>(memory.data()) + (address - begin);
  for (int64_t i = 0; i < bytes; ++i) {
    if (races(records[i].write, now))
      return &records[i].write;
    if (isWrite && races(records[i].read, now))
      return &records[i].read;
    if (isWrite)
      records[i].write = now;
    else
      addReader(records[i].read, now);
  }
  return nullptr;
}
