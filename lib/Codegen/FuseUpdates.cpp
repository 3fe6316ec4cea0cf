// The combine of a step is long chains of element-wise ops: slots are added up, scaled, folded into
// optimizer states and parameters. Each chain becomes one linalg op, so that every element is
// loaded and stored once. The patterns are upstream's; their pass would also fuse into the
// contractions of a block, and compute a mask again for every term.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIFUSEUPDATESPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

namespace {
struct FuseUpdatesPass : ai::impl::AIFuseUpdatesPassBase<FuseUpdatesPass> {
  void runOnOperation() final {
    if (!ai::isBehindBlocks(getOperation()))
      return;
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, [&](OpOperand *operand) {
      Operation *producer = operand->get().getDefiningOp();
      bool fuses = producer && producer->hasOneUse();
      numFused += fuses;
      return fuses;
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
