//===- File.cpp - files read whole and replaced whole ---------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "File.h"
#include "Error.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

InputFile::InputFile(const std::string &path)
    : path(path), descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    int error = errno;
    if (descriptor >= 0)
      close(descriptor);
    throwBadFile(path, ": cannot open: ", std::strerror(error));
  }
  if (!S_ISREG(status.st_mode)) {
    close(descriptor);
    throwBadFile(path, ": expects a regular file");
  }
  bytes = status.st_size;
}

InputFile::~InputFile() { close(descriptor); }

void InputFile::read(int64_t offset, char *target, int64_t count) const {
  while (count > 0) {
    ssize_t got = pread(descriptor, target, count, offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      throwBadFile(path, ": cannot read: ", std::strerror(errno));
    if (got == 0)
      throwBadFile(path, ": ends ", count, " bytes too early");
    target += got;
    offset += got;
    count -= got;
  }
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Returns what `path` leads to, so that a link stays one and the file behind it is replaced.
static std::string resolveLinks(const std::string &path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) ? resolved : path;
}

static std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

OutputFile::OutputFile(const std::string &path) : path(resolveLinks(path)) {
  struct stat status;
  if (stat(this->path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    throwBadFile(path, ": expects a regular file to replace");
  // Not mkstemp: the file gets the permissions that the user's mask gives every new file.
  for (int attempt = 0; descriptor < 0; ++attempt) {
    temporary = concat(this->path, ".", getpid(), "-", attempt, ".tmp");
    descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && (errno != EEXIST || attempt == 1000))
      throwBadFile(path, ": cannot create: ", std::strerror(errno));
  }
}

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

void OutputFile::fail(const char *verb) const {
  throwBadFile(path, ": cannot ", verb, ": ", std::strerror(errno));
}

void OutputFile::write(const char *source, int64_t count) {
  while (count > 0) {
    ssize_t written = ::write(descriptor, source, count);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      fail("write");
    source += written;
    count -= written;
  }
}

void OutputFile::commit() {
  if (fsync(descriptor) != 0)
    fail("write");
  int closing = descriptor;
  descriptor = -1;
  if (close(closing) != 0)
    fail("write");
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    fail("rename");
  temporary.clear();
  // The new name lasts only when its folder does. Some file systems cannot do that, and the file
  // is whole under either name, so a failure here is none of saving.
  int folder = open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
}
