// Tells the caches in front of a reduction loop what will be read behind it. An update reads
// weights and optimizer states a few vectors at a time, with a long loop of multiply-adds between:
// no hardware sees a stream in that, and each line would come from far away, or from another core,
// while the arithmetic waits. Nor does it where each iteration of the loop reads a part of another
// row.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ai {
#define GEN_PASS_DEF_AIPREFETCHOPERANDSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// The hint for data that is used once it is there.
static constexpr unsigned kInto = 3;

/// Lines that a core can wait for at once; with more of them arithmetic waits as well. (Ten of
/// Intel's cores up to Skylake, twelve and more of later ones and of others.)
static constexpr unsigned kLinesAtOnce = 10;

/// Multiply-adds that take as long as the way from the third cache.
static constexpr int64_t kMultipliesAhead = 300;

/// Bytes of a line.
static constexpr int64_t kLine = 64;

/// A part of a loop with fewer iterations hides nothing.
static constexpr int64_t kTripsOfPart = 4;

/// Whether a buffer does not fit into the first cache; one of positions always does.
static bool isLarge(Value memref, int64_t l1) {
  auto type = cast<MemRefType>(memref.getType());
  return type.getElementType().isIntOrFloat() && bytesOf(type) > l1;
}

/// Whether memory and indices of `read` are there before `loop`, in front of it in the same block,
/// and can index a prefetch.
static bool isPlaceKnown(const Access &read, AffineForOp loop) {
  SmallVector<Value> values;
  (void)getMap(read.indices, values, loop.getContext());
  bool areDims = llvm::all_of(values, [](Value value) { return affine::isValidDim(value); });
  values.push_back(read.memref);
  return areDims && llvm::all_of(values, [&](Value value) {
           Operation *producer = value.getDefiningOp();
           return !producer || producer->getBlock() != loop->getBlock() ||
                  producer->isBeforeInBlock(loop);
         });
}

/// Whether memory that `read` reads is far away by the time of the loop before it.
static bool isFar(const Access &read, const Accesses &inLoop, int64_t l1) {
  return !read.indices.empty() && isLarge(read.memref, l1) &&
         llvm::none_of(inLoop, [&](const Access &other) {
           return mayShareMemory(other.memref, read.memref);
         });
}

/// What the block of `loop` reads behind it from far away; what is written there as well is added
/// to `written`.
static SmallVector<Access> findReadsBehind(AffineForOp loop, int64_t l1, DenseSet<Value> &written) {
  Accesses inLoop;
  if (!collectAccesses(loop, inLoop))
    return {};
  SmallVector<Access> reads;
  for (Operation *op = loop->getNextNode(); op; op = op->getNextNode()) {
    std::optional<Access> access = getAccess(op);
    if (!access) {
      // Behind another loop that carries values come that one's operands.
      if (auto other = dyn_cast<AffineForOp>(op); other && other.getNumIterOperands())
        break;
      continue;
    }
    if (access->isWrite)
      written.insert(access->memref);
    else if (isFar(*access, inLoop, l1) && isPlaceKnown(*access, loop))
      reads.push_back(*access);
  }
  return reads;
}

static void prefetch(OpBuilder &b, const Access &at, bool isWrite) {
  SmallVector<Value> operands;
  AffineMap map = getMap(at.indices, operands, b.getContext());
  affine::AffinePrefetchOp::create(b, at.op->getLoc(), at.memref, map, operands, isWrite, kInto,
                                   /*isDataCache=*/true);
}

static void prefetch(ArrayRef<Access> reads, const DenseSet<Value> &written, AffineForOp before) {
  OpBuilder b(before);
  for (const Access &read : reads)
    prefetch(b, read, written.contains(read.memref));
}

/// Makes the first `trips` iterations of `loop` a loop of their own.
static AffineForOp cutHead(AffineForOp loop, int64_t trips) {
  OpBuilder b(loop);
  auto head = cast<AffineForOp>(b.clone(*loop));
  int64_t end = loop.getConstantLowerBound() + trips * loop.getStepAsInt();
  head.setConstantUpperBound(end);
  loop.setConstantLowerBound(end);
  loop.getInitsMutable().assign(head.getResults());
  return head;
}

/// Prefetches for a loop that carries values, of what the rest of its block reads: no more than can
/// be on their way at once, then a part of the loop.
static void prefetchBehind(AffineForOp loop, ArrayRef<Access> reads,
                           const DenseSet<Value> &written) {
  int64_t parts = llvm::divideCeil(reads.size(), kLinesAtOnce);
  int64_t trips = tripCount(loop).value_or(0);
  parts = std::clamp<int64_t>(trips / kTripsOfPart, 1, std::max<int64_t>(parts, 1));
  ArrayRef<Access> left = reads;
  for (; parts > 1; --parts) {
    unsigned now = left.size() / parts;
    int64_t tripsNow = trips / parts;
    prefetch(left.take_front(now), written, cutHead(loop, tripsNow));
    left = left.drop_front(now);
    trips -= tripsNow;
  }
  prefetch(left, written, loop);
}

