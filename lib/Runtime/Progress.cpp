//===- Progress.cpp - how a training is going -----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Progress.h"

#include "Terminal.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

void LineText::append(const char *format, ...) {
  int room = int(sizeof(text)) - used;
  va_list arguments;
  va_start(arguments, format);
  int wanted = vsnprintf(text + used, size_t(room), format, arguments);
  va_end(arguments);
  used += std::clamp(wanted, 0, room - 1);
}

void LineText::append(char c, int count) {
  for (int i = 0; i < count; ++i)
    append("%c", c);
}

void LineText::cut(int columns) {
  used = std::clamp(columns, 0, used);
  text[used] = 0;
}

void ai::rt::appendDuration(LineText &line, double seconds) {
  if (!(seconds >= 0 && seconds < 1e9))
    return line.append("?");
  long whole = long(seconds + 0.5);
  if (whole >= 3600)
    line.append("%ld:", whole / 3600);
  line.append(whole >= 3600 ? "%02ld:%02ld" : "%ld:%02ld", whole / 60 % 60, whole % 60);
}

static LineText formatEpoch(const ProgressLine &line) {
  LineText text;
  text.append("Epoch %lld/%lld", (long long)line.epoch + 1, (long long)line.epochs);
  return text;
}

static void appendSums(LineText &text, const ProgressLine &line) {
  double count = double(std::max<int64_t>(line.sums.count, 1));
  double loss = line.sums.loss / count;
  // Four decimals of a large number would push the rest out of the line.
  text.append(std::fabs(loss) < 1000 ? "  loss %.4f" : "  loss %.4g", loss);
  if (line.accuracy)
    text.append("  acc %.2f%%", 100 * double(line.sums.correct) / count);
  text.append("  %.0f images/s  ", line.rate);
  appendDuration(text, line.seconds);
}

LineText ProgressLine::live(int columns) const {
  double part = samples ? double(position) / double(samples) : 1;
  LineText text = formatEpoch(*this), rest;
  rest.append(" %3.0f%%", std::floor(100 * part));
  appendSums(rest, *this);
  rest.append(" left");
  int room = columns - text.size() - rest.size() - 3;
  if (room >= 4) {
    int bar = std::min(room, 30), filled = int(part * bar);
    text.append(" [");
    text.append('=', filled);
    text.append('>', filled < bar);
    text.append(' ', bar - filled - 1);
    text.append("]");
  }
  text.append(rest);
  text.cut(columns);
  return text;
}

LineText ProgressLine::plain() const {
  LineText text = formatEpoch(*this);
  text.append("  %lld/%lld", (long long)position, (long long)samples);
  appendSums(text, *this);
  if (position < samples)
    text.append(" left");
  return text;
}

//===----------------------------------------------------------------------===//
// Progress
//===----------------------------------------------------------------------===//

Progress::Style Progress::styleOfOutput() {
  const char *terminal = getenv("TERM");
  bool canMove = terminal && *terminal && strcmp(terminal, "dumb") != 0;
  return isatty(STDOUT_FILENO) && canMove ? Style::Live : Style::Plain;
}

Progress::Progress(Style style, int64_t epochs, int64_t samples, bool accuracy) : style(style) {
  line.epochs = epochs;
  line.samples = samples;
  line.accuracy = accuracy;
}

void Progress::beginEpoch(int64_t epoch, int64_t position) {
  line.epoch = epoch;
  line.position = position;
  line.sums = {};
  epochStart = Clock::now();
  lastDraw = {};
  tenth = 10 * position / line.samples;
}

static int terminalColumns() {
  winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::min<int>(size.ws_col, 80);
  return 80;
}

void Progress::measure() {
  double taken = std::chrono::duration<double>(Clock::now() - epochStart).count();
  int64_t left = line.samples - line.position + (line.epochs - line.epoch - 1) * line.samples;
  line.rate = taken > 0 ? double(line.sums.count) / taken : 0;
  line.seconds = line.rate > 0 ? double(left) / line.rate : 0;
  if (line.position >= line.samples)
    line.seconds = taken;
}

bool Progress::draw() {
  measure();
  LineText text;
  // A full last column would make some terminals go to the next line.
  if (style == Style::Live) {
    text.append("\r");
    text.append(line.live(terminalColumns() - 1));
    text.append("\033[K");
  } else {
    text.append(line.plain());
    text.append("\n");
  }
  return writeOutput(text.data(), size_t(text.size()));
}

bool Progress::advance(int64_t count) {
  line.position += count;
  if (style == Style::None || line.position >= line.samples)
    return false;
  if (style == Style::Plain) {
    int64_t now = 10 * line.position / line.samples;
    return now != std::exchange(tenth, now);
  }
  Clock::time_point now = Clock::now();
  bool isDue = now - lastDraw >= std::chrono::milliseconds(100);
  if (isDue)
    lastDraw = now;
  return isDue;
}

void Progress::add(const ai_rt_metrics_t &metrics) {
  line.sums.loss += metrics.loss;
  line.sums.correct += metrics.correct;
  line.sums.count += metrics.count;
}

bool Progress::endEpoch() {
  measure();
  if (style == Style::None)
    return true;
  LineText text;
  text.append(style == Style::Live ? "\r\033[K" : "");
  text.append(line.plain());
  text.append("\n");
  return writeOutput(text.data(), size_t(text.size()));
}
