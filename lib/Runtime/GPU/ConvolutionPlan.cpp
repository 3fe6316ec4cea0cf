//===- ConvolutionPlan.cpp - a convolution by cuDNN's graph API ----------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A graph of one operation: tensors and the convolution are described, cuDNN's heuristics order the
// engines that can compute it, and the first of them that does as we want becomes a plan.
//
//===----------------------------------------------------------------------===//

#include "LibraryPlan.h"

#include "lib/Runtime/Error.h"

#include <algorithm>
#include <deque>
#include <utility>

using namespace ai::rt;
using namespace ai::rt::cudnn;

namespace {
/// What it takes to say who failed.
struct Caller {
  void check(Status status, const char *function) const {
    if (status != 0)
      throw Error(AI_RT_NO_DEVICE, concat("cuDNN failed in ", function, " for ", nameOf(call), ": ",
                                          library.textOf(status)));
  }

  const Library &library;
  const ai_rt_call_t &call;
};

/// A descriptor, which is used once it is finalized.
class Descriptor {
public:
  Descriptor(const Caller &caller, int type) : caller(caller) {
    caller.check(caller.library.cudnnBackendCreateDescriptor(type, &descriptor),
                 "cudnnBackendCreateDescriptor");
  }
  Descriptor(Descriptor &&other) noexcept
      : caller(other.caller), descriptor(std::exchange(other.descriptor, nullptr)) {}
  ~Descriptor() {
    if (descriptor)
      caller.library.cudnnBackendDestroyDescriptor(descriptor);
  }

  void set(int name, int type, int64_t count, const void *elements) {
    caller.check(caller.library.cudnnBackendSetAttribute(descriptor, name, type, count, elements),
                 "cudnnBackendSetAttribute");
  }
  void set(int name, int64_t value) { set(name, kTypeInt64, 1, &value); }
  void set(int name, const Descriptor &other) { set(name, kTypeDescriptor, 1, &other.descriptor); }
  /// An enumeration.
  void set(int name, int type, int value) { set(name, type, 1, &value); }
  void set(int name, const std::vector<int64_t> &values) {
    set(name, kTypeInt64, int64_t(values.size()), values.data());
  }

  /// Returns how many elements there are, of which `elements` gets at most `count`.
  int64_t get(int name, int type, int64_t count, void *elements) const {
    int64_t found = 0;
    caller.check(
        caller.library.cudnnBackendGetAttribute(descriptor, name, type, count, &found, elements),
        "cudnnBackendGetAttribute");
    return found;
  }

  Status tryFinalize() { return caller.library.cudnnBackendFinalize(descriptor); }
  void finalize() { caller.check(tryFinalize(), "cudnnBackendFinalize"); }

  BackendDescriptor get() const { return descriptor; }

private:
  const Caller &caller;
  BackendDescriptor descriptor = nullptr;
};

/// The attributes of one of the three operations, in the order of a call's operands.
struct Operation {
  int type, convolution, alpha, beta, operands[3];
};
constexpr Operation kOperations[] = {
    {kConvolutionForward,
     kForwardConvolution,
     kForwardAlpha,
     kForwardBeta,
     {kForwardX, kForwardW, kForwardY}},
    {kConvolutionBackwardData, kDataConvolution, kDataAlpha, kDataBeta, {kDataDY, kDataW, kDataDX}},
    {kConvolutionBackwardFilter,
     kFilterConvolution,
     kFilterAlpha,
     kFilterBeta,
     {kFilterX, kFilterDY, kFilterDW}}};

class ConvolutionPlan final : public LibraryPlan {
public:
  ConvolutionPlan(const Library &library, Handle handle, const ai_rt_call_t &call,
                  const std::vector<char *> &operands, BackendDescriptor device)
      : caller{library, call}, handle(handle), device(device),
        pointers(operands.begin(), operands.end()) {
    describe();
    for (int mode : {kHeuristicsA, kHeuristicsFallback})
      if (!plan)
        choose(mode);
    if (!plan)
      throw Error(AI_RT_NO_DEVICE,
                  concat("expects an engine of cuDNN ", library.version(), " for ", nameOf(call),
                         " that always computes the same bits, in the precision of its operands, "
                         "with at most ",
                         kMostWorkspaceBytes, " bytes of workspace, got none (",
                         reason.empty() ? "none was offered" : reason,
                         "); --gpu-library=none needs none"));
    plan->get(kPlanWorkspaceSize, kTypeInt64, 1, &workspace);
  }

  int64_t workspaceBytes() const override { return workspace; }

  void bind(char *memory) override {
    const int64_t ids[] = {0, 1, 2};
    void *at = memory;
    pack = std::make_unique<Descriptor>(caller, kVariantPack);
    pack->set(kPackIds, kTypeInt64, 3, ids);
    pack->set(kPackPointers, kTypePointer, 3, pointers.data());
    pack->set(kPackWorkspace, kTypePointer, 1, &at);
    pack->finalize();
  }

  void run() override {
    caller.check(caller.library.cudnnBackendExecute(handle, plan->get(), pack->get()),
                 "cudnnBackendExecute");
  }

private:
  Descriptor &make(int type) { return kept.emplace_back(caller, type); }

