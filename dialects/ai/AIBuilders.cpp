// Builders and accessors of ops that ODS cannot generate.

#include "dialects/ai/AIDialect.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ai;

bool ai::isOptimizer(Attribute attribute) {
  return isa<SGDAttr, AdamAttr, AdamWAttr, RMSpropAttr, AdadeltaAttr>(attribute);
}

bool ai::isSchedule(Attribute attribute) {
  return isa<StepScheduleAttr, InverseScheduleAttr>(attribute);
}

std::optional<int64_t> ai::getLaneDim(RankedTensorType type) {
  if (auto lanes = dyn_cast_or_null<LanesAttr>(type.getEncoding()))
    return lanes.getDim();
  return std::nullopt;
}

InitializerAttr ParameterOp::getInitOrDefault() {
  if (Attribute init = getInitAttr())
    return cast<InitializerAttr>(init);
  bool isMatrix = cast<ShapedType>(getType()).getRank() >= 2;
  return isMatrix ? InitializerAttr::get(getContext(), InitializerKind::kaiming_uniform,
                                         APFloat(0.57735026918962576))
                  : InitializerAttr::get(getContext(), InitializerKind::constant, APFloat(0.0));
}

void ConstantOp::build(OpBuilder &b, OperationState &state, FloatType element, double value) {
  build(b, state,
        DenseElementsAttr::get(RankedTensorType::get({}, element), b.getFloatAttr(element, value)));
}

void CastOp::build(OpBuilder &b, OperationState &state, Value input, Type element) {
  build(b, state, cast<ShapedType>(input.getType()).clone(element), input);
}
