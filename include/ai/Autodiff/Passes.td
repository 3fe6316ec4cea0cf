// The passes of lib/Autodiff: what each needs, ensures, and when it fails.

#ifndef AI_AUTODIFF_PASSES
#define AI_AUTODIFF_PASSES

include "mlir/Pass/PassBase.td"

def AILiftParametersPass : Pass<"ai-lift-parameters", "mlir::ModuleOp"> {
  let summary = "Turn models into pure functions that take their parameters as arguments";
  let description = [{
    Each `ai.model @m` becomes `func.func @m`, whose trailing arguments are the parameters in order
    of declaration; a parameter that is declared twice is one argument. Arguments carry `ai.name`
    and `ai.role`, parameters also `ai.init`, resolved for their shape to `constant`, `uniform`
    (bound) or `normal` (standard deviation).

    ```mlir
    ai.model @m(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {            // before
      %w = ai.parameter "w" : tensor<2x4xf32>
    func.func @m(%x: tensor<?x4xf32> {ai.name = "input", ai.role = "input"},   // after
        %w: tensor<2x4xf32> {ai.init = #ai.init<uniform, 0.5>, ai.name = "w", ai.role = "parameter"})
    ```

    - Needs: shapes inferred, model checked.
    - Ensures: no `ai.model` and no `ai.parameter` is left.
    - Fails when: never.
  }];
  let dependentDialects = ["::ai::AIDialect", "::mlir::func::FuncDialect"];
  let statistics = [Statistic<"numParameters", "num-parameters", "Parameters made arguments">];
}

def AIDifferentiatePass : Pass<"ai-differentiate", "mlir::ModuleOp"> {
  let summary = "Expand ai.gradient, ai.value_and_gradient and ai.train by reverse-mode autodiff";
  let description = [{
    For each `ai.gradient @f`, adds `@f_gradient`, which returns one gradient for each argument in
    `wrt`; for `ai.value_and_gradient @f`, `@f_value_and_gradient`, which returns the value first.
    A private declaration of that name is filled in, so that other functions can call it and be
    differentiated in turn.

    For `ai.train @m`, builds `@m_train_step`, `@m_evaluate` and `@m_predict` from the function
    `@m`. The step takes parameters, optimizer states and settings, one batch, and `count`, `first`,
    `step`, `epoch`, `seed`, and returns the new parameters and states and two sums over the batch:
    of the losses and of the correct predictions; with `keep-gradients` the gradients, too. Samples from `count` on are selected away.
    `ai.dropout` becomes a product with a mask in the step and its operand everywhere else.
    `ai.train` stays, as the record of the recipe.

    The engine knows no op: each rule comes from `DifferentiableOpInterface`. The cotangents of a
    value that is used several times are added in reverse order of its uses. A gradient op's
    location is a name: `d conv1.weight` for the gradient of a parameter, `d relu` for others.

    - Needs: shapes inferred, parameters lifted.
    - Ensures: no `ai.gradient`, `ai.value_and_gradient` or `ai.dropout` is left; the functions
      differentiated by `ai.gradient` are untouched.
    - Fails when: an op between a requested argument and the result has no rule; the function does
      not return one scalar; a gradient function is requested twice; gradients depend on each other.
  }];
  let dependentDialects = ["::ai::AIDialect", "::mlir::func::FuncDialect"];
  let options = [Option<"keepGradients", "keep-gradients", "bool", /*default=*/"false",
      "The step also returns the gradient of each parameter, as NAME.gradient">];
  let statistics = [Statistic<"numRules", "num-rules", "Derivative rules applied">];
}

def AIExpandOptimizerPass : Pass<"ai-expand-optimizer", "mlir::ModuleOp"> {
  let summary = "Expand ai.apply_optimizer into element-wise ops";
  let description = [{
    Writes out the update of `torch.optim` for SGD (momentum, Nesterov), Adam, AdamW, RMSprop and
    Adadelta. Scalars that do not depend on the element (bias corrections, products of rates) are
    computed in f64 on rank-0 tensors and cast to the parameter's type once.

    - Needs: nothing.
    - Ensures: no `ai.apply_optimizer` is left.
    - Fails when: never.
  }];
  let dependentDialects = ["::ai::AIDialect"];
  let statistics = [Statistic<"numExpanded", "num-expanded", "Parameter updates written out">];
}

#endif // AI_AUTODIFF_PASSES
