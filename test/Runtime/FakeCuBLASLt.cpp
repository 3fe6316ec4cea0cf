//===- FakeCuBLASLt.cpp - a libcublasLt.so that computes on the host ------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of cuBLASLt that the runtime calls, on host memory, with plain loops over matrices
// that lie column by column. Misuse is an error, as in the reference.
//
//   FAKE_CUBLASLT_FAILS=NAME  this function fails
//   FAKE_CUBLASLT_NONE=1      there is no algorithm for anything
//   FAKE_LIBRARY_LOG=FILE     gets a line for each product
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/GPU/CuBLASLt.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <vector>

using namespace ai::rt::cublaslt;

namespace {
enum : Status {
  Success = 0,
  NotInitialized = 1,
  InvalidValue = 7,
  ExecutionFailed = 13,
  NotSupported = 15
};

struct Product {
  int compute, scale;
  std::map<int, std::vector<char>> values;
  template <typename T> T value(int attribute, T otherwise) const {
    auto found = values.find(attribute);
    if (found != values.end())
      std::memcpy(&otherwise, found->second.data(), sizeof(T));
    return otherwise;
  }
};
struct Layout {
  int type;
  int64_t rows, columns, leading;
};
struct Wishes {
  uint64_t workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256}; // a, b, c, d
};

/// What the chosen algorithm was chosen for.
constexpr uint64_t kMagic = 0x616c676f;
constexpr size_t kWorkspace = 3000;

std::set<void *> things;
template <typename T, typename H> T *find(H handle) {
  void *thing = reinterpret_cast<void *>(handle);
  return things.count(thing) ? static_cast<T *>(thing) : nullptr;
}
template <typename T, typename H> Status make(H *handle, T *thing) {
  things.insert(thing);
  *handle = reinterpret_cast<H>(thing);
  return Success;
}
template <typename T, typename H> Status destroy(H handle) {
  T *thing = find<T>(handle);
  if (!thing)
    return InvalidValue;
  things.erase(thing);
  delete thing;
  return Success;
}

bool isMadeToFail(const char *name) {
  const char *failing = std::getenv("FAKE_CUBLASLT_FAILS");
  return failing && std::strcmp(failing, name) == 0;
}
#define CHECK_FAILURE()                                                                            \
  if (isMadeToFail(__func__))                                                                      \
  return ExecutionFailed

/// Whether the shapes and types are those of a product.
Status check(const Product &product, const Layout &a, const Layout &b, const Layout &c,
             const Layout &d) {
  bool isTransposedA = product.value<int32_t>(kTransA, kPlain) == kTransposed;
  bool isTransposedB = product.value<int32_t>(kTransB, kPlain) == kTransposed;
  int64_t rows = isTransposedA ? a.columns : a.rows, inner = isTransposedA ? a.rows : a.columns;
  int64_t innerB = isTransposedB ? b.columns : b.rows, columns = isTransposedB ? b.rows : b.columns;
  if (inner != innerB || d.rows != rows || d.columns != columns || c.rows != rows ||
      c.columns != columns)
    return InvalidValue;
  for (const Layout *layout : {&a, &b, &c, &d})
    if (layout->type != product.scale || layout->leading < layout->rows)
      return InvalidValue;
  int wanted = product.scale == kR64F ? kCompute64F : kCompute32F;
  auto epilogue = product.value<uint32_t>(kEpilogue, kEpilogueNone);
  if (product.compute != wanted || (product.scale == kR64F && epilogue != kEpilogueNone))
    return NotSupported;
  bool hasBias = (epilogue & kEpilogueBias) != 0;
  if (hasBias && !product.value<const void *>(kBiasPointer, nullptr))
    return InvalidValue;
  return Success;
}

