// Plain data -> attributes of the dialect.

#include "ai/Frontend/Recipe.h"

#include "dialects/ai/AIDialect.h"

using namespace mlir;
using namespace ai;

namespace {
/// Makes the attribute of an optimizer or a schedule.
struct MakeAttribute {
  template <typename Attr, typename... Numbers> Attribute make(Numbers... numbers) const {
    auto emitError = [&] { return mlir::emitError(loc); };
    return Attr::getChecked(emitError, loc->getContext(), numbers...);
  }

  Attribute operator()(const SGD &o) const {
    return make<SGDAttr>(APFloat(o.lr), APFloat(o.momentum), APFloat(o.weightDecay), o.nesterov);
  }
  Attribute operator()(const Adam &o) const {
    return make<AdamAttr>(APFloat(o.lr), APFloat(o.beta1), APFloat(o.beta2), APFloat(o.eps),
                          APFloat(o.weightDecay));
  }
  Attribute operator()(const AdamW &o) const {
    return make<AdamWAttr>(APFloat(o.lr), APFloat(o.beta1), APFloat(o.beta2), APFloat(o.eps),
                           APFloat(o.weightDecay));
  }
  Attribute operator()(const RMSprop &o) const {
    return make<RMSpropAttr>(APFloat(o.lr), APFloat(o.alpha), APFloat(o.eps),
                             APFloat(o.weightDecay), APFloat(o.momentum));
  }
  Attribute operator()(const Adadelta &o) const {
    return make<AdadeltaAttr>(APFloat(o.lr), APFloat(o.rho), APFloat(o.eps),
                              APFloat(o.weightDecay));
  }
  Attribute operator()(const StepSchedule &s) const {
    return make<StepScheduleAttr>(APFloat(s.gamma), s.every);
  }
  Attribute operator()(const InverseSchedule &s) const {
    return make<InverseScheduleAttr>(APFloat(s.gamma), APFloat(s.power));
  }
  Attribute operator()(std::monostate) const { return {}; }

  Location loc;
};
} // namespace

Attribute ai::makeOptimizer(const Optimizer &optimizer, Location loc) {
  return std::visit(MakeAttribute{loc}, optimizer);
}

Attribute ai::makeSchedule(const Schedule &schedule, Location loc) {
  return std::visit(MakeAttribute{loc}, schedule);
}
