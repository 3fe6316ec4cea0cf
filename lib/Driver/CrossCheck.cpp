// Two programs of each kind, one for the CPU and one for the GPU: those that keep what every op
// computes say where the targets part; those that a user gets, whose nests are fused as usual, say
// whether it comes to the same. All are loaded into this process and driven by the runtime's API.

#include "lib/Driver/CrossCheck.h"
#include "ai/Runtime/ai_rt.h"
#include "lib/Driver/Header.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstdlib>
#include <dlfcn.h>
#include <random>

using namespace mlir;
using namespace ai;

/// Fewer samples than a CPU's block has, so that one is filled in part, and of several GPU blocks.
static constexpr int64_t kMaxSamples = 3;
/// The second step starts from states that are not zero.
static constexpr int kSteps = 2;

/// What may lie between two orders of summation, of the largest element.
static double toleranceOf(int64_t dtype) { return dtype == AI_RT_F64 ? 1e-10 : 1e-4; }

static LogicalResult refuse(const Twine &message) {
  llvm::errs() << "ai-compile: error: " << message << "\n";
  return failure();
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

namespace {
/// A dense array on the host.
struct Array {
  int64_t dtype = AI_RT_F32;
  SmallVector<int64_t> shape;
  std::vector<char> bytes;

  static Array of(const ai_rt_tensor_info_t &info) {
    return {info.dtype, SmallVector<int64_t>(info.shape, info.shape + info.rank),
            std::vector<char>(info.bytes)};
  }

  int64_t numElements() const { return int64_t(bytes.size()) / ai_rt_dtype_size(dtype); }

  double operator[](int64_t i) const {
    auto at = [&](auto zero) {
      std::memcpy(&zero, bytes.data() + i * int64_t(sizeof(zero)), sizeof(zero));
      return double(zero);
    };
    switch (dtype) {
    case AI_RT_F32:
      return at(float());
    case AI_RT_F64:
      return at(double());
    case AI_RT_I32:
      return at(int32_t());
    case AI_RT_I64:
      return at(int64_t());
    default:
      return at(int8_t());
    }
  }

  void set(int64_t i, double value) {
    auto put = [&](auto converted) {
      std::memcpy(bytes.data() + i * int64_t(sizeof(converted)), &converted, sizeof(converted));
    };
    switch (dtype) {
    case AI_RT_F32:
      return put(float(value));
    case AI_RT_F64:
      return put(value);
    case AI_RT_I32:
      return put(int32_t(value));
    case AI_RT_I64:
      return put(int64_t(value));
    default:
      return put(int8_t(value));
    }
  }

  /// Keeps the first `count` entries of the first dimension.
  void truncate(int64_t count) {
    bytes.resize(bytes.size() / shape.front() * count);
    shape.front() = count;
  }
};

/// Values that a program keeps for a comparison: "watch.NUMBER TEXT".
constexpr StringRef kWatch = "watch.";

/// One value on both targets.
struct Comparison {
  std::string name;
  double difference = 0, largest = 0; ///< NaN and infinity count as an infinite difference.
  double cpu = 0, gpu = 0;            ///< Where the difference is greatest.
  double tolerance = 0;
  std::string element;

  /// For people.
  StringRef label() const {
    return StringRef(name).starts_with(kWatch) ? StringRef(name).split(' ').second
                                               : StringRef(name);
  }
  double ratio() const { return difference == 0 ? 0 : difference / largest; }
  bool isBeyond() const { return !(ratio() <= tolerance); }

  Comparison(StringRef name, const Array &cpuValue, const Array &gpuValue)
      : name(name), tolerance(toleranceOf(cpuValue.dtype)) {
    assert(cpuValue.shape == gpuValue.shape && "one model has one shape");
    int64_t worst = -1;
    for (int64_t i = 0; i < cpuValue.numElements(); ++i) {
      double a = cpuValue[i], b = gpuValue[i];
      if (std::isfinite(a))
        largest = std::max(largest, std::abs(a));
      bool isSame = a == b || (std::isnan(a) && std::isnan(b));
      double d = isSame ? 0 : std::abs(a - b);
      if (!isSame && !std::isfinite(d))
        d = std::numeric_limits<double>::infinity();
      if (d <= difference && worst >= 0)
        continue;
      difference = d, cpu = a, gpu = b, worst = i;
    }
    SmallVector<std::string> indices;
    for (int64_t extent : llvm::reverse(cpuValue.shape)) {
      indices.insert(indices.begin(), std::to_string(worst % extent));
      worst /= extent;
    }
    element = "[" + llvm::join(indices, ", ") + "]";
  }
};

/// Comparisons in the order of the first ones of their names; of each name the worst.
class Table {
public:
  void add(const Comparison &next) {
    auto *found = llvm::find_if(rows, [&](const Comparison &c) { return c.name == next.name; });
    if (found == rows.end())
      rows.push_back(next);
    else if (!(next.ratio() <= found->ratio()))
      *found = next;
  }

  void print(StringRef title, raw_ostream &os) const {
    if (rows.empty())
      return;
    os << "\n"
       << title << "\n"
       << llvm::formatv("{0,11} {1,11}  {2}\n", "difference", "largest", "value");
    for (const Comparison &row : rows)
      os << llvm::formatv("{0,11:e2} {1,11:e2}{2} {3}\n", row.difference, row.largest,
                          row.isBeyond() ? "!" : " ", row.label());
  }

  /// Null if all are alike.
  const Comparison *firstBeyond() const {
    auto *found = llvm::find_if(rows, [](const Comparison &c) { return c.isBeyond(); });
    return found == rows.end() ? nullptr : found;
  }

private:
  SmallVector<Comparison, 0> rows;
};

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

/// A compiled model, loaded. It has a runtime of its own.
class Library {
public:
  ~Library() {
    if (handle)
      dlclose(handle);
  }

  LogicalResult compileAndLoad(CompileOptions options, StringRef target, StringRef folder) {
    SmallString<128> path(folder);
    llvm::sys::path::append(path, target + (options.watch ? "-watched.so" : ".so"));
    options.target = target.str();
    if (target == "cpu") {
      options.archs.clear();
      options.gpuMutant.clear();
      options.gpuLibrary.clear();
      options.gpuPrecision.clear();
    }
    options.emit = "lib";
    options.output = std::string(path);
    if (failed(compile(options)))
      return failure();
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      return refuse(Twine("cannot load what was compiled: ") + dlerror());
    auto *accessor = reinterpret_cast<const ai_rt_program_t *(*)()>(
        dlsym(handle, programAccessor(llvm::sys::path::stem(options.input)).c_str()));
    assert(accessor && "a library has its program");
    program = accessor();
    return success();
  }

  /// A function of its runtime.
  template <typename Fn> Fn *find(Fn *, const char *name) const {
    auto *found = reinterpret_cast<Fn *>(dlsym(handle, name));
    assert(found && "a library exports the runtime's API");
    return found;
  }
#define AI_RT_CALL(library, function) (library).find(&(function), #function)

  LogicalResult check(ai_rt_status_t status) const {
    return status == AI_RT_OK ? success() : refuse(AI_RT_CALL(*this, ai_rt_last_error)());
  }

  const ai_rt_program_t *program = nullptr;

private:
  void *handle = nullptr;
};

/// A model of a library.
class Model {
public:
  Model(const Library &library, int64_t numSamples) : library(library), numSamples(numSamples) {}
  ~Model() {
    if (handle)
      AI_RT_CALL(library, ai_rt_model_destroy)(handle);
  }

  LogicalResult create() {
    ai_rt_config_t config{1, numSamples, library.program->seed, /*pin=*/0};
    return library.check(
        AI_RT_CALL(library, ai_rt_model_create)(library.program, &config, &handle));
  }

  LogicalResult train(const Array &inputs, const Array &targets, Array &loss) {
    return library.check(AI_RT_CALL(library, ai_rt_model_train_step)(
        handle, inputs.bytes.data(), targets.bytes.data(), numSamples,
        reinterpret_cast<float *>(loss.bytes.data())));
  }

  /// The mean loss, then the number of samples that it gets right.
  LogicalResult evaluate(const Array &inputs, const Array &targets, Array &results) {
    ai_rt_metrics_t metrics{};
    if (failed(library.check(AI_RT_CALL(library, ai_rt_model_evaluate)(
            handle, inputs.bytes.data(), targets.bytes.data(), numSamples, &metrics))))
      return failure();
    results.set(0, metrics.loss / double(metrics.count));
    results.set(1, double(metrics.correct));
    return success();
  }

  LogicalResult predict(const Array &inputs, Array &outputs) {
    return library.check(AI_RT_CALL(library, ai_rt_model_predict)(
        handle, inputs.bytes.data(), numSamples, outputs.bytes.data()));
  }

  LogicalResult get(const ai_rt_tensor_info_t &info, Array &value) {
    value = Array::of(info);
    return library.check(AI_RT_CALL(library, ai_rt_model_get_tensor)(
        handle, info.name, value.bytes.data(), info.bytes));
  }

  const Library &library;

private:
  int64_t numSamples;
  ai_rt_model_t *handle = nullptr;
};

//===----------------------------------------------------------------------===//
// The check
//===----------------------------------------------------------------------===//

class CrossChecker {
public:
  /// A panel keeps the last round of samples: there is one round.
  CrossChecker(const Library &cpu, const Library &gpu)
      : libraries{&cpu, &gpu}, numSamples(std::min(kMaxSamples, samplesOfRound(*gpu.program))) {}

  LogicalResult run() {
    if (cpu().num_steps && failed(runModel()))
      return failure();
    for (int64_t i = 0; i < cpu().num_functions; ++i)
      if (failed(callFunction(i)))
        return failure();
    return success();
  }

  Table table;

private:
  static int64_t samplesOfRound(const ai_rt_program_t &program) {
    const ai_rt_step_t *step = program.steps;
    return program.num_steps ? step->num_slots * step->block_size : kMaxSamples;
  }

  const ai_rt_program_t &cpu() { return *libraries[0]->program; }

  const ai_rt_tensor_info_t &tensorOf(ai_rt_role_t role) {
    for (const ai_rt_step_t &step : ArrayRef(cpu().steps, cpu().num_steps))
      for (const ai_rt_tensor_info_t &tensor : ArrayRef(step.tensors, step.num_tensors))
        if (tensor.role == role)
          return tensor;
    llvm_unreachable("steps have inputs, targets and outputs");
  }

  /// As many rows as there are samples.
  Array samplesOf(ai_rt_role_t role) {
    Array rows = Array::of(tensorOf(role));
    rows.bytes.resize(rows.bytes.size() / rows.shape.front() * numSamples);
    rows.shape.front() = numSamples;
    return rows;
  }

  void fillNormal(Array &array) {
    std::normal_distribution<double> normal;
    for (int64_t i = 0; i < array.numElements(); ++i)
      array.set(i, normal(random));
  }

  LogicalResult runModel() {
    Model models[] = {{*libraries[0], numSamples}, {*libraries[1], numSamples}};
    Array inputs = samplesOf(AI_RT_INPUT), targets = samplesOf(AI_RT_TARGET);
    Array pair[2];
    for (Model &model : models)
      if (failed(model.create()))
        return failure();
    for (int step = 0; step < kSteps; ++step) {
      fillNormal(inputs);
      if (cpu().loss == AI_RT_MSE_LOSS)
        fillNormal(targets);
      else
        for (int64_t i = 0; i < numSamples; ++i)
          targets.set(i, double(random() % uint64_t(cpu().num_classes)));
      for (auto [model, loss] : llvm::zip(models, pair)) {
        loss = {AI_RT_F32, {1}, std::vector<char>(sizeof(float))};
        if (failed(model.train(inputs, targets, loss)))
          return failure();
      }
      if (failed(compareTensors(models)))
        return failure();
      table.add(Comparison("loss of a training step", pair[0], pair[1]));
    }
    for (auto [model, results] : llvm::zip(models, pair)) {
      results = {AI_RT_F64, {2}, std::vector<char>(2 * sizeof(double))};
      if (failed(model.evaluate(inputs, targets, results)))
        return failure();
    }
    Comparison evaluation("evaluation", pair[0], pair[1]);
    evaluation.tolerance = toleranceOf(tensorOf(AI_RT_OUTPUT).dtype);
    table.add(evaluation);
    for (auto [model, outputs] : llvm::zip(models, pair)) {
      outputs = samplesOf(AI_RT_OUTPUT);
      if (failed(model.predict(inputs, outputs)))
        return failure();
    }
    table.add(Comparison("predictions", pair[0], pair[1]));
    return success();
  }

  /// Watched values first: they are in the order of the ops.
  LogicalResult compareTensors(MutableArrayRef<Model> models) {
    auto tensors = [](const Model &model) {
      const ai_rt_program_t &program = *model.library.program;
      SmallVector<const ai_rt_tensor_info_t *> watched, others;
      for (const ai_rt_tensor_info_t &tensor : ArrayRef(program.tensors, program.num_tensors))
        (StringRef(tensor.name).starts_with(kWatch) ? watched : others).push_back(&tensor);
      llvm::sort(watched,
                 [](const auto *x, const auto *y) { return StringRef(x->name) < y->name; });
      watched.append(others);
      return watched;
    };
    auto cpuTensors = tensors(models[0]), gpuTensors = tensors(models[1]);
    assert(cpuTensors.size() == gpuTensors.size() && "one model has one set of tensors");
    for (auto [cpuInfo, gpuInfo] : llvm::zip(cpuTensors, gpuTensors)) {
      assert(StringRef(cpuInfo->name) == gpuInfo->name && "one model has one set of tensors");
      if (cpuInfo->role == AI_RT_SETTING)
        continue;
      Array values[2];
      if (failed(models[0].get(*cpuInfo, values[0])) || failed(models[1].get(*gpuInfo, values[1])))
        return failure();
      StringRef name = cpuInfo->name;
      if (name.starts_with(kWatch) && name.split(' ').first.ends_with("n"))
        for (Array &value : values)
          value.truncate(numSamples);
      table.add(Comparison(name, values[0], values[1]));
    }
    return success();
  }

  LogicalResult callFunction(int64_t index) {
    const ai_rt_function_t &function = cpu().functions[index];
    std::uniform_real_distribution<double> uniform(0.5, 1.5); // where functions are defined
    SmallVector<Array> args;
    SmallVector<const void *> argPointers;
    for (const ai_rt_tensor_info_t &info : ArrayRef(function.args, function.num_args)) {
      args.push_back(Array::of(info));
      for (int64_t i = 0; i < args.back().numElements(); ++i)
        args.back().set(i, uniform(random));
    }
    for (Array &arg : args)
      argPointers.push_back(arg.bytes.data());
    SmallVector<Array> results[2];
    for (auto [library, values] : llvm::zip(libraries, results)) {
      SmallVector<void *> pointers;
      for (const ai_rt_tensor_info_t &info : ArrayRef(function.results, function.num_results))
        values.push_back(Array::of(info));
      for (Array &value : values)
        pointers.push_back(value.bytes.data());
      if (failed(library->check(AI_RT_CALL(*library, ai_rt_call)(
              library->program, function.name, argPointers.data(), pointers.data()))))
        return failure();
    }
    for (int64_t i = 0; i < function.num_results; ++i) {
      StringRef name = function.results[i].name;
      std::string what = name.starts_with(kWatch) ? name.str() : "result " + std::to_string(i);
      table.add(Comparison(what + " of @" + function.name, results[0][i], results[1][i]));
    }
    return success();
  }

  const Library *libraries[2];
  int64_t numSamples;
  std::mt19937_64 random{1};
};
} // namespace

/// The GPU, or the emulator where there is none.
static FailureOr<std::string> findDevice(const Library &library) {
  char text[512];
  auto *describe = AI_RT_CALL(library, ai_rt_program_device);
  ai_rt_status_t status = describe(library.program, text, sizeof(text));
  if (status == AI_RT_NO_DEVICE && !std::getenv("AI_GPU")) {
    setenv("AI_GPU", "emulate", 0);
    status = describe(library.program, text, sizeof(text));
  }
  if (failed(library.check(status)))
    return failure();
  return std::string(text);
}

LogicalResult ai::crossCheck(const CompileOptions &options) {
  SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("ai-cross-check", folder))
    return refuse("cannot make a temporary folder: " + error.message());
  llvm::scope_exit cleanup([&] { llvm::sys::fs::remove_directories(folder); });
  const Comparison *first = nullptr;
  Table tables[2];
  static constexpr StringRef titles[] = {"as it is compiled",
                                         "op by op, with every result kept: fusion may differ"};
  for (bool isWatched : {true, false}) {
    CompileOptions own = options;
    own.watch = isWatched;
    Library cpu, gpu;
    if (failed(cpu.compileAndLoad(own, "cpu", folder)) ||
        failed(gpu.compileAndLoad(own, "cuda", folder)))
      return failure();
    FailureOr<std::string> device = findDevice(gpu);
    if (failed(device))
      return failure();
    if (isWatched)
      llvm::outs() << options.input << ": this processor against " << *device << "\n";
    CrossChecker checker(cpu, gpu);
    LogicalResult result = checker.run();
    Table &table = tables[isWatched] = std::move(checker.table);
    table.print(titles[isWatched], llvm::outs());
    llvm::outs().flush();
    if (failed(result))
      return failure();
    if (!first)
      first = table.firstBeyond();
  }
  if (!first) {
    llvm::outs() << "\nall within the tolerance\n";
    return success();
  }
  return refuse(llvm::formatv(
      "expects differences of at most {0:e0} of the largest element; the first beyond is {1}: "
      "{2:e2} at {3}, where the CPU has {4:e6} and the GPU {5:e6}",
      first->tolerance, first->label(), first->difference, first->element, first->cpu, first->gpu));
}