  /// Descriptors of the operands, the convolution, the operation, and the graph that is it alone.
  void describe() {
    const ai_rt_call_t &call = caller.call;
    const Operation &operation = kOperations[call.function];
    bool isDouble = call.dtype == AI_RT_F64;
    int type = isDouble ? kDouble : kFloat;
    for (int64_t id = 0; id < 3; ++id) {
      Descriptor &tensor = make(kTensor);
      const int64_t *shape = call.operands[id].shape;
      tensor.set(kTensorDataType, kTypeDataType, type);
      tensor.set(kTensorDimensions, std::vector<int64_t>(shape, shape + 4));
      tensor.set(kTensorStrides,
                 {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1});
      tensor.set(kTensorUniqueId, id);
      tensor.set(kTensorAlignment, alignmentOf(static_cast<char *>(pointers[size_t(id)])));
      tensor.finalize();
    }
    Descriptor &convolution = make(kConvolution);
    auto pair = [](const int64_t *values) { return std::vector<int64_t>(values, values + 2); };
    convolution.set(kConvolutionComputeType, kTypeDataType, type);
    convolution.set(kConvolutionMode, kTypeConvolutionMode, kCrossCorrelation);
    convolution.set(kConvolutionSpatialDims, int64_t(2));
    convolution.set(kConvolutionStrides, pair(call.stride));
    convolution.set(kConvolutionDilations, pair(call.dilation));
    convolution.set(kConvolutionPrePaddings, pair(call.padding));
    convolution.set(kConvolutionPostPaddings, pair(call.padding));
    convolution.finalize();

    Descriptor &node = make(operation.type);
    for (size_t id = 0; id < 3; ++id)
      node.set(operation.operands[id], kept[id]);
    node.set(operation.convolution, convolution);
    const double one = 1, zero = 0;
    const float oneFloat = 1, zeroFloat = 0;
    int scalar = isDouble ? kTypeDouble : kTypeFloat;
    node.set(operation.alpha, scalar, 1, isDouble ? static_cast<const void *>(&one) : &oneFloat);
    node.set(operation.beta, scalar, 1, isDouble ? static_cast<const void *>(&zero) : &zeroFloat);
    node.finalize();

    graph = &make(kOperationGraph);
    if (!device)
      graph->set(kGraphHandle, kTypeHandle, 1, &handle);
    graph->set(kGraphOperations, node);
    graph->finalize();
  }

  /// Takes the first of the engines that the heuristics offer in a mode that does as we want.
  void choose(int mode) {
    Descriptor &heuristics = make(kEngineHeuristics);
    heuristics.set(kHeuristicsGraph, *graph);
    heuristics.set(kHeuristicsMode, kTypeHeuristicMode, mode);
    if (device)
      heuristics.set(kHeuristicsDevice, kTypeDescriptor, 1, &device);
    if (Status status = heuristics.tryFinalize()) {
      reason = caller.library.textOf(status);
      return;
    }
    int64_t count = heuristics.get(kHeuristicsResults, kTypeDescriptor, 0, nullptr);
    std::vector<Descriptor> configs;
    std::vector<BackendDescriptor> found;
    for (int64_t i = 0; i < count; ++i)
      found.push_back(configs.emplace_back(caller, kEngineConfig).get());
    count =
        std::min(count, heuristics.get(kHeuristicsResults, kTypeDescriptor, count, found.data()));
    for (int64_t i = 0; i < count && !plan; ++i)
      tryConfig(configs[size_t(i)]);
  }

  void tryConfig(Descriptor &config) {
    if (!isAllowed(config))
      return;
    auto candidate = std::make_unique<Descriptor>(caller, kExecutionPlan);
    if (device)
      candidate->set(kPlanDevice, kTypeDescriptor, 1, &device);
    else
      candidate->set(kPlanHandle, kTypeHandle, 1, &handle);
    candidate->set(kPlanConfig, config);
    if (Status status = candidate->tryFinalize()) { // heuristics may offer what cannot run here
      reason = caller.library.textOf(status);
      return;
    }
    int64_t bytes = 0;
    candidate->get(kPlanWorkspaceSize, kTypeInt64, 1, &bytes);
    if (bytes > kMostWorkspaceBytes) {
      reason = concat("one needs a workspace of ", bytes);
      return;
    }
    kept.push_back(std::move(config));
    plan = std::move(candidate);
  }

  /// Whether an engine keeps the precision of its operands, and computes the same bits each time.
  /// In f32 a tensor core rounds operands to TF32.
  bool isAllowed(const Descriptor &config) {
    Descriptor engine(caller, kEngine);
    BackendDescriptor place = engine.get();
    config.get(kConfigEngine, kTypeDescriptor, 1, &place);
    int notes[kNumNotes] = {};
    int64_t count = engine.get(kEngineNumericalNote, kTypeNumericalNote, kNumNotes, notes);
    bool isFloat = caller.call.dtype == AI_RT_F32;
    return std::none_of(notes, notes + std::min<int64_t>(count, kNumNotes), [&](int note) {
      bool isForbidden = note == kNondeterministic || note == kDownConvertsInputs ||
                         note == kReducedPrecisionReduction || (isFloat && note == kTensorCore);
      if (isForbidden)
        reason = "others round their operands, or add in any order";
      return isForbidden;
    });
  }

  Caller caller;
  Handle handle;
  BackendDescriptor device;
  std::vector<void *> pointers;
  std::deque<Descriptor> kept; ///< What the plan was made of.
  Descriptor *graph = nullptr;
  std::unique_ptr<Descriptor> plan, pack;
  int64_t workspace = 0;
  std::string reason; ///< Why the last engine was not taken.
};
} // namespace

std::unique_ptr<LibraryPlan> ai::rt::planConvolution(const Library &library, Handle handle,
                                                     const ai_rt_call_t &call,
                                                     const std::vector<char *> &operands,
                                                     BackendDescriptor device) {
  return std::make_unique<ConvolutionPlan>(library, handle, call, operands, device);
}
