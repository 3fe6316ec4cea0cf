//===- Data.cpp - data sets in folders ------------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Data.h"

#include "Error.h"

#include <algorithm>
#include <cstring>
#include <dirent.h>
#include <set>
#include <sys/stat.h>

using namespace ai::rt;

const char *const ai::rt::defaultDataFolder = "/usr/share/datasets/fashion-mnist";

/// The names that a kind of file goes by: the official one, then what people call theirs.
struct FileKind {
  const char *what;
  const char *official;
  std::vector<const char *> prefixes;
};

static const FileKind &imagesOf(Split split) {
  static const FileKind train{"training images", "train-images-idx3-ubyte", {"train-images"}};
  static const FileKind test{
      "test images", "t10k-images-idx3-ubyte", {"t10k-images", "test-images"}};
  return split == Split::Train ? train : test;
}

static const FileKind &labelsOf(Split split) {
  static const FileKind train{"training labels", "train-labels-idx1-ubyte", {"train-labels"}};
  static const FileKind test{
      "test labels", "t10k-labels-idx1-ubyte", {"t10k-labels", "test-labels"}};
  return split == Split::Train ? train : test;
}

static bool startsWith(const std::string &text, const char *prefix) {
  return text.compare(0, strlen(prefix), prefix) == 0;
}

static bool isRegularFile(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

/// The names in `folder` that fit, sorted; a plain file hides its gzipped twin.
static std::vector<std::string> matchingNames(const std::string &folder, const FileKind &kind) {
  std::set<std::string> names;
  DIR *handle = opendir(folder.c_str());
  if (!handle)
    return {};
  while (const dirent *entry = readdir(handle)) {
    std::string name = entry->d_name;
    auto fits = [&](const char *prefix) { return startsWith(name, prefix); };
    if (std::any_of(kind.prefixes.begin(), kind.prefixes.end(), fits) &&
        isRegularFile(folder + "/" + name))
      names.insert(name);
  }
  closedir(handle);
  std::vector<std::string> result;
  for (const std::string &name : names) {
    bool gzipped = name.size() > 3 && name.compare(name.size() - 3, 3, ".gz") == 0;
    if (!gzipped || !names.count(name.substr(0, name.size() - 3)))
      result.push_back(name);
  }
  return result;
}

static std::string findFile(const std::string &folder, const FileKind &kind) {
  for (const char *ending : {"", ".gz"}) {
    std::string path = folder + "/" + kind.official + ending;
    if (isRegularFile(path))
      return path;
  }
  std::vector<std::string> names = matchingNames(folder, kind);
  if (names.empty())
    throwBadFile(folder, ": no ", kind.what, " found; expected ", kind.official, " or ",
                 kind.official, ".gz");
  if (names.size() > 1)
    throwBadFile(folder, ": expected one file of ", kind.what, ", got ", names[0], " and ",
                 names[1]);
  return folder + "/" + names[0];
}

static void checkFolder(const std::string &folder) {
  struct stat info;
  bool exists = stat(folder.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode))
    return;
  if (folder == defaultDataFolder)
    throwBadFile(folder, ": no such folder; install the package dataset-fashion-mnist or name a "
                         "folder with --data");
  throwBadFile(folder, ": ", exists ? "not a folder" : "no such folder");
}

DataFiles ai::rt::findDataFiles(const std::string &folder, Split split) {
  checkFolder(folder);
  return {findFile(folder, imagesOf(split)), findFile(folder, labelsOf(split))};
}

std::string ai::rt::findInputs(const std::string &folder, Split split) {
  checkFolder(folder);
  return findFile(folder, imagesOf(split));
}

bool ai::rt::lacksSplit(const std::string &folder, Split split) {
  checkFolder(folder);
  return matchingNames(folder, imagesOf(split)).empty() &&
         matchingNames(folder, labelsOf(split)).empty();
}

