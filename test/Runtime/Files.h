//===- Files.h - folders and data files for tests ---------------*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_TEST_RUNTIME_FILES_H
#define AI_TEST_RUNTIME_FILES_H

#include "lib/Runtime/Error.h"
#include "gtest/gtest.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
#include <zlib.h>

namespace ai::test {

/// A folder that lives as long as this object.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "ai-runtime-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }

  std::string operator/(const std::string &name) const { return path + "/" + name; }

  std::string path;
};

inline void writeFile(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void writeGzip(const std::string &path, const std::string &bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), unsigned(bytes.size()));
  gzclose(file);
}

inline std::string bigEndian32(uint32_t value) {
  return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
}

/// The bytes of an IDX file.
inline std::string idx(char type, const std::vector<uint32_t> &shape, const std::string &elements) {
  std::string bytes{'\0', '\0', type, char(shape.size())};
  for (uint32_t extent : shape)
    bytes += bigEndian32(extent);
  return bytes + elements;
}

/// What the Error says that `body` throws; "no error" if it throws none.
template <typename Body> std::string errorOf(Body &&body) {
  try {
    body();
  } catch (const rt::Error &error) {
    return error.what();
  }
  return "no error";
}

} // namespace ai::test

#endif // AI_TEST_RUNTIME_FILES_H
