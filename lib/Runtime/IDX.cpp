//===- IDX.cpp - arrays in IDX files --------------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A header is a claim: nothing is allocated before the file can keep it.
//
//===----------------------------------------------------------------------===//

#include "IDX.h"

#include "Error.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

using namespace ai::rt;

namespace {

/// Ranks beyond this do not occur in data sets; a header that claims one is not an IDX header.
constexpr int maxRank = 8;
/// No deflate stream expands by more (zlib's documentation, "Maximum Compression Factor").
constexpr int64_t maxExpansion = 1032;

/// The file being read: zlib hands plain files through unchanged.
class IDXReader {
public:
  explicit IDXReader(const std::string &path) : path(path) {}
  ~IDXReader() {
    if (file)
      gzclose_r(file);
  }

  IDXArray read();

private:
  void open();
  int64_t readHeader(IDXArray &array);
  void checkSize(int64_t headerBytes, int64_t bytes);
  void readExactly(void *out, int64_t bytes, const char *what);
  void expectEnd();
  [[noreturn]] void failReading(const char *what, int64_t missing);
  template <typename... Parts> [[noreturn]] void fail(const Parts &...parts) {
    throwBadFile(path, ": ", parts...);
  }

  const std::string &path;
  gzFile file = nullptr;
  int64_t fileBytes = 0;
};

} // namespace

void IDXReader::open() {
  // Without O_NONBLOCK a named pipe would be waited for.
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    fail(errno == ENOENT ? "no such file" : strerror(errno));
  struct stat info;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(descriptor);
    fail("not a regular file");
  }
  fileBytes = info.st_size;
  file = gzdopen(descriptor, "rb");
  if (!file) {
    close(descriptor);
    throw std::bad_alloc();
  }
  gzbuffer(file, 1 << 17);
}

void IDXReader::failReading(const char *what, int64_t missing) {
  int code = Z_OK;
  const char *text = gzerror(file, &code);
  if (code == Z_ERRNO)
    fail("cannot read: ", strerror(errno));
  if (code == Z_BUF_ERROR)
    fail("truncated gzip file; it ends within the ", what);
  if (code != Z_OK) {
    // zlib puts the number of the descriptor before its own words.
    const char *colon = strstr(text, ": ");
    fail("corrupt gzip file: ", colon ? colon + 2 : text);
  }
  fail("truncated; ", missing, " bytes of the ", what, " are missing");
}

void IDXReader::readExactly(void *out, int64_t bytes, const char *what) {
  char *next = static_cast<char *>(out);
  while (bytes > 0) {
    int got = gzread(file, next, unsigned(std::min<int64_t>(bytes, 1 << 20)));
    if (got <= 0)
      failReading(what, bytes);
    next += got;
    bytes -= got;
  }
}

/// The array ends where the file ends; reading to the end also makes zlib compare the checksum.
void IDXReader::expectEnd() {
  char extra;
  int got = gzread(file, &extra, 1);
  if (got < 0)
    failReading("checksum", 0);
  if (got > 0)
    fail("longer than the counts in its header say");
  // A stream that is cut within its checksum reads as an end and is reported by the last call only.
  int code = gzclose_r(file);
  file = nullptr;
  if (code != Z_OK)
    fail("truncated gzip file; it ends within the checksum");
}

static int64_t decodeType(unsigned char code) {
  switch (code) {
  case 0x08:
    return AI_RT_U8;
  case 0x09:
    return AI_RT_I8;
  case 0x0C:
    return AI_RT_I32;
  case 0x0D:
    return AI_RT_F32;
  case 0x0E:
    return AI_RT_F64;
  default:
    return -1;
  }
}

/// Fills in type and shape and returns the bytes of the elements.
int64_t IDXReader::readHeader(IDXArray &array) {
  unsigned char magic[4], extents[4 * maxRank];
  readExactly(magic, sizeof(magic), "header");
  int rank = magic[3];
  char hex[16];
  snprintf(hex, sizeof(hex), "%02x %02x %02x %02x", magic[0], magic[1], magic[2], magic[3]);
  if (magic[0] || magic[1] || rank < 1 || rank > maxRank)
    fail("not an IDX file; expected it to begin with 00 00, a type and a rank, got ", hex);
  array.dtype = decodeType(magic[2]);
  if (array.dtype < 0)
    fail("expected elements of u8, i8, i32, f32 or f64, got the magic number ", hex);

  readExactly(extents, 4 * rank, "header");
  int64_t bytes = ai_rt_dtype_size(array.dtype);
  for (const unsigned char *p = extents; p < extents + 4 * rank; p += 4) {
    array.shape.push_back(int64_t(p[0]) << 24 | p[1] << 16 | p[2] << 8 | p[3]);
    if (array.shape.back() == 0)
      fail("expected extents of at least 1, got ",
           formatShape(array.shape.data(), int64_t(array.shape.size())));
    if (__builtin_mul_overflow(bytes, array.shape.back(), &bytes))
      fail("its header claims more than 2^63 bytes");
  }
  checkSize(4 + 4 * rank, bytes);
  return bytes;
}

/// Refuses a header whose claim the file cannot keep.
void IDXReader::checkSize(int64_t headerBytes, int64_t bytes) {
  if (!gzdirect(file)) {
    if (bytes / maxExpansion > fileBytes)
      fail("its header claims ", bytes, " bytes, more than a gzip file of ", fileBytes,
           " bytes can hold");
    return;
  }
  int64_t present = fileBytes - headerBytes;
  if (bytes > present)
    fail("truncated; its header claims ", bytes, " bytes of elements, got ", present);
  if (bytes < present)
    fail("longer than the counts in its header say; they claim ", bytes, " bytes of elements, got ",
         present);
}

/// Big-endian to the order of the machine, in place.
static void swapElements(char *data, int64_t bytes, int64_t size) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (size == 1)
    return;
  for (char *end = data + bytes; data < end; data += size)
    std::reverse(data, data + size);
#endif
}

IDXArray IDXReader::read() {
  IDXArray array;
  open();
  int64_t bytes = readHeader(array);
  // Not initialised: the system hands out pages only as they are filled.
  array.data.reset(new char[bytes]);
  readExactly(array.data.get(), bytes, "elements");
  expectEnd();
  swapElements(array.data.get(), bytes, ai_rt_dtype_size(array.dtype));
  array.path = path;
  return array;
}

IDXArray ai::rt::readIDX(const std::string &path) { return IDXReader(path).read(); }
