// Keeps accumulators in registers. Inside a block, what a write stored or a read loaded is
// forwarded to the reads behind it, and a write that is overwritten unread is dropped; out of a
// loop, an element or vector that every iteration reads and writes at the same place is carried as
// a value. Upstream's linalg::hoistRedundantVectorTransfers and vector::transferOpflowOpt do the
// same, but give up on a memref that is a view or has one, and tensor reshapes and slices leave
// views behind.

#include "AccessMap.h"
#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"
#include "mlir/IR/PatternMatch.h"

namespace ai {
#define GEN_PASS_DEF_AIHOISTACCUMULATORSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

//===----------------------------------------------------------------------===//
// Inside a block
//===----------------------------------------------------------------------===//

/// Replaces reads by what the block is known to have stored or loaded there before.
static unsigned forwardToReads(Block &block) {
  unsigned numForwarded = 0;
  AccessMap known;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto read = getAccess(&op); read && !read->isWrite) {
      if (Accesses *before = known.find(*read)) {
        op.getResult(0).replaceAllUsesWith(before->back().value());
        op.erase();
        ++numForwarded;
      } else {
        known.add(*read);
      }
      continue;
    }
    Accesses accesses;
    if (!collectAccesses(&op, accesses))
      known = {};
    for (const Access &access : accesses)
      if (access.isWrite)
        known.eraseOverlapping(access);
    if (auto write = getAccess(&op))
      known.add(*write);
  }
  return numForwarded;
}

/// Erases writes that the block overwrites before anything reads them.
static unsigned eraseOverwritten(Block &block) {
  unsigned numErased = 0;
  AccessMap later; // places written further down, with no read in between
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    Accesses accesses;
    if (!collectAccesses(&op, accesses))
      later = {};
    for (const Access &access : accesses)
      if (!access.isWrite)
        later.eraseOverlapping(access);
    auto write = getAccess(&op);
    if (!write || !write->isWrite)
      continue;
    if (later.find(*write)) {
      op.erase();
      ++numErased;
    } else {
      later.add(*write);
    }
  }
  return numErased;
}

//===----------------------------------------------------------------------===//
// Out of a loop
//===----------------------------------------------------------------------===//

namespace {
struct Accumulator {
  Operation *read, *write;
};
} // namespace

/// The places that every iteration of `loop` reads first and writes last, and nothing else in it
/// touches.
static SmallVector<Accumulator> findAccumulators(AffineForOp loop) {
  Accesses accesses;
  if (tripCount(loop).value_or(0) < 1 || !collectAccesses(loop, accesses))
    return {};
  AccessMap all;
  for (const Access &access : accesses)
    all.add(access);
  SmallVector<Accumulator> accumulators;
  for (const Access &read : accesses) {
    if (read.isWrite || read.op->getBlock() != loop.getBody() || !read.isInvariantIn(loop))
      continue;
    Accesses &here = *all.find(read);
    if (here.size() != 2 || !here[1].isWrite || here[1].op->getBlock() != loop.getBody())
      continue;
    bool isAlone = true;
    all.forEachOverlapping(read, [&](const Access &other) {
      isAlone = other.op == read.op || other.op == here[1].op;
      return isAlone;
    });
    if (isAlone)
      accumulators.push_back({read.op, here[1].op});
  }
  return accumulators;
}

/// Moves `op` in front of `loop`, after the computation of its indices.
static void moveOut(Operation *op, AffineForOp loop) {
  for (Value operand : op->getOperands())
    if (Operation *def = operand.getDefiningOp(); def && loop->isAncestor(def))
      moveOut(def, loop);
  op->moveBefore(loop);
}

/// Carries the accumulators of `loop` as values; returns their number.
static unsigned hoistOutOf(AffineForOp loop, RewriterBase &rewriter) {
  SmallVector<Accumulator> accumulators = findAccumulators(loop);
  if (accumulators.empty())
    return 0;
  SmallVector<Value> initial, carried;
  for (auto [read, write] : accumulators) {
    moveOut(read, loop);
    initial.push_back(read->getResult(0));
    carried.push_back(write->getOperand(0));
  }
  auto yields = [&](OpBuilder &, Location, ArrayRef<BlockArgument>) { return carried; };
  auto replaced = loop.replaceWithAdditionalYields(rewriter, initial,
                                                   /*replaceInitOperandUsesInLoop=*/true, yields);
  assert(succeeded(replaced) && "affine.for always takes more yields");
  auto results = (*replaced)->getResults().take_back(accumulators.size());
  for (auto [accumulator, result] : llvm::zip(accumulators, results)) {
    Operation *write = accumulator.write;
    write->setOperand(0, result);
    for (Value operand : write->getOperands())
      if (Operation *def = operand.getDefiningOp(); def && (*replaced)->isProperAncestor(def))
        moveOut(def, cast<AffineForOp>(replaced->getOperation()));
    write->moveAfter(*replaced);
  }
  return accumulators.size();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct HoistAccumulators final : ai::impl::AIHoistAccumulatorsPassBase<HoistAccumulators> {
  void runOnOperation() final {
    IRRewriter rewriter(&getContext());
    visit(getOperation().getBody(), rewriter);
    memref::eraseDeadAllocAndStores(rewriter, getOperation());
  }

  /// Innermost loops first: what leaves one loop is met by the next.
  void visit(Region &region, RewriterBase &rewriter) {
    for (Block &block : region) {
      for (Operation &op : llvm::make_early_inc_range(block)) {
        for (Region &inner : op.getRegions())
          visit(inner, rewriter);
        if (auto loop = dyn_cast<AffineForOp>(op))
          numHoisted += hoistOutOf(loop, rewriter);
      }
      numForwarded += forwardToReads(block);
      numErased += eraseOverwritten(block);
    }
  }
};
} // namespace
