// Runs a model to see what its nests take.

#include "ai/Driver/Program.h"
#include "lib/Driver/Explain.h"
#include "llvm/ADT/ScopeExit.h"
#include <random>

using namespace mlir;
using namespace ai;

using Clock = std::chrono::steady_clock;
static constexpr int kLeastSteps = 5;
static constexpr double kSeconds = 0.5;

/// The rows of a profile that are no nests come first.
static constexpr int64_t kFirstNest = AI_RT_PROFILE_WAITING + 1;

/// Samples of a batch: labels of any class, or numbers of mean 0 and deviation 1.
template <typename T> static void fill(std::vector<char> &bytes, llvm::function_ref<T()> next) {
  T *values = reinterpret_cast<T *>(bytes.data());
  std::generate(values, values + bytes.size() / sizeof(T), next);
}

static std::vector<char> makeSamples(const ai_rt_program_t &program, const ai_rt_step_t &step,
                                     int64_t role, std::mt19937_64 &random) {
  for (int64_t i = 0; i < step.num_tensors; ++i) {
    const ai_rt_tensor_info_t &tensor = step.tensors[i];
    if (tensor.role != role)
      continue;
    std::vector<char> bytes(tensor.bytes / tensor.shape[0] * program.batch);
    auto number = [&] { return double(random() >> 11) * 0x1p-53 * 3.4641016 - 1.7320508; };
    if (tensor.dtype == AI_RT_I32)
      fill<int32_t>(bytes, [&] {
        return int32_t(random() % uint64_t(std::max<int64_t>(program.num_classes, 1)));
      });
    else if (tensor.dtype == AI_RT_F32)
      fill<float>(bytes, [&] { return float(number()); });
    else
      fill<double>(bytes, number);
    return bytes;
  }
  return {};
}

FailureOr<std::vector<MeasuredNest>> ai::measureNests(ModuleOp module,
                                                      const CompileOptions &options) {
  CompileOptions own = options;
  own.emit = "obj";
  std::unique_ptr<Program> code = Program::load(module, own);
  if (!code)
    return failure();
  const ai_rt_program_t &program = *code->table();
  std::vector<MeasuredNest> nests;
  const ai_rt_step_t *step = ai_rt_program_find_step(&program, "train");
  if (!step)
    return nests;
  auto check = [&](ai_rt_status_t status) {
    if (status == AI_RT_OK)
      return true;
    mlir::emitError(UnknownLoc::get(module.getContext()))
        << "cannot measure the model: " << ai_rt_last_error();
    return false;
  };
  ai_rt_config_t config{1, program.batch, program.seed, /*pin=*/0};
  ai_rt_model_t *model = nullptr;
  if (!check(ai_rt_model_create(&program, &config, &model)))
    return failure();
  llvm::scope_exit destroy([&] { ai_rt_model_destroy(model); });

  std::mt19937_64 random(1);
  std::vector<char> inputs = makeSamples(program, *step, AI_RT_INPUT, random);
  std::vector<char> targets = makeSamples(program, *step, AI_RT_TARGET, random);
  auto run = [&](double seconds) {
    Clock::time_point start = Clock::now();
    int64_t steps = 0;
    for (; steps < kLeastSteps ||
           std::chrono::duration<double>(Clock::now() - start).count() < seconds;
         ++steps)
      if (!check(
              ai_rt_model_train_step(model, inputs.data(), targets.data(), program.batch, nullptr)))
        return int64_t(0);
    return steps;
  };
  if (!run(kSeconds / 4)) // caches and clocks settle
    return failure();
  ai_rt_model_profile_reset(model);
  int64_t steps = run(kSeconds);
  if (!steps)
    return failure();
  for (int64_t row = kFirstNest; row < program.num_profile_rows; ++row) {
    int64_t calls;
    double seconds, least;
    if (!check(ai_rt_model_profile(model, row, &calls, &seconds, &least)))
      return failure();
    nests.push_back({double(calls) / double(steps), seconds / double(steps), least});
  }
  return nests;
}
