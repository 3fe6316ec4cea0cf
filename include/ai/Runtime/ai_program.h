//===- ai_program.h - the tables of a compiled module, plain C ------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ABI of generated code: the constants that the compiler writes into an object, and what its
// functions are called with and may call. The functions that take these tables are in ai_rt.h.
//
// Every field takes eight bytes, so there is no padding to agree on.
//
//===----------------------------------------------------------------------===//

#ifndef AI_RUNTIME_AI_PROGRAM_H
#define AI_RUNTIME_AI_PROGRAM_H

#include <stdint.h>

#if defined(__GNUC__)
#define AI_RT_API __attribute__((visibility("default")))
#else
#define AI_RT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// The version of the tables below; a program made for another one is refused.
#define AI_RT_ABI_VERSION 13

/// What a tensor is to the runtime; it implies the region that `offset` counts in.
typedef enum {
  AI_RT_PARAMETER = 0, ///< Fixed region; trained, saved.
  AI_RT_STATE = 1,     ///< Fixed region; the optimizer's, saved.
  AI_RT_SETTING = 2,   ///< Fixed region; an f64 of the recipe, such as "lr".
  AI_RT_INPUT = 3,     ///< Workspace; staged for each block, `[block_size, ...]`.
  AI_RT_TARGET = 4,    ///< Workspace; staged for each block, `[block_size, ...]`.
  AI_RT_OUTPUT = 5,    ///< Workspace; copied out after each block, `[block_size, ...]`.
  AI_RT_METRIC = 6,    ///< Fixed region; "loss" (a sum over the batch) or "correct".
  AI_RT_ARGUMENT = 7,  ///< Workspace; of a plain function.
  AI_RT_RESULT = 8,    ///< Workspace; of a plain function.
  AI_RT_ROWS = 9,      ///< Fixed region; of a panel, `bytes` for each slot's block.
  AI_RT_GRADIENT = 10  ///< Fixed region; of a parameter, in the last step.
} ai_rt_role_t;

/// Element types.
typedef enum {
  AI_RT_F32 = 0,
  AI_RT_F64 = 1,
  AI_RT_I32 = 2,
  AI_RT_I64 = 3,
  AI_RT_I8 = 4,
  AI_RT_I1 = 5, ///< One byte, 0 or 1.
  AI_RT_U8 = 6  ///< Only in data sets.
} ai_rt_dtype_t;

/// How a parameter starts: `init_value` is v.
typedef enum {
  AI_RT_INIT_CONSTANT = 0, ///< v
  AI_RT_INIT_UNIFORM = 1,  ///< uniform in [-v, v]
  AI_RT_INIT_NORMAL = 2    ///< normal, mean 0, standard deviation v
} ai_rt_init_t;

/// What the recipe minimises.
typedef enum { AI_RT_CROSS_ENTROPY = 0, AI_RT_NLL_LOSS = 1, AI_RT_MSE_LOSS = 2 } ai_rt_loss_t;

/// One tensor of a program. Elements are dense, and row major in the logical shape unless samples
/// are lanes.
typedef struct {
  const char *name;
  int64_t role;  ///< ai_rt_role_t
  int64_t dtype; ///< ai_rt_dtype_t
  int64_t rank;
  const int64_t *shape; ///< `rank` extents; may be null for rank 0.
  int64_t offset;       ///< Bytes from the start of the region that `role` implies.
  int64_t bytes;
  int64_t init; ///< ai_rt_init_t
  double init_value;
  int64_t lanes; ///< 1: the first extent, samples, is innermost in memory; 0: row major
} ai_rt_tensor_info_t;

/// Takes one block of samples, staged in `workspace`, through a step and adds what it contributes
/// to `slot`; the first block of a slot (`first < num_slots * block_size`) finds anything there and
/// starts from zero. `first` is the index in the batch of the block's first sample, `count` the
/// size of the batch. The threads of a team call it at the same time, one for each `part` of
/// `parts`, with the workspace of one of them and, as `own`, that of the caller. A thread alone is
/// all of `parts` = 1, its `own` is the workspace, and its `team` null.
typedef void (*ai_rt_block_fn)(char *fixed, char *workspace, char *slot, char *own, char *team,
                               int64_t first, int64_t part, int64_t parts, int64_t count,
                               int64_t step, int64_t epoch, int64_t seed);

/// Called by blocks: waits for all threads of `team`, unless it is null. The other arguments are
/// memory in which their writes are then seen.
AI_RT_API void ai_rt_team_barrier(char *team, char *fixed, char *workspace, char *slot);

