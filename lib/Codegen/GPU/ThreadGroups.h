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

  llvm::ArrayRef<Coordinate> space() const { return ops.front().coordinates; }
  int64_t size() const;
};

/// Puts the ops of a function into groups. An op joins the last group whose results it touches, if
/// it does so at the same point only, and if no group behind that one touches what it writes or
/// writes what it touches.
class ThreadGrouper {
public:
  void add(mlir::linalg::LinalgOp op);

  std::vector<ThreadGroup> groups;
  llvm::DenseSet<mlir::Value> privates; ///< Numbers that every thread computes.

private:
  bool isPrivateScalar(mlir::linalg::LinalgOp op);
};

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_THREADGROUPS_H
