//===- EventFile.cpp - files of events that TensorBoard reads -------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EventFile.h"

#include "Error.h"
#include "Messages.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

static constexpr std::array<uint32_t, 256> kChecksums = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit)
      rest = (rest >> 1) ^ (rest & 1 ? 0x82F63B78 : 0);
    table[byte] = rest;
  }
  return table;
}();

uint32_t ai::rt::crc32c(const char *data, size_t size) {
  uint32_t rest = ~0u;
  for (size_t i = 0; i < size; ++i)
    rest = (rest >> 8) ^ kChecksums[(rest ^ uint8_t(data[i])) & 0xff];
  return ~rest;
}

static void appendChecksum(std::string &bytes, const char *data, size_t size) {
  uint32_t sum = crc32c(data, size);
  appendBytes(bytes, uint32_t((sum >> 15 | sum << 17) + 0xA282EAD8), 4);
}

void ai::rt::appendRecord(std::string &bytes, const std::string &data) {
  appendBytes(bytes, data.size(), 8);
  appendChecksum(bytes, bytes.data() + bytes.size() - 8, 8);
  bytes += data;
  appendChecksum(bytes, data.data(), data.size());
}

//===----------------------------------------------------------------------===//
// Histograms
//===----------------------------------------------------------------------===//

template <typename T> Histogram::Histogram(const T *elements, int64_t size) {
  for (int64_t i = 0; i < size; ++i) {
    double element = double(elements[i]);
    if (!std::isfinite(element))
      continue;
    min = count ? std::min(min, element) : element;
    max = count ? std::max(max, element) : element;
    sum += element;
    sumOfSquares += element * element;
    ++count;
  }
  // Not their difference, which may be infinite.
  double scale = max / kBuckets - min / kBuckets;
  for (int64_t i = 0; i < size; ++i) {
    double element = double(elements[i]);
    if (!std::isfinite(element))
      continue;
    double place = scale > 0 ? element / scale - min / scale : 0;
    ++buckets[size_t(std::clamp(place, 0.0, kBuckets - 1.0))];
  }
}

template Histogram::Histogram(const float *, int64_t);
template Histogram::Histogram(const double *, int64_t);

double Histogram::limit(int bucket) const {
  double part = double(bucket + 1) / kBuckets;
  return bucket + 1 == kBuckets ? max : min * (1 - part) + max * part;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// Fields of `Event`, of `Summary.Value`, of `HistogramProto` and of `Summary.Image`.
enum EventField {
  kWallTime = 1,
  kStep = 2,
  kFileVersion = 3,
  kGraph = 4,
  kSummary = 5,
  kSessionLog = 7
};
enum ValueField {
  kTag = 1,
  kSimpleValue = 2,
  kImage = 4,
  kHistogram = 5,
  kTensor = 8,
  kMetadata = 9
};
enum HistogramField {
  kMin = 1,
  kMax = 2,
  kCount = 3,
  kSum = 4,
  kSumOfSquares = 5,
  kLimits = 6,
  kBucketCounts = 7
};
enum ImageField { kHeight = 1, kWidth = 2, kChannels = 3, kPNG = 4 };

static constexpr size_t kBufferBytes = 1 << 16;
static constexpr double kSecondsUnwritten = 1;

static double wallTime() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Makes `folder` and those above it. What cannot be made is found out by who uses it.
static void makeFolders(const std::string &folder) {
  for (size_t slash = folder.find('/', 1); slash != std::string::npos;
       slash = folder.find('/', slash + 1))
    mkdir(folder.substr(0, slash).c_str(), 0777);
  mkdir(folder.c_str(), 0777);
}

static std::string hostName() {
  char name[256];
  if (gethostname(name, sizeof(name)) != 0)
    return "localhost";
  name[sizeof(name) - 1] = 0;
  return name;
}

EventFile::EventFile(const std::string &folder, int64_t first) {
  makeFolders(folder);
  // Files are read in the order of their names.
  std::string stem =
      concat(folder, "/events.out.tfevents.", int64_t(wallTime()), ".", hostName(), ".", getpid());
  for (int attempt = 0; descriptor < 0; ++attempt) {
    path = concat(stem, ".", attempt);
    descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && (errno != EEXIST || attempt == 1000))
      throwBadFile(path, ": cannot create: ", std::strerror(errno));
  }
  buffer.reserve(kBufferBytes);
  for (std::string *message : {&histogramBytes, &numbers, &value, &summary, &event})
    message->reserve(1 << 11);

  begin(0);
  addBytes(event, kFileVersion, "brain.Event:2");
  append();
  begin(first);
  std::string session;
  addInteger(session, /*status=*/1, /*START=*/1);
  addBytes(event, kSessionLog, session);
  append();
  try {
    flush();
  } catch (...) {
    unlink(path.c_str());
    close(descriptor);
    throw;
  }
}

