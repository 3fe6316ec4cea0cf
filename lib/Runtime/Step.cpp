//===- Step.cpp - training, evaluation and prediction, block by block -----===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Denormals.h"
#include "GPU/LibraryCalls.h"
#include "Model.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

using namespace ai::rt;

/// Evaluation and prediction take this many blocks for each slot at once. Neither the batch nor
/// the number of threads enters, so they leave the bits of a loss alone.
static constexpr int64_t kBlocksPerSlot = 16;

void BatchRows::reserve(int64_t count) {
  if (count <= capacity)
    return;
  inputs.reset(new uint32_t[count]);
  targets.reset(new uint32_t[count]);
  capacity = count;
}

//===----------------------------------------------------------------------===//
// One run of a step on one batch
//===----------------------------------------------------------------------===//

namespace {
/// Blocks of one size: a step's own, or the single samples of its rest.
struct Blocks {
  Blocks(const ai_rt_model &model, const Batch &batch, const ai_rt_step_t &step,
         const ai_rt_tensor_info_t *input, const ai_rt_tensor_info_t *target)
      : step(step), input(batch.data.inputs, input, &model.normalisation),
        target(batch.data.targets, target, nullptr) {}

  const ai_rt_step_t &step;
  Stager input, target;
};

/// A map over the batch's blocks and its combine; lives on the caller's stack.
class StepRun {
public:
  StepRun(ai_rt_model &model, const StepTensors &tensors, const Batch &batch, char *outputs)
      : model(model), tensors(tensors), step(*tensors.step), batch(batch), outputs(outputs),
        blocks(model, batch, step, tensors.input, tensors.target),
        numBlocks(blocksOf(step, batch.count)), numSingles(singlesOf(step, batch.count)),
        blocksOfRound(step.fold ? std::min(step.num_slots, numBlocks) : numBlocks),
        numThreads(model.threadsOf(step, batch.count)) {
    if (numSingles > 0)
      singles.emplace(model, batch, *step.rest, tensors.restInput, tensors.restTarget);
  }

