//===- FakeCuDNN.cpp - a libcudnn.so.9 that computes on the host ----------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of cuDNN's graph API that the runtime calls, on host memory, with plain loops. It
// is as strict as the reference says, and says no where the real one would crash: attributes of
// another descriptor, of another type or number, descriptors that are not finalized, shapes that do
// not fit, pointers that are not aligned. Its heuristics offer engines that must not be taken
// first.
//
//   FAKE_CUDNN_FAILS=NAME  this function fails
//   FAKE_CUDNN_ENGINES=N   only the first N engines are offered
//   FAKE_CUDNN_VERSION=N   what cudnnGetVersion returns
//   FAKE_LIBRARY_LOG=FILE  gets a line for each execution
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/GPU/CuDNN.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace ai::rt::cudnn;

namespace {
enum : Status {
  Success = 0,
  NotInitialized = 1001,
  BadParam = 2000,
  NullPointer = 2002,
  Misaligned = 2003,
  NotFinalized = 2004,
  TooFew = 2006,
  ShapeMismatch = 2008,
  WrongType = 2010,
  NotSupported = 3000,
  ExecutionFailed = 5000
};

/// How many elements of which type an attribute has; 0: any number.
struct Rule {
  int type;
  int64_t count;
};

/// The attributes that a descriptor of a type must have before it is finalized.
const std::map<int, std::map<int, Rule>> rules = {
    {kTensor,
     {{kTensorDataType, {kTypeDataType, 1}},
      {kTensorDimensions, {kTypeInt64, 4}},
      {kTensorStrides, {kTypeInt64, 4}},
      {kTensorUniqueId, {kTypeInt64, 1}},
      {kTensorAlignment, {kTypeInt64, 1}}}},
    {kConvolution,
     {{kConvolutionComputeType, {kTypeDataType, 1}},
      {kConvolutionMode, {kTypeConvolutionMode, 1}},
      {kConvolutionSpatialDims, {kTypeInt64, 1}},
      {kConvolutionStrides, {kTypeInt64, 2}},
      {kConvolutionDilations, {kTypeInt64, 2}},
      {kConvolutionPrePaddings, {kTypeInt64, 2}},
      {kConvolutionPostPaddings, {kTypeInt64, 2}}}},
    {kConvolutionForward,
     {{kForwardConvolution, {kTypeDescriptor, 1}},
      {kForwardX, {kTypeDescriptor, 1}},
      {kForwardW, {kTypeDescriptor, 1}},
      {kForwardY, {kTypeDescriptor, 1}},
      {kForwardAlpha, {-1, 1}},
      {kForwardBeta, {-1, 1}}}},
    {kConvolutionBackwardData,
     {{kDataConvolution, {kTypeDescriptor, 1}},
      {kDataW, {kTypeDescriptor, 1}},
      {kDataDX, {kTypeDescriptor, 1}},
      {kDataDY, {kTypeDescriptor, 1}},
      {kDataAlpha, {-1, 1}},
      {kDataBeta, {-1, 1}}}},
    {kConvolutionBackwardFilter,
     {{kFilterConvolution, {kTypeDescriptor, 1}},
      {kFilterDW, {kTypeDescriptor, 1}},
      {kFilterX, {kTypeDescriptor, 1}},
      {kFilterDY, {kTypeDescriptor, 1}},
      {kFilterAlpha, {-1, 1}},
      {kFilterBeta, {-1, 1}}}},
    {kOperationGraph, {{kGraphHandle, {kTypeHandle, 1}}, {kGraphOperations, {kTypeDescriptor, 1}}}},
    {kEngineHeuristics,
     {{kHeuristicsGraph, {kTypeDescriptor, 1}}, {kHeuristicsMode, {kTypeHeuristicMode, 1}}}},
    {kExecutionPlan, {{kPlanHandle, {kTypeHandle, 1}}, {kPlanConfig, {kTypeDescriptor, 1}}}},
    {kVariantPack,
     {{kPackIds, {kTypeInt64, 0}},
      {kPackPointers, {kTypePointer, 0}},
      {kPackWorkspace, {kTypePointer, 1}}}},
    {kEngine, {}},
    {kEngineConfig, {}}};

/// What the heuristics offer, best first: the first ones must not be taken.
struct EngineKind {
  std::vector<int> notes;
  int64_t workspace;
  bool runsHere;
};
const std::vector<EngineKind> engines = {{{kTensorCore}, 0, true},
                                         {{kNondeterministic}, 0, true},
                                         {{kDownConvertsInputs}, 0, true},
                                         {{}, int64_t(1) << 40, true},
                                         {{}, 0, false},
                                         {{9}, 5000, true},
                                         {{}, 0, true}};
constexpr int64_t kFallbackEngine = 6; // offered in that mode alone

struct Descriptor {
  int type;
  bool isFinal = false;
  std::map<int, std::vector<char>> values;
  int64_t engine = -1;               // of an engine and of its configuration
  const Descriptor *graph = nullptr; // that an engine is for

