// The settings, states and schedules of torch.optim.

#include "Optimizers.h"

#include "ScalarBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ai;

bool OptimizerParts::has(StringRef setting) const {
  return llvm::any_of(settings, [&](const Setting &s) { return s.name == setting; });
}

/// Appends a setting whose terms vanish when it is zero.
static void addUnlessZero(OptimizerParts &parts, StringRef name, const APFloat &value) {
  if (!value.isZero())
    parts.settings.push_back({name, value.convertToDouble()});
}

static void add(OptimizerParts &parts, StringRef name, const APFloat &value) {
  parts.settings.push_back({name, value.convertToDouble()});
}

template <typename AdamLike> static OptimizerParts getAdamParts(AdamLike adam) {
  OptimizerParts parts;
  add(parts, "beta1", adam.getBeta1());
  add(parts, "beta2", adam.getBeta2());
  add(parts, "eps", adam.getEps());
  addUnlessZero(parts, "weight_decay", adam.getWeightDecay());
  parts.states = {"exp_avg", "exp_avg_sq"};
  parts.countsUpdates = true;
  return parts;
}

static OptimizerParts getSGDParts(SGDAttr sgd) {
  OptimizerParts parts;
  addUnlessZero(parts, "momentum", sgd.getMomentum());
  addUnlessZero(parts, "weight_decay", sgd.getWeightDecay());
  if (parts.has("momentum"))
    parts.states = {"momentum_buffer"};
  return parts;
}

static OptimizerParts getRMSpropParts(RMSpropAttr rmsprop) {
  OptimizerParts parts;
  add(parts, "alpha", rmsprop.getAlpha());
  add(parts, "eps", rmsprop.getEps());
  addUnlessZero(parts, "weight_decay", rmsprop.getWeightDecay());
  addUnlessZero(parts, "momentum", rmsprop.getMomentum());
  parts.states = {"square_avg"};
  if (parts.has("momentum"))
    parts.states.push_back("momentum_buffer");
  return parts;
}

static OptimizerParts getAdadeltaParts(AdadeltaAttr adadelta) {
  OptimizerParts parts;
  add(parts, "rho", adadelta.getRho());
  add(parts, "eps", adadelta.getEps());
  addUnlessZero(parts, "weight_decay", adadelta.getWeightDecay());
  parts.states = {"square_avg", "acc_delta"};
  return parts;
}

double ai::getRate(Attribute optimizer) {
  return llvm::TypeSwitch<Attribute, double>(optimizer)
      .Case<SGDAttr, AdamAttr, AdamWAttr, RMSpropAttr, AdadeltaAttr>(
          [](auto attr) { return attr.getLr().convertToDouble(); });
}

OptimizerParts ai::getOptimizerParts(Attribute optimizer) {
  return llvm::TypeSwitch<Attribute, OptimizerParts>(optimizer)
      .Case(getSGDParts)
      .Case<AdamAttr, AdamWAttr>([](auto adam) { return getAdamParts(adam); })
      .Case(getRMSpropParts)
      .Case(getAdadeltaParts);
}

SmallVector<Setting> ai::getScheduleSettings(Attribute schedule) {
  if (auto step = dyn_cast_or_null<StepScheduleAttr>(schedule))
    return {{"gamma", step.getGamma().convertToDouble()},
            {"every", static_cast<double>(step.getEvery())}};
  if (auto inverse = dyn_cast_or_null<InverseScheduleAttr>(schedule))
    return {{"gamma", inverse.getGamma().convertToDouble()},
            {"power", inverse.getPower().convertToDouble()}};
  return {};
}

// A training's log shows the rate: lib/Runtime/TrainingLog.cpp repeats the formulas.
Value ai::buildRate(OpBuilder &builder, Location loc, Attribute schedule, Value lr,
                    ValueRange settings, Value step, Value epoch) {
  ScalarBuilder b(builder, loc);
  Type f64 = builder.getF64Type();
  if (isa_and_nonnull<StepScheduleAttr>(schedule)) {
    // Conversion to an integer truncates, which is the floor of what is never negative.
    Value periods = b.cast(b.div(b.cast(epoch, f64), settings[1]), builder.getI64Type());
    return b.mul(lr, b.power(settings[0], b.cast(periods, f64)));
  }
  if (isa_and_nonnull<InverseScheduleAttr>(schedule)) {
    Value base = b.add(b.constant(1.0), b.mul(settings[0], b.cast(step, f64)));
    return b.mul(lr, b.power(base, b.neg(settings[1])));
  }
  return lr;
}
