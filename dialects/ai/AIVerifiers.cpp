// What the op definitions and type inference cannot say.

#include "dialects/ai/AIDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

using EmitError = function_ref<InFlightDiagnostic()>;

static LogicalResult checkNotNegative(EmitError emitError, StringRef name, const APFloat &value) {
  if (value.isFinite() && !value.isNegative())
    return success();
  return emitError() << "expects " << name << " to be at least 0, got " << value.convertToDouble();
}

/// Decay rates of running means.
static LogicalResult checkDecay(EmitError emitError, StringRef name, const APFloat &value) {
  if (value.isFinite() && !value.isNegative() && value < APFloat(1.0))
    return success();
  return emitError() << "expects " << name << " to be at least 0 and less than 1, got "
                     << value.convertToDouble();
}

LogicalResult InitializerAttr::verify(EmitError emitError, InitializerKind kind, APFloat value) {
  if (!value.isFinite())
    return emitError() << "expects a finite value";
  return kind == InitializerKind::constant ? success()
                                           : checkNotNegative(emitError, "value", value);
}

LogicalResult SGDAttr::verify(EmitError emitError, APFloat lr, APFloat momentum,
                              APFloat weightDecay, bool nesterov) {
  if (failed(checkNotNegative(emitError, "lr", lr)) ||
      failed(checkNotNegative(emitError, "momentum", momentum)) ||
      failed(checkNotNegative(emitError, "weight_decay", weightDecay)))
    return failure();
  if (nesterov && momentum.isZero())
    return emitError() << "expects momentum with nesterov, got momentum 0";
  return success();
}

static LogicalResult verifyAdam(EmitError emitError, const APFloat &lr, const APFloat &beta1,
                                const APFloat &beta2, const APFloat &eps,
                                const APFloat &weightDecay) {
  return success(succeeded(checkNotNegative(emitError, "lr", lr)) &&
                 succeeded(checkDecay(emitError, "beta1", beta1)) &&
                 succeeded(checkDecay(emitError, "beta2", beta2)) &&
                 succeeded(checkNotNegative(emitError, "eps", eps)) &&
                 succeeded(checkNotNegative(emitError, "weight_decay", weightDecay)));
}

LogicalResult AdamAttr::verify(EmitError emitError, APFloat lr, APFloat beta1, APFloat beta2,
                               APFloat eps, APFloat weightDecay) {
  return verifyAdam(emitError, lr, beta1, beta2, eps, weightDecay);
}

LogicalResult AdamWAttr::verify(EmitError emitError, APFloat lr, APFloat beta1, APFloat beta2,
                                APFloat eps, APFloat weightDecay) {
  return verifyAdam(emitError, lr, beta1, beta2, eps, weightDecay);
}

LogicalResult RMSpropAttr::verify(EmitError emitError, APFloat lr, APFloat alpha, APFloat eps,
                                  APFloat weightDecay, APFloat momentum) {
  return success(succeeded(checkNotNegative(emitError, "lr", lr)) &&
                 succeeded(checkDecay(emitError, "alpha", alpha)) &&
                 succeeded(checkNotNegative(emitError, "eps", eps)) &&
                 succeeded(checkNotNegative(emitError, "weight_decay", weightDecay)) &&
                 succeeded(checkNotNegative(emitError, "momentum", momentum)));
}

LogicalResult AdadeltaAttr::verify(EmitError emitError, APFloat lr, APFloat rho, APFloat eps,
                                   APFloat weightDecay) {
  return success(succeeded(checkNotNegative(emitError, "lr", lr)) &&
                 succeeded(checkDecay(emitError, "rho", rho)) &&
                 succeeded(checkNotNegative(emitError, "eps", eps)) &&
                 succeeded(checkNotNegative(emitError, "weight_decay", weightDecay)));
}

LogicalResult StepScheduleAttr::verify(EmitError emitError, APFloat gamma, int64_t every) {
  if (every < 1)
    return emitError() << "expects every to be at least 1, got " << every;
  return checkNotNegative(emitError, "gamma", gamma);
}

LogicalResult InverseScheduleAttr::verify(EmitError emitError, APFloat gamma, APFloat power) {
  return success(succeeded(checkNotNegative(emitError, "gamma", gamma)) &&
                 succeeded(checkNotNegative(emitError, "power", power)));
}

//===----------------------------------------------------------------------===//
// Models and parameters
//===----------------------------------------------------------------------===//

/// Parameters of one name are one parameter: they agree in type and initialiser.
static LogicalResult verifySharedParameters(ModelOp model) {
  llvm::StringMap<ParameterOp> byName;
  for (auto parameter : model.getBody().getOps<ParameterOp>()) {
    auto [it, isNew] = byName.try_emplace(parameter.getName(), parameter);
    ParameterOp first = it->second;
    if (isNew)
      continue;
    InFlightDiagnostic diagnostic = parameter.emitOpError();
    if (first.getType() != parameter.getType())
      diagnostic << "expects one type for \"" << parameter.getName() << "\", got "
                 << first.getType() << " and " << parameter.getType();
    else if (first.getInitOrDefault() != parameter.getInitOrDefault())
      diagnostic << "expects one initialiser for \"" << parameter.getName() << "\", got "
                 << first.getInitOrDefault() << " and " << parameter.getInitOrDefault();
    else {
      diagnostic.abandon();
      continue;
    }
    diagnostic.attachNote(first.getLoc()) << "first declared here";
    return diagnostic;
  }
  return success();
}

