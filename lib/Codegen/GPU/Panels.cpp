#include "Panels.h"
#include "lib/Codegen/AffineAccess.h"

using namespace mlir;
using namespace ai;

/// As many as the threads of a warp, which then copy a whole line of memory at a time.
static constexpr int64_t kHeight = 32;
/// A load of shared memory moves 16 bytes at most.
static constexpr int64_t kMaxPerThread = 4;

int64_t PanelTile::rows(const ThreadGroup &group) const {
  return llvm::divideCeil(group.space()[0].size, height);
}

int64_t PanelTile::columns(const ThreadGroup &group) const {
  return llvm::divideCeil(group.space()[1].size, width);
}

int64_t PanelTile::bytes() const {
  unsigned bits = getElementTypeOrSelf(lhs->get().getType()).getIntOrFloatBitWidth();
  return length * (height + width) * llvm::divideCeil(bits, 8);
}

/// The only op of a group with a loop for a thread, if it is a single one.
static std::optional<size_t> findOnlySum(const ThreadGroup &group) {
  std::optional<size_t> found;
  for (auto [i, mapping] : llvm::enumerate(group.ops)) {
    if (mapping.sequential.empty())
      continue;
    if (found || mapping.sequential.size() != 1)
      return std::nullopt;
    found = i;
  }
  return found;
}

std::optional<PanelTile> ai::findPanelTile(const ThreadGroup &group, int64_t threads) {
  std::optional<size_t> sum = group.isPrivate ? std::nullopt : findOnlySum(group);
  if (!sum || group.space().size() != 2 || threads % kHeight != 0)
    return std::nullopt;
  const ThreadMapping &mapping = group.ops[*sum];
  linalg::LinalgOp op = mapping.op;
  if (llvm::any_of(mapping.coordinates, [](const Coordinate &c) { return c.isGathered; }) ||
      op.getNumDpsInits() != 1 || mapping.isSequential(*op.getDpsInitsMutable().begin()))
    return std::nullopt;
  unsigned dim = mapping.sequential.front();
  PanelTile tile{*sum, nullptr, nullptr, dim, mapping.sizes[dim], kHeight, 0, kMaxPerThread};
  auto isIndexedBy = [&](OpOperand &operand, unsigned coordinate) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto at = llvm::find(group.coordinates[*sum], int64_t(coordinate));
    unsigned other = mapping.coordinates[at - group.coordinates[*sum].begin()].dim;
    return isa<MemRefType>(operand.get().getType()) &&
           isa<BlockArgument>(memoryOf(operand.get())) &&
           map == AffineMap::getMultiDimMapWithTargets(map.getNumDims(), {dim, other},
                                                       op.getContext());
  };
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!tile.lhs && isIndexedBy(*input, 0))
      tile.lhs = input;
    else if (!tile.rhs && isIndexedBy(*input, 1))
      tile.rhs = input;
    else
      return std::nullopt;
  }
  if (!tile.lhs || !tile.rhs)
    return std::nullopt;
  while (group.space()[1].size % tile.perThread != 0)
    tile.perThread /= 2;
  tile.width = threads / kHeight * tile.perThread;
  return tile;
}
