// Fuses a nest into the nest that consumes what it writes, loop by loop from the outside in, as
// deep as both run over the same slices. What initialises a reduction and what follows it then
// stands in one nest with it, and ai-hoist-accumulators keeps the result in registers.

#include "AffineAccess.h"
#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace ai {
#define GEN_PASS_DEF_AIFUSENESTSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// How many ops a search for a producer passes over.
static constexpr unsigned kMaxDistance = 64;

static bool hasSameRange(AffineForOp a, AffineForOp b) {
  return a.hasConstantBounds() && b.hasConstantBounds() && a.getStepAsInt() == b.getStepAsInt() &&
         a.getConstantLowerBound() == b.getConstantLowerBound() &&
         a.getConstantUpperBound() == b.getConstantUpperBound();
}

static bool hasReduction(AffineForOp loop, ArrayRef<Access> accesses) {
  bool carries =
      loop->walk([](AffineForOp inner) {
            return inner.getNumIterOperands() ? WalkResult::interrupt() : WalkResult::advance();
          })
          .wasInterrupted();
  return carries || llvm::any_of(accesses, [&](const Access &a) { return isReduction(a, loop); });
}

/// Whether `b` consumes what `a` writes, each iteration only what the same iteration wrote.
static bool canFuse(AffineForOp a, AffineForOp b) {
  if (!hasSameRange(a, b) || a.getNumResults() || b.getNumResults())
    return false;
  Accesses inA, inB;
  if (!collectAccesses(a, inA) || !collectAccesses(b, inB))
    return false;
  bool consumes = false;
  for (const Access &x : inA)
    for (const Access &y : inB) {
      if (conflictDistance(x, a, y, b))
        return false;
      consumes |= x.isWrite && mayShareMemory(x.memref, y.memref);
    }
  return consumes && !(hasReduction(a, inA) && hasReduction(b, inB));
}

/// Whether `loop`, which has no results, may be moved behind `later`.
static bool canMoveBehind(AffineForOp loop, Operation *later) {
  if (isMemoryEffectFree(later))
    return true;
  Accesses mine, others;
  if (!collectAccesses(loop, mine) || !collectAccesses(later, others))
    return false;
  return llvm::none_of(mine, [&](const Access &x) {
    return llvm::any_of(
        others, [&](const Access &y) { return (x.isWrite || y.isWrite) && mayOverlap(x, y); });
  });
}

/// Bytes of the buffers that `accesses` read or write, each counted once.
static int64_t bytesOfBuffers(ArrayRef<Access> accesses, bool written) {
  llvm::SmallDenseSet<Value> memrefs;
  int64_t bytes = 0;
  for (const Access &access : accesses)
    if (access.isWrite == written && memrefs.insert(access.memref).second)
      bytes += bytesOf(cast<MemRefType>(access.memref.getType()));
  return bytes;
}

/// Two reductions do not stand in one nest, so a loop without one that lies between stands with the
/// one that it reads from or with the one that reads it. The buffer on this side shrinks. So `loop`
/// waits for its reader if it makes more than it reads: patches or tiles of an image.
static bool waitsForReader(AffineForOp producer, AffineForOp loop) {
  Accesses others, mine;
  if (!collectAccesses(producer, others) || !collectAccesses(loop, mine) ||
      !hasReduction(producer, others) || hasReduction(loop, mine) ||
      bytesOfBuffers(mine, /*written=*/true) <= bytesOfBuffers(mine, /*written=*/false))
    return false;
  unsigned distance = 0;
  for (Operation *op = loop->getNextNode(); op && distance < kMaxDistance;
       op = op->getNextNode(), ++distance)
    if (auto reader = dyn_cast<AffineForOp>(op); reader && canFuse(loop, reader))
      return true;
  return false;
}

/// The nearest loop in front of `loop` that it can be fused with, if that can be moved to it.
static AffineForOp findProducer(AffineForOp loop) {
  SmallVector<Operation *> between;
  for (Operation *op = loop->getPrevNode(); op && between.size() < kMaxDistance;
       op = op->getPrevNode()) {
    auto candidate = dyn_cast<AffineForOp>(op);
    if (candidate && canFuse(candidate, loop) &&
        llvm::all_of(between, [&](Operation *o) { return canMoveBehind(candidate, o); }) &&
        !waitsForReader(candidate, loop))
      return candidate;
    between.push_back(op);
  }
  return {};
}

static void fuse(AffineForOp a, AffineForOp b) {
  b.getInductionVar().replaceAllUsesWith(a.getInductionVar());
  b.getBody()->getTerminator()->erase();
  Block *body = a.getBody();
  body->getOperations().splice(body->getTerminator()->getIterator(), b.getBody()->getOperations());
  b.erase();
}

static void explainFusion(AffineForOp producer, AffineForOp loop) {
  InFlightDiagnostic text = emitRemark(loop.getLoc())
                            << "one nest with what it reads: both run over the same "
                            << loop.getConstantUpperBound() - loop.getConstantLowerBound()
                            << " slices, and each needs only its own";
  text.attachNote(producer.getLoc()) << "which is made here";
}

/// Fuses the loops of `block`, then those inside them; returns how many were fused.
static unsigned fuseLoopsIn(Block &block) {
  unsigned numFused = 0;
  for (auto loop : llvm::make_early_inc_range(block.getOps<AffineForOp>()))
    while (AffineForOp producer = findProducer(loop)) {
      if (isa<func::FuncOp>(block.getParentOp()))
        explainFusion(producer, loop);
      producer->moveBefore(loop);
      fuse(producer, loop);
      loop = producer;
      ++numFused;
    }
  for (Operation &op : block)
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        numFused += fuseLoopsIn(inner);
  return numFused;
}

namespace {
struct FuseNests final : ai::impl::AIFuseNestsPassBase<FuseNests> {
  void runOnOperation() final {
    for (Block &block : getOperation().getBody())
      numFused += fuseLoopsIn(block);
  }
};
} // namespace
