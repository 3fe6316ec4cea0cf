// Loop distribution for teams. A nest of few iterations, three sets of channels say, makes uneven
// shares, and one part that is twice as long as the other keeps the whole team waiting. Its last
// nest inside, often the sums of a weight gradient, may have loops of its own to share out, and
// nobody may wait for what it writes: it gets an outer loop of its own, behind the others.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/NestShares.h"
#include "lib/Codegen/StepFunctions.h"

namespace ai {
#define GEN_PASS_DEF_AIDISTRIBUTENESTSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// One part of a nest in so many has to be saved for what goes once more through memory.
static constexpr int64_t kLeastGain = 16;

/// What one of two parts does more than half of the work.
static int64_t excess(int64_t work, int64_t trips) { return trips % 2 ? work / (2 * trips) : 0; }

/// Whether the op computes with a result of one in front of it in the same block.
static bool takesValue(Operation *op) {
  bool takes = false;
  op->walk([&](Operation *inner) {
    for (Value value : inner->getOperands())
      if (Operation *source = value.getDefiningOp())
        takes |= source->getBlock() == op->getBlock();
  });
  return takes;
}

/// Whether `last` can wait for all iterations of what is in front of it in the loop: nothing passes
/// between the two but memory of which each iteration touches places of its own.
static bool canFollow(const MemoryOp &nest, AffineForOp loop, Operation *last) {
  if (takesValue(last))
    return false;
  auto touches = [&](bool isLast, Value memref) {
    return llvm::any_of(nest.accesses, [&](const Access &a) {
      return last->isAncestor(a.op) == isLast && mayShareMemory(a.memref, memref);
    });
  };
  return llvm::all_of(nest.accesses, [&](const Access &a) {
    return !a.isWrite || !touches(true, a.memref) || !touches(false, a.memref) ||
           isApart(nest, a.memref, loop);
  });
}

/// Whether shares become so much more even that it pays.
static bool pays(const MemoryOp &nest, AffineForOp loop, Operation *last) {
  MemoryOp tail{last, {}};
  (void)collectAccesses(last, tail.accesses); // the whole nest is known
  auto writesApart = [&](AffineForOp shared) {
    return llvm::all_of(tail.accesses, [&](const Access &access) {
      return !access.isWrite || isApart(tail, access.memref, shared);
    });
  };
  if (!writesApart(loop))
    return false;
  int64_t trips = *tripCount(loop), work = costOf(nest), workOfLast = costOf(nest, last);
  int64_t tripsOfLast = trips * tripsOf(outerLoops(tail, writesApart));
  int64_t now = excess(work - workOfLast, trips) + excess(workOfLast, tripsOfLast);
  return (excess(work, trips) - now) * kLeastGain > work;
}

/// Gives the last nest inside a loop a loop of its own, behind it.
static void distribute(AffineForOp loop, Operation *last) {
  OpBuilder b(loop->getContext());
  b.setInsertionPointAfter(loop);
  auto own = AffineForOp::create(b, last->getLoc(), loop.getConstantLowerBound(),
                                 loop.getConstantUpperBound(), loop.getStepAsInt());
  last->moveBefore(own.getBody()->getTerminator());
  replaceAllUsesInRegionWith(loop.getInductionVar(), own.getInductionVar(), own.getRegion());
}

namespace {
struct DistributeNests final : ai::impl::AIDistributeNestsPassBase<DistributeNests> {
  void runOnOperation() final {
    if (!isBlock(getOperation()))
      return;
    for (const MemoryOp &nest : collectMemoryOps(getOperation())) {
      auto loop = dyn_cast<AffineForOp>(nest.op);
      if (!loop || !nest.isKnown || loop.getNumResults() > 0 || !tripCount(loop) ||
          costOf(nest) < kCostOfBarrier)
        continue;
      auto last = dyn_cast_or_null<AffineForOp>(loop.getBody()->getTerminator()->getPrevNode());
      if (!last || innerLoop(loop) || !canFollow(nest, loop, last) || !pays(nest, loop, last))
        continue;
      distribute(loop, last);
      ++numNests;
    }
  }
};
} // namespace
