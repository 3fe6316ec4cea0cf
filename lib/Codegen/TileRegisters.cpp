// Gives every reduction a register tile: unrolls and jams loops that index its result, by the
// factors that `RegisterTile.h` chooses. Loops are cut first where that makes a better tile: the
// last iterations of a loop become a loop of their own, and a loop inside the reduction that is too
// long to be unrolled is moved out of it, but for a segment. Before that the loops around a
// reduction are put in an order that finds operands in the first cache.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/RegisterTile.h"
#include "mlir/Dialect/Affine/LoopUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

namespace ai {
#define GEN_PASS_DEF_AITILEREGISTERSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// Loops of so few iterations that hold no reduction are unrolled completely.
static constexpr int64_t kMaxUnrolledLoop = 4;
/// The same if they select by their index what to compute: it is known then.
static constexpr int64_t kMaxSelectingLoop = 6;
/// A cut must make a multiply-add this much cheaper: it costs code.
static constexpr double kCutGain = 0.9;
/// Loads per multiply-add that no cut needs to lower: a core can do two loads beside two
/// multiply-adds.
static constexpr double kFewLoads = 0.5;

//===----------------------------------------------------------------------===//
// Cutting loops
//===----------------------------------------------------------------------===//

/// Leaves the first `count` iterations to the last loop of `band` and gives the others to a copy of
/// the band behind it.
static void splitLoop(ArrayRef<AffineForOp> band, int64_t count) {
  AffineForOp loop = band.back(), top = band.front();
  OpBuilder b(top->getContext());
  b.setInsertionPointAfter(top);
  auto rest = cast<AffineForOp>(b.clone(*top));
  for (unsigned depth = 1; depth < band.size(); ++depth)
    rest = cast<AffineForOp>(rest.getBody()->front());
  int64_t at = loop.getConstantLowerBound() + count * loop.getStepAsInt();
  loop.setConstantUpperBound(at);
  rest.setConstantLowerBound(at);
}

/// The loops that a row moves out of, innermost first: the one that repeats its accumulations, and
/// those around it that hold nothing else and along which what the row reads does not change.
static SmallVector<AffineForOp> loopsToLeave(const Reduction &r, AffineForOp row) {
  SmallVector<AffineForOp> loops{r.innermost};
  for (;;) {
    auto outer = dyn_cast<AffineForOp>(loops.back()->getParentOp());
    if (!outer || !llvm::is_contained(r.loops, outer) || !tripCount(outer) ||
        !llvm::hasNItems(*outer.getBody(), 2) || outer.getNumIterOperands())
      return loops;
    bool changes = llvm::any_of(r.reads, [&](const Access &read) {
      return read.uses(row.getInductionVar()) && read.uses(outer.getInductionVar());
    });
    if (changes)
      return loops;
    loops.push_back(outer);
  }
}

/// `loops` { `row` } becomes `row`, in steps of `count` iterations { `loops` { a segment of `row` }
/// }; `loops` are innermost first.
static void moveOutButSegment(ArrayRef<AffineForOp> loops, AffineForOp row, int64_t count) {
  for (AffineForOp outer : loops)
    affine::interchangeLoops(outer, row);
  AffineForOp inner = loops.front();
  int64_t step = row.getStepAsInt();
  row.setStep(count * step);
  OpBuilder b = OpBuilder::atBlockBegin(inner.getBody());
  auto segment = AffineForOp::create(b, row.getLoc(), 0, count * step, step);
  segment.getBody()->getOperations().splice(
      segment.getBody()->begin(), inner.getBody()->getOperations(),
      std::next(segment->getIterator()), std::prev(inner.getBody()->end()));
  b.setInsertionPointToStart(segment.getBody());
  AffineMap sum = AffineMap::get(2, 0, b.getAffineDimExpr(0) + b.getAffineDimExpr(1));
  Value position = affine::AffineApplyOp::create(
      b, row.getLoc(), sum, ValueRange{row.getInductionVar(), segment.getInductionVar()});
  row.getInductionVar().replaceUsesWithIf(
      position, [&](OpOperand &use) { return use.getOwner() != position.getDefiningOp(); });
}

/// Keeps `count` iterations of `row` at a time in registers; the last ones, if they are fewer, in
/// loops of their own.
static void cutRow(const Reduction &r, AffineForOp row, int64_t count) {
  SmallVector<AffineForOp> loops = loopsToLeave(r, row);
  int64_t trips = *tripCount(row), rest = trips % count;
  if (rest) {
    SmallVector<AffineForOp> band(llvm::reverse(loops));
    band.push_back(row);
    splitLoop(band, trips - rest);
  }
  moveOutButSegment(loops, row, count);
}

/// Cuts the loops of `r` if that makes a better tile.
static void cutLoops(const Reduction &r, const Core &core) {
  Tile whole = chooseTile(r, core), cut = chooseCutTile(r, core);
  bool keepsRows = r.complete.empty() || llvm::any_of(whole.factors, [&](const Factor &f) {
                     return f.loop == r.complete.back();
                   });
  bool isGood = double(whole.loads) <= kFewLoads * double(whole.points);
  if (cut.factors.empty() || (keepsRows && (isGood || cut.cost > kCutGain * whole.cost)))
    return;
  for (const Factor &factor : cut.factors) {
    int64_t trips = *tripCount(factor.loop);
    bool isRow = llvm::is_contained(r.complete, factor.loop);
    if (!isRow && !factor.divides())
      splitLoop(getBand(r, factor.loop), trips - trips % factor.count);
    if (isRow && factor.count < trips)
      cutRow(r, factor.loop, factor.count);
  }
}

//===----------------------------------------------------------------------===//
// Ordering loops
//===----------------------------------------------------------------------===//

/// Moves the loop inward along which the next tile finds most of its operands in the first cache.
static void orderLoops(const Reduction &r, const Core &core) {
  if (r.candidates.empty())
    return;
  SmallVector<AffineForOp> band = getBand(r, r.candidates.front());
  if (band.size() < 2)
    return;
  AffineForOp inner = chooseInnermost(r, chooseCutTile(r, core), band);
  if (!inner)
    return;
  for (auto *at = llvm::find(band, inner); at + 1 != band.end(); ++at)
    affine::interchangeLoops(inner, at[1]);
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

static void report(const Reduction &r, const Tile &tile) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const Factor &factor : llvm::reverse(tile.factors))
    os << "loop " << llvm::find(r.loops, factor.loop) - r.loops.begin() << " x " << factor.count
       << ", ";
  os << tile.accumulators << " accumulators, "
     << llvm::formatv("{0:f2}", double(tile.loads) / tile.points) << " loads per multiply-add";
  emitRemark(r.writes.front().op->getLoc()) << "register tile: " << text;
}