  void run() {
    if (!anyTeams())
      return runOnce();
    TeamTrial &trial = model.teamTrials[&step - model.program.steps];
    formsTeams = trial.next(numFull() * step.block_size + numSingles);
    if (!formsTeams)
      numThreads = model.threadsOf(step, batch.count, /*mayHaveTeams=*/false);
    auto begin = std::chrono::steady_clock::now();
    runOnce();
    trial.record(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }

private:
  int64_t numFull() const { return fullBlocksOf(step, batch.count); }

  /// Whether any round may have blocks for teams.
  bool anyTeams() const {
    auto isFor = [&](const ai_rt_step_t &step, int64_t count) {
      return model.hasTeams(step, count, numThreads);
    };
    int64_t last = numFull() - (numBlocks - 1) / blocksOfRound * blocksOfRound;
    return (numBlocks > blocksOfRound && isFor(step, blocksOfRound)) || isFor(step, last) ||
           (singles && (isFor(singles->step, std::min(numSingles, singlesAtOnce())) ||
                        isFor(singles->step, numSingles % singlesAtOnce())));
  }

  /// One for each thread, and for each slot, at most.
  int64_t singlesAtOnce() const { return std::min(numThreads, step.num_slots); }

  void runOnce() {
    if (model.trace && model.trace->beginRun(step.name, model.progress.step, batch.count,
                                             model.eventsOf(step, batch.count)))
      trace = model.trace.get();
    if (numThreads == 1)
      work(0);
    else
      model.pool.run([](void *self, int64_t thread) { static_cast<StepRun *>(self)->work(thread); },
                     this);
    if (trace)
      trace->endRun();
    checkNoNaN(model, step);
  }

  void work(int64_t thread);
  void runRound(int64_t thread, int64_t first, int64_t end);
  void clearSlots(int64_t thread, int64_t first, int64_t end);
  void clearRows(int64_t slot, int64_t from);
  void runSingles(int64_t thread);
  void runAll(const Blocks &blocks, int64_t thread, int64_t first, int64_t count, int64_t slot);
  void runCombine(ai_rt_combine_fn combine, int64_t thread, int64_t count);
  void runBlock(const Blocks &blocks, int64_t thread, int64_t first, char *slot,
                Team *team = nullptr);
  char *slotAt(int64_t index) {
    return model.fixed() + step.slot_offset + index % step.num_slots * step.slot_bytes;
  }
  /// Single samples are counted on behind the blocks.
  int64_t numberOf(int64_t first) const {
    return std::min(first / step.block_size, numFull()) +
           std::max<int64_t>(0, first - numFull() * step.block_size);
  }
  void copyOutputs(int64_t first, const char *workspace);
  bool looksForNaN() const { return model.program.num_checks > 0; }
  void wait(int64_t thread);
  void waitBeforeBlocks(int64_t thread);
  void lap(int64_t thread, Trace::Kind kind, int64_t block = 0) {
    if (trace)
      trace->lap(thread, kind, block);
  }

  ai_rt_model &model;
  const StepTensors &tensors;
  const ai_rt_step_t &step;
  Batch batch;
  char *outputs;
  Blocks blocks;
  std::optional<Blocks> singles;
  int64_t numBlocks, numSingles;
  int64_t blocksOfRound; ///< All at once, or, where rows go into panels, one for each slot.
  int64_t numThreads;
  bool formsTeams = false; ///< Where there may be some.
  Trace *trace = nullptr;
};
} // namespace

void StepRun::work(int64_t thread) {
  FlushDenormals flush;
  if (!model.profiles.empty())
    model.profiles[thread].begin(trace, thread);
  model.firstNaN.begin();
  lap(thread, Trace::Kind::Waiting);
  for (int64_t first = 0; first < numBlocks; first += blocksOfRound) {
    if (first > 0) {
      wait(thread);
      runCombine(step.fold, thread, first * step.block_size);
      lap(thread, Trace::Kind::Fold);
      waitBeforeBlocks(thread);
    }
    runRound(thread, first, std::min(first + blocksOfRound, numBlocks));
  }
  if (!step.combine)
    return;
  wait(thread);
  if (model.firstNaN.isFound()) // no update
    return;
  runCombine(blocksOfRound < numBlocks ? step.finish : step.combine, thread, batch.count);
  lap(thread, Trace::Kind::Combine);
}

/// Waits for the other threads.
void StepRun::wait(int64_t thread) {
  if (numThreads > 1)
    model.pool.barrier();
  lap(thread, Trace::Kind::Waiting);
}

/// Waits where blocks come next, which do not tell the profile what came before them.
void StepRun::waitBeforeBlocks(int64_t thread) {
  wait(thread);
  if (!model.profiles.empty())
    model.profiles[thread].lap(AI_RT_PROFILE_WAITING);
}

/// Takes this thread's part of the blocks `first ... end - 1`.
void StepRun::runRound(int64_t thread, int64_t first, int64_t end) {
  clearSlots(thread, first, end);
  runAll(blocks, thread, first * step.block_size, std::min(end, numFull()) - first, /*slot=*/0);
  if (end > numFull())
    runSingles(thread);
}

/// Takes this thread's part of the rest: as many samples at a time as there can be, in order.
void StepRun::runSingles(int64_t thread) {
  for (int64_t done = 0; done < numSingles; done += singlesAtOnce()) {
    waitBeforeBlocks(thread); // for who has added to these slots before
    runAll(*singles, thread, numFull() * step.block_size + done,
           std::min(singlesAtOnce(), numSingles - done), /*slot=*/done);
  }
}

/// Prepares this thread's slots for the blocks `first ... end - 1`.
void StepRun::clearSlots(int64_t thread, int64_t first, int64_t end) {
  for (int64_t s = thread; s < step.num_slots; s += numThreads) {
    // A slot without blocks is added up too; otherwise its first block sets it.
    if (s >= numFull() || (looksForNaN() && first == 0))
      std::memset(slotAt(s), 0, step.slot_bytes);
    bool isOfRest = singles && first + s == numFull();
    if (first + s >= end || looksForNaN())
      clearRows(s, 0);
    else if (isOfRest)
      clearRows(s, numSingles);
  }
}

/// Takes this thread's part of `count` blocks, the first of which begins with sample `first` and
/// adds to slot `slot`, the next to the next: blocks of one slot are one thread's, in order, or one
/// is a team's.
void StepRun::runAll(const Blocks &blocks, int64_t thread, int64_t first, int64_t count,
                     int64_t slot) {
  Sharing sharing(numThreads, count);
  bool hasTeams = formsTeams && model.hasTeams(blocks.step, count, numThreads);
  int64_t size = blocks.step.block_size, alone = hasTeams ? sharing.alone : count;
  for (int64_t s = thread; s < step.num_slots; s += numThreads)
    for (int64_t i = s; i < alone; i += step.num_slots)
      runBlock(blocks, thread, first + i * size, slotAt(slot + i));
  if (!hasTeams)
    return;
  int64_t number = thread % sharing.teams, i = alone + number;
  Team team{model.teamBarriers[number], number, /*part=*/thread / sharing.teams,
            /*parts=*/(numThreads - number + sharing.teams - 1) / sharing.teams,
            model.pool.numSpins()};
  runBlock(blocks, thread, first + i * size, slotAt(slot + i), &team);
}

/// Panels are summed as a whole: zeroes the samples of a slot from number `from` on.
void StepRun::clearRows(int64_t slot, int64_t from) {
  for (int64_t i = 0; i < step.num_tensors; ++i) {
    const ai_rt_tensor_info_t &rows = step.tensors[i];
    if (rows.role != AI_RT_ROWS)
      continue;
    int64_t cleared = rows.bytes / step.block_size * from;
    std::memset(model.fixed() + rows.offset + slot * rows.bytes + cleared, 0, rows.bytes - cleared);
  }
}

void StepRun::runCombine(ai_rt_combine_fn combine, int64_t thread, int64_t count) {
  const ai_rt_progress_t &at = model.progress;
  combine(model.fixed(), model.workspace(thread), thread, numThreads, count, at.step, at.epoch,
          at.seed);
}

/// Computes the block that begins with sample `first`, or this thread's part of it.
void StepRun::runBlock(const Blocks &blocks, int64_t thread, int64_t first, char *slot,
                       Team *team) {
  char *own = model.workspace(thread), *workspace = team ? model.workspace(team->number) : own;
  int64_t part = team ? team->part : 0, parts = team ? team->parts : 1;
  int64_t size = blocks.step.block_size, number = numberOf(first);
  if (team) // its workspace may still be in use for a block before
    team->wait();
  if (looksForNaN()) // not for those of a block before
    std::memset(workspace, 0, model.workspaceBytes);
  const ai_rt_progress_t &at = model.progress;
  // Beyond the batch's end its first sample takes the place: zeros may lead to infinities and NaNs
  // inside a network, and those are slow.
  auto sampleAt = [&](int64_t i) { return first + i < batch.count ? first + i : 0; };
  blocks.input.stageBlock(workspace, size, part, parts,
                          [&](int64_t i) { return batch.inputRow(sampleAt(i)); });
  blocks.target.stageBlock(workspace, size, part, parts,
                           [&](int64_t i) { return batch.targetRow(sampleAt(i)); });
  if (team)
    team->wait();
  lap(thread, Trace::Kind::Staging, number);
  blocks.step.block(model.fixed(), workspace, slot, own, reinterpret_cast<char *>(team), first,
                    part, parts, batch.count, at.step, at.epoch, at.seed);
  if (team)
    team->wait();
  if (outputs && part == 0)
    copyOutputs(first, workspace);
  lap(thread, Trace::Kind::Block, number);
}

void StepRun::copyOutputs(int64_t first, const char *workspace) {
  int64_t bytes = tensors.output->bytes / step.block_size;
  int64_t count = std::min(step.block_size, batch.count - first);
  std::memcpy(outputs + first * bytes, workspace + tensors.output->offset, count * bytes);
}

void ai_rt_team_barrier(char *team, char *, char *, char *) {
  if (team)
    reinterpret_cast<const Team *>(team)->wait();
}

static double readMetric(const char *region, const ai_rt_tensor_info_t *info) {
  if (!info)
    return 0;
  const char *at = region + info->offset;
  return info->dtype == AI_RT_F64 ? *reinterpret_cast<const double *>(at)
                                  : *reinterpret_cast<const float *>(at);
}

void ai::rt::addMetrics(ai_rt_metrics_t &sums, const char *region, const StepTensors &tensors,
                        int64_t count) {
  sums.loss += readMetric(region, tensors.loss);
  sums.correct += std::llround(readMetric(region, tensors.correct));
  sums.count += count;
}

/// Runs a step on a batch, where the program's steps run. Adds what its combine left behind to
/// `sums`, now or when `collect` asks the device.
static void runStep(ai_rt_model &model, const StepTensors &tensors, const Batch &batch,
                    char *outputs, ai_rt_metrics_t &sums) {
  if (model.device)
    return model.device->run(model, tensors, batch, outputs);
  StepRun(model, tensors, batch, outputs).run();
  addMetrics(sums, model.fixed(), tensors, batch.count);
}

static void collect(ai_rt_model &model, ai_rt_metrics_t &sums) {
  if (!model.device)
    return;
  ai_rt_metrics_t late = model.device->collect();
  sums = {sums.loss + late.loss, sums.correct + late.correct, sums.count + late.count};
}

//===----------------------------------------------------------------------===//
// Data sets
//===----------------------------------------------------------------------===//

static void checkRange(int64_t first, int64_t count) {
  if (count < 1)
    throwInvalid("expects at least one sample, got ", count);
  if (first < 0)
    throwInvalid("expects a first position of at least 0, got ", first);
}

/// Makes room for batches of `count` samples.
static void growBatch(ai_rt_model &model, int64_t count) {
  if (count <= model.batch)
    return;
  const LibraryCalls *libraries = model.device ? model.device->libraryCalls() : nullptr;
  checkMemory(model.program, count, model.pool.numThreads(),
              libraries ? libraries->scratchBytes() : 0);
  model.batch = count;
}

/// Lists the rows of a batch, or of the batches of a launch, and checks their labels, before
/// anything is changed.
static void listRows(ai_rt_model &model, const StepTensors &tensors, const ai_rt_data_t &data,
                     const uint32_t *order, int64_t first, int64_t count) {
  model.rows.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t position = order ? order[first + i] : first + i;
    model.rows.inputs[i] = static_cast<uint32_t>(position % data.inputs.shape[0]);
    if (!tensors.target)
      continue;
    model.rows.targets[i] = static_cast<uint32_t>(position % data.targets.shape[0]);
    checkLabel(model, tensors, data.targets, model.rows.targets[i]);
  }
}

