//===- PNG.h - pictures as PNG files -------------------------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_PNG_H
#define AI_LIB_RUNTIME_PNG_H

#include <cstdint>
#include <string>
#include <vector>

namespace ai::rt {

/// A picture, row by row, the channels of a pixel side by side: one is grey, three are RGB.
struct Image {
  int64_t height = 0, width = 0, channels = 1;
  std::vector<uint8_t> pixels;
};

/// The bytes of a PNG file (ISO/IEC 15948) with that picture.
std::string encodePNG(const Image &image);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_PNG_H
