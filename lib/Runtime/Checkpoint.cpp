//===- Checkpoint.cpp - saving models and loading them --------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "File.h"
#include "Model.h"
#include "Safetensors.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

using namespace ai::rt;

static constexpr const char *kFormat = "aic checkpoint";
static constexpr const char *kFormatVersion = "1";

static bool isSaved(const ai_rt_tensor_info_t &info) {
  return info.role == AI_RT_PARAMETER || info.role == AI_RT_STATE;
}

//===----------------------------------------------------------------------===//
// Saving
//===----------------------------------------------------------------------===//

static SafetensorsMetadata describe(const ai_rt_model &model) {
  const ai_rt_progress_t &at = model.progress;
  return {{"format", kFormat},
          {"format_version", kFormatVersion},
          {"model", model.program.name},
          {"step", std::to_string(at.step)},
          {"epoch", std::to_string(at.epoch)},
          {"position", std::to_string(at.position)},
          {"seed", std::to_string(at.seed)}};
}

static void save(const ai_rt_model &model, const char *path) {
  std::vector<SafetensorsEntry> entries;
  std::vector<const ai_rt_tensor_info_t *> infos;
  int64_t offset = 0;
  for (int64_t i = 0; i < model.program.num_tensors; ++i) {
    const ai_rt_tensor_info_t &info = model.program.tensors[i];
    if (!isSaved(info))
      continue;
    infos.push_back(&info);
    entries.push_back({info.name,
                       safetensorsType(info.dtype),
                       {info.shape, info.shape + info.rank},
                       offset,
                       offset + info.bytes});
    offset += info.bytes;
  }
  std::string header = formatSafetensorsHeader(describe(model), entries);
  OutputFile file(path);
  file.write(header.data(), static_cast<int64_t>(header.size()));
  for (const ai_rt_tensor_info_t *info : infos)
    file.write(model.fixed() + info->offset, info->bytes);
  file.commit();
}

ai_rt_status_t ai_rt_model_save(const ai_rt_model_t *model, const char *path) {
  return guarded([&] { save(*model, path); });
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

namespace {
/// A file that is checked against a model before anything is copied.
class Loader {
public:
  Loader(ai_rt_model &model, const char *path) : model(model), file(path) {}

  /// Throws unless the file is a checkpoint of this model, no more and no less.
  void checkCheckpoint() const;

  /// Throws unless the tensors that `wanted` picks are there with the right types and shapes.
  template <typename Predicate> void checkTensors(Predicate wanted) const;

  /// Reads those tensors, then copies them into the model, so that a failure comes before.
  template <typename Predicate> void copyTensors(Predicate wanted);

  ai_rt_progress_t progress() const;

private:
  template <typename... Parts> [[noreturn]] void fail(const Parts &...parts) const {
    throwBadFile(file.path, ": ", parts...);
  }

  template <typename Body> void forEach(Body body) const {
    for (int64_t i = 0; i < model.program.num_tensors; ++i)
      body(model.program.tensors[i]);
  }

  const std::string &metadata(const char *key) const;
  int64_t integer(const char *key, int64_t minimum) const;
  void checkTensor(const ai_rt_tensor_info_t &info) const;

  ai_rt_model &model;
  SafetensorsFile file;
};
} // namespace

const std::string &Loader::metadata(const char *key) const {
  auto found = file.metadata.find(key);
  if (found == file.metadata.end())
    fail("expects a checkpoint, but its metadata has no '", key, "'");
  return found->second;
}

int64_t Loader::integer(const char *key, int64_t minimum) const {
  const std::string &text = metadata(key);
  char *end;
  errno = 0;
  long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0 || value < minimum)
    fail("expects metadata '", key, "' to be a number, got '", text, "'");
  return value;
}

ai_rt_progress_t Loader::progress() const {
  return {integer("step", 0), integer("epoch", 0), integer("position", 0),
          integer("seed", INT64_MIN)};
}

void Loader::checkCheckpoint() const {
  if (metadata("format") != kFormat || metadata("format_version") != kFormatVersion)
    fail("expects a checkpoint of format version ", kFormatVersion, ", got '", metadata("format"),
         "' of version '", metadata("format_version"), "'");
  if (metadata("model") != model.program.name)
    fail("expects a checkpoint of model '", model.program.name, "', got one of '",
         metadata("model"), "'");
  for (const SafetensorsEntry &entry : file.entries) {
    int64_t index = ai_rt_model_find_tensor(&model, entry.name.c_str());
    if (index < 0 || !isSaved(model.program.tensors[index]))
      fail("holds tensor '", entry.name, "', which model '", model.program.name, "' does not have");
  }
}

void Loader::checkTensor(const ai_rt_tensor_info_t &info) const {
  const SafetensorsEntry *entry = file.find(info.name);
  if (!entry)
    fail("expects tensor '", info.name, "' of model '", model.program.name, "', which is absent");
  if (entry->dtype != safetensorsType(info.dtype) ||
      entry->shape != std::vector<int64_t>(info.shape, info.shape + info.rank))
    fail("expects tensor '", info.name, "' of ", formatShape(info.shape, info.rank), " ",
         safetensorsType(info.dtype), ", got ",
         formatShape(entry->shape.data(), static_cast<int64_t>(entry->shape.size())), " ",
         entry->dtype);
}

template <typename Predicate> void Loader::checkTensors(Predicate wanted) const {
  forEach([&](const ai_rt_tensor_info_t &info) {
    if (wanted(info))
      checkTensor(info);
  });
}

template <typename Predicate> void Loader::copyTensors(Predicate wanted) {
  std::string staged;
  forEach([&](const ai_rt_tensor_info_t &info) {
    if (!wanted(info))
      return;
    size_t begin = staged.size();
    staged.resize(begin + info.bytes);
    file.read(*file.find(info.name), staged.data() + begin);
  });
  const char *next = staged.data();
  forEach([&](const ai_rt_tensor_info_t &info) {
    if (!wanted(info))
      return;
    std::memcpy(model.fixed() + info.offset, next, info.bytes);
    next += info.bytes;
  });
  model.trained = true;
}

ai_rt_status_t ai_rt_model_load(ai_rt_model_t *model, const char *path) {
  return guarded([&] {
    Loader loader(*model, path);
    loader.checkCheckpoint();
    loader.checkTensors(isSaved);
    ai_rt_progress_t progress = loader.progress();
    loader.copyTensors(isSaved);
    model->progress = progress;
  });
}

ai_rt_status_t ai_rt_model_load_parameters(ai_rt_model_t *model, const char *path) {
  auto isParameter = [](const ai_rt_tensor_info_t &info) { return info.role == AI_RT_PARAMETER; };
  return guarded([&] {
    Loader loader(*model, path);
    loader.checkTensors(isParameter);
    loader.copyTensors(isParameter);
  });
}
