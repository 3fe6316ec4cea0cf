// Inserts the calls that tell a profile where the time of a step goes: one at the start of a block
// or combine and one behind each nest. The runtime adds the time between two calls to the row of
// the second one, so the rows cover all of the function.

#include "NestCosts.h"
#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIPROFILENESTSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace ai;

/// Rows of their own, as ai_program.h has them: what comes before a block, and before a combine.
static constexpr int64_t kStaging = 0, kWaiting = 1;

namespace {
struct ProfileNests final : ai::impl::AIProfileNestsPassBase<ProfileNests> {
  void runOnOperation() final {
    OpBuilder b(&getContext());
    SmallVector<Attribute> rows{NestCost{"staging"}.getAttr(b), NestCost{"waiting"}.getAttr(b)};
    SmallVector<func::FuncOp> steps = getStepFunctions(getOperation());
    if (steps.empty())
      return;
    b.setInsertionPointToStart(getOperation().getBody());
    lap = func::FuncOp::create(b, getOperation().getLoc(), "ai_rt_profile_lap",
                               b.getFunctionType(b.getI64Type(), {}));
    lap.setPrivate();
    for (func::FuncOp f : steps) {
      SmallVector<Operation *> nests = getNests(f);
      b.setInsertionPointToStart(&f.getBody().front());
      call(b, f.getLoc(), isBlock(f) ? kStaging : kWaiting);
      for (Operation *nest : nests) {
        b.setInsertionPointAfter(nest);
        call(b, nest->getLoc(), rows.size());
        rows.push_back(getCost(nest).getAttr(b));
      }
    }
    getOperation()->setAttr("ai.profile", b.getArrayAttr(rows));
  }

  void call(OpBuilder &b, Location loc, int64_t id) {
    Value number = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(id));
    func::CallOp::create(b, loc, lap, number);
  }

  func::FuncOp lap;
};
} // namespace
