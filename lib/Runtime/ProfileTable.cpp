//===- ProfileTable.cpp - a profile beside its roofline -------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProfileTable.h"

#include "Error.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

using namespace ai::rt;

static std::string format(const char *text, ...) __attribute__((format(printf, 1, 2)));
static std::string format(const char *text, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, text);
  vsnprintf(buffer, sizeof(buffer), text, arguments);
  va_end(arguments);
  return buffer;
}

/// A dash where there is nothing to tell.
static std::string number(const char *text, double value) {
  return value > 0 ? format(text, value) : "-";
}

static std::string describe(const Machine &machine) {
  std::string text = format("%lld threads: FMA peak %.1f GFLOP/s (median %.1f); reads in GB/s:",
                            static_cast<long long>(machine.threads), 1e-9 * machine.flops.best,
                            1e-9 * machine.flops.median);
  for (const MemoryLevel &level : machine.levels)
    text += format(" %s %.1f", level.name.c_str(), 1e-9 * level.bytesRead.best);
  return text + "\n";
}

namespace {
/// One row in numbers. A run of a shared nest is one call on each thread: each has done its share.
struct Line {
  Line(const ProfileRow &row, const Machine &machine) : row(row) {
    const ai_rt_profile_row_t &info = *row.info;
    double share = info.shared ? 1 / double(machine.threads) : 1;
    flops = share * info.flops;
    if (info.bytes <= 0)
      return;
    level = machine.levelOf(share * info.working_set).name;
    least = machine.leastSeconds(flops, share * info.bytes, share * info.working_set);
    // Threads with nothing to do return at once, so the shortest call says nothing.
    best = info.shared ? 0 : row.least;
  }

  const ProfileRow &row;
  double flops = 0; ///< Of a call.
  double least = 0; ///< Seconds of a call, by the roofline.
  double best = 0;  ///< Seconds of the shortest call; 0 if not known.
  std::string level = "-";
};
} // namespace

static std::string format(const Line &line, double perStep, double total, const Machine &machine) {
  const ProfileRow &row = line.row;
  double mean = row.seconds / double(row.calls), flops = line.flops;
  double peak = machine.flops.best / double(machine.threads);
  double intensity = row.info->bytes > 0 ? row.info->flops / row.info->bytes : 0;
  return format("%8.2f %9.2f %8.1f %9.2f %9.2f %9s %8s %7s %7s %7s  %-6s  %s\n",
                100 * row.seconds * perStep / total, 1e6 * row.seconds * perStep,
                double(row.calls) * perStep, 1e6 * mean, 1e6 * row.least,
                number("%.2f", 1e6 * line.least).c_str(),
                number("%.2f", 1e-9 * flops / mean).c_str(),
                number("%.1f", 100 * flops / mean / peak).c_str(),
                number("%.1f", line.best > 0 ? 100 * flops / line.best / peak : 0).c_str(),
                number("%.2f", intensity).c_str(), line.level.c_str(), row.info->name);
}

/// A row that is no nest: a share of the step, and what it was spent on.
static std::string formatRest(double seconds, double total, const std::string &name) {
  return format("%8.2f %9.2f %79s  %s\n", 100 * seconds / total, 1e6 * seconds, "", name.c_str());
}

std::string ai::rt::formatProfile(Profile profile, const Machine &machine, int64_t limit) {
  std::vector<ProfileRow> &rows = profile.rows;
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [](const ProfileRow &row) { return row.calls == 0; }),
             rows.end());
  std::sort(rows.begin(), rows.end(), [](const ProfileRow &a, const ProfileRow &b) {
    return a.seconds != b.seconds ? a.seconds > b.seconds : a.info < b.info;
  });
  double perStep = 1 / double(profile.steps);
  double total = double(machine.threads) * profile.wall * perStep;
  double rest = total, others = 0, roof = 0, flops = 0;
  auto shown = limit > 0 ? std::min(size_t(limit), rows.size()) : rows.size();
  std::string text = describe(machine);
  text += format("%8s %9s %8s %9s %9s %9s %8s %7s %7s %7s  %-6s  %s\n", "Total %", "Total us",
                 "Calls", "Avg us", "Min us", "Roof us", "GFLOP/s", "% peak", "at best", "FLOP/B",
                 "Fits", "Name (times of a step, all threads added up)");
  for (size_t i = 0; i < rows.size(); ++i) {
    const ProfileRow &row = rows[i];
    Line line(row, machine);
    if (i < shown)
      text += format(line, perStep, total, machine);
    else
      others += row.seconds * perStep;
    rest -= row.seconds * perStep;
    roof += line.least * double(row.calls) * perStep;
    flops += line.flops * double(row.calls) * perStep;
  }
  if (shown < rows.size())
    text += formatRest(others, total,
                       concat("others: ", rows.size() - shown, "; --rows 0 shows them all"));
  text += formatRest(rest, total, "outside: other threads at the end, between steps");
  text += format("%8.2f %9.2f %18s %9s %9.2f %8.2f %7.1f\n", 100.0, 1e6 * total, "", "", 1e6 * roof,
                 1e-9 * flops / total * double(machine.threads),
                 100 * flops / total * double(machine.threads) / machine.flops.best);
  return text;
}
