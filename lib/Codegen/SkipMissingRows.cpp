// A batch fills its last panel in part. The rows that are missing add nothing to a sum of products
// over rows: its loop ends with the last row that there is.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace ai {
#define GEN_PASS_DEF_AISKIPMISSINGROWSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// What `value` repeats in all elements.
static Value skipBroadcast(Value value) {
  auto broadcast = value.getDefiningOp<vector::BroadcastOp>();
  return broadcast ? broadcast.getSource() : value;
}

namespace {
struct SkipMissingRows final : ai::impl::AISkipMissingRowsPassBase<SkipMissingRows> {
  using AISkipMissingRowsPassBase::AISkipMissingRowsPassBase;

  void runOnOperation() final {
    func::FuncOp f = getOperation();
    auto *count = llvm::find_if(f.getArguments(), [&](BlockArgument argument) {
      return argumentText(f, argument.getArgNumber(), "ai.role") == "count";
    });
    // A fold's panel is full.
    if ((kindOf(f) != "combine" && kindOf(f) != "finish") || count == f.getArguments().end())
      return;
    Value rows; // that there are of the last panel; panels have one size
    f.walk([&](AffineForOp loop) {
      std::optional<int64_t> size = sizeOfPanel(loop);
      if (size && !rows)
        rows = rowsOf(*count, *size);
      if (size)
        endWithRows(loop, rows);
    });
  }

private:
  /// The rows of the panels that the loop adds products of, and nothing else, row by row.
  static std::optional<int64_t> sizeOfPanel(AffineForOp loop) {
    Accesses accesses;
    if (!tripCount(loop) || loop.getNumResults() == 0 || !collectAccesses(loop, accesses))
      return std::nullopt;
    std::optional<int64_t> size;
    DenseSet<Value> read;
    for (const Access &access : accesses) {
      std::optional<int64_t> own = sizeOfPanel(access, loop);
      if (!own || own != size.value_or(*own))
        return std::nullopt;
      size = own;
      read.insert(access.value());
    }
    auto isSum = [&](auto pair) {
      return addsProducts(std::get<0>(pair), std::get<1>(pair), read);
    };
    auto yielded = llvm::zip(loop.getYieldedValues(), loop.getRegionIterArgs());
    return llvm::all_of(yielded, isSum) ? size : std::nullopt;
  }

  /// Of one that the access reads at the loop's row, or behind it.
  static std::optional<int64_t> sizeOfPanel(const Access &access, AffineForOp loop) {
    auto view = access.memref.getDefiningOp<memref::ViewOp>();
    if (access.isWrite || !access.isKnown() || !view || !view->hasAttr("ai.panel"))
      return std::nullopt;
    LinearIndex behind = access.indices.front().without(loop.getInductionVar());
    bool isRow = access.indices.front().factorOf(loop.getInductionVar()) == 1 &&
                 behind.terms.empty() && behind.constant >= 0 && access.width(0) == 1;
    bool isElsewhere = llvm::any_of(ArrayRef(access.indices).drop_front(), [&](const auto &index) {
      return index.factorOf(loop.getInductionVar()) != 0;
    });
    return isRow && !isElsewhere ? std::optional(view.getType().getDimSize(0)) : std::nullopt;
  }

  /// Whether `value` is `sum`, to which products of what is `read` are added.
  static bool addsProducts(Value value, Value sum, const DenseSet<Value> &read) {
    while (value != sum) {
      auto add = value.getDefiningOp<arith::AddFOp>();
      auto product = add ? add.getRhs().getDefiningOp<arith::MulFOp>() : arith::MulFOp();
      if (!product || !llvm::all_of(product->getOperands(), [&](Value factor) {
            return read.contains(skipBroadcast(factor));
          }))
        return false;
      value = add.getLhs();
    }
    return true;
  }

  void endWithRows(AffineForOp loop, Value rows) {
    Builder b(&getContext());
    AffineExpr end = b.getAffineConstantExpr(loop.getConstantUpperBound());
    loop->setAttr("ai.trips", b.getI64IntegerAttr(*tripCount(loop)));
    loop.setUpperBound(rows, AffineMap::get(0, 1, {b.getAffineSymbolExpr(0), end}, b.getContext()));
    ++numLoops;
  }

  /// Rows of the last panel: (count - 1) mod size + 1.
  static Value rowsOf(BlockArgument count, int64_t size) {
    OpBuilder b = OpBuilder::atBlockBegin(count.getOwner());
    Location loc = count.getLoc();
    auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
    Value all = arith::IndexCastOp::create(b, loc, b.getIndexType(), count);
    Value last = arith::SubIOp::create(b, loc, all, constant(1));
    Value behind = arith::RemUIOp::create(b, loc, last, constant(size));
    return arith::AddIOp::create(b, loc, behind, constant(1));
  }
};
} // namespace
