// Canonicalisation patterns: rewrites that need new ops. Each keeps values and gradients.

#include "dialects/ai/AIDialect.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace ai;

namespace {

/// x^2 -> x * x, and x^1 -> x.
struct ExpandSmallPower final : OpRewritePattern<PowerOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PowerOp op, PatternRewriter &rewriter) const final {
    SplatElementsAttr splat;
    if (!matchPattern(op.getRhs(), m_Constant(&splat)))
      return rewriter.notifyMatchFailure(op, "exponent not a constant");
    if (op.getLhs().getType() != op.getType() || !isa<RankedTensorType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "base broadcast, or of unknown shape");
    double exponent = splat.getSplatValue<APFloat>().convertToDouble();
    if (exponent == 1.0)
      rewriter.replaceOp(op, op.getLhs());
    else if (exponent == 2.0)
      rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), op.getLhs(), op.getLhs());
    else
      return rewriter.notifyMatchFailure(op, "exponent neither 1 nor 2");
    return success();
  }
};

/// max_pool2d(relu(x)) -> relu(max_pool2d(x)): the same value, as relu is monotone and keeps NaN,
/// and the same gradient, with relu on a fraction of the elements.
struct SinkReLUBelowMaxPool final : OpRewritePattern<MaxPool2DOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MaxPool2DOp pool, PatternRewriter &rewriter) const final {
    auto relu = pool.getInput().getDefiningOp<ReLUOp>();
    if (!relu || !relu->hasOneUse())
      return rewriter.notifyMatchFailure(pool, "operand not a relu with one use");
    auto newPool = MaxPool2DOp::create(rewriter, pool.getLoc(), pool.getType(), relu.getInput(),
                                       pool.getKernel(), pool.getStride(), pool.getPadding());
    auto newReLU = ReLUOp::create(rewriter, relu.getLoc(), pool.getType(), newPool);
    rewriter.replaceOp(pool, newReLU);
    return success();
  }
};

/// reshape(reshape(x)) -> reshape(x); the inner may be a flatten.
struct FoldReshapeOfReshape final : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const final {
    Operation *inner = op.getInput().getDefiningOp();
    if (!isa_and_nonnull<ReshapeOp, FlattenOp>(inner))
      return rewriter.notifyMatchFailure(op, "operand not a reshape");
    Value input = inner->getOperand(0);
    if (!isa<RankedTensorType>(input.getType()))
      return rewriter.notifyMatchFailure(op, "shape not inferred yet");
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), input, op.getShapeAttr());
    return success();
  }
};

/// transpose(transpose(x)) -> transpose(x) by both permutations.
struct FoldTransposeOfTranspose final : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const final {
    auto inner = op.getInput().getDefiningOp<TransposeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "operand not a transpose");
    SmallVector<int64_t> permutation =
        applyPermutation(inner.getPermutation(), op.getPermutation());
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getInput(), permutation);
    return success();
  }
};

/// broadcast_like to a static shape -> broadcast, which does not keep `like` alive.
struct BroadcastToStaticShape final : OpRewritePattern<BroadcastLikeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BroadcastLikeOp op, PatternRewriter &rewriter) const final {
    auto like = dyn_cast<RankedTensorType>(op.getLike().getType());
    if (!like || !like.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "shape not static");
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), op.getInput(),
                                             rewriter.getDenseI64ArrayAttr(like.getShape()),
                                             op.getDimsAttr());
    return success();
  }
};

} // namespace

void PowerOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ExpandSmallPower>(context);
}

void MaxPool2DOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<SinkReLUBelowMaxPool>(context);
}

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<FoldReshapeOfReshape>(context);
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<FoldTransposeOfTranspose>(context);
}

void BroadcastLikeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                  MLIRContext *context) {
  patterns.add<BroadcastToStaticShape>(context);
}
