// convert-ai-to-linalg: every `ai` op of a function becomes `linalg.generic`s and views on tensors
// in memory order. Patterns speak of logical dimensions; Layout.h permutes them.

#include "lib/Conversion/AIToLinalg/Patterns.h"

#include "ai/Conversion/Passes.h"
#include "dialects/library/LibraryDialect.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace ai {
#define GEN_PASS_DEF_CONVERTAITOLINALGPASS
#include "ai/Conversion/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// Reports what this level cannot hold any more.
static LogicalResult checkNeeds(Operation *op) {
  if (!isa_and_nonnull<AIDialect>(op->getDialect()))
    return success();
  if (isa<ModelOp, TrainOp, GradientOp, ValueAndGradientOp, ParameterOp, ApplyOptimizerOp>(op))
    return op->emitOpError("expects to be expanded before its module is lowered to linalg; run "
                           "ai-lift-parameters, ai-differentiate and ai-expand-optimizer first");
  for (Type type : llvm::concat<Type>(llvm::to_vector(op->getOperandTypes()),
                                      llvm::to_vector(op->getResultTypes()))) {
    auto tensor = dyn_cast<TensorType>(type);
    if (tensor && !tensor.hasStaticShape())
      return op->emitOpError("expects static shapes, got ")
             << type << "; run ai-infer-shapes and ai-block-batch first";
  }
  return success();
}

namespace {

/// Any op of another dialect whose types have layouts -> the same op on types of memory.
struct ConvertTypes final : ConversionPattern {
  ConvertTypes(const TypeConverter &types, MLIRContext *context)
      : ConversionPattern(types, MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &rewriter) const final {
    if (isa<AIDialect>(op->getDialect()) || op->getNumRegions() != 0)
      return rewriter.notifyMatchFailure(op, "needs an op of another dialect without regions");
    SmallVector<Type> types;
    if (failed(typeConverter->convertTypes(op->getResultTypes(), types)))
      return rewriter.notifyMatchFailure(op, "has types without a form in memory");
    OperationState state(op->getLoc(), op->getName(), operands, types, op->getAttrs(),
                         op->getSuccessors());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

struct ConvertAIToLinalgPass final : ai::impl::ConvertAIToLinalgPassBase<ConvertAIToLinalgPass> {
  using ConvertAIToLinalgPassBase::ConvertAIToLinalgPassBase;

  void runOnOperation() override {
    auto check = [](Operation *op) { return WalkResult(checkNeeds(op)); };
    if (getOperation().walk(check).wasInterrupted())
      return signalPassFailure();

    if (!llvm::is_contained({"auto", "direct", "im2col", "winograd"}, StringRef(conv))) {
      getOperation().emitError("expects conv to be auto, direct, im2col or winograd, got '")
          << conv << "'";
      return signalPassFailure();
    }
    if (!callsLibraries) // which choose their own
      chooseAlgorithms(getOperation(), conv, {vectorBits, masks});

    MLIRContext *context = &getContext();
    LayoutConverter types;
    RewritePatternSet patterns(context);
    populateAIToLinalgPatterns(types, l1, patterns);
    if (callsLibraries)
      populateLibraryLowerings(types, patterns);
    populateAnyFunctionOpInterfaceTypeConversionPattern(patterns, types);
    patterns.add<ConvertTypes>(types, context);

    ConversionTarget target(*context);
    target.addIllegalDialect<AIDialect>();
    target.markUnknownOpDynamicallyLegal([&](Operation *op) {
      if (auto function = dyn_cast<FunctionOpInterface>(op))
        return types.isSignatureLegal(cast<FunctionType>(function.getFunctionType()));
      return types.isLegal(op);
    });
    if (failed(applyFullConversion(getOperation(), target, std::move(patterns))))
      return signalPassFailure();
    // The driver also removes what is dead by now: a sum that was made again to start from another
    // value, a convolution that was made again in a pool's windows.
    RewritePatternSet fusion(context);
    populateElementwiseFusion(fusion);
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), std::move(fusion), config)))
      signalPassFailure();
  }
};

} // namespace

void ai::populateAIToLinalgPatterns(const TypeConverter &types, int64_t l1,
                                    RewritePatternSet &patterns) {
  populateElementwiseLowerings(types, patterns);
  populateContractionLowerings(types, patterns);
  populateReductionLowerings(types, patterns);
  populateConvolutionLowerings(types, l1, patterns);
  populateSparseLowerings(types, l1, patterns);
  populatePoolingLowerings(types, patterns);
  populateShapeLowerings(types, patterns);
  populateLossLowerings(types, patterns);
  populateRandomLowerings(types, patterns);
}