void ai::rt::keepData(ai_rt_model &model, const ai_rt_data_t *data) {
  if (!model.device)
    return;
  if (!data)
    return model.device->samples().forget();
  for (const StepTensors &tensors : model.steps) {
    checkShapes(tensors, *data, data->targets.data != nullptr);
    model.device->samples().reserve(tensors, model.batch);
  }
  for (const StepTensors &tensors : model.steps) {
    model.device->samples().keep(data->inputs, *tensors.input, &model.normalisation);
    if (tensors.target && data->targets.data)
      model.device->samples().keep(data->targets, *tensors.target, nullptr);
  }
  // What launches of many steps need is made now: a step allocates nothing.
  int64_t most = 0;
  for (const StepTensors &tensors : model.steps)
    if (data->targets.data || !tensors.target)
      most = std::max(most, model.device->reserveLaunch(tensors, *data, model.batch));
  model.rows.reserve(most);
}

void ai::rt::trainBatch(ai_rt_model &model, const ai_rt_data_t &data, const uint32_t *order,
                        int64_t first, int64_t count, ai_rt_metrics_t *metrics) {
  const StepTensors &tensors = model.step("train", count);
  checkRange(first, count);
  checkShapes(tensors, data, /*withTargets=*/true);
  growBatch(model, count);
  listRows(model, tensors, data, order, first, count);
  if (metrics)
    collect(model, model.unread);
  ai_rt_metrics_t own = {};
  runStep(model, tensors, {data, &model.rows, first, count}, /*outputs=*/nullptr,
          metrics ? own : model.unread);
  ++model.progress.step;
  model.progress.position += count;
  model.trained = true;
  if (!metrics)
    return;
  collect(model, own);
  *metrics = own;
}

