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
// A lane is cut into native vectors, and the rest into vectors of half the length, and so on, or
// into one whose last elements are masked. Where threads will share a sum, it is made in bands of
// rows, each with all pieces of the lane.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/LaneStrategies.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace ai {
#define GEN_PASS_DEF_AIVECTORIZELANESPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// Rows of a band: enough for a register tile of one column.
static constexpr int64_t kBandHeight = 20;
/// The columns of register tiles that can be high enough.
static constexpr int64_t kTileColumns[] = {4, 5, 6, 7};

/// Elements that one vector operation handles on average, when loop `dim` is the lane.
static double elementsPerVector(LinalgNest &nest, unsigned dim, int64_t width) {
  int64_t vectors = 0;
  for (LoopRange piece : nest.cutLane(dim, width))
    vectors += llvm::divideCeil(piece.end - piece.begin, piece.step);
  return double(nest.sizes[dim]) / vectors;
}

std::optional<unsigned> ai::bestLane(LinalgNest &nest, ArrayRef<unsigned> candidates,
                                     int64_t width) {
  std::optional<unsigned> best;
  for (unsigned dim : candidates)
    if (!best || elementsPerVector(nest, dim, width) >= elementsPerVector(nest, *best, width))
      best = dim;
  return best;
}

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

std::optional<unsigned> ai::findLane(LinalgNest &nest, int64_t width) {
  SmallVector<unsigned> candidates;
  for (unsigned dim : nest.dims()) {
    auto inputIsFine = [&](OpOperand *in) { return nest.accessOf(*in, dim) != LaneAccess::Other; };
    auto resultIsFine = [&](OpOperand &out) {
      return nest.accessOf(out, dim) == LaneAccess::Contiguous;
    };
    auto lookUpIsFine = [&](memref::LoadOp load) {
      return nest.accessOf(load, dim) != LaneAccess::Other;
    };
    if (nest.sizes[dim] > 1 && llvm::all_of(nest.op.getDpsInputOperands(), inputIsFine) &&
        llvm::all_of(nest.lookUps(), lookUpIsFine) &&
        llvm::all_of(nest.op.getDpsInitsMutable(), resultIsFine) && mayBeLane(nest, dim))
      candidates.push_back(dim);
  }
  return bestLane(nest, candidates, width);
}

static bool hasIdentityLayout(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return !memref || memref.getLayout().isIdentity();
}

static bool isProjectedPermutation(AffineMap map) { return map.isProjectedPermutation(); }

/// The loops that index the result of a sum over the innermost dimension, if they can be made one,
/// so that neighbouring results can be folded together; none if they cannot.
static ReassociationIndices findCollapsible(linalg::LinalgOp op) {
  int64_t rank = op.getNumLoops();
  // Upstream's collapsing leaves behind what a named op says of its dimensions.
  if (rank < 3 || !isa<linalg::GenericOp>(op))
    return {};
  ReassociationIndices kept = llvm::to_vector<2>(llvm::seq<int64_t>(0, rank - 1));
  bool isSumOverLast = op.getNumParallelLoops() == rank - 1 && !op.hasIndexSemantics() &&
                       op.getIteratorTypesArray().back() == utils::IteratorType::reduction &&
                       // Upstream's question below is for such maps only.
                       llvm::all_of(op.getIndexingMapsArray(), isProjectedPermutation) &&
                       linalg::areDimSequencesPreserved(op.getIndexingMapsArray(), kept) &&
                       llvm::all_of(op->getOperandTypes(), hasIdentityLayout);
  return isSumOverLast ? kept : ReassociationIndices();
}

static linalg::LinalgOp collapseResults(linalg::LinalgOp op) {
  ReassociationIndices kept = findCollapsible(op);
  if (kept.empty())
    return op;
  IRRewriter rewriter(op);
  auto collapsed = linalg::collapseOpIterationDims(
      op, {kept, ReassociationIndices{int64_t(kept.size())}}, rewriter);
  if (failed(collapsed))
    return op;
  op.erase();
  return collapsed->collapsedOp;
}

