//===- IDXTest.cpp - reading IDX files ------------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/IDX.h"

#include "Files.h"

#include <cstring>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace ai::rt;
using namespace ai::test;

namespace {

class IDX : public testing::Test {
protected:
  /// Reads a file of these bytes and returns the error without the path.
  std::string errorOfBytes(const std::string &bytes) {
    writeFile(path, bytes);
    return errorOfFile();
  }
  std::string errorOfFile() {
    std::string error = errorOf([&] { readIDX(path); });
    EXPECT_EQ(error.find(path + ": "), 0u) << error;
    return error.substr(std::min(error.size(), path.size() + 2));
  }

  TemporaryFolder folder;
  std::string path = folder / "file";
};

template <typename T> std::vector<T> elementsOf(const IDXArray &array, size_t count) {
  std::vector<T> values(count);
  memcpy(values.data(), array.data.get(), count * sizeof(T));
  return values;
}

TEST_F(IDX, ReadsBytesPlainAndGzipped) {
  std::string bytes = idx(0x08, {2, 1, 3}, "abcdef");
  writeFile(path, bytes);
  writeGzip(folder / "zipped", bytes);
  for (const char *name : {"file", "zipped"}) {
    IDXArray array = readIDX(folder / name);
    EXPECT_EQ(array.dtype, AI_RT_U8);
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 1, 3}));
    EXPECT_EQ(array.rows(), 2);
    EXPECT_EQ(std::string(array.data.get(), 6), "abcdef");
    EXPECT_EQ(array.path, folder / name);
  }
}

TEST_F(IDX, SwapsWideElements) {
  writeFile(path, idx(0x0C, {2}, bigEndian32(7) + bigEndian32(uint32_t(-2))));
  EXPECT_EQ(elementsOf<int32_t>(readIDX(path), 2), (std::vector<int32_t>{7, -2}));
  writeFile(path, idx(0x0D, {2}, bigEndian32(0x3f800000) + bigEndian32(0xc0200000)));
  EXPECT_EQ(elementsOf<float>(readIDX(path), 2), (std::vector<float>{1.0f, -2.5f}));
  writeFile(path, idx(0x0E, {1}, bigEndian32(0x40040000) + bigEndian32(0)));
  EXPECT_EQ(elementsOf<double>(readIDX(path), 1), (std::vector<double>{2.5}));
  writeFile(path, idx(0x09, {2}, "\x01\xff"));
  EXPECT_EQ(elementsOf<int8_t>(readIDX(path), 2), (std::vector<int8_t>{1, -1}));
}

TEST_F(IDX, RefusesWhatIsNoFile) {
  EXPECT_EQ(errorOfFile(), "no such file");
  path = folder.path;
  EXPECT_EQ(errorOfFile(), "not a regular file");
  path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(errorOfFile(), "not a regular file");
}

TEST_F(IDX, RefusesOtherFormats) {
  EXPECT_EQ(errorOfBytes("PNG file"),
            "not an IDX file; expected it to begin with 00 00, a type and "
            "a rank, got 50 4e 47 20");
  EXPECT_EQ(errorOfBytes(idx(0x08, {}, "")), "not an IDX file; expected it to begin with 00 00, a "
                                             "type and a rank, got 00 00 08 00");
  EXPECT_EQ(errorOfBytes(idx(0x08, std::vector<uint32_t>(9, 1), "a")).find("not an IDX file"), 0u);
  EXPECT_EQ(errorOfBytes(idx(0x0B, {1}, "ab")), "expected elements of u8, i8, i32, f32 or f64, got "
                                                "the magic number 00 00 0b 01");
}

TEST_F(IDX, RefusesCountsThatAreNotTrue) {
  EXPECT_EQ(errorOfBytes(""), "truncated; 4 bytes of the header are missing");
  EXPECT_EQ(errorOfBytes(idx(0x08, {2, 3}, "").substr(0, 9)),
            "truncated; 3 bytes of the header are missing");
  EXPECT_EQ(errorOfBytes(idx(0x08, {2, 3}, "abcde")),
            "truncated; its header claims 6 bytes of elements, got 5");
  EXPECT_EQ(errorOfBytes(idx(0x08, {2, 3}, "abcdefg")),
            "longer than the counts in its header say; they claim 6 bytes of elements, got 7");
  EXPECT_EQ(errorOfBytes(idx(0x08, {2, 0}, "")), "expected extents of at least 1, got [2,0]");
  EXPECT_EQ(errorOfBytes(idx(0x0E, {0xffffffff, 0xffffffff, 0xffffffff}, "")),
            "its header claims more than 2^63 bytes");
}

TEST_F(IDX, AllocatesNothingForAnUncheckedHeader) {
  std::string header = idx(0x0E, {0xffffffff, 1000}, "");
  EXPECT_EQ(errorOfBytes(header),
            "truncated; its header claims 34359738360000 bytes of elements, got 0");
  writeGzip(path, header);
  EXPECT_NE(errorOfFile().find("its header claims 34359738360000 bytes, more than a gzip file of "),
            std::string::npos);
}

TEST_F(IDX, RefusesGzippedCountsThatAreNotTrue) {
  writeGzip(path, idx(0x08, {2, 3}, "abcde"));
  EXPECT_EQ(errorOfFile(), "truncated; 1 bytes of the elements are missing");
  writeGzip(path, idx(0x08, {2, 3}, "abcdefg"));
  EXPECT_EQ(errorOfFile(), "longer than the counts in its header say");
}

TEST_F(IDX, RefusesEveryTruncationOfAGzipFile) {
  std::string elements;
  for (int i = 0; i < 300; ++i)
    elements += char(i * i * 7);
  writeGzip(path, idx(0x08, {300}, elements));
  std::string whole = readFile(path);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(errorOfBytes(whole.substr(0, size)), "no error") << size;
  EXPECT_EQ(errorOfBytes(whole.substr(0, 100)), "truncated gzip file; it ends within the elements");
  EXPECT_EQ(errorOfBytes(whole.substr(0, whole.size() - 4)),
            "truncated gzip file; it ends within the checksum");
}

TEST_F(IDX, RefusesACorruptGzipFile) {
  writeGzip(path, idx(0x08, {26}, "abcdefghijklmnopqrstuvwxyz"));
  std::string whole = readFile(path);
  std::string broken = whole;
  broken[whole.size() - 8] ^= 1;
  EXPECT_EQ(errorOfBytes(broken), "corrupt gzip file: incorrect data check");
  // A flipped bit is found, or it is one of those that gzip does not use.
  for (size_t i = 0; i < 8 * whole.size(); ++i) {
    broken = whole;
    broken[i / 8] ^= char(1 << i % 8);
    writeFile(path, broken);
    std::string elements;
    std::string error = errorOf([&] { elements.assign(readIDX(path).data.get(), 26); });
    EXPECT_TRUE(error != "no error" || elements == "abcdefghijklmnopqrstuvwxyz") << i;
  }
}

} // namespace
