// A library is told once where its operands lie, so each needs a place of its own in the arena that
// is the same in every step, without gaps between its elements.

#include "ai/Codegen/Passes.h"
#include "dialects/library/LibraryDialect.h"
#include "lib/Codegen/AffineAccess.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace ai {
#define GEN_PASS_DEF_AIPLACECALLOPERANDSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// Samples are where the data set has them, metrics where the step's entry is.
static constexpr StringRef kElsewhere[] = {"input", "target", "rows", "metric"};

/// Whether the value is all of a memory, or a dense part of it, that lies at a constant place.
static bool hasPlace(func::FuncOp f, Value value) {
  auto type = cast<MemRefType>(value.getType());
  if (!type.getLayout().isIdentity())
    return false;
  while (Operation *op = value.getDefiningOp()) {
    if (isa<memref::AllocOp>(op))
      return true;
    if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(op))
      return false;
    value = op->getOperand(0);
  }
  auto role = f.getArgAttrOfType<StringAttr>(cast<BlockArgument>(value).getArgNumber(), "ai.role");
  return role && !llvm::is_contained(kElsewhere, role.getValue());
}

namespace {
struct PlaceCallOperands final : ai::impl::AIPlaceCallOperandsPassBase<PlaceCallOperands> {
  void runOnOperation() final {
    if (getOperation().isDeclaration())
      return;
    copies.clear();
    for (auto call : getOperation().getOps<library::CallOp>())
      for (OpOperand &operand : call->getOpOperands())
        if (!hasPlace(getOperation(), operand.get()))
          copy(call, operand);
  }

  void copy(library::CallOp call, OpOperand &operand) {
    Value original = operand.get();
    if (Value known = copies.lookup(original))
      return operand.set(known);
    ++numCopies;
    OpBuilder b(call);
    auto type = cast<MemRefType>(original.getType());
    Value own = memref::AllocOp::create(b, call.getLoc(),
                                        MemRefType::get(type.getShape(), type.getElementType()));
    operand.set(own);
    if (call.isDpsInput(&operand)) {
      linalg::CopyOp::create(b, call.getLoc(), original, own);
      if (isSample(original))
        copies[original] = own;
      return;
    }
    b.setInsertionPointAfter(call);
    linalg::CopyOp::create(b, call.getLoc(), own, original);
  }

  /// What nobody writes, so that one copy serves all calls behind it.
  bool isSample(Value value) {
    auto argument = dyn_cast<BlockArgument>(memoryOf(value));
    auto role =
        argument ? getOperation().getArgAttrOfType<StringAttr>(argument.getArgNumber(), "ai.role")
                 : StringAttr();
    return role && (role.getValue() == "input" || role.getValue() == "target");
  }

  DenseMap<Value, Value> copies;
};
} // namespace
