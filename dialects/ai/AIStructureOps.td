// Models, their parameters and recipes, and requests for gradients.

#ifndef AI_STRUCTURE_OPS
#define AI_STRUCTURE_OPS

include "dialects/ai/AIBase.td"

def AI_InitializerLike : Attr<CPred<"::llvm::isa<::ai::InitializerAttr>($_self)">, "#ai.init"> {
  let storageType = "::mlir::Attribute";
  let returnType = "::mlir::Attribute";
  let convertFromStorage = "$_self";
}

def AI_OptimizerLike : Attr<CPred<"::ai::isOptimizer($_self)">,
    "optimizer (#ai.sgd, #ai.adam, #ai.adamw, #ai.rmsprop or #ai.adadelta)"> {
  let storageType = "::mlir::Attribute";
  let returnType = "::mlir::Attribute";
  let convertFromStorage = "$_self";
}

def AI_ScheduleLike : Attr<CPred<"::ai::isSchedule($_self)">,
    "schedule (#ai.step or #ai.inverse)"> {
  let storageType = "::mlir::Attribute";
  let returnType = "::mlir::Attribute";
  let convertFromStorage = "$_self";
}

def AI_ModelOp : AI_Op<"model", [FunctionOpInterface, IsolatedFromAbove, AI_NotDifferentiable]> {
  let summary = "a network: a function of one batch whose parameters are declared where they are used";
  let description = [{
    Maps a batch of samples to a batch of outputs. Its parameters are the `ai.parameter` ops of its
    body. `ai.train` names a model and says how its parameters are found.

    - Shapes: dim 0 of the argument and of the result is the batch, usually `?`.
    - Gradient: none of its own; lifted into a function of its parameters first.

    ```mlir
    ai.model @affine(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
      %w = ai.parameter "weight" : tensor<2x4xf32>
      %y = ai.linear %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
      ai.return %y : tensor<?x2xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
      OptionalAttr<StrAttr>:$sym_visibility, OptionalAttr<DictArrayAttr>:$arg_attrs,
      OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The types of the arguments and results, as FunctionOpInterface asks for them.
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
  }];
}

def AI_ReturnOp : AI_Op<"return", [Pure, Terminator, ReturnLike, HasParent<"ModelOp">,
                                   AI_NotDifferentiable]> {
  let summary = "end of a model";
  let description = [{
    Gives the model's outputs.

    - Shapes: those of the model's result types.
    - Gradient: none; where the cotangents of a model enter.

    ```mlir
    ai.return %y : tensor<?x10xf32>
    ```
  }];
  let arguments = (ins Variadic<AI_Tensor>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let hasVerifier = 1;
}

def AI_YieldOp : AI_Op<"yield", [Pure, Terminator, ReturnLike, AI_NotDifferentiable]> {
  let summary = "end of a region";
  let description = [{
    Gives the results of the region it ends; what they mean is said by the parent op.

    - Shapes: those of the parent op's results.
    - Gradient: none.

    ```mlir
    ai.yield %loss, %correct : tensor<f32>, tensor<f32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
}

def AI_ParameterOp : AI_Op<"parameter", [AI_NotDifferentiable]> {
  let summary = "a tensor that training changes";
  let description = [{
    The current value of the parameter `name`. Naming a parameter twice in a model, with the same
    type, shares it. `init` says how its first value is drawn; the default is PyTorch's for layers:
    rank 2 and more uniform on [-1/sqrt(fan_in), 1/sqrt(fan_in)] (`kaiming_uniform` with gain
    1/sqrt(3)), else zero.

    - Shapes: static, as declared.
    - Gradient: none of its own; lifted into an argument first.

    ```mlir
    %w = ai.parameter "conv1.weight" init(#ai.init<kaiming_uniform, 1.0>) : tensor<6x1x5x5xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<AI_InitializerLike>:$init);
  let results = (outs AI_FloatTensor:$out);
  let assemblyFormat = "$name (`init` `(` $init^ `)`)? attr-dict `:` type($out)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How the parameter's first value is drawn: `init`, or the default for its rank.
    ::ai::InitializerAttr getInitOrDefault();
  }];
}

def AI_TrainOp : AI_Op<"train", [HasParent<"::mlir::ModuleOp">, AI_NotDifferentiable,
                                 DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the recipe: how a model's parameters are found";
  let description = [{
    Minimises the mean of `loss` over batches of `batch` samples, `epochs` times through the data,
    with the given optimizer. `schedule` changes the rate (default: constant). `seed` decides initial
    values, shuffling and dropout. A byte u of the input becomes (u/255 - mean)/std.

    - Shapes: classes for `cross_entropy` (logits) and `nll_loss` (log probabilities): the model's
      result is `[N,C]`; for `mse_loss` any.
    - Gradient: none; expanded into the training step by `--ai-differentiate`.

    ```mlir
    ai.train @lenet loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {batch = 64, epochs = 4, seed = 1}
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$model, AI_LossKind:$loss, AI_OptimizerLike:$optimizer,
      OptionalAttr<AI_ScheduleLike>:$schedule, DefaultValuedAttr<I64Attr, "64">:$batch,
      DefaultValuedAttr<I64Attr, "1">:$epochs, DefaultValuedAttr<I64Attr, "1">:$seed,
      DefaultValuedAttr<F64Attr, "0.0">:$mean, DefaultValuedAttr<F64Attr, "1.0">:$std);
  let assemblyFormat = [{
    $model `loss` `(` $loss `)` `optimizer` `(` $optimizer `)` (`schedule` `(` $schedule^ `)`)?
    attr-dict
  }];
  let hasVerifier = 1;
}

class AI_GradientRequest<string mnemonic>
    : AI_Op<mnemonic, [HasParent<"::mlir::ModuleOp">, AI_NotDifferentiable,
                       DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let arguments = (ins FlatSymbolRefAttr:$function, DenseI64ArrayAttr:$wrt);
  let assemblyFormat = "$function `wrt` $wrt attr-dict";
}

def AI_GradientOp : AI_GradientRequest<"gradient"> {
  let summary = "a request for the gradient of a function";
  let description = [{
    `--ai-differentiate` adds `@f_gradient`: the arguments of `@f` to the gradient of its result by
    each argument listed in `wrt`, in that order.

    - Shapes: `@f` has one result, a float of rank 0; each gradient has its argument's type.
    - Gradient: ask for the gradient of `@f_gradient`'s sum in a second run.

    ```mlir
    ai.gradient @f wrt [0, 1]
    ```
  }];
}

def AI_ValueAndGradientOp : AI_GradientRequest<"value_and_gradient"> {
  let summary = "a request for the value and the gradient of a function";
  let description = [{
    `--ai-differentiate` adds `@f_value_and_gradient`, which returns the value of `@f` followed by
    what `ai.gradient` returns.

    - Shapes: as `ai.gradient`.
    - Gradient: as `ai.gradient`.

    ```mlir
    ai.value_and_gradient @f wrt [0]
    ```
  }];
}

#endif // AI_STRUCTURE_OPS
