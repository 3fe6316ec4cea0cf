// Each op is checked as it is written, so that an error is found at the line that wrote it.

#include "ai/Frontend/ModelBuilder.h"

#include "mlir/IR/TypeUtilities.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace ai;

/// What the name of a function may hold.
static std::string symbolName(StringRef name) {
  std::string symbol;
  for (char c : name)
    symbol += llvm::isAlnum(c) ? c : '_';
  if (symbol.empty() || llvm::isDigit(symbol[0]))
    symbol.insert(0, "_");
  return symbol;
}

ModelBuilder::ModelBuilder(MLIRContext &context, StringRef name, ArrayRef<int64_t> sampleShape)
    : diagnostics(context), b(&context), loc(UnknownLoc::get(&context)) {
  context.printOpOnDiagnostic(false); // the user's line says more than our IR
  context.loadDialect<AIDialect>();
  module = ModuleOp::create(loc);
  for (int64_t extent : sampleShape)
    if (extent < 1) {
      fail("expects extents of at least 1 in the shape of a sample, got " + Twine(extent));
      return;
    }
  SmallVector<int64_t> shape{ShapedType::kDynamic};
  shape.append(sampleShape.begin(), sampleShape.end());
  Type type = RankedTensorType::get(shape, b.getF32Type());
  b.setInsertionPointToEnd(module->getBody());
  model = ModelOp::create(b, loc, b.getStringAttr(symbolName(name)),
                          TypeAttr::get(b.getFunctionType(type, type)), StringAttr(), ArrayAttr(),
                          ArrayAttr());
  Block *body = b.createBlock(&model.getBody());
  input = body->addArgument(type, named("input"));
}

void ModelBuilder::at(const Place &place) {
  loc = UnknownLoc::get(b.getContext());
  if (place.line > 0)
    loc = FileLineColLoc::get(b.getContext(), place.file, place.line, place.column);
}

Location ModelBuilder::named(StringRef name) {
  return name.empty() ? loc : NameLoc::get(b.getStringAttr(name), loc);
}

Value ModelBuilder::fail(const Twine &message) {
  emitError(loc) << message;
  return {};
}

Value ModelBuilder::create(StringRef name, ValueRange operands, ArrayRef<NamedAttribute> attributes,
                           Type element, StringRef label) {
  if (diagnostics.hasErrors() || llvm::is_contained(operands, Value()))
    return {};
  OperationName opName(name, b.getContext());
  if (!opName.isRegistered() || opName.getDialectNamespace() != AIDialect::getDialectNamespace())
    return fail("expects an op of the dialect ai, got '" + name + "'");
  if (!element && operands.empty())
    return fail("'" + name + "' op expects an element type, because it has no operand");
  if (!element)
    element = getElementTypeOrSelf(operands.front().getType());
  OperationState state(named(label), opName);
  state.addOperands(operands);
  state.addAttributes(attributes);
  state.addTypes(UnrankedTensorType::get(element));
  Operation *op = b.create(state);
  FailureOr<SmallVector<Type>> types = failure();
  if (succeeded(verify(op)))
    types = inferResultTypes(op);
  if (failed(types)) {
    op->erase();
    return {};
  }
  op->getResult(0).setType(types->front());
  return op->getResult(0);
}

Value ModelBuilder::parameter(StringRef name, ArrayRef<int64_t> shape, Attribute init,
                              Floats values) {
  if (diagnostics.hasErrors())
    return {};
  if (values)
    firstValues[name] = std::move(values);
  auto type = RankedTensorType::get(shape, b.getF32Type());
  return ParameterOp::create(b, named(name), type, b.getStringAttr(name), init);
}

Value ModelBuilder::constant(double value) {
  return diagnostics.hasErrors() ? Value() : ConstantOp::create(b, loc, b.getF32Type(), value);
}

Value ModelBuilder::constant(ArrayRef<int64_t> shape, const float *values) {
  if (diagnostics.hasErrors())
    return {};
  auto type = RankedTensorType::get(shape, b.getF32Type());
  return ConstantOp::create(
      b, loc, type, DenseElementsAttr::get(type, ArrayRef(values, size_t(type.getNumElements()))));
}

bool ModelBuilder::reserve(uint64_t owner, StringRef parameter) {
  StringRef name = parameter.rsplit('.').first;
  if (taken.try_emplace(name, owner).first->second == owner)
    return true;
  return fail("expects another name for each layer, got '" + name + "' twice"), false;
}

std::string ModelBuilder::nameOf(uint64_t owner, StringRef kind, StringRef wished) {
  std::string &name = names[owner];
  if (!name.empty())
    return name;
  if (wished.empty()) {
    do
      name = (kind + Twine(++numbers[kind])).str();
    while (taken.contains(name));
  } else if (!taken.contains(wished)) {
    name = wished.str();
  } else {
    fail("expects another name for each layer, got '" + wished + "' twice");
    return "";
  }
  taken[name] = owner;
  return name;
}

llvm::Expected<OwningOpRef<ModuleOp>> ModelBuilder::finish(Value output, const Recipe &recipe) {
  if (diagnostics.hasErrors() || !output)
    return takeError();
  ReturnOp::create(b, output.getLoc(), output);
  model.setFunctionType(b.getFunctionType(input.getType(), output.getType()));
  b.setInsertionPointToEnd(module->getBody());
  std::optional<LossKind> loss = symbolizeLossKind(recipe.loss);
  if (!loss)
    fail("expects a loss of cross_entropy, nll_loss or mse_loss, got '" + recipe.loss + "'");
  Attribute optimizer = makeOptimizer(recipe.optimizer, loc);
  Attribute schedule = makeSchedule(recipe.schedule, loc);
  if (diagnostics.hasErrors())
    return takeError();
  TrainOp::create(b, loc, model.getSymName(), *loss, optimizer, schedule, recipe.batch,
                  recipe.epochs, recipe.seed, APFloat(recipe.mean), APFloat(recipe.std));
  if (failed(verify(*module)))
    return takeError();
  return std::move(module);
}
