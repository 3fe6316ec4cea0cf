// Gives every reduction a register tile: unrolls and jams loops that index its result, by the
// factors that need the fewest loads per multiply-add with the accumulators and the smaller operand
// in registers. A load of what the previous iteration has not loaded counts twice: it may have to
// come from further away than the first cache.

#include "AffineAccess.h"
#include "ai/Codegen/Passes.h"
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
static constexpr unsigned kMaxJammedLoops = 2;

namespace {
/// Accumulations that stand in one block, and so share their loops.
struct Reduction {
  Accesses writes;
  Accesses reads;                      // without the accumulators themselves
  SmallVector<AffineForOp> loops;      // that hold these accumulations only, outermost first
  AffineForOp innermost;               // the innermost loop that repeats them
  SmallVector<AffineForOp> complete;   // must be unrolled completely or not at all, innermost first
  SmallVector<AffineForOp> candidates; // other loops that index the result, innermost first
};

struct Factor {
  AffineForOp loop;
  int64_t count;
};

struct Tile {
  SmallVector<Factor> factors; // innermost loop first
  int64_t points = 1, accumulators = 0, loads = 0, fresh = 0, smallest = 0;
  double cost = std::numeric_limits<double>::max();
};
} // namespace

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static bool indexesAll(AffineForOp loop, ArrayRef<Access> writes) {
  return llvm::all_of(writes, [&](const Access &w) { return w.uses(loop.getInductionVar()); });
}

/// Whether `loop` itself, outside of loops in it, reads a result of `r`.
static bool readsResult(AffineForOp loop, const Reduction &r) {
  if (loop.getBody() == r.writes.front().op->getBlock())
    return false;
  return llvm::any_of(*loop.getBody(), [&](Operation &op) {
    auto read = getAccess(&op);
    return read && !read->isWrite &&
           llvm::any_of(r.writes, [&](const Access &w) { return w.memref == read->memref; });
  });
}

/// How many iterations of `loop` may be jammed: as many as don't depend on each other.
static int64_t maxJam(AffineForOp loop) {
  std::optional<int64_t> trips = tripCount(loop);
  Accesses accesses;
  if (!trips || loop.getNumIterOperands())
    return 1;
  // Without a loop inside, jamming is unrolling and moves nothing.
  if (loop.getBody()->getOps<AffineForOp>().empty())
    return *trips;
  if (!collectAccesses(loop, accesses))
    return 1;
  int64_t most = *trips;
  for (auto [i, a] : llvm::enumerate(accesses))
    for (const Access &b : ArrayRef(accesses).drop_front(i))
      if (std::optional<int64_t> distance = conflictDistance(a, loop, b, loop))
        most = std::min(most, *distance);
  return most;
}

/// Accumulators leave a reduction loop only if no loop that indexes them is left inside it, and
/// what follows a reduction needs all of the result that is made inside the loop that holds it:
/// such loops are unrolled completely.
static void classifyLoops(Reduction &r) {
  AffineForOp reader;
  for (AffineForOp loop : r.loops) {
    if (readsResult(loop, r))
      reader = loop;
    if (!indexesAll(loop, r.writes))
      r.innermost = loop;
  }
  for (AffineForOp loop : llvm::reverse(r.loops)) {
    if (!indexesAll(loop, r.writes))
      continue;
    bool isInside = (reader && reader->isProperAncestor(loop)) ||
                    (r.innermost && r.innermost->isProperAncestor(loop));
    (isInside ? r.complete : r.candidates).push_back(loop);
  }
}

static std::vector<Reduction> findReductions(Operation *root) {
  llvm::MapVector<Block *, Accesses> ends;
  root->walk([&](Operation *op) {
    if (auto access = getAccess(op); access && isReduction(*access))
      ends[op->getBlock()].push_back(*access);
  });
  std::vector<Reduction> reductions;
  for (auto &end : ends) {
    Block *block = end.first;
    const Accesses &writes = end.second;
    Reduction r{writes, {}, {}, {}, {}, {}};
    for (Operation &op : *block)
      if (auto read = getAccess(&op); read && !read->isWrite)
        if (llvm::none_of(writes, [&](const Access &w) { return w.memref == read->memref; }))
          r.reads.push_back(*read);
    for (AffineForOp loop : loopsAround(writes.front().op))
      if (llvm::none_of(ends, [&](auto &other) {
            return other.first != block && loop->isAncestor(other.first->getParentOp());
          }))
        r.loops.push_back(loop);
    classifyLoops(r);
    reductions.push_back(std::move(r));
  }
  return reductions;
}

//===----------------------------------------------------------------------===//
// Cost
//===----------------------------------------------------------------------===//

/// Elements as numbers: a linear function of the loops that differs for different elements.
/// Dimensions are told apart by large odd weights; a collision would only bend a cost.
static int64_t strideOf(const Access &access, AffineForOp loop) {
  uint64_t stride = 0, weight = 1;
  for (const LinearIndex &index : access.indices) {
    weight *= 0x9E3779B97F4A7C15u;
    stride += weight * uint64_t(index.factorOf(loop.getInductionVar()) * loop.getStepAsInt());
  }
  return int64_t(stride);
}