int64_t ai::rt::batchesAtOnce(const ai_rt_model &model, const ai_rt_data_t &data) {
  // A step for small batches is one of the CPU's.
  return model.device
             ? model.device->batchesAtOnce(model.step("train", /*count=*/1), data, model.batch)
             : 1;
}

void ai::rt::trainBatches(ai_rt_model &model, const ai_rt_data_t &data, const uint32_t *order,
                          int64_t first, int64_t samples, int64_t batch) {
  if (batch < 1)
    throwInvalid("expects a batch of at least 1, got ", batch);
  checkRange(first, samples);
  batch = std::min(batch, samples);
  const StepTensors &tensors = model.step("train", batch);
  checkShapes(tensors, data, /*withTargets=*/true);
  growBatch(model, batch);
  int64_t together = batch * batchesAtOnce(model, data);
  for (int64_t done = 0; done < samples;) {
    int64_t count = std::min(together, samples - done), at = first + done;
    done += count;
    if (together == batch) {
      trainBatch(model, data, order, at, count, /*metrics=*/nullptr);
      continue;
    }
    listRows(model, tensors, data, order, at, count);
    model.device->runTogether(model, tensors, {data, &model.rows, at, count}, batch);
    model.progress.step += (count + batch - 1) / batch;
    model.progress.position += count;
    model.trained = true;
  }
}

