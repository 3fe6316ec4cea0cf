//===- Safetensors.h - named tensors in a file ---------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_SAFETENSORS_H
#define AI_LIB_RUNTIME_SAFETENSORS_H

#include "File.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ai::rt {

/// One tensor of a safetensors file.
struct SafetensorsEntry {
  std::string name;
  std::string dtype; ///< "F32", "U8", ...
  std::vector<int64_t> shape;
  int64_t begin, end; ///< Bytes, counted from the end of the header.
};

/// The metadata of a file, in the order it is written.
using SafetensorsMetadata = std::vector<std::pair<std::string, std::string>>;

/// Returns the format's name of a dtype, such as "F32"; null if it has none.
const char *safetensorsType(int64_t dtype);

/// Returns length and header of a file with these tensors: all that comes before the data.
std::string formatSafetensorsHeader(const SafetensorsMetadata &metadata,
                                    const std::vector<SafetensorsEntry> &entries);

/// An open file whose header was read. Whatever the bytes on disk, an object of this class is
/// consistent: tensors lie inside the data, side by side, with sizes that follow from type and
/// shape. Data is read on demand, so that a huge file costs no memory before it is refused.
class SafetensorsFile {
public:
  /// Opens `path`; throws an Error that begins with it.
  explicit SafetensorsFile(const std::string &path);

  /// Returns the tensor called `name`, null if there is none.
  const SafetensorsEntry *find(const std::string &name) const;

  /// Copies the bytes of a tensor to `target`; throws an Error that begins with the path.
  void read(const SafetensorsEntry &entry, char *target) const;

  std::string path;
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;

private:
  InputFile input;
  int64_t dataBegin = 0;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_SAFETENSORS_H
