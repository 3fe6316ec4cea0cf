// ai-reduce: mlir-reduce with our passes, and with a rule that leaves ops of a model out.

#include "ai/Driver/Driver.h"
#include "dialects/ai/AIDialect.h"
#include "lib/Driver/Source.h"
#include "mlir/Reducer/ReductionPatternInterface.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace ai {

/// Whether `leaveOut` can leave an op out: it is one of a model, and reads what it makes or is the
/// first or the last.
static bool canLeaveOut(Operation *op) {
  if (!isa_and_nonnull<ModelOp>(op->getParentOp()) || op->getNumOperands() == 0 ||
      op->getNumResults() != 1)
    return false;
  Value from = op->getOperand(0), to = op->getResult(0);
  return from.getType() == to.getType() || (isa<BlockArgument>(from) && from.hasOneUse()) ||
         (to.hasOneUse() && isa<ReturnOp>(*to.user_begin()));
}

/// What the op reads takes the place of what it computes. At the beginning of a model, that then
/// takes what the op made; at its end it returns what the op read. Parameters of the op alone go,
/// too.
static void leaveOut(Operation *op, RewriterBase &rewriter) {
  auto model = cast<ModelOp>(op->getParentOp());
  SmallVector<Value> operands(op->getOperands());
  Value from = operands.front(), to = op->getResult(0);
  rewriter.modifyOpInPlace(model, [&] {
    if (isa<BlockArgument>(from) && from.hasOneUse())
      from.setType(to.getType());
    rewriter.replaceOp(op, from);
    for (Value operand : llvm::drop_begin(operands))
      if (auto parameter = operand.getDefiningOp<ParameterOp>(); parameter && operand.use_empty())
        rewriter.eraseOp(parameter);
    Block &body = model.getBody().front();
    model.setType(
        rewriter.getFunctionType(body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
  });
}

namespace {
/// Leaves an op out if a copy of the module without it is still of interest: the driver expects
/// that no pattern spoils that.
struct LeaveOut final : RewritePattern {
  LeaveOut(MLIRContext *context, Tester &tester)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context), tester(tester) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const final {
    if (!canLeaveOut(op))
      return failure();
    IRMapping copies;
    OwningOpRef<ModuleOp> copy = cast<ModuleOp>(op->getParentOfType<ModuleOp>()->clone(copies));
    IRRewriter copyRewriter(getContext());
    leaveOut(copies.lookup(op), copyRewriter);
    if (tester.isInteresting(*copy).first != Tester::Interestingness::True)
      return failure();
    leaveOut(op, rewriter);
    return success();
  }

  Tester &tester;
};

struct ReductionInterface final : DialectReductionPatternInterface {
  explicit ReductionInterface(Dialect *dialect) : DialectReductionPatternInterface(dialect) {}

  void populateReductionPatterns(RewritePatternSet &) const final {}
  void populateReductionPatternsWithTester(RewritePatternSet &patterns,
                                           Tester &tester) const final {
    patterns.add<LeaveOut>(patterns.getContext(), tester);
  }
};
} // namespace

int reduceMain(int argc, char **argv) {
  initTool();
  // Upstream opens the file itself, and its parser is recursive.
  for (StringRef argument : ArrayRef(argv, argc).drop_front())
    if (llvm::sys::fs::is_regular_file(argument) && !openSource(argument))
      return 1;
  registerPasses();
  DialectRegistry registry;
  registerDialects(registry);
  registry.addExtension(
      +[](MLIRContext *, AIDialect *dialect) { dialect->addInterfaces<ReductionInterface>(); });
  MLIRContext context(registry);
  return failed(mlirReduceMain(argc, argv, context));
}

} // namespace ai
