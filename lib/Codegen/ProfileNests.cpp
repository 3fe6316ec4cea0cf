// Inserts the calls that tell a profile where the time of a step goes: one at the start of a block
// or combine and one behind each nest. The runtime adds the time between two calls to the row of
// the second one, so the rows cover all of the function.

#include "AffineAccess.h"
#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIPROFILENESTSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace ai;

/// The names of a location, innermost call first: `loc("a" fused["b", "c"])` has three.
static void collectNames(Location loc, SmallVectorImpl<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    if (!llvm::is_contained(names, name.getName().getValue()))
      names.push_back(name.getName());
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      collectNames(part, names);
  }
}

/// How often `op` runs in one run of the function; 0 if that is not known: what a thread of a
/// combine does depends on their number.
static double timesOf(Operation *op) {
  double times = 1;
  for (Operation *up = op->getParentOp(); !isa<func::FuncOp>(up); up = up->getParentOp()) {
    auto loop = dyn_cast<affine::AffineForOp>(up);
    times *= loop ? tripCount(loop).value_or(0) : 0;
  }
  return times;
}

/// Floating-point operations of one run, a multiplication and an addition counting one each.
static double countFlops(Operation *nest) {
  double flops = 0;
  nest->walk([&](Operation *op) {
    bool isFma = isa<math::FmaOp>(op);
    if (!isFma && !isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op))
      return;
    double count = isFma ? 2 : 1;
    if (auto vector = dyn_cast<VectorType>(op->getResult(0).getType()))
      count *= vector.getNumElements();
    flops += count * timesOf(op);
  });
  return flops;
}

/// The names of what a nest writes, or the lines of the model file that it comes from.
static std::string nameOf(Operation *nest) {
  SmallVector<StringRef> names;
  SmallVector<std::string> lines;
  nest->walk([&](Operation *op) {
    auto access = getAccess(op);
    if (!access || !access->isWrite)
      return;
    collectNames(op->getLoc(), names);
    if (auto line = op->getLoc()->findInstanceOf<FileLineColLoc>()) {
      std::string text = "line " + std::to_string(line.getLine());
      if (!llvm::is_contained(lines, text))
        lines.push_back(text);
    }
  });
  return names.empty() ? llvm::join(lines, "+") : llvm::join(names, "+");
}

namespace {
struct ProfileNests final : ai::impl::AIProfileNestsPassBase<ProfileNests> {
  void runOnOperation() final {
    OpBuilder b(&getContext());
    SmallVector<Attribute> rows{row(b, "staging, waiting", 0)};
    SmallVector<func::FuncOp> functions;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (f->hasAttr("ai.kind"))
        functions.push_back(f);
    if (functions.empty())
      return;
    b.setInsertionPointToStart(getOperation().getBody());
    lap = func::FuncOp::create(b, getOperation().getLoc(), "ai_rt_profile_lap",
                               b.getFunctionType(b.getI64Type(), {}));
    lap.setPrivate();
    for (func::FuncOp f : functions) {
      SmallVector<Operation *> nests;
      for (Operation &op : f.getBody().front())
        if (op.getNumRegions())
          nests.push_back(&op);
      b.setInsertionPointToStart(&f.getBody().front());
      call(b, f.getLoc(), 0);
      for (Operation *nest : nests) {
        b.setInsertionPointAfter(nest);
        call(b, nest->getLoc(), rows.size());
        rows.push_back(row(b, nameOf(nest), countFlops(nest)));
      }
    }
    getOperation()->setAttr("ai.profile", b.getArrayAttr(rows));
  }

  static Attribute row(OpBuilder &b, const Twine &name, double flops) {
    return b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(name)),
                                b.getNamedAttr("flops", b.getF64FloatAttr(flops))});
  }

  void call(OpBuilder &b, Location loc, int64_t id) {
    Value number = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(id));
    func::CallOp::create(b, loc, lap, number);
  }

  func::FuncOp lap;
};
} // namespace
