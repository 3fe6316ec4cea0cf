// Which loops of a linalg op the threads of a GPU share, and which each thread runs by itself.

#ifndef AI_LIB_CODEGEN_GPU_THREADMAPPING_H
#define AI_LIB_CODEGEN_GPU_THREADMAPPING_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ai {

/// One dimension of the space of threads: a loop of the op, or an index of its result that several
/// loops add up to. In the second case every thread looks for the iterations that reach its
/// element: `dim` is the loop that follows from the index and the other loops.
struct Coordinate {
  unsigned dim;
  int64_t size;
  bool isGathered = false;
  int64_t factor = 1;         ///< index = factor * dim + rest
  mlir::AffineExpr rest = {}; ///< in the other loops
};

/// What an access touches, one entry for each index: a coordinate, or `kFirst` where the extent is
/// 1. None if it is not the same element for all iterations of a thread.
using Point = std::optional<llvm::SmallVector<int64_t>>;
inline constexpr int64_t kFirst = -1;

/// An op and how it is cut: every element of a result belongs to one point of the coordinates, so
/// sums stay within a thread, in the order of the op's loops.
class ThreadMapping {
public:
  explicit ThreadMapping(mlir::linalg::LinalgOp op);

  /// What `operand` touches at one point.
  Point pointOf(mlir::OpOperand &operand) const;
  /// Whether the operand's place depends on loops that a thread runs by itself.
  bool isSequential(mlir::OpOperand &operand) const;

  mlir::linalg::LinalgOp op;
  llvm::SmallVector<int64_t> sizes;
  /// In the order of the first result in memory: neighbours of a warp write neighbours.
  llvm::SmallVector<Coordinate> coordinates;
  llvm::SmallVector<unsigned> sequential; ///< Loops that a thread runs, outermost first.

private:
  struct Linear {
    int64_t constant = 0;
    llvm::SmallVector<std::pair<unsigned, int64_t>>
        terms; // loop, factor; loops of extent 1 left out
  };
  std::optional<Linear> linearOf(mlir::AffineExpr expr) const;
  bool isInjective(const Linear &index) const;
  bool findPlain();
  bool findGathered();
  void findOwned();
  void addLoops(const Linear &index);
  mlir::AffineMap mapOf(mlir::OpOperand &operand) const;
  const Coordinate *coordinateOf(unsigned dim) const;
};

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_THREADMAPPING_H
