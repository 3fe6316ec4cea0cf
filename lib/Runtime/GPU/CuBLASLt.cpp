//===- CuBLASLt.cpp - NVIDIA's library of matrix products ----------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CuBLASLt.h"

#include "lib/Runtime/Error.h"

using namespace ai::rt;
using namespace ai::rt::cublaslt;

Library::Library() : object("cuBLASLt", "AI_CUBLASLT", {"libcublasLt.so.13", "libcublasLt.so.12"}) {
#define FIND(name) object.find(name, #name)
  FIND(cublasLtGetVersion);
  FIND(cublasLtGetStatusName);
  FIND(cublasLtGetStatusString);
  FIND(cublasLtCreate);
  FIND(cublasLtDestroy);
  FIND(cublasLtMatmulDescCreate);
  FIND(cublasLtMatmulDescDestroy);
  FIND(cublasLtMatmulDescSetAttribute);
  FIND(cublasLtMatrixLayoutCreate);
  FIND(cublasLtMatrixLayoutDestroy);
  FIND(cublasLtMatmulPreferenceCreate);
  FIND(cublasLtMatmulPreferenceDestroy);
  FIND(cublasLtMatmulPreferenceSetAttribute);
  FIND(cublasLtMatmulAlgoGetHeuristic);
  FIND(cublasLtMatmul);
#undef FIND
}

std::string Library::version() const {
  size_t number = cublasLtGetVersion();
  return concat(number / 10000, ".", number / 100 % 100, ".", number % 100);
}

std::string Library::textOf(Status status) const {
  return concat(cublasLtGetStatusName(status), " ", status, ": ", cublasLtGetStatusString(status));
}
