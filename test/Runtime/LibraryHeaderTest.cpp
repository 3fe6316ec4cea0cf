//===- LibraryHeaderTest.cpp - our declarations of cuDNN and cuBLASLt -----===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the headers of cuDNN 9 and cuBLASLt are installed: every function that we declare takes and
// returns what its own declaration does, and our numbers are its numbers.
//
//===----------------------------------------------------------------------===//

#include <gtest/gtest.h>

#if __has_include(<cudnn.h>) && __has_include(<cublasLt.h>)

#include "lib/Runtime/GPU/CuBLASLt.h"
#include "lib/Runtime/GPU/CuDNN.h"

#include <cublasLt.h>
#include <cudnn.h>
#include <type_traits>

namespace dnn = ai::rt::cudnn;
namespace blas = ai::rt::cublaslt;

namespace {
/// Enumerations and integers of a size are passed alike, and so are pointers to anything but
/// functions.
template <typename Ours, typename Theirs> constexpr bool passAlike() {
  if constexpr (std::is_void_v<Ours> || std::is_void_v<Theirs>)
    return std::is_void_v<Ours> && std::is_void_v<Theirs>;
  else
    return sizeof(Ours) == sizeof(Theirs) && std::is_pointer_v<Ours> == std::is_pointer_v<Theirs> &&
           std::is_floating_point_v<Ours> == std::is_floating_point_v<Theirs>;
}

template <typename Ours, typename Theirs> struct Agree : std::false_type {};
template <typename Result, typename... Ours, typename TheirResult, typename... Theirs>
struct Agree<Result (*)(Ours...), TheirResult(Theirs...)> {
  static constexpr bool value = [] {
    if constexpr (sizeof...(Ours) == sizeof...(Theirs))
      return passAlike<Result, TheirResult>() && (passAlike<Ours, Theirs>() && ...);
    else
      return false;
  }();
};
} // namespace

#define EXPECT_AGREE(library, name)                                                                \
  EXPECT_TRUE((Agree<decltype(library::Library::name), decltype(::name)>::value)) << #name

TEST(CuDNNHeader, DeclaresTheSameFunctions) {
  EXPECT_AGREE(dnn, cudnnGetVersion);
  EXPECT_AGREE(dnn, cudnnGetErrorString);
  EXPECT_AGREE(dnn, cudnnGetLastErrorString);
  EXPECT_AGREE(dnn, cudnnCreate);
  EXPECT_AGREE(dnn, cudnnDestroy);
  EXPECT_AGREE(dnn, cudnnSetStream);
  EXPECT_AGREE(dnn, cudnnBackendCreateDescriptor);
  EXPECT_AGREE(dnn, cudnnBackendDestroyDescriptor);
  EXPECT_AGREE(dnn, cudnnBackendFinalize);
  EXPECT_AGREE(dnn, cudnnBackendSetAttribute);
  EXPECT_AGREE(dnn, cudnnBackendGetAttribute);
  EXPECT_AGREE(dnn, cudnnBackendExecute);
}

