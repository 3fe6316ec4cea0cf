// After fusion a buffer may hold one slice per iteration of a loop that all its uses share, each
// iteration touching its own slice only. One slice is enough then. The loops are visited from the
// outside in: a dimension may shrink along a loop only if the loops around it, as far as the
// buffer outlives them, have shrunk it too; otherwise a slice could be read a round later.

#include "AffineAccess.h"
#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace ai {
#define GEN_PASS_DEF_AISHRINKBUFFERSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// All uses of `alloc` as accesses of scalars or vectors that can be given new indices; nullopt if
/// there are others.
static std::optional<Accesses> findUses(memref::AllocOp alloc) {
  Accesses accesses;
  for (Operation *user : alloc->getUsers()) {
    if (isa<memref::DeallocOp>(user))
      continue;
    auto access = getAccess(user);
    if (!access || access->memref != alloc.getResult() || access->value() == alloc.getResult() ||
        !isa<VectorTransferOpInterface, affine::AffineLoadOp, affine::AffineStoreOp>(user))
      return std::nullopt;
    accesses.push_back(*access);
  }
  return accesses;
}

/// The loop of `block` that holds all `accesses`.
static AffineForOp findCommonLoop(Block *block, ArrayRef<Access> accesses) {
  Operation *common = nullptr;
  for (const Access &access : accesses) {
    Operation *ancestor = block->findAncestorOpInBlock(*access.op);
    if (!ancestor || (common && ancestor != common))
      return {};
    common = ancestor;
  }
  return dyn_cast_or_null<AffineForOp>(common);
}

/// How long a slice of one iteration of `loop` is along `dim`, if every access stays in its own:
/// the index is a multiple of the loop plus what does not leave the slice.
static std::optional<int64_t> sliceOf(ArrayRef<Access> accesses, unsigned dim, AffineForOp loop) {
  if (loop.getConstantLowerBound() != 0)
    return std::nullopt;
  int64_t slice = accesses.front().indices[dim].factorOf(loop.getInductionVar());
  slice *= loop.getStepAsInt();
  if (slice <= 0)
    return std::nullopt;
  for (const Access &access : accesses) {
    const LinearIndex &index = access.indices[dim];
    if (index.factorOf(loop.getInductionVar()) * loop.getStepAsInt() != slice)
      return std::nullopt;
    std::optional<Interval> rest = rangeOf(index.without(loop.getInductionVar()));
    if (!rest || rest->low < 0 || rest->high + access.width(dim) > slice)
      return std::nullopt;
  }
  return slice;
}

/// Gives `access` the index `index` in dimension `dim`.
static void setIndex(const Access &access, unsigned dim, const LinearIndex &index) {
  OpBuilder b(access.op);
  Location loc = access.op->getLoc();
  if (auto transfer = dyn_cast<VectorTransferOpInterface>(access.op)) {
    unsigned first = transfer.getIndices().getBeginOperandIndex();
    access.op->setOperand(first + dim, materialize(b, loc, index));
    return;
  }
  SmallVector<LinearIndex, 0> indices(access.indices);
  indices[dim] = index;
  SmallVector<Value> operands;
  AffineMap map = getMap(indices, operands, b.getContext());
  if (access.isWrite)
    affine::AffineStoreOp::create(b, loc, access.value(), access.memref, map, operands);
  else
    access.value().replaceAllUsesWith(
        affine::AffineLoadOp::create(b, loc, access.memref, map, operands));
  access.op->erase();
}

/// Keeps one slice of `alloc` along some dimension that `loop` cuts into slices; false if it cuts
/// none.
static bool shrinkAlong(AffineForOp loop, memref::AllocOp alloc, ArrayRef<Access> accesses) {
  SmallVector<int64_t> shape(alloc.getType().getShape());
  for (unsigned dim = 0; dim < shape.size(); ++dim) {
    std::optional<int64_t> slice = sliceOf(accesses, dim, loop);
    if (!slice || *slice > shape[dim])
      continue;
    shape[dim] = *slice;
    for (const Access &access : accesses)
      setIndex(access, dim, access.indices[dim].without(loop.getInductionVar()));
    alloc.getResult().setType(MemRefType::get(shape, alloc.getType().getElementType()));
    return true;
  }
  return false;
}

/// Returns whether the buffer became smaller.
static bool shrink(memref::AllocOp alloc) {
  MemRefType before = alloc.getType();
  if (!before.hasStaticShape() || !before.getLayout().isIdentity())
    return false;
  for (Block *block = alloc->getBlock();;) {
    auto accesses = findUses(alloc);
    if (!accesses)
      break;
    AffineForOp loop = findCommonLoop(block, *accesses);
    if (!loop || !loop.hasConstantBounds() || !shrinkAlong(loop, alloc, *accesses))
      break;
    block = loop.getBody();
  }
  return alloc.getType() != before;
}

namespace {
struct ShrinkBuffers final : ai::impl::AIShrinkBuffersPassBase<ShrinkBuffers> {
  void runOnOperation() final {
    getOperation().walk([&](memref::AllocOp alloc) { numShrunk += shrink(alloc); });
  }
};
} // namespace
