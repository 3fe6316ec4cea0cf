// Which loops of a reduction to jam, and by how much: the model of `ai-tile-registers`.

#ifndef AI_LIB_CODEGEN_REGISTERTILE_H
#define AI_LIB_CODEGEN_REGISTERTILE_H

#include "lib/Codegen/AffineAccess.h"

namespace ai {

/// Accumulations that stand in one block, and so share their loops.
struct Reduction {
  Accesses writes;
  Accesses reads;    // without the accumulators themselves
  int64_t terms = 1; // multiply-adds of one iteration
  llvm::SmallVector<mlir::affine::AffineForOp>
      loops;                           // that hold these accumulations only, outermost first
  mlir::affine::AffineForOp innermost; // the innermost loop that repeats them
  llvm::SmallVector<mlir::affine::AffineForOp>
      complete; // must be unrolled completely or not at all, innermost first
  llvm::SmallVector<mlir::affine::AffineForOp>
      candidates; // other loops that index the result, innermost first

  bool isRepeatedBy(mlir::affine::AffineForOp loop) const;
  /// The loops that keep the accumulators in registers, innermost first.
  llvm::SmallVector<mlir::affine::AffineForOp> repeating() const;
  /// All their iterations.
  int64_t length() const;
};

/// All reductions inside `root`, in their order.
std::vector<Reduction> findReductions(mlir::Operation *root);

/// `count` iterations of `loop` are jammed.
struct Factor {
  mlir::affine::AffineForOp loop;
  int64_t count;
  bool divides() const { return *tripCount(loop) % count == 0; }
};

struct Tile {
  llvm::SmallVector<Factor> factors; // complete loops first, innermost loop first
  int64_t points = 1, accumulators = 0, loads = 0, fresh = 0, smallest = 0;
  mlir::Value kept; // the operand with the fewest elements: they stay in registers
  double cost = std::numeric_limits<double>::max();
};

/// What a tile has to fit.
struct Core {
  int64_t registers; // for vectors
  int64_t l1;        // bytes of the first cache
};

/// The best tile of whole loops and factors that divide their loops; no factors if none pays.
Tile chooseTile(const Reduction &r, const Core &core);

/// The best tile if loops may be cut: the last iterations of a loop get a tile of their own, and of
/// a complete loop a segment at a time is kept in registers.
Tile chooseCutTile(const Reduction &r, const Core &core);

/// The loops of `r` from `loop` outwards that index the result, hold nothing but the next one, and
/// may run in any order; outermost first, `loop` last.
llvm::SmallVector<mlir::affine::AffineForOp> getBand(const Reduction &r,
                                                     mlir::affine::AffineForOp loop);

/// The loop among `band`, loops that hold nothing but the next one, along which the tiles of `r`
/// should follow each other: the one that leaves most of what a tile reads where it is.
mlir::affine::AffineForOp chooseInnermost(const Reduction &r, const Tile &tile,
                                          llvm::ArrayRef<mlir::affine::AffineForOp> band);

} // namespace ai

#endif // AI_LIB_CODEGEN_REGISTERTILE_H
