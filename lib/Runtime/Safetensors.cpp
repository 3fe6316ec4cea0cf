//===- Safetensors.cpp - named tensors in a file --------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Safetensors.h"
#include "Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <set>

using namespace ai::rt;
using nlohmann::json;

/// The bound of the reference implementation; longer headers are damage or malice.
static constexpr int64_t kMaxHeaderBytes = 100'000'000;
static constexpr int64_t kLengthBytes = 8;

const char *ai::rt::safetensorsType(int64_t dtype) {
  static const char *const names[] = {"F32", "F64", "I32", "I64", "I8", "BOOL", "U8"};
  return dtype >= 0 && dtype <= AI_RT_U8 ? names[dtype] : nullptr;
}

/// Returns the bytes of one element; 0 for types that we do not know the size of.
static int64_t typeSize(const std::string &dtype) {
  static const std::pair<const char *, int64_t> sizes[] = {
      {"F64", 8}, {"I64", 8}, {"U64", 8},  {"F32", 4}, {"I32", 4}, {"U32", 4}, {"F16", 2},
      {"I16", 2}, {"U16", 2}, {"BF16", 2}, {"I8", 1},  {"U8", 1},  {"BOOL", 1}};
  for (auto [name, size] : sizes)
    if (dtype == name)
      return size;
  return 0;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string ai::rt::formatSafetensorsHeader(const SafetensorsMetadata &metadata,
                                            const std::vector<SafetensorsEntry> &entries) {
  nlohmann::ordered_json header;
  for (const auto &[key, value] : metadata)
    header["__metadata__"][key] = value;
  for (const SafetensorsEntry &entry : entries)
    header[entry.name] = {
        {"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
  std::string text = header.dump();
  // Readers that map the file get aligned data.
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string prefix;
  for (int64_t i = 0; i < kLengthBytes; ++i)
    prefix += static_cast<char>(static_cast<uint64_t>(text.size()) >> (8 * i));
  return prefix + text;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// Parses and checks the header of one file; every failure names the file.
class HeaderReader {
public:
  HeaderReader(SafetensorsFile &file, int64_t dataBytes) : file(file), dataBytes(dataBytes) {}

  void read(const std::string &text);

private:
  template <typename... Parts> [[noreturn]] void fail(const Parts &...parts) const {
    throwBadFile(file.path, ": ", parts...);
  }

  json parse(const std::string &text) const;
  void readMetadata(const json &value);
  void readEntry(const std::string &name, const json &value);
  int64_t number(const std::string &name, const json &value) const;
  void checkSize(const SafetensorsEntry &entry) const;
  void checkCoverage() const;

  SafetensorsFile &file;
  int64_t dataBytes;
};
} // namespace

void HeaderReader::read(const std::string &text) {
  json header = parse(text);
  if (!header.is_object())
    fail("expects the header to be a JSON object");
  for (const auto &[name, value] : header.items()) {
    if (name == "__metadata__")
      readMetadata(value);
    else
      readEntry(name, value);
  }
  checkCoverage();
}

/// The parser keeps the last of duplicate keys; here they are an error, and so is deep nesting.
json HeaderReader::parse(const std::string &text) const {
  constexpr int kMaxDepth = 8;
  std::vector<std::set<std::string>> keys;
  auto check = [&](int depth, json::parse_event_t event, json &value) {
    if (depth > kMaxDepth)
      fail("expects a header nested at most ", kMaxDepth, " deep");
    if (event == json::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == json::parse_event_t::object_end)
      keys.pop_back();
    else if (event == json::parse_event_t::key && !keys.back().insert(value).second)
      fail("expects each key once, got '", value.get<std::string>(), "' twice");
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception &) {
    fail("expects the header to be valid JSON");
  }
}

void HeaderReader::readMetadata(const json &value) {
  if (!value.is_object())
    fail("expects '__metadata__' to be a JSON object");
  for (const auto &[key, text] : value.items()) {
    if (!text.is_string())
      fail("expects metadata '", key, "' to be a string");
    file.metadata[key] = text;
  }
}

int64_t HeaderReader::number(const std::string &name, const json &value) const {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX)
    fail("expects tensor '", name, "' to have whole numbers of at least 0, got ", value.dump());
  return value.get<int64_t>();
}

void HeaderReader::readEntry(const std::string &name, const json &value) {
  auto member = [&](const char *key) -> const json & {
    static const json none;
    auto found = value.is_object() ? value.find(key) : value.end();
    return value.is_object() && found != value.end() ? *found : none;
  };
  const json &dtype = member("dtype"), &shape = member("shape"), &span = member("data_offsets");
  if (!dtype.is_string() || !shape.is_array() || !span.is_array() || span.size() != 2)
    fail("expects tensor '", name, "' to have dtype, shape and two data_offsets");
  SafetensorsEntry entry{name, dtype, {}, number(name, span[0]), number(name, span[1])};
  for (const json &extent : shape)
    entry.shape.push_back(number(name, extent));
  if (entry.begin > entry.end || entry.end > dataBytes)
    fail("expects tensor '", name, "' inside the ", dataBytes, " bytes of data, got offsets ",
         entry.begin, " to ", entry.end);
  checkSize(entry);
  file.entries.push_back(std::move(entry));
}

void HeaderReader::checkSize(const SafetensorsEntry &entry) const {
  int64_t bytes = typeSize(entry.dtype);
  if (bytes == 0)
    return; // A type from the future; only who asks for this tensor need care.
  bool overflow = false;
  for (int64_t extent : entry.shape)
    overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
  if (overflow || bytes != entry.end - entry.begin)
    fail("expects tensor '", entry.name, "' of ",
         formatShape(entry.shape.data(), static_cast<int64_t>(entry.shape.size())), " ",
         entry.dtype, " to take as many bytes as that, got ", entry.end - entry.begin);
}

/// Tensors may neither overlap nor leave holes.
void HeaderReader::checkCoverage() const {
  std::vector<const SafetensorsEntry *> sorted;
  for (const SafetensorsEntry &entry : file.entries)
    sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](auto *lhs, auto *rhs) {
    return std::tie(lhs->begin, lhs->end) < std::tie(rhs->begin, rhs->end);
  });
  int64_t end = 0;
  for (const SafetensorsEntry *entry : sorted) {
    if (entry->begin != end)
      fail("expects tensors side by side, got '", entry->name, "' at offset ", entry->begin,
           " where the one before ends at ", end);
    end = entry->end;
  }
  if (end != dataBytes)
    fail("expects ", end, " bytes of data, got ", dataBytes);
}