  template <typename T> const T *array(int name) const {
    return reinterpret_cast<const T *>(values.at(name).data());
  }
  template <typename T> T value(int name) const {
    T result;
    std::memcpy(&result, values.at(name).data(), sizeof(T));
    return result;
  }
  const Descriptor &operand(int name) const {
    return *static_cast<const Descriptor *>(value<BackendDescriptor>(name));
  }
};

/// A tensor or weight.
struct Tensor {
  explicit Tensor(const Descriptor &d)
      : dims(d.array<int64_t>(kTensorDimensions)), strides(d.array<int64_t>(kTensorStrides)),
        id(d.value<int64_t>(kTensorUniqueId)), alignment(d.value<int64_t>(kTensorAlignment)),
        type(d.value<int>(kTensorDataType)) {}
  int64_t at(int64_t n, int64_t c, int64_t y, int64_t x) const {
    return n * strides[0] + c * strides[1] + y * strides[2] + x * strides[3];
  }
  const int64_t *dims, *strides;
  int64_t id, alignment;
  int type;
};

struct Window {
  explicit Window(const Descriptor &d)
      : stride(d.array<int64_t>(kConvolutionStrides)),
        dilation(d.array<int64_t>(kConvolutionDilations)),
        padding(d.array<int64_t>(kConvolutionPrePaddings)) {}
  int64_t extent(int64_t image, int64_t kernel, int axis) const {
    return (image + 2 * padding[axis] - dilation[axis] * (kernel - 1) - 1) / stride[axis] + 1;
  }
  const int64_t *stride, *dilation, *padding;
};

/// An operation's image, weight and result, whichever of them it writes.
struct Convolution {
  explicit Convolution(const Descriptor &d)
      : type(d.type), image(d.operand(pick(kForwardX, kDataDX, kFilterX))),
        weight(d.operand(pick(kForwardW, kDataW, kFilterDW))),
        result(d.operand(pick(kForwardY, kDataDY, kFilterDY))),
        window(d.operand(pick(kForwardConvolution, kDataConvolution, kFilterConvolution))) {}
  int pick(int forward, int data, int filter) const {
    return type == kConvolutionForward ? forward : type == kConvolutionBackwardData ? data : filter;
  }
  bool fits() const {
    return image.dims[0] == result.dims[0] && image.dims[1] == weight.dims[1] &&
           result.dims[1] == weight.dims[0] &&
           result.dims[2] == window.extent(image.dims[2], weight.dims[2], 0) &&
           result.dims[3] == window.extent(image.dims[3], weight.dims[3], 1);
  }

