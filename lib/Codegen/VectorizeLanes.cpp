// linalg on memrefs -> affine loops over vectors. Four ways to write out an op, the first that
// fits:
//
// - lanes: the innermost index of the results is a loop along which every operand is contiguous or
// constant;
// - tiles: an elementwise op, some operands of which come transposed: squares are transposed in
// registers;
// - horizontal: the lane is summed over: a vector of partial sums, folded in halves at the end;
// - scalar: everything else, correct and slow.
//
// A lane is cut into native vectors, and the rest into vectors of half the length, and so on.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/LinalgNest.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace ai {
#define GEN_PASS_DEF_AIVECTORIZELANESPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// Largest square that is transposed at once: its rows must fit into the registers.
static constexpr int64_t kMaxTile = 16;
/// Below these lengths scalar code does as well.
static constexpr int64_t kMinTile = 4, kMinHorizontal = 4;
/// Partial sums of a horizontal reduction, in vectors: enough to hide the latency of an addition.
static constexpr int64_t kHorizontalVectors = 4;

/// All loops but those in `without`, in the order of the op.
static SmallVector<unsigned> dimsOf(LinalgNest &nest, ArrayRef<unsigned> without = {}) {
  SmallVector<unsigned> dims;
  for (unsigned dim = 0; dim < nest.sizes.size(); ++dim)
    if (!llvm::is_contained(without, dim))
      dims.push_back(dim);
  return dims;
}

/// Elements that one vector operation handles on average, when loop `dim` is the lane.
static double elementsPerVector(LinalgNest &nest, unsigned dim, int64_t width) {
  int64_t vectors = 0;
  for (LoopRange piece : cutIntoVectors(nest.sizes[dim], width))
    vectors += (piece.end - piece.begin) / piece.step;
  return double(nest.sizes[dim]) / vectors;
}

/// The loop of `candidates` that makes the best use of vectors; of equals the innermost one.
static std::optional<unsigned> bestLane(LinalgNest &nest, ArrayRef<unsigned> candidates,
                                        int64_t width) {
  std::optional<unsigned> best;
  for (unsigned dim : candidates)
    if (!best || elementsPerVector(nest, dim, width) >= elementsPerVector(nest, *best, width))
      best = dim;
  return best;
}

