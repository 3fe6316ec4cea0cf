// Times single kernels in Google Benchmark. Each library holds a small model, compiled with a
// profile, around one layer; a benchmark is what the model's nests of one name take of a step:
//
//   ai-kernels [--seconds S] [--threads N] [--batch N] [--benchmark_...] LIB.so=NAME,NAME... ...
//
// Nests are meant by names of what they write. kernels.py makes the libraries and calls this.
// Without a library it times what it costs to share a step among threads.

#include "ai/Runtime/ai_rt.h"
#include "lib/Runtime/Machine.h"
#include "lib/Runtime/ThreadPool.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <random>
#include <sstream>

using ai::rt::Machine;

namespace {

struct Options {
  double seconds = 0.2; // of the steps behind one number
  long threads = 1, batch = 64;
};

[[noreturn]] void fail(const std::string &message) {
  std::fprintf(stderr, "ai-kernels: error: %s\n", message.c_str());
  std::exit(1);
}

/// A compiled library; it brings a runtime of its own.
class Library {
public:
  explicit Library(const std::string &path) : path(path) {
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      fail(dlerror());
  }
  template <typename Function> Function *find(const char *name) const {
    auto *function = reinterpret_cast<Function *>(dlsym(handle, name));
    if (!function)
      fail(path + ": expects the function " + name + "; was it made by ai-compile --emit=lib?");
    return function;
  }

private:
  std::string path;
  void *handle;
};

/// What a step spent on some nests.
struct Work {
  double seconds = 0, least = 0, flops = 0, roof = 0;
};

/// A model of one layer that trains on random samples.
class Kernel {
public:
  Kernel(const std::string &path, std::string words, const Options &options, const Machine &machine)
      : options(options), machine(machine), library(path),
        trainStep(library.find<decltype(ai_rt_model_train_step)>("ai_rt_model_train_step")),
        reset(library.find<decltype(ai_rt_model_profile_reset)>("ai_rt_model_profile_reset")),
        profile(library.find<decltype(ai_rt_model_profile)>("ai_rt_model_profile")) {
    size_t slash = path.rfind('/');
    name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    name.resize(name.find(".so"));
    program = library.find<const ai_rt_program_t *()>((name + "_program").c_str())();
    ai_rt_config_t config = {options.threads, options.batch, 1, 0};
    auto create = library.find<decltype(ai_rt_model_create)>("ai_rt_model_create");
    if (create(program, &config, &model) != AI_RT_OK)
      fail(library.find<decltype(ai_rt_last_error)>("ai_rt_last_error")());
    if (program->num_profile_rows == 0)
      fail(path + ": expects a library compiled with --profile");
    makeSamples();
    findRows(words);
  }

  /// Runs a step; what it spent on the nests called `row`.
  Work step(const std::string &row) {
    reset(model);
    if (trainStep(model, inputs.data(), targets.data(), options.batch, nullptr) != AI_RT_OK)
      fail(name + ": " + library.find<decltype(ai_rt_last_error)>("ai_rt_last_error")());
    Work work;
    for (int64_t i : rows[row]) {
      const ai_rt_profile_row_t &info = program->profile_rows[i];
      int64_t calls;
      double seconds, least, threads = double(options.threads);
      profile(model, i, &calls, &seconds, &least);
      double share = info.shared ? 1 / threads : 1; // of the nest, in a call
      // A thread that finds nothing to do of a shared nest is quick.
      bool hasLeast = !info.shared || options.threads == 1;
      work.seconds += seconds / threads;
      work.least += (hasLeast ? least * double(calls) : seconds) / threads;
      work.flops += double(calls) * share * info.flops;
      work.roof +=
          double(calls) / threads *
          machine.leastSeconds(share * info.flops, share * info.bytes, share * info.working_set);
    }
    return work;
  }

  std::string name;
  std::map<std::string, std::vector<int64_t>> rows; ///< By the name of their nests.

private:
  int64_t elements(const char *step, int64_t role) const {
    auto find = library.find<decltype(ai_rt_program_find_step)>("ai_rt_program_find_step");
    const ai_rt_step_t *train = find(program, step);
    for (int64_t i = 0; train && i < train->num_tensors; ++i)
      if (train->tensors[i].role == role) {
        int64_t count = 1;
        for (int64_t d = 1; d < train->tensors[i].rank; ++d)
          count *= train->tensors[i].shape[d];
        return count;
      }
    fail(name + ": expects a model that trains a classifier");
  }

  void makeSamples() {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    inputs.resize(size_t(options.batch * elements("train", AI_RT_INPUT)));
    targets.resize(size_t(options.batch * elements("train", AI_RT_TARGET)));
    for (float &value : inputs)
      value = normal(random);
    for (int32_t &value : targets)
      value = int32_t(random() % uint32_t(program->num_classes));
  }

  /// The rows that name one of `words`, separated by commas, among what they write.
  void findRows(const std::string &words) {
    auto split = [](const std::string &text, char separator) {
      std::vector<std::string> parts;
      std::istringstream stream(text);
      for (std::string part; std::getline(stream, part, separator);)
        parts.push_back(part);
      return parts;
    };
    for (int64_t i = 0; i < program->num_profile_rows; ++i) {
      std::string row = program->profile_rows[i].name;
      for (const std::string &part : split(row, '+'))
        for (const std::string &word : split(words, ','))
          if (part == word && (rows[row].empty() || rows[row].back() != i))
            rows[row].push_back(i);
    }
    // Nests of evaluation and prediction have the same names, but do not run.
    for (auto &[row, ids] : rows)
      if (step(row).seconds > 0)
        running.push_back(row);
    if (running.empty())
      fail(name + ": has no nest of " + words);
  }

