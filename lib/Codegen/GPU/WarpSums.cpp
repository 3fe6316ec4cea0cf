#include "WarpSums.h"
#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/LinalgNest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ai;

/// Costs are counted in multiply-adds of a thread. Five exchanges and additions that wait for each
/// other:
static constexpr int64_t kExchange = 10;
/// Neighbours that read global memory far from each other take a transaction each, not one
/// together.
static constexpr int64_t kStrided = 4;

/// Whether neighbouring threads read an operand in global memory far from each other.
static bool isStrided(const ThreadMapping &mapping, int64_t width, OpOperand &operand) {
  linalg::LinalgOp op = mapping.op;
  ArrayRef<Coordinate> between = mapping.coordinates;
  if (!between.empty() && between.back().size == width) // of one thread
    between = between.drop_back();
  if (between.empty() || !isa<MemRefType>(operand.get().getType()) ||
      !isa<BlockArgument>(memoryOf(operand.get())))
    return false;
  unsigned fastest = between.back().dim;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  return llvm::any_of(map.getResults().drop_back(map.getNumResults() > 0),
                      [&](AffineExpr expr) { return expr.isFunctionOfDim(fastest); });
}

/// Whether an op adds numbers of f32 to its only result.
static bool isSum(const ThreadMapping &mapping) {
  linalg::LinalgOp op = mapping.op;
  if (op.getNumDpsInits() != 1 ||
      llvm::any_of(mapping.coordinates, [](const Coordinate &c) { return c.isGathered; }))
    return false;
  OpOperand &init = *op.getDpsInitsMutable().begin();
  auto combiners = LinalgNest(op).findCombiners();
  return !mapping.isSequential(init) && getElementTypeOrSelf(init.get().getType()).isF32() &&
         combiners && isa<arith::AddFOp>(combiners->front());
}

/// The only op of a group with loops for a thread, if it is a sum.
static std::optional<size_t> findSum(const ThreadGroup &group) {
  std::optional<size_t> found = findOnlySequential(group);
  return found && isSum(group.ops[*found]) ? found : std::nullopt;
}

std::optional<WarpSum> ai::findWarpSum(const ThreadGroup &group, int64_t threads) {
  if (group.isPrivate || threads % kWarp != 0 ||
      group.size() > std::numeric_limits<int32_t>::max() / kWarp)
    return std::nullopt;
  std::optional<size_t> index = findSum(group);
  if (!index)
    return std::nullopt;
  const ThreadMapping &mapping = group.ops[*index];
  int64_t iterations = 1;
  for (unsigned dim : mapping.sequential)
    iterations *= mapping.sizes[dim];
  // Of two loops that are as good the inner one: neighbours read neighbours.
  unsigned best = mapping.sequential.front();
  auto shared = [&](unsigned dim) {
    int64_t size = mapping.sizes[dim];
    return iterations / size * int64_t(llvm::divideCeil(size, kWarp));
  };
  for (unsigned dim : mapping.sequential)
    if (shared(dim) <= shared(best))
      best = dim;
  linalg::LinalgOp op = mapping.op;
  bool strided = llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *operand) {
    return isStrided(mapping, group.width, *operand);
  });
  int64_t alone =
      int64_t(llvm::divideCeil(group.size(), threads)) * iterations * (strided ? kStrided : 1);
  int64_t together =
      int64_t(llvm::divideCeil(group.size() * kWarp, threads)) * (shared(best) + kExchange);
  return together < alone ? std::optional<WarpSum>({*index, best}) : std::nullopt;
}
