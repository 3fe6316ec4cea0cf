// Which products tensor cores compute, and in which tiles.

#ifndef AI_LIB_CODEGEN_GPU_TENSORTILES_H
#define AI_LIB_CODEGEN_GPU_TENSORTILES_H

#include "WarpSums.h"

namespace ai {

/// What the factors of a product are rounded to; sums are f32 always.
enum class Precision { F32, TF32, BF16 };

/// The precision of that name: f32, tf32 or bf16.
std::optional<Precision> findPrecision(llvm::StringRef name);

/// A product of two matrices, `result[r, c] += sum_k lhs[r, k] * rhs[k, c]`, whose rows, columns
/// and terms are all coordinates that only lhs has, only rhs has, and all loops of the sum. A warp
/// computes `width` tiles of kHeight by kWidth elements side by side.
struct TensorTile {
  static constexpr int64_t kHeight = 16, kWidth = 8;

  size_t op; ///< Of the group; the others work element by element.
  mlir::OpOperand *lhs = nullptr, *rhs = nullptr;
  /// Positions in the op's coordinates, outermost first; those that both operands have are a
  /// product each.
  llvm::SmallVector<unsigned> products, rows, columns;
  /// Loops of the sum: those that are run one by one, and those whose iterations are counted
  /// together, `depth` of them an instruction's.
  llvm::SmallVector<unsigned> outer, inner;
  int64_t depth;
  int64_t width = 1;
  Precision precision;

  int64_t numProducts = 1, numRows = 1, numColumns = 1; ///< Iterations of each.
  int64_t rowTiles() const { return llvm::divideCeil(numRows, kHeight); }
  /// Groups of `width` tiles.
  int64_t columnTiles() const { return llvm::divideCeil(numColumns, kWidth * width); }
  int64_t numTiles() const { return numProducts * rowTiles() * columnTiles(); }
};

/// How the group's product is computed by tensor cores of a thread block of that many threads, or
/// of a grid of such; none if it has no product of f32, or if its threads are done sooner without:
/// `group.width` neighbours each, or as `warpSum` says. A remark tells what was chosen.
std::optional<TensorTile> findTensorTile(const ThreadGroup &group, Precision precision,
                                         int64_t threads, bool isGrid,
                                         std::optional<WarpSum> warpSum);

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_TENSORTILES_H