  int type;
  Tensor image, weight, result;
  Window window;
};

std::set<Descriptor *> descriptors;
std::set<int *> handles;
std::string lastError;

Status fail(Status status, const std::string &text) {
  lastError = text;
  return status;
}

bool isMadeToFail(const char *name) {
  const char *failing = std::getenv("FAKE_CUDNN_FAILS");
  return failing && std::strcmp(failing, name) == 0;
}
#define CHECK_FAILURE()                                                                            \
  if (isMadeToFail(__func__))                                                                      \
  return fail(ExecutionFailed, "made to fail")

Descriptor *find(BackendDescriptor descriptor) {
  auto *found = static_cast<Descriptor *>(descriptor);
  return descriptors.count(found) ? found : nullptr;
}

size_t sizeOf(int type) {
  switch (type) {
  case kTypeDataType:
  case kTypeConvolutionMode:
  case kTypeHeuristicMode:
  case kTypeNumericalNote:
  case kTypeFloat:
    return 4;
  default:
    return 8;
  }
}

Status finalizeTensor(const Descriptor &d) {
  Tensor tensor(d);
  int64_t stride = 1, size = tensor.type == kDouble ? 8 : 4;
  if (tensor.type != kFloat && tensor.type != kDouble)
    return fail(NotSupported, "tensor of another type than float or double");
  for (int dim = 3; dim >= 0; --dim) {
    if (tensor.dims[dim] < 1)
      return fail(BadParam, "tensor with a dimension below 1");
    if (tensor.strides[dim] != stride)
      return fail(NotSupported, "tensor with gaps, or in another order");
    stride *= tensor.dims[dim];
  }
  if (tensor.alignment < size || (tensor.alignment & (tensor.alignment - 1)))
    return fail(Misaligned, "alignment that is no power of two, or below an element");
  return Success;
}

Status finalizeConvolution(const Descriptor &d) {
  if (d.value<int64_t>(kConvolutionSpatialDims) != 2)
    return fail(BadParam, "convolution with other than two spatial dimensions");
  if (d.value<int>(kConvolutionMode) != kCrossCorrelation)
    return fail(NotSupported, "convolution with flipped kernels");
  for (int axis : {0, 1}) {
    if (d.array<int64_t>(kConvolutionStrides)[axis] < 1 ||
        d.array<int64_t>(kConvolutionDilations)[axis] < 1 ||
        d.array<int64_t>(kConvolutionPrePaddings)[axis] < 0)
      return fail(BadParam, "stride, dilation or padding out of range");
    if (d.array<int64_t>(kConvolutionPrePaddings)[axis] !=
        d.array<int64_t>(kConvolutionPostPaddings)[axis])
      return fail(NotSupported, "paddings that differ");
  }
  return Success;
}

Status finalizeOperation(const Descriptor &d) {
  Convolution c(d);
  int alpha = c.pick(kForwardAlpha, kDataAlpha, kFilterAlpha),
      beta = c.pick(kForwardBeta, kDataBeta, kFilterBeta);
  int compute = d.operand(c.pick(kForwardConvolution, kDataConvolution, kFilterConvolution))
                    .value<int>(kConvolutionComputeType);
  if (c.image.type != compute || c.weight.type != compute || c.result.type != compute)
    return fail(NotSupported, "operands of several types");
  if (!c.fits())
    return fail(ShapeMismatch, "shapes that do not fit together");
  if (std::set<int64_t>{c.image.id, c.weight.id, c.result.id}.size() != 3)
    return fail(BadParam, "two tensors of one id");
  bool isDouble = compute == kDouble;
  if (d.values.at(alpha).size() != (isDouble ? 8 : 4) ||
      (isDouble ? d.value<double>(alpha) : d.value<float>(alpha)) != 1 ||
      (isDouble ? d.value<double>(beta) : d.value<float>(beta)) != 0)
    return fail(NotSupported, "alpha or beta that is not 1 or 0 of the compute type");
  return Success;
}

bool isHandle(const Descriptor &d, int name) {
  return handles.count(reinterpret_cast<int *>(d.value<Handle>(name))) != 0;
}

template <typename T> void compute(const Convolution &c, char *const *memory) {
  T *image = reinterpret_cast<T *>(memory[0]), *weight = reinterpret_cast<T *>(memory[1]),
    *result = reinterpret_cast<T *>(memory[2]);
  const int64_t *in = c.image.dims, *out = c.result.dims, *kernel = c.weight.dims;
  bool isForward = c.type == kConvolutionForward, isData = c.type == kConvolutionBackwardData;
  const Tensor &written = isForward ? c.result : isData ? c.image : c.weight;
  int64_t elements = written.dims[0] * written.strides[0];
  std::vector<double> sums(size_t(elements), 0.0);
  for (int64_t n = 0; n < out[0]; ++n)
    for (int64_t o = 0; o < out[1]; ++o)
      for (int64_t y = 0; y < out[2]; ++y)
        for (int64_t x = 0; x < out[3]; ++x)
          for (int64_t i = 0; i < in[1]; ++i)
            for (int64_t p = 0; p < kernel[2]; ++p) {
              int64_t row = y * c.window.stride[0] + p * c.window.dilation[0] - c.window.padding[0];
              if (row < 0 || row >= in[2])
                continue;
              for (int64_t q = 0; q < kernel[3]; ++q) {
                int64_t column =
                    x * c.window.stride[1] + q * c.window.dilation[1] - c.window.padding[1];
                if (column < 0 || column >= in[3])
                  continue;
                int64_t a = c.image.at(n, i, row, column), b = c.weight.at(o, i, p, q),
                        r = c.result.at(n, o, y, x);
                if (isForward)
                  sums[size_t(r)] += double(image[a]) * weight[b];
                else if (isData)
                  sums[size_t(a)] += double(result[r]) * weight[b];
                else
                  sums[size_t(b)] += double(image[a]) * result[r];
              }
            }
  T *to = isForward ? result : isData ? image : weight;
  std::copy(sums.begin(), sums.end(), to);
}

void log(const Convolution &c) {
  const char *file = std::getenv("FAKE_LIBRARY_LOG");
  if (!file)
    return;
  static const char *const names[] = {"conv2d", "conv2d_weight_gradient", "conv2d_input_gradient"};
  std::FILE *stream = std::fopen(file, "a");
  std::fprintf(stream, "%s %lldx%lldx%lldx%lld\n", names[c.type - kConvolutionForward],
               (long long)c.image.dims[0], (long long)c.image.dims[1], (long long)c.image.dims[2],
               (long long)c.image.dims[3]);
  std::fclose(stream);
}
} // namespace

