// Reductions over the lane: vectors of partial sums, folded in halves at the end.

#include "lib/Codegen/LaneStrategies.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ai;

/// Below this extent scalar code does as well.
static constexpr int64_t kMinHorizontal = 4;
/// Partial sums, in vectors: enough to hide the latency of an addition.
static constexpr int64_t kHorizontalVectors = 4;

std::optional<unsigned> ai::findHorizontalLane(LinalgNest &nest, int64_t width) {
  if (!nest.findCombiners())
    return std::nullopt;
  SmallVector<unsigned> candidates;
  for (unsigned dim : nest.dims()) {
    auto inputIsFine = [&](OpOperand *in) { return nest.accessOf(*in, dim) != LaneAccess::Other; };
    auto isContiguous = [&](OpOperand *in) {
      return nest.accessOf(*in, dim) == LaneAccess::Contiguous;
    };
    // All results must have the same loops, or a partial sum would be added several times.
    AffineMap first = nest.mapOf(*nest.op.getDpsInitOperand(0));
    auto resultIsFine = [&](OpOperand &out) {
      AffineMap map = nest.mapOf(out);
      return map.isProjectedPermutation() && !map.isFunctionOfDim(dim) &&
             llvm::all_of(nest.dims(), [&](unsigned other) {
               return map.isFunctionOfDim(other) == first.isFunctionOfDim(other);
             });
    };
    if (nest.sizes[dim] >= kMinHorizontal &&
        llvm::all_of(nest.op.getDpsInputOperands(), inputIsFine) &&
        llvm::any_of(nest.op.getDpsInputOperands(), isContiguous) &&
        llvm::all_of(nest.op.getDpsInitsMutable(), resultIsFine))
      candidates.push_back(dim);
  }
  return bestLane(nest, candidates, width);
}

/// A combiner of the body on other operands, scalars or vectors.
static Value combine(LinalgNest &nest, Operation *combiner, Value lhs, Value rhs) {
  Operation *clone = nest.b.clone(*combiner);
  clone->setOperands({lhs, rhs});
  clone->getResult(0).setType(lhs.getType());
  return clone->getResult(0);
}

/// Adds the upper half of a vector to the lower one until one element is left: an order that no
/// compiler changes.
static Value foldVector(LinalgNest &nest, Operation *combiner, Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type)
    return value;
  for (int64_t half = type.getNumElements() / 2; half >= 1; half /= 2) {
    Value low = vector::ExtractStridedSliceOp::create(nest.b, nest.loc, value, 0, half, 1);
    Value high = vector::ExtractStridedSliceOp::create(nest.b, nest.loc, value, half, half, 1);
    value = combine(nest, combiner, low, high);
  }
  return vector::ExtractOp::create(nest.b, nest.loc, value, 0);
}

/// The sums over one piece of the lane and all of the other `reduced` loops.
static SmallVector<Value> reducePiece(LinalgNest &nest, ArrayRef<Operation *> combiners,
                                      ArrayRef<unsigned> reduced, Lane lane) {
  OpBuilder &b = nest.b;
  SmallVector<Value> partial;
  for (Operation *combiner : combiners) {
    Value neutral = arith::ConstantOp::create(b, nest.loc, *arith::getNeutralElement(combiner));
    partial.push_back(nest.broadcast(neutral, lane.width));
  }
  partial = nest.makeLoops(reduced, partial, [&](SmallVector<Value> sums) {
    auto readInput = [&](OpOperand &operand) {
      return nest.op.isDpsInit(&operand) ? Value() : nest.read(operand, lane);
    };
    IRMapping values = nest.makeBody(lane, readInput, combiners);
    for (auto [i, combiner] : llvm::enumerate(combiners)) {
      BlockArgument argument = nest.op.getRegionOutputArgs()[i];
      Value term = combiner->getOperand(combiner->getOperand(0) == argument ? 1 : 0);
      term = nest.broadcast(values.lookupOrDefault(term), lane.width);
      sums[i] = combine(nest, combiner, sums[i], term);
    }
    return sums;
  });
  for (auto [sum, combiner] : llvm::zip(partial, combiners))
    sum = foldVector(nest, combiner, sum);
  return partial;
}

void ai::makeHorizontal(LinalgNest &nest, unsigned lane, int64_t width) {
  SmallVector<Operation *> combiners = *nest.findCombiners();
  AffineMap result = nest.mapOf(*nest.op.getDpsInitOperand(0));
  SmallVector<unsigned> kept, reduced;
  for (unsigned dim : nest.dims(lane))
    (result.isFunctionOfDim(dim) ? kept : reduced).push_back(dim);
  reduced.push_back(lane);
  SmallVector<LoopRange> pieces = cutIntoVectors(nest.sizes[lane], width * kHorizontalVectors);
  nest.makeLoops(kept, [&] {
    SmallVector<Value> sums;
    for (OpOperand &init : nest.op.getDpsInitsMutable())
      sums.push_back(nest.read(init, {}));
    for (LoopRange piece : pieces) {
      nest.ranges[lane] = piece;
      SmallVector<Value> more = reducePiece(nest, combiners, reduced, {lane, piece.step});
      for (auto [i, combiner] : llvm::enumerate(combiners))
        sums[i] = combine(nest, combiner, sums[i], more[i]);
    }
    for (auto [init, sum] : llvm::zip(nest.op.getDpsInitsMutable(), sums))
      nest.write(init, sum, {});
  });
}
