//===- File.h - files read whole and replaced whole ----------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_FILE_H
#define AI_LIB_RUNTIME_FILE_H

#include <cstdint>
#include <string>

namespace ai::rt {

/// A regular file, open for reading. Every failure throws an Error that begins with its path.
class InputFile {
public:
  explicit InputFile(const std::string &path);
  ~InputFile();
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  int64_t size() const { return bytes; }

  /// Reads `count` bytes that begin at `offset`.
  void read(int64_t offset, char *target, int64_t count) const;

private:
  std::string path;
  int descriptor;
  int64_t bytes = 0;
};

/// A file that comes into being, or takes the place of an older one, all at once in `commit`.
/// Without a commit nothing is left of it. Every failure throws an Error that begins with its path.
class OutputFile {
public:
  /// Creates a temporary file in the folder of `path`.
  explicit OutputFile(const std::string &path);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  void write(const char *source, int64_t count);

  /// Makes the bytes durable and gives them the name.
  void commit();

private:
  [[noreturn]] void fail(const char *verb) const;

  std::string path, temporary;
  int descriptor = -1;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_FILE_H
