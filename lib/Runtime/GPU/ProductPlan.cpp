//===- ProductPlan.cpp - a product of matrices by cuBLASLt ---------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// cuBLASLt counts elements column by column. A row-major matrix is its transpose to it, so what it
// is asked for is result^T = rhs^T * lhs^T: the factors change places, and nothing is moved. The
// rows of that result are our columns, as its bias wants them.
//
//===----------------------------------------------------------------------===//

#include "LibraryPlan.h"

#include "lib/Runtime/Error.h"

using namespace ai::rt;
using namespace ai::rt::cublaslt;

namespace {
class ProductPlan final : public LibraryPlan {
public:
  ProductPlan(const Library &library, Handle handle, void *stream, const ai_rt_call_t &call,
              const std::vector<char *> &operands)
      : library(library), handle(handle), stream(stream), call(call), lhs(operands[0]),
        rhs(operands[1]), bias(call.num_operands == 4 ? operands[2] : nullptr),
        result(operands.back()) {
    try {
      describe();
      choose();
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~ProductPlan() override { destroy(); }

  int64_t workspaceBytes() const override { return int64_t(chosen.workspaceSize); }
  void bind(char *memory) override { workspace = memory; }

  void run() override {
    const double one = 1, zero = 0;
    const float oneFloat = 1, zeroFloat = 0;
    bool isDouble = call.dtype == AI_RT_F64;
    const void *alpha = isDouble ? static_cast<const void *>(&one) : &oneFloat;
    const void *beta = isDouble ? static_cast<const void *>(&zero) : &zeroFloat;
    check(library.cublasLtMatmul(handle, product, alpha, rhs, rhsLayout, lhs, lhsLayout, beta,
                                 result, resultLayout, result, resultLayout, &chosen.algorithm,
                                 workspace, chosen.workspaceSize, stream),
          "cublasLtMatmul");
  }

private:
  void check(Status status, const char *function) const {
    if (status != 0)
      throw Error(AI_RT_NO_DEVICE, concat("cuBLASLt failed in ", function, " for ", nameOf(call),
                                          ": ", library.textOf(status)));
  }

  template <typename T> void set(int attribute, T value) {
    check(library.cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof(value)),
          "cublasLtMatmulDescSetAttribute");
  }

  MatrixLayout makeLayout(const ai_rt_operand_t &operand) {
    MatrixLayout layout = nullptr;
    int64_t rows = operand.shape[0], columns = operand.shape[1];
    check(library.cublasLtMatrixLayoutCreate(&layout, type(), uint64_t(columns), uint64_t(rows),
                                             columns),
          "cublasLtMatrixLayoutCreate");
    return layout;
  }

  int type() const { return call.dtype == AI_RT_F64 ? kR64F : kR32F; }

  void describe() {
    int compute = call.dtype == AI_RT_F64 ? kCompute64F : kCompute32F;
    check(library.cublasLtMatmulDescCreate(&product, compute, type()), "cublasLtMatmulDescCreate");
    set<int32_t>(kTransA, call.transpose_rhs ? kTransposed : kPlain);
    set<int32_t>(kTransB, call.transpose_lhs ? kTransposed : kPlain);
    uint32_t epilogue = bias        ? call.relu ? kEpilogueReLUBias : kEpilogueBias
                        : call.relu ? kEpilogueReLU
                                    : kEpilogueNone;
    set<uint32_t>(kEpilogue, epilogue);
    if (bias)
      set<const void *>(kBiasPointer, bias);
    lhsLayout = makeLayout(call.operands[0]);
    rhsLayout = makeLayout(call.operands[1]);
    resultLayout = makeLayout(call.operands[call.num_operands - 1]);
  }

  void choose() {
    check(library.cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
    auto prefer = [&](int attribute, auto value) {
      check(library.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value,
                                                         sizeof(value)),
            "cublasLtMatmulPreferenceSetAttribute");
    };
    prefer(kMaxWorkspaceBytes, uint64_t(kMostProductBytes));
    prefer(kMinAlignmentA, uint32_t(alignmentOf(rhs)));
    prefer(kMinAlignmentB, uint32_t(alignmentOf(lhs)));
    prefer(kMinAlignmentC, uint32_t(alignmentOf(result)));
    prefer(kMinAlignmentD, uint32_t(alignmentOf(result)));
    int count = 0;
    check(library.cublasLtMatmulAlgoGetHeuristic(handle, product, rhsLayout, lhsLayout,
                                                 resultLayout, resultLayout, preference, 1, &chosen,
                                                 &count),
          "cublasLtMatmulAlgoGetHeuristic");
    if (count < 1)
      throw Error(AI_RT_NO_DEVICE, concat("expects an algorithm of cuBLASLt ", library.version(),
                                          " for ", nameOf(call),
                                          ", got none; --gpu-library=none "
                                          "needs none"));
    check(chosen.state, "cublasLtMatmulAlgoGetHeuristic");
  }

  void destroy() {
    for (MatrixLayout layout : {lhsLayout, rhsLayout, resultLayout})
      if (layout)
        library.cublasLtMatrixLayoutDestroy(layout);
    if (preference)
      library.cublasLtMatmulPreferenceDestroy(preference);
    if (product)
      library.cublasLtMatmulDescDestroy(product);
  }

  const Library &library;
  Handle handle;
  void *stream;
  const ai_rt_call_t &call;
  char *lhs, *rhs, *bias, *result, *workspace = nullptr;
  MatmulDesc product = nullptr;
  MatrixLayout lhsLayout = nullptr, rhsLayout = nullptr, resultLayout = nullptr;
  Preference preference = nullptr;
  HeuristicResult chosen = {};
};
} // namespace

std::unique_ptr<LibraryPlan> ai::rt::planProduct(const Library &library, Handle handle,
                                                 void *stream, const ai_rt_call_t &call,
                                                 const std::vector<char *> &operands) {
  return std::make_unique<ProductPlan>(library, handle, stream, call, operands);
}
