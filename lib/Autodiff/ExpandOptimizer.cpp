// ai-expand-optimizer: the update rules of torch.optim, written out in element-wise ops.
//
// A rule takes the operands of one ai.apply_optimizer apart into an Update, and fills in the new
// parameter and states. Numbers of the recipe are f64 scalars until they meet a tensor: `scale`
// casts them to the parameter's type, once.

#include "Optimizers.h"
#include "ScalarBuilder.h"
#include "ai/Autodiff/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ai {
#define GEN_PASS_DEF_AIEXPANDOPTIMIZERPASS
#include "ai/Autodiff/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

namespace {

/// The operands of one ai.apply_optimizer by name, and the builder for its replacement.
class Update {
public:
  Update(ApplyOptimizerOp op, OpBuilder &builder);

  /// The cast of a f64 scalar to the parameter's element type.
  Value scale(Value scalar) { return scalars.cast(scalar, elementType); }
  /// `gradient + weight_decay * parameter`, the L2 penalty of all but AdamW.
  Value penalized() {
    if (!has("weight_decay"))
      return gradient;
    return b.add(gradient, b.mul(scale(setting("weight_decay")), parameter));
  }
  /// `weight * average + (1 - weight) * value`, weight a f64 scalar.
  Value average(Value weight, Value average, Value value) {
    Value rest = scalars.sub(scalars.constant(1.0), weight);
    return b.add(b.mul(scale(weight), average), b.mul(scale(rest), value));
  }
  bool has(StringRef name) const { return settings.contains(name); }
  Value setting(StringRef name) const { return settings.lookup(name); }

