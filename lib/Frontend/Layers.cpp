// What each layer writes.

#include "ai/Frontend/Layers.h"

#include <atomic>
#include <cmath>

using namespace mlir;
using namespace ai;

static std::atomic<uint64_t> numLayers;

Layer::Layer() : id(numLayers++) {}

/// The type of a layer's input, which must have this rank; null after an error.
static RankedTensorType checkInput(ModelBuilder &model, Value input, StringRef layer, int64_t rank,
                                   StringRef shape, StringRef remedy = "") {
  if (!input)
    return {};
  auto type = cast<RankedTensorType>(input.getType());
  if (type.getRank() == rank)
    return type;
  std::string text;
  llvm::raw_string_ostream(text) << type;
  model.fail(layer + " expects an input of shape " + shape + ", got " + text + remedy);
  return {};
}

/// Creates a layer's weight and bias. A bias is drawn from the same interval as its weight, whose
/// bound is rounded to nine decimals so that it can be read.
static bool addParameters(ModelBuilder &model, const Layer &layer, StringRef kind, StringRef size,
                          ArrayRef<int64_t> weightShape, bool bias,
                          SmallVectorImpl<Value> &operands, std::string &name) {
  if (weightShape[0] < 1)
    return model.fail("expects " + size + " of at least 1, got " + Twine(weightShape[0])), false;
  for (int64_t extent : weightShape.drop_front())
    if (extent < 1)
      return model.fail("expects a kernel of at least 1, got " + Twine(extent)), false;
  name = model.nameOf(layer.id, kind, layer.name);
  if (name.empty())
    return false;
  operands.push_back(model.parameter(name + ".weight", weightShape));
  if (!bias)
    return true;
  int64_t fanIn = 1;
  for (int64_t extent : weightShape.drop_front())
    fanIn *= extent;
  double bound = std::round(1e9 / std::sqrt(double(fanIn))) / 1e9;
  auto init =
      InitializerAttr::get(model.builder().getContext(), InitializerKind::uniform, APFloat(bound));
  operands.push_back(model.parameter(name + ".bias", weightShape[0], init));
  return true;
}

static NamedAttribute list(ModelBuilder &model, StringRef name, ArrayRef<int64_t> values) {
  OpBuilder &b = model.builder();
  return b.getNamedAttr(name, b.getDenseI64ArrayAttr(values));
}

Value Conv2d::apply(ModelBuilder &model, Value input) {
  RankedTensorType type = checkInput(model, input, "Conv2d", 4, "[N,C,H,W]");
  SmallVector<Value> operands{input};
  std::string label;
  if (!type || !addParameters(model, *this, "conv", "out_channels",
                              {outChannels, type.getDimSize(1), kernel[0], kernel[1]}, bias,
                              operands, label))
    return {};
  return model.create("ai.conv2d", operands,
                      {list(model, "stride", stride), list(model, "padding", padding),
                       list(model, "dilation", dilation)},
                      {}, label);
}

Value Linear::apply(ModelBuilder &model, Value input) {
  RankedTensorType type =
      checkInput(model, input, "Linear", 2, "[N,features]", "; put a Flatten before it");
  SmallVector<Value> operands{input};
  std::string label;
  if (!type || !addParameters(model, *this, "fc", "out_features", {outFeatures, type.getDimSize(1)},
                              bias, operands, label))
    return {};
  return model.create("ai.linear", operands, {}, {}, label);
}

Value Pool2d::apply(ModelBuilder &model, Value input) {
  return model.create(op, input,
                      {list(model, "kernel", kernel), list(model, "stride", stride),
                       list(model, "padding", padding)});
}

Value Dropout::apply(ModelBuilder &model, Value input) {
  OpBuilder &b = model.builder();
  return model.create("ai.dropout", input, b.getNamedAttr("rate", b.getF64FloatAttr(rate)));
}
