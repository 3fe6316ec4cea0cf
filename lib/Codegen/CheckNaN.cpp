// Inserts the calls that look for a NaN: in what a block is given, and behind each nest in what it
// has written, once all of it is written: until then other buffers may have left anything there.
// Who updates parameters is left out; the runtime looks at those when a step is over.

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
    // Loops that are unrolled leave stores between the nests: one look behind the last of them.
    llvm::MapVector<Value, Operation *> stores;
    for (Operation &op : llvm::make_early_inc_range(block.getBody().front())) {
      std::optional<Access> access = getAccess(&op);
      if (access && access->isWrite)
        for (auto [buffer, bytes] : addWritten(&op)) {
          stores.erase(buffer);
          stores[buffer] = &op;
        }
      if (op.getNumRegions() == 0 && !op.hasTrait<OpTrait::IsTerminator>())
        continue;
      for (auto [buffer, store] : stores) {
        b.setInsertionPointAfter(store);
        checkWritten(b, store, buffer);
      }
      stores.clear();
      b.setInsertionPointAfter(&op);
      for (auto [buffer, bytes] : addWritten(&op))
        checkWritten(b, &op, buffer);
    }
    written.clear();
  }

  /// Counts what `op` writes, a store or a nest; returns it.
  llvm::MapVector<Value, double> addWritten(Operation *op) {
    llvm::MapVector<Value, double> own = getWrittenBytes(op);
    for (auto [buffer, bytes] : own)
      written[buffer] += bytes;
    return own;
  }

  void checkWritten(OpBuilder &b, Operation *writer, Value buffer) {
    if (written[buffer] >= double(bytesOf(cast<MemRefType>(buffer.getType()))))
      call(b, writer->getLoc(), buffer, getCost(writer).name);
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
  llvm::DenseMap<Value, double> written; // bytes of each buffer
  SmallVector<StringRef> names;          // of the context
};
} // namespace