EventFile::~EventFile() {
  try {
    flush();
  } catch (const Error &) { // Who wants to know flushes before.
  }
  close(descriptor);
  if (numEvents == 0)
    unlink(path.c_str());
}

void EventFile::begin(int64_t step) {
  event.clear();
  addDouble(event, kWallTime, wallTime());
  addInteger(event, kStep, step);
}

void EventFile::append() { appendRecord(buffer, event); }

void EventFile::add(const char *tag, double number) {
  value.clear();
  addBytes(value, kTag, tag, std::strlen(tag));
  addFloat(value, kSimpleValue, float(number));
  addBytes(summary, /*value=*/1, value);
}

void EventFile::add(const char *tag, const Histogram &histogram) {
  std::string &message = histogramBytes;
  message.clear();
  addDouble(message, kMin, histogram.min);
  addDouble(message, kMax, histogram.max);
  addDouble(message, kCount, double(histogram.count));
  addDouble(message, kSum, histogram.sum);
  addDouble(message, kSumOfSquares, histogram.sumOfSquares);
  numbers.clear();
  for (int i = 0; i < Histogram::kBuckets; ++i)
    appendBytes(numbers, bitsOf<uint64_t>(histogram.limit(i)), 8);
  addBytes(message, kLimits, numbers);
  numbers.clear();
  for (int64_t count : histogram.buckets)
    appendBytes(numbers, bitsOf<uint64_t>(double(count)), 8);
  addBytes(message, kBucketCounts, numbers);
  addMessage(tag, kHistogram, message);
}

void EventFile::add(const char *tag, const Image &image) {
  std::string message;
  addInteger(message, kHeight, image.height);
  addInteger(message, kWidth, image.width);
  addInteger(message, kChannels, image.channels);
  addBytes(message, kPNG, encodePNG(image));
  addMessage(tag, kImage, message);
}

/// A tensor of one string, for TensorBoard's plugin of that name.
void EventFile::addText(const char *tag, const std::string &markdown) {
  std::string tensor, plugin, metadata;
  addInteger(tensor, /*dtype=*/1, /*DT_STRING=*/7);
  addBytes(tensor, /*string_val=*/8, markdown);
  addBytes(plugin, /*plugin_name=*/1, "text");
  addBytes(metadata, /*plugin_data=*/1, plugin);
  addMessage(tag, kTensor, tensor, &metadata);
}

void EventFile::addMessage(const char *tag, int field, const std::string &message,
                           const std::string *metadata) {
  value.clear();
  addBytes(value, kTag, tag, std::strlen(tag));
  if (metadata)
    addBytes(value, kMetadata, *metadata);
  addBytes(value, field, message);
  addBytes(summary, /*value=*/1, value);
}

void EventFile::writeGraph(const std::string &graph) {
  begin(0);
  addBytes(event, kGraph, graph);
  append();
}

void EventFile::write(int64_t step) {
  begin(step);
  addBytes(event, kSummary, summary);
  summary.clear();
  append();
  ++numEvents;
  if (buffer.size() > kBufferBytes / 2 || wallTime() - lastFlush > kSecondsUnwritten)
    flush();
}

void EventFile::flush() {
  size_t done = 0;
  while (done < buffer.size()) {
    ssize_t written = ::write(descriptor, buffer.data() + done, buffer.size() - done);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0) {
      int error = errno;
      // A reader would wait for the rest of a record.
      (void)!ftruncate(descriptor, bytesWritten);
      buffer.clear();
      throwBadFile(path, ": cannot write: ", std::strerror(error));
    }
    done += size_t(written);
  }
  bytesWritten += int64_t(done);
  buffer.clear();
  lastFlush = wallTime();
}
