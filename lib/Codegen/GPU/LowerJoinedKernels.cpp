// What joined kernels are made of -> what a GPU has. At a barrier of the grid the threads of a
// block wait, one of them adds the block to a counter and looks at it until all blocks are there.
// NVIDIA's cooperative groups count so: each block adds 1, and the first one what is missing to the
// highest bit of the word, which changes when the last one comes, and by then all other bits are
// zero again. So nobody clears the counter, and grids may have different sizes.
//
// NVPTX drops the ordering of an atomicrmw, so the fence stands for itself, in front of it, and
// what is looked at is an acquire load.

#include "GridBarriers.h"
#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace ai {
#define GEN_PASS_DEF_AILOWERJOINEDKERNELSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

static constexpr StringLiteral kCounter = "ai_grid_counter";
/// NVPTX's address space of global memory.
static constexpr unsigned kGlobalSpace = 1;
/// Of all threads of the GPU.
static constexpr StringLiteral kScope = "device";

namespace {
/// Writes one barrier.
class BarrierWriter {
public:
  BarrierWriter(Operation *call) : call(call), loc(call->getLoc()), b(call) {}

  void write() {
    NVVM::Barrier0Op::create(b, loc);
    Value zero = constant(0);
    Value thread = NVVM::ThreadIdXOp::create(b, loc, b.getI32Type());
    Value isFirst = isEqual(thread, zero);
    Block *before = call->getBlock(), *after = before->splitBlock(call);
    Block *arrive = b.createBlock(after), *look = b.createBlock(after);
    b.setInsertionPointToEnd(before);
    LLVM::CondBrOp::create(b, loc, isFirst, arrive, after);

    b.setInsertionPointToEnd(arrive);
    auto pointer = LLVM::LLVMPointerType::get(b.getContext(), kGlobalSpace);
    Value counter = LLVM::AddressOfOp::create(b, loc, pointer, kCounter);
    LLVM::FenceOp::create(b, loc, LLVM::AtomicOrdering::acq_rel, kScope);
    Value old = LLVM::AtomicRMWOp::create(b, loc, LLVM::AtomicBinOp::add, counter, ownPart(zero),
                                          LLVM::AtomicOrdering::monotonic, kScope);
    LLVM::BrOp::create(b, loc, ValueRange(), look);

    b.setInsertionPointToEnd(look);
    Value now = LLVM::LoadOp::create(b, loc, b.getI32Type(), counter, /*alignment=*/4,
                                     /*isVolatile=*/false, /*isNonTemporal=*/false,
                                     /*isInvariant=*/false, /*isInvariantGroup=*/false,
                                     LLVM::AtomicOrdering::acquire, kScope);
    Value changed = LLVM::XOrOp::create(b, loc, old, now);
    Value isOpen = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, changed, zero);
    LLVM::CondBrOp::create(b, loc, isOpen, after, look);

    b.setInsertionPoint(call);
    NVVM::Barrier0Op::create(b, loc);
  }

private:
  /// What this block adds: 1, or all that the others do not add to 2^31.
  Value ownPart(Value zero) {
    Value block = NVVM::BlockIdXOp::create(b, loc, b.getI32Type());
    Value blocks = NVVM::GridDimXOp::create(b, loc, b.getI32Type());
    Value rest = LLVM::SubOp::create(b, loc, constant(INT32_MIN + 1), blocks);
    return LLVM::SelectOp::create(b, loc, isEqual(block, zero), rest, constant(1));
  }

  Value constant(int32_t value) {
    return LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
  }
  Value isEqual(Value lhs, Value rhs) {
    return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, lhs, rhs);
  }

  Operation *call;
  Location loc;
  OpBuilder b;
};

struct LowerJoinedKernels final : ai::impl::AILowerJoinedKernelsPassBase<LowerJoinedKernels> {
  void runOnOperation() final {
    gpu::GPUModuleOp kernels = getOperation();
    SmallVector<Operation *> calls;
    kernels.walk([&](LLVM::CallOp call) { calls.push_back(call); });
    for (Operation *call : calls) {
      if (isCallOf(kGridBarrier, call))
        writeBarrier(kernels, call);
      else if (isCallOf(kBeginTurn, call))
        beginTurn(call);
    }
    for (StringRef name : {kGridBarrier, kBeginTurn})
      if (Operation *declared = kernels.lookupSymbol(name))
        declared->erase();
    for (auto f : kernels.getOps<LLVM::LLVMFuncOp>())
      if (!f->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
        nameMemory(kernels, f);
  }

  /// The arguments of phases point to global memory, as NVPTX knows of those of kernels only.
  static void nameMemory(gpu::GPUModuleOp kernels, LLVM::LLVMFuncOp phase) {
    OpBuilder b = OpBuilder::atBlockBegin(&phase.getBody().front());
    auto global = LLVM::LLVMPointerType::get(b.getContext(), kGlobalSpace);
    SmallVector<Type> types(phase.getArgumentTypes());
    for (BlockArgument argument : phase.getArguments()) {
      Type type = argument.getType();
      if (!isa<LLVM::LLVMPointerType>(type))
        continue;
      types[argument.getArgNumber()] = global;
      argument.setType(global);
      auto any = LLVM::AddrSpaceCastOp::create(b, phase.getLoc(), type, argument);
      argument.replaceAllUsesExcept(any, any);
    }
    auto type = phase.getFunctionType();
    phase.setType(LLVM::LLVMFunctionType::get(type.getReturnType(), types));
    kernels.walk([&](LLVM::CallOp call) {
      if (call.getCallee() != phase.getName())
        return;
      OpBuilder before(call);
      for (OpOperand &operand : call->getOpOperands())
        if (isa<LLVM::LLVMPointerType>(operand.get().getType()))
          operand.set(LLVM::AddrSpaceCastOp::create(before, call.getLoc(), global, operand.get()));
    });
  }

  static void beginTurn(Operation *call) {
    OpBuilder b(call);
    NVVM::Barrier0Op::create(b, call->getLoc());
    call->erase();
  }

  static void writeBarrier(gpu::GPUModuleOp kernels, Operation *call) {
    if (!kernels.lookupSymbol(kCounter))
      addCounter(kernels);
    BarrierWriter(call).write();
    call->erase();
  }

  static void addCounter(gpu::GPUModuleOp kernels) {
    OpBuilder b = OpBuilder::atBlockBegin(kernels.getBody());
    LLVM::GlobalOp::create(b, kernels.getLoc(), b.getI32Type(), /*isConstant=*/false,
                           LLVM::Linkage::Internal, kCounter, b.getI32IntegerAttr(0),
                           /*alignment=*/4, kGlobalSpace);
  }
};
} // namespace