/// Adds the slots up in ascending order, sums over the panel, updates the parameters and writes the
/// metrics. Called once for each `part` of `parts`, on different threads; which part does what
/// never changes bits.
typedef void (*ai_rt_combine_fn)(char *fixed, char *workspace, int64_t part, int64_t parts,
                                 int64_t count, int64_t step, int64_t epoch, int64_t seed);

/// Adds a panel, the rows of as many blocks as there are slots, to the sums over the panels before
/// it. Called for every panel but the last one, `count` being the samples up to its end; the
/// arguments are otherwise those of a combine. The rows of a block that is missing are zeros.
typedef ai_rt_combine_fn ai_rt_fold_fn;

/// One thread of a kernel that is emulated on the host. Sizes are what accesses are compared with
/// before they are made.
typedef struct {
  char *shared; ///< Shared memory of the thread's block.
  int64_t shared_bytes;
  char *arena; ///< All memory of the device.
  int64_t arena_bytes;
  int32_t thread; ///< In its block.
  int32_t block;
  int32_t blocks; ///< Of the grid.
} ai_rt_gpu_thread_t;

/// Called by emulated kernels: waits for all threads of the block at barrier `number` of the
/// kernel. `place` is where in the model file it comes from.
AI_RT_API void ai_rt_gpu_barrier(ai_rt_gpu_thread_t *thread, int64_t number, const char *place);

/// The same; behind it the block takes another turn: its shared memory holds anything.
AI_RT_API void ai_rt_gpu_turn_barrier(ai_rt_gpu_thread_t *thread, int64_t number,
                                      const char *place);

/// The same for all threads of the grid, whose blocks were launched together.
AI_RT_API void ai_rt_gpu_grid_barrier(ai_rt_gpu_thread_t *thread, int64_t number,
                                      const char *place);

/// The same for the threads of the caller's warp alone.
AI_RT_API void ai_rt_gpu_warp_barrier(ai_rt_gpu_thread_t *thread, int64_t number,
                                      const char *place);

/// Returns the `value` that the thread of the same warp gives whose number differs by the bits of
/// `mask`; all threads of the warp call it. Orders no memory.
AI_RT_API int32_t ai_rt_gpu_shuffle(ai_rt_gpu_thread_t *thread, int32_t value, int32_t mask,
                                    int64_t number, const char *place);

/// Multiplies matrices of 16 x K and K x 8 elements and adds the product to 16 x 8 sums, as
/// `mma.sync` does; all threads of the warp call it. `fragments` are registers, as NVIDIA's PTX ISA
/// deals out matrices to threads: four of the first factor, two of the second, four sums, in whose
/// place the new ones are put. K is 8, a register a number of tf32 (mma.m16n8k8), or with
/// `is_pairs` 16, a register two numbers of bf16, the first of them below (mma.m16n8k16). Terms are
/// added in f32, in ascending order; a GPU adds the terms of one call in an order of its own.
/// Orders no memory.
AI_RT_API void ai_rt_gpu_multiply(ai_rt_gpu_thread_t *thread, int32_t *fragments, int64_t is_pairs,
                                  int64_t number, const char *place);

/// The bits of a number rounded to tf32, 10 bits behind the point, as `cvt.rna.tf32.f32` does: to
/// nearest, from the middle away from zero.
AI_RT_API int32_t ai_rt_gpu_round_tf32(float value);

/// Two numbers rounded to bf16, as `cvt.rn.bf16x2.f32` does: to nearest, from the middle to even.
AI_RT_API int32_t ai_rt_gpu_pack_bf16(float high, float low);

/// Called by emulated kernels before an access that leaves its memory, or before any one if sizes
/// are 0.
AI_RT_API void ai_rt_gpu_access(ai_rt_gpu_thread_t *thread, char *address, int64_t bytes,
                                int64_t is_write, int64_t is_shared, const char *place);

/// What a batch's record holds, in words of an i64: all that differs from one step to the next lies
/// in the device's memory, so that a step can be asked for again as it is.
enum {
  AI_RT_BATCH_STEP = 0,
  AI_RT_BATCH_EPOCH = 1,
  AI_RT_BATCH_SEED = 2,
  AI_RT_BATCH_ENTRY = 3, ///< Of `metrics`: which the step writes.
  AI_RT_BATCH_ROWS = 4   ///< A word for each sample: its row of the targets << 32 | of the inputs.
};

