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
  if (!nest.findCombiners() || !nest.lookUps().empty())
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

/// The lower (or upper) halves of the `segments` equal parts of one vector or of two.
static Value takeHalves(LinalgNest &nest, ArrayRef<Value> vectors, int64_t segments, bool upper) {
  int64_t length = cast<VectorType>(vectors.front().getType()).getNumElements();
  int64_t half = length / segments / 2;
  SmallVector<int64_t> lanes;
  for (int64_t s = 0; s < segments * int64_t(vectors.size()); ++s)
    for (int64_t i = 0; i < half; ++i)
      lanes.push_back((2 * s + upper) * half + i);
  return vector::ShuffleOp::create(nest.b, nest.loc, vectors.front(), vectors.back(), lanes);
}

static Value foldHalves(LinalgNest &nest, Operation *combiner, ArrayRef<Value> vectors,
                        int64_t segments) {
  return combine(nest, combiner, takeHalves(nest, vectors, segments, /*upper=*/false),
                 takeHalves(nest, vectors, segments, /*upper=*/true));
}

/// Folds vectors, a power of two of them: element i of the result combines all of `rows[i]`, the
/// upper half with the lower one until one element is left: an order that no compiler changes, and
/// the same for any number of rows. Rows are folded two at a time, so that vectors stay full.
static Value foldVectors(LinalgNest &nest, Operation *combiner, SmallVector<Value> rows) {
  int64_t segments = 1; // rows that a vector holds so far
  for (; rows.size() > 1; segments *= 2) {
    SmallVector<Value> halved;
    for (unsigned i = 0; i < rows.size(); i += 2)
      halved.push_back(foldHalves(nest, combiner, ArrayRef(rows).slice(i, 2), segments));
    rows = halved;
  }
  Value value = rows.front();
  while (cast<VectorType>(value.getType()).getNumElements() > segments)
    value = foldHalves(nest, combiner, value, segments);
  return value;
}

static Value foldVector(LinalgNest &nest, Operation *combiner, Value value) {
  if (!isa<VectorType>(value.getType()))
    return value;
  return vector::ExtractOp::create(nest.b, nest.loc, foldVectors(nest, combiner, {value}), 0);
}

/// Vectors of sums over one piece of the lane and all of the other `reduced` loops.
static SmallVector<Value> reducePiece(LinalgNest &nest, ArrayRef<Operation *> combiners,
                                      ArrayRef<unsigned> reduced, Lane lane) {
  OpBuilder &b = nest.b;
  SmallVector<Value> partial;
  for (Operation *combiner : combiners) {
    Value neutral = arith::ConstantOp::create(b, nest.loc, *arith::getNeutralElement(combiner));
    partial.push_back(nest.broadcast(neutral, lane.width));
  }
  return nest.makeLoops(reduced, partial, [&](SmallVector<Value> sums) {
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
}

/// `side` results along `row`, from the current index on; the sums of each piece of the lane are
/// folded together.
static void reduceRows(LinalgNest &nest, ArrayRef<Operation *> combiners,
                       ArrayRef<unsigned> reduced, unsigned lane, ArrayRef<LoopRange> pieces,
                       unsigned row, int64_t side) {
  Lane results{row, side};
  SmallVector<Value> sums;
  for (OpOperand &init : nest.op.getDpsInitsMutable())
    sums.push_back(nest.read(init, results));
  Value first = nest.indices.empty() ? Value() : nest.indices[row];
  for (LoopRange piece : pieces) {
    nest.ranges[lane] = piece;
    SmallVector<SmallVector<Value>> rows(combiners.size());
    for (int64_t i = 0; i < side; ++i) {
      if (side > 1)
        nest.indices[row] = nest.shift(first, i);
      for (auto [k, sum] :
           llvm::enumerate(reducePiece(nest, combiners, reduced, {lane, piece.step})))
        rows[k].push_back(sum);
    }
    nest.indices[row] = first;
    for (auto [k, combiner] : llvm::enumerate(combiners)) {
      Value folded = side > 1 ? foldVectors(nest, combiner, rows[k])
                              : foldVector(nest, combiner, rows[k].front());
      sums[k] = combine(nest, combiner, sums[k], folded);
    }
  }
  for (auto [init, sum] : llvm::zip(nest.op.getDpsInitsMutable(), sums))
    nest.write(init, sum, results);
}

/// The loop along which neighbouring results are folded together, if the lane is one vector long
/// and the only sum: rows of more would make the code long and gain little.
static std::optional<unsigned> findRow(LinalgNest &nest, ArrayRef<unsigned> kept,
                                       ArrayRef<unsigned> reduced, ArrayRef<LoopRange> pieces,
                                       int64_t width) {
  if (kept.empty() || reduced.size() != 1 || pieces.size() != 1 ||
      pieces[0].step != pieces[0].end || pieces[0].end > width)
    return std::nullopt;
  unsigned row = kept.back();
  bool isContiguous = llvm::all_of(nest.op.getDpsInitsMutable(), [&](OpOperand &init) {
    return nest.accessOf(init, row) == LaneAccess::Contiguous;
  });
  return isContiguous ? std::optional(row) : std::nullopt;
}

void ai::makeHorizontal(LinalgNest &nest, unsigned lane, int64_t width) {
  SmallVector<Operation *> combiners = *nest.findCombiners();
  AffineMap result = nest.mapOf(*nest.op.getDpsInitOperand(0));
  SmallVector<unsigned> kept, reduced;
  for (unsigned dim : nest.dims(lane))
    (result.isFunctionOfDim(dim) ? kept : reduced).push_back(dim);
  reduced.push_back(lane);
  SmallVector<LoopRange> pieces = cutIntoVectors(nest.sizes[lane], width * kHorizontalVectors);
  std::optional<unsigned> row = findRow(nest, kept, reduced, pieces, width);
  if (!row)
    return nest.makeLoops(
        kept, [&] { reduceRows(nest, combiners, reduced, lane, pieces, lane, /*side=*/1); });
  nest.makeLoops(ArrayRef(kept).drop_back(), [&] {
    for (LoopRange rows : cutIntoVectors(nest.sizes[*row], pieces[0].end)) {
      nest.ranges[*row] = rows;
      nest.makeLoops(*row,
                     [&] { reduceRows(nest, combiners, reduced, lane, pieces, *row, rows.step); });
    }
  });
}