LogicalResult ModelOp::verifyRegions() {
  if (getNumArguments() != 1 || getNumResults() != 1)
    return emitOpError("expects one argument, the input, and one result, got ")
           << getNumArguments() << " and " << getNumResults();
  for (Type type : {getArgumentTypes()[0], getResultTypes()[0]}) {
    auto tensor = dyn_cast<TensorType>(type);
    if (!tensor || !isa<Float32Type, Float64Type>(tensor.getElementType()) ||
        !hasOnlyBatchDynamic(tensor))
      return emitOpError("expects tensors of f32 or f64 whose dims but the first are static, got ")
             << type;
  }
  if (!isa<ReturnOp>(getBody().front().back()))
    return emitOpError("expects ai.return as its last op");
  return verifySharedParameters(*this);
}

LogicalResult ReturnOp::verify() {
  auto model = cast<ModelOp>((*this)->getParentOp());
  if (areCompatibleTypes(getOperandTypes(), model.getResultTypes()))
    return success();
  return emitOpError("expects operands of the model's result types, got ")
         << getOperandTypes() << " and " << model.getResultTypes();
}

LogicalResult ParameterOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape())
    return emitOpError("expects a static shape, got ") << getType();
  InitializerKind kind = getInitOrDefault().getKind();
  bool usesFans = kind != InitializerKind::constant && kind != InitializerKind::uniform &&
                  kind != InitializerKind::normal;
  if (usesFans && type.getRank() < 2)
    return emitOpError("expects rank 2 or more for initialiser ")
           << stringifyInitializerKind(kind) << ", got " << type
           << "; use constant, uniform or normal";
  return success();
}

//===----------------------------------------------------------------------===//
// Recipes and requests
//===----------------------------------------------------------------------===//

LogicalResult TrainOp::verify() {
  if (int64_t(getBatch()) < 1)
    return emitOpError("expects batch to be at least 1, got ") << int64_t(getBatch());
  if (int64_t(getEpochs()) < 1)
    return emitOpError("expects epochs to be at least 1, got ") << int64_t(getEpochs());
  if (!getMean().isFinite())
    return emitOpError("expects a finite mean");
  if (!getStd().isFinite() || getStd() <= APFloat(0.0))
    return emitOpError("expects std to be greater than 0, got ") << getStd().convertToDouble();
  return success();
}

LogicalResult TrainOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *model = symbols.lookupNearestSymbolFrom(*this, getModelAttr());
  // A model lifted into a function of its parameters keeps its name; later its steps stand for it.
  if (!model)
    model = symbols.lookupNearestSymbolFrom(
        *this, StringAttr::get(getContext(), getModel() + "_train_step"));
  if (isa_and_nonnull<ModelOp, func::FuncOp>(model))
    return success();
  return emitOpError("expects an ai.model in this module, got ") << getModelAttr();
}

/// Whether a request of the region stands for a function of this name.
static bool isRequested(Region *region, StringRef name) {
  return llvm::any_of(region->getOps<GradientOp>(), [&](GradientOp request) {
    return name == (request.getFunction() + "_gradient").str();
  });
}

/// Checks that a request names a function of float tensors to one float.
static LogicalResult verifyRequest(Operation *op, FlatSymbolRefAttr name, ArrayRef<int64_t> wrt,
                                   SymbolTableCollection &symbols) {
  auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(op, name);
  if (!function && isRequested(op->getParentRegion(), name.getValue()))
    return success();
  if (!function)
    return op->emitOpError("expects a func.func in this module, got ") << name;
  auto isFloat = [](Type type) {
    auto tensor = dyn_cast<TensorType>(type);
    return tensor && isa<Float32Type, Float64Type>(tensor.getElementType());
  };
  ArrayRef<Type> results = function.getResultTypes(), arguments = function.getArgumentTypes();
  if (results.size() != 1 || !isFloat(results[0]) || !isScalarTensor(results[0]))
    return op->emitOpError("expects a function with one result, a float tensor of rank 0, got ")
           << function.getFunctionType();
  if (wrt.empty())
    return op->emitOpError("expects at least one argument to differentiate by");
  for (int64_t index : wrt) {
    if (index < 0 || index >= static_cast<int64_t>(arguments.size()))
      return op->emitOpError("expects wrt to list arguments of ")
             << name << ", got " << index << " and " << arguments.size() << " argument(s)";
    if (!isFloat(arguments[index]))
      return op->emitOpError("expects argument ")
             << index << " of " << name << " to be a tensor of f32 or f64, got "
             << arguments[index];
  }
  return success();
}

LogicalResult GradientOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyRequest(*this, getFunctionAttr(), getWrt(), symbols);
}

LogicalResult ValueAndGradientOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyRequest(*this, getFunctionAttr(), getWrt(), symbols);
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

static LogicalResult verifyRate(Operation *op, const APFloat &rate) {
  if (rate.isFinite() && !rate.isNegative() && rate < APFloat(1.0))
    return success();
  return op->emitOpError("expects rate to be at least 0 and less than 1, got ")
         << rate.convertToDouble();
}

LogicalResult DropoutOp::verify() { return verifyRate(*this, getRate()); }

LogicalResult DropoutMaskOp::verify() {
  if (!llvm::isUInt<32>(getStream()))
    return emitOpError("expects stream to fit in 32 bits, got ") << int64_t(getStream());
  return verifyRate(*this, getRate());
}
