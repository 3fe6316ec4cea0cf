//===- Data.h - data sets in folders ----------------------------*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_DATA_H
#define AI_LIB_RUNTIME_DATA_H

#include "IDX.h"

/// What ai_rt_dataset_t stands for. Without targets, `targets.data` is null.
struct ai_rt_dataset {
  ai::rt::IDXArray inputs, targets;

  /// A view that lives as long as this data set.
  ai_rt_data_t view() const { return {inputs.view(), targets.view()}; }
};

namespace ai::rt {

using Dataset = ai_rt_dataset;
enum class Split : uint8_t { Train, Test };

/// The folder that is read when none is named: Debian's package dataset-fashion-mnist.
extern const char *const defaultDataFolder;

/// The files of one split.
struct DataFiles {
  std::string inputs, targets;
};

/// Finds the files of `split` in `folder` by the names in use for them, such as
/// train-images-idx3-ubyte.gz. Throws an Error that says what is missing, or which files compete.
DataFiles findDataFiles(const std::string &folder, Split split);

/// The images of `split` only.
std::string findInputs(const std::string &folder, Split split);

/// True if `folder` has neither images nor labels of `split`.
bool lacksSplit(const std::string &folder, Split split);

/// Reads images, and labels unless their path is empty. Throws an Error if their numbers differ,
/// unless a measurement cycles through them at different periods.
Dataset readDataset(const DataFiles &files, bool sameCount = true);

/// Adds `pad` rows and columns of zeros on every side of every image. Throws an Error if the
/// samples are no images, or become larger than memory.
void padImages(IDXArray &images, int64_t pad);

/// Checks that the data set fits the model; throws an Error that begins with the path at fault.
void checkDataset(const ai_rt_model_t *model, const Dataset &data);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_DATA_H