SafetensorsFile::SafetensorsFile(const std::string &path) : path(path), input(path) {
  if (input.size() < kLengthBytes)
    throwBadFile(path, ": expects a safetensors file, got ", input.size(), " bytes");
  unsigned char prefix[kLengthBytes];
  input.read(0, reinterpret_cast<char *>(prefix), kLengthBytes);
  uint64_t length = 0;
  for (int64_t i = kLengthBytes; i-- > 0;)
    length = length << 8 | prefix[i];
  auto rest = static_cast<uint64_t>(input.size() - kLengthBytes);
  if (length > std::min<uint64_t>(rest, kMaxHeaderBytes))
    throwBadFile(path, ": expects a header of at most ", std::min<uint64_t>(rest, kMaxHeaderBytes),
                 " bytes, got ", length);
  std::string header(length, '\0');
  input.read(kLengthBytes, header.data(), static_cast<int64_t>(length));
  HeaderReader(*this, static_cast<int64_t>(rest - length)).read(header);
  dataBegin = kLengthBytes + static_cast<int64_t>(length);
}

void SafetensorsFile::read(const SafetensorsEntry &entry, char *target) const {
  input.read(dataBegin + entry.begin, target, entry.end - entry.begin);
}

const SafetensorsEntry *SafetensorsFile::find(const std::string &name) const {
  for (const SafetensorsEntry &entry : entries)
    if (entry.name == name)
      return &entry;
  return nullptr;
}
