//===- Samples.h - where kernels find a batch -*- C++ -* ------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_SAMPLES_H
#define AI_LIB_RUNTIME_GPU_SAMPLES_H

#include "Backend.h"

#include <array>
#include <vector>

namespace ai::rt {

struct Batch;
struct Normalisation;
struct StepTensors;

/// What the kernels of a step read of its batch; on the device.
struct SentBatch {
  const char *inputs = nullptr, *targets = nullptr; ///< Row 0 of each.
  const int64_t *record = nullptr;                  ///< AI_RT_BATCH_*, then a word for each sample.
};

/// The samples of batches on a device. Arrays that stay are there as a whole, and a batch lists
/// their rows; the samples of others are sent batch by batch, by a stream of their own, while
/// kernels work on the batch before. Rows are elements of the model's types, as the host would
/// convert them, `rowBytes` apart.
class Samples {
public:
  /// For batches of up to `batch` samples; larger ones make it allocate again. The device frees its
  /// memory.
  Samples(Backend &backend, int64_t batch);

  /// Bytes from one row of the tensor to the next.
  static int64_t rowBytes(const ai_rt_tensor_info_t &tensor);
  /// Bytes of the record of `batch` samples.
  static int64_t recordBytes(int64_t batch);

  /// Whether the device has a copy of all that the step reads of `data`.
  bool keeps(const ai_rt_data_t &data, const StepTensors &tensors) const;

  /// Copies `array` to the device, where it stands for the host's, which must not change from now
  /// on. Does nothing if the device has no room for it.
  void keep(const ai_rt_array_t &array, const ai_rt_tensor_info_t &tensor,
            const Normalisation *normalisation);
  /// Makes room for the samples of a batch on their way: arrays that stay may leave none.
  void reserve(const StepTensors &tensors, int64_t batch);
  /// Makes room for the records of so many batches at once. Throws if there is none; what there is
  /// stays.
  void reserve(int64_t steps, int64_t batch);
  /// Forgets all arrays that were kept.
  void forget();

  /// Sends what kernels read of a batch, or of the batches of a few steps with `size` samples each:
  /// `words` are the first of their records, but for the number of the step and the entry, which
  /// count. Samples of several steps are kept.
  SentBatch send(const int64_t *words, const StepTensors &tensors, const Batch &batch, int64_t size,
                 const Normalisation &normalisation);
  /// Says that all kernels that read the batch sent last were asked for.
  void endBatch() { backend.mark(halves[half].read, Stream::Kernels); }

private:
  /// An array on the device.
  struct Kept {
    bool isOf(const ai_rt_array_t &other, const ai_rt_tensor_info_t &tensor) const;
    ai_rt_array_t array;
    int64_t rows, dtype, rowBytes;
    char *memory;
  };
  /// One of two places for samples on their way: of one batch while the other's is read.
  struct Half {
    Event copied, read;
    char *host = nullptr;
  };
  /// The host's side of a record.
  struct Record {
    Event copied;
    int64_t *words = nullptr;
  };

  const Kept *find(const ai_rt_array_t &array, const ai_rt_tensor_info_t *tensor) const;
  void wait();
  void resizeRecords(int64_t bytes);
  void resizeHalves(int64_t rows, int64_t inputBytes, int64_t targetBytes);
  Half &nextHalf();

  Backend &backend;
  std::vector<Kept> kept;
  Event end;

  static constexpr size_t kRecords = 8; ///< Steps that the host may be ahead of the device.
  std::array<Record, kRecords> records;
  size_t nextRecord = 0;
  char *record = nullptr;
  int64_t recordCapacity = 0; ///< In bytes.

  std::array<Half, 2> halves;
  size_t half = 0;
  char *inputs = nullptr, *targets = nullptr; ///< The device's side: two halves each.
  int64_t halfRows = 0, inputBytes = 0, targetBytes = 0;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_SAMPLES_H
