// Inlining of straight-line functions while they are cloned.

#include "Inline.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace {

/// Clones one function and, recursively, what it calls.
class Inliner {
public:
  explicit Inliner(OpBuilder &b) : b(b) {}

  LogicalResult clone(func::FuncOp function, ValueRange arguments, SmallVectorImpl<Value> &results);

private:
  LogicalResult cloneCall(func::CallOp call, IRMapping &mapping);

  OpBuilder &b;
  SymbolTableCollection symbols;
  SmallVector<Operation *> active;
};

LogicalResult Inliner::cloneCall(func::CallOp call, IRMapping &mapping) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  if (!callee.getBody().hasOneBlock())
    return call.emitOpError("expects to call a function of one block to be differentiated, but @")
           << call.getCallee() << " has " << callee.getBody().getBlocks().size();
  if (llvm::is_contained(active, callee))
    return call.emitOpError("expects no recursion to be differentiated, but calls @")
           << call.getCallee() << ", which it is part of";
  SmallVector<Value> arguments, results;
  for (Value operand : call.getOperands())
    arguments.push_back(mapping.lookup(operand));
  if (failed(clone(callee, arguments, results)))
    return failure();
  mapping.map(call.getResults(), results);
  return success();
}

LogicalResult Inliner::clone(func::FuncOp function, ValueRange arguments,
                             SmallVectorImpl<Value> &results) {
  active.push_back(function);
  IRMapping mapping;
  Block &body = function.getBody().front();
  mapping.map(body.getArguments(), arguments);
  for (Operation &op : body.without_terminator()) {
    auto call = dyn_cast<func::CallOp>(op);
    if (!call)
      b.clone(op, mapping);
    else if (failed(cloneCall(call, mapping)))
      return failure();
  }
  for (Value value : body.getTerminator()->getOperands())
    results.push_back(mapping.lookup(value));
  active.pop_back();
  return success();
}

} // namespace

LogicalResult ai::cloneInlined(OpBuilder &b, func::FuncOp function, ValueRange arguments,
                               SmallVectorImpl<Value> &results) {
  return Inliner(b).clone(function, arguments, results);
}
