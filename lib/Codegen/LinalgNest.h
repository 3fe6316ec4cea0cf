// A linalg op on memrefs, written out as affine loops over scalars or vectors.

#ifndef AI_LIB_CODEGEN_LINALGNEST_H
#define AI_LIB_CODEGEN_LINALGNEST_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

namespace ai {

/// The iterations begin, begin + step, ... below end of one loop. A vector of `step` elements may
/// reach beyond the end, if it is the only one and the end is that of all operands.
struct LoopRange {
  int64_t begin, end, step = 1;
};

/// Cuts `extent` into whole steps of `width`, the rest into steps of half of it, and so on down
/// to 1.
llvm::SmallVector<LoopRange> cutIntoVectors(int64_t extent, int64_t width);

/// How what an operand reads or writes changes along a loop.
enum class LaneAccess { Uniform, Contiguous, Other };

/// The loop that a vector runs over, and its length; 1 stands for scalar code.
struct Lane {
  unsigned dim = 0;
  int64_t width = 1;
};

/// What a strategy of `ai-vectorize-lanes` needs to know about an op, and the code it is put
/// together from. Loops take their bounds from `ranges`; a loop of one iteration is not made. The
/// current index of every loop is in `indices`.
class LinalgNest {
public:
  using Carried = llvm::SmallVector<mlir::Value>;
  using Reader = llvm::function_ref<mlir::Value(mlir::OpOperand &)>;

  /// With `hasMasks` a vector may have fewer elements in memory than it is long.
  explicit LinalgNest(mlir::linalg::LinalgOp op, bool hasMasks = false);

  //===--- facts ---===//

  /// All loops but those in `without`, in the order of the op.
  llvm::SmallVector<unsigned> dims(llvm::ArrayRef<unsigned> without = {});
  bool isElementwise() { return op.getNumParallelLoops() == sizes.size(); }
  bool isParallel(unsigned dim);
  mlir::AffineMap mapOf(mlir::OpOperand &operand) { return maps[operand.getOperandNumber()]; }
  LaneAccess accessOf(mlir::OpOperand &operand, unsigned dim);
  /// The same for an element that the body looks up.
  LaneAccess accessOf(mlir::memref::LoadOp load, unsigned dim);
  /// What the body looks up itself, beside the operands' elements at its own place.
  llvm::SmallVector<mlir::memref::LoadOp> lookUps();
  /// Whether the body means the same on vectors, element by element.
  bool isVectorizable();
  /// How many elements of the widest operand fit into `vectorBits`.
  int64_t nativeWidth(int64_t vectorBits);
  /// For each result the op that adds (multiplies, …) one more value to it; none if it is not made
  /// that way.
  std::optional<llvm::SmallVector<mlir::Operation *>> findCombiners();
  /// Cuts `dim` into vectors of `width` elements; the rest into vectors of half the length, and so
  /// on, or, where masks do, into one.
  llvm::SmallVector<LoopRange> cutLane(unsigned dim, int64_t width);
  /// Makes one loop of all loops, if the op runs over contiguous memory in the order of its
  /// addresses.
  bool collapse();

  //===--- code ---===//

  /// Loops over `dims`, outermost first. `inside` gets the carried values and returns the next
  /// ones.
  Carried makeLoops(llvm::ArrayRef<unsigned> dims, Carried carried,
                    llvm::function_ref<Carried(Carried)> inside);
  void makeLoops(llvm::ArrayRef<unsigned> dims, llvm::function_ref<void()> inside);
  /// A loop over bands of `height` iterations of `dim`, which then has the ranges of a band: loops
  /// over it that `inside` makes run over one. What is left of the loop stays in the ranges.
  void makeBands(unsigned dim, int64_t height, llvm::function_ref<void()> inside);
  /// What `operand` has at the current indices: a vector along the lane, a scalar if it does not
  /// depend on it.
  mlir::Value read(mlir::OpOperand &operand, Lane lane);
  void write(mlir::OpOperand &operand, mlir::Value value, Lane lane);
  /// The body at the current indices, without the ops in `skipped` and the arguments for which
  /// `reader` returns null.
  mlir::IRMapping makeBody(Lane lane, Reader reader,
                           llvm::ArrayRef<mlir::Operation *> skipped = {});
  /// The body at the current indices, its results written.
  void makePoint(Lane lane, Reader reader);
  void makePoint(Lane lane);
  mlir::Value broadcast(mlir::Value value, int64_t width);
  /// `index` + `offset`, both of the same loop.
  mlir::Value shift(mlir::Value index, int64_t offset);

  mlir::linalg::LinalgOp op;
  mlir::OpBuilder b;
  mlir::Location loc;
  llvm::SmallVector<int64_t> sizes;
  llvm::SmallVector<mlir::AffineMap> maps;
  llvm::SmallVector<mlir::Value> operands;
  /// Whether vectors have masks, one along `dim` that reaches beyond its end reaches beyond that of
  /// every operand but those `apart`, and what the body makes of elements that are not there does
  /// no harm.
  bool mayMask(unsigned dim, llvm::ArrayRef<mlir::OpOperand *> apart = {});

  llvm::SmallVector<LoopRange> ranges;
  llvm::SmallVector<mlir::Value> indices;

private:
  bool hasMasks;
  /// Whether all elements of a vector are there.
  bool isWhole(Lane lane) const;
  /// The index of `dim` at place `at` of its range.
  mlir::Value indexAt(unsigned dim, mlir::Value at);
  llvm::SmallVector<mlir::Value> bands; // where the current band begins, null without
  llvm::SmallVector<mlir::Value> indicesOf(mlir::OpOperand &operand);
  mlir::Value indexAlong(unsigned dim, Lane lane);
  mlir::Value lookUp(mlir::memref::LoadOp load, mlir::IRMapping &values, Lane lane);
  void cloneInto(mlir::IRMapping &values, mlir::Operation &scalar, Lane lane);
};

} // namespace ai

#endif // AI_LIB_CODEGEN_LINALGNEST_H
