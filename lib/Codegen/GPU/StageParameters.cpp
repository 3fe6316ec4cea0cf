// Small parameters that a thread block reads again and again, such as the weights of a convolution,
// are copied into a buffer of the block first: it will lie in shared memory.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace ai {
#define GEN_PASS_DEF_AISTAGEPARAMETERSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;

/// An element must be read this often, or the copy and the wait for it are not worth it.
static constexpr int64_t kReads = 16;

/// How often elements of a memref are read by linalg ops, views of it included; none if something
/// else touches it, or writes it.
static std::optional<int64_t> countReads(Value memref) {
  int64_t reads = 0;
  for (OpOperand &use : memref.getUses()) {
    Operation *user = use.getOwner();
    std::optional<int64_t> more;
    if (isa<ViewLikeOpInterface>(user)) {
      more = countReads(user->getResult(0));
    } else if (auto op = dyn_cast<linalg::LinalgOp>(user); op && op.isDpsInput(&use)) {
      more = 1;
      for (int64_t size : op.getStaticLoopRanges())
        *more *= size;
    }
    if (!more)
      return std::nullopt;
    reads += *more;
  }
  return reads;
}

namespace {
struct StageParameters final : ai::impl::AIStageParametersPassBase<StageParameters> {
  using AIStageParametersPassBase::AIStageParametersPassBase;

  void runOnOperation() final {
    func::FuncOp f = getOperation();
    if (f.isDeclaration() || !ai::isBlock(f))
      return;
    int64_t left = bytes;
    OpBuilder b = OpBuilder::atBlockBegin(&f.getBody().front());
    for (BlockArgument argument : f.getArguments()) {
      auto role = f.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "ai.role");
      auto type = dyn_cast<MemRefType>(argument.getType());
      if (!role || role.getValue() != "parameter" || !type || !type.hasStaticShape())
        continue;
      int64_t size = ai::bytesOf(type);
      std::optional<int64_t> reads = countReads(argument);
      if (size > left || !reads || *reads < kReads * type.getNumElements())
        continue;
      left -= size;
      ++numStaged;
      Value copy = memref::AllocOp::create(b, argument.getLoc(), type);
      argument.replaceAllUsesWith(copy);
      linalg::CopyOp::create(b, argument.getLoc(), argument, copy);
    }
  }
};
} // namespace
