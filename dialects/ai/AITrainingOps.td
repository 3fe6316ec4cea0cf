// What a training step adds to a model: dropout, masks for missing samples, the update, layouts.

#ifndef AI_TRAINING_OPS
#define AI_TRAINING_OPS

include "dialects/ai/AIStructureOps.td"

def AI_DropoutOp : AI_TensorOp<"dropout", [AI_Differentiable]> {
  let summary = "elements dropped at random while training";
  let description = [{
    In training each element is 0 with probability `rate`, else `input / (1 - rate)`; outside
    training, and so as an op, the identity. The training step writes it as the product with
    `ai.dropout_mask`.

    - Shapes: that of the operand. `0 <= rate < 1`.
    - Gradient: `ct`.
    - Source: Srivastava et al. 2014.

    ```mlir
    %y = ai.dropout %x {rate = 0.25} : (tensor<?x128xf32>) -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, F64Attr:$rate);
  let results = (outs AI_FloatTensor:$out);
  let hasFolder = 1;
  let hasVerifier = 1;
}

def AI_DropoutMaskOp : AI_TensorOp<"dropout_mask", [AI_Differentiable]> {
  let summary = "the factors of dropout";
  let description = [{
    Element [n, r…, w] is 0 with probability `rate`, else `1 / (1 - rate)`: a pure function of seed,
    step, `stream`, the sample `first + n` and the place in it. Philox4x32-10 with key (seed low,
    seed high) and counter (sample, group, step, stream), where every row of W elements has ceil(W/4)
    groups of four: `group = row * ceil(W/4) + w / 4`, row the row-major index of r…. The element is
    kept if word `w mod 4` of the result is at least `round(rate * 2^32)`. So the mask depends on
    neither blocks nor threads.

    - Shapes: that of `like`, whose elements are not read. `0 <= rate < 1`.
    - Gradient: none flows.
    - Source: Salmon et al. 2011 (Philox).

    ```mlir
    %m = ai.dropout_mask %x, %seed, %step, %first {rate = 0.25, stream = 0}
      : (tensor<?x128xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$like, AI_IndexScalar:$seed, AI_IndexScalar:$step,
      AI_IndexScalar:$first, F64Attr:$rate, I64Attr:$stream);
  let results = (outs AI_FloatTensor:$out);
  let hasVerifier = 1;
}

def AI_MaskSamplesOp : AI_TensorOp<"mask_samples", [AI_Differentiable]> {
  let summary = "zero for samples that are not there";
  let description = [{
    `out[n,…] = first + n < count ? input[n,…] : 0`: selected, never multiplied, so that a NaN of a
    missing sample has no influence. `first` is the index of the block's first sample.

    - Shapes: that of the operand, rank 1 or more.
    - Gradient: `ai.mask_samples(ct)`.

    ```mlir
    %l = ai.mask_samples %loss, %first, %count : (tensor<?xf32>, tensor<i64>, tensor<i64>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, AI_IndexScalar:$first, AI_IndexScalar:$count);
  let results = (outs AI_FloatTensor:$out);
  let hasFolder = 1;
}

def AI_ApplyOptimizerOp : AI_TensorOp<"apply_optimizer", [AttrSizedOperandSegments,
                                                          AI_NotDifferentiable]> {
  let summary = "one update of one parameter";
  let description = [{
    The parameter and the optimizer's states after one step with `gradient`, at learning rate `rate`.
    Which settings and states there are, and the formulas, depend on `optimizer`; expanded by
    `--ai-expand-optimizer`.

    - Shapes: gradient and states have the parameter's type; rate and settings have rank 0.
    - Gradient: none: not to be differentiated.

    ```mlir
    %w1, %v1 = ai.apply_optimizer %w, %dw, %rate settings(%momentum) states(%v)
      {optimizer = #ai.sgd<lr = 0.1, momentum = 0.9>}
      : (tensor<6xf32>, tensor<6xf32>, tensor<f64>, tensor<f64>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>)
    ```
  }];
  let arguments = (ins AI_FloatTensor:$parameter, AI_FloatTensor:$gradient, AI_RateScalar:$rate,
      Variadic<AI_SettingScalar>:$settings, Variadic<AI_FloatTensor>:$states,
      AI_OptimizerLike:$optimizer);
  let results = (outs AI_FloatTensor:$new_parameter, Variadic<AI_FloatTensor>:$new_states);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $rate (`settings` `(` $settings^ `)`)?
    (`states` `(` $states^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

def AI_RelayoutOp : AI_Op<"relayout", [Pure, SameOperandsAndResultShape,
                                       SameOperandsAndResultElementType, AI_Differentiable]> {
  let summary = "the same tensor in another memory layout";
  let description = [{
    `out = input`; only the encoding of the type, `#ai.lanes`, changes.

    - Shapes: that of the operand.
    - Gradient: `ct` in the operand's layout.

    ```mlir
    %y = ai.relayout %x : tensor<16x6x14x14xf32> -> tensor<16x6x14x14xf32, #ai.lanes<0>>
    ```
  }];
  let arguments = (ins AI_Tensor:$input);
  let results = (outs AI_Tensor:$out);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($out)";
  let hasFolder = 1;
}

#endif // AI_TRAINING_OPS
