//===- Terminal.cpp - output, signals and numbers as text -----------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Terminal.h"

#include "Error.h"

#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <unistd.h>

using namespace ai::rt;

bool ai::rt::writeOutput(const char *text, size_t size) {
  while (size > 0) {
    ssize_t written = write(STDOUT_FILENO, text, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno == EPIPE)
      return false;
    if (written < 0)
      throwBadFile("cannot write the output: ", strerror(errno));
    text += written;
    size -= size_t(written);
  }
  return true;
}

bool ai::rt::writeOutput(const std::string &text) { return writeOutput(text.data(), text.size()); }

// A handler can reach nothing but a global.
static std::atomic<int> interruptions{0}, lastSignal{SIGINT};

static void countInterruption(int signal) {
  lastSignal = signal;
  // Sometimes a terminal and a parent both send one, so the second may not be a person's.
  if (++interruptions > 2)
    _exit(128 + signal);
}

void ai::rt::catchSignals() {
  struct sigaction action = {};
  action.sa_handler = countInterruption;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

bool ai::rt::interrupted() { return interruptions.load(std::memory_order_relaxed) > 0; }

int ai::rt::interruptedExitCode() { return 128 + lastSignal; }

std::string ai::rt::jsonNumber(double value) {
  if (!std::isfinite(value))
    return "null";
  char text[32];
  snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

std::string ai::rt::jsonString(const std::string &text) {
  std::string result = "\"";
  for (unsigned char c : text) {
    char escape[8];
    if (c == '"' || c == '\\')
      snprintf(escape, sizeof(escape), "\\%c", c);
    else if (c < 0x20)
      snprintf(escape, sizeof(escape), "\\u%04x", c);
    else
      snprintf(escape, sizeof(escape), "%c", c);
    result += escape;
  }
  return result + "\"";
}

std::string ai::rt::readableNumber(double value) {
  char text[40];
  double size = std::fabs(value);
  if (value != 0 && !(size >= 0.1 && size < 1e7)) {
    snprintf(text, sizeof(text), "%.7g", value);
    return text;
  }
  snprintf(text, sizeof(text), "%.6f", value);
  std::string result = text;
  result.erase(result.find_last_not_of('0') + 1);
  if (result.back() == '.')
    result.pop_back();
  return result == "-0" ? "0" : result;
}