template <typename T>
void multiply(const Product &product, const T *a, const Layout &aLayout, const T *b,
              const Layout &bLayout, T *d, const Layout &dLayout) {
  bool isTransposedA = product.value<int32_t>(kTransA, kPlain) == kTransposed;
  bool isTransposedB = product.value<int32_t>(kTransB, kPlain) == kTransposed;
  auto epilogue = product.value<uint32_t>(kEpilogue, kEpilogueNone);
  bool hasBias = (epilogue & kEpilogueBias) != 0, hasReLU = (epilogue & kEpilogueReLU) != 0;
  const auto *bias = product.value<const T *>(kBiasPointer, nullptr);
  int64_t inner = isTransposedA ? aLayout.rows : aLayout.columns;
  for (int64_t column = 0; column < dLayout.columns; ++column)
    for (int64_t row = 0; row < dLayout.rows; ++row) {
      double sum = hasBias ? double(bias[row]) : 0.0;
      for (int64_t k = 0; k < inner; ++k) {
        T x = isTransposedA ? a[k + row * aLayout.leading] : a[row + k * aLayout.leading];
        T y = isTransposedB ? b[column + k * bLayout.leading] : b[k + column * bLayout.leading];
        sum += double(x) * y;
      }
      d[row + column * dLayout.leading] = T(hasReLU ? std::max(sum, 0.0) : sum);
    }
}

void log(const Product &product, const Layout &d, int64_t inner) {
  const char *file = std::getenv("FAKE_LIBRARY_LOG");
  if (!file)
    return;
  std::FILE *stream = std::fopen(file, "a");
  std::fprintf(stream, "matmul %lldx%lldx%lld epilogue %u\n", (long long)d.columns,
               (long long)d.rows, (long long)inner,
               product.value<uint32_t>(kEpilogue, kEpilogueNone));
  std::fclose(stream);
}
} // namespace

#define FAKE extern "C" __attribute__((visibility("default")))

FAKE const int ai_library_computes_on_host = 1;
/// Handles and descriptors that there are.
FAKE int fake_cublaslt_live() { return int(things.size()); }

FAKE size_t cublasLtGetVersion() { return 130100; }
FAKE const char *cublasLtGetStatusName(Status status) {
  return status == NotSupported      ? "CUBLAS_STATUS_NOT_SUPPORTED"
         : status == ExecutionFailed ? "CUBLAS_STATUS_EXECUTION_FAILED"
         : status == NotInitialized  ? "CUBLAS_STATUS_NOT_INITIALIZED"
                                     : "CUBLAS_STATUS_INVALID_VALUE";
}
FAKE const char *cublasLtGetStatusString(Status) { return "the fake says so"; }

FAKE Status cublasLtCreate(Handle *handle) {
  CHECK_FAILURE();
  return make(handle, new int(0));
}
FAKE Status cublasLtDestroy(Handle handle) { return destroy<int>(handle); }
FAKE Status cublasLtMatmulDescCreate(MatmulDesc *desc, int computeType, int scaleType) {
  CHECK_FAILURE();
  return make(desc, new Product{computeType, scaleType, {}});
}
FAKE Status cublasLtMatmulDescDestroy(MatmulDesc desc) { return destroy<Product>(desc); }
FAKE Status cublasLtMatmulDescSetAttribute(MatmulDesc desc, int attribute, const void *value,
                                           size_t bytes) {
  CHECK_FAILURE();
  static const std::map<int, size_t> sizes = {
      {kTransA, 4}, {kTransB, 4}, {kEpilogue, 4}, {kBiasPointer, 8}};
  auto *product = find<Product>(desc);
  auto size = sizes.find(attribute);
  if (!product || !value || size == sizes.end() || size->second != bytes)
    return InvalidValue;
  const auto *begin = static_cast<const char *>(value);
  product->values[attribute].assign(begin, begin + bytes);
  return Success;
}
FAKE Status cublasLtMatrixLayoutCreate(MatrixLayout *layout, int type, uint64_t rows,
                                       uint64_t columns, int64_t leading) {
  CHECK_FAILURE();
  return make(layout, new Layout{type, int64_t(rows), int64_t(columns), leading});
}
FAKE Status cublasLtMatrixLayoutDestroy(MatrixLayout layout) { return destroy<Layout>(layout); }
FAKE Status cublasLtMatmulPreferenceCreate(Preference *preference) {
  CHECK_FAILURE();
  return make(preference, new Wishes);
}
FAKE Status cublasLtMatmulPreferenceDestroy(Preference preference) {
  return destroy<Wishes>(preference);
}
FAKE Status cublasLtMatmulPreferenceSetAttribute(Preference preference, int attribute,
                                                 const void *value, size_t bytes) {
  CHECK_FAILURE();
  auto *wishes = find<Wishes>(preference);
  if (!wishes || !value)
    return InvalidValue;
  if (attribute == kMaxWorkspaceBytes && bytes == 8)
    std::memcpy(&wishes->workspace, value, bytes);
  else if (attribute >= kMinAlignmentA && attribute <= kMinAlignmentD && bytes == 4)
    std::memcpy(&wishes->alignment[attribute - kMinAlignmentA], value, bytes);
  else
    return InvalidValue;
  return Success;
}

