// Tells the caches in front of a reduction loop what will be read behind it. An update reads
// weights and optimizer states a few vectors at a time, with a long loop of multiply-adds between:
// no hardware sees a stream in that, and each line would come from far away, or from another core,
// while the arithmetic waits.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ai {
#define GEN_PASS_DEF_AIPREFETCHOPERANDSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// The hint for data that is used once it is there.
static constexpr unsigned kInto = 3;

static int64_t bytesOf(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

/// Whether `value` is there before `op`.
static bool isBefore(Value value, Operation *op) {
  Operation *producer = value.getDefiningOp();
  return !producer || producer->getBlock() != op->getBlock() || producer->isBeforeInBlock(op);
}

/// Whether memory that `read` reads is far away by the time of the loop before it.
static bool isFar(const Access &read, const Accesses &inLoop, int64_t l1) {
  return !read.indices.empty() && bytesOf(read.memref) > l1 &&
         llvm::none_of(inLoop, [&](const Access &other) {
           return mayShareMemory(other.memref, read.memref);
         });
}

/// Prefetches for a loop that carries values, of what the rest of its block reads. Returns how
/// many.
static unsigned prefetchBehind(AffineForOp loop, int64_t l1) {
  Accesses inLoop;
  if (!collectAccesses(loop, inLoop))
    return 0;
  DenseSet<Value> written;
  SmallVector<Access> reads;
  for (Operation *op = loop->getNextNode(); op; op = op->getNextNode()) {
    std::optional<Access> access = getAccess(op);
    if (!access) {
      // Behind another loop that carries values come that one's operands.
      if (auto other = dyn_cast<AffineForOp>(op); other && other.getNumIterOperands())
        break;
      continue;
    }
    if (access->isWrite)
      written.insert(access->memref);
    else if (isFar(*access, inLoop, l1))
      reads.push_back(*access);
  }
  OpBuilder b(loop);
  unsigned numPrefetches = 0;
  for (const Access &read : reads) {
    SmallVector<Value> operands;
    AffineMap map = getMap(read.indices, operands, b.getContext());
    operands.push_back(read.memref);
    if (!llvm::all_of(operands, [&](Value value) { return isBefore(value, loop); }))
      continue;
    operands.pop_back();
    affine::AffinePrefetchOp::create(b, read.op->getLoc(), read.memref, map, operands,
                                     written.contains(read.memref), kInto, /*isDataCache=*/true);
    ++numPrefetches;
  }
  return numPrefetches;
}

namespace {
struct PrefetchOperands final : ai::impl::AIPrefetchOperandsPassBase<PrefetchOperands> {
  using AIPrefetchOperandsPassBase::AIPrefetchOperandsPassBase;

  void runOnOperation() final {
    getOperation().walk([&](AffineForOp loop) {
      if (loop.getNumIterOperands() && loop->getParentOfType<AffineForOp>())
        numPrefetches += prefetchBehind(loop, l1);
    });
  }
};
} // namespace