#define FAKE extern "C" __attribute__((visibility("default")))

FAKE const int ai_library_computes_on_host = 1;
/// Handles and descriptors that there are.
FAKE int fake_cudnn_live() { return int(handles.size() + descriptors.size()); }

FAKE size_t cudnnGetVersion() {
  const char *version = std::getenv("FAKE_CUDNN_VERSION");
  return version ? size_t(std::atol(version)) : 91900;
}
FAKE const char *cudnnGetErrorString(Status status) {
  return status == NotInitialized    ? "CUDNN_STATUS_NOT_INITIALIZED"
         : status == NotSupported    ? "CUDNN_STATUS_NOT_SUPPORTED"
         : status == ExecutionFailed ? "CUDNN_STATUS_EXECUTION_FAILED"
                                     : "CUDNN_STATUS_BAD_PARAM";
}
FAKE void cudnnGetLastErrorString(char *message, size_t maxSize) {
  std::snprintf(message, maxSize, "%s", lastError.c_str());
}

FAKE Status cudnnCreate(Handle *handle) {
  CHECK_FAILURE();
  auto *made = new int(0);
  handles.insert(made);
  *handle = reinterpret_cast<Handle>(made);
  return Success;
}
FAKE Status cudnnDestroy(Handle handle) {
  auto *known = reinterpret_cast<int *>(handle);
  if (!handles.erase(known))
    return fail(NotInitialized, "no such handle");
  delete known;
  return Success;
}
FAKE Status cudnnSetStream(Handle handle, void *) {
  CHECK_FAILURE();
  return handles.count(reinterpret_cast<int *>(handle)) ? Success
                                                        : fail(NotInitialized, "no such handle");
}

