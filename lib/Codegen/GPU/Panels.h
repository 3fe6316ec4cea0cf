// Which products of panels are computed in tiles that lie in shared memory.

#ifndef AI_LIB_CODEGEN_GPU_PANELS_H
#define AI_LIB_CODEGEN_GPU_PANELS_H

#include "ThreadGroups.h"

namespace ai {

/// A product `out[o, k] += sum_n lhs[n, o] * rhs[n, k]` that a thread block computes in tiles of
/// `height` by `width` elements. It copies its part of both operands into shared memory, so each is
/// read once for a row or a column of the tile, and not once for an element.
struct PanelTile {
  size_t op; ///< Of the group; the others work element by element.
  mlir::OpOperand *lhs, *rhs;
  unsigned dim;   ///< The loop of the sum.
  int64_t length; ///< Its iterations.
  int64_t height, width;
  int64_t perThread; ///< Neighbours along a row of the tile that belong to one thread.

  /// Tiles that cover a dimension of the result.
  int64_t rows(const ThreadGroup &group) const;
  int64_t columns(const ThreadGroup &group) const;
  int64_t bytes() const;
};

/// How a thread block of `threads` computes the group's product; none if it has no such product.
std::optional<PanelTile> findPanelTile(const ThreadGroup &group, int64_t threads);

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_PANELS_H
