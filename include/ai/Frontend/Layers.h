// Layers: what writes the ops of a model, with parameters named and initialised as in PyTorch.
//
// A layer is plain data; it learns its input's shape when it is applied. Applied twice in a model
// it shares its parameters.

#ifndef AI_FRONTEND_LAYERS_H
#define AI_FRONTEND_LAYERS_H

#include "ai/Frontend/ModelBuilder.h"
#include <array>
#include <memory>
#include <vector>

namespace ai {

class Layer {
public:
  Layer();
  virtual ~Layer() = default;

  /// Writes the layer's ops and returns its output; null after an error.
  virtual mlir::Value apply(ModelBuilder &model, mlir::Value input) = 0;

  /// Its parameters are called NAME.weight and NAME.bias; empty: conv1, conv2, fc1, ...
  std::string name;
  /// Where it was made: errors in a Sequential point there.
  Place place;
  /// Which layer this is, as long as the process lives; a copy is the same layer.
  uint64_t id;
};

using LayerPointer = std::shared_ptr<Layer>;
/// (vertical, horizontal)
using Pair = std::array<int64_t, 2>;

/// `ai.conv2d`: weight [out, in, kernel], uniform in +-1/sqrt(fan_in), as is the bias [out].
class Conv2d : public Layer {
public:
  Conv2d(int64_t outChannels, Pair kernel, Pair stride = {1, 1}, Pair padding = {0, 0},
         Pair dilation = {1, 1}, bool bias = true)
      : outChannels(outChannels), kernel(kernel), stride(stride), padding(padding),
        dilation(dilation), bias(bias) {}
  mlir::Value apply(ModelBuilder &model, mlir::Value input) override;

  int64_t outChannels;
  Pair kernel, stride, padding, dilation;
  bool bias;
};

/// `ai.linear`: weight [out, in], uniform in +-1/sqrt(in), as is the bias [out].
class Linear : public Layer {
public:
  explicit Linear(int64_t outFeatures, bool bias = true) : outFeatures(outFeatures), bias(bias) {}
  mlir::Value apply(ModelBuilder &model, mlir::Value input) override;

  int64_t outFeatures;
  bool bias;
};

/// `ai.max_pool2d` or `ai.avg_pool2d`. The stride is the kernel unless given.
class Pool2d : public Layer {
public:
  Pool2d(llvm::StringRef op, Pair kernel, std::optional<Pair> stride, Pair padding)
      : op(op), kernel(kernel), stride(stride.value_or(kernel)), padding(padding) {}
  mlir::Value apply(ModelBuilder &model, mlir::Value input) override;

  std::string op;
  Pair kernel, stride, padding;
};
class MaxPool2d : public Pool2d {
public:
  explicit MaxPool2d(Pair kernel, std::optional<Pair> stride = {}, Pair padding = {0, 0})
      : Pool2d("ai.max_pool2d", kernel, stride, padding) {}
};
class AvgPool2d : public Pool2d {
public:
  explicit AvgPool2d(Pair kernel, std::optional<Pair> stride = {}, Pair padding = {0, 0})
      : Pool2d("ai.avg_pool2d", kernel, stride, padding) {}
};

/// `ai.dropout`: in training an element is 0 with probability `rate`.
class Dropout : public Layer {
public:
  explicit Dropout(double rate = 0.5) : rate(rate) {}
  mlir::Value apply(ModelBuilder &model, mlir::Value input) override;

  double rate;
};

/// An op with one operand and nothing to say: ai.relu, ai.flatten, ai.log_softmax, ...
class Function : public Layer {
public:
  explicit Function(llvm::StringRef op) : op(op) {}
  mlir::Value apply(ModelBuilder &model, mlir::Value input) override {
    return model.create(op, input);
  }

  std::string op;
};

} // namespace ai

#endif // AI_FRONTEND_LAYERS_H
