//===- CuBLASLt.h - NVIDIA's library of matrix products -*- C++ -* -------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is used of cuBLASLt ("cuBLAS" reference), declared here: its headers are not needed to
// build.
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_CUBLASLT_H
#define AI_LIB_RUNTIME_GPU_CUBLASLT_H

#include "SharedObject.h"

#include <cstddef>
#include <cstdint>

namespace ai::rt::cublaslt {

using Status = int; // cublasStatus_t; 0 is success
using Handle = struct HandleTag *;
using MatmulDesc = struct MatmulDescTag *;
using MatrixLayout = struct MatrixLayoutTag *;
using Preference = struct PreferenceTag *;

// cudaDataType_t, cublasComputeType_t, cublasOperation_t
constexpr int kR32F = 0, kR64F = 1;
constexpr int kCompute32F = 68, kCompute64F = 70; // without TF32
constexpr int32_t kPlain = 0, kTransposed = 1;
// cublasLtMatmulDescAttributes_t
constexpr int kTransA = 3, kTransB = 4, kEpilogue = 7, kBiasPointer = 8;
// cublasLtEpilogue_t
constexpr uint32_t kEpilogueNone = 1, kEpilogueReLU = 2, kEpilogueBias = 4, kEpilogueReLUBias = 6;
// cublasLtMatmulPreferenceAttributes_t
constexpr int kMaxWorkspaceBytes = 1, kMinAlignmentA = 5, kMinAlignmentB = 6, kMinAlignmentC = 7,
              kMinAlignmentD = 8;

/// cublasLtMatmulAlgo_t
struct Algorithm {
  uint64_t data[8];
};

/// cublasLtMatmulHeuristicResult_t
struct HeuristicResult {
  Algorithm algorithm;
  size_t workspaceSize;
  Status state;
  float wavesCount;
  int reserved[4];
};

/// The functions of libcublasLt.so.13, or .12, by the names that it exports. The constructor throws
/// if the library or one of them is missing.
struct Library {
  Library();

  SharedObject object;
  size_t (*cublasLtGetVersion)();
  const char *(*cublasLtGetStatusName)(Status status);
  const char *(*cublasLtGetStatusString)(Status status);
  Status (*cublasLtCreate)(Handle *handle);
  Status (*cublasLtDestroy)(Handle handle);
  Status (*cublasLtMatmulDescCreate)(MatmulDesc *desc, int computeType, int scaleType);
  Status (*cublasLtMatmulDescDestroy)(MatmulDesc desc);
  Status (*cublasLtMatmulDescSetAttribute)(MatmulDesc desc, int attribute, const void *value,
                                           size_t bytes);
  Status (*cublasLtMatrixLayoutCreate)(MatrixLayout *layout, int type, uint64_t rows,
                                       uint64_t columns, int64_t leading);
  Status (*cublasLtMatrixLayoutDestroy)(MatrixLayout layout);
  Status (*cublasLtMatmulPreferenceCreate)(Preference *preference);
  Status (*cublasLtMatmulPreferenceDestroy)(Preference preference);
  Status (*cublasLtMatmulPreferenceSetAttribute)(Preference preference, int attribute,
                                                 const void *value, size_t bytes);
  Status (*cublasLtMatmulAlgoGetHeuristic)(Handle handle, MatmulDesc desc, MatrixLayout a,
                                           MatrixLayout b, MatrixLayout c, MatrixLayout d,
                                           Preference preference, int requested,
                                           HeuristicResult *results, int *count);
  Status (*cublasLtMatmul)(Handle handle, MatmulDesc desc, const void *alpha, const void *a,
                           MatrixLayout aLayout, const void *b, MatrixLayout bLayout,
                           const void *beta, const void *c, MatrixLayout cLayout, void *d,
                           MatrixLayout dLayout, const Algorithm *algorithm, void *workspace,
                           size_t workspaceBytes, void *stream);

  /// "13.0.2"
  std::string version() const;
  /// The name, number and text of a status.
  std::string textOf(Status status) const;
};

} // namespace ai::rt::cublaslt

#endif // AI_LIB_RUNTIME_GPU_CUBLASLT_H