  /// Builds what depends on the element, and what all parameters share.
  ScalarBuilder b, scalars;
  Value parameter, gradient, rate, count;
  SmallVector<Value> states;

private:
  Type elementType;
  llvm::StringMap<Value> settings;
};

/// Scalars are not named after the parameter, since all parameters share them.
static Location getScalarLoc(ApplyOptimizerOp op) {
  auto named = dyn_cast<NameLoc>(op.getLoc());
  return NameLoc::get(StringAttr::get(op.getContext(), "update"),
                      named ? named.getChildLoc() : op.getLoc());
}

Update::Update(ApplyOptimizerOp op, OpBuilder &builder)
    : b(builder, op.getLoc()), scalars(builder, getScalarLoc(op)), parameter(op.getParameter()),
      gradient(op.getGradient()), rate(op.getRate()), states(op.getStates()),
      elementType(getElementTypeOrSelf(op.getParameter().getType())) {
  OptimizerParts parts = getOptimizerParts(op.getOptimizer());
  for (auto [setting, value] : llvm::zip(parts.settings, op.getSettings()))
    settings[setting.name] = value;
  if (parts.countsUpdates)
    count = op.getSettings().back();
}

/// torch.optim.SGD: v' = momentum v + g; p' = p - lr v', or p - lr (g + momentum v') (Nesterov).
void updateSGD(SGDAttr sgd, Update &u) {
  Value direction = u.penalized();
  if (u.has("momentum")) {
    Value momentum = u.scale(u.setting("momentum"));
    u.states[0] = u.b.add(u.b.mul(momentum, u.states[0]), direction);
    direction =
        sgd.getNesterov() ? u.b.add(direction, u.b.mul(momentum, u.states[0])) : u.states[0];
  }
  u.parameter = u.b.sub(u.parameter, u.b.mul(u.scale(u.rate), direction));
}

/// The common part of Adam and AdamW, t the number of this update:
/// m' = b1 m + (1 - b1) g; v' = b2 v + (1 - b2) g^2;
/// p' = p - lr / (1 - b1^t) * m' / (sqrt(v') / sqrt(1 - b2^t) + eps).
void updateMoments(Update &u, Value gradient) {
  ScalarBuilder &s = u.scalars;
  Value one = s.constant(1.0);
  Value beta1 = u.setting("beta1"), beta2 = u.setting("beta2");
  Value rate = s.div(u.rate, s.sub(one, s.power(beta1, u.count)));
  Value unbias = s.div(one, s.sqrt(s.sub(one, s.power(beta2, u.count))));
  u.states[0] = u.average(beta1, u.states[0], gradient);
  u.states[1] = u.average(beta2, u.states[1], u.b.square(gradient));
  Value root = u.b.mul(u.b.sqrt(u.states[1]), u.scale(unbias));
  Value step = u.b.div(u.states[0], u.b.add(root, u.scale(u.setting("eps"))));
  u.parameter = u.b.sub(u.parameter, u.b.mul(u.scale(rate), step));
}

/// torch.optim.Adam: the penalty is part of the gradient.
void updateAdam(AdamAttr, Update &u) { updateMoments(u, u.penalized()); }

/// torch.optim.AdamW: p shrinks by 1 - lr weight_decay before the step.
void updateAdamW(AdamWAttr, Update &u) {
  if (u.has("weight_decay")) {
    ScalarBuilder &s = u.scalars;
    Value shrink = s.sub(s.constant(1.0), s.mul(u.rate, u.setting("weight_decay")));
    u.parameter = u.b.mul(u.parameter, u.scale(shrink));
  }
  updateMoments(u, u.gradient);
}

/// torch.optim.RMSprop: v' = alpha v + (1 - alpha) g^2; d = g / (sqrt(v') + eps);
/// m' = momentum m + d; p' = p - lr m' (d without momentum).
void updateRMSprop(RMSpropAttr, Update &u) {
  Value gradient = u.penalized();
  u.states[0] = u.average(u.setting("alpha"), u.states[0], u.b.square(gradient));
  Value root = u.b.add(u.b.sqrt(u.states[0]), u.scale(u.setting("eps")));
  Value direction = u.b.div(gradient, root);
  if (u.has("momentum")) {
    direction = u.b.add(u.b.mul(u.scale(u.setting("momentum")), u.states[1]), direction);
    u.states[1] = direction;
  }
  u.parameter = u.b.sub(u.parameter, u.b.mul(u.scale(u.rate), direction));
}

/// torch.optim.Adadelta: v' = rho v + (1 - rho) g^2; d = sqrt(a + eps) / sqrt(v' + eps) * g;
/// a' = rho a + (1 - rho) d^2; p' = p - lr d.
void updateAdadelta(AdadeltaAttr, Update &u) {
  Value gradient = u.penalized();
  Value rho = u.setting("rho"), eps = u.scale(u.setting("eps"));
  u.states[0] = u.average(rho, u.states[0], u.b.square(gradient));
  Value ratio = u.b.div(u.b.sqrt(u.b.add(u.states[1], eps)), u.b.sqrt(u.b.add(u.states[0], eps)));
  Value delta = u.b.mul(ratio, gradient);
  u.states[1] = u.average(rho, u.states[1], u.b.square(delta));
  u.parameter = u.b.sub(u.parameter, u.b.mul(u.scale(u.rate), delta));
}

struct ExpandOptimizerPass : ai::impl::AIExpandOptimizerPassBase<ExpandOptimizerPass> {
  void runOnOperation() override {
    getOperation().walk([&](ApplyOptimizerOp op) { expand(op); });
  }

private:
  void expand(ApplyOptimizerOp op) {
    OpBuilder builder(op);
    Update update(op, builder);
    llvm::TypeSwitch<Attribute>(op.getOptimizer())
        .Case([&](SGDAttr attr) { updateSGD(attr, update); })
        .Case([&](AdamAttr attr) { updateAdam(attr, update); })
        .Case([&](AdamWAttr attr) { updateAdamW(attr, update); })
        .Case([&](RMSpropAttr attr) { updateRMSprop(attr, update); })
        .Case([&](AdadeltaAttr attr) { updateAdadelta(attr, update); });
    SmallVector<Value> results = {update.parameter};
    results.append(update.states);
    op.replaceAllUsesWith(results);
    op.erase();
    ++numExpanded;
  }
};

} // namespace
