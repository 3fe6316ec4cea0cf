// Where teams wait, and who runs what in between.

#include "lib/Codegen/BlockPieces.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

//===----------------------------------------------------------------------===//
// What meets what
//===----------------------------------------------------------------------===//

static bool conflict(const Piece &a, const Piece &b) {
  return !a.isKnown || !b.isKnown || meets(a, b) || meets(b, a);
}

/// Whether what an iteration of one loop touches meets only the same iteration of the other.
static bool areSliced(const Piece &a, AffineForOp loopA, const Piece &b, AffineForOp loopB) {
  if (!haveSameBounds(loopA, loopB))
    return false;
  for (const Access &x : a.accesses)
    for (const Access &y : b.accesses) {
      if ((!x.isWrite && !y.isWrite) || !mayMeet(x, y))
        continue;
      std::optional<unsigned> slice = sliceDimension(x, loopA);
      if (!slice || slice != sliceDimension(y, loopB))
        return false;
    }
  return true;
}

/// Whether the thread that ran an iteration of `a` runs all of `b` that meets it.
static bool isOnOnePart(const Piece &a, const Piece &b) {
  if (!a.isShared() && !b.isShared())
    return a.group == b.group && !a.isRepeated && !b.isRepeated;
  if (a.shares.size() != 1 || b.shares.size() != 1)
    return false;
  const SharedLoops &loopsA = a.shares.front(), &loopsB = b.shares.front();
  return loopsA.size() == loopsB.size() &&
         llvm::all_of(llvm::zip_equal(loopsA, loopsB), [&](auto loops) {
           return areSliced(a, std::get<0>(loops), b, std::get<1>(loops));
         });
}

//===----------------------------------------------------------------------===//
// Who runs what
//===----------------------------------------------------------------------===//

/// What the first of two parts runs more of a piece that one part runs.
static int64_t leadOf(const Piece &piece) { return piece.group % 2 ? -piece.cost : piece.cost; }

/// Piece `number`, which waits for none, goes to the part that runs less alone, if it is worth it.
static int64_t chooseGroup(int64_t number, const Piece &piece, ArrayRef<Piece *> since) {
  int64_t lead = 0, last = 0;
  for (const Piece *before : since)
    if (before->isOnePart()) {
      lead += leadOf(*before);
      last = before->group;
    }
  int64_t group = 2 * number + (lead > 0);
  return piece.cost < kCostOfBarrier ? last : group;
}

/// Chooses where two parts share each nest between two barriers, those of the longest iterations
/// first, so that the others make up for what one part has run more.
static void level(ArrayRef<Piece *> since) {
  struct Share {
    Piece *piece;
    unsigned number;
    int64_t trips, cost; // of an iteration
  };
  SmallVector<Share> shares;
  int64_t lead = 0;
  for (Piece *piece : since) {
    if (piece->isOnePart())
      lead += leadOf(*piece);
    piece->middles.resize(piece->shares.size());
    for (auto [number, loops] : llvm::enumerate(piece->shares)) {
      int64_t trips = tripsOf(loops);
      int64_t cost = costOf(*piece->nest, loops.front()) / trips;
      shares.push_back({piece, unsigned(number), trips, std::max<int64_t>(cost, 1)});
    }
  }
  llvm::sort(shares, [](const Share &a, const Share &b) {
    return std::tie(b.cost, a.piece, a.number) < std::tie(a.cost, b.piece, b.number);
  });
  for (const Share &share : shares) {
    int64_t even =
        llvm::divideFloorSigned((share.trips + 1) * share.cost - lead - 1, 2 * share.cost);
    int64_t middle =
        share.piece->isTied ? share.trips / 2 : std::clamp<int64_t>(even, 0, share.trips);
    share.piece->middles[share.number] = middle;
    lead += (2 * middle - share.trips) * share.cost;
  }
}

void ai::placeBarriers(MutableArrayRef<Piece> pieces) {
  SmallVector<Piece *> since;
  for (Piece &piece : pieces) {
    SmallVector<Piece *> met;
    for (Piece *before : since)
      if (conflict(*before, piece))
        met.push_back(before);
    auto alone = llvm::find_if(met, [](const Piece *before) { return before->isOnePart(); });
    bool follows = alone != met.end();
    if (follows)
      piece.group = (*alone)->group;
    if (llvm::any_of(met, [&](const Piece *before) { return !isOnOnePart(*before, piece); })) {
      OpBuilder b(piece.op);
      gpu::BarrierOp::create(b, piece.op->getLoc());
      level(since);
      since.clear();
      met.clear();
    }
    if (!follows)
      piece.group = chooseGroup(&piece - pieces.begin(), piece, since);
    for (Piece *before : met)
      piece.isTied = before->isTied = true;
    since.push_back(&piece);
  }
  level(since);
}
