//===- Samples.cpp - where kernels find a batch ---------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Samples.h"

#include "lib/Runtime/Model.h"

#include <algorithm>

using namespace ai::rt;

/// Rows begin where a kernel may load a vector.
static constexpr int64_t kRowAlignment = 16;

/// Rows that are sent at once, at least.
static constexpr int64_t kLeastRows = 256;

int64_t Samples::rowBytes(const ai_rt_tensor_info_t &tensor) {
  int64_t bytes = sampleElements(tensor.shape, tensor.rank) * ai_rt_dtype_size(tensor.dtype);
  return (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
}

int64_t Samples::recordBytes(int64_t batch) {
  return (AI_RT_BATCH_ROWS + batch) * int64_t(sizeof(int64_t));
}

Samples::Samples(Backend &backend, int64_t batch) : backend(backend), end(backend.makeEvent()) {
  for (Record &each : records)
    each.copied = backend.makeEvent();
  for (Half &each : halves)
    each = {backend.makeEvent(), backend.makeEvent()};
  resizeRecords(recordBytes(batch));
}

/// Waits for all that reads the host's or the device's side of anything.
void Samples::wait() {
  backend.mark(end, Stream::Copies);
  backend.await(end);
  backend.mark(end, Stream::Kernels);
  backend.await(end);
}

//===----------------------------------------------------------------------===//
// Arrays that stay
//===----------------------------------------------------------------------===//

bool Samples::Kept::isOf(const ai_rt_array_t &other, const ai_rt_tensor_info_t &tensor) const {
  return array.data == other.data && array.dtype == other.dtype && rows == other.shape[0] &&
         dtype == tensor.dtype && rowBytes == Samples::rowBytes(tensor);
}

const Samples::Kept *Samples::find(const ai_rt_array_t &array,
                                   const ai_rt_tensor_info_t *tensor) const {
  auto found = std::find_if(kept.begin(), kept.end(),
                            [&](const Kept &each) { return tensor && each.isOf(array, *tensor); });
  return found == kept.end() ? nullptr : &*found;
}

void Samples::keep(const ai_rt_array_t &array, const ai_rt_tensor_info_t &tensor,
                   const Normalisation *normalisation) {
  if (find(array, &tensor))
    return;
  Kept made{array, array.shape[0], tensor.dtype, rowBytes(tensor), nullptr};
  made.array.shape = nullptr; // the caller's
  resizeHalves(kLeastRows, made.rowBytes, 0);
  try {
    made.memory = backend.allocate(made.rows * made.rowBytes);
  } catch (const Error &error) {
    if (error.status != AI_RT_NO_MEMORY)
      throw;
    return;
  }
  Stager stager(array, &tensor, normalisation);
  for (int64_t begin = 0; begin < made.rows; begin += halfRows) {
    int64_t count = std::min(halfRows, made.rows - begin);
    Half &place = nextHalf();
    for (int64_t i = 0; i < count; ++i)
      stager.stage(place.host + i * made.rowBytes, 0, uint32_t(begin + i));
    backend.copyIn(made.memory + begin * made.rowBytes, place.host, count * made.rowBytes,
                   Stream::Copies);
    backend.mark(place.copied, Stream::Copies);
  }
  backend.follow(Stream::Kernels, halves[half].copied);
  kept.push_back(made);
}

void Samples::forget() {
  wait();
  for (const Kept &each : kept)
    backend.release(each.memory);
  kept.clear();
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

static int64_t bytesOfRecords(int64_t steps, int64_t samples) {
  return steps * Samples::recordBytes(0) + samples * int64_t(sizeof(int64_t));
}

void Samples::reserve(const StepTensors &tensors, int64_t batch) {
  resizeHalves(batch, rowBytes(*tensors.input), tensors.target ? rowBytes(*tensors.target) : 0);
}

void Samples::reserve(int64_t steps, int64_t batch) {
  resizeRecords(bytesOfRecords(steps, steps * batch));
}

void Samples::resizeRecords(int64_t bytes) {
  if (bytes <= recordCapacity)
    return;
  char *larger = backend.allocate(bytes); // throws before anything is changed
  wait();
  if (record)
    backend.release(record);
  record = larger;
  for (Record &each : records) {
    if (each.words)
      backend.releaseHost(reinterpret_cast<char *>(each.words));
    each.words = nullptr;
    each.words = reinterpret_cast<int64_t *>(backend.allocateHost(bytes));
  }
  recordCapacity = bytes;
}

void Samples::resizeHalves(int64_t rows, int64_t newInputBytes, int64_t newTargetBytes) {
  if (rows <= halfRows && newInputBytes <= inputBytes && newTargetBytes <= targetBytes)
    return;
  wait();
  for (char *memory : {inputs, targets})
    if (memory)
      backend.release(memory);
  halfRows = std::max(halfRows, std::max(rows, kLeastRows));
  inputBytes = std::max(inputBytes, newInputBytes);
  targetBytes = std::max(targetBytes, newTargetBytes);
  inputs = backend.allocate(2 * halfRows * inputBytes);
  targets = targetBytes ? backend.allocate(2 * halfRows * targetBytes) : nullptr;
  for (Half &each : halves) {
    if (each.host)
      backend.releaseHost(each.host);
    each.host = backend.allocateHost(halfRows * (inputBytes + targetBytes));
  }
}

/// The half that was used longer ago, once its copies are made.
Samples::Half &Samples::nextHalf() {
  half = 1 - half;
  backend.await(halves[half].copied);
  return halves[half];
}

bool Samples::keeps(const ai_rt_data_t &data, const StepTensors &tensors) const {
  return find(data.inputs, tensors.input) &&
         (!tensors.target || find(data.targets, tensors.target));
}

SentBatch Samples::send(const int64_t *words, const StepTensors &tensors, const Batch &batch,
                        int64_t size, const Normalisation &normalisation) {
  int64_t steps = (batch.count + size - 1) / size;
  int64_t bytes = bytesOfRecords(steps, batch.count);
  resizeRecords(bytes);
  const Kept *keptInput = find(batch.data.inputs, tensors.input);
  const Kept *keptTarget = find(batch.data.targets, tensors.target);
  bool sendsInputs = !keptInput, sendsTargets = tensors.target && !keptTarget;
  if (sendsInputs || sendsTargets) {
    int64_t inputRow = sendsInputs ? rowBytes(*tensors.input) : 0;
    int64_t targetRow = sendsTargets ? rowBytes(*tensors.target) : 0;
    resizeHalves(batch.count, inputRow, targetRow);
    Half &place = nextHalf();
    backend.follow(Stream::Copies, place.read);
    char *host = place.host;
    auto copy = [&](const ai_rt_array_t &array, const ai_rt_tensor_info_t *tensor,
                    const Normalisation *how, int64_t bytes, char *memory, auto row) {
      Stager stager(array, tensor, how);
      for (int64_t i = 0; i < batch.count; ++i)
        stager.stage(host + i * bytes, 0, row(i));
      backend.copyIn(memory + int64_t(half) * halfRows * bytes, host, batch.count * bytes,
                     Stream::Copies);
      host += batch.count * bytes;
    };
    if (sendsInputs)
      copy(batch.data.inputs, tensors.input, &normalisation, inputRow, inputs,
           [&](int64_t i) { return batch.inputRow(i); });
    if (sendsTargets)
      copy(batch.data.targets, tensors.target, nullptr, targetRow, targets,
           [&](int64_t i) { return batch.targetRow(i); });
    backend.mark(place.copied, Stream::Copies);
    backend.follow(Stream::Kernels, place.copied);
  }

  Record &own = records[nextRecord++ % kRecords];
  backend.await(own.copied);
  int64_t *next = own.words;
  for (int64_t i = 0; i < batch.count; ++i) {
    if (i % size == 0) {
      std::copy(words, words + AI_RT_BATCH_ROWS, next);
      next[AI_RT_BATCH_STEP] += i / size;
      next[AI_RT_BATCH_ENTRY] += i / size;
      next += AI_RT_BATCH_ROWS;
    }
    int64_t sent = int64_t(half) * halfRows + i;
    int64_t input = sendsInputs ? sent : batch.inputRow(i);
    int64_t target = sendsTargets ? sent : tensors.target ? batch.targetRow(i) : 0;
    *next++ = input | target << 32;
  }
  backend.copyIn(record, own.words, bytes);
  backend.mark(own.copied, Stream::Kernels);
  return {sendsInputs ? inputs : keptInput->memory,
          sendsTargets ? targets
          : keptTarget ? keptTarget->memory
                       : nullptr,
          reinterpret_cast<const int64_t *>(record)};
}