/// Whether each element is read once while the loops around `read` run, a part of another row in
/// each iteration of `loop`, the innermost of them.
static bool isStreamed(const Access &read, AffineForOp loop) {
  Value position = loop.getInductionVar();
  for (AffineForOp at = loop; at; at = at->getParentOfType<AffineForOp>())
    if (!read.uses(at.getInductionVar()))
      return false;
  bool isKnownOutside = llvm::all_of(read.indices, [&](const LinearIndex &index) {
    return llvm::all_of(index.terms, [&](const auto &term) {
      return term.first == position ||
             (loop.isDefinedOutsideOfLoop(term.first) && affine::isValidDim(term.first));
    });
  });
  return isKnownOutside && loop.isDefinedOutsideOfLoop(read.memref) &&
         read.indices.back().factorOf(position) == 0;
}

static int64_t lastOf(const Access &read) {
  return read.indices.back().constant + read.width(read.indices.size() - 1) - 1;
}

namespace {
/// What one iteration reads of a row of an operand.
struct Segment {
  Access first;
  int64_t last; // index of the last element, without what varies

  /// Takes up `read` if it lies in the same row.
  bool add(const Access &read) {
    if (read.memref != first.memref)
      return false;
    for (auto [mine, other] : llvm::zip(first.indices, read.indices)) {
      LinearIndex difference = other - mine;
      bool isLast = &mine == &first.indices.back();
      if (!difference.terms.empty() || (!isLast && difference.constant != 0))
        return false;
    }
    int64_t &begin = first.indices.back().constant;
    begin = std::min(begin, read.indices.back().constant);
    last = std::max(last, lastOf(read));
    return true;
  }
};
} // namespace

/// Prefetches in a loop that carries values what later iterations read, where each of them reads a
/// part of another row.
static unsigned prefetchAhead(AffineForOp loop, int64_t l1) {
  Accesses accesses;
  if (!loop.getBody()->getOps<AffineForOp>().empty() || !collectAccesses(loop, accesses))
    return 0;
  SmallVector<Segment> segments;
  for (const Access &read : accesses) {
    if (read.isWrite || !read.isKnown() || read.indices.empty() || !isLarge(read.memref, l1) ||
        !isStreamed(read, loop))
      continue;
    if (llvm::none_of(segments, [&](Segment &s) { return s.add(read); }))
      segments.push_back({read, lastOf(read)});
  }
  int64_t multiplies = llvm::range_size(loop.getBody()->getOps<arith::MulFOp>());
  int64_t ahead = llvm::divideCeil(kMultipliesAhead, std::max<int64_t>(multiplies, 1));
  if (segments.empty() || tripCount(loop).value_or(0) < 2 * ahead)
    return 0;
  OpBuilder b = OpBuilder::atBlockBegin(loop.getBody());
  unsigned numPrefetches = 0;
  for (Segment &segment : segments) {
    Access at = segment.first;
    for (LinearIndex &index : at.indices)
      index.constant += ahead * loop.getStepAsInt() * index.factorOf(loop.getInductionVar());
    int64_t width = getElementTypeOrSelf(at.memref).getIntOrFloatBitWidth();
    int64_t inLine = kLine / llvm::divideCeil(width, 8);
    int64_t &column = at.indices.back().constant;
    for (; column < segment.last; column += inLine, ++numPrefetches)
      prefetch(b, at, /*isWrite=*/false);
    // A row begins anywhere in a line, so its end may lie in one more.
    column = segment.last;
    prefetch(b, at, /*isWrite=*/false);
    ++numPrefetches;
  }
  return numPrefetches;
}

namespace {
struct PrefetchOperands final : ai::impl::AIPrefetchOperandsPassBase<PrefetchOperands> {
  using AIPrefetchOperandsPassBase::AIPrefetchOperandsPassBase;

  void runOnOperation() final {
    getOperation().walk([&](AffineForOp loop) {
      if (!loop.getNumIterOperands() || !loop->getParentOfType<AffineForOp>())
        return;
      DenseSet<Value> written;
      SmallVector<Access> behind = findReadsBehind(loop, l1, written);
      numPrefetches += prefetchAhead(loop, l1) + behind.size();
      prefetchBehind(loop, behind, written);
    });
  }
};
} // namespace