/// The arguments of every kernel. Thread block i of a step's block takes the `block_size` samples
/// of the batch from `first + i * block_size` on, those below `count`, reads their rows of `inputs`
/// and `targets`, which are dense tensors of a sample, each at a multiple of 16 bytes, leaves its
/// output in the i-th part of `staged`, works in the i-th part of `workspace`, and adds to slot i.
/// The last kernels write metrics to an entry of `metrics`.
typedef void (*ai_rt_emulate_fn)(char *fixed, char *workspace, char *staged, const char *inputs,
                                 const char *targets, char *metrics, const int64_t *batch,
                                 int64_t first, int64_t count, ai_rt_gpu_thread_t *thread);

/// What a library computes: images and weights are [N,C,H,W], matrices row major. Inputs come
/// first, what is written is the last operand.
typedef enum {
  AI_RT_CALL_CONV2D = 0,                 ///< images, weight; result
  AI_RT_CALL_CONV2D_INPUT_GRADIENT = 1,  ///< cotangent, weight; images' gradient
  AI_RT_CALL_CONV2D_WEIGHT_GRADIENT = 2, ///< images, cotangent; weight's gradient
  AI_RT_CALL_MATMUL = 3                  ///< lhs, rhs, perhaps a bias for each column; product
} ai_rt_call_function_t;

/// Where an operand of a call lies.
typedef enum { AI_RT_FIXED = 0, AI_RT_WORKSPACE = 1, AI_RT_STAGED = 2 } ai_rt_region_t;

/// A dense operand of a call.
typedef struct {
  int64_t region; ///< ai_rt_region_t
  int64_t offset; ///< Bytes from its start.
  int64_t rank;
  const int64_t *shape;
} ai_rt_operand_t;

/// A call of a library: cuDNN for convolutions, cuBLASLt for products.
typedef struct {
  int64_t function;  ///< ai_rt_call_function_t
  int64_t dtype;     ///< AI_RT_F32 or AI_RT_F64, of all operands.
  const char *place; ///< "lenet.mlir:4:9", of the op in the model; may be empty.
  int64_t num_operands;
  const ai_rt_operand_t *operands;
  int64_t stride[2], padding[2], dilation[2]; ///< Of a convolution: vertical, horizontal.
  int64_t transpose_lhs, transpose_rhs, relu; ///< Of a product: 1 if so.
} ai_rt_call_t;

/// A kernel: a function of the program's images, and the same for the host; or a library's.
typedef struct {
  const char *name;
  ai_rt_emulate_fn emulate;
  int64_t grid;    ///< Thread blocks; 0: one for each block of samples.
  int64_t threads; ///< Of a thread block.
  int64_t shared_bytes;
  const ai_rt_call_t *call; ///< Null of a function; otherwise the fields above, but `name`, are 0.
} ai_rt_kernel_t;

/// Kernels that run one after the other.
typedef struct {
  int64_t count;
  const ai_rt_kernel_t *kernels;
} ai_rt_kernels_t;

/// A step on a GPU: what is a function of the host elsewhere.
typedef struct {
  ai_rt_kernels_t block, combine, fold, finish;
  int64_t workspace_bytes; ///< Of all thread blocks.
  int64_t staged_bytes;    ///< Of one thread block; outputs lie there.
  int64_t metric_bytes;    ///< Of an entry; the offsets of metrics count from its start.
  /// The whole step as one kernel, for many steps: on `first` samples, `count` of them a step, in
  /// the last one what is left; the record of a step is AI_RT_BATCH_ROWS + `count` words behind the
  /// one before. Its thread blocks, of which `grid` have work at once, are launched together. Null
  /// without ai-compile's --gpu-schedule=persistent.
  const ai_rt_kernel_t *epoch;
} ai_rt_gpu_step_t;

/// Machine code of all kernels for one architecture.
typedef struct {
  const char *arch;  ///< "sm_90"
  const char *ptx;   ///< Ends with a zero.
  const char *cubin; ///< Its size as an i64, then its bytes; the size is 0 where there is none.
} ai_rt_gpu_image_t;