static void makeScalars(LinalgNest &nest) {
  nest.makeLoops(dimsOf(nest), [&] { nest.makePoint({}); });
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

/// Whether iterations of `dim` that follow one another may run at once and after those of inner
/// loops: they write different elements, or the order in which an element collects its terms is
/// free.
static bool mayBeLane(LinalgNest &nest, unsigned dim) {
  if (nest.isParallel(dim) || nest.findCombiners())
    return true;
  return llvm::all_of(nest.op.getDpsInitsMutable(), [&](OpOperand &init) {
    return nest.mapOf(init).getResults().back() == getAffineDimExpr(dim, nest.op.getContext());
  });
}

static std::optional<unsigned> findLane(LinalgNest &nest, int64_t width) {
  SmallVector<unsigned> candidates;
  for (unsigned dim : dimsOf(nest)) {
    auto inputIsFine = [&](OpOperand *in) { return nest.accessOf(*in, dim) != LaneAccess::Other; };
    auto resultIsFine = [&](OpOperand &out) {
      return nest.accessOf(out, dim) == LaneAccess::Contiguous;
    };
    if (nest.sizes[dim] > 1 && llvm::all_of(nest.op.getDpsInputOperands(), inputIsFine) &&
        llvm::all_of(nest.op.getDpsInitsMutable(), resultIsFine) && mayBeLane(nest, dim))
      candidates.push_back(dim);
  }
  return bestLane(nest, candidates, width);
}

static void makeLanes(LinalgNest &nest, unsigned lane, int64_t width) {
  SmallVector<LoopRange> pieces = cutIntoVectors(nest.sizes[lane], width);
  auto makePiece = [&](ArrayRef<unsigned> dims, LoopRange piece) {
    nest.ranges[lane] = piece;
    nest.makeLoops(dims, [&] { nest.makePoint({lane, piece.step}); });
  };
  if (nest.isElementwise()) {
    nest.makeLoops(dimsOf(nest, lane), [&] {
      for (LoopRange piece : pieces)
        makePiece(lane, piece);
    });
    return;
  }
  // Each piece of a reduction is a nest of its own, and the lane keeps its place among the loops,
  // so that register tiling may choose among all of them.
  for (LoopRange piece : pieces)
    makePiece(dimsOf(nest), piece);
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

namespace {
/// Squares of an elementwise op whose lane is no lane of its `moved` operands: those are contiguous
/// along `row`.
struct Tiling {
  unsigned lane, row;
  int64_t width;
  SmallVector<OpOperand *> moved;
};
} // namespace

static std::optional<Tiling> findTiling(LinalgNest &nest, int64_t width) {
  auto lastIndex = [&](OpOperand &operand) -> std::optional<unsigned> {
    AffineMap map = nest.mapOf(operand);
    auto dim = map.getNumResults() ? dyn_cast<AffineDimExpr>(map.getResults().back()) : nullptr;
    return dim ? std::optional<unsigned>(dim.getPosition()) : std::nullopt;
  };
  std::optional<unsigned> lane = lastIndex(*nest.op.getDpsInitOperand(0)), row;
  if (!lane || !nest.isElementwise())
    return std::nullopt;
  SmallVector<OpOperand *> moved;
  for (OpOperand &operand : nest.op->getOpOperands()) {
    bool isResult = nest.op.isDpsInit(&operand);
    LaneAccess access = nest.accessOf(operand, *lane);
    if (access == LaneAccess::Contiguous || (access == LaneAccess::Uniform && !isResult))
      continue;
    if (!row)
      row = lastIndex(operand);
    if (isResult || !row || *row == *lane || getElementTypeOrSelf(operand.get()).isInteger(1) ||
        nest.accessOf(operand, *row) != LaneAccess::Contiguous)
      return std::nullopt;
    moved.push_back(&operand);
  }
  if (!row)
    return std::nullopt;
  int64_t side = std::min({width, kMaxTile, nest.sizes[*lane], nest.sizes[*row]});
  side = llvm::bit_floor(uint64_t(side));
  return side < kMinTile ? std::nullopt : std::optional(Tiling{*lane, *row, side, moved});
}

/// Transposes a square: zipping row i with row i + n/2, log2(n) times over.
static SmallVector<Value> transpose(LinalgNest &nest, SmallVector<Value> rows) {
  int64_t n = rows.size();
  SmallVector<int64_t> zip;
  for (int64_t i = 0; i < n; ++i)
    zip.append({i, n + i});
  ArrayRef<int64_t> low = ArrayRef(zip).take_front(n), high = ArrayRef(zip).take_back(n);
  for (int64_t stage = n; stage > 1; stage /= 2) {
    SmallVector<Value> zipped;
    for (int64_t i = 0; i < n / 2; ++i)
      for (ArrayRef<int64_t> half : {low, high})
        zipped.push_back(
            vector::ShuffleOp::create(nest.b, nest.loc, rows[i], rows[i + n / 2], half));
    rows = zipped;
  }
  return rows;
}

/// One square at the current indices: its moved operands are transposed, then the body runs once
/// per row.
static void makeTile(LinalgNest &nest, const Tiling &tiling) {
  Value firstLane = nest.indices[tiling.lane], firstRow = nest.indices[tiling.row];
  DenseMap<OpOperand *, SmallVector<Value>> transposed;
  for (OpOperand *operand : tiling.moved) {
    SmallVector<Value> rows;
    for (int64_t i = 0; i < tiling.width; ++i) {
      nest.indices[tiling.lane] = nest.shift(firstLane, i);
      rows.push_back(nest.read(*operand, {tiling.row, tiling.width}));
    }
    transposed[operand] = transpose(nest, rows);
  }
  nest.indices[tiling.lane] = firstLane;
  for (int64_t i = 0; i < tiling.width; ++i) {
    nest.indices[tiling.row] = nest.shift(firstRow, i);
    Lane lane{tiling.lane, tiling.width};
    nest.makePoint(lane, [&](OpOperand &operand) {
      auto rows = transposed.find(&operand);
      return rows != transposed.end() ? rows->second[i] : nest.read(operand, lane);
    });
  }
}

static void makeTiles(LinalgNest &nest, const Tiling &tiling) {
  LoopRange &lanes = nest.ranges[tiling.lane], &rows = nest.ranges[tiling.row];
  int64_t lastLane = lanes.end - lanes.end % tiling.width;
  int64_t lastRow = rows.end - rows.end % tiling.width;
  LoopRange restOfLanes{lastLane, lanes.end}, restOfRows{lastRow, rows.end}, allLanes = lanes;
  unsigned square[] = {tiling.row, tiling.lane};
  auto makeRest = [&] { nest.makeLoops(square, [&] { nest.makePoint({}); }); };
  nest.makeLoops(dimsOf(nest, square), [&] {
    rows = {0, lastRow, tiling.width};
    lanes = {0, lastLane, tiling.width};
    nest.makeLoops(square, [&] { makeTile(nest, tiling); });
    rows = {0, lastRow};
    lanes = restOfLanes;
    if (lanes.begin < lanes.end)
      makeRest();
    rows = restOfRows;
    lanes = allLanes;
    if (rows.begin < rows.end)
      makeRest();
  });
}

//===----------------------------------------------------------------------===//
// Horizontal reductions
//===----------------------------------------------------------------------===//

static std::optional<unsigned> findHorizontalLane(LinalgNest &nest, int64_t width) {
  if (!nest.findCombiners())
    return std::nullopt;
  SmallVector<unsigned> candidates;
  for (unsigned dim : dimsOf(nest)) {
    auto inputIsFine = [&](OpOperand *in) { return nest.accessOf(*in, dim) != LaneAccess::Other; };
    auto isContiguous = [&](OpOperand *in) {
      return nest.accessOf(*in, dim) == LaneAccess::Contiguous;
    };
    // All results must have the same loops, or a partial sum would be added several times.
    AffineMap first = nest.mapOf(*nest.op.getDpsInitOperand(0));
    auto resultIsFine = [&](OpOperand &out) {
      AffineMap map = nest.mapOf(out);
      return map.isProjectedPermutation() && !map.isFunctionOfDim(dim) &&
             llvm::all_of(dimsOf(nest), [&](unsigned other) {
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

static void makeHorizontal(LinalgNest &nest, unsigned lane, int64_t width) {
  SmallVector<Operation *> combiners = *nest.findCombiners();
  AffineMap result = nest.mapOf(*nest.op.getDpsInitOperand(0));
  SmallVector<unsigned> kept, reduced;
  for (unsigned dim : dimsOf(nest, lane))
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

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

static LogicalResult checkNeeds(linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("expects memref operands; run one-shot-bufferize first");
  for (Type type : op->getOperandTypes())
    if (auto memref = dyn_cast<MemRefType>(type); memref && !memref.hasStaticShape())
      return op.emitOpError("expects static shapes to become loops, got ") << memref;
  return success();
}

namespace {
struct VectorizeLanes final : ai::impl::AIVectorizeLanesPassBase<VectorizeLanes> {
  using AIVectorizeLanesPassBase::AIVectorizeLanesPassBase;

  void runOnOperation() final {
    if (vectorBits < 64 || !llvm::isPowerOf2_64(vectorBits)) {
      getOperation().emitError("expects vector-bits to be a power of two of at least 64, got ")
          << vectorBits.getValue();
      return signalPassFailure();
    }
    getOperation().walk([](memref::CopyOp copy) {
      OpBuilder b(copy);
      linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops) {
      if (failed(checkNeeds(op)))
        return signalPassFailure();
      lower(op);
      op.erase();
    }
  }

  void lower(linalg::LinalgOp op) {
    LinalgNest nest(op);
    if (llvm::is_contained(nest.sizes, 0))
      return;
    if (!nest.isVectorizable()) {
      ++numScalar;
      return makeScalars(nest);
    }
    int64_t width = nest.nativeWidth(vectorBits);
    // One long lane instead of a short tail for every row.
    if (!nest.sizes.empty() && nest.sizes.back() % width != 0)
      nest.collapse();
    std::optional<unsigned> lane = findLane(nest, width);
    std::optional<unsigned> horizontal = findHorizontalLane(nest, width);
    // A lane that leaves vectors almost empty, like the columns of a 3x3 filter, gives way to a
    // sum.
    bool isPoor =
        lane && horizontal && elementsPerVector(nest, *lane, width) < width / 4.0 &&
        2 * elementsPerVector(nest, *lane, width) < elementsPerVector(nest, *horizontal, width);
    if (lane && !isPoor) {
      ++numLanes;
      makeLanes(nest, *lane, width);
    } else if (std::optional<Tiling> tiling = findTiling(nest, width)) {
      ++numTiled;
      makeTiles(nest, *tiling);
    } else if (horizontal) {
      ++numHorizontal;
      makeHorizontal(nest, *horizontal, width);
    } else {
      ++numScalar;
      makeScalars(nest);
    }
  }
};
} // namespace
