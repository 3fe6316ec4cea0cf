// Writes where a program begins: `main`, or the function of a library that returns its table.

#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIEMITENTRYPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

namespace {
struct EmitEntryPass : ai::impl::AIEmitEntryPassBase<EmitEntryPass> {
  using AIEmitEntryPassBase::AIEmitEntryPassBase;

  void runOnOperation() final {
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    pointer = LLVM::LLVMPointerType::get(&getContext());
    makeList(b);
    accessor.empty() ? makeMain(b) : makeAccessor(b);
  }

private:
  /// The addresses of all tables, as a constant array.
  void makeList(OpBuilder &b) {
    Location loc = getOperation().getLoc();
    for (const std::string &name : programs)
      if (!getOperation().lookupSymbol(name)) {
        auto table =
            LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), 0),
                                   /*isConstant=*/true, LLVM::Linkage::External, name, Attribute());
        table.setVisibility_(LLVM::Visibility::Hidden);
      }
    auto type = LLVM::LLVMArrayType::get(pointer, programs.size());
    auto list = LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
                                       kList, Attribute(), /*alignment=*/8);
    OpBuilder inside(b.getContext());
    inside.createBlock(&list.getInitializerRegion());
    Value value = LLVM::UndefOp::create(inside, loc, type);
    for (auto [i, name] : llvm::enumerate(programs)) {
      Value table = LLVM::AddressOfOp::create(inside, loc, pointer, name);
      value = LLVM::InsertValueOp::create(inside, loc, value, table, ArrayRef<int64_t>(i));
    }
    LLVM::ReturnOp::create(inside, loc, value);
  }

  /// int main(argc, argv) { return ai_rt_main(ai_rt_program_select(list, size), argc, argv); }
  void makeMain(OpBuilder &b) {
    Location loc = getOperation().getLoc();
    Type i32 = b.getI32Type();
    LLVM::LLVMFuncOp select = declareSelect(b);
    auto callee = LLVM::LLVMFuncOp::create(
        b, loc, "ai_rt_main", LLVM::LLVMFunctionType::get(i32, {pointer, i32, pointer}));
    auto main =
        LLVM::LLVMFuncOp::create(b, loc, "main", LLVM::LLVMFunctionType::get(i32, {i32, pointer}));
    OpBuilder inside(b.getContext());
    Block *body = main.addEntryBlock(inside);
    inside.setInsertionPointToStart(body);
    auto call = LLVM::CallOp::create(
        inside, loc, callee,
        ValueRange{callSelect(inside, select), body->getArgument(0), body->getArgument(1)});
    LLVM::ReturnOp::create(inside, loc, call.getResults());
  }

  /// const ai_rt_program_t *ACCESSOR(void) { return ai_rt_program_select(list, size); }
  void makeAccessor(OpBuilder &b) {
    Location loc = getOperation().getLoc();
    LLVM::LLVMFuncOp select = declareSelect(b);
    auto function =
        LLVM::LLVMFuncOp::create(b, loc, accessor, LLVM::LLVMFunctionType::get(pointer, {}));
    OpBuilder inside(b.getContext());
    inside.setInsertionPointToStart(function.addEntryBlock(inside));
    LLVM::ReturnOp::create(inside, loc, callSelect(inside, select));
  }

  LLVM::LLVMFuncOp declareSelect(OpBuilder &b) {
    return LLVM::LLVMFuncOp::create(
        b, getOperation().getLoc(), "ai_rt_program_select",
        LLVM::LLVMFunctionType::get(pointer, {pointer, b.getI64Type()}));
  }

  Value callSelect(OpBuilder &b, LLVM::LLVMFuncOp select) {
    Location loc = getOperation().getLoc();
    Value list = LLVM::AddressOfOp::create(b, loc, pointer, kList);
    Value size = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(programs.size()));
    return LLVM::CallOp::create(b, loc, select, ValueRange{list, size}).getResult();
  }

  static constexpr StringLiteral kList = "ai.programs";
  Type pointer;
};
} // namespace
