#include "ThreadGroups.h"
#include "lib/Codegen/AffineAccess.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace ai;

int64_t ThreadGroup::size() const {
  int64_t size = 1;
  for (const Coordinate &c : space())
    size *= c.size;
  return size / width;
}

const Coordinate &ThreadGroup::lastOf(size_t i) const {
  auto last = llvm::find(coordinates[i], int64_t(space().size()) - 1);
  return ops[i].coordinates[last - coordinates[i].begin()];
}

/// As many sums as a thread keeps in registers.
static constexpr int64_t kMaxWidth = 8;

/// Whether neighbours along loop `dim` gain by one thread that reads the operand for all of them.
static bool gainsByWidth(const ThreadMapping &mapping, OpOperand &input, unsigned dim,
                         bool hasThreads) {
  linalg::LinalgOp op = mapping.op;
  AffineMap map = op.getMatchingIndexingMap(&input);
  if (!isa<MemRefType>(input.get().getType()) || map.getNumResults() == 0)
    return false;
  bool isGlobal = isa<BlockArgument>(memoryOf(input.get()));
  if (map.isFunctionOfDim(dim))
    return isGlobal && !map.getResults().back().isFunctionOfDim(dim);
  return !mapping.sequential.empty() && (isGlobal || hasThreads);
}

int64_t ai::findSharedWidth(const ThreadGroup &group, int64_t threads) {
  if (group.isPrivate || group.space().empty() || group.space().back().size > kMaxWidth)
    return 1;
  int64_t width = group.space().back().size;
  bool gains = false;
  for (auto [i, mapping] : llvm::enumerate(group.ops)) {
    linalg::LinalgOp op = mapping.op;
    const Coordinate &last = group.lastOf(i);
    if (last.isGathered)
      return 1;
    for (OpOperand *input : op.getDpsInputOperands())
      gains |= gainsByWidth(mapping, *input, last.dim, group.size() / width >= threads);
  }
  return gains ? width : 1;
}

static bool isWriter(linalg::LinalgOp op, Value memref) {
  return llvm::is_contained(op.getDpsInits(), memref);
}

/// Whether an allocation has one writer among ops that are all linalg.
static bool isWrittenOnce(Value memref) {
  int64_t writers = 0;
  for (Operation *user : memref.getUsers()) {
    auto op = dyn_cast<linalg::LinalgOp>(user);
    if (!op)
      return false;
    writers += isWriter(op, memref);
  }
  return writers == 1;
}

static bool isNeverWritten(Value memref) {
  return llvm::all_of(memref.getUsers(), [&](Operation *user) {
    auto op = dyn_cast<linalg::LinalgOp>(user);
    return op && !isWriter(op, memref);
  });
}

/// Calls `fn` for all pairs of operands that touch the same memory, one of which is written.
static void forEachConflict(const ThreadGroup &group, const ThreadMapping &added,
                            llvm::function_ref<void(size_t op, OpOperand &, OpOperand &)> fn) {
  auto meet = [](OpOperand &x, OpOperand &y) {
    return isa<MemRefType>(x.get().getType()) && isa<MemRefType>(y.get().getType()) &&
           memoryOf(x.get()) == memoryOf(y.get());
  };
  for (auto [i, mapping] : llvm::enumerate(group.ops)) {
    linalg::LinalgOp before = mapping.op, after = added.op;
    for (OpOperand &x : before->getOpOperands())
      for (OpOperand &y : after->getOpOperands())
        if (meet(x, y) && (before.isDpsInit(&x) || after.isDpsInit(&y)))
          fn(i, x, y);
  }
}

/// The coordinates of `added` in the group's space, if the op touches what the group does at the
/// same point only, and something of it.
static std::optional<SmallVector<int64_t>> findFit(const ThreadGroup &group,
                                                   const ThreadMapping &added) {
  if (added.coordinates.size() != group.space().size())
    return std::nullopt;
  SmallVector<int64_t> fit(added.coordinates.size(), kFirst);
  bool meets = false, fits = true;
  forEachConflict(group, added, [&](size_t op, OpOperand &x, OpOperand &y) {
    meets = true;
    Point before = group.ops[op].pointOf(x), after = added.pointOf(y);
    fits = fits && x.get() == y.get() && before && after;
    if (!fits)
      return;
    for (auto [a, b] : llvm::zip(*before, *after)) {
      if (a == kFirst || b == kFirst) {
        fits = fits && a == b;
        continue;
      }
      int64_t coordinate = group.coordinates[op][a];
      fits = fits && (fit[b] == kFirst || fit[b] == coordinate);
      fit[b] = coordinate;
    }
  });
  // Every coordinate of the space is one of the op's, of the same size.
  SmallVector<int64_t> sorted(fit);
  llvm::sort(sorted);
  fits = fits && llvm::equal(sorted, llvm::seq<int64_t>(0, fit.size()));
  for (size_t b = 0; fits && b < fit.size(); ++b)
    fits = added.coordinates[b].size == group.space()[fit[b]].size;
  return meets && fits ? std::optional(fit) : std::nullopt;
}

static bool conflicts(const ThreadGroup &group, const ThreadMapping &added) {
  bool found = false;
  forEachConflict(group, added, [&](size_t, OpOperand &, OpOperand &) { found = true; });
  return found;
}

std::optional<size_t> ai::findOnlySequential(const ThreadGroup &group) {
  std::optional<size_t> found;
  for (auto [i, mapping] : llvm::enumerate(group.ops)) {
    if (mapping.sequential.empty())
      continue;
    if (found)
      return std::nullopt;
    found = i;
  }
  return found;
}

bool ai::conflict(const ThreadGroup &a, const ThreadGroup &b) {
  return llvm::any_of(b.ops, [&](const ThreadMapping &op) { return conflicts(a, op); });
}

/// One number made of arguments that are numbers, too, and of nothing that other threads write.
bool ThreadGrouper::isPrivateScalar(linalg::LinalgOp op) {
  auto isScalar = [](Value v) {
    auto type = dyn_cast<MemRefType>(v.getType());
    return !type || type.getRank() == 0;
  };
  auto isKnown = [&](Value v) {
    return !isa<MemRefType>(v.getType()) || privates.contains(v) ||
           (isa<BlockArgument>(v) && isNeverWritten(v));
  };
  return op.getNumLoops() == 0 && op.getNumDpsInits() == 1 &&
         op.getDpsInits()[0].getDefiningOp<memref::AllocOp>() &&
         llvm::all_of(op->getOperands(), isScalar) && llvm::all_of(op.getDpsInputs(), isKnown) &&
         isWrittenOnce(op.getDpsInits()[0]);
}

void ThreadGrouper::add(linalg::LinalgOp op) {
  ThreadMapping mapping(op);
  if (isPrivateScalar(op)) {
    privates.insert(op.getDpsInits()[0]);
    groups.push_back({{mapping}, {{}}, /*isPrivate=*/true});
    return;
  }
  for (ThreadGroup &group : llvm::reverse(llvm::drop_begin(groups, firstOpen))) {
    if (group.isPrivate)
      continue;
    if (std::optional<SmallVector<int64_t>> fit = findFit(group, mapping)) {
      group.ops.push_back(mapping);
      group.coordinates.push_back(*fit);
      return;
    }
    if (conflicts(group, mapping))
      break;
  }
  auto own = llvm::to_vector(llvm::seq<int64_t>(0, mapping.coordinates.size()));
  groups.push_back({{mapping}, {own}});
}
