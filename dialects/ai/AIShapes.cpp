// Type inference, one function per op or family, in the order of the op definitions; convolutions
// and pools are in AIWindowShapes.cpp.

#include "dialects/ai/TypeInference.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

/// Merges `from` into `into` as NumPy broadcasting does. False if a pair of dims does not fit.
static bool mergeBroadcast(SmallVector<int64_t> &into, ArrayRef<int64_t> from) {
  if (from.size() > into.size())
    into.insert(into.begin(), from.size() - into.size(), 1);
  for (auto [dim, other] : llvm::zip(llvm::reverse(into), llvm::reverse(from))) {
    if (dim == 1)
      dim = other;
    else if (other != 1 && other != dim)
      return false;
  }
  return true;
}

LogicalResult ai::inferBroadcastShape(ValueRange operands, TypeInference &infer,
                                      std::optional<SmallVector<int64_t>> &shape) {
  SmallVector<int64_t> merged;
  for (Value operand : operands) {
    RankedTensorType type = getRanked(operand);
    if (!type)
      return success();
    SmallVector<int64_t> before = merged;
    if (!mergeBroadcast(merged, type.getShape()))
      return infer.expects("dims that are equal or 1, aligned at the right, got ",
                           printShape(before), " and ", printShape(type.getShape()));
  }
  shape = std::move(merged);
  return success();
}

/// An element-wise op with results of the given element type.
static LogicalResult inferElementwise(ValueRange operands, Type element, TypeInference &infer) {
  std::optional<SmallVector<int64_t>> shape;
  if (failed(inferBroadcastShape(operands, infer, shape)))
    return failure();
  return shape ? infer.addResult(*shape, element) : infer.addUnranked(element);
}

LogicalResult ai::inferElementwise(ValueRange operands, TypeInference &infer) {
  if (failed(infer.checkSameElementType(operands)))
    return failure();
  return ::inferElementwise(operands, getElement(operands.front()), infer);
}

LogicalResult ConstantOp::inferTypes(Adaptor op, TypeInference &infer) {
  ShapedType type = op.getValue().getShapedType();
  if (!isa<RankedTensorType>(type))
    return infer.expects("a value of tensor type, got ", type);
  return infer.addResult(type.getShape(), type.getElementType());
}

LogicalResult CompareOp::inferTypes(Adaptor op, TypeInference &infer) {
  if (failed(infer.checkSameElementType(op.getOperands())))
    return failure();
  return ::inferElementwise(op.getOperands(), IntegerType::get(op.getLhs().getContext(), 1), infer);
}

LogicalResult SelectOp::inferTypes(Adaptor op, TypeInference &infer) {
  if (failed(infer.checkSameElementType(op.getOperands().drop_front())))
    return failure();
  return ::inferElementwise(op.getOperands(), getElement(op.getOnTrue()), infer);
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

LogicalResult MatMulOp::inferTypes(Adaptor op, TypeInference &infer) {
  Type element = getElement(op.getLhs());
  RankedTensorType lhs = getRanked(op.getLhs()), rhs = getRanked(op.getRhs());
  if (failed(infer.checkSameElementType(op.getOperands())))
    return failure();
  if (!lhs || !rhs)
    return infer.addUnranked(element);
  int64_t lhsSummed = op.getTransposeLhs() ? 0 : 1, rhsSummed = op.getTransposeRhs() ? 1 : 0;
  if (failed(infer.checkRank("lhs", lhs, 2)) || failed(infer.checkRank("rhs", rhs, 2)) ||
      failed(infer.checkDims("lhs", lhs, lhsSummed, "rhs", rhs, rhsSummed)))
    return failure();
  return infer.addResult({lhs.getDimSize(1 - lhsSummed), rhs.getDimSize(1 - rhsSummed)}, element);
}

LogicalResult LinearOp::inferTypes(Adaptor op, TypeInference &infer) {
  Type element = getElement(op.getInput());
  RankedTensorType input = getRanked(op.getInput()), weight = getRanked(op.getWeight());
  RankedTensorType bias = op.getBias() ? getRanked(op.getBias()) : RankedTensorType();
  if (failed(infer.checkSameElementType(op.getOperands())))
    return failure();
  if (!input || !weight)
    return infer.addUnranked(element);
  if (failed(infer.checkRank("input", input, 2)) || failed(infer.checkRank("weight", weight, 2)) ||
      failed(infer.checkDims("input", input, 1, "weight", weight, 1)))
    return failure();
  if (bias && (failed(infer.checkRank("bias", bias, 1)) ||
               failed(infer.checkDims("weight", weight, 0, "bias", bias, 0))))
    return failure();
  return infer.addResult({input.getDimSize(0), weight.getDimSize(0)}, element);
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

LogicalResult ReshapeOp::inferTypes(Adaptor op, TypeInference &infer) {
  ArrayRef<int64_t> shape = op.getShape();
  for (int64_t dim : shape)
    if (dim < -1)
      return infer.expects("shape entries of at least -1, got ", dim);
  if (llvm::count(shape, -1) > 1)
    return infer.expects("at most one -1 in shape, got [", shape, "]");
  RankedTensorType input = getRanked(op.getInput());
  if (!input)
    return infer.addUnranked(getElement(op.getInput()));

  SmallVector<int64_t> result(shape);
  auto unknown = llvm::find(result, -1);
  int64_t known = 1;
  for (int64_t dim : shape)
    known *= dim == -1 ? 1 : dim;
  if (isBatched(input)) {
    int64_t features = ShapedType::getNumElements(input.getShape().drop_front());
    if (unknown != result.begin() || result.empty())
      return infer.expects("-1 as dim 0 of shape, which stands for the batch, got [", shape, "]");
    if (known != features)
      return infer.expects("as many elements in a sample as before, got ", known, " and ",
                           features);
    *unknown = ShapedType::kDynamic;
  } else {
    int64_t count = input.getNumElements();
    bool fits = unknown == result.end() ? known == count : known != 0 && count % known == 0;
    if (!fits)
      return infer.expects("shape to hold the operand's number of elements, got [", shape, "] and ",
                           count);
    if (unknown != result.end())
      *unknown = count / known;
  }
  return infer.addResult(result, input.getElementType());
}

LogicalResult FlattenOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType input = getRanked(op.getInput());
  if (!input)
    return infer.addUnranked(getElement(op.getInput()));
  if (input.getRank() == 0)
    return infer.expects("an operand of rank 1 or more, got rank 0");
  ArrayRef<int64_t> shape = input.getShape();
  return infer.addResult({shape.front(), ShapedType::getNumElements(shape.drop_front())},
                         input.getElementType());
}

LogicalResult TransposeOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType input = getRanked(op.getInput());
  ArrayRef<int64_t> permutation = op.getPermutation();
  if (!isPermutationVector(permutation))
    return infer.expects("each dim once in permutation, got [", permutation, "]");
  if (!input)
    return infer.addUnranked(getElement(op.getInput()));
  if (input.getRank() != static_cast<int64_t>(permutation.size()))
    return infer.expects("one entry of permutation for each dim, got ", permutation.size(), " and ",
                         input.getRank());
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(input.getDimSize(dim));
  return infer.addResult(shape, input.getElementType());
}

