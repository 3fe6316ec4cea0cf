// Inserts the calls that look for a NaN: in what a block is given, and behind each nest in what it
// has written, once all of it is written: until then a buffer may hold anything. Who updates
// parameters is left out; the runtime looks at those when a step is over.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/NestCosts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AICHECKNANPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace ai;

namespace {
struct CheckNaN final : ai::impl::AICheckNaNPassBase<CheckNaN> {
  void runOnOperation() final {
    OpBuilder b(&getContext());
    b.setInsertionPointToStart(getOperation().getBody());
    SmallVector<Type> integers(4, b.getI64Type());
    check = func::FuncOp::create(b, getOperation().getLoc(), "ai_rt_check_nan",
                                 b.getFunctionType(integers, {}));
    check.setPrivate();
    for (func::FuncOp f : getStepFunctions(getOperation()))
      if (isBlock(f))
        checkBlock(f);
    getOperation()->setAttr("ai.checks", b.getStrArrayAttr(names));
  }

private:
  void checkBlock(func::FuncOp block) {
    // A thread of a team would look at what others have not written yet.
    block->setAttr("ai.alone", UnitAttr::get(block.getContext()));
    OpBuilder b = OpBuilder::atBlockBegin(&block.getBody().front());
    for (unsigned i = 0; i < block.getNumArguments(); ++i) {
      auto role = block.getArgAttrOfType<StringAttr>(i, "ai.role");
      auto name = block.getArgAttrOfType<StringAttr>(i, "ai.name");
      if (role && name && (role.getValue() == "input" || role.getValue() == "target"))
        call(b, block.getLoc(), block.getArgument(i), name.getValue());
    }
    llvm::MapVector<Value, double> written;
    for (Operation *nest : getNests(block)) {
      b.setInsertionPointAfter(nest);
      for (auto [buffer, bytes] : getWrittenBytes(nest)) {
        written[buffer] += bytes;
        if (written[buffer] >= double(bytesOf(cast<MemRefType>(buffer.getType()))))
          call(b, nest->getLoc(), buffer, getCost(nest).name);
      }
    }
  }

  /// Looks through `buffer`, if it is of floats; what is found is called `name`.
  void call(OpBuilder &b, Location loc, Value buffer, StringRef name) {
    auto type = cast<MemRefType>(buffer.getType());
    if (!isa<Float32Type, Float64Type>(type.getElementType()))
      return;
    auto number = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
    };
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, buffer);
    address = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
    Value arguments[] = {number(int64_t(names.size())), address, number(type.getNumElements()),
                         number(type.getElementTypeBitWidth() / 8)};
    func::CallOp::create(b, loc, check, arguments);
    names.push_back(b.getStringAttr(name).getValue());
  }

  func::FuncOp check;
  SmallVector<StringRef> names; // of the context
};
} // namespace
