// Element-wise generics that only one other element-wise generic reads become part of it: no
// intermediate tensor of booleans for a selection, none for each term of an optimizer's formula.
//
// linalg-fuse-elementwise-ops also fuses into contractions, where the producer would be computed
// once per product, and replaces outputs that a body does not read, although a copy into a filled
// border relies on what they hold.

#include "lib/Conversion/AIToLinalg/Patterns.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

using namespace mlir;
using namespace ai;

/// One that writes a border around its result is left alone: what it copies is often computed in
/// another order.
static bool isElementwise(linalg::GenericOp op) {
  return op.getNumLoops() == op.getNumParallelLoops() &&
         llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
           return op.getMatchingIndexingMap(&init).isProjectedPermutation();
         });
}

/// Whether all readers of `producer` but `consumer` come after it, so that it can give them their
/// values.
static bool comesBeforeOtherReaders(Operation *consumer, Operation *producer) {
  return llvm::all_of(producer->getUsers(), [&](Operation *reader) {
    return reader == consumer ||
           (reader->getBlock() == consumer->getBlock() && consumer->isBeforeInBlock(reader));
  });
}

/// Whether the op that makes `operand` is computed as often inside its reader as it is alone.
static bool isPartOfReader(OpOperand &operand) {
  auto consumer = cast<linalg::GenericOp>(operand.getOwner());
  auto producer = operand.get().getDefiningOp<linalg::GenericOp>();
  return producer && operand.get().hasOneUse() && isElementwise(producer) &&
         producer->getBlock() == consumer->getBlock() &&
         consumer.getMatchingIndexingMap(&operand).isPermutation() &&
         comesBeforeOtherReaders(consumer, producer);
}

namespace {

/// Two element-wise generics -> one that also has those results of the first which others read.
struct FuseProducer final : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const final {
    if (!isElementwise(op))
      return rewriter.notifyMatchFailure(op, "sums or scatters");
    for (OpOperand &operand : op->getOpOperands()) {
      if (!op.isDpsInput(&operand) || !isPartOfReader(operand) ||
          !linalg::areElementwiseOpsFusable(&operand))
        continue;
      FailureOr<linalg::ElementwiseOpFusionResult> fused =
          linalg::fuseElementwiseOps(rewriter, &operand);
      if (failed(fused))
        continue;
      for (auto [original, replacement] : fused->replacements)
        rewriter.replaceAllUsesExcept(original, replacement, op);
      rewriter.eraseOp(op);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "reads nothing that could be part of it");
  }
};

} // namespace

void ai::populateElementwiseFusion(RewritePatternSet &patterns) {
  patterns.add<FuseProducer>(patterns.getContext());
}
