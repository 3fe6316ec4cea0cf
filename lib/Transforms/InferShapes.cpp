// ai-infer-shapes: types flow forward, callees before callers.
//
// Every op is visited once, in program order, when the types of its operands are final. What its
// shape function infers is met with what was declared: the more specific type wins, and a
// declaration that claims something else or something more is an error.

#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ai {
#define GEN_PASS_DEF_AIINFERSHAPESPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace mlir;

/// Whether nothing about the type is left open but the batch.
static bool isInferred(Type type) {
  return !isa<UnrankedTensorType>(type) && ai::hasOnlyBatchDynamic(type);
}

/// The more specific of a declared type and the type that is true; null if they contradict.
static Type meet(Type declared, Type actual) {
  if (declared == actual || !isa<TensorType>(actual))
    return declared == actual ? declared : Type();
  auto declaredTensor = dyn_cast<TensorType>(declared);
  auto actualTensor = cast<TensorType>(actual);
  if (!declaredTensor || declaredTensor.getElementType() != actualTensor.getElementType())
    return {};
  if (!actualTensor.hasRank())
    return declared;
  if (!declaredTensor.hasRank())
    return actual;
  if (declaredTensor.getRank() != actualTensor.getRank())
    return {};
  for (auto [left, right] : llvm::zip(declaredTensor.getShape(), actualTensor.getShape()))
    if (left != right && !ShapedType::isDynamic(left))
      return {};
  return actual;
}

namespace {

/// Infers functions one after the other, each once.
class ShapeInference {
public:
  LogicalResult inferFunction(FunctionOpInterface function);
  int64_t getNumRefined() const { return numRefined; }

private:
  LogicalResult inferArguments(FunctionOpInterface function);
  LogicalResult inferOp(Operation *op);
  FailureOr<SmallVector<Type>> inferCall(func::CallOp call);
  LogicalResult inferResults(FunctionOpInterface function);

  SymbolTableCollection symbols;
  DenseSet<Operation *> visited;
  int64_t numRefined = 0;
};

/// The callee's result types, once they are inferred.
FailureOr<SmallVector<Type>> ShapeInference::inferCall(func::CallOp call) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  if (failed(inferFunction(callee)))
    return failure();
  SmallVector<Type> types;
  for (auto [declared, actual] : llvm::zip(call.getResultTypes(), callee.getResultTypes())) {
    Type refined = meet(declared, actual);
    if (!refined)
      return call.emitOpError("expects the result type of @")
             << call.getCallee() << ", " << actual << ", got " << declared;
    types.push_back(refined);
  }
  return types;
}

LogicalResult ShapeInference::inferOp(Operation *op) {
  auto call = dyn_cast<func::CallOp>(op);
  FailureOr<SmallVector<Type>> types = call ? inferCall(call) : ai::inferResultTypes(op);
  if (failed(types))
    return failure();
  for (auto [result, type] : llvm::zip_equal(op->getResults(), *types)) {
    numRefined += type != result.getType();
    result.setType(type);
    if (!isInferred(type))
      return op->emitOpError("expects a type that can be inferred, got ")
             << type << "; declare result #" << result.getResultNumber()
             << " with a shape in which only dim 0 is ?";
  }
  return success();
}

LogicalResult ShapeInference::inferArguments(FunctionOpInterface function) {
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
    if (!isInferred(type))
      return function->emitOpError("expects arguments of known shape, got ")
             << type << " for argument #" << index
             << "; declare it with a shape in which only dim 0, the batch, is ?";
  return success();
}

LogicalResult ShapeInference::inferResults(FunctionOpInterface function) {
  Operation *terminator = function.getFunctionBody().front().getTerminator();
  SmallVector<Type> results(function.getResultTypes());
  if (results.size() != terminator->getNumOperands())
    return success();
  for (auto [index, value] : llvm::enumerate(terminator->getOperands())) {
    Type refined = meet(results[index], value.getType());
    if (!refined) {
      InFlightDiagnostic error =
          terminator->emitOpError("expects values of the types that the function declares, got ")
          << value.getType() << " for " << results[index];
      error.attachNote(function.getLoc())
          << "declare result #" << index << " as " << value.getType();
      return error;
    }
    numRefined += refined != results[index];
    results[index] = refined;
  }
  function.setFunctionTypeAttr(
      TypeAttr::get(function.cloneTypeWith(function.getArgumentTypes(), results)));
  return success();
}

LogicalResult ShapeInference::inferFunction(FunctionOpInterface function) {
  if (function.isExternal() || !visited.insert(function).second)
    return success();
  if (!function.getFunctionBody().hasOneBlock())
    return function->emitOpError("expects a body of one block, got ")
           << function.getFunctionBody().getBlocks().size();
  if (failed(inferArguments(function)))
    return failure();
  for (Operation &op : function.getFunctionBody().front().without_terminator())
    if (failed(inferOp(&op)))
      return failure();
  return inferResults(function);
}

struct InferShapesPass : ai::impl::AIInferShapesPassBase<InferShapesPass> {
  void runOnOperation() override {
    ShapeInference inference;
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (failed(inference.inferFunction(function)))
        return signalPassFailure();
    numRefined += inference.getNumRefined();
  }
};

} // namespace
