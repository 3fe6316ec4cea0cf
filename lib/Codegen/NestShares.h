// Sharing the nests of a function out among threads: what passes need that do so.

#ifndef AI_LIB_CODEGEN_NESTSHARES_H
#define AI_LIB_CODEGEN_NESTSHARES_H

#include "lib/Codegen/AffineAccess.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ai {

/// A nest of fewer accesses takes less time than the barriers that sharing it would bring.
inline constexpr int64_t kCostOfBarrier = 2000;

/// Iterations that most teams share fairly: with more of them it is not worth asking more often
/// whose iteration it is, unless that is seldom: every kSeldom accesses.
inline constexpr int64_t kEnoughShares = 16, kMostShares = 128, kSeldom = 128;

/// An op of a function's body that touches memory, with what it touches.
struct MemoryOp {
  mlir::Operation *op;
  Accesses accesses;
  bool isKnown = true; // `accesses` is all that it touches
};

/// The ops of the function's body that touch memory, in their order.
llvm::SmallVector<MemoryOp> collectMemoryOps(mlir::func::FuncOp function);

/// Accesses of one run.
int64_t costOf(const MemoryOp &nest);

/// Accesses inside `root` of one run of the nest that it lies in.
int64_t costOf(const MemoryOp &nest, mlir::Operation *root);

/// Whether two accesses may touch an element in any of their iterations.
bool mayMeet(const Access &x, const Access &y);

/// Whether `b` touches what `a` writes.
bool meets(const MemoryOp &a, const MemoryOp &b);

/// The dimension whose indices are the loop plus something within one step, all elements of a
/// vector included.
std::optional<unsigned> sliceDimension(const Access &access, mlir::affine::AffineForOp loop);

/// Whether all accesses of what may be `memref` are of it, and keep to places of their own in each
/// iteration of the loop, by one of their indices.
bool isApart(const MemoryOp &nest, mlir::Value memref, mlir::affine::AffineForOp loop);

/// The one op that the loop holds, if that is a loop; else null.
mlir::affine::AffineForOp innerLoop(mlir::affine::AffineForOp loop);

/// The loop with the most iterations among those of `nest` that are fit for being shared out: the
/// outermost, and those that it holds and nothing else. Null if none is fit.
mlir::affine::AffineForOp longestLoop(const MemoryOp &nest,
                                      llvm::function_ref<bool(mlir::affine::AffineForOp)> isFit);

/// Loops around each other, outermost first: their iterations, counted through, are shared out.
using SharedLoops = llvm::SmallVector<mlir::affine::AffineForOp, 2>;

/// Of the loops that `longestLoop` chooses from, those that are fit, outermost first, until they
/// have kEnoughShares iterations together, and further where there is much to do in each. Few
/// iterations make uneven shares, and the outer loops keep what neighbours in memory compute
/// together. Empty if none is fit.
SharedLoops outerLoops(const MemoryOp &nest,
                       llvm::function_ref<bool(mlir::affine::AffineForOp)> isFit);

/// The iterations of all loops together.
int64_t tripsOf(llvm::ArrayRef<mlir::affine::AffineForOp> loops);

/// Whether both loops hand the same iterations to a part.
bool haveSameBounds(mlir::affine::AffineForOp a, mlir::affine::AffineForOp b);

/// What a call of a function does: the share `part` of `parts`, which begins and ends at fractions
/// of 2^32.
struct Part {
  mlir::Value part, parts, begin, end;

  /// Leaves to `loop`, which lies in `nest`, the iterations of the part. It keeps their number, of
  /// all parts, as `ai.trips`.
  void restrict(mlir::affine::AffineForOp loop, mlir::Operation *nest) const;
  /// The same for several loops, by a condition around the body of the last one: their bounds stay
  /// constants, and LLVM finds the same addresses as without. Of two parts the first one ends, and
  /// the second begins, at iteration `middle`.
  void guard(llvm::ArrayRef<mlir::affine::AffineForOp> loops, mlir::Operation *nest,
             int64_t middle) const;
  /// Only part `group` mod parts runs the ops, where the last one stands.
  void restrictToOne(llvm::ArrayRef<mlir::Operation *> ops, int64_t group) const;
};

/// Gives the function the arguments `part` and `parts`.
Part addPartArguments(mlir::func::FuncOp function);

} // namespace ai

#endif // AI_LIB_CODEGEN_NESTSHARES_H