/// The loop that is jammed last varies slowest in the jammed code. Those along which the operand
/// that is kept in registers does not change come last, so that elements of the others are loaded
/// and used up one after the other.
static SmallVector<Factor> inOrder(const Reduction &r, const Tile &tile) {
  SmallVector<Factor> factors, last;
  for (Factor factor : tile.factors) {
    bool changesKept = llvm::any_of(r.reads, [&](const Access &read) {
      return read.memref == tile.kept && read.uses(factor.loop.getInductionVar());
    });
    (changesKept ? factors : last).push_back(factor);
  }
  factors.append(last);
  return factors;
}

static bool isSelecting(AffineForOp loop) {
  return llvm::any_of(loop.getInductionVar().getUsers(), llvm::IsaPred<arith::CmpIOp>);
}

/// Reads a place once that is read again with no write to its memory between.
static void joinReads(Block &block) {
  Accesses seen;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    std::optional<Access> access = getAccess(&op);
    if (!access) {
      if (!isMemoryEffectFree(&op))
        seen.clear();
      continue;
    }
    if (access->isWrite) {
      llvm::erase_if(
          seen, [&](const Access &read) { return mayShareMemory(read.memref, access->memref); });
      continue;
    }
    auto same = llvm::find_if(seen, [&](const Access &read) { return isSamePlace(read, *access); });
    if (same == seen.end()) {
      seen.push_back(*access);
      continue;
    }
    op.getResult(0).replaceAllUsesWith(same->value());
    op.erase();
  }
}

/// Initialisations and what follows a reduction meet its accumulators only when they are unrolled
/// as well.
static void unrollSmallLoop(AffineForOp loop) {
  std::optional<int64_t> trips = tripCount(loop);
  Accesses accesses;
  bool isInnermost = loop.getBody()->getOps<AffineForOp>().empty();
  bool selects = isSelecting(loop);
  Block &block = *loop->getBlock();
  if (isInnermost && trips && *trips <= (selects ? kMaxSelectingLoop : kMaxUnrolledLoop) &&
      !loop.getNumIterOperands() && collectAccesses(loop, accesses) &&
      llvm::none_of(accesses, [](const Access &a) { return isReduction(a); }) &&
      succeeded(affine::loopUnrollFull(loop)) && selects)
    joinReads(block);
}

namespace {
struct TileRegisters final : ai::impl::AITileRegistersPassBase<TileRegisters> {
  using AITileRegistersPassBase::AITileRegistersPassBase;

  void runOnOperation() final {
    Core core{registers, l1};
    for (const Reduction &r : findReductions(getOperation()))
      orderLoops(r, core);
    for (const Reduction &r : findReductions(getOperation()))
      cutLoops(r, core);
    for (const Reduction &r : findReductions(getOperation())) {
      Tile tile = chooseTile(r, core);
      if (tile.factors.empty())
        continue;
      report(r, tile);
      ++numTiled;
      for (const Factor &factor : inOrder(r, tile))
        if (failed(affine::loopUnrollJamByFactor(factor.loop, factor.count)))
          return signalPassFailure();
    }
    getOperation().walk<WalkOrder::PostOrder>(unrollSmallLoop);
  }
};
} // namespace
