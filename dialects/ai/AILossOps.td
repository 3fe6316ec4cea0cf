// Normalised exponentials and per-sample losses.

#ifndef AI_LOSS_OPS
#define AI_LOSS_OPS

include "dialects/ai/AIBase.td"

class AI_SoftmaxBase<string mnemonic> : AI_TensorOp<mnemonic, [AI_Differentiable]> {
  let arguments = (ins AI_FloatTensor:$input, DefaultValuedAttr<I64Attr, "1">:$dim);
  let results = (outs AI_FloatTensor:$out);
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferTypes(Adaptor op, ::ai::TypeInference &infer) {
      return ::ai::inferAlongDim(op.getInput(), op.getDim(), infer);
    }
  }];
}

def AI_SoftmaxOp : AI_SoftmaxBase<"softmax"> {
  let summary = "exponentials that sum to one";
  let description = [{
    `out = exp(input - m) / sum exp(input - m)`, sum and largest element m along `dim`.

    - Shapes: that of the operand.
    - Gradient: `out * (ct - sum ct * out)`, the sum along `dim`.

    ```mlir
    %p = ai.softmax %x : (tensor<?x10xf32>) -> tensor<?x10xf32>
    ```
  }];
}

def AI_LogSoftmaxOp : AI_SoftmaxBase<"log_softmax"> {
  let summary = "logarithm of the softmax";
  let description = [{
    `out = input - m - log(sum exp(input - m))`, sum and largest element m along `dim`.

    - Shapes: that of the operand.
    - Gradient: `ct - exp(out) * sum ct`, the sum along `dim`.

    ```mlir
    %p = ai.log_softmax %x : (tensor<?x10xf32>) -> tensor<?x10xf32>
    ```
  }];
}

/// Per-sample losses against class labels.
class AI_LabelLoss<string mnemonic> : AI_TensorOp<mnemonic, [AI_Differentiable]> {
  let results = (outs AI_FloatTensor:$out);
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferTypes(Adaptor op, ::ai::TypeInference &infer) {
      return ::ai::inferLabelLoss(op.getOperands(), infer);
    }
  }];
}

def AI_CrossEntropyOp : AI_LabelLoss<"cross_entropy"> {
  let summary = "cross entropy of logits and class labels, per sample";
  let description = [{
    `out[n] = -log_softmax(logits)[n, labels[n]]`. Labels lie in 0..C-1; others give no defined value.

    - Shapes: logits `[N,C]`, labels `[N]` i32 -> `[N]`.
    - Gradient: `ct[n] * (softmax(logits) - one_hot(labels))`; none to the labels.
    - Source: torch.nn.functional.cross_entropy, reduction "none".

    ```mlir
    %loss = ai.cross_entropy %x, %labels : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$logits, AI_LabelTensor:$labels);
}

def AI_NLLLossOp : AI_LabelLoss<"nll_loss"> {
  let summary = "negative log likelihood of class labels, per sample";
  let description = [{
    `out[n] = -log_probabilities[n, labels[n]]`. Labels lie in 0..C-1; others give no defined value.

    - Shapes: log probabilities `[N,C]`, labels `[N]` i32 -> `[N]`.
    - Gradient: `-ct[n] * one_hot(labels)`; none to the labels.
    - Source: torch.nn.functional.nll_loss, reduction "none".

    ```mlir
    %loss = ai.nll_loss %logp, %labels : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$log_probabilities, AI_LabelTensor:$labels);
}

def AI_MSELossOp : AI_TensorOp<"mse_loss", [AI_Differentiable]> {
  let summary = "mean squared error, per sample";
  let description = [{
    `out[n]` is the mean of `(prediction - target)^2` over all dims but 0.

    - Shapes: prediction and target `[N,…]`, equal -> `[N]`.
    - Gradient: `d_prediction = ct[n] * 2/count * (prediction - target)`, `d_target` its negation;
      count is the number of elements of a sample.

    ```mlir
    %loss = ai.mse_loss %y, %t : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$prediction, AI_FloatTensor:$target);
  let results = (outs AI_FloatTensor:$out);
}

#endif // AI_LOSS_OPS