/// The ops that touch what a reduction adds up, or what such an op writes: they may all become one
/// nest.
static DenseSet<Operation *> findMeetingSums(ArrayRef<linalg::LinalgOp> ops) {
  DenseSet<Value> sums;
  DenseSet<Operation *> meeting;
  for (bool changed = true; changed;) {
    changed = false;
    for (linalg::LinalgOp op : ops) {
      bool isSum = op.getNumReductionLoops() > 0 && findCollapsible(op).empty();
      bool meets =
          isSum || llvm::any_of(op->getOperands(), [&](Value v) { return sums.contains(v); });
      if (!meets || !meeting.insert(op).second)
        continue;
      changed = true;
      sums.insert_range(op.getDpsInits());
    }
  }
  return meeting;
}

/// Gives vectors that no register tile of whole columns can take to a piece of their own.
static void cutIntoTiles(SmallVectorImpl<LoopRange> &pieces) {
  LoopRange &first = pieces.front();
  int64_t vectors = (first.end - first.begin) / first.step, rest = vectors;
  for (int64_t columns : kTileColumns)
    rest = std::min(rest, vectors % columns);
  if (rest == 0 || rest == vectors)
    return;
  int64_t end = first.end, cut = end - rest * first.step;
  first.end = cut;
  pieces.insert(std::next(pieces.begin()), {cut, end, pieces.front().step});
}

void ai::makeLanes(LinalgNest &nest, unsigned lane, int64_t width, bool isApart, bool inBands) {
  SmallVector<LoopRange> pieces = nest.cutLane(lane, width);
  if (inBands)
    cutIntoTiles(pieces);
  auto makePiece = [&](ArrayRef<unsigned> dims, LoopRange piece) {
    nest.ranges[lane] = piece;
    nest.makeLoops(dims, [&] { nest.makePoint({lane, piece.step}); });
  };
  if (!isApart) {
    nest.makeLoops(nest.dims(lane), [&] {
      for (LoopRange piece : pieces)
        makePiece(lane, piece);
    });
    return;
  }
  auto makePieces = [&] {
    for (LoopRange piece : pieces)
      makePiece(nest.dims(), piece);
  };
  // Threads share out the rows of a combine, and the pieces get register tiles of different
  // heights: what they share has to hold a tile of each.
  if (inBands && pieces.size() > 1 && lane != 0 && nest.isParallel(0) &&
      nest.sizes[0] >= 2 * kBandHeight)
    nest.makeBands(0, kBandHeight, makePieces);
  if (nest.ranges[0].begin < nest.ranges[0].end)
    makePieces();
}

static void makeScalars(LinalgNest &nest) {
  nest.makeLoops(nest.dims(), [&] { nest.makePoint({}); });
}

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
    DenseSet<Operation *> meeting = findMeetingSums(ops);
    for (linalg::LinalgOp op : ops) {
      if (failed(checkNeeds(op)))
        return signalPassFailure();
      bool meets = meeting.contains(op);
      op = collapseResults(op);
      lower(op, meets);
      op.erase();
    }
  }

  void lower(linalg::LinalgOp op, bool meetsSum) {
    LinalgNest nest(op, masks);
    if (llvm::is_contained(nest.sizes, 0))
      return;
    if (!nest.isVectorizable() || op.getNumDpsInits() == 0) {
      ++numScalar;
      return makeScalars(nest);
    }
    int64_t width = nest.nativeWidth(vectorBits);
    // One long lane instead of a short tail for every row.
    if (!nest.sizes.empty() && nest.sizes.back() % width != 0 && !meetsSum)
      nest.collapse();
    std::optional<unsigned> lane = findLane(nest, width);
    std::optional<unsigned> horizontal = findHorizontalLane(nest, width);
    // A lane that leaves vectors almost empty (the columns of a 3x3 filter) gives way to a sum.
    bool isPoor =
        lane && horizontal && elementsPerVector(nest, *lane, width) < width / 4.0 &&
        2 * elementsPerVector(nest, *lane, width) < elementsPerVector(nest, *horizontal, width);
    if (lane && !isPoor) {
      ++numLanes;
      makeLanes(nest, *lane, width, meetsSum,
                /*inBands=*/isBehindBlocks(op->getParentOfType<func::FuncOp>()));
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
