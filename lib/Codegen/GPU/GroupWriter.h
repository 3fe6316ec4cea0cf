// The loop of a group of ops, as affine code of one thread.

#ifndef AI_LIB_CODEGEN_GPU_GROUPWRITER_H
#define AI_LIB_CODEGEN_GPU_GROUPWRITER_H

#include "Panels.h"
#include "TensorTiles.h"

namespace ai {

/// Where a thread is in the grid that it is of.
struct Grid {
  mlir::Value block, thread; ///< The thread counts in its block.
  int64_t threads;           ///< Of a block.
};

/// Writes the loop that the threads share, behind the first op of the group, and erases its ops.
/// `thread` is the number of a thread, `threads` how many there are, 0 where there is one for each
/// element; with a `warpSum` an element takes a warp.
void writeGroup(ThreadGroup &group, mlir::Value thread, int64_t threads,
                std::optional<WarpSum> warpSum);

/// The same for a product that tensor cores compute: a warp takes a row of the tiles.
void writeTensorTiles(ThreadGroup &group, mlir::Value thread, int64_t threads,
                      const TensorTile &tile);

/// Writes the tiles of a product, one for each thread block of the grid, and erases the ops.
void writeTiles(ThreadGroup &group, const Grid &grid, const PanelTile &tile);

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_GROUPWRITER_H
