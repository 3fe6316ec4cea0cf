//===- EventFile.h - files of events that TensorBoard reads ----*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file is a sequence of records, each the protocol buffer message `Event` between checksums; see
// `tfevents` in TensorBoard's documentation, and TensorFlow's event.proto and summary.proto.
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_EVENTFILE_H
#define AI_LIB_RUNTIME_EVENTFILE_H

#include "PNG.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace ai::rt {

/// The checksum CRC-32C of `size` bytes: polynomial 0x1EDC6F41, reflected (RFC 3720, appendix B.4).
uint32_t crc32c(const char *data, size_t size);

/// Appends one record: length, its checksum, `data`, its checksum; little endian. Checksums are
/// rotated and moved by a constant, so that one over bytes that hold another one is none of itself.
void appendRecord(std::string &bytes, const std::string &data);

/// How many of a tensor's elements lie where. Those that are not finite are left out.
struct Histogram {
  static constexpr int kBuckets = 64;

  /// Of `count` elements; the buckets between the least and the greatest are equally wide.
  template <typename T> Histogram(const T *elements, int64_t count);

  /// The upper end of a bucket.
  double limit(int bucket) const;

  double min = 0, max = 0;
  double sum = 0, sumOfSquares = 0;
  int64_t count = 0;
  std::array<int64_t, kBuckets> buckets{};
};

/// A new file of events. What is written goes through a buffer made at the start, and to the disk
/// when that is half full, when a second is over, and at the end. Every failure throws an Error
/// that begins with the file's path, and leaves whole records only.
class EventFile {
public:
  /// Creates a file in `folder`, and the folder. Readers forget what earlier files of the folder
  /// say of step `first` and those behind it: a training that is resumed does these again.
  EventFile(const std::string &folder, int64_t first);
  /// Removes a file in which there is no event.
  ~EventFile();
  EventFile(const EventFile &) = delete;
  EventFile &operator=(const EventFile &) = delete;

  /// Adds a value to the next event. Nothing is allocated for a number or a
  /// histogram whose tag has up to a hundred characters.
  void add(const char *tag, double value);
  void add(const char *tag, const Histogram &histogram);
  void add(const char *tag, const Image &image);
  void addText(const char *tag, const std::string &markdown);

  /// Writes the event, at `step` of its curves.
  void write(int64_t step);

  /// Writes a graph (`graphMessage`), which belongs to no step: a file with nothing else is
  /// removed.
  void writeGraph(const std::string &graph);

  /// Leaves nothing in the buffer.
  void flush();

private:
  void begin(int64_t step);
  void append();
  void addMessage(const char *tag, int field, const std::string &message,
                  const std::string *metadata = nullptr);

  std::string path;
  int descriptor = -1;
  int64_t bytesWritten = 0, numEvents = 0;
  double lastFlush = 0;
  // Of messages inside each other, from the innermost one; kept for their memory.
  std::string histogramBytes, numbers, value, summary, event;
  std::string buffer;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_EVENTFILE_H