/// Checks that `input` can be repeated to `shape`; its dim i becomes dim dims[i].
static LogicalResult checkBroadcast(RankedTensorType input, ArrayRef<int64_t> shape,
                                    ArrayRef<int64_t> dims, TypeInference &infer) {
  int64_t rank = input.getRank(), resultRank = shape.size();
  if (rank > resultRank)
    return infer.expects("a result of at least the operand's rank, got ", resultRank, " and ",
                         rank);
  if (static_cast<int64_t>(dims.size()) != rank)
    return infer.expects("one entry of dims for each dim of the operand, got ", dims.size(),
                         " and ", rank);
  if (failed(infer.checkAscendingDims(dims, resultRank)))
    return failure();
  for (auto [index, dim] : llvm::enumerate(dims)) {
    int64_t from = input.getDimSize(index), to = shape[dim];
    if (from != 1 && from != to)
      return infer.expects("operand dim ", index, " to be 1 or result dim ", dim, ", got ",
                           printDim(from), " and ", printDim(to));
  }
  return success();
}

/// `dims`, or the last dims of the result.
static SmallVector<int64_t> resolveDims(std::optional<ArrayRef<int64_t>> dims, int64_t rank,
                                        int64_t resultRank) {
  if (dims)
    return SmallVector<int64_t>(*dims);
  return llvm::to_vector(llvm::seq<int64_t>(resultRank - rank, resultRank));
}

SmallVector<int64_t> BroadcastOp::getDimsOrDefault() {
  return resolveDims(getDims(), getRanked(getInput()).getRank(), getShape().size());
}

SmallVector<int64_t> BroadcastLikeOp::getDimsOrDefault() {
  return resolveDims(getDims(), getRanked(getInput()).getRank(), getRanked(getLike()).getRank());
}

LogicalResult BroadcastOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType input = getRanked(op.getInput());
  ArrayRef<int64_t> shape = op.getShape();
  for (int64_t dim : shape)
    if (dim < 0)
      return infer.expects("a static shape, got [", shape, "]; use ai.broadcast_like");
  if (input) {
    SmallVector<int64_t> dims = resolveDims(op.getDims(), input.getRank(), shape.size());
    if (failed(checkBroadcast(input, shape, dims, infer)))
      return failure();
  }
  return infer.addResult(shape, getElement(op.getInput()));
}

LogicalResult BroadcastLikeOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType input = getRanked(op.getInput()), like = getRanked(op.getLike());
  if (!like)
    return infer.addUnranked(getElement(op.getInput()));
  if (input) {
    SmallVector<int64_t> dims = resolveDims(op.getDims(), input.getRank(), like.getRank());
    if (failed(checkBroadcast(input, like.getShape(), dims, infer)))
      return failure();
  }
  return infer.addResult(like.getShape(), getElement(op.getInput()));
}

