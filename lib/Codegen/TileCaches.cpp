// What a register tile does to the first cache.

#include "lib/Codegen/TileCaches.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// Of a first cache: what one way holds, and their number. So it is with pages of 4096 bytes.
static constexpr int64_t kWayBytes = 4096, kWays = 8;

/// Bytes between the places of `access` in one iteration of `loop` and the next.
static int64_t bytesBetween(const Access &access, AffineForOp loop) {
  auto type = cast<MemRefType>(access.memref.getType());
  int64_t bytes = 0, stride = type.getElementTypeBitWidth() / 8;
  for (auto [index, extent] : llvm::reverse(llvm::zip(access.indices, type.getShape()))) {
    bytes += index.factorOf(loop.getInductionVar()) * loop.getStepAsInt() * stride;
    stride *= extent;
  }
  return bytes;
}

int64_t ai::countConflicts(const Access &access, ArrayRef<Factor> factors) {
  int64_t lines = 1;
  if (isa<VectorType>(access.type) || !access.isKnown())
    return 0;
  for (const Factor &factor : factors)
    if (int64_t bytes = bytesBetween(access, factor.loop); bytes != 0 && bytes % kWayBytes == 0)
      lines *= factor.count;
  return lines > kWays ? lines : 0;
}

/// Whether nothing outside of `loop` uses the buffer that `write` is to, and some other loop in it
/// reads what was written: in the same loop it stays in registers.
static bool isHandedOn(const Access &write, AffineForOp loop) {
  return write.memref.getDefiningOp<memref::AllocOp>() &&
         llvm::all_of(write.memref.getUsers(),
                      [&](Operation *user) { return loop->isProperAncestor(user); }) &&
         llvm::any_of(write.memref.getUsers(),
                      [&](Operation *user) { return user->getBlock() != write.op->getBlock(); });
}

int64_t ai::bytesInside(AffineForOp loop, const Reduction &r) {
  Accesses accesses;
  if (!tripCount(loop) || !collectAccesses(loop, accesses))
    return 0;
  int64_t bytes = 0;
  llvm::SmallDenseSet<Value> seen;
  for (const Access &write : r.writes)
    seen.insert(write.memref);
  for (const Access &access : accesses)
    if (access.isWrite && access.uses(loop.getInductionVar()) && !seen.contains(access.memref) &&
        isHandedOn(access, loop) && seen.insert(access.memref).second)
      bytes += bytesOf(cast<MemRefType>(access.memref.getType())) / *tripCount(loop);
  return bytes;
}
