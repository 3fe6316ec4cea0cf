// What a memory access inside affine loops touches, and whether two accesses can meet.

#ifndef AI_LIB_CODEGEN_AFFINEACCESS_H
#define AI_LIB_CODEGEN_AFFINEACCESS_H

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace ai {

/// `constant + sum of factor * value`, where a value is an induction variable or any other index.
struct LinearIndex {
  int64_t constant = 0;
  llvm::SmallVector<std::pair<mlir::Value, int64_t>, 2> terms; // ordered by value, no zero factor

  void add(mlir::Value value, int64_t factor);
  int64_t factorOf(mlir::Value value) const;
  /// The index without its term in `value`.
  LinearIndex without(mlir::Value value) const;
  LinearIndex operator-(const LinearIndex &other) const;
};

/// Both ends included.
struct Interval {
  int64_t low, high;
};

/// All values of an index inside its loops; nullopt if a term is no loop with constant bounds.
std::optional<Interval> rangeOf(const LinearIndex &index);
/// The index as a value; its terms must be usable in affine ops.
mlir::Value materialize(mlir::OpBuilder &b, mlir::Location loc, const LinearIndex &index);
/// The indices as a map over `operands`, to which their values are appended.
mlir::AffineMap getMap(llvm::ArrayRef<LinearIndex> indices,
                       llvm::SmallVectorImpl<mlir::Value> &operands, mlir::MLIRContext *context);

/// One read or write of a memref.
struct Access {
  mlir::Operation *op;
  mlir::Value memref;
  bool isWrite;
  /// The scalar or vector moved; null if which elements are touched is not known.
  mlir::Type type;
  llvm::SmallVector<LinearIndex, 0> indices; // one per dimension, empty if not known

  bool isKnown() const { return static_cast<bool>(type); }
  bool uses(mlir::Value value) const;
  /// Elements touched from the index on, in dimension `dim`.
  int64_t width(unsigned dim) const;
  /// The value read or written.
  mlir::Value value() const;
  /// Whether all iterations of `loop` touch the same place (also false if the place is not known).
  bool isInvariantIn(mlir::affine::AffineForOp loop) const;
};

using Accesses = std::vector<Access>;

/// The access that `op` itself makes, if it is one read or one write of known elements.
std::optional<Access> getAccess(mlir::Operation *op);

/// Appends all accesses of `root` and the ops inside it. False if some op has effects beyond them.
bool collectAccesses(mlir::Operation *root, Accesses &accesses);

/// What a buffer takes in memory.
int64_t bytesOf(mlir::MemRefType type);

/// The allocation or argument below all views.
mlir::Value memoryOf(mlir::Value memref);

/// Whether two memrefs may share memory. Distinct allocations and distinct arguments of a function
/// do not: those who call compiled functions keep their arguments apart.
bool mayShareMemory(mlir::Value a, mlir::Value b);

/// Whether two accesses may touch a common element while the induction variables that both use
/// have one value.
bool mayOverlap(const Access &a, const Access &b);
/// Same memref, same indices, same type.
bool isSamePlace(const Access &a, const Access &b);

/// The smallest n > 0 such that `a` in one iteration of `loopA` may touch what `b` touches n
/// iterations of `loopB` earlier or later; nullopt if there is none. Both loops have the same step;
/// they may be one loop, or two in the same block.
std::optional<int64_t> conflictDistance(const Access &a, mlir::affine::AffineForOp loopA,
                                        const Access &b, mlir::affine::AffineForOp loopB);

/// The iterations of a loop, nullopt if its bounds are not constant.
std::optional<int64_t> tripCount(mlir::affine::AffineForOp loop);
/// The affine loops around `op` up to (and with) `root` if given, outermost first.
llvm::SmallVector<mlir::affine::AffineForOp> loopsAround(mlir::Operation *op,
                                                         mlir::Operation *root = nullptr);
/// Whether a loop around the write, up to `root` if given, repeats it at the same place.
bool isReduction(const Access &write, mlir::Operation *root = nullptr);

} // namespace ai

#endif // AI_LIB_CODEGEN_AFFINEACCESS_H
