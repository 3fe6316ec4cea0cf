// A kernel with one mistake, for tests of what is to find mistakes.

#include "GridBarriers.h"
#include "KernelPointers.h"
#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace ai {
#define GEN_PASS_DEF_AIMUTATEKERNELSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

static bool isBarrier(Operation *op) { return isa<NVVM::Barrier0Op, NVVM::BarrierOp>(op); }

/// Whether it is of memory that threads share.
static bool isSharedAccess(Operation *op) {
  Value address;
  if (auto load = dyn_cast<LLVM::LoadOp>(op))
    address = load.getAddr();
  else if (auto store = dyn_cast<LLVM::StoreOp>(op))
    address = store.getAddr();
  if (!address)
    return false;
  Operation *origin = originOf(address).getDefiningOp();
  if (auto global = dyn_cast_or_null<LLVM::AddressOfOp>(origin))
    return global.getType().getAddressSpace() == kSharedSpace;
  return !isa_and_nonnull<LLVM::AllocaOp>(origin);
}

/// Only the threads of a warp wait for each other.
static void weaken(OpBuilder &b, Operation *barrier) {
  Value all = LLVM::ConstantOp::create(b, barrier->getLoc(), b.getI32IntegerAttr(-1));
  NVVM::SyncWarpOp::create(b, barrier->getLoc(), all);
  barrier->erase();
}

/// Only the threads of a block wait for each other.
static void separateBlocks(OpBuilder &b, Operation *barrier) {
  NVVM::Barrier0Op::create(b, barrier->getLoc());
  barrier->erase();
}

/// The access is of the element behind its own.
static void shift(OpBuilder &b, Operation *access) {
  auto load = dyn_cast<LLVM::LoadOp>(access);
  OpOperand &address = load ? load.getAddrMutable() : cast<LLVM::StoreOp>(access).getAddrMutable();
  Type type = load ? load.getType() : cast<LLVM::StoreOp>(access).getValue().getType();
  address.set(LLVM::GEPOp::create(b, access->getLoc(), address.get().getType(), type, address.get(),
                                  ArrayRef<LLVM::GEPArg>{1}));
}

namespace {
struct MutateKernels final : ai::impl::AIMutateKernelsPassBase<MutateKernels> {
  using AIMutateKernelsPassBase::AIMutateKernelsPassBase;

  void runOnOperation() final {
    if (kind != "barrier" && kind != "fence" && kind != "grid" && kind != "index")
      return refuse("barrier, fence, grid or index", kind);
    SmallVector<Operation *> places;
    getOperation().walk([&](Operation *op) {
      if (kind == "index"  ? isSharedAccess(op)
          : kind == "grid" ? isCallOf(kGridBarrier, op)
                           : isBarrier(op))
        places.push_back(op);
    });
    if (number < 0 || number >= int64_t(places.size()))
      return refuse("a number below " + std::to_string(places.size()) + " for " + kind,
                    std::to_string(number));
    Operation *place = places[number];
    OpBuilder b(place);
    if (kind == "barrier")
      place->erase();
    else if (kind == "fence")
      weaken(b, place);
    else if (kind == "grid")
      separateBlocks(b, place);
    else
      shift(b, place);
  }

  void refuse(StringRef expected, StringRef got) {
    emitError(UnknownLoc::get(&getContext()))
        << "a mutant expects " << expected << ", got '" << got << "'";
    signalPassFailure();
  }
};
} // namespace
