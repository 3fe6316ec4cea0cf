// Which ops of a function become one loop over threads.

#ifndef AI_LIB_CODEGEN_GPU_THREADGROUPS_H
#define AI_LIB_CODEGEN_GPU_THREADGROUPS_H

#include "ThreadMapping.h"
#include "llvm/ADT/DenseSet.h"

namespace ai {

/// Ops that become one loop. `coordinates[i][k]` is the coordinate of the space, that of the first
/// op, which coordinate k of op i runs over.
struct ThreadGroup {
  llvm::SmallVector<ThreadMapping> ops;
  llvm::SmallVector<llvm::SmallVector<int64_t>> coordinates;
  bool isPrivate = false; ///< Computed by every thread.
  int64_t width = 1;      ///< Neighbours along the last coordinate that a thread computes together.

  llvm::ArrayRef<Coordinate> space() const { return ops.front().coordinates; }
  /// The coordinate of op `i` that runs over the last one of the space.
  const Coordinate &lastOf(size_t i) const;
  /// How many threads it takes, or turns of threads.
  int64_t size() const;
};

/// How many neighbours along the last coordinate a thread of a thread block computes together, as
/// many as registers hold, 1 if that gains nothing. It gains where they share what they read again
/// and again: a weight is read once for all samples of a block. From global memory that is worth
/// idle threads. Rows of samples, which lie apart, are shared out that way, too: the threads of a
/// warp read one of them at a time.
int64_t findSharedWidth(const ThreadGroup &group, int64_t threads);

/// The number of the only op of a group that has loops for a thread; none if several have.
std::optional<size_t> findOnlySequential(const ThreadGroup &group);

/// Whether one of two groups writes what the other one touches.
bool conflict(const ThreadGroup &a, const ThreadGroup &b);

/// Puts the ops of a function into groups. An op joins the last group whose results it touches, if
/// it does so at the same point only, and if no group behind that one touches what it writes or
/// writes what it touches.
class ThreadGrouper {
public:
  void add(mlir::linalg::LinalgOp op);
  /// No op that is added from now on joins a group that there is.
  void closeGroups() { firstOpen = groups.size(); }

  std::vector<ThreadGroup> groups;
  llvm::DenseSet<mlir::Value> privates; ///< Numbers that every thread computes.

private:
  bool isPrivateScalar(mlir::linalg::LinalgOp op);

  size_t firstOpen = 0;
};

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_THREADGROUPS_H
