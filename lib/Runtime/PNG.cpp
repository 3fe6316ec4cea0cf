//===- PNG.cpp - pictures as PNG files ------------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PNG.h"

#include "Error.h"

#include <zlib.h>

using namespace ai::rt;

/// Numbers of PNG have their highest byte first.
static void appendNumber(std::string &bytes, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += char(number >> shift);
}

/// Length, type, data, and the checksum of the last two.
static void appendChunk(std::string &file, const std::string &type, const std::string &data) {
  appendNumber(file, uint32_t(data.size()));
  std::string body = type + data;
  file += body;
  appendNumber(file,
               uint32_t(crc32(0, reinterpret_cast<const Bytef *>(body.data()), uInt(body.size()))));
}

static std::string deflated(const std::string &data) {
  uLongf size = compressBound(uLong(data.size()));
  std::string result(size, '\0');
  int status = compress(reinterpret_cast<Bytef *>(&result[0]), &size,
                        reinterpret_cast<const Bytef *>(data.data()), uLong(data.size()));
  if (status != Z_OK)
    throw std::bad_alloc();
  result.resize(size);
  return result;
}

std::string ai::rt::encodePNG(const Image &image) {
  std::string header;
  appendNumber(header, uint32_t(image.width));
  appendNumber(header, uint32_t(image.height));
  header += char(8); // bits
  header += char(image.channels == 3 ? 2 : 0);
  header.append(3, '\0'); // deflate, the five filters, no interlace
  std::string rows;
  int64_t rowBytes = image.width * image.channels;
  for (int64_t y = 0; y < image.height; ++y) {
    rows += char(0); // this row's filter: none
    rows.append(reinterpret_cast<const char *>(image.pixels.data()) + y * rowBytes,
                size_t(rowBytes));
  }
  std::string file = "\x89PNG\r\n\x1a\n";
  appendChunk(file, "IHDR", header);
  appendChunk(file, "IDAT", deflated(rows));
  appendChunk(file, "IEND", "");
  return file;
}
