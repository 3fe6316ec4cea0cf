// Checks shared by the shape functions, and inference as other rooms ask for it.

#include "dialects/ai/TypeInference.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ai;

bool ai::isBatched(Type type) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  return ranked && ranked.getRank() > 0 && ranked.isDynamicDim(0);
}

bool ai::hasOnlyBatchDynamic(Type type) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  return !ranked || ranked.getRank() == 0 ||
         !ShapedType::isDynamicShape(ranked.getShape().drop_front());
}

bool ai::isScalarTensor(Type type) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  return !ranked || ranked.getRank() == 0;
}

static bool isCompatible(Type inferred, Type declared) {
  if (getElementTypeOrSelf(inferred) != getElementTypeOrSelf(declared))
    return false;
  auto from = dyn_cast<RankedTensorType>(inferred);
  auto to = dyn_cast<RankedTensorType>(declared);
  if (!from || !to)
    return true;
  if (from.getRank() != to.getRank())
    return false;
  for (auto [inferredDim, declaredDim] : llvm::zip_equal(from.getShape(), to.getShape()))
    if (inferredDim != declaredDim && !ShapedType::isDynamic(declaredDim))
      return false;
  return true;
}

bool ai::areCompatibleTypes(TypeRange inferred, TypeRange declared) {
  return llvm::equal(inferred, declared, isCompatible);
}

FailureOr<SmallVector<Type>> ai::inferResultTypes(Operation *op) {
  SmallVector<Type> declared(op->getResultTypes());
  if (isa<CastOp>(op)) {
    auto input = cast<ShapedType>(op->getOperand(0).getType());
    return SmallVector<Type>{input.clone(getElementTypeOrSelf(declared[0]))};
  }
  auto inference = dyn_cast<InferTypeOpInterface>(op);
  if (!inference)
    return declared;
  SmallVector<Type> inferred;
  if (failed(inference.inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                        op->getRawDictionaryAttrs(), op->getPropertiesStorage(),
                                        op->getRegions(), inferred)))
    return failure();
  if (!inference.isCompatibleReturnTypes(inferred, declared))
    return op->emitOpError("expects result type(s) ")
           << inferred << " or less specific ones, got " << declared;
  for (auto [type, given] : llvm::zip_equal(inferred, declared))
    if (isa<UnrankedTensorType>(type))
      type = given;
  return inferred;
}

std::string ai::printDim(int64_t dim) {
  return ShapedType::isDynamic(dim) ? "?" : std::to_string(dim);
}

std::string ai::printShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(shape, os, [&](int64_t dim) { os << printDim(dim); }, "x");
  return shape.empty() ? "rank 0" : text;
}

LogicalResult TypeInference::addResult(ArrayRef<int64_t> shape, Type element) {
  auto type = RankedTensorType::get(shape, element);
  if (!hasOnlyBatchDynamic(type))
    return expects("the batch to be dim 0 of the result, got ", printShape(shape));
  types.push_back(type);
  return success();
}

LogicalResult TypeInference::addUnranked(Type element) {
  types.push_back(UnrankedTensorType::get(element));
  return success();
}

LogicalResult TypeInference::checkRank(StringRef name, RankedTensorType type, int64_t rank) {
  if (type.getRank() == rank)
    return success();
  return expects(name, " of rank ", rank, ", got ", type);
}

LogicalResult TypeInference::checkDims(StringRef lhsName, RankedTensorType lhs, int64_t lhsDim,
                                       StringRef rhsName, RankedTensorType rhs, int64_t rhsDim) {
  int64_t left = lhs.getDimSize(lhsDim), right = rhs.getDimSize(rhsDim);
  if (left == right)
    return success();
  return expects(lhsName, " dim ", lhsDim, " to equal ", rhsName, " dim ", rhsDim, ", got ",
                 printDim(left), " and ", printDim(right), " in ", printShape(lhs.getShape()),
                 " and ", printShape(rhs.getShape()), "; change ", rhsName, " dim ", rhsDim, " to ",
                 printDim(left));
}

LogicalResult TypeInference::checkSameElementType(ValueRange values) {
  for (Value value : values)
    if (getElement(value) != getElement(values.front()))
      return expects("operands of one element type, got ", getElement(values.front()), " and ",
                     getElement(value), "; convert one with ai.cast");
  return success();
}

LogicalResult TypeInference::checkPair(StringRef name, ArrayRef<int64_t> pair, int64_t minimum) {
  if (pair.size() != 2)
    return expects(name, " to be a pair, got [", pair, "]");
  for (int64_t entry : pair)
    if (entry < minimum)
      return expects(name, " to be at least ", minimum, ", got ", entry);
  return success();
}

LogicalResult TypeInference::checkAscendingDims(ArrayRef<int64_t> dims, int64_t rank) {
  int64_t previous = -1;
  for (int64_t dim : dims) {
    if (dim <= previous || dim >= rank)
      return expects("dims to ascend within 0 to ", rank - 1, ", got [", dims, "]");
    previous = dim;
  }
  return success();
}
