// The C header of a compiled library.

#include "lib/Driver/Header.h"

#include "ai/Target/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace ai {

// `@` stands for the model's name. The wrappers are inline: the library exports the runtime and one
// table.
static constexpr StringLiteral kPrologue =
    R"(/* @: made by ai-compile. Link with the shared object beside this file.
 *
 * Functions return 0, or a status whose text @_error() explains; their results are written only
 * when they return 0. One model may be used by one thread at a time; several are independent. */
#ifndef AIC_@_H
#define AIC_@_H

#include <stdint.h>

#if defined(__GNUC__)
#define AIC_INLINE static inline __attribute__((unused))
#else
#define AIC_INLINE static inline
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The table of the compiled module for this processor, as ai_program.h describes it; null if it
 * was compiled for others, and then @_error() says for which. */
const struct ai_rt_program *@_program(void);

const char *ai_rt_last_error(void);
AIC_INLINE const char *@_error(void) { return ai_rt_last_error(); }
)";

static constexpr StringLiteral kModel = R"(
/* The parameters, the optimizer's state and the threads of one training. */
typedef struct ai_rt_model @_t;

/* threads 0: one for each CPU; batch: samples that a step holds without allocating; seed: of
 * initial values, shuffling and dropout; pin 1: bind all threads but the caller to a CPU each. */
typedef struct {
  int64_t threads, batch, seed, pin;
} @_config_t;

/* Sums over a batch: divide by `count` for means. */
typedef struct {
  double loss;
  int64_t correct, count;
} @_metrics_t;

int ai_rt_model_create(const void *, const void *, struct ai_rt_model **);
void ai_rt_model_destroy(struct ai_rt_model *);
int ai_rt_model_train_step(struct ai_rt_model *, const void *, const void *, int64_t, float *);
int ai_rt_model_train_step_u8(struct ai_rt_model *, const uint8_t *, const void *, int64_t, float *);
int ai_rt_model_evaluate(struct ai_rt_model *, const void *, const void *, int64_t, void *);
int ai_rt_model_evaluate_u8(struct ai_rt_model *, const uint8_t *, const void *, int64_t, void *);
int ai_rt_model_predict(struct ai_rt_model *, const void *, int64_t, void *);
int ai_rt_model_predict_u8(struct ai_rt_model *, const uint8_t *, int64_t, void *);
int ai_rt_model_save(const struct ai_rt_model *, const char *);
int ai_rt_model_load(struct ai_rt_model *, const char *);
int ai_rt_model_set_setting(struct ai_rt_model *, const char *, double);
void *ai_rt_model_tensor_data(struct ai_rt_model *, const char *);
int64_t ai_rt_program_memory(const void *, int64_t, int64_t);

/* Creates a model with initial parameters; `config` null means the recipe's. */
AIC_INLINE int @_create(const @_config_t *config, @_t **model) {
  const void *program = @_program();
  return program ? ai_rt_model_create(program, config, model) : 4;
}
AIC_INLINE void @_destroy(@_t *model) { ai_rt_model_destroy(model); }

/* Runs one training step on `count` samples (inputs in NCHW) and stores their mean loss. */
AIC_INLINE int @_train_step(@_t *model, const float *inputs, const INT *targets, int64_t count,
                               float *loss) {
  return ai_rt_model_train_step(model, inputs, targets, count, loss);
}
/* The same for bytes, normalised as the recipe says. */
AIC_INLINE int @_train_step_u8(@_t *model, const uint8_t *inputs, const INT *targets,
                                  int64_t count, float *loss) {
  return ai_rt_model_train_step_u8(model, inputs, targets, count, loss);
}
AIC_INLINE int @_evaluate(@_t *model, const float *inputs, const INT *targets, int64_t count,
                             @_metrics_t *metrics) {
  return ai_rt_model_evaluate(model, inputs, targets, count, metrics);
}
AIC_INLINE int @_evaluate_u8(@_t *model, const uint8_t *inputs, const INT *targets, int64_t count,
                                @_metrics_t *metrics) {
  return ai_rt_model_evaluate_u8(model, inputs, targets, count, metrics);
}
/* Stores `count` rows of OUTPUTS values: class probabilities, or the prediction itself. */
AIC_INLINE int @_predict(@_t *model, const float *inputs, int64_t count, float *outputs) {
  return ai_rt_model_predict(model, inputs, count, outputs);
}
AIC_INLINE int @_predict_u8(@_t *model, const uint8_t *inputs, int64_t count, float *outputs) {
  return ai_rt_model_predict_u8(model, inputs, count, outputs);
}
/* The elements of a parameter, such as "conv1.weight", in the model's own memory; null: no such. */
AIC_INLINE float *@_parameter(@_t *model, const char *name) {
  return (float *)ai_rt_model_tensor_data(model, name);
}
/* Changes a setting of the recipe, such as "lr", from the next step on. */
AIC_INLINE int @_set(@_t *model, const char *name, double value) {
  return ai_rt_model_set_setting(model, name, value);
}
/* The bytes that a model with these numbers holds; 0 on a processor that runs none. */
AIC_INLINE int64_t @_memory(int64_t batch, int64_t threads) {
  const void *program = @_program();
  return program ? ai_rt_program_memory(program, batch, threads) : 0;
}
AIC_INLINE int @_save(const @_t *model, const char *path) { return ai_rt_model_save(model, path); }
AIC_INLINE int @_load(@_t *model, const char *path) { return ai_rt_model_load(model, path); }
)";

static constexpr StringLiteral kFunctions = R"(
/* Calls a function of the module: one dense array for each argument and each result. */
int ai_rt_call(const void *, const char *, const void *const *, void *const *);
AIC_INLINE int @_call(const char *function, const void *const *arguments, void *const *results) {
  const void *program = @_program();
  return program ? ai_rt_call(program, function, arguments, results) : 4;
}
)";

static constexpr StringLiteral kEpilogue = R"(
#undef AIC_INLINE
#ifdef __cplusplus
}
#endif
#endif
)";

/// A file name may hold what an identifier may not.
static std::string identifier(StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result[0]))
    result.insert(0, "_");
  return result;
}

std::string programAccessor(StringRef name) { return identifier(name) + "_program"; }

LogicalResult writeHeader(ModuleOp module, StringRef name, StringRef library,
                          ErrorEmitter emitError) {
  bool trains = module->hasAttr("ai.recipe");
  std::string text = (kPrologue + (trains ? kModel : kFunctions) + kEpilogue).str();
  auto replaceAll = [&](StringRef from, StringRef to) {
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to.str());
  };
  if (auto recipe = module->getAttrOfType<DictionaryAttr>("ai.recipe")) {
    auto loss = recipe.getAs<IntegerAttr>("loss");
    replaceAll("INT", loss && loss.getInt() == 2 ? "float" : "int32_t");
    auto classes = recipe.getAs<IntegerAttr>("num_classes");
    replaceAll("OUTPUTS", classes ? std::to_string(classes.getInt()) : "output");
  }
  replaceAll("@", identifier(name));
  SmallString<128> path(library);
  llvm::sys::path::replace_extension(path, "h");
  return writeFile(path, emitError, text);
}

} // namespace ai
