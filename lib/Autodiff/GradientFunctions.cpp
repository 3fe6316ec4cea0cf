// ai.gradient @f -> @f_gradient, ai.value_and_gradient @f -> @f_value_and_gradient.
//
// A request is expanded after the requests whose functions it needs: the function it names, and
// those that are called below it. Requests that need each other are an error.

#include "GradientFunctions.h"

#include "Inline.h"
#include "ReverseSweep.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace ai;

namespace {

/// One ai.gradient or ai.value_and_gradient.
struct Request {
  explicit Request(GradientOp op)
      : op(op), function(op.getFunctionAttr()), wrt(op.getWrt()), withValue(false) {}
  explicit Request(ValueAndGradientOp op)
      : op(op), function(op.getFunctionAttr()), wrt(op.getWrt()), withValue(true) {}

  std::string getResultName() const {
    return (function.getValue() + (withValue ? "_value_and_gradient" : "_gradient")).str();
  }

  Operation *op;
  FlatSymbolRefAttr function;
  SmallVector<int64_t> wrt;
  bool withValue;
  enum { Waiting, Active, Done } state = Waiting;
};

class GradientExpander {
public:
  GradientExpander(ModuleOp module, int64_t &numRules)
      : module(module), symbols(module), numRules(numRules) {}

  LogicalResult run();

private:
  template <typename OpT> LogicalResult collect();
  LogicalResult expand(Request &request);
  LogicalResult expandNeeds(func::FuncOp function, DenseSet<Operation *> &visited);
  FailureOr<func::FuncOp> lookUp(const Request &request);
  FailureOr<func::FuncOp> declare(const Request &request, func::FuncOp function);
  LogicalResult define(const Request &request, func::FuncOp function, func::FuncOp gradient);

  ModuleOp module;
  SymbolTable symbols;
  llvm::MapVector<StringAttr, Request> requests;
  int64_t &numRules;
};

template <typename OpT> LogicalResult GradientExpander::collect() {
  for (auto op : module.getOps<OpT>()) {
    Request request(op);
    auto name = StringAttr::get(module.getContext(), request.getResultName());
    auto [previous, isNew] = requests.insert({name, request});
    if (!isNew) {
      InFlightDiagnostic error = op.emitOpError("expects to be the only request for ")
                                 << name << "; list all arguments in one wrt";
      error.attachNote(previous->second.op->getLoc()) << "requested here";
      return error;
    }
  }
  return success();
}

/// Expands the request that makes `function`, or else those that make what it calls.
LogicalResult GradientExpander::expandNeeds(func::FuncOp function, DenseSet<Operation *> &visited) {
  if (!visited.insert(function).second)
    return success();
  if (auto request = requests.find(function.getSymNameAttr()); request != requests.end())
    if (failed(expand(request->second)))
      return failure();
  WalkResult result = function.walk([&](func::CallOp call) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCalleeAttr().getAttr());
    return WalkResult(expandNeeds(callee, visited));
  });
  return failure(result.wasInterrupted());
}

/// The function that the request names, once it can be differentiated.
FailureOr<func::FuncOp> GradientExpander::lookUp(const Request &request) {
  if (auto other = requests.find(request.function.getAttr()); other != requests.end())
    if (failed(expand(other->second)))
      return failure();
  auto function = symbols.lookup<func::FuncOp>(request.function.getAttr());
  if (!function)
    return request.op->emitOpError("expects to name a func.func of this module, got ")
           << request.function;
  DenseSet<Operation *> visited;
  if (failed(expandNeeds(function, visited)))
    return failure();
  if (!function.getBody().hasOneBlock())
    return request.op->emitOpError("expects a function with a body of one block, but ")
           << request.function << " has " << function.getBody().getBlocks().size() << " blocks";
  auto result = function.getNumResults() == 1
                    ? dyn_cast<RankedTensorType>(function.getResultTypes().front())
                    : RankedTensorType();
  if (!result || result.getRank() != 0 || !isa<FloatType>(result.getElementType()))
    return request.op->emitOpError("expects a function that returns one tensor<f32> or "
                                   "tensor<f64>, but ")
           << request.function << " returns (" << function.getResultTypes()
           << "); reduce the result to a scalar";
  for (int64_t index : request.wrt) {
    if (index < 0 || index >= function.getNumArguments())
      return request.op->emitOpError("expects wrt to number arguments of ")
             << request.function << ", got " << index << " of " << function.getNumArguments();
    Type type = function.getArgumentTypes()[index];
    if (!isa<FloatType>(getElementTypeOrSelf(type)))
      return request.op->emitOpError("expects to differentiate by arguments of f32 or f64, but "
                                     "argument #")
             << index << " of " << request.function << " is " << type;
  }
  return function;
}