Dataset ai::rt::readDataset(const DataFiles &files, bool sameCount) {
  Dataset data;
  data.inputs = readIDX(files.inputs);
  if (files.targets.empty())
    return data;
  data.targets = readIDX(files.targets);
  if (sameCount && data.inputs.rows() != data.targets.rows())
    throwBadFile(files.targets, ": expected a label for each of the ", data.inputs.rows(),
                 " samples in ", files.inputs, ", got ", data.targets.rows());
  return data;
}

void ai::rt::padImages(IDXArray &images, int64_t pad) {
  constexpr int64_t kMaxPad = 1 << 20;
  if (pad < 0 || pad > kMaxPad)
    throwInvalid("expects padding of 0 to ", kMaxPad, ", got ", pad);
  size_t rank = images.shape.size();
  if (pad == 0)
    return;
  if (rank < 3)
    throwInvalid("expects images to pad, of shape [samples,...,height,width], got ",
                 formatShape(images.shape.data(), int64_t(rank)));
  std::vector<int64_t> shape = images.shape;
  int64_t height = shape[rank - 2], width = shape[rank - 1], count = 1;
  for (size_t d = 0; d < rank - 2; ++d)
    count *= shape[d];
  int64_t newHeight = shape[rank - 2] += 2 * pad, newWidth = shape[rank - 1] += 2 * pad;
  int64_t size = ai_rt_dtype_size(images.dtype), bytes;
  if (__builtin_mul_overflow(newHeight * newWidth, size * count, &bytes))
    throw std::bad_alloc();
  std::unique_ptr<char[]> padded(new char[bytes]());
  for (int64_t image = 0; image < count; ++image)
    for (int64_t y = 0; y < height; ++y)
      memcpy(&padded[((image * newHeight + y + pad) * newWidth + pad) * size],
             &images.data[(image * height + y) * width * size], size_t(width * size));
  images.data = std::move(padded);
  images.shape = std::move(shape);
}

void ai::rt::checkDataset(const ai_rt_model_t *model, const Dataset &data) {
  ai_rt_data_t view = data.view();
  if (ai_rt_model_check_data(model, &view, /*with_targets=*/0) != AI_RT_OK)
    throwBadFile(data.inputs.path, ": ", ai_rt_last_error());
  if (data.targets.data && ai_rt_model_check_data(model, &view, /*with_targets=*/1) != AI_RT_OK)
    throwBadFile(data.targets.path, ": ", ai_rt_last_error());
}

//===----------------------------------------------------------------------===//
// The C API
//===----------------------------------------------------------------------===//

ai_rt_status_t ai_rt_dataset_open(const char *inputs_path, const char *targets_path,
                                  ai_rt_dataset_t **dataset) {
  return guarded([&] {
    if (!inputs_path || !dataset)
      throwInvalid("expected a path and a place for the data set, got null");
    *dataset = new Dataset(readDataset({inputs_path, targets_path ? targets_path : ""}));
  });
}

ai_rt_status_t ai_rt_dataset_open_split(const char *folder, const char *split,
                                        ai_rt_dataset_t **dataset) {
  return guarded([&] {
    std::string name = split ? split : "";
    if (!dataset || (name != "train" && name != "test"))
      throwInvalid("expected split \"train\" or \"test\" and a place for the data set, got \"",
                   name, "\"");
    *dataset = new Dataset(readDataset(findDataFiles(
        folder ? folder : defaultDataFolder, name == "train" ? Split::Train : Split::Test)));
  });
}

ai_rt_status_t ai_rt_dataset_pad(ai_rt_dataset_t *dataset, int64_t pad) {
  return guarded([&] { padImages(dataset->inputs, pad); });
}

ai_rt_data_t ai_rt_dataset_data(const ai_rt_dataset_t *dataset) { return dataset->view(); }

void ai_rt_dataset_destroy(ai_rt_dataset_t *dataset) { delete dataset; }
