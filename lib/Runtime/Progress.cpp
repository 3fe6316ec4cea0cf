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
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace ai::rt;

std::string ai::rt::formatDuration(double seconds) {
  if (!(seconds >= 0 && seconds < 1e9))
    return "?";
  long whole = long(seconds + 0.5);
  char text[40];
  if (whole >= 3600)
    snprintf(text, sizeof(text), "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    snprintf(text, sizeof(text), "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

static std::string formatEpoch(const ProgressLine &line) {
  return "Epoch " + std::to_string(line.epoch + 1) + "/" + std::to_string(line.epochs);
}

static std::string formatSums(const ProgressLine &line) {
  double count = double(std::max<int64_t>(line.sums.count, 1));
  double loss = line.sums.loss / count;
  char text[96];
  // Four decimals of a large number would push the rest out of the line.
  int used =
      snprintf(text, sizeof(text), std::fabs(loss) < 1000 ? "  loss %.4f" : "  loss %.4g", loss);
  if (line.accuracy)
    used += snprintf(text + used, sizeof(text) - size_t(used), "  acc %.2f%%",
                     100 * double(line.sums.correct) / count);
  snprintf(text + used, sizeof(text) - size_t(used), "  %.0f images/s", line.rate);
  return text;
}

std::string ProgressLine::live(int columns) const {
  double part = samples ? double(position) / double(samples) : 1;
  char percent[16];
  snprintf(percent, sizeof(percent), " %3.0f%%", std::floor(100 * part));
  std::string text = formatEpoch(*this);
  std::string rest = percent + formatSums(*this) + "  " + formatDuration(seconds) + " left";
  int room = columns - int(text.size() + rest.size()) - 3;
  if (room >= 4) {
    int bar = std::min(room, 30), filled = int(part * bar);
    text += " [" + std::string(size_t(filled), '=');
    if (filled < bar)
      text += ">" + std::string(size_t(bar - filled - 1), ' ');
    text += "]";
  }
  return (text + rest).substr(0, size_t(std::max(columns, 0)));
}

std::string ProgressLine::plain() const {
  return formatEpoch(*this) + "  " + std::to_string(position) + "/" + std::to_string(samples) +
         formatSums(*this) + "  " + formatDuration(seconds) + (position < samples ? " left" : "");
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
  // A full last column would make some terminals go to the next line.
  if (style == Style::Live)
    return writeOutput("\r" + line.live(terminalColumns() - 1) + "\033[K");
  return writeOutput(line.plain() + "\n");
}

bool Progress::add(const ai_rt_metrics_t &metrics) {
  line.position += metrics.count;
  line.sums.loss += metrics.loss;
  line.sums.correct += metrics.correct;
  line.sums.count += metrics.count;
  if (style == Style::None || line.position >= line.samples)
    return true;
  if (style == Style::Plain) {
    int64_t now = 10 * line.position / line.samples;
    if (now == tenth)
      return true;
    tenth = now;
    return draw();
  }
  Clock::time_point now = Clock::now();
  if (now - lastDraw < std::chrono::milliseconds(100))
    return true;
  lastDraw = now;
  return draw();
}

bool Progress::endEpoch() {
  measure();
  if (style == Style::None)
    return true;
  const char *start = style == Style::Live ? "\r\033[K" : "";
  return writeOutput(start + line.plain() + "\n");
}