/// An empty function for the outcome: new, or the declaration that the module already has.
FailureOr<func::FuncOp> GradientExpander::declare(const Request &request, func::FuncOp function) {
  SmallVector<Type> results;
  if (request.withValue)
    results.push_back(function.getResultTypes().front());
  for (int64_t index : request.wrt)
    results.push_back(function.getArgumentTypes()[index]);
  auto type = FunctionType::get(module.getContext(), function.getArgumentTypes(), results);

  std::string name = request.getResultName();
  if (Operation *existing = symbols.lookup(name)) {
    auto declaration = dyn_cast<func::FuncOp>(existing);
    if (declaration && declaration.isExternal() && declaration.getFunctionType() == type) {
      declaration.setPublic();
      return declaration;
    }
    InFlightDiagnostic error = request.op->emitOpError("expects the name @")
                               << name << " to be free or declared as " << type;
    error.attachNote(existing->getLoc()) << "defined here";
    return error;
  }
  auto gradient = func::FuncOp::create(request.op->getLoc(), name, type);
  if (ArrayAttr attrs = function.getArgAttrsAttr())
    gradient.setArgAttrsAttr(attrs);
  symbols.insert(gradient, request.op->getIterator());
  return gradient;
}

LogicalResult GradientExpander::define(const Request &request, func::FuncOp function,
                                       func::FuncOp gradient) {
  Block *body = gradient.addEntryBlock();
  OpBuilder b = OpBuilder::atBlockEnd(body);
  SmallVector<Value> results;
  if (failed(cloneInlined(b, function, body->getArguments(), results)))
    return failure();
  Location loc = request.op->getLoc();
  auto terminator = func::ReturnOp::create(b, loc, results);

  ReverseSweep sweep(*body);
  b.setInsertionPoint(terminator);
  auto type = cast<RankedTensorType>(results.front().getType());
  auto one = DenseElementsAttr::get(type, b.getFloatAttr(type.getElementType(), 1.0));
  sweep.seed(results.front(), ConstantOp::create(b, loc, type, one));
  SmallVector<Value> wrt, gradients;
  for (int64_t index : request.wrt)
    wrt.push_back(body->getArgument(index));
  if (failed(sweep.run(wrt, gradients)))
    return failure();
  numRules += sweep.getNumRules();

  if (request.withValue)
    gradients.insert(gradients.begin(), terminator.getOperand(0));
  terminator.getOperandsMutable().assign(gradients);
  eraseDeadOps(*body);
  return success();
}

LogicalResult GradientExpander::expand(Request &request) {
  if (request.state == Request::Done)
    return success();
  if (request.state == Request::Active)
    return request.op->emitOpError("expects gradients that do not depend on each other, but @")
           << request.getResultName() << " is part of " << request.function;
  request.state = Request::Active;
  FailureOr<func::FuncOp> function = lookUp(request);
  if (failed(function))
    return failure();
  FailureOr<func::FuncOp> gradient = declare(request, *function);
  if (failed(gradient) || failed(define(request, *function, *gradient)))
    return failure();
  request.op->erase();
  request.state = Request::Done;
  return success();
}

LogicalResult GradientExpander::run() {
  if (failed(collect<GradientOp>()) || failed(collect<ValueAndGradientOp>()))
    return failure();
  for (auto &[name, request] : requests)
    if (failed(expand(request)))
      return failure();
  return success();
}

} // namespace

LogicalResult ai::expandGradientFunctions(ModuleOp module, int64_t &numRules) {
  return GradientExpander(module, numRules).run();
}
