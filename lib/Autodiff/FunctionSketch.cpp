// Signatures in which every argument and result says what it is.

#include "FunctionSketch.h"

#include "ReverseSweep.h"

using namespace mlir;
using namespace ai;

DictionaryAttr FunctionSketch::describe(const Twine &name, StringRef role, NamedAttrList extra) {
  extra.set(kNameAttr, b.getStringAttr(name));
  extra.set(kRoleAttr, b.getStringAttr(role));
  return extra.getDictionary(b.getContext());
}

void FunctionSketch::addArgument(Type type, const Twine &name, StringRef role,
                                 NamedAttrList extra) {
  argumentTypes.push_back(type);
  argumentAttrs.push_back(describe(name, role, std::move(extra)));
}

func::FuncOp FunctionSketch::create(OpBuilder &builder, Location loc, const Twine &name) {
  function = func::FuncOp::create(loc, b.getStringAttr(name).getValue(),
                                  b.getFunctionType(argumentTypes, {}));
  function.setArgAttrsAttr(b.getArrayAttr(argumentAttrs));
  Block *body = function.addEntryBlock();
  for (auto [argument, attrs] : llvm::zip(body->getArguments(), argumentAttrs))
    argument.setLoc(NameLoc::get(cast<DictionaryAttr>(attrs).getAs<StringAttr>(kNameAttr), loc));
  builder.setInsertionPointToEnd(body);
  return function;
}

SmallVector<Value> FunctionSketch::getArguments(StringRef role) {
  SmallVector<Value> arguments;
  for (BlockArgument argument : function.getArguments())
    if (function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kRoleAttr) == role)
      arguments.push_back(argument);
  return arguments;
}

Value FunctionSketch::getArgument(StringRef role) {
  SmallVector<Value> arguments = getArguments(role);
  return arguments.empty() ? Value() : arguments.front();
}

void FunctionSketch::addResult(Value value, const Twine &name, StringRef role) {
  results.push_back(value);
  resultAttrs.push_back(describe(name, role, {}));
}

void FunctionSketch::finish() {
  function.setFunctionType(b.getFunctionType(argumentTypes, ValueRange(results).getTypes()));
  function.setResAttrsAttr(b.getArrayAttr(resultAttrs));
  function.getBody().front().getTerminator()->setOperands(results);
  eraseDeadOps(function.getBody().front());
}
