// Writes down what every nest costs, for reports.

#include "NestCosts.h"
#include "ai/Codegen/Passes.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIDESCRIBENESTSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace ai;

namespace {
struct DescribeNests final : ai::impl::AIDescribeNestsPassBase<DescribeNests> {
  void runOnOperation() final {
    Builder b(&getContext());
    SmallVector<NamedAttribute> functions;
    for (func::FuncOp f : getStepFunctions(getOperation())) {
      SmallVector<Attribute> nests;
      for (Operation *nest : getNests(f))
        nests.push_back(getCost(nest).getAttr(b));
      functions.push_back(b.getNamedAttr(f.getName(), b.getArrayAttr(nests)));
    }
    getOperation()->setAttr("ai.nests", b.getDictionaryAttr(functions));
  }
};
} // namespace