ai_rt_metrics_t ai::rt::readMetrics(ai_rt_model &model) {
  collect(model, model.unread);
  return std::exchange(model.unread, {});
}

/// Calls `body` with the first position and the count of each chunk.
template <typename Body>
static void forEachChunk(const ai_rt_step_t &step, int64_t first, int64_t count, Body body) {
  int64_t chunk = kBlocksPerSlot * step.num_slots * step.block_size;
  for (int64_t done = 0; done < count; done += chunk)
    body(first + done, std::min(chunk, count - done));
}

ai_rt_metrics_t ai::rt::evaluateData(ai_rt_model &model, const ai_rt_data_t &data, int64_t first,
                                     int64_t count) {
  const StepTensors &tensors = model.step("evaluate", count);
  checkRange(first, count);
  checkShapes(tensors, data, /*withTargets=*/true);
  for (int64_t i = 0; tensors.target && i < count; ++i)
    checkLabel(model, tensors, data.targets, (first + i) % data.targets.shape[0]);
  collect(model, model.unread);
  ai_rt_metrics_t sums = {0, 0, 0};
  forEachChunk(*tensors.step, first, count, [&](int64_t chunkFirst, int64_t chunkCount) {
    runStep(model, tensors, {data, nullptr, chunkFirst, chunkCount}, /*outputs=*/nullptr, sums);
  });
  collect(model, sums);
  return sums;
}

void ai::rt::predictData(ai_rt_model &model, const ai_rt_data_t &data, int64_t first, int64_t count,
                         void *outputs) {
  const StepTensors &tensors = model.step("predict", count);
  checkRange(first, count);
  checkShapes(tensors, data, /*withTargets=*/false);
  if (!tensors.output)
    throwInvalid("expects step 'predict' to have an output");
  auto *rows = static_cast<char *>(outputs);
  int64_t bytes = tensors.output->bytes / tensors.step->block_size;
  ai_rt_metrics_t none = {};
  forEachChunk(*tensors.step, first, count, [&](int64_t chunkFirst, int64_t chunkCount) {
    char *chunk = rows + (chunkFirst - first) * bytes;
    runStep(model, tensors, {data, nullptr, chunkFirst, chunkCount}, chunk, none);
  });
}
