// A convolution or pool with padding reads a copy of its images inside a border. The copy costs a
// pass over memory and as much memory again. Here the images are made inside the border instead:
// it is set first, and whoever writes or reads them does so at shifted indices.

#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"

namespace ai {
#define GEN_PASS_DEF_AIPADINPLACEPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;

/// By how much a copy shifts its images in each dimension; empty if `op` is no copy into a larger
/// tensor of its own.
static SmallVector<int64_t> getShift(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getDpsInits()[0].getDefiningOp<tensor::EmptyOp>() ||
      op.getBody()->getTerminator()->getOperand(0) != op.getBody()->getArgument(0))
    return {};
  AffineMap from = op.getIndexingMapsArray()[0], to = op.getIndexingMapsArray()[1];
  if (!from.isPermutation() || from.getNumResults() != to.getNumResults())
    return {};
  SmallVector<int64_t> shift;
  for (auto [x, y] : llvm::zip(from.getResults(), to.getResults())) {
    auto distance = dyn_cast<AffineConstantExpr>(simplifyAffineExpr(y - x, to.getNumDims(), 0));
    if (!distance || distance.getValue() < 0)
      return {};
    shift.push_back(distance.getValue());
  }
  return llvm::all_of(shift, [](int64_t s) { return s == 0; }) ? SmallVector<int64_t>() : shift;
}

/// Whether `op` sets elements of `tensor` to a constant.
static bool setsBorder(linalg::GenericOp op, Value tensor) {
  return op.getNumDpsInits() == 1 && op.getDpsInits()[0] == tensor &&
         matchPattern(op.getBody()->getTerminator()->getOperand(0), m_Constant()) &&
         llvm::all_of(op.getDpsInputs(),
                      [](Value v) { return bool(v.getDefiningOp<tensor::EmptyOp>()); });
}

/// Moves `op`, and before it what it needs, in front of `place`.
static void hoist(Operation *op, Operation *place) {
  if (op->getBlock() != place->getBlock() || op->isBeforeInBlock(place))
    return;
  llvm::SetVector<Value> needed(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), needed);
  for (Value value : needed)
    if (Operation *source = value.getDefiningOp())
      hoist(source, place);
  op->moveBefore(place);
}

/// Adds an operand that is never read, of the extents that no other operand tells any more.
static void keepBounds(linalg::GenericOp op, ArrayRef<int64_t> sizes) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<AffineExpr> loops;
  SmallVector<int64_t> extents;
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    AffineExpr dim = getAffineDimExpr(loop, op.getContext());
    if (llvm::none_of(maps, [&](AffineMap map) { return map.getResultPosition(dim); })) {
      loops.push_back(dim);
      extents.push_back(size);
    }
  }
  if (loops.empty())
    return;
  OpBuilder b(op);
  unsigned position = op.getNumDpsInputs();
  maps.insert(maps.begin() + position, AffineMap::get(sizes.size(), 0, loops, op.getContext()));
  op.getInputsMutable().append(
      tensor::EmptyOp::create(b, op.getLoc(), extents, b.getI1Type()).getResult());
  op.getBody()->insertArgument(position, b.getI1Type(), op.getLoc());
  op.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
}

namespace {
/// One copy, what makes its images, and what reads them.
class Padding {
public:
  Padding(linalg::GenericOp copy, SmallVector<int64_t> shift)
      : copy(copy), shift(std::move(shift)), images(copy.getDpsInputs()[0]),
        padded(copy.getResult(0)) {}

  /// Finds all that touches the images; fails if some of it cannot do so inside the border.
  LogicalResult find() {
    while (padded.hasOneUse()) {
      auto op = dyn_cast<linalg::GenericOp>(*padded.user_begin());
      if (!op || op->getBlock() != copy->getBlock() || !setsBorder(op, padded))
        break;
      border.push_back(op);
      padded = op.getResult(0);
    }
    // Two borders of different values start from one copy: each needs images of its own.
    if (llvm::any_of(padded.getUses(), [](OpOperand &use) {
          auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
          return op && op.isDpsInit(&use);
        }))
      return failure();
    return success(findWriters() && llvm::all_of(images.getUses(), [&](OpOperand &use) {
                     auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
                     return reader && reader->getBlock() == copy->getBlock() &&
                            reader.isDpsInput(&use);
                   }));
  }