  const Options &options;
  const Machine &machine;
  Library library;
  decltype(ai_rt_model_train_step) *trainStep;
  decltype(ai_rt_model_profile_reset) *reset;
  decltype(ai_rt_model_profile) *profile;
  const ai_rt_program_t *program;
  ai_rt_model_t *model = nullptr;
  std::vector<float> inputs;
  std::vector<int32_t> targets;

public:
  std::vector<std::string> running; ///< Those of `rows` that a training step runs.
};

} // namespace

/// One number: the mean time of a step that goes to nests of one name, with what that is of the
/// peak; `best` takes the shortest call of each step and the best step.
static void run(benchmark::State &state, Kernel &kernel, const std::string &row,
                const Machine &machine) {
  Work sum, best;
  for (auto _ : state) {
    Work work = kernel.step(row);
    state.SetIterationTime(work.seconds);
    sum.seconds += work.seconds;
    sum.flops += work.flops;
    if (best.least == 0 || work.least < best.least)
      best = work;
  }
  state.counters["GFLOP/s"] = 1e-9 * sum.flops / sum.seconds;
  state.counters["%peak"] = 100 * sum.flops / sum.seconds / machine.flops.best;
  state.counters["%best"] = 100 * best.flops / best.least / machine.flops.best;
  state.counters["roof_us"] = 1e6 * best.roof;
}

/// As many steps as fill the time that is asked for.
static int64_t countSteps(Kernel &kernel, double seconds) {
  auto start = std::chrono::steady_clock::now();
  auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  int64_t steps = 0;
  for (; elapsed() < 0.05; ++steps)
    kernel.step(kernel.running.front());
  return std::max<int64_t>(3, int64_t(double(steps) * seconds / elapsed()));
}

static std::string describe(const Machine &machine) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.1f GFLOP/s (median %.1f)", 1e-9 * machine.flops.best,
                1e-9 * machine.flops.median);
  return text;
}

static void addContext(const Machine &machine) {
  benchmark::AddCustomContext("FMA peak", describe(machine));
  for (const ai::rt::MemoryLevel &level : machine.levels) {
    char text[64];
    std::snprintf(text, sizeof(text), "%.1f GB/s", 1e-9 * level.bytesRead.best);
    benchmark::AddCustomContext(level.name + " reads", text);
  }
}

/// Takes the options of this program out of the arguments.
static Options takeOptions(std::vector<std::string> &arguments) {
  Options options;
  for (size_t i = 0; i + 1 < arguments.size();) {
    double value = std::atof(arguments[i + 1].c_str());
    if (arguments[i] == "--seconds")
      options.seconds = value;
    else if (arguments[i] == "--threads")
      options.threads = long(value);
    else if (arguments[i] == "--batch")
      options.batch = long(value);
    else {
      ++i;
      continue;
    }
    if (value <= 0 || (arguments[i] != "--seconds" && value < 1))
      fail("expects " + arguments[i] + " to be positive, got " + arguments[i + 1]);
    arguments.erase(arguments.begin() + long(i), arguments.begin() + long(i) + 2);
  }
  return options;
}

/// A step's way through the pool, with nothing to do: fork, a wait before the combine, join.
static void shareStep(benchmark::State &state) {
  ai::rt::ThreadPool pool(state.range(0), state.range(1) != 0);
  auto work = [](void *pool, int64_t) { static_cast<ai::rt::ThreadPool *>(pool)->barrier(); };
  std::vector<double> times;
  for (auto _ : state) {
    auto start = std::chrono::steady_clock::now();
    pool.run(work, &pool);
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(time.count());
    times.push_back(time.count());
  }
  std::sort(times.begin(), times.end());
  state.counters["min_us"] = 1e6 * times.front();
  state.counters["median_us"] = 1e6 * times[times.size() / 2];
}

/// Up to as many threads as there are CPUs, and twice as many, which sleep instead of spinning.
static void registerPools() {
  int64_t cpus = ai::rt::numUsableCPUs();
  auto *pools = benchmark::RegisterBenchmark("share_step", shareStep);
  pools->ArgNames({"threads", "pin"})->UseManualTime()->Unit(benchmark::kMicrosecond);
  for (int64_t threads = 1; threads <= 2 * cpus; threads *= 2) {
    pools->Args({threads, 0});
    if (threads <= cpus)
      pools->Args({threads, 1});
  }
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  Options options = takeOptions(arguments);
  if (arguments.empty())
    registerPools();
  for (const std::string &argument : arguments)
    if (argument.find(".so=") == std::string::npos)
      fail("expects LIB.so=NAME,NAME..., got '" + argument + "'");
  Machine machine = ai::rt::measureMachine(options.threads);
  addContext(machine);
  std::vector<std::unique_ptr<Kernel>> kernels;
  for (const std::string &argument : arguments) {
    size_t equals = argument.rfind('=');
    kernels.push_back(std::make_unique<Kernel>(argument.substr(0, equals),
                                               argument.substr(equals + 1), options, machine));
    Kernel &kernel = *kernels.back();
    int64_t steps = countSteps(kernel, options.seconds);
    for (const std::string &row : kernel.running)
      benchmark::RegisterBenchmark(
          (kernel.name + "/" + row).c_str(),
          [&kernel, row, &machine](benchmark::State &state) { run(state, kernel, row, machine); })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond)
          ->Iterations(steps);
  }
  benchmark::RunSpecifiedBenchmarks();
  Machine after = {options.threads, ai::rt::measurePeak(options.threads), {}};
  std::fprintf(stderr, "FMA peak before %s, after %s\n", describe(machine).c_str(),
               describe(after).c_str());
}
