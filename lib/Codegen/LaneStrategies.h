// The ways in which `ai-vectorize-lanes` writes out an op over vectors. Each has a function that
// says whether the op is fit for it, and one that makes the loops.

#ifndef AI_LIB_CODEGEN_LANESTRATEGIES_H
#define AI_LIB_CODEGEN_LANESTRATEGIES_H

#include "lib/Codegen/LinalgNest.h"

namespace ai {

/// The loop of `candidates` that makes the best use of vectors; of equals the innermost one.
std::optional<unsigned> bestLane(LinalgNest &nest, llvm::ArrayRef<unsigned> candidates,
                                 int64_t width);

/// A loop along which every result is contiguous and every operand contiguous or constant.
std::optional<unsigned> findLane(LinalgNest &nest, int64_t width);
/// With `isApart` each piece of the lane is a nest of its own in which the lane keeps its place
/// among the loops, so that register tiling may choose among all of them; what starts or uses the
/// sums of a reduction does the same and can be fused with it.
void makeLanes(LinalgNest &nest, unsigned lane, int64_t width, bool isApart, bool inBands);

/// Squares of an elementwise op whose lane is no lane of its `moved` operands: those are contiguous
/// along `row`.
struct Tiling {
  unsigned lane, row;
  int64_t side;
  bool isMasked; // squares may reach beyond the ends
  llvm::SmallVector<mlir::OpOperand *> moved;
};

std::optional<Tiling> findTiling(LinalgNest &nest, int64_t width);
void makeTiles(LinalgNest &nest, const Tiling &tiling);

/// A loop that is summed over and along which every operand is contiguous or constant.
std::optional<unsigned> findHorizontalLane(LinalgNest &nest, int64_t width);
void makeHorizontal(LinalgNest &nest, unsigned lane, int64_t width);

} // namespace ai

#endif // AI_LIB_CODEGEN_LANESTRATEGIES_H
