// The loads that a multiply-add needs, and the tile that needs the fewest with its accumulators and
// the smallest operand in registers. A load of what no previous iteration of a repeating loop
// has loaded counts twice: it may have to come from further away than the first cache. Accumulators
// are loaded and stored once for all the iterations that keep them in registers.

#include "lib/Codegen/RegisterTile.h"
#include "lib/Codegen/TileCaches.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using affine::AffineForOp;

namespace ai {

static constexpr unsigned kMaxJammedLoops = 3;
/// The part of the first cache in which bytes are still there when they are read again.
static constexpr double kKeptShare = 0.75;
/// What a line costs that others have thrown out, in loads.
static constexpr int64_t kCostOfConflict = 2;
/// How much dearer a multiply-add gets where what nests hand on to each other leaves that cache.
static constexpr double kCostOfSpreading = 1.25;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static bool indexesAll(AffineForOp loop, ArrayRef<Access> writes) {
  return llvm::all_of(writes, [&](const Access &w) { return w.uses(loop.getInductionVar()); });
}

bool Reduction::isRepeatedBy(AffineForOp loop) const { return !indexesAll(loop, writes); }

SmallVector<AffineForOp> Reduction::repeating() const {
  SmallVector<AffineForOp> repeating;
  for (AffineForOp loop : llvm::reverse(loops)) {
    if (repeating.empty() && loop != innermost)
      continue;
    if (!isRepeatedBy(loop))
      break;
    repeating.push_back(loop);
  }
  return repeating;
}

int64_t Reduction::length() const {
  int64_t length = 1;
  for (AffineForOp loop : repeating())
    length *= tripCount(loop).value_or(1);
  return length;
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

/// Accumulators leave a reduction loop only if no loop that indexes them is left inside it, and
/// what follows a reduction needs all of the result that is made inside the loop that holds it:
/// such loops are unrolled completely.
static void classifyLoops(Reduction &r) {
  AffineForOp reader;
  for (AffineForOp loop : r.loops) {
    if (readsResult(loop, r))
      reader = loop;
    if (r.isRepeatedBy(loop))
      r.innermost = loop;
  }
  for (AffineForOp loop : llvm::reverse(r.loops)) {
    if (r.isRepeatedBy(loop))
      continue;
    bool isInside = (reader && reader->isProperAncestor(loop)) ||
                    (r.innermost && r.innermost->isProperAncestor(loop));
    (isInside ? r.complete : r.candidates).push_back(loop);
  }
}

std::vector<Reduction> findReductions(Operation *root) {
  llvm::MapVector<Block *, Accesses> ends;
  root->walk([&](Operation *op) {
    if (auto access = getAccess(op); access && isReduction(*access))
      ends[op->getBlock()].push_back(*access);
  });
  std::vector<Reduction> reductions;
  for (auto &end : ends) {
    Block *block = end.first;
    Reduction r;
    r.writes = end.second;
    int64_t products = 0;
    for (Operation &op : *block) {
      products += isa<arith::MulFOp>(op);
      if (auto read = getAccess(&op); read && !read->isWrite)
        if (llvm::none_of(r.writes, [&](const Access &w) { return w.memref == read->memref; }))
          r.reads.push_back(*read);
    }
    r.terms = std::max<int64_t>(products, 1);
    for (AffineForOp loop : loopsAround(r.writes.front().op))
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

/// Elements are numbers, so that different ones differ: indices are added up with large odd
/// weights. A collision would only bend a cost.
static uint64_t weighted(const Access &access, function_ref<uint64_t(const LinearIndex &)> fn) {
  uint64_t sum = 0, weight = 1;
  for (const LinearIndex &index : access.indices) {
    weight *= 0x9E3779B97F4A7C15u;
    sum += weight * fn(index);
  }
  return sum;
}

static int64_t strideOf(const Access &access, AffineForOp loop) {
  return int64_t(weighted(access, [&](const LinearIndex &index) {
    uint64_t stride = uint64_t(index.factorOf(loop.getInductionVar()) * loop.getStepAsInt());
    // What is looked up in the loop is another place in every iteration.
    for (const auto &[value, factor] : index.terms)
      if (!affine::isAffineForInductionVar(value) && !loop.isDefinedOutsideOfLoop(value))
        stride += 0x8CB92BA72F3D8DD7u;
    return stride;
  }));
}

/// What all iterations of the innermost loops have in common.
static int64_t baseOf(const Access &access, ArrayRef<AffineForOp> loops) {
  return int64_t(weighted(access, [&](const LinearIndex &index) {
    uint64_t sum = index.constant;
    for (unsigned i = 0; i < loops.size(); ++i) {
      AffineForOp loop = loops[i];
      sum += (i + 1) * 0xD1B54A32D192ED03u * uint64_t(index.factorOf(loop.getInductionVar()));
    }
    return sum;
  }));
}

/// Appends the elements that one tile touches.
static void touch(const Access &access, ArrayRef<AffineForOp> loops, ArrayRef<Factor> factors,
                  SmallVectorImpl<int64_t> &touched) {
  unsigned first = touched.size();
  touched.push_back(baseOf(access, loops));
  for (const Factor &factor : factors) {
    uint64_t stride = strideOf(access, factor.loop);
    if (stride == 0)
      continue;
    unsigned end = touched.size();
    for (int64_t i = 1; i < factor.count; ++i)
      for (unsigned k = first; k < end; ++k)
        touched.push_back(int64_t(uint64_t(touched[k]) + uint64_t(i) * stride));
  }
}

static void makeSet(SmallVectorImpl<int64_t> &elements) {
  llvm::sort(elements);
  elements.erase(llvm::unique(elements), elements.end());
}

static Tile measureWhole(const Reduction &r, ArrayRef<Factor> factors) {
  Tile tile;
  tile.factors.assign(factors.begin(), factors.end());
  tile.points = r.terms;
  for (const Factor &factor : factors)
    tile.points *= factor.count;
  SmallVector<int64_t> elements;
  for (const Access &write : r.writes)
    touch(write, r.loops, factors, elements);
  makeSet(elements);
  tile.accumulators = elements.size();
  llvm::MapVector<Value, SmallVector<const Access *>> byMemref;
  for (const Access &read : r.reads)
    byMemref[read.memref].push_back(&read);
  tile.smallest = byMemref.empty() ? 0 : std::numeric_limits<int32_t>::max();
  for (auto &[memref, reads] : byMemref) {
    elements.clear();
    for (const Access *read : reads)
      touch(*read, r.loops, factors, elements);
    makeSet(elements);
    SmallVector<uint64_t> moves;
    for (AffineForOp loop : r.repeating())
      moves.push_back(strideOf(*reads.front(), loop));
    for (int64_t element : elements)
      tile.fresh += llvm::none_of(moves, [&](uint64_t move) {
        return llvm::binary_search(elements, int64_t(uint64_t(element) + move));
      });
    for (const Access *read : reads)
      tile.fresh += kCostOfConflict * countConflicts(*read, factors);
    tile.loads += elements.size();
    if (int64_t(elements.size()) < tile.smallest) {
      tile.smallest = elements.size();
      tile.kept = memref;
    }
  }
  double moved = double(tile.loads + tile.fresh) + 2.0 * double(tile.accumulators) / r.length();
  tile.cost = moved / double(tile.points);
  return tile;
}

/// Bytes of an operand that one tile reads in all iterations that keep its accumulators.
static double footprint(const Reduction &r, const Tile &tile, Value memref) {
  SmallVector<int64_t> elements;
  const Access *any = nullptr;
  for (const Access &read : r.reads)
    if (read.memref == memref) {
      touch(read, r.loops, tile.factors, elements);
      any = &read;
    }
  makeSet(elements);
  double bytes = double(elements.size());
  if (auto vector = dyn_cast<VectorType>(any->type))
    bytes *= double(vector.getNumElements());
  bytes *= getElementTypeOrSelf(any->type).getIntOrFloatBitWidth() / 8.0;
  for (AffineForOp loop : r.loops)
    if (r.isRepeatedBy(loop) && any->uses(loop.getInductionVar()))
      bytes *= double(tripCount(loop).value_or(1));
  return bytes;
}

/// The cost of a factor that does not divide its loop is that of both tiles, by their shares.
static Tile measure(const Reduction &r, ArrayRef<Factor> factors) {
  Tile tile = measureWhole(r, factors);
  for (unsigned i = 0; i < factors.size(); ++i) {
    if (factors[i].divides())
      continue;
    int64_t trips = *tripCount(factors[i].loop), rest = trips % factors[i].count;
    SmallVector<Factor> last(factors);
    last[i].count = rest;
    double share = double(rest) / double(trips);
    tile.cost = tile.cost * (1 - share) + measure(r, last).cost * share;
    break;
  }
  return tile;
}

static bool isBetter(const Tile &a, const Tile &b) {
  return a.cost != b.cost ? a.cost < b.cost : a.accumulators > b.accumulators;
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

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

/// Whether no iteration of `loop` touches what another one writes.
static bool isParallel(AffineForOp loop) {
  Accesses accesses;
  if (!tripCount(loop) || loop.getNumIterOperands() || !collectAccesses(loop, accesses))
    return false;
  for (auto [i, a] : llvm::enumerate(accesses))
    for (const Access &b : ArrayRef(accesses).drop_front(i))
      if ((a.isWrite || b.isWrite) && conflictDistance(a, loop, b, loop))
        return false;
  return true;
}

SmallVector<AffineForOp> getBand(const Reduction &r, AffineForOp loop) {
  SmallVector<AffineForOp> band{loop};
  // The innermost loop may hold anything: only the order of the others matters to it.
  bool mayMove = isParallel(loop);
  while (mayMove) {
    auto outer = dyn_cast<AffineForOp>(band.back()->getParentOp());
    if (!outer || !llvm::is_contained(r.candidates, outer) ||
        !llvm::hasNItems(*outer.getBody(), 2) || !isParallel(outer))
      break;
    band.push_back(outer);
  }
  std::reverse(band.begin(), band.end());
  return band;
}

/// Whether a loop can be cut without getting in the way of those around it: a copy beside it would
/// keep them from being jammed.
static bool canCut(const Reduction &r, AffineForOp loop) {
  return getBand(r, loop).front() == r.candidates.back();
}

namespace {
/// Looks for the best tile of one reduction.
struct Search {
  Search(const Reduction &r, const Core &core, bool mayCut) : r(r), registers(core.registers) {
    for (AffineForOp loop : r.candidates) {
      jam[loop] = maxJam(loop);
      if (bytesInside(loop, r) > core.l1)
        spreading.insert(loop);
      if (jam[loop] > 1)
        candidates.push_back(loop);
      if (mayCut && canCut(r, loop))
        cuttable.insert(loop);
    }
  }

  int64_t maxAccumulators() const { return registers - registers / 8; }
  bool fits(const Tile &tile) const {
    return tile.accumulators <= maxAccumulators() &&
           tile.accumulators + tile.smallest + 1 <= registers;
  }
  /// Tries `tile`, and all factors of up to `left` more of `others`.
  void extend(ArrayRef<AffineForOp> others, unsigned left, const Tile &tile) {
    if (fits(tile) && isBetter(tile, best))
      best = tile;
    if (left == 0 || tile.accumulators > maxAccumulators())
      return;
    bool isCut = llvm::any_of(tile.factors, [](const Factor &f) { return !f.divides(); });
    for (; !others.empty(); others = others.drop_front()) {
      AffineForOp loop = others.front();
      int64_t trips = *tripCount(loop), most = std::min(jam.lookup(loop), maxAccumulators());
      for (int64_t count = 2; count <= most; ++count) {
        if (trips % count != 0 && (isCut || !cuttable.contains(loop)))
          continue;
        SmallVector<Factor> factors = tile.factors;
        factors.push_back({loop, count});
        Tile next = measure(r, factors);
        // Jammed iterations stand beside each other with all that lies between their nests.
        if (llvm::any_of(factors, [&](const Factor &f) { return spreading.contains(f.loop); }))
          next.cost *= kCostOfSpreading;
        extend(others.drop_front(), left - 1, next);
      }
    }
  }

  const Reduction &r;
  int64_t registers;
  DenseMap<Operation *, int64_t> jam;
  DenseSet<Operation *> cuttable;
  DenseSet<Operation *> spreading; // the first cache holds no two iterations
  SmallVector<AffineForOp> candidates;
  Tile best;
};
} // namespace

/// Whether all complete loops can be unrolled.
static bool canComplete(const Reduction &r) {
  return llvm::all_of(r.complete, [&](AffineForOp loop) {
    int64_t trips = tripCount(loop).value_or(0);
    // By the time a loop is unrolled those inside it are gone, unless they stay loops.
    bool isInnermost = llvm::all_of(loop.getBody()->getOps<AffineForOp>(), [&](AffineForOp inner) {
      return llvm::is_contained(r.complete, inner);
    });
    return trips > 0 && (isInnermost || maxJam(loop) >= trips);
  });
}

static SmallVector<Factor> completeFactors(const Reduction &r) {
  SmallVector<Factor> factors;
  for (AffineForOp loop : r.complete)
    factors.push_back({loop, *tripCount(loop)});
  return factors;
}

static Tile choose(const Reduction &r, const Core &core, bool mayCut) {
  Search search(r, core, mayCut);
  SmallVector<Factor> complete;
  if (canComplete(r))
    complete = completeFactors(r);
  if (!search.fits(measure(r, complete)))
    complete.clear();
  search.extend(search.candidates, complete.empty() ? kMaxJammedLoops : 1, measure(r, complete));
  return search.best;
}

Tile chooseTile(const Reduction &r, const Core &core) { return choose(r, core, /*mayCut=*/false); }

/// Whether `value` is a sum of what lies at the place of `write`, and more.
static bool addsTo(Value value, const Access &write) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (auto fma = dyn_cast<vector::FMAOp>(op))
    return addsTo(fma.getAcc(), write);
  if (auto sum = dyn_cast<arith::AddFOp>(op))
    return addsTo(sum.getLhs(), write) || addsTo(sum.getRhs(), write);
  std::optional<Access> read = getAccess(op);
  return read && !read->isWrite && isSamePlace(*read, write);
}

/// Whether the outermost complete loop can be moved out of the loops that repeat its accumulations,
/// a segment of it staying inside: those loops hold nothing else. Where two segments meet that
/// changes the order of the terms, so they must be terms of sums.
static bool canSegment(const Reduction &r) {
  if (r.complete.empty() || !r.innermost || !canComplete(r) ||
      !llvm::all_of(r.writes, [](const Access &write) { return addsTo(write.value(), write); }))
    return false;
  AffineForOp row = r.complete.back(), outer = r.innermost;
  return row->getParentOp() == outer && llvm::hasNItems(*outer.getBody(), 2) &&
         outer.hasConstantBounds() && row.hasConstantBounds() && outer.getNumIterOperands() == 0 &&
         row.getNumIterOperands() == 0;
}

Tile chooseCutTile(const Reduction &r, const Core &core) {
  Tile best = choose(r, core, /*mayCut=*/true);
  if (!canSegment(r))
    return best;
  SmallVector<Factor> factors = completeFactors(r);
  Search search(r, core, /*mayCut=*/true);
  AffineForOp row = r.complete.back();
  for (int64_t count = *tripCount(row) - 1; count > 1; --count) {
    factors.back().count = count;
    Tile tile = measure(r, factors);
    // What a segment reads should stay in the first cache until the next tile reads it again.
    bool isFar = llvm::any_of(r.reads, [&](const Access &read) {
      return read.uses(row.getInductionVar()) &&
             footprint(r, tile, read.memref) > kKeptShare * double(core.l1);
    });
    if (!isFar || count == 2)
      search.extend(search.candidates, 1, tile);
  }
  bool isComplete =
      llvm::any_of(best.factors, [&](const Factor &f) { return f.loop == r.complete.back(); });
  // Without its complete loops a tile leaves its accumulators in memory.
  return !isComplete || isBetter(search.best, best) ? search.best : best;
}

/// Tiles that follow each other along `loop`.
static double countTiles(const Tile &tile, AffineForOp loop) {
  double steps = double(tripCount(loop).value_or(1));
  for (Factor factor : tile.factors)
    if (factor.loop == loop)
      steps = std::ceil(steps / double(factor.count));
  return steps;
}

static SetVector<Value> operandsOf(const Reduction &r) {
  SetVector<Value> operands;
  for (const Access &read : r.reads)
    operands.insert(read.memref);
  return operands;
}

static bool changesAlong(const Reduction &r, Value operand, AffineForOp loop) {
  return llvm::any_of(r.reads, [&](const Access &read) {
    return read.memref == operand && read.uses(loop.getInductionVar());
  });
}

AffineForOp chooseInnermost(const Reduction &r, const Tile &tile, ArrayRef<AffineForOp> band) {
  AffineForOp best;
  double least = 0;
  for (AffineForOp loop : llvm::reverse(band)) {
    double steps = countTiles(tile, loop), moved = 0;
    if (steps <= 1)
      continue;
    for (Value operand : operandsOf(r))
      moved += footprint(r, tile, operand) / (changesAlong(r, operand, loop) ? 1 : steps);
    if (!best || moved < least) {
      best = loop;
      least = moved;
    }
  }
  return best;
}

} // namespace ai
