// The sum of a warp's tiles, as code of one thread.

#ifndef AI_LIB_CODEGEN_GPU_TENSORSUM_H
#define AI_LIB_CODEGEN_GPU_TENSORSUM_H

#include "TensorTiles.h"
#include "lib/Codegen/LinalgNest.h"
#include "mlir/IR/IntegerSet.h"

namespace ai {

/// Writes what a thread does for the tiles that its warp computes, with `mma.sync`: which elements
/// of the result are its own, and how they are summed up. Which elements of the factors a thread
/// hands in is said by NVIDIA's PTX ISA, "Matrix Fragments for mma.m16n8k8" and "mma.m16n8k16".
class TensorSum {
public:
  /// `number` counts the threads of all tiles, those of a warp one after the other.
  TensorSum(const ThreadMapping &mapping, const TensorTile &tile, LinalgNest &nest,
            mlir::Value number);

  /// Elements of the result that belong to a thread.
  int64_t numElements() const { return 4 * tile.width; }
  /// Where element `i` is, an expression of the number for each coordinate of the op.
  llvm::SmallVector<mlir::AffineExpr> pointOf(int64_t i);
  /// Which numbers have an element `i`: tiles at the end reach beyond it. Null if all have.
  mlir::IntegerSet conditionOf(int64_t i);
  /// Adds all terms to the elements.
  LinalgNest::Carried write(LinalgNest::Carried elements);

private:
  /// A row of lhs or a column of rhs: the values of its coordinates.
  struct Line {
    mlir::OpOperand *operand;
    llvm::SmallVector<std::pair<const Coordinate *, mlir::Value>> coordinates;
  };
  /// One iteration of the sum.
  struct Term {
    llvm::SmallVector<std::pair<unsigned, mlir::Value>> indices; // of the tile's inner loops
    mlir::Value isThere;                                         // null if it always is
  };

  mlir::AffineExpr rowOf(int64_t half);
  mlir::AffineExpr columnOf(int64_t at, mlir::AffineExpr inTile);
  mlir::AffineExpr number(int64_t divisor, int64_t extent);
  void split(mlir::AffineExpr expr, llvm::ArrayRef<unsigned> positions,
             llvm::MutableArrayRef<mlir::AffineExpr> point);
  mlir::Value apply(mlir::AffineExpr expr, mlir::ValueRange operands);
  mlir::Value atMost(mlir::Value value, int64_t last);
  /// The line that `expr` counts, of `extent` lines; tiles are `count` of them.
  Line lineOf(mlir::OpOperand *operand, mlir::AffineExpr expr, int64_t count, int64_t extent,
              llvm::ArrayRef<unsigned> positions);
  llvm::SmallVector<Term> termsOf(mlir::Value step);
  mlir::Value load(const Line &line, const Term &term);
  llvm::SmallVector<mlir::Value> fragmentOf(llvm::ArrayRef<Line> lines, llvm::ArrayRef<Term> terms);
  LinalgNest::Carried multiply(llvm::ArrayRef<mlir::Value> lhs, llvm::ArrayRef<mlir::Value> rhs,
                               mlir::ValueRange sums);

  const ThreadMapping &mapping;
  const TensorTile &tile;
  LinalgNest &nest;
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value threadNumber;
  mlir::AffineExpr lane, group, inGroup; // a group is four lanes
};

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_TENSORSUM_H
