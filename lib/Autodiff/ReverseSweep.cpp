// The reverse sweep: activity forward from the arguments, then rules in reverse program order.

#include "ReverseSweep.h"

#include "dialects/ai/VjpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace ai;

ReverseSweep::ReverseSweep(Block &block, DenseMap<Value, StringRef> names)
    : block(block), builder(block.getTerminator()), names(std::move(names)) {}

/// Whether values of this type can carry a cotangent.
static bool isDifferentiable(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

SmallVector<Operation *> ReverseSweep::findActiveOps(ValueRange arguments) {
  SmallVector<Operation *> ops;
  active.insert_range(arguments);
  for (Operation &op : block.without_terminator()) {
    if (llvm::none_of(op.getOperands(), [&](Value operand) { return active.contains(operand); }))
      continue;
    ops.push_back(&op);
    for (Value result : op.getResults())
      if (isDifferentiable(result.getType()))
        active.insert(result);
  }
  return ops;
}

/// What the gradients of an op are called: after the layer of its parameters, else after the op.
static std::string ruleName(Operation *op, const DenseMap<Value, StringRef> &names) {
  for (Value operand : op->getOperands())
    if (StringRef name = names.lookup(operand); name.contains('.'))
      return ("d " + name.rsplit('.').first).str();
  return ("d " + op->getName().stripDialect()).str();
}

void ReverseSweep::accumulate(Value value, Value cotangent, Location loc) {
  assert(value.getType() == cotangent.getType() && "a cotangent has the type of its value");
  Value &sum = cotangents[value];
  sum = sum ? AddOp::create(builder, loc, sum, cotangent) : cotangent;
}

void ReverseSweep::seed(Value value, Value cotangent) {
  accumulate(value, cotangent, cotangent.getLoc());
}

LogicalResult ReverseSweep::applyRule(Operation *op) {
  SmallVector<Value> incoming;
  for (Value result : op->getResults())
    incoming.push_back(cotangents.lookup(result));
  if (llvm::none_of(incoming, [](Value cotangent) { return cotangent; }))
    return success();
  SmallVector<Value> operands(op->getOperands());
  Location forward = op->getLoc();
  Location loc = NameLoc::get(builder.getStringAttr(ruleName(op, names)), forward);
  Gradients gradients;
  VjpBuilder b(builder, loc);
  if (auto differentiable = dyn_cast<DifferentiableOpInterface>(op))
    gradients = differentiable.vjp(b, incoming);
  if (gradients.size() != operands.size())
    return op->emitOpError("expects a gradient rule, because it lies between an argument that is "
                           "differentiated and the result; write it in ai ops that have one");
  ++numRules;
  for (auto [operand, gradient] : llvm::zip_equal(operands, gradients)) {
    if (!gradient || !active.contains(operand))
      continue;
    Location own = loc;
    if (StringRef name = names.lookup(operand); !name.empty())
      own = NameLoc::get(builder.getStringAttr("d " + name), forward);
    if (Operation *maker = gradient.getDefiningOp(); maker && maker->getLoc() == loc)
      maker->setLoc(own);
    accumulate(operand, gradient, own);
  }
  return success();
}

LogicalResult ReverseSweep::run(ValueRange arguments, SmallVectorImpl<Value> &gradients) {
  SmallVector<Operation *> ops = findActiveOps(arguments);
  for (Operation *op : llvm::reverse(ops))
    if (failed(applyRule(op)))
      return failure();
  for (Value argument : arguments) {
    Value gradient = cotangents.lookup(argument);
    VjpBuilder b(builder, argument.getLoc());
    if (!gradient)
      gradient = b.broadcastLike(b.constantLike(argument, 0.0), argument, {});
    gradients.push_back(gradient);
  }
  return success();
}

void ai::eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}