FAKE Status cublasLtMatmulAlgoGetHeuristic(Handle handle, MatmulDesc desc, MatrixLayout a,
                                           MatrixLayout b, MatrixLayout c, MatrixLayout d,
                                           Preference preference, int requested,
                                           HeuristicResult *results, int *count) {
  CHECK_FAILURE();
  auto *product = find<Product>(desc);
  auto *wishes = find<Wishes>(preference);
  const Layout *layouts[] = {find<Layout>(a), find<Layout>(b), find<Layout>(c), find<Layout>(d)};
  bool areThere = std::all_of(layouts, layouts + 4, [](const Layout *l) { return l != nullptr; });
  if (!find<int>(handle) || !product || !wishes || !areThere || requested < 1 || !results || !count)
    return InvalidValue;
  *count = 0;
  if (Status status = check(*product, *layouts[0], *layouts[1], *layouts[2], *layouts[3]))
    return status;
  if (std::getenv("FAKE_CUBLASLT_NONE"))
    return Success;
  *count = 1;
  results[0] = {};
  results[0].workspaceSize = wishes->workspace >= kWorkspace ? kWorkspace : 0;
  results[0].algorithm.data[0] = kMagic;
  for (int i = 0; i < 4; ++i)
    results[0].algorithm.data[1 + i] = wishes->alignment[i];
  return Success;
}

FAKE Status cublasLtMatmul(Handle handle, MatmulDesc desc, const void *alpha, const void *a,
                           MatrixLayout aLayout, const void *b, MatrixLayout bLayout,
                           const void *beta, const void *c, MatrixLayout cLayout, void *d,
                           MatrixLayout dLayout, const Algorithm *algorithm, void *workspace,
                           size_t workspaceBytes, void *) {
  CHECK_FAILURE();
  auto *product = find<Product>(desc);
  const Layout *layouts[] = {find<Layout>(aLayout), find<Layout>(bLayout), find<Layout>(cLayout),
                             find<Layout>(dLayout)};
  bool areThere = std::all_of(layouts, layouts + 4, [](const Layout *l) { return l != nullptr; });
  if (!find<int>(handle) || !product || !areThere || !alpha || !beta || !algorithm)
    return InvalidValue;
  if (Status status = check(*product, *layouts[0], *layouts[1], *layouts[2], *layouts[3]))
    return status;
  bool isDouble = product->scale == kR64F;
  auto scalar = [&](const void *at) {
    return isDouble ? *static_cast<const double *>(at) : double(*static_cast<const float *>(at));
  };
  if (scalar(alpha) != 1 || scalar(beta) != 0 || c != d)
    return NotSupported;
  if (algorithm->data[0] != kMagic || workspaceBytes < kWorkspace || !workspace)
    return InvalidValue;
  const void *pointers[] = {a, b, c, d};
  for (int i = 0; i < 4; ++i)
    if (!pointers[i] || reinterpret_cast<uintptr_t>(pointers[i]) % algorithm->data[1 + i])
      return InvalidValue;
  std::memset(workspace, 0x5a, kWorkspace);
  bool isTransposedA = product->value<int32_t>(kTransA, kPlain) == kTransposed;
  log(*product, *layouts[3], isTransposedA ? layouts[0]->rows : layouts[0]->columns);
  auto run = [&](auto zero) {
    using T = decltype(zero);
    multiply(*product, static_cast<const T *>(a), *layouts[0], static_cast<const T *>(b),
             *layouts[1], static_cast<T *>(d), *layouts[3]);
  };
  if (isDouble)
    run(0.0);
  else
    run(0.0f);
  return Success;
}
