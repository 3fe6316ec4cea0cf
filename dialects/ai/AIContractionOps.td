// Sums of products: matrix product, fully connected layer, convolution and its two adjoints.

#ifndef AI_CONTRACTION_OPS
#define AI_CONTRACTION_OPS

include "dialects/ai/AIBase.td"

def AI_MatMulOp : AI_TensorOp<"matmul", [AI_Differentiable]> {
  let summary = "product of two matrices";
  let description = [{
    `out[i,j] = sum_k lhs[i,k] * rhs[k,j]`, accumulated in the element type; `transpose_lhs` reads
    `lhs[k,i]`, `transpose_rhs` reads `rhs[j,k]`.

    - Shapes: `[m,k] x [k,n] -> [m,n]`, each operand transposed if it says so; no broadcasting. With
      `transpose_lhs` the summed dimension may be the batch.
    - Gradients: `d_lhs = ct * rhs^T`, `d_rhs = lhs^T * ct`, or their transposes.

    ```mlir
    %y = ai.matmul %x, %w {transpose_rhs} : (tensor<?x784xf32>, tensor<10x784xf32>) -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$lhs, AI_FloatTensor:$rhs, UnitAttr:$transpose_lhs,
      UnitAttr:$transpose_rhs);
  let results = (outs AI_FloatTensor:$out);
}

def AI_LinearOp : AI_TensorOp<"linear", [AI_Differentiable]> {
  let summary = "fully connected layer";
  let description = [{
    `out[n,o] = sum_i input[n,i] * weight[o,i] + bias[o]`.

    - Shapes: `[n,i] x [o,i] (+ [o]) -> [n,o]`.
    - Gradients: `d_input = ct * weight`, `d_weight = ct^T * input`, `d_bias[o] = sum_n ct[n,o]`.
    - Source: torch.nn.Linear.

    ```mlir
    %y = ai.linear %x, %w, %b : (tensor<?x400xf32>, tensor<120x400xf32>, tensor<120xf32>) -> tensor<?x120xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, AI_FloatTensor:$weight,
      Optional<AI_FloatTensor>:$bias);
  let results = (outs AI_FloatTensor:$out);
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

class AI_Conv2DBase<string mnemonic> : AI_TensorOp<mnemonic, [AI_Differentiable]> {
  let results = (outs AI_FloatTensor:$out);
  let assemblyFormat =
      "operands `` custom<ConvAttrDict>(attr-dict) `:` functional-type(operands, results)";
}

def AI_Conv2DOp : AI_Conv2DBase<"conv2d"> {
  let summary = "two-dimensional convolution";
  let description = [{
    `out[n,o,y,x] = sum_{i,p,q} input[n, i, y*stride + p*dilation - padding, …] * weight[o,i,p,q] + bias[o]`;
    elements outside the input are 0. It is what deep learning calls convolution: the kernel is not
    flipped.

    - Shapes: input `[N,I,H,W]`, weight `[O,I,kh,kw]`, bias `[O]` ->
      `[N, O, (H + 2*padding - dilation*(kh-1) - 1)/stride + 1, …]`, rounded down.
    - Attributes are pairs (vertical, horizontal); defaults 1, padding 0.
    - Gradients: `ai.conv2d_input_gradient`, `ai.conv2d_weight_gradient`, `d_bias[o] = sum ct[:,o]`.
    - Source: torch.nn.functional.conv2d.

    ```mlir
    %y = ai.conv2d %x, %w, %b {padding = [2, 2]}
      : (tensor<?x1x28x28xf32>, tensor<6x1x5x5xf32>, tensor<6xf32>) -> tensor<?x6x28x28xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, AI_FloatTensor:$weight,
      Optional<AI_FloatTensor>:$bias,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$stride,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilation);
}

def AI_Conv2DInputGradientOp : AI_Conv2DBase<"conv2d_input_gradient"> {
  let summary = "adjoint of a convolution in its input";
  let description = [{
    Scatters each cotangent over the window it came from: adds `ct[n,o,y,x] * weight[o,i,p,q]` to
    `out[n, i, y*stride + p*dilation - padding, …]`; what falls outside is dropped. The transposed
    convolution.

    - Shapes: ct `[N,O,oh,ow]`, weight `[O,I,kh,kw]` -> `[N,I] + input_size`; the convolution of an
      input of `input_size` must have ct's shape.
    - Gradients (it is bilinear): `d_ct = conv2d(g, weight)`, `d_weight = conv2d_weight_gradient(g, ct)`.

    ```mlir
    %dx = ai.conv2d_input_gradient %ct, %w {padding = [2, 2], input_size = [28, 28]}
      : (tensor<?x6x28x28xf32>, tensor<6x1x5x5xf32>) -> tensor<?x1x28x28xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$ct, AI_FloatTensor:$weight,
      DenseI64ArrayAttr:$input_size,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$stride,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilation);
}

def AI_Conv2DWeightGradientOp : AI_Conv2DBase<"conv2d_weight_gradient"> {
  let summary = "adjoint of a convolution in its weight";
  let description = [{
    `out[o,i,p,q] = sum_{n,y,x} input[n, i, y*stride + p*dilation - padding, …] * ct[n,o,y,x]`. With
    `per_sample` the sum over n is left out: `out[n,o,i,p,q]`.

    - Shapes: input `[N,I,H,W]`, ct `[N,O,oh,ow]` -> `[O,I] + kernel_size`, or `[N,O,I] + kernel_size`;
      the convolution with a kernel of `kernel_size` must have ct's shape.
    - Gradients (it is bilinear): `d_input = conv2d_input_gradient(ct, g)`, `d_ct = conv2d(input, g)`.
      None with `per_sample`, which appears after differentiation only.

    ```mlir
    %dw = ai.conv2d_weight_gradient %x, %ct {padding = [2, 2], kernel_size = [5, 5]}
      : (tensor<?x1x28x28xf32>, tensor<?x6x28x28xf32>) -> tensor<6x1x5x5xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, AI_FloatTensor:$ct,
      DenseI64ArrayAttr:$kernel_size,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$stride,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilation,
      UnitAttr:$per_sample);
}

#endif // AI_CONTRACTION_OPS