/// A map over blocks of samples and its combine. Of steps with one name the first is for any batch,
/// others are for small ones.
typedef struct ai_rt_step {
  const char *name;   ///< "train", "evaluate" or "predict".
  int64_t block_size; ///< Samples that `block` takes at once.
  int64_t num_slots;
  int64_t most_samples; ///< Of a batch, or of a rest; 0: any.
  ai_rt_block_fn block;
  ai_rt_combine_fn combine; ///< Null where nothing is summed over the batch.
  ai_rt_fold_fn fold;       ///< Null without panels.
  ai_rt_combine_fn finish;  ///< In the place of `combine` where panels were folded.
  int64_t workspace_bytes;  ///< Of one thread.
  int64_t slot_bytes;
  int64_t slot_offset; ///< Slot i lies in the fixed region at `slot_offset + i * slot_bytes`.
  int64_t num_tensors; ///< Inputs, targets, outputs, metrics and rows.
  const ai_rt_tensor_info_t *tensors;
  double flops; ///< Of one sample's convolutions and matrix products; a multiply-add counts two.
  int64_t num_barriers;        ///< Of a block; -1: teams cannot run it.
  const ai_rt_gpu_step_t *gpu; ///< Null in a program for a CPU, which has the functions instead.
  /// How the last samples of a batch are taken, if they fill no block and are at most its
  /// `most_samples`: one by one. Sample i of them adds to slot i mod num_slots, behind the blocks.
  /// It has `block` and tensors only. Null: they are a block, too, whatever their number.
  const struct ai_rt_step *rest;
} ai_rt_step_t;

/// A function that is no training step: `run` reads arguments from and leaves results in
/// `workspace`.
typedef struct {
  const char *name;
  void (*run)(char *fixed, char *workspace);
  int64_t workspace_bytes;
  int64_t num_args;
  const ai_rt_tensor_info_t *args;
  int64_t num_results;
  const ai_rt_tensor_info_t *results;
  const ai_rt_kernels_t *gpu; ///< On a GPU: one kernel, with arguments and results in `staged`.
  int64_t staged_bytes;
} ai_rt_function_t;

/// The rows of every profile that are no nests.
enum {
  AI_RT_PROFILE_STAGING = 0, ///< Before a block: its samples are copied.
  AI_RT_PROFILE_WAITING = 1  ///< Before a combine or fold, and behind a fold: for other threads.
};

/// A row of a profile: a nest of a step, or what comes before one. The numbers are those of one
/// run, on all threads together.
typedef struct {
  const char *name;
  double flops;       ///< All arithmetic of floats, a multiply-add two; 0 if there is none.
  double bytes;       ///< Distinct bytes read and distinct bytes written.
  double working_set; ///< Distinct bytes touched at all.
  int64_t shared;     ///< 1 if threads share the nest out: a run is then a call on each of them.
} ai_rt_profile_row_t;

/// Where a program looks for a NaN: the samples or a nest of a block.
typedef struct {
  const char *name;
} ai_rt_check_t;

/// An operation of the model, a parameter or the input, for people.
typedef struct {
  const char *name; ///< "conv1/conv2d": in scopes, unique; letters, digits, `_`, `.`, `-` and `/`.
  const char *op;   ///< "ai.conv2d"
  const char *inputs; ///< The names of what it reads, with spaces between them.
  int64_t rank;
  const int64_t *shape; ///< Of its result; -1: the batch.
} ai_rt_node_t;

/// What a processor has or has not, such as "avx2".
typedef struct {
  const char *name;
  int64_t bit; ///< In the table of features that libgcc and compiler-rt fill.
} ai_rt_feature_t;

/// All that the runtime knows of a compiled module. Constant, and outlives every model made of it.
typedef struct {
  const char *name;
  int64_t abi_version;
  int64_t fixed_bytes;
  int64_t num_tensors; ///< Parameters, then states, settings, and gradients that are kept.
  const ai_rt_tensor_info_t *tensors;
  int64_t num_steps;
  const ai_rt_step_t *steps;
  int64_t num_functions;
  const ai_rt_function_t *functions;
  int64_t loss; ///< ai_rt_loss_t
  int64_t num_classes;
  int64_t batch;  ///< The recipe's.
  int64_t epochs; ///< The recipe's.
  int64_t seed;   ///< The recipe's.
  double mean;    ///< Bytes become (v / 255 - mean) / std.
  double std;
  const char *plan;         ///< The memory plan, for people.
  int64_t num_profile_rows; ///< 0 unless the program was compiled with a profile.
  const ai_rt_profile_row_t *profile_rows;
  int64_t num_images; ///< 0 in a program for a CPU.
  const ai_rt_gpu_image_t *images;
  const char *cpu;  ///< The processor that it was compiled for, as ai-compile's --cpu names it.
  const char *cpus; ///< All processors that the module was compiled for, for people.
  int64_t num_features;
  const ai_rt_feature_t *features; ///< What its code needs.
  int64_t max_memory;              ///< Models that take more bytes are refused; 0: none is.
  int64_t num_checks;              ///< 0 unless the program was compiled to look for a NaN.
  const ai_rt_check_t *checks;
  int64_t num_nodes;
  const ai_rt_node_t *nodes; ///< What the model computes, in order.
} ai_rt_program_t;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // AI_RUNTIME_AI_PROGRAM_H