TEST(CuDNNHeader, DefinesTheSameNumbers) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const std::pair<int, int> numbers[] = {
      {dnn::kConvolution, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR},
      {dnn::kEngine, CUDNN_BACKEND_ENGINE_DESCRIPTOR},
      {dnn::kEngineConfig, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR},
      {dnn::kEngineHeuristics, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR},
      {dnn::kExecutionPlan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR},
      {dnn::kConvolutionForward, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR},
      {dnn::kConvolutionBackwardFilter,
       CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR},
      {dnn::kConvolutionBackwardData, CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR},
      {dnn::kOperationGraph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR},
      {dnn::kVariantPack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR},
      {dnn::kTensor, CUDNN_BACKEND_TENSOR_DESCRIPTOR},
#if CUDNN_VERSION >= 90800
      {dnn::kDeviceProperties, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR},
      {dnn::kHeuristicsDevice, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP},
      {dnn::kPlanDevice, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP},
      {dnn::kDeviceAsJSON, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION},
#endif
      {dnn::kTypeHandle, CUDNN_TYPE_HANDLE},
      {dnn::kTypeDataType, CUDNN_TYPE_DATA_TYPE},
      {dnn::kTypeInt64, CUDNN_TYPE_INT64},
      {dnn::kTypeFloat, CUDNN_TYPE_FLOAT},
      {dnn::kTypeDouble, CUDNN_TYPE_DOUBLE},
      {dnn::kTypePointer, CUDNN_TYPE_VOID_PTR},
      {dnn::kTypeConvolutionMode, CUDNN_TYPE_CONVOLUTION_MODE},
      {dnn::kTypeHeuristicMode, CUDNN_TYPE_HEUR_MODE},
      {dnn::kTypeNumericalNote, CUDNN_TYPE_NUMERICAL_NOTE},
      {dnn::kTypeDescriptor, CUDNN_TYPE_BACKEND_DESCRIPTOR},
      {dnn::kTypeChar, CUDNN_TYPE_CHAR},
      {dnn::kConvolutionComputeType, CUDNN_ATTR_CONVOLUTION_COMP_TYPE},
      {dnn::kConvolutionMode, CUDNN_ATTR_CONVOLUTION_CONV_MODE},
      {dnn::kConvolutionDilations, CUDNN_ATTR_CONVOLUTION_DILATIONS},
      {dnn::kConvolutionStrides, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES},
      {dnn::kConvolutionPostPaddings, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS},
      {dnn::kConvolutionPrePaddings, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS},
      {dnn::kConvolutionSpatialDims, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS},
      {dnn::kHeuristicsMode, CUDNN_ATTR_ENGINEHEUR_MODE},
      {dnn::kHeuristicsGraph, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH},
      {dnn::kHeuristicsResults, CUDNN_ATTR_ENGINEHEUR_RESULTS},
      {dnn::kConfigEngine, CUDNN_ATTR_ENGINECFG_ENGINE},
      {dnn::kPlanHandle, CUDNN_ATTR_EXECUTION_PLAN_HANDLE},
      {dnn::kPlanConfig, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG},
      {dnn::kPlanWorkspaceSize, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE},
      {dnn::kForwardAlpha, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA},
      {dnn::kForwardBeta, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
      {dnn::kForwardConvolution, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC},
      {dnn::kForwardW, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W},
      {dnn::kForwardX, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X},
      {dnn::kForwardY, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
      {dnn::kDataAlpha, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA},
      {dnn::kDataBeta, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
      {dnn::kDataConvolution, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC},
      {dnn::kDataW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W},
      {dnn::kDataDX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX},
      {dnn::kDataDY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
      {dnn::kFilterAlpha, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA},
      {dnn::kFilterBeta, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
      {dnn::kFilterConvolution, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC},
      {dnn::kFilterDW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW},
      {dnn::kFilterX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X},
      {dnn::kFilterDY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
      {dnn::kGraphHandle, CUDNN_ATTR_OPERATIONGRAPH_HANDLE},
      {dnn::kGraphOperations, CUDNN_ATTR_OPERATIONGRAPH_OPS},
      {dnn::kTensorAlignment, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT},
      {dnn::kTensorDataType, CUDNN_ATTR_TENSOR_DATA_TYPE},
      {dnn::kTensorDimensions, CUDNN_ATTR_TENSOR_DIMENSIONS},
      {dnn::kTensorStrides, CUDNN_ATTR_TENSOR_STRIDES},
      {dnn::kTensorUniqueId, CUDNN_ATTR_TENSOR_UNIQUE_ID},
      {dnn::kPackIds, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS},
      {dnn::kPackPointers, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS},
      {dnn::kPackWorkspace, CUDNN_ATTR_VARIANT_PACK_WORKSPACE},
      {dnn::kEngineNumericalNote, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE},
      {dnn::kFloat, CUDNN_DATA_FLOAT},
      {dnn::kDouble, CUDNN_DATA_DOUBLE},
      {dnn::kCrossCorrelation, CUDNN_CROSS_CORRELATION},
      {dnn::kHeuristicsFallback, CUDNN_HEUR_MODE_FALLBACK},
      {dnn::kHeuristicsA, CUDNN_HEUR_MODE_A},
      {dnn::kTensorCore, CUDNN_NUMERICAL_NOTE_TENSOR_CORE},
      {dnn::kDownConvertsInputs, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS},
      {dnn::kReducedPrecisionReduction, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION},
      {dnn::kNondeterministic, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}};
#pragma GCC diagnostic pop
  for (size_t i = 0; i < std::size(numbers); ++i)
    EXPECT_EQ(numbers[i].first, numbers[i].second) << "number " << i;
  EXPECT_GE(dnn::kNumNotes, int(CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP) + 1);
  EXPECT_EQ(dnn::kMajor, size_t(CUDNN_MAJOR));
}

TEST(CuBLASLtHeader, DeclaresTheSameFunctions) {
  EXPECT_AGREE(blas, cublasLtGetVersion);
  EXPECT_AGREE(blas, cublasLtGetStatusName);
  EXPECT_AGREE(blas, cublasLtGetStatusString);
  EXPECT_AGREE(blas, cublasLtCreate);
  EXPECT_AGREE(blas, cublasLtDestroy);
  EXPECT_AGREE(blas, cublasLtMatrixLayoutCreate);
  EXPECT_AGREE(blas, cublasLtMatrixLayoutDestroy);
  EXPECT_AGREE(blas, cublasLtMatmulDescCreate);
  EXPECT_AGREE(blas, cublasLtMatmulDescDestroy);
  EXPECT_AGREE(blas, cublasLtMatmulDescSetAttribute);
  EXPECT_AGREE(blas, cublasLtMatmulPreferenceCreate);
  EXPECT_AGREE(blas, cublasLtMatmulPreferenceDestroy);
  EXPECT_AGREE(blas, cublasLtMatmulPreferenceSetAttribute);
  EXPECT_AGREE(blas, cublasLtMatmulAlgoGetHeuristic);
  EXPECT_AGREE(blas, cublasLtMatmul);
}

TEST(CuBLASLtHeader, DefinesTheSameNumbersAndRecords) {
  const std::pair<int, int> numbers[] = {
      {blas::kR32F, CUDA_R_32F},
      {blas::kR64F, CUDA_R_64F},
      {blas::kCompute32F, CUBLAS_COMPUTE_32F},
      {blas::kCompute64F, CUBLAS_COMPUTE_64F},
      {blas::kPlain, CUBLAS_OP_N},
      {blas::kTransposed, CUBLAS_OP_T},
      {blas::kTransA, CUBLASLT_MATMUL_DESC_TRANSA},
      {blas::kTransB, CUBLASLT_MATMUL_DESC_TRANSB},
      {blas::kEpilogue, CUBLASLT_MATMUL_DESC_EPILOGUE},
      {blas::kBiasPointer, CUBLASLT_MATMUL_DESC_BIAS_POINTER},
      {int(blas::kEpilogueNone), CUBLASLT_EPILOGUE_DEFAULT},
      {int(blas::kEpilogueReLU), CUBLASLT_EPILOGUE_RELU},
      {int(blas::kEpilogueBias), CUBLASLT_EPILOGUE_BIAS},
      {int(blas::kEpilogueReLUBias), CUBLASLT_EPILOGUE_RELU_BIAS},
      {blas::kMaxWorkspaceBytes, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES},
      {blas::kMinAlignmentA, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES},
      {blas::kMinAlignmentB, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES},
      {blas::kMinAlignmentC, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES},
      {blas::kMinAlignmentD, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}};
  for (size_t i = 0; i < std::size(numbers); ++i)
    EXPECT_EQ(numbers[i].first, numbers[i].second) << "number " << i;
  EXPECT_EQ(sizeof(blas::Algorithm), sizeof(cublasLtMatmulAlgo_t));
  EXPECT_EQ(sizeof(blas::HeuristicResult), sizeof(cublasLtMatmulHeuristicResult_t));
  EXPECT_EQ(offsetof(blas::HeuristicResult, workspaceSize),
            offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
  EXPECT_EQ(offsetof(blas::HeuristicResult, state),
            offsetof(cublasLtMatmulHeuristicResult_t, state));
}

#else

TEST(CuDNNHeader, DeclaresTheSameFunctions) {
  GTEST_SKIP() << "NVIDIA's headers are not installed";
}

#endif
