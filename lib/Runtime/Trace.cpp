//===- Trace.cpp - what each thread does when -----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Trace.h"

#include "File.h"
#include "Model.h"
#include "Terminal.h"

#include <algorithm>
#include <cstdio>

using namespace ai::rt;

/// Events that a thread has room for, at most: 32 MiB.
static constexpr int64_t kMaxEvents = 1 << 20;

/// Runs that are remembered, at most.
static constexpr int64_t kMaxRuns = 1 << 16;

//===----------------------------------------------------------------------===//
// Recording
//===----------------------------------------------------------------------===//

Trace::Trace(int64_t numThreads, int64_t numRuns, int64_t eventsPerRun) : threads(numThreads) {
  if (numRuns < 1)
    throwInvalid("expects to trace at least one step, got ", numRuns);
  if (eventsPerRun > kMaxEvents)
    throwInvalid("expects steps of at most ", kMaxEvents, " events a thread to trace, got ",
                 eventsPerRun, "; take a smaller batch");
  runs.reserve(std::min(numRuns, kMaxRuns));
  for (Thread &thread : threads)
    thread.events.resize(std::min(int64_t(runs.capacity()) * eventsPerRun, kMaxEvents));
}

bool Trace::beginRun(const char *step, int64_t stepsDone, int64_t samples, int64_t events) {
  if (runs.size() == runs.capacity())
    return false;
  for (const Thread &thread : threads)
    if (int64_t(thread.events.size() - thread.used) < events)
      return false;
  runBegin = Clock::now();
  if (runs.empty())
    traceBegin = runBegin;
  runs.push_back({step, stepsDone, samples});
  for (Thread &thread : threads)
    thread.last = runBegin;
  return true;
}

void Trace::lap(int64_t thread, Kind kind, int64_t block, Clock::time_point now) {
  append(thread, {threads[thread].last, now, block, kind});
  threads[thread].last = now;
}

void Trace::append(int64_t thread, const Event &event) {
  Thread &own = threads[thread];
  if (own.used < own.events.size())
    own.events[own.used++] = event;
}

void Trace::endRun() {
  Clock::time_point now = Clock::now();
  for (size_t i = 0; i < threads.size(); ++i) {
    lap(int64_t(i), Kind::Waiting, 0, now);
    append(int64_t(i), {runBegin, now, int64_t(runs.size()) - 1, Kind::Step});
  }
}

//===----------------------------------------------------------------------===//
// Chrome's trace event format
//===----------------------------------------------------------------------===//

/// Microseconds, to the nanosecond.
static std::string microseconds(Trace::Clock::duration time) {
  long long ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  char text[32];
  snprintf(text, sizeof(text), "%lld.%03lld", ns / 1000, ns % 1000);
  return text;
}

void Trace::describe(std::string &text, const ai_rt_program_t &program, size_t thread,
                     const Event &event) const {
  static const char *const names[] = {"", "waiting", "staging", "block", "fold", "combine", ""};
  std::string name = names[size_t(event.kind)], arguments;
  const char *category = "part";
  if (event.kind == Kind::Step) {
    const Run &run = runs[size_t(event.index)];
    name = run.step;
    category = "step";
    arguments = concat("\"steps_done\": ", run.stepsDone, ", \"samples\": ", run.samples);
  } else if (event.kind == Kind::Nest) {
    category = "nest";
    // A nest that writes nothing, such as a sum in registers, has no name.
    name =
        *program.profile_rows[event.index].name ? program.profile_rows[event.index].name : "nest";
  } else if (event.kind == Kind::Staging || event.kind == Kind::Block) {
    arguments = concat("\"block\": ", event.index);
  }
  text += concat(",\n{\"name\": ", jsonString(name), ", \"cat\": \"", category,
                 "\", \"ph\": \"X\", \"pid\": 1, \"tid\": ", thread,
                 ", \"ts\": ", microseconds(event.begin - traceBegin),
                 ", \"dur\": ", microseconds(event.end - event.begin), ", \"args\": {", arguments,
                 "}}");
}

/// Written in pieces: the text of a long trace is several times its events.
void Trace::write(const ai_rt_program_t &program, const std::string &path) const {
  OutputFile file(path);
  std::string text =
      concat("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n{\"name\": \"process_name\", "
             "\"ph\": \"M\", \"pid\": 1, \"args\": {\"name\": ",
             jsonString(program.name), "}}");
  for (size_t i = 0; i < threads.size(); ++i) {
    text += concat(",\n{\"name\": \"thread_name\", \"ph\": \"M\", \"pid\": 1, \"tid\": ", i,
                   ", \"args\": {\"name\": \"thread ", i, "\"}}");
    for (size_t event = 0; event < threads[i].used; ++event) {
      describe(text, program, i, threads[i].events[event]);
      if (text.size() < 1 << 16)
        continue;
      file.write(text.data(), int64_t(text.size()));
      text.clear();
    }
  }
  text += "\n]}\n";
  file.write(text.data(), int64_t(text.size()));
  file.commit();
}

//===----------------------------------------------------------------------===//
// C
//===----------------------------------------------------------------------===//

ai_rt_status_t ai_rt_model_trace_begin(ai_rt_model_t *model, int64_t steps) {
  return guarded([&] {
    if (model->device)
      throwInvalid("expects a program for a CPU to trace; kernels of a GPU keep no times");
    int64_t events = 0;
    for (const StepTensors &step : model->steps)
      events = std::max(events, model->eventsOf(*step.step, model->batch));
    model->trace = std::make_unique<Trace>(model->pool.numThreads(), steps, events);
  });
}

ai_rt_status_t ai_rt_model_trace_write(ai_rt_model_t *model, const char *path) {
  return guarded([&] {
    if (!model->trace || model->trace->empty())
      throwInvalid("expects a step to have run since recording began, got none; ", path,
                   " is not written");
    model->trace->write(model->program, path);
    model->trace.reset();
  });
}