/// The different elements that one tile touches, sorted.
static SmallVector<int64_t> touched(const Access &access, ArrayRef<Factor> factors) {
  SmallVector<int64_t> elements{0};
  for (const Factor &factor : factors) {
    int64_t stride = strideOf(access, factor.loop);
    if (stride == 0)
      continue;
    unsigned size = elements.size();
    for (int64_t i = 1; i < factor.count; ++i)
      for (unsigned k = 0; k < size; ++k)
        elements.push_back(int64_t(uint64_t(elements[k]) + uint64_t(i) * uint64_t(stride)));
  }
  llvm::sort(elements);
  elements.erase(llvm::unique(elements), elements.end());
  return elements;
}

static Tile measure(const Reduction &r, ArrayRef<Factor> factors) {
  Tile tile;
  tile.factors.assign(factors.begin(), factors.end());
  for (const Factor &factor : factors)
    tile.points *= factor.count;
  for (const Access &write : r.writes)
    tile.accumulators += touched(write, factors).size();
  tile.smallest = r.reads.empty() ? 0 : std::numeric_limits<int32_t>::max();
  for (const Access &read : r.reads) {
    SmallVector<int64_t> elements = touched(read, factors);
    int64_t move = r.innermost ? strideOf(read, r.innermost) : 0;
    for (int64_t element : elements)
      tile.fresh += !llvm::binary_search(elements, int64_t(uint64_t(element) + uint64_t(move)));
    tile.loads += elements.size();
    tile.smallest = std::min<int64_t>(tile.smallest, elements.size());
  }
  tile.cost = double(tile.loads + tile.fresh) / tile.points;
  return tile;
}

static bool isBetter(const Tile &a, const Tile &b) {
  return a.cost != b.cost ? a.cost < b.cost : a.accumulators > b.accumulators;
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

namespace {
/// Looks for the best tile of one reduction.
struct Search {
  Search(const Reduction &r, int64_t registers) : r(r), registers(registers) {}
  const Reduction &r;
  int64_t registers;
  DenseMap<Operation *, int64_t> jam;
  Tile best;

  int64_t maxAccumulators() const { return registers - registers / 8; }
  bool fits(const Tile &tile) const {
    return tile.accumulators <= maxAccumulators() &&
           tile.accumulators + tile.smallest + 1 <= registers;
  }
  /// Tries all factors of up to `left` more of `candidates`.
  void extend(ArrayRef<AffineForOp> candidates, unsigned left, const Tile &tile) {
    if (fits(tile) && isBetter(tile, best))
      best = tile;
    if (left == 0 || tile.accumulators > maxAccumulators())
      return;
    for (; !candidates.empty(); candidates = candidates.drop_front()) {
      AffineForOp loop = candidates.front();
      int64_t trips = *tripCount(loop), most = std::min(jam.lookup(loop), maxAccumulators());
      for (int64_t count = 2; count <= most; ++count) {
        if (trips % count != 0)
          continue;
        SmallVector<Factor> factors = tile.factors;
        factors.push_back({loop, count});
        extend(candidates.drop_front(), left - 1, measure(r, factors));
      }
    }
  }
};
} // namespace

static Tile chooseTile(const Reduction &r, int64_t registers) {
  Search search(r, registers);
  SmallVector<Factor> complete;
  bool canComplete = true;
  for (AffineForOp loop : r.complete) {
    int64_t trips = tripCount(loop).value_or(0);
    // By the time a loop is unrolled those inside it are gone, unless they stay loops.
    bool isInnermost = llvm::all_of(loop.getBody()->getOps<AffineForOp>(), [&](AffineForOp inner) {
      return llvm::is_contained(r.complete, inner);
    });
    canComplete &= trips > 0 && (isInnermost || maxJam(loop) >= trips);
    complete.push_back({loop, trips});
  }
  if (!canComplete || !search.fits(measure(r, complete)))
    complete.clear();
  SmallVector<AffineForOp> candidates;
  for (AffineForOp loop : r.candidates) {
    search.jam[loop] = maxJam(loop);
    if (search.jam[loop] > 1)
      candidates.push_back(loop);
  }
  search.extend(candidates, complete.empty() ? kMaxJammedLoops : 1, measure(r, complete));
  return search.best;
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

/// Initialisations and what follows a reduction meet its accumulators only when they are unrolled
/// as well.
static void unrollSmallLoop(AffineForOp loop) {
  std::optional<int64_t> trips = tripCount(loop);
  Accesses accesses;
  bool isInnermost = loop.getBody()->getOps<AffineForOp>().empty();
  if (isInnermost && trips && *trips <= kMaxUnrolledLoop && !loop.getNumIterOperands() &&
      collectAccesses(loop, accesses) &&
      llvm::none_of(accesses, [](const Access &a) { return isReduction(a); }))
    (void)affine::loopUnrollFull(loop);
}

namespace {
struct TileRegisters final : ai::impl::AITileRegistersPassBase<TileRegisters> {
  using AITileRegistersPassBase::AITileRegistersPassBase;

  void runOnOperation() final {
    for (const Reduction &r : findReductions(getOperation())) {
      Tile tile = chooseTile(r, registers);
      if (tile.factors.empty())
        continue;
      report(r, tile);
      ++numTiled;
      for (const Factor &factor : tile.factors)
        if (failed(affine::loopUnrollJamByFactor(factor.loop, factor.count)))
          return signalPassFailure();
    }
    getOperation().walk<WalkOrder::PostOrder>(unrollSmallLoop);
  }
};
} // namespace
