// The helpers that derivative rules share.

#include "dialects/ai/VjpBuilder.h"

using namespace mlir;
using namespace ai;

static ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

Value VjpBuilder::constantLike(Value like, double value) {
  auto element = cast<FloatType>(cast<ShapedType>(like.getType()).getElementType());
  return create<ConstantOp>(element, value);
}

Value VjpBuilder::reshapeLike(Value x, Value like) {
  if (getShape(x) == getShape(like))
    return x;
  SmallVector<int64_t> shape(getShape(like));
  llvm::replace(shape, ShapedType::kDynamic, int64_t(-1));
  return create<ReshapeOp>(x, shape);
}

Value VjpBuilder::broadcastLike(Value x, Value like, ArrayRef<int64_t> dims) {
  if (getShape(x) == getShape(like))
    return x;
  auto dimsAttr = b.getDenseI64ArrayAttr(dims);
  if (cast<RankedTensorType>(like.getType()).hasStaticShape())
    return create<BroadcastOp>(x, b.getDenseI64ArrayAttr(getShape(like)), dimsAttr);
  return create<BroadcastLikeOp>(x, like, dimsAttr);
}

Value VjpBuilder::sumTo(Value operand, Value ct) {
  int64_t rank = getShape(operand).size(), ctRank = getShape(ct).size();
  return sumTo(operand, ct, llvm::to_vector(llvm::seq<int64_t>(ctRank - rank, ctRank)));
}

Value VjpBuilder::sumTo(Value operand, Value ct, ArrayRef<int64_t> dims) {
  ArrayRef<int64_t> from = getShape(operand), to = getShape(ct);
  SmallVector<int64_t> summed;
  for (int64_t dim = 0, rank = to.size(); dim < rank; ++dim) {
    const auto *it = llvm::find(dims, dim);
    if (it == dims.end() || from[it - dims.begin()] != to[dim])
      summed.push_back(dim);
  }
  if (summed.empty())
    return ct;
  return reshapeLike(sum(ct, summed, /*keepdims=*/from.size() == to.size()), operand);
}