  void apply(RewriterBase &rewriter) {
    for (OpResult &written : writers)
      if (auto fill = dyn_cast<linalg::FillOp>(written.getOwner()))
        written = cast<OpResult>(generalize(rewriter, fill));
    images = writers.front();
    llvm::MapVector<Operation *, SmallVector<int64_t>> sizes;
    for (Operation *reader : images.getUsers())
      if (reader != copy)
        sizes[reader] = cast<linalg::LinalgOp>(reader).getStaticLoopRanges();
    for (OpResult written : writers)
      sizes[written.getOwner()] = cast<linalg::LinalgOp>(written.getOwner()).getStaticLoopRanges();
    Value inside = copy.getDpsInits()[0];
    Operation *first = writers.back().getOwner();
    hoist(inside.getDefiningOp(), first);
    for (linalg::GenericOp op : border) {
      op.getDpsInitsMutable()[0].set(inside);
      hoist(op, first);
      inside = op.getResult(0);
    }
    auto before = initOf(writers.back()).get().getDefiningOp<tensor::EmptyOp>();
    initOf(writers.back()).set(inside);
    if (before->use_empty())
      before->erase();

    SmallVector<OpOperand *> shifted;
    for (OpOperand &use : images.getUses())
      if (use.getOwner() != copy)
        shifted.push_back(&use);
    for (OpResult written : writers) {
      written.setType(cast<RankedTensorType>(padded.getType()));
      shifted.push_back(&initOf(written));
    }
    padded.replaceUsesWithIf(images, [&](OpOperand &use) { return use.getOwner() != first; });
    copy.erase();
    for (OpOperand *operand : shifted)
      shiftAccess(*operand);
    for (const auto &[op, extents] : sizes)
      keepBounds(cast<linalg::GenericOp>(op), extents);
  }

private:
  /// The ops that write the images one after the other start from nothing, and nobody else reads
  /// what is in between.
  bool findWriters() {
    for (Value value = images;; value = initOf(writers.back()).get()) {
      auto written = dyn_cast<OpResult>(value);
      if (!written || !isa<linalg::GenericOp, linalg::FillOp>(written.getOwner()) ||
          written.getOwner()->getBlock() != copy->getBlock() ||
          (value != images && !value.hasOneUse()))
        return !writers.empty() && value.getDefiningOp<tensor::EmptyOp>();
      writers.push_back(written);
    }
  }

  static OpOperand &initOf(OpResult written) {
    return *cast<linalg::LinalgOp>(written.getOwner()).getTiedOpOperand(written);
  }

  static Value generalize(RewriterBase &rewriter, linalg::FillOp fill) {
    rewriter.setInsertionPoint(fill);
    return (*linalg::generalizeNamedOp(rewriter, fill)).getResult(0);
  }

  void shiftAccess(OpOperand &operand) {
    auto op = cast<linalg::GenericOp>(operand.getOwner());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    AffineMap &map = maps[operand.getOperandNumber()];
    SmallVector<AffineExpr> indices(map.getResults());
    for (auto [index, distance] : llvm::zip(indices, shift))
      index = index + distance;
    map = AffineMap::get(map.getNumDims(), 0, indices, op.getContext());
    op.setIndexingMapsAttr(Builder(op).getAffineMapArrayAttr(maps));
  }

  linalg::GenericOp copy;
  SmallVector<int64_t> shift;
  Value images, padded;          // without and with the border
  SmallVector<OpResult> writers; // the last one first
  SmallVector<linalg::GenericOp> border;
};

struct PadInPlacePass : ai::impl::AIPadInPlacePassBase<PadInPlacePass> {
  void runOnOperation() final {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
    for (linalg::GenericOp op : ops) {
      SmallVector<int64_t> shift = getShift(op);
      if (shift.empty())
        continue;
      Padding padding(op, std::move(shift));
      if (failed(padding.find()))
        continue;
      padding.apply(rewriter);
      ++numInPlace;
    }
  }
};
} // namespace