LogicalResult ai::inferReduction(Value value, ArrayRef<int64_t> dims, bool keepdims,
                                 TypeInference &infer) {
  RankedTensorType input = getRanked(value);
  if (!input)
    return infer.addUnranked(getElement(value));
  if (failed(infer.checkAscendingDims(dims, input.getRank())))
    return failure();
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(input.getShape())) {
    bool reduced = llvm::is_contained(dims, static_cast<int64_t>(dim));
    if (!reduced || keepdims)
      shape.push_back(reduced ? 1 : size);
  }
  return infer.addResult(shape, input.getElementType());
}

/// Checks that `dim` is a dim of `type`.
static LogicalResult checkDim(int64_t dim, RankedTensorType type, TypeInference &infer) {
  if (dim >= 0 && dim < type.getRank())
    return success();
  return infer.expects("dim to be a dim of the operand, got ", dim, " and ",
                       printShape(type.getShape()));
}

LogicalResult ArgMaxOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType input = getRanked(op.getInput());
  Type i32 = IntegerType::get(op.getInput().getContext(), 32);
  if (!input)
    return infer.addUnranked(i32);
  if (failed(checkDim(op.getDim(), input, infer)))
    return failure();
  SmallVector<int64_t> shape(input.getShape());
  shape.erase(shape.begin() + op.getDim());
  return infer.addResult(shape, i32);
}

LogicalResult OneHotOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType labels = getRanked(op.getLabels());
  int64_t classes = op.getClasses();
  Type element = op.getDtype().value_or(Float32Type::get(op.getLabels().getContext()));
  if (classes < 1)
    return infer.expects("classes to be at least 1, got ", classes);
  if (!labels)
    return infer.addUnranked(element);
  if (failed(infer.checkRank("labels", labels, 1)))
    return failure();
  return infer.addResult({labels.getDimSize(0), classes}, element);
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

LogicalResult ai::inferAlongDim(Value value, int64_t dim, TypeInference &infer) {
  RankedTensorType input = getRanked(value);
  if (!input)
    return infer.addUnranked(getElement(value));
  if (failed(checkDim(dim, input, infer)))
    return failure();
  return infer.addResult(input.getShape(), input.getElementType());
}

LogicalResult ai::inferLabelLoss(ValueRange operands, TypeInference &infer) {
  RankedTensorType scores = getRanked(operands[0]), labels = getRanked(operands[1]);
  if (!scores || !labels)
    return infer.addUnranked(getElement(operands[0]));
  if (failed(infer.checkRank("scores", scores, 2)) ||
      failed(infer.checkRank("labels", labels, 1)) ||
      failed(infer.checkDims("scores", scores, 0, "labels", labels, 0)))
    return failure();
  return infer.addResult(scores.getShape().take_front(), scores.getElementType());
}

LogicalResult MSELossOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType prediction = getRanked(op.getPrediction()), target = getRanked(op.getTarget());
  if (failed(infer.checkSameElementType(op.getOperands())))
    return failure();
  if (!prediction || !target)
    return infer.addUnranked(getElement(op.getPrediction()));
  if (prediction.getShape() != target.getShape())
    return infer.expects("prediction and target of one shape, got ",
                         printShape(prediction.getShape()), " and ", printShape(target.getShape()));
  if (prediction.getRank() == 0)
    return infer.expects("operands of rank 1 or more, got rank 0");
  return infer.addResult(prediction.getShape().take_front(), prediction.getElementType());
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

/// The type of a value without its encoding.
static LogicalResult inferSame(Value value, TypeInference &infer) {
  RankedTensorType type = getRanked(value);
  return type ? infer.addResult(type.getShape(), type.getElementType())
              : infer.addUnranked(getElement(value));
}

LogicalResult DropoutOp::inferTypes(Adaptor op, TypeInference &infer) {
  return inferSame(op.getInput(), infer);
}

LogicalResult DropoutMaskOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType like = getRanked(op.getLike());
  if (like && like.getRank() == 0)
    return infer.expects("an operand of rank 1 or more, got rank 0");
  return inferSame(op.getLike(), infer);
}

LogicalResult MaskSamplesOp::inferTypes(Adaptor op, TypeInference &infer) {
  RankedTensorType input = getRanked(op.getInput());
  if (input && input.getRank() == 0)
    return infer.expects("an operand of rank 1 or more, got rank 0");
  return inferSame(op.getInput(), infer);
}

LogicalResult ApplyOptimizerOp::inferTypes(Adaptor op, TypeInference &infer) {
  auto parameter = cast<ShapedType>(op.getParameter().getType());
  auto check = [&](StringRef name, Value value) -> LogicalResult {
    auto type = cast<ShapedType>(value.getType());
    if (type.getElementType() == parameter.getElementType() &&
        (!type.hasRank() || !parameter.hasRank() || type.getShape() == parameter.getShape()))
      return success();
    return infer.expects(name, " of the parameter's type, got ", value.getType(), " and ",
                         op.getParameter().getType());
  };
  if (failed(check("gradient", op.getGradient())) || failed(inferSame(op.getParameter(), infer)))
    return failure();
  for (Value state : op.getStates())
    if (failed(check("state", state)) || failed(inferSame(state, infer)))
      return failure();
  return success();
}