FAKE Status cudnnBackendCreateDescriptor(int type, BackendDescriptor *descriptor) {
  CHECK_FAILURE();
  if (!rules.count(type))
    return fail(NotSupported, "descriptor of a type that this fake does not know");
  auto *made = new Descriptor{type, false, {}, -1, nullptr};
  descriptors.insert(made);
  *descriptor = made;
  return Success;
}
FAKE Status cudnnBackendDestroyDescriptor(BackendDescriptor descriptor) {
  Descriptor *d = find(descriptor);
  if (!d)
    return fail(NullPointer, "no such descriptor");
  descriptors.erase(d);
  delete d;
  return Success;
}

FAKE Status cudnnBackendSetAttribute(BackendDescriptor descriptor, int name, int type,
                                     int64_t count, const void *elements) {
  CHECK_FAILURE();
  Descriptor *d = find(descriptor);
  if (!d || !elements)
    return fail(NullPointer, "no such descriptor, or no elements");
  if (d->isFinal)
    return fail(BadParam, "attribute of a descriptor that is finalized");
  auto rule = rules.at(d->type).find(name);
  if (rule == rules.at(d->type).end())
    return fail(BadParam, "attribute of another descriptor");
  bool isScalar = rule->second.type < 0;
  if (isScalar ? type != kTypeFloat && type != kTypeDouble : type != rule->second.type)
    return fail(WrongType, "attribute of another type");
  if (count < 1 || (rule->second.count && count != rule->second.count))
    return fail(TooFew, "attribute with another number of elements");
  const auto *bytes = static_cast<const char *>(elements);
  d->values[name].assign(bytes, bytes + size_t(count) * sizeOf(type));
  if (type != kTypeDescriptor)
    return Success;
  Descriptor *operand = find(d->value<BackendDescriptor>(name));
  return !operand            ? fail(NullPointer, "no such descriptor as an element")
         : !operand->isFinal ? fail(NotFinalized, "element that is not finalized")
                             : Success;
}

FAKE Status cudnnBackendFinalize(BackendDescriptor descriptor) {
  CHECK_FAILURE();
  Descriptor *d = find(descriptor);
  if (!d)
    return fail(NullPointer, "no such descriptor");
  for (const auto &[name, rule] : rules.at(d->type))
    if (!d->values.count(name))
      return fail(BadParam, "attribute " + std::to_string(name) + " is missing");
  Status status = Success;
  switch (d->type) {
  case kTensor:
    status = finalizeTensor(*d);
    break;
  case kConvolution:
    status = finalizeConvolution(*d);
    break;
  case kConvolutionForward:
  case kConvolutionBackwardData:
  case kConvolutionBackwardFilter:
    status = finalizeOperation(*d);
    break;
  case kOperationGraph:
    status = isHandle(*d, kGraphHandle) ? Success : fail(BadParam, "graph without a handle");
    break;
  case kExecutionPlan: {
    const Descriptor &config = d->operand(kPlanConfig);
    if (!isHandle(*d, kPlanHandle) || config.type != kEngineConfig)
      status = fail(BadParam, "plan without a handle or a configuration");
    else if (!engines[size_t(config.engine)].runsHere)
      status = fail(NotSupported, "engine for another GPU");
    break;
  }
  case kVariantPack: {
    size_t ids = d->values[kPackIds].size();
    if (ids != d->values[kPackPointers].size())
      status = fail(TooFew, "as many pointers as ids");
    break;
  }
  default:
    break;
  }
  d->isFinal = status == Success;
  return status;
}

