// The `ai` dialect: training on tensors, before layouts, buffers and loops.

#ifndef AI_DIALECT
#define AI_DIALECT

include "mlir/IR/DialectBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def AI_Dialect : Dialect {
  let name = "ai";
  let cppNamespace = "::ai";
  let summary = "models, their training recipe, and the tensor operators they are made of";
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

class AI_I32Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::ai";
}

def AI_ComparePredicate : AI_I32Enum<"ComparePredicate", "ordered comparison; any comparison with NaN is false, but ne", [
    I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"ne", 1>, I32EnumAttrCase<"lt", 2>,
    I32EnumAttrCase<"le", 3>, I32EnumAttrCase<"gt", 4>, I32EnumAttrCase<"ge", 5>]>;

def AI_LossKind : AI_I32Enum<"LossKind", "what training minimises", [
    I32EnumAttrCase<"cross_entropy", 0>, I32EnumAttrCase<"nll_loss", 1>, I32EnumAttrCase<"mse_loss", 2>]>;

def AI_InitializerKind : AI_I32Enum<"InitializerKind", "how a parameter's first value is drawn", [
    I32EnumAttrCase<"constant", 0>, I32EnumAttrCase<"kaiming_uniform", 1>,
    I32EnumAttrCase<"kaiming_normal", 2>, I32EnumAttrCase<"xavier_uniform", 3>,
    I32EnumAttrCase<"xavier_normal", 4>, I32EnumAttrCase<"uniform", 5>, I32EnumAttrCase<"normal", 6>]> {
  let genSpecializedAttr = 0;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class AI_RealParameter : AttrOrTypeParameter<"::llvm::APFloat", "a real number"> {
  let parser = "::ai::parseReal($_parser)";
  let printer = "::ai::printReal($_printer, $_self)";
  let comparator = "$_lhs.bitwiseIsEqual($_rhs)";
}
def AI_Real : AI_RealParameter;
class AI_RealOr<string value> : AI_RealParameter {
  let defaultValue = "::llvm::APFloat(" # value # ")";
}

class AI_Attr<string name, string attrMnemonic> : AttrDef<AI_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def AI_InitializerAttr : AI_Attr<"Initializer", "init"> {
  let summary = "how a parameter's first value is drawn";
  let description = [{
    `#ai.init<kind, value>`. `constant`: every element is `value`. `kaiming_uniform`: uniform on
    [-b, b], b = value * sqrt(3 / fan_in); `kaiming_normal`: normal, std = value / sqrt(fan_in);
    `xavier_uniform`: b = value * sqrt(6 / (fan_in + fan_out)); `xavier_normal`: std = value *
    sqrt(2 / (fan_in + fan_out)); `uniform`: b = value; `normal`: std = value.
    fan_in = dim 1 x receptive field, fan_out = dim 0 x receptive field, as in PyTorch.
    Sources: He et al. 2015, Glorot and Bengio 2010.
  }];
  let parameters = (ins EnumParameter<AI_InitializerKind>:$kind, AI_Real:$value);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` $kind `,` $value `>`";
}

def AI_LanesAttr : AI_Attr<"Lanes", "lanes"> {
  let summary = "layout of a tensor: the dimension that is innermost in memory";
  let description = [{
    The encoding of a tensor type inside a block. `tensor<16x6x28x28xf32, #ai.lanes<0>>` has the
    logical shape 16x6x28x28; in memory dimension 0 is moved last (6x28x28x16), so that a vector
    register holds the same element of 16 samples. A type without encoding is row major.
  }];
  let parameters = (ins "int64_t":$dim);
  let assemblyFormat = "`<` $dim `>`";
}

class AI_OptimizerAttr<string name, string mnemonic> : AI_Attr<name, mnemonic> {
  let genVerifyDecl = 1;
}

def AI_SGDAttr : AI_OptimizerAttr<"SGD", "sgd"> {
  let summary = "stochastic gradient descent with momentum (torch.optim.SGD)";
  let parameters = (ins AI_Real:$lr, AI_RealOr<"0.0">:$momentum,
      AI_RealOr<"0.0">:$weight_decay, DefaultValuedParameter<"bool", "false">:$nesterov);
  let assemblyFormat = "`<` struct(params) `>`";
}
def AI_AdamAttr : AI_OptimizerAttr<"Adam", "adam"> {
  let summary = "Adam (Kingma and Ba 2015; torch.optim.Adam)";
  let parameters = (ins AI_Real:$lr, AI_RealOr<"0.9">:$beta1,
      AI_RealOr<"0.999">:$beta2, AI_RealOr<"1e-8">:$eps,
      AI_RealOr<"0.0">:$weight_decay);
  let assemblyFormat = "`<` struct(params) `>`";
}
def AI_AdamWAttr : AI_OptimizerAttr<"AdamW", "adamw"> {
  let summary = "Adam with decoupled weight decay (Loshchilov and Hutter 2019; torch.optim.AdamW)";
  let parameters = (ins AI_Real:$lr, AI_RealOr<"0.9">:$beta1,
      AI_RealOr<"0.999">:$beta2, AI_RealOr<"1e-8">:$eps,
      AI_RealOr<"0.01">:$weight_decay);
  let assemblyFormat = "`<` struct(params) `>`";
}
def AI_RMSpropAttr : AI_OptimizerAttr<"RMSprop", "rmsprop"> {
  let summary = "RMSprop (Tieleman and Hinton 2012; torch.optim.RMSprop)";
  let parameters = (ins AI_Real:$lr, AI_RealOr<"0.99">:$alpha,
      AI_RealOr<"1e-8">:$eps, AI_RealOr<"0.0">:$weight_decay,
      AI_RealOr<"0.0">:$momentum);
  let assemblyFormat = "`<` struct(params) `>`";
}
def AI_AdadeltaAttr : AI_OptimizerAttr<"Adadelta", "adadelta"> {
  let summary = "Adadelta (Zeiler 2012; torch.optim.Adadelta)";
  let parameters = (ins AI_Real:$lr, AI_RealOr<"0.9">:$rho,
      AI_RealOr<"1e-6">:$eps, AI_RealOr<"0.0">:$weight_decay);
  let assemblyFormat = "`<` struct(params) `>`";
}

def AI_StepScheduleAttr : AI_Attr<"StepSchedule", "step"> {
  let summary = "rate = lr * gamma^floor(epoch / every)";
  let parameters = (ins AI_Real:$gamma, DefaultValuedParameter<"int64_t", "1">:$every);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` struct(params) `>`";
}
def AI_InverseScheduleAttr : AI_Attr<"InverseSchedule", "inverse"> {
  let summary = "rate = lr * (1 + gamma * step)^-power, step counted from 0 per iteration";
  let parameters = (ins AI_Real:$gamma, AI_Real:$power);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // AI_DIALECT
