//===- CuDNN.h - NVIDIA's library of convolutions -*- C++ -* -------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is used of cuDNN 9's graph API ("cuDNN Backend" reference), declared here: its headers are
// not needed to build.
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_CUDNN_H
#define AI_LIB_RUNTIME_GPU_CUDNN_H

#include "SharedObject.h"

#include <cstddef>
#include <cstdint>

namespace ai::rt::cudnn {

using Status = int; // cudnnStatus_t; 0 is success
using Handle = struct HandleTag *;
using BackendDescriptor = void *; // cudnnBackendDescriptor_t

constexpr size_t kMajor = 9; // of the version that is expected

// cudnnBackendDescriptorType_t
constexpr int kConvolution = 1, kEngine = 2, kEngineConfig = 3, kEngineHeuristics = 4,
              kExecutionPlan = 5, kConvolutionForward = 10, kConvolutionBackwardFilter = 11,
              kConvolutionBackwardData = 12, kOperationGraph = 15, kVariantPack = 16, kTensor = 17,
              kDeviceProperties = 38;
// cudnnBackendAttributeType_t
constexpr int kTypeHandle = 0, kTypeDataType = 1, kTypeInt64 = 3, kTypeFloat = 4, kTypeDouble = 5,
              kTypePointer = 6, kTypeConvolutionMode = 7, kTypeHeuristicMode = 8,
              kTypeNumericalNote = 11, kTypeDescriptor = 15, kTypeChar = 24;
// cudnnBackendAttributeName_t
constexpr int kConvolutionComputeType = 100, kConvolutionMode = 101, kConvolutionDilations = 102,
              kConvolutionStrides = 103, kConvolutionPostPaddings = 104,
              kConvolutionPrePaddings = 105, kConvolutionSpatialDims = 106;
constexpr int kHeuristicsMode = 200, kHeuristicsGraph = 201, kHeuristicsResults = 202,
              kHeuristicsDevice = 204;
constexpr int kConfigEngine = 300;
constexpr int kPlanHandle = 400, kPlanConfig = 401, kPlanWorkspaceSize = 402, kPlanDevice = 407;
constexpr int kForwardAlpha = 700, kForwardBeta = 701, kForwardConvolution = 702, kForwardW = 703,
              kForwardX = 704, kForwardY = 705;
constexpr int kDataAlpha = 706, kDataBeta = 707, kDataConvolution = 708, kDataW = 709,
              kDataDX = 710, kDataDY = 711;
constexpr int kFilterAlpha = 712, kFilterBeta = 713, kFilterConvolution = 714, kFilterDW = 715,
              kFilterX = 716, kFilterDY = 717;
constexpr int kGraphHandle = 800, kGraphOperations = 801;
constexpr int kTensorAlignment = 900, kTensorDataType = 901, kTensorDimensions = 902,
              kTensorStrides = 903, kTensorUniqueId = 906;
constexpr int kPackIds = 1000, kPackPointers = 1001, kPackWorkspace = 1003;
constexpr int kEngineNumericalNote = 1303;
constexpr int kDeviceAsJSON = 2702;
// cudnnDataType_t, cudnnConvolutionMode_t, cudnnBackendHeurMode_t
constexpr int kFloat = 0, kDouble = 1;
constexpr int kCrossCorrelation = 1;
constexpr int kHeuristicsFallback = 2, kHeuristicsA = 3;
// cudnnBackendNumericalNote_t
constexpr int kTensorCore = 0, kDownConvertsInputs = 1, kReducedPrecisionReduction = 2,
              kNondeterministic = 4, kNumNotes = 10;

/// The functions of libcudnn.so.9 by the names that it exports. The constructor throws if the
/// library or one of them is missing, or it is another version.
struct Library {
  Library();

  SharedObject object;
  size_t (*cudnnGetVersion)();
  const char *(*cudnnGetErrorString)(Status status);
  void (*cudnnGetLastErrorString)(char *message, size_t maxSize);
  Status (*cudnnCreate)(Handle *handle);
  Status (*cudnnDestroy)(Handle handle);
  Status (*cudnnSetStream)(Handle handle, void *stream);
  Status (*cudnnBackendCreateDescriptor)(int type, BackendDescriptor *descriptor);
  Status (*cudnnBackendDestroyDescriptor)(BackendDescriptor descriptor);
  Status (*cudnnBackendFinalize)(BackendDescriptor descriptor);
  Status (*cudnnBackendSetAttribute)(BackendDescriptor descriptor, int name, int type,
                                     int64_t count, const void *elements);
  Status (*cudnnBackendGetAttribute)(BackendDescriptor descriptor, int name, int type,
                                     int64_t requested, int64_t *count, void *elements);
  Status (*cudnnBackendExecute)(Handle handle, BackendDescriptor plan, BackendDescriptor pack);

  /// "9.13.0"
  std::string version() const;
  /// The name and number of a status, and what the library says of the last error.
  std::string textOf(Status status) const;
};

} // namespace ai::rt::cudnn

#endif // AI_LIB_RUNTIME_GPU_CUDNN_H
