// Registration, checks and bufferization of the `library` dialect.

#include "dialects/library/LibraryDialect.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace ai::library;

#include "dialects/library/LibraryDialect.cpp.inc"
#include "dialects/library/LibraryEnums.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/library/LibraryOps.cpp.inc"

void LibraryDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/library/LibraryOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> shapeOf(Value value) {
  return SmallVector<int64_t>(cast<ShapedType>(value.getType()).getShape());
}

/// What a convolution's result has of rows (axis 0) or columns (axis 1).
static int64_t pixels(CallOp op, int64_t image, int64_t kernel, int64_t axis) {
  return (image + 2 * op.getPadding()[axis] - op.getDilation()[axis] * (kernel - 1) - 1) /
             op.getStride()[axis] +
         1;
}

static LogicalResult verifyConvolution(CallOp op) {
  for (ArrayRef<int64_t> pair : {op.getStride(), op.getPadding(), op.getDilation()})
    if (pair.size() != 2)
      return op.emitOpError("expects stride, padding and dilation to be pairs, got ")
             << pair.size() << " numbers";
  for (int64_t axis : {0, 1})
    if (op.getStride()[axis] < 1 || op.getDilation()[axis] < 1 || op.getPadding()[axis] < 0)
      return op.emitOpError("expects a stride and a dilation of at least 1 and a padding of at "
                            "least 0");
  if (op.getInputs().size() != 2)
    return op.emitOpError("expects two inputs, got ") << op.getInputs().size();
  SmallVector<int64_t> first = shapeOf(op.getInputs()[0]), second = shapeOf(op.getInputs()[1]),
                       init = shapeOf(op.getInit());
  if (first.size() != 4 || second.size() != 4 || init.size() != 4)
    return op.emitOpError("expects operands of rank 4, got ")
           << first.size() << ", " << second.size() << " and " << init.size();
  bool isForward = op.getFunction() == Function::conv2d;
  bool isWeights = op.getFunction() == Function::conv2d_weight_gradient;
  SmallVector<int64_t> image = isForward || isWeights ? first : init;
  SmallVector<int64_t> weight = isWeights ? init : second;
  SmallVector<int64_t> out = isForward ? init : isWeights ? second : first;
  SmallVector<int64_t> expected{image[0], weight[0], pixels(op, image[2], weight[2], 0),
                                pixels(op, image[3], weight[3], 1)};
  if (out != expected || image[1] != weight[1])
    return op.emitOpError("expects images of ")
           << weight[1] << " channels and a result of shape [" << expected
           << "], as the weight has them, got " << image[1] << " and [" << out << "]";
  return success();
}

static LogicalResult verifyProduct(CallOp op) {
  if (op.getInputs().size() != 2 && op.getInputs().size() != 3)
    return op.emitOpError("expects two factors and perhaps a bias, got ")
           << op.getInputs().size() << " inputs";
  SmallVector<int64_t> lhs = shapeOf(op.getInputs()[0]), rhs = shapeOf(op.getInputs()[1]),
                       init = shapeOf(op.getInit());
  if (lhs.size() != 2 || rhs.size() != 2 || init.size() != 2)
    return op.emitOpError("expects matrices, got ranks ")
           << lhs.size() << ", " << rhs.size() << " and " << init.size();
  if (op.getTransposeLhs())
    std::swap(lhs[0], lhs[1]);
  if (op.getTransposeRhs())
    std::swap(rhs[0], rhs[1]);
  if (lhs[1] != rhs[0] || init[0] != lhs[0] || init[1] != rhs[1])
    return op.emitOpError("expects the shapes of a product, got [")
           << lhs << "] times [" << rhs << "] into [" << init << "]";
  bool hasBias = op.getInputs().size() == 3;
  if (hasBias && shapeOf(op.getInputs()[2]) != ArrayRef(init).drop_front())
    return op.emitOpError("expects a bias for each of ")
           << init[1] << " columns, got [" << shapeOf(op.getInputs()[2]) << "]";
  if ((hasBias || op.getRelu()) && !getElementTypeOrSelf(op.getInit().getType()).isF32())
    return op.emitOpError("expects a bias and relu in f32 only");
  return success();
}

LogicalResult CallOp::verify() {
  Type element = getElementTypeOrSelf(getInit().getType());
  for (Value operand : getOperands()) {
    if (isa<TensorType>(operand.getType()) != isa<TensorType>(getInit().getType()))
      return emitOpError("expects tensors or memrefs, got both");
    Type own = getElementTypeOrSelf(operand.getType());
    if (own != element || !(own.isF32() || own.isF64()))
      return emitOpError("expects operands all of f32 or all of f64, got ")
             << own << " and " << element;
    if (!cast<ShapedType>(operand.getType()).hasStaticShape())
      return emitOpError("expects static shapes, got ") << operand.getType();
  }
  if (bool(getResult()) != isa<TensorType>(getInit().getType()) ||
      (getResult() && getResult().getType() != getInit().getType()))
    return emitOpError("expects a result of the type of a tensor that it writes, and else none");
  return isConvolution() ? verifyConvolution(*this) : verifyProduct(*this);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void CallOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<MemRefType>(getInit().getType()))
    return;
  for (OpOperand &input : getInputsMutable())
    effects.emplace_back(MemoryEffects::Read::get(), &input, SideEffects::DefaultResource::get());
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable(),
                       SideEffects::DefaultResource::get());
}

bool CallOp::bufferizesToMemoryRead(OpOperand &operand, const bufferization::AnalysisState &) {
  return !isDpsInit(&operand);
}

bool CallOp::bufferizesToMemoryWrite(OpOperand &operand, const bufferization::AnalysisState &) {
  return isDpsInit(&operand);
}

bufferization::AliasingValueList CallOp::getAliasingValues(OpOperand &operand,
                                                           const bufferization::AnalysisState &) {
  if (!isDpsInit(&operand) || !getResult())
    return {};
  return {{getResult(), bufferization::BufferRelation::Equivalent}};
}

LogicalResult CallOp::bufferize(RewriterBase &rewriter,
                                const bufferization::BufferizationOptions &options,
                                bufferization::BufferizationState &state) {
  SmallVector<Value> buffers;
  for (Value operand : getOperands()) {
    FailureOr<Value> buffer = bufferization::getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    buffers.push_back(*buffer);
  }
  OperationState call(getLoc(), getOperationName(), buffers, TypeRange(), (*this)->getAttrs());
  rewriter.create(call);
  bufferization::replaceOpWithBufferizedValues(rewriter, getOperation(), buffers.back());
  return success();
}
