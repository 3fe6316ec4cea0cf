//===- Progress.h - how a training is going ---------------------*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On a terminal one line that is drawn over and over:
//   Epoch 2/4 [=======>      ]  55%  loss 0.0812  acc 97.51%  98765 images/s  0:12 left
// Elsewhere a plain line for each tenth of an epoch.
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_PROGRESS_H
#define AI_LIB_RUNTIME_PROGRESS_H

#include "ai/Runtime/ai_rt.h"

#include <chrono>

namespace ai::rt {

/// A line being put together. Lines are drawn between steps, which allocate nothing, so this does
/// not either; what does not fit is cut off.
class LineText {
public:
  /// Appends as printf does.
  [[gnu::format(printf, 2, 3)]] void append(const char *format, ...);
  void append(char c, int count);
  void append(const LineText &other) { append("%s", other.text); }
  /// Keeps the first `columns` characters.
  void cut(int columns);
  int size() const { return used; }
  const char *data() const { return text; }

private:
  char text[256] = "";
  int used = 0;
};

/// Where a training stands, and how it went since the epoch, or the process, began.
struct ProgressLine {
  int64_t epoch = 0; ///< From 0.
  int64_t epochs = 0;
  int64_t position = 0, samples = 0; ///< Of this epoch.
  ai_rt_metrics_t sums = {};
  bool accuracy = true;
  double rate = 0;    ///< Samples a second.
  double seconds = 0; ///< Left, or, at the end of an epoch, taken.

  /// The live line, at most `columns` wide.
  LineText live(int columns) const;
  /// The plain line.
  LineText plain() const;
};

/// Reports a training as it goes, without any allocation.
class Progress {
public:
  enum class Style : uint8_t { None, Plain, Live };

  /// Live on a terminal that can move its cursor, plain elsewhere.
  static Style styleOfOutput();

  Progress(Style style, int64_t epochs, int64_t samples, bool accuracy);

  /// Begins epoch `epoch` (from 0) at `position`, which is not 0 after resuming.
  void beginEpoch(int64_t epoch, int64_t position);
  /// Goes on by `count` samples. True if a line is due.
  bool advance(int64_t count);
  /// Adds what the samples since the last call came to.
  void add(const ai_rt_metrics_t &metrics);
  /// Writes the line that is due. False once nobody reads the output.
  bool draw();
  /// Ends the epoch, or the part of it that was done, with a line that stays.
  bool endEpoch();

  /// Sums and speed of this epoch so far.
  const ProgressLine &state() const { return line; }

private:
  using Clock = std::chrono::steady_clock;

  void measure();

  Style style;
  ProgressLine line;
  Clock::time_point epochStart, lastDraw;
  int64_t tenth = 0;
};

/// Appends "1:02:03", "2:05", "0:07".
void appendDuration(LineText &line, double seconds);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_PROGRESS_H