FAKE Status cudnnBackendGetAttribute(BackendDescriptor descriptor, int name, int type,
                                     int64_t requested, int64_t *count, void *elements) {
  CHECK_FAILURE();
  Descriptor *d = find(descriptor);
  if (!d || !count || (requested > 0 && !elements))
    return fail(NullPointer, "no such descriptor, or nowhere to put elements");
  if (!d->isFinal)
    return fail(NotFinalized, "attribute of a descriptor that is not finalized");
  if (d->type == kEngineHeuristics && name == kHeuristicsResults && type == kTypeDescriptor) {
    const char *offered = std::getenv("FAKE_CUDNN_ENGINES");
    int64_t most = offered ? std::atol(offered) : int64_t(engines.size());
    bool isFallback = d->value<int>(kHeuristicsMode) == kHeuristicsFallback;
    int64_t begin = isFallback ? kFallbackEngine : 0,
            end = std::min(most, isFallback ? kFallbackEngine + 1 : kFallbackEngine);
    *count = std::max<int64_t>(0, end - begin);
    for (int64_t i = 0; i < std::min(requested, *count); ++i) {
      Descriptor *config = find(static_cast<BackendDescriptor *>(elements)[i]);
      if (!config || config->type != kEngineConfig)
        return fail(BadParam, "result that is no configuration");
      config->engine = begin + i;
      config->graph = &d->operand(kHeuristicsGraph);
      config->isFinal = true;
    }
    return Success;
  }
  if (d->type == kEngineConfig && name == kConfigEngine && type == kTypeDescriptor &&
      requested == 1) {
    Descriptor *engine = find(*static_cast<BackendDescriptor *>(elements));
    if (!engine || engine->type != kEngine)
      return fail(BadParam, "result that is no engine");
    engine->engine = d->engine;
    engine->isFinal = true;
    *count = 1;
    return Success;
  }
  if (d->type == kEngine && name == kEngineNumericalNote && type == kTypeNumericalNote) {
    const std::vector<int> &notes = engines[size_t(d->engine)].notes;
    *count = int64_t(notes.size());
    std::copy_n(notes.begin(), std::min<int64_t>(requested, *count), static_cast<int *>(elements));
    return Success;
  }
  if (d->type == kExecutionPlan && name == kPlanWorkspaceSize && type == kTypeInt64 &&
      requested == 1) {
    *static_cast<int64_t *>(elements) = engines[size_t(d->operand(kPlanConfig).engine)].workspace;
    *count = 1;
    return Success;
  }
  return fail(BadParam, "attribute that cannot be asked for");
}

FAKE Status cudnnBackendExecute(Handle handle, BackendDescriptor plan, BackendDescriptor pack) {
  CHECK_FAILURE();
  Descriptor *p = find(plan), *v = find(pack);
  if (!handles.count(reinterpret_cast<int *>(handle)) || !p || !v)
    return fail(NullPointer, "no such handle, plan or pack");
  if (p->type != kExecutionPlan || v->type != kVariantPack || !p->isFinal || !v->isFinal)
    return fail(NotFinalized, "plan or pack that is not finalized");
  const Descriptor &config = p->operand(kPlanConfig);
  const EngineKind &engine = engines[size_t(config.engine)];
  auto *workspace = static_cast<char *>(v->value<void *>(kPackWorkspace));
  if (engine.workspace && !workspace)
    return fail(NullPointer, "no workspace");
  std::fill_n(workspace, engine.workspace, char(0x5a));
  Convolution c(config.graph->operand(kGraphOperations));
  char *memory[3] = {};
  const Tensor *tensors[] = {&c.image, &c.weight, &c.result};
  size_t given = v->values[kPackIds].size() / 8;
  for (int t = 0; t < 3; ++t) {
    for (size_t i = 0; i < given; ++i)
      if (v->array<int64_t>(kPackIds)[i] == tensors[t]->id)
        memory[t] = static_cast<char *>(v->array<void *>(kPackPointers)[i]);
    if (!memory[t])
      return fail(NullPointer, "tensor without a pointer");
    if (reinterpret_cast<uintptr_t>(memory[t]) % uintptr_t(tensors[t]->alignment))
      return fail(Misaligned, "pointer below its alignment");
  }
  log(c);
  if (c.image.type == kDouble)
    compute<double>(c, memory);
  else
    compute<float>(c, memory);
  return Success;
}
