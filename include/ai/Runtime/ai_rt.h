//===- ai_rt.h - the runtime of compiled models, plain C ------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two parts: the model API, which trains with the tables of a compiled module (ai_program.h), and
// the data sets and the command line of a whole program.
//
// Every function that can fail returns a status and leaves its results unwritten when it does;
// `ai_rt_last_error` then explains. One model may be used by one thread at a time; several models,
// of one program or of different ones, are independent of each other.
//
//===----------------------------------------------------------------------===//

#ifndef AI_RUNTIME_AI_RT_H
#define AI_RUNTIME_AI_RT_H

#include "ai/Runtime/ai_program.h"

#ifdef __cplusplus
extern "C" {
#endif

//===----------------------------------------------------------------------===//
// Status and small queries
//===----------------------------------------------------------------------===//

typedef enum {
  AI_RT_OK = 0,
  AI_RT_INVALID = 1,   ///< An argument breaks a rule stated here.
  AI_RT_BAD_FILE = 2,  ///< A file is absent, unreadable, unwritable or says something wrong.
  AI_RT_NO_MEMORY = 3, ///< Memory or threads could not be had.
  AI_RT_NO_DEVICE = 4, ///< There is no processor or GPU to run on, or it failed.
  AI_RT_NAN = 5,       ///< A step met a NaN, in a program that looks for them.
} ai_rt_status_t;

/// Returns what went wrong in the last call of this thread that failed; empty if none did. The
/// text stays valid until the next call of this thread that fails.
AI_RT_API const char *ai_rt_last_error(void);

/// Returns the bytes of one element, 0 for an unknown `dtype`.
AI_RT_API int64_t ai_rt_dtype_size(int64_t dtype);

/// Returns "f32", "u8", ...; "?" for an unknown `dtype`.
AI_RT_API const char *ai_rt_dtype_name(int64_t dtype);

/// Returns the first of `programs`, one module compiled for several processors, that this one can
/// run: the compiler puts the best first. AI_CPU=NAME in the environment asks for the one compiled
/// for that processor. Returns null if there is none; `ai_rt_last_error` then says what is missing.
AI_RT_API const ai_rt_program_t *ai_rt_program_select(const ai_rt_program_t *const *programs,
                                                      int64_t count);

/// Returns the step called `name`, null if the program has none.
AI_RT_API const ai_rt_step_t *ai_rt_program_find_step(const ai_rt_program_t *program,
                                                      const char *name);

/// Returns the function called `name`, null if the program has none.
AI_RT_API const ai_rt_function_t *ai_rt_program_find_function(const ai_rt_program_t *program,
                                                              const char *name);

/// Returns the bytes that a model with these numbers holds, all of them allocated when it is made:
/// the fixed region, a workspace for each thread, and eight bytes of indices for each sample of a
/// batch. 0 stands for the same as in `ai_rt_config_t`. Of a program for a GPU: the arena there,
/// which no batch changes, a batch's record, and the host's copies. Samples come on top, those of
/// `ai_rt_model_keep_data` or those on their way, and records that many steps have at once.
AI_RT_API int64_t ai_rt_program_memory(const ai_rt_program_t *program, int64_t batch,
                                       int64_t threads);

/// Writes what models of the program run on, such as "NVIDIA H200, compute capability 9.0, ...", to
/// `text`, cut to `bytes` with the zero at its end. Opens the GPU for that; an error says why there
/// is none. A program for a CPU runs on "this processor".
AI_RT_API ai_rt_status_t ai_rt_program_device(const ai_rt_program_t *program, char *text,
                                              int64_t bytes);

/// Writes which libraries models of the program call, such as "cuDNN 9.13.0, 5 calls; ...", to
/// `text`, cut to `bytes` with the zero at its end, and the bytes of the device that they want
/// beside `ai_rt_program_memory` to `workspace`. Opens GPU and libraries for that, and plans every
/// call; an error says what is missing. Of a program that calls none the text is empty.
AI_RT_API ai_rt_status_t ai_rt_program_libraries(const ai_rt_program_t *program, char *text,
                                                 int64_t bytes, int64_t *workspace);

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

/// The parameters, the optimizer's state and the threads of one training.
typedef struct ai_rt_model ai_rt_model_t;

/// What may differ from one model to the next.
typedef struct {
  int64_t threads; ///< 0: one for each CPU that this process may use.
  int64_t batch;   ///< Samples that indices are kept for; 0: the recipe's batch.
  int64_t seed;    ///< Of initial values, shuffling and dropout.
  int64_t pin;     ///< 1: bind thread i to CPU i of those that this process may use. Thread 0 is
                   ///< the caller, who is left alone.
} ai_rt_config_t;

/// Where a training stands. Saved and loaded with the model.
typedef struct {
  int64_t step;     ///< Steps done since the training began.
  int64_t epoch;    ///< Epochs completed.
  int64_t position; ///< Samples done of the present epoch.
  int64_t seed;
} ai_rt_progress_t;

/// Sums over the samples of a batch or of a data set.
typedef struct {
  double loss;     ///< The sum of the samples' losses; divide by `count` for the mean.
  int64_t correct; ///< Samples whose largest score is their label's.
  int64_t count;   ///< Samples.
} ai_rt_metrics_t;

/// A borrowed array; dimension 0 counts samples.
typedef struct {
  const void *data;
  int64_t dtype; ///< ai_rt_dtype_t
  int64_t rank;
  const int64_t *shape;
} ai_rt_array_t;

/// A borrowed view of a data set. Its arrays may differ in length: position p stands for row
/// p mod length of each. `targets.data` is null where there are none.
///
/// Inputs fit a model if their sample shape equals the model's but for extents of 1. Bytes (u8)
/// become (v / 255 - mean) / std with the recipe's mean and std; other types are converted as they
/// are. Targets are converted as they are; labels outside the model's classes are refused.
typedef struct {
  ai_rt_array_t inputs;
  ai_rt_array_t targets;
} ai_rt_data_t;

/// Returns the recipe's configuration: threads 0, batch and seed as the model file says.
AI_RT_API ai_rt_config_t ai_rt_config_default(const ai_rt_program_t *program);

/// Creates a model with initial parameters; `config` null means the recipe's. All memory that
/// steps need is allocated here, and the threads are started. `program` must outlive the model.
/// Fails with AI_RT_NO_MEMORY if it would take more than the program was compiled for.
AI_RT_API ai_rt_status_t ai_rt_model_create(const ai_rt_program_t *program,
                                            const ai_rt_config_t *config, ai_rt_model_t **model);

/// Ends the threads and frees the model; null is allowed.
AI_RT_API void ai_rt_model_destroy(ai_rt_model_t *model);

/// Returns the program that the model was made of.
AI_RT_API const ai_rt_program_t *ai_rt_model_program(const ai_rt_model_t *model);

/// Returns the number of threads, the caller's included.
AI_RT_API int64_t ai_rt_model_num_threads(const ai_rt_model_t *model);

/// Returns how many of them may work on a training step of `count` samples: all, if those without a
/// block of their own should help with others'; otherwise no more than it has blocks and the program
/// slots, and the caller alone where sharing should take longer than it saves.
AI_RT_API int64_t ai_rt_model_busy_threads(const ai_rt_model_t *model, int64_t count);

/// Returns the bytes that the model holds: `ai_rt_program_memory` of its threads and its batch.
AI_RT_API int64_t ai_rt_model_memory(const ai_rt_model_t *model);

/// Returns 1 once a step was made, or parameters were loaded or set; before that 0.
AI_RT_API int64_t ai_rt_model_is_trained(const ai_rt_model_t *model);

/// Runs one training step on `count` samples and stores their mean loss (`loss` may be null).
/// `inputs` is `[count, ...]` of the model's input type, `targets` likewise (i32 labels for
/// classifiers); both stay the caller's.
AI_RT_API ai_rt_status_t ai_rt_model_train_step(ai_rt_model_t *model, const void *inputs,
                                                const void *targets, int64_t count, float *loss);

/// The same for inputs of bytes, normalised as the recipe says.
AI_RT_API ai_rt_status_t ai_rt_model_train_step_u8(ai_rt_model_t *model, const uint8_t *inputs,
                                                   const void *targets, int64_t count, float *loss);

/// Promises that the arrays of `data` stay as they are for as long as `model` lives, or until the
/// next call with null, which forgets all of them. A GPU with room for them keeps copies, as the
/// model's types, and steps send it only which rows they want; otherwise nothing changes.
AI_RT_API ai_rt_status_t ai_rt_model_keep_data(ai_rt_model_t *model, const ai_rt_data_t *data);

/// Runs one training step on the samples at positions `order[first] ... order[first + count - 1]`
/// of `data` (`first ... ` itself if `order` is null), gathered straight from its arrays. Stores
/// the batch's sums in `metrics`, or, if that is null, keeps them for `ai_rt_model_read_metrics`:
/// then nobody waits for a GPU. Adds 1 to the step and `count` to the position. Nothing is
/// allocated unless `count` exceeds every batch before it and the configuration's; what may be
/// allocated is checked as by `ai_rt_model_create`. A refused batch
/// leaves the model unchanged.
AI_RT_API ai_rt_status_t ai_rt_model_train_batch(ai_rt_model_t *model, const ai_rt_data_t *data,
                                                 const uint32_t *order, int64_t first,
                                                 int64_t count, ai_rt_metrics_t *metrics);

/// Returns how many batches of `data` one call of `ai_rt_model_train_batches` gives to a GPU at
/// once: 1, but 1024 in a program compiled with --gpu-schedule=persistent, if the GPU keeps `data`.
AI_RT_API int64_t ai_rt_model_batches_at_once(const ai_rt_model_t *model, const ai_rt_data_t *data);

/// Runs training steps on the samples at positions `order[first] ... order[first + samples - 1]`,
/// `batch` of them at a time, at last what is left: what calls of `ai_rt_model_train_batch` with
/// null for `metrics` do one after the other, with the same bits, but a launch of a GPU may run
/// many of them. What is allocated depends on `samples` then. If batch k is refused, those before
/// it may have been trained on.
AI_RT_API ai_rt_status_t ai_rt_model_train_batches(ai_rt_model_t *model, const ai_rt_data_t *data,
                                                   const uint32_t *order, int64_t first,
                                                   int64_t samples, int64_t batch);

/// Stores the sums over the training steps since the last call whose `metrics` or `loss` was null.
AI_RT_API ai_rt_status_t ai_rt_model_read_metrics(ai_rt_model_t *model, ai_rt_metrics_t *metrics);

/// Evaluates the model on `count` samples; shapes and types as for `ai_rt_model_train_step`.
AI_RT_API ai_rt_status_t ai_rt_model_evaluate(ai_rt_model_t *model, const void *inputs,
                                              const void *targets, int64_t count,
                                              ai_rt_metrics_t *metrics);

/// The same for inputs of bytes.
AI_RT_API ai_rt_status_t ai_rt_model_evaluate_u8(ai_rt_model_t *model, const uint8_t *inputs,
                                                 const void *targets, int64_t count,
                                                 ai_rt_metrics_t *metrics);

/// Evaluates the model on positions `first ... first + count - 1` of `data`.
AI_RT_API ai_rt_status_t ai_rt_model_evaluate_data(ai_rt_model_t *model, const ai_rt_data_t *data,
                                                   int64_t first, int64_t count,
                                                   ai_rt_metrics_t *metrics);

/// Stores the model's output for each of `count` samples in `outputs`, `[count, ...]` of the
/// model's output type: class probabilities for classifiers, the prediction itself otherwise.
AI_RT_API ai_rt_status_t ai_rt_model_predict(ai_rt_model_t *model, const void *inputs,
                                             int64_t count, void *outputs);

/// The same for inputs of bytes.
AI_RT_API ai_rt_status_t ai_rt_model_predict_u8(ai_rt_model_t *model, const uint8_t *inputs,
                                                int64_t count, void *outputs);

/// The same for positions `first ... first + count - 1` of `data`, whose targets are not used.
AI_RT_API ai_rt_status_t ai_rt_model_predict_data(ai_rt_model_t *model, const ai_rt_data_t *data,
                                                  int64_t first, int64_t count, void *outputs);

/// Checks that `data` fits the model's inputs and, if `with_targets`, its targets, every label
/// included. Steps check again what they use, so this is for an early answer.
AI_RT_API ai_rt_status_t ai_rt_model_check_data(const ai_rt_model_t *model,
                                                const ai_rt_data_t *data, int64_t with_targets);

/// Returns where the training stands.
AI_RT_API ai_rt_progress_t ai_rt_model_progress(const ai_rt_model_t *model);

/// Says where the training stands; negative numbers are refused.
AI_RT_API ai_rt_status_t ai_rt_model_set_progress(ai_rt_model_t *model,
                                                  const ai_rt_progress_t *progress);

/// Ends an epoch: adds 1 to the epoch, sets the position to 0. Schedules per epoch follow it.
AI_RT_API void ai_rt_model_next_epoch(ai_rt_model_t *model);

/// Fills `order` with a permutation of 0 ... count - 1 that depends on the arguments only.
AI_RT_API void ai_rt_shuffle(int64_t seed, int64_t epoch, int64_t count, uint32_t *order);

//===----------------------------------------------------------------------===//
// Tensors and settings of a model
//===----------------------------------------------------------------------===//

/// Returns the number of parameters, states and settings.
AI_RT_API int64_t ai_rt_model_num_tensors(const ai_rt_model_t *model);

/// Returns the description of tensor `index`, null if there is none.
AI_RT_API const ai_rt_tensor_info_t *ai_rt_model_tensor_info(const ai_rt_model_t *model,
                                                             int64_t index);

/// Returns the index of the tensor called `name`, or -1.
AI_RT_API int64_t ai_rt_model_find_tensor(const ai_rt_model_t *model, const char *name);

/// Returns the tensor's elements in the model's own memory, null if there is none of that name.
/// They are valid until the model is destroyed and must not be used while a step runs.
AI_RT_API void *ai_rt_model_tensor_data(ai_rt_model_t *model, const char *name);

/// Copies the tensor called `name` to `data`; `bytes` must be its size.
AI_RT_API ai_rt_status_t ai_rt_model_get_tensor(const ai_rt_model_t *model, const char *name,
                                                void *data, int64_t bytes);

/// Copies `data` to the tensor called `name`; `bytes` must be its size.
AI_RT_API ai_rt_status_t ai_rt_model_set_tensor(ai_rt_model_t *model, const char *name,
                                                const void *data, int64_t bytes);

/// Stores the setting called `name`, such as "lr".
AI_RT_API ai_rt_status_t ai_rt_model_get_setting(const ai_rt_model_t *model, const char *name,
                                                 double *value);

/// Changes the setting called `name`; the next step uses it.
AI_RT_API ai_rt_status_t ai_rt_model_set_setting(ai_rt_model_t *model, const char *name,
                                                 double value);

//===----------------------------------------------------------------------===//
// Checkpoints: safetensors files
//===----------------------------------------------------------------------===//

/// Writes parameters, states and progress to `path` by way of a temporary file beside it: after a
/// failure the old file is as it was, and nothing else is left.
AI_RT_API ai_rt_status_t ai_rt_model_save(const ai_rt_model_t *model, const char *path);

/// Reads all of that back. The file must be a checkpoint of the same model; after a failure the
/// model is as it was.
AI_RT_API ai_rt_status_t ai_rt_model_load(ai_rt_model_t *model, const char *path);

/// Reads the parameters only, by name; the file may hold other tensors, and need not be a
/// checkpoint. After a failure the model is as it was.
AI_RT_API ai_rt_status_t ai_rt_model_load_parameters(ai_rt_model_t *model, const char *path);

//===----------------------------------------------------------------------===//
// Profiles
//===----------------------------------------------------------------------===//

/// Called by generated code: the time since this thread's last call belongs to `row`.
AI_RT_API void ai_rt_profile_lap(int64_t row);

/// Sets all rows to 0.
AI_RT_API void ai_rt_model_profile_reset(ai_rt_model_t *model);

/// Stores how often the nest of `row` ran, the seconds it took, summed over threads, and the
/// seconds of the shortest run.
AI_RT_API ai_rt_status_t ai_rt_model_profile(const ai_rt_model_t *model, int64_t row,
                                             int64_t *calls, double *seconds, double *least);

//===----------------------------------------------------------------------===//
// NaNs
//===----------------------------------------------------------------------===//

/// Called by generated code: looks for a NaN in the `count` floats of `bytes` bytes at `address`,
/// which check `row` of the program is about. The step then ends before its update, and fails with
/// the name of the first check that any block did not pass.
AI_RT_API void ai_rt_check_nan(int64_t row, int64_t address, int64_t count, int64_t bytes);

//===----------------------------------------------------------------------===//
// Watching a training
//===----------------------------------------------------------------------===//

/// The curves of one training, in event files that TensorBoard reads.
typedef struct ai_rt_log ai_rt_log_t;

/// Begins curves of `model` in `folder`, which is made if it is not there. Its folders are runs of
/// TensorBoard's:
///
///   steps  step/loss, step/accuracy, step/learning_rate          over the steps done
///   train  epoch/loss, epoch/accuracy, a histogram of each parameter and of each gradient that the
///          program keeps, those of the last step                 over the epochs done; the graph
///   test   epoch/loss, epoch/accuracy, what `ai_rt_log_mistakes` finds; only if `with_test`
///
/// Losses are means over samples, accuracies parts of 1 (none without classes). What older files in
/// `folder` say of steps and epochs that `model` has yet to do is no longer shown, so the curves of
/// a training that is resumed go on. `model` must outlive the log. Fails with AI_RT_BAD_FILE if the
/// files cannot be written, and leaves none then.
AI_RT_API ai_rt_status_t ai_rt_log_open(ai_rt_model_t *model, const char *folder, int64_t with_test,
                                        ai_rt_log_t **log);

/// Adds the step that the model has just done, with what `ai_rt_model_train_batch` stored. Nothing
/// is allocated. Files are written about once a second.
AI_RT_API ai_rt_status_t ai_rt_log_step(ai_rt_log_t *log, const ai_rt_metrics_t *metrics);

/// Adds the epoch that the model has just ended: the sums over its steps, and what an evaluation
/// on the test set stored, which may be null. Afterwards all of it is in the files.
AI_RT_API ai_rt_status_t ai_rt_log_epoch(ai_rt_log_t *log, const ai_rt_metrics_t *train,
                                         const ai_rt_metrics_t *test);

/// Adds pictures of the first 16 samples of `data` that the model classifies wrongly, and a list of
/// what they are and what they were taken for, to the epoch that the model has just ended. Nothing
/// is added unless inputs are images of 1 or 3 channels and outputs classes.
AI_RT_API ai_rt_status_t ai_rt_log_mistakes(ai_rt_log_t *log, const ai_rt_data_t *data);

/// Writes what is left and frees the log, whether that fails or not; null is allowed.
AI_RT_API ai_rt_status_t ai_rt_log_close(ai_rt_log_t *log);

/// From now on records what each thread does when, in the next `steps` runs of the model's steps;
/// runs on samples of a data set or a batch count once for each map over blocks. All memory that
/// takes is allocated here: at most 2^20 events of 32 bytes for each thread. A run that
/// there is no room for is left out. Refused by a program for a GPU, whose kernels keep no times.
AI_RT_API ai_rt_status_t ai_rt_model_trace_begin(ai_rt_model_t *model, int64_t steps);

/// Writes what was recorded to `path`, as JSON in Chrome's trace event format, and ends recording.
/// Fails with AI_RT_INVALID, and writes nothing, if no step was recorded.
AI_RT_API ai_rt_status_t ai_rt_model_trace_write(ai_rt_model_t *model, const char *path);

//===----------------------------------------------------------------------===//
// Plain functions
//===----------------------------------------------------------------------===//

/// Calls the function called `name`. `args` and `results` point to one dense array each, of the
/// type and shape that `ai_rt_program_find_function` tells. May be called by several threads.
AI_RT_API ai_rt_status_t ai_rt_call(const ai_rt_program_t *program, const char *name,
                                    const void *const *args, void *const *results);

//===----------------------------------------------------------------------===//
// Data sets and programs
//===----------------------------------------------------------------------===//

/// Inputs and targets read from IDX files, kept as the files have them.
typedef struct ai_rt_dataset ai_rt_dataset_t;

/// Reads IDX files (gzipped or not) of u8, i8, i32, f32 or f64; `targets_path` may be null.
AI_RT_API ai_rt_status_t ai_rt_dataset_open(const char *inputs_path, const char *targets_path,
                                            ai_rt_dataset_t **dataset);

/// Reads the files of `folder` that MNIST's names give to `split`, "train" or "test". A null
/// folder means the system's Fashion-MNIST.
AI_RT_API ai_rt_status_t ai_rt_dataset_open_split(const char *folder, const char *split,
                                                  ai_rt_dataset_t **dataset);

/// Adds `pad` rows and `pad` columns of zeros on every side of every image, the last two dimensions
/// of the inputs; 0 adds nothing. Arrays that were returned before are no longer valid.
AI_RT_API ai_rt_status_t ai_rt_dataset_pad(ai_rt_dataset_t *dataset, int64_t pad);

/// Returns the arrays, valid until the data set is destroyed.
AI_RT_API ai_rt_data_t ai_rt_dataset_data(const ai_rt_dataset_t *dataset);

/// Frees the data set; null is allowed.
AI_RT_API void ai_rt_dataset_destroy(ai_rt_dataset_t *dataset);

/// The `main` of a compiled program: train, eval, predict, bench, info, and its functions.
/// Returns the exit code: 1 for a null `program`, after the error that `ai_rt_last_error` tells.
AI_RT_API int ai_rt_main(const ai_rt_program_t *program, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif // AI_RUNTIME_AI_RT_H
