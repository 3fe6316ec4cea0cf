//===- EventFile.cpp - files of events that TensorBoard reads -------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EventFile.h"

#include "Error.h"

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

/// Appends the low `size` bytes of `bits`, the lowest first.
static void appendBytes(std::string &bytes, uint64_t bits, int size) {
  for (int i = 0; i < size; ++i)
    bytes += char(bits >> (8 * i));
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
// Messages: a field is its number and type, then its value
//===----------------------------------------------------------------------===//

static void appendVarint(std::string &message, uint64_t value) {
  for (; value >= 128; value >>= 7)
    message += char(value | 128);
  message += char(value);
}

static void addInteger(std::string &message, int field, int64_t value) {
  appendVarint(message, uint64_t(field) << 3);
  appendVarint(message, uint64_t(value));
}

/// The bits of a floating-point number, as an integer of its size.
template <typename Bits, typename T> static Bits bitsOf(T value) {
  static_assert(sizeof(Bits) == sizeof(T), "all bits and no more");
  Bits bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

static void addDouble(std::string &message, int field, double value) {
  appendVarint(message, uint64_t(field) << 3 | 1);
  appendBytes(message, bitsOf<uint64_t>(value), 8);
}

static void addFloat(std::string &message, int field, float value) {
  appendVarint(message, uint64_t(field) << 3 | 5);
  appendBytes(message, bitsOf<uint32_t>(value), 4);
}

/// Text, a message, or numbers one behind the other.
static void addBytes(std::string &message, int field, const char *data, size_t size) {
  appendVarint(message, uint64_t(field) << 3 | 2);
  appendVarint(message, size);
  message.append(data, size);
}

static void addBytes(std::string &message, int field, const std::string &data) {
  addBytes(message, field, data.data(), data.size());
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

/// Fields of `Event`, of `Summary.Value` and of `HistogramProto`.
enum EventField { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7 };
enum ValueField { kTag = 1, kSimpleValue = 2, kHistogram = 5 };
enum HistogramField {
  kMin = 1,
  kMax = 2,
  kCount = 3,
  kSum = 4,
  kSumOfSquares = 5,
  kLimits = 6,
  kBucketCounts = 7
};

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

  value.clear();
  addBytes(value, kTag, tag, std::strlen(tag));
  addBytes(value, kHistogram, message);
  addBytes(summary, /*value=*/1, value);
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
