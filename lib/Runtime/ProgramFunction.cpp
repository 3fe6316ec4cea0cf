//===- ProgramFunction.cpp - functions as commands ------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Error.h"
#include "Terminal.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace ai::rt;

namespace {

/// The elements of one argument or result, aligned for any type.
struct Value {
  explicit Value(const ai_rt_tensor_info_t &info)
      : info(info), storage(size_t(info.bytes + 7) / 8) {}
  char *data() { return reinterpret_cast<char *>(storage.data()); }

  const ai_rt_tensor_info_t &info;
  std::vector<uint64_t> storage;
};

} // namespace

template <typename T> static void store(char *data, int64_t index, T value) {
  reinterpret_cast<T *>(data)[index] = value;
}

template <typename T> static T loadAs(const char *data, int64_t index) {
  return reinterpret_cast<const T *>(data)[index];
}

static int64_t parseInteger(const ai_rt_tensor_info_t &info, const std::string &text, int64_t least,
                            int64_t most) {
  char *end = nullptr;
  errno = 0;
  long long value = strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end || errno || value < least || value > most)
    throwInvalid("argument ", info.name, " expects whole numbers from ", least, " to ", most,
                 ", got ", text);
  return value;
}

static double parseReal(const ai_rt_tensor_info_t &info, const std::string &text) {
  char *end = nullptr;
  double value = strtod(text.c_str(), &end);
  if (text.empty() || *end)
    throwInvalid("argument ", info.name, " expects numbers, got ", text);
  return value;
}

static void parseElement(Value &value, int64_t index, const std::string &text) {
  const ai_rt_tensor_info_t &info = value.info;
  switch (info.dtype) {
  case AI_RT_F32:
    return store(value.data(), index, float(parseReal(info, text)));
  case AI_RT_F64:
    return store(value.data(), index, parseReal(info, text));
  case AI_RT_I32:
    return store(value.data(), index, int32_t(parseInteger(info, text, INT32_MIN, INT32_MAX)));
  case AI_RT_I64:
    return store(value.data(), index, parseInteger(info, text, INT64_MIN, INT64_MAX));
  case AI_RT_I1:
    return store(value.data(), index, int8_t(parseInteger(info, text, 0, 1)));
  default:
    return store(value.data(), index, int8_t(parseInteger(info, text, INT8_MIN, INT8_MAX)));
  }
}

/// Reads "3" or "1,2,3": as many numbers as the argument has elements, row major.
static void parseValue(Value &value, const std::string &text) {
  int64_t expected = countElements(value.info), count = 0;
  for (size_t start = 0; start <= text.size(); ++count) {
    size_t comma = std::min(text.find(',', start), text.size());
    if (count < expected)
      parseElement(value, count, text.substr(start, comma - start));
    start = comma + 1;
  }
  if (count != expected)
    throwInvalid("argument ", value.info.name, " of shape ",
                 formatShape(value.info.shape, value.info.rank), " expects ", expected,
                 expected == 1 ? " number" : " numbers separated by commas", ", got ", count);
}

static std::string formatReal(double number, int digits, bool json) {
  if (!json)
    return readableNumber(number);
  if (!std::isfinite(number))
    return "null";
  char text[40];
  snprintf(text, sizeof(text), "%.*g", digits, number);
  return text;
}

static std::string formatElement(Value &value, int64_t index, bool json) {
  switch (value.info.dtype) {
  case AI_RT_F32:
    return formatReal(double(loadAs<float>(value.data(), index)), 9, json);
  case AI_RT_F64:
    return formatReal(loadAs<double>(value.data(), index), 17, json);
  case AI_RT_I32:
    return std::to_string(loadAs<int32_t>(value.data(), index));
  case AI_RT_I64:
    return std::to_string(loadAs<int64_t>(value.data(), index));
  default:
    return std::to_string(loadAs<int8_t>(value.data(), index));
  }
}

/// A number, or its elements nested in brackets as its shape says.
static std::string formatValue(Value &value, int64_t dim, int64_t &index, bool json) {
  if (dim == value.info.rank)
    return formatElement(value, index++, json);
  std::string text = "[";
  for (int64_t i = 0; i < value.info.shape[dim]; ++i)
    text += (i ? ", " : "") + formatValue(value, dim + 1, index, json);
  return text + "]";
}

static std::vector<Value> makeValues(const ai_rt_tensor_info_t *infos, int64_t count,
                                     std::vector<void *> &pointers) {
  std::vector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.emplace_back(infos[i]);
  for (Value &value : values)
    pointers.push_back(value.data());
  return values;
}

int ai::rt::runFunction(const ai_rt_program_t &program, const Options &options) {
  const ai_rt_function_t *function = ai_rt_program_find_function(&program, options.command.c_str());
  if (!function)
    throwInvalid("no function ", options.command);
  if (int64_t(options.arguments.size()) != function->num_args)
    throwInvalid(function->name, " expects ", function->num_args,
                 function->num_args == 1 ? " argument" : " arguments", ", got ",
                 options.arguments.size(), "; see ", options.programName, " ", function->name,
                 " --help");
  std::vector<void *> argPointers, resultPointers;
  std::vector<Value> args = makeValues(function->args, function->num_args, argPointers);
  std::vector<Value> results = makeValues(function->results, function->num_results, resultPointers);
  for (size_t i = 0; i < args.size(); ++i)
    parseValue(args[i], options.arguments[i]);
  check(ai_rt_call(&program, function->name, argPointers.data(), resultPointers.data()));

  std::string text;
  for (Value &result : results) {
    int64_t index = 0;
    text += (text.empty()   ? ""
             : options.json ? ", "
                            : " ") +
            formatValue(result, 0, index, options.json);
  }
  writeOutput((options.json ? "[" + text + "]" : text) + "\n");
  return 0;
}
