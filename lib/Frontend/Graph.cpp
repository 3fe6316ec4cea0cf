// Operators as data <-> ops of the dialect.

#include "ai/Frontend/Graph.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace ai;

namespace ai {
/// The same model as ops, which is where the shapes come from.
struct Graph::Checker {
  Checker(StringRef name, ArrayRef<int64_t> shape)
      : context(MLIRContext::Threading::DISABLED), model(context, name, shape),
        values{model.getInput()} {}

  MLIRContext context;
  ModelBuilder model;
  SmallVector<Value> values;
};
} // namespace ai

/// -1 for `?`, whatever MLIR thinks of it.
static std::vector<int64_t> shapeOf(Type type) {
  std::vector<int64_t> shape;
  for (int64_t extent : cast<RankedTensorType>(type).getShape())
    shape.push_back(ShapedType::isDynamic(extent) ? -1 : extent);
  return shape;
}

Graph::Graph(StringRef name, ArrayRef<int64_t> sampleShape)
    : checker(std::make_unique<Checker>(name, sampleShape)) {
  this->name = name.str();
  inputShape = sampleShape.vec();
  operators.emplace_back();
  operators[kInput].shape = inputShape;
  operators[kInput].shape.insert(operators[kInput].shape.begin(), -1);
}

Graph::~Graph() = default;

void Graph::at(const Place &place) {
  current = place;
  checker->model.at(place);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static NamedAttribute makeAttribute(OpBuilder &b, StringRef name, const AttributeValue &value) {
  if (std::holds_alternative<bool>(value))
    return b.getNamedAttr(name, b.getUnitAttr());
  if (const auto *number = std::get_if<int64_t>(&value))
    return b.getNamedAttr(name, b.getI64IntegerAttr(*number));
  if (const auto *number = std::get_if<double>(&value))
    return b.getNamedAttr(name, b.getF64FloatAttr(*number));
  return b.getNamedAttr(name, b.getDenseI64ArrayAttr(std::get<std::vector<int64_t>>(value)));
}

/// Writes one operator; null after an error.
Value Graph::write(ModelBuilder &model, const Operator &op, ArrayRef<Value> values) {
  if (op.op == ParameterOp::getOperationName()) {
    if (!model.reserve(id, op.name))
      return {};
    return model.parameter(op.name, op.shape, {}, op.values);
  }
  if (op.op == ConstantOp::getOperationName())
    return model.constant(op.shape, op.values.get());
  SmallVector<Value> operands;
  for (size_t operand : op.operands)
    operands.push_back(values[operand]);
  SmallVector<NamedAttribute> attributes;
  for (const auto &[name, value] : op.attributes)
    if (const bool *flag = std::get_if<bool>(&value); !flag || *flag)
      attributes.push_back(makeAttribute(model.builder(), name, value));
  return model.create(op.op, operands, attributes, {}, op.name);
}

llvm::Expected<size_t> Graph::append(Operator op) {
  ModelBuilder &model = checker->model;
  bool isKnown = llvm::all_of(op.operands, [&](size_t i) { return i < operators.size(); });
  if (!isKnown)
    model.fail("expects operands that were added before");
  for (int64_t extent : op.shape)
    if (extent < 1)
      model.fail("expects extents of at least 1, got " + Twine(extent)), isKnown = false;
  Value value = isKnown ? write(model, op, checker->values) : Value();
  if (!value)
    return model.takeError();
  op.shape = shapeOf(value.getType());
  op.place = current;
  operators.push_back(std::move(op));
  checker->values.push_back(value);
  return operators.size() - 1;
}

llvm::Expected<size_t> Graph::parameter(StringRef name, ArrayRef<int64_t> shape, Floats values) {
  return append(
      {ParameterOp::getOperationName().str(), {}, {}, shape.vec(), name.str(), values, {}});
}

llvm::Expected<size_t> Graph::constant(ArrayRef<int64_t> shape, Floats values) {
  return append({ConstantOp::getOperationName().str(), {}, {}, shape.vec(), "", values, {}});
}

llvm::Expected<size_t> Graph::add(StringRef op, ArrayRef<size_t> operands,
                                  std::map<std::string, AttributeValue> attributes,
                                  StringRef label) {
  return append({op.str(), operands.vec(), std::move(attributes), {}, label.str(), {}, {}});
}

Value Graph::apply(ModelBuilder &model, Value input) {
  SmallVector<Value> values{input};
  for (const Operator &op : ArrayRef<Operator>(operators).drop_front()) {
    if (op.place.line > 0)
      model.at(op.place);
    values.push_back(write(model, op, values));
  }
  return values.back();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Nothing if an importer could not have said it.
static std::optional<AttributeValue> readAttribute(Attribute attribute) {
  if (isa<UnitAttr>(attribute))
    return true;
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return integer.getInt();
  if (auto real = dyn_cast<FloatAttr>(attribute))
    return real.getValueAsDouble();
  if (auto list = dyn_cast<DenseI64ArrayAttr>(attribute))
    return list.asArrayRef().vec();
  return std::nullopt;
}

static Floats readConstant(ConstantOp op) {
  auto elements = dyn_cast<DenseFPElementsAttr>(op.getValue());
  if (!elements || !elements.getElementType().isF32())
    return {};
  auto values = std::make_shared<std::vector<float>>(elements.value_begin<float>(),
                                                     elements.value_end<float>());
  return Floats(values, values->data());
}

static llvm::Error refuse(Operation &op, const Twine &text) {
  Place place;
  if (auto loc = op.getLoc()->findInstanceOf<FileLineColLoc>())
    place = {loc.getFilename().str(), loc.getLine(), loc.getColumn()};
  return llvm::make_error<CompileError>(std::vector<Message>{{place, text.str()}});
}

llvm::Expected<std::vector<Operator>> ai::listOperators(ModelOp model) {
  std::vector<Operator> operators(1);
  llvm::DenseMap<Value, size_t> positions{{model.getArgument(0), Graph::kInput}};
  operators[Graph::kInput].shape = shapeOf(model.getArgument(0).getType());
  for (Operation &op : model.getBody().front()) {
    Operator read;
    read.op = op.getName().getStringRef().str();
    for (Value operand : op.getOperands())
      read.operands.push_back(positions.lookup(operand));
    if (auto loc = op.getLoc()->findInstanceOf<FileLineColLoc>())
      read.place = {loc.getFilename().str(), loc.getLine(), loc.getColumn()};
    if (auto loc = dyn_cast<NameLoc>(op.getLoc()))
      read.name = loc.getName().str();
    if (op.getNumResults() == 1)
      read.shape = shapeOf(op.getResult(0).getType());
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      read.values = readConstant(constant);
      if (!read.values)
        return refuse(op, "expects constants of f32, got " + op.getName().getStringRef());
    } else if (auto parameter = dyn_cast<ParameterOp>(op)) {
      read.name = parameter.getName().str();
    } else {
      for (NamedAttribute attribute : op.getAttrDictionary()) {
        std::optional<AttributeValue> value = readAttribute(attribute.getValue());
        if (!value)
          return refuse(op, "'" + read.op +
                                "' op has an attribute that is no flag, number or "
                                "list: " +
                                attribute.getName().getValue());
        read.attributes[attribute.getName().str()] = *value;
      }
    }
    for (Value result : op.getResults())
      positions[result] = operators.size();
    operators.push_back(std::move(read));
  }
  return operators;
}
