// Layouts and loop nests: what lets a lowering speak of logical dimensions only.

#ifndef AI_CONVERSION_AITOLINALG_LAYOUT_H
#define AI_CONVERSION_AITOLINALG_LAYOUT_H

#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

namespace ai {

/// Gives every tensor type its shape in memory: the dimension that `#ai.lanes` names is moved last
/// and the encoding is dropped. Other types stay.
class LayoutConverter : public mlir::TypeConverter {
public:
  LayoutConverter();
};

/// Whether images of type `type` lie pixel by pixel.
bool hasChannelLanes(mlir::RankedTensorType type);

/// The dimensions of `type` in the order in which they lie in memory, outermost first.
llvm::SmallVector<int64_t> getMemoryOrder(mlir::RankedTensorType type);

/// `type` as it lies in memory.
mlir::RankedTensorType getMemoryType(mlir::RankedTensorType type);

/// A value in memory order together with the logical type that says what its dimensions mean.
struct Tensor {
  Tensor(mlir::Value memory, mlir::Type type)
      : memory(memory), type(mlir::cast<mlir::RankedTensorType>(type)) {}

  int64_t rank() const { return type.getRank(); }
  int64_t dim(int64_t i) const { return type.getDimSize(i); }
  mlir::Type element() const { return type.getElementType(); }

  mlir::Value memory;
  mlir::RankedTensorType type;
};

/// An uninitialised tensor of the logical type `type`.
Tensor emptyTensor(mlir::ImplicitLocOpBuilder &b, mlir::RankedTensorType type);

/// A tensor of the logical type `type` whose elements are all `value`.
Tensor filledTensor(mlir::ImplicitLocOpBuilder &b, mlir::RankedTensorType type, double value);

using Indices = llvm::SmallVector<mlir::AffineExpr>;

/// One `linalg.generic` in the making. Loops have no order at first and operands are indexed
/// logically; `build` orders the loops and permutes each index map by its operand's layout.
class Nest {
public:
  /// What the innermost iteration computes: from the operands' elements (inputs, then outputs) to
  /// the values that are written.
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ImplicitLocOpBuilder &,
                                                                 mlir::ValueRange)>;

  explicit Nest(mlir::ImplicitLocOpBuilder &b) : b(b) {}

  /// A new loop. Its range follows from an operand that has it as a plain index.
  mlir::AffineExpr loop() { return mlir::getAffineDimExpr(numLoops++, b.getContext()); }
  Indices loops(int64_t count);

  /// Adds an input. A splat constant becomes a scalar of the body where the ranges allow it.
  void in(const Tensor &tensor, Indices indices);

  /// Adds an output with its initial value.
  void out(const Tensor &tensor, Indices indices);

  /// Adds an input that is never read and only gives loops their ranges.
  void range(llvm::ArrayRef<int64_t> extents, Indices indices);

  /// Builds the op with its loops in the given order, but for the loop that indexes the lane
  /// dimension of the first output: it moves to the end unless it `isLaneInPlace`. A lane of
  /// samples is one vector and no loop; one of channels may be many, some of which share a register
  /// tile.
  llvm::SmallVector<mlir::Value> build(Indices order, Body body, bool isLaneInPlace = false);

  /// The same with the loops of the first output in the order of the op that made one of the inputs
  /// if it is near enough that both may become one nest, otherwise in memory order.
  /// Loops that do not index the output follow in the order of their making.
  llvm::SmallVector<mlir::Value> build(Body body);

  /// The position of `loop`; only for use in a body.
  mlir::Value index(mlir::ImplicitLocOpBuilder &b, mlir::AffineExpr loop) const;

private:
  struct Access {
    mlir::Value memory;
    Indices indices; // in memory order
    std::optional<mlir::AffineExpr> lane;
  };
  static Access getAccess(const Tensor &tensor, const Indices &indices);
  Indices defaultOrder() const;
  llvm::SmallVector<mlir::Attribute> takeSplats();
  mlir::AffineMap getMap(const Access &access) const;

  mlir::ImplicitLocOpBuilder &b;
  unsigned numLoops = 0;
  llvm::SmallVector<Access> inputs, outputs;
  llvm::SmallVector<mlir::AffineExpr> renumbered; // old loop number -> loop of the op
};

} // namespace ai

#endif // AI_CONVERSION_AITOLINALG_LAYOUT_H
