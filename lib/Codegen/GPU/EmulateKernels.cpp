// Kernels in the NVVM dialect -> functions of the host that the runtime's emulator calls, once for
// each thread. A function gets one more argument, the record of its thread (ai_rt_gpu_thread_t):
//
//   { ptr shared, i64 shared_bytes, ptr arena, i64 arena_bytes, i32 thread, i32 block, i32 blocks }
//
// Sizes are those that accesses are compared with: with 0 the runtime sees every access.

#include "GridBarriers.h"
#include "KernelPointers.h"
#include "ai/Codegen/Passes.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/Support/xxhash.h"

namespace ai {
#define GEN_PASS_DEF_AIEMULATEKERNELSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

namespace {
/// Fields of the record.
enum Field { Shared, SharedBytes, Arena, ArenaBytes, Thread, Block, Blocks };

std::string emulatedName(StringRef name) { return ("emulate." + name).str(); }

class KernelEmulator {
public:
  /// Barriers are counted through all kernels by `numBarriers`.
  KernelEmulator(ModuleOp host, LLVM::LLVMFuncOp kernel, int64_t &numBarriers)
      : host(host), kernel(kernel), layout(host), b(host.getContext()), numBarriers(numBarriers) {}

  LogicalResult run() {
    cloneKernel();
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) { ops.push_back(op); });
    addRecord();
    for (Operation *op : ops)
      if (failed(rewrite(op)))
        return failure();
    function.walk([&](Operation *op) {
      for (Value result : op->getResults())
        result.setType(hostType(result.getType()));
    });
    function.walk([&](mlir::Block *block) {
      for (BlockArgument argument : block->getArguments())
        argument.setType(hostType(argument.getType()));
    });
    return success();
  }

private:
  LLVM::LLVMPointerType pointerType() { return LLVM::LLVMPointerType::get(b.getContext()); }

  /// All memories of a GPU are one on the host.
  Type hostType(Type type) { return isa<LLVM::LLVMPointerType>(type) ? pointerType() : type; }

  void cloneKernel() {
    b.setInsertionPointToEnd(host.getBody());
    function = cast<LLVM::LLVMFuncOp>(b.clone(*kernel));
    function.setName(emulatedName(kernel.getName()));
    SmallVector<NamedAttribute> kept;
    for (NamedAttribute attribute : function->getDiscardableAttrs())
      if (!attribute.getName().getValue().contains('.'))
        kept.push_back(attribute);
    function->setDiscardableAttrs(kept);
    function.removeArgAttrsAttr();
  }

  void addRecord() {
    SmallVector<Type> types(function.getArgumentTypes());
    types.push_back(pointerType());
    function.setType(LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), types));
    record = function.getBody().front().addArgument(pointerType(), function.getLoc());
    // Fields are read once: LLVM cannot know that a barrier leaves them alone.
    b.setInsertionPointToStart(&function.getBody().front());
    shared = readField(Shared);
    sharedBytes = readField(SharedBytes);
    arena = readField(Arena);
    arenaBytes = readField(ArenaBytes);
  }

  Value readField(Field field) {
    Location loc = function.getLoc();
    Type i64 = b.getI64Type(), i32 = b.getI32Type();
    Type fields[] = {pointerType(), i64, pointerType(), i64, i32, i32, i32};
    auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
    Value at = LLVM::GEPOp::create(b, loc, pointerType(), type, record,
                                   ArrayRef<LLVM::GEPArg>{0, int32_t(field)});
    return LLVM::LoadOp::create(b, loc, fields[field], at);
  }

  LogicalResult rewrite(Operation *op) {
    b.setInsertionPoint(op);
    if (isa<NVVM::ThreadIdXOp>(op))
      return replace(op, readField(Thread));
    if (isa<NVVM::BlockIdXOp>(op))
      return replace(op, readField(Block));
    if (isa<NVVM::GridDimXOp>(op))
      return replace(op, readField(Blocks));
    if (isa<NVVM::Barrier0Op, NVVM::BarrierOp>(op))
      return rewriteBarrier(op, "ai_rt_gpu_barrier");
    if (isa<NVVM::SyncWarpOp>(op)) // of whole warps
      return rewriteBarrier(op, "ai_rt_gpu_warp_barrier");
    if (isCallOf(kGridBarrier, op))
      return rewriteBarrier(op, "ai_rt_gpu_grid_barrier");
    if (isCallOf(kBeginTurn, op))
      return rewriteBarrier(op, "ai_rt_gpu_turn_barrier");
    if (auto own = dyn_cast<LLVM::CallOp>(op); own && own.getCallee())
      return rewriteCall(own);
    if (auto shuffle = dyn_cast<NVVM::ShflOp>(op))
      return rewriteShuffle(shuffle);
    if (auto product = dyn_cast<NVVM::MmaOp>(op))
      return rewriteProduct(product);
    if (isa<NVVM::ConvertFloatToTF32Op, NVVM::ConvertF32x2ToBF16x2Op>(op))
      return rewriteRounding(op);
    if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
      return rewriteAddress(address);
    if (auto cast = dyn_cast<LLVM::AddrSpaceCastOp>(op))
      return replace(op, cast.getArg());
    if (auto load = dyn_cast<LLVM::LoadOp>(op))
      checkAccess(op, load.getAddr(), load.getType(), /*isWrite=*/false);
    else if (auto store = dyn_cast<LLVM::StoreOp>(op))
      checkAccess(op, store.getAddr(), store.getValue().getType(), /*isWrite=*/true);
    else if (isa<NVVM::NVVMDialect>(op->getDialect()))
      return op->emitOpError("is unknown to the emulator of ai-emulate-kernels");
    return success();
  }

  /// A phase of a kernel: it has the same record.
  LogicalResult rewriteCall(LLVM::CallOp op) {
    auto callee = FlatSymbolRefAttr::get(b.getContext(), emulatedName(*op.getCallee()));
    SmallVector<Value> operands(op.getArgOperands());
    operands.push_back(record);
    LLVM::CallOp::create(b, op.getLoc(), TypeRange(), callee, operands);
    op.erase();
    return success();
  }

  LogicalResult rewriteBarrier(Operation *op, StringRef name) {
    call(name, {record, nextBarrier(op), place(op)}, op->getLoc());
    op->erase();
    return success();
  }

  /// Of whole warps, between lanes whose numbers differ in some bits.
  LogicalResult rewriteShuffle(NVVM::ShflOp op) {
    if (op.getKind() != NVVM::ShflKind::bfly)
      return op.emitOpError("is unknown to the emulator of ai-emulate-kernels");
    Location loc = op.getLoc();
    Value bits = op.getVal();
    if (bits.getType() != b.getI32Type())
      bits = LLVM::BitcastOp::create(b, loc, b.getI32Type(), bits);
    Value received =
        call("ai_rt_gpu_shuffle", {record, bits, op.getOffset(), nextBarrier(op), place(op)}, loc,
             b.getI32Type());
    if (op.getVal().getType() != b.getI32Type())
      received = LLVM::BitcastOp::create(b, loc, op.getVal().getType(), received);
    if (auto pair = dyn_cast<LLVM::LLVMStructType>(op.getType())) { // with whether the lane exists
      Value both = LLVM::UndefOp::create(b, loc, pair);
      Value yes = LLVM::ConstantOp::create(b, loc, b.getI1Type(), b.getBoolAttr(true));
      both = LLVM::InsertValueOp::create(b, loc, both, received, ArrayRef<int64_t>{0});
      received = LLVM::InsertValueOp::create(b, loc, both, yes, ArrayRef<int64_t>{1});
    }
    return replace(op, received);
  }

  /// Of whole warps. What a thread hands in, four registers of lhs, two of rhs and four sums, lies
  /// in its own memory, and so do the new sums.
  LogicalResult rewriteProduct(NVVM::MmaOp op) {
    auto isFactor = [&](NVVM::MMATypes type) {
      return op.getMultiplicandAPtxType() == type && op.getMultiplicandBPtxType() == type;
    };
    NVVM::MMAShapeAttr shape = op.getShape();
    bool isTF32 = isFactor(NVVM::MMATypes::tf32) && shape.getK() == 8;
    bool isBF16 = isFactor(NVVM::MMATypes::bf16) && shape.getK() == 16;
    if ((!isTF32 && !isBF16) || shape.getM() != 16 || shape.getN() != 8)
      return op.emitOpError("is unknown to the emulator of ai-emulate-kernels");
    Location loc = op.getLoc();
    if (!fragments) {
      OpBuilder top = OpBuilder::atBlockBegin(&function.getBody().front());
      Value count = LLVM::ConstantOp::create(top, loc, top.getI32IntegerAttr(10));
      fragments = LLVM::AllocaOp::create(top, loc, pointerType(), top.getI32Type(), count);
    }
    auto at = [&](int32_t i) -> Value {
      return LLVM::GEPOp::create(b, loc, pointerType(), b.getI32Type(), fragments,
                                 ArrayRef<LLVM::GEPArg>{i});
    };
    for (auto [i, operand] : llvm::enumerate(op.getOperands()))
      LLVM::StoreOp::create(b, loc, operand, at(int32_t(i)));
    Value isPairs = LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(isBF16));
    call("ai_rt_gpu_multiply", {record, fragments, isPairs, nextBarrier(op), place(op)}, loc);
    Value sums = LLVM::UndefOp::create(b, loc, op.getType());
    for (int32_t i = 0; i < 4; ++i) {
      Value sum = LLVM::LoadOp::create(b, loc, b.getF32Type(), at(6 + i));
      sums = LLVM::InsertValueOp::create(b, loc, sums, sum, ArrayRef<int64_t>{i});
    }
    return replace(op, sums);
  }

  LogicalResult rewriteRounding(Operation *op) {
    if (isa<NVVM::ConvertFloatToTF32Op>(op))
      return replace(op,
                     call("ai_rt_gpu_round_tf32", op->getOperand(0), op->getLoc(), b.getI32Type()));
    Value pair = call("ai_rt_gpu_pack_bf16", {op->getOperand(0), op->getOperand(1)}, op->getLoc(),
                      b.getI32Type());
    return replace(op, LLVM::BitcastOp::create(b, op->getLoc(), op->getResultTypes()[0], pair));
  }

  Value nextBarrier(Operation *op) {
    return LLVM::ConstantOp::create(b, op->getLoc(), b.getI64Type(),
                                    b.getI64IntegerAttr(numBarriers++));
  }

  LogicalResult replace(Operation *op, Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op->erase();
    return success();
  }

  /// Shared memory lies where the record says; constants are copied.
  LogicalResult rewriteAddress(LLVM::AddressOfOp address) {
    auto global = kernel->getParentOfType<gpu::GPUModuleOp>().lookupSymbol<LLVM::GlobalOp>(
        address.getGlobalName());
    if (global.getAddrSpace() == kSharedSpace)
      return replace(address, shared);
    std::string name = ("emulate." + global.getName()).str();
    if (!host.lookupSymbol(name)) {
      OpBuilder top = OpBuilder::atBlockEnd(host.getBody());
      auto copy = cast<LLVM::GlobalOp>(top.clone(*global));
      copy.setName(name);
      copy.setLinkage(LLVM::Linkage::Internal);
      copy.setAddrSpace(0);
    }
    address.setGlobalName(name);
    return success();
  }

  /// if (address - base > size - bytes) ai_rt_gpu_access(record, address, bytes, ...)
  void checkAccess(Operation *op, Value address, Type type, bool isWrite) {
    Location loc = op->getLoc();
    Value origin = originOf(address);
    if (origin.getDefiningOp<LLVM::AllocaOp>() || origin.getDefiningOp<LLVM::AddressOfOp>())
      return; // a thread's own, and constants
    bool isShared = origin == shared;
    int64_t bytes = layout.getTypeSize(type);
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(b, loc, b.getI64Type(), b.getI64IntegerAttr(value));
    };
    auto asInteger = [&](Value pointer) -> Value {
      return LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), pointer);
    };
    Value offset =
        LLVM::SubOp::create(b, loc, asInteger(address), asInteger(isShared ? shared : arena));
    Value end = LLVM::AddOp::create(b, loc, offset, constant(bytes));
    Value isOutside =
        LLVM::OrOp::create(b, loc,
                           LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ugt, end,
                                                isShared ? sharedBytes : arenaBytes),
                           LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, end, offset));
    // An op of its own block: the call is rare, and what follows is not moved behind it.
    mlir::Block *before = op->getBlock();
    mlir::Block *after = before->splitBlock(op);
    mlir::Block *report = b.createBlock(after);
    call("ai_rt_gpu_access",
         {record, address, constant(bytes), constant(isWrite), constant(isShared), place(op)}, loc);
    LLVM::BrOp::create(b, loc, ValueRange(), after);
    b.setInsertionPointToEnd(before);
    LLVM::CondBrOp::create(b, loc, isOutside, report, after);
  }

  /// The op's place in the model file, as text.
  Value place(Operation *op) {
    std::string text = modelPlaceOf(op) + '\0';
    std::string name = "emulate.place." + std::to_string(llvm::xxh3_64bits(text));
    if (!host.lookupSymbol(name)) {
      OpBuilder top = OpBuilder::atBlockEnd(host.getBody());
      LLVM::GlobalOp::create(
          top, op->getLoc(), LLVM::LLVMArrayType::get(b.getI8Type(), text.size()),
          /*isConstant=*/true, LLVM::Linkage::Internal, name, b.getStringAttr(text));
    }
    return LLVM::AddressOfOp::create(b, op->getLoc(), pointerType(), name);
  }

  /// Calls a function of the runtime; returns its result if it has one.
  Value call(StringRef name, ValueRange operands, Location loc, Type result = {}) {
    auto callee = host.lookupSymbol<LLVM::LLVMFuncOp>(name);
    if (!callee) {
      OpBuilder top = OpBuilder::atBlockEnd(host.getBody());
      auto type =
          LLVM::LLVMFunctionType::get(result ? result : LLVM::LLVMVoidType::get(b.getContext()),
                                      llvm::to_vector(operands.getTypes()));
      callee = LLVM::LLVMFuncOp::create(top, loc, name, type);
    }
    auto call = LLVM::CallOp::create(b, loc, callee, operands);
    return result ? call.getResult() : Value();
  }

  ModuleOp host;
  LLVM::LLVMFuncOp kernel, function;
  DataLayout layout;
  OpBuilder b;
  int64_t &numBarriers;
  Value record, shared, sharedBytes, arena, arenaBytes;
  Value fragments; // of a product that is being made; null if there is none
};

struct EmulateKernels final : ai::impl::AIEmulateKernelsPassBase<EmulateKernels> {
  void runOnOperation() final {
    SmallVector<LLVM::LLVMFuncOp> functions;
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>())
      for (auto f : module.getOps<LLVM::LLVMFuncOp>())
        if (!f.isExternal())
          functions.push_back(f);
    int64_t numBarriers = 0;
    for (LLVM::LLVMFuncOp f : functions)
      if (failed(KernelEmulator(getOperation(), f, numBarriers).run()))
        return signalPassFailure();
  }
};
} // namespace
