// Windows over images: the largest element, the mean, and their adjoints.

#ifndef AI_POOLING_OPS
#define AI_POOLING_OPS

include "dialects/ai/AIBase.td"

/// All take `kernel`, `stride` and `padding`, pairs (vertical, horizontal). In the assembly `stride`
/// is left out where it equals `kernel`, and `padding` where it is 0.
class AI_Pool2DBase<string mnemonic> : AI_TensorOp<mnemonic, [AI_Differentiable]> {
  let assemblyFormat =
      "operands `` custom<PoolAttrDict>(attr-dict) `:` functional-type(operands, results)";
}

def AI_MaxPool2DOp : AI_Pool2DBase<"max_pool2d"> {
  let summary = "largest element of each window";
  let description = [{
    `out[n,c,y,x] = max_{p,q} input[n, c, y*stride + p - padding, …]`. Padding never wins; NaN wins.

    - Shapes: `[N,C,H,W] -> [N, C, (H + 2*padding - kh)/stride + 1, …]`, rounded down: a remainder is
      dropped. `padding < kernel`.
    - Gradient: `ct` to the winner of each window, the first in row-major order on ties, as in PyTorch.
      The rule replaces the op by `ai.max_pool2d_with_index`.
    - Source: torch.nn.functional.max_pool2d.

    ```mlir
    %y = ai.max_pool2d %x {kernel = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, DenseI64ArrayAttr:$kernel,
      DenseI64ArrayAttr:$stride, DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding);
  let results = (outs AI_FloatTensor:$out);
  let hasCanonicalizer = 1;
}

def AI_MaxPool2DWithIndexOp : AI_Pool2DBase<"max_pool2d_with_index"> {
  let summary = "largest element of each window, and where it stood";
  let description = [{
    `out` as `ai.max_pool2d`; `winner` is the position of that element in its window, row by row
    (`p*kw + q`). The first one wins ties, padding never wins, the first NaN wins.

    - Shapes: as `ai.max_pool2d`; `winner` has the shape of `out`, i8 if kh*kw <= 127, else i32.
    - Gradient: `ai.max_pool2d_scatter(ct, winner)`.

    ```mlir
    %y, %winner = ai.max_pool2d_with_index %x {kernel = [2, 2]}
      : (tensor<?x6x28x28xf32>) -> (tensor<?x6x14x14xf32>, tensor<?x6x14x14xi8>)
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, DenseI64ArrayAttr:$kernel,
      DenseI64ArrayAttr:$stride, DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding);
  let results = (outs AI_FloatTensor:$out, AI_WinnerTensor:$winner);
}

def AI_MaxPool2DScatterOp : AI_Pool2DBase<"max_pool2d_scatter"> {
  let summary = "adds each window's value at its winner";
  let description = [{
    Starts from 0 and adds `ct[n,c,y,x]` to `out[n, c, y*stride + p - padding, …]`, where
    `winner[n,c,y,x] = p*kw + q`.

    - Shapes: ct and winner `[N,C,oh,ow]` -> `[N,C] + input_size`; the pool of an input of
      `input_size` must have ct's shape.
    - Gradient: `d_ct = ai.max_pool2d_gather(g, winner)`.

    ```mlir
    %dx = ai.max_pool2d_scatter %ct, %winner {kernel = [2, 2], input_size = [28, 28]}
      : (tensor<?x6x14x14xf32>, tensor<?x6x14x14xi8>) -> tensor<?x6x28x28xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$ct, AI_WinnerTensor:$winner, DenseI64ArrayAttr:$input_size,
      DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$stride,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding);
  let results = (outs AI_FloatTensor:$out);
}

def AI_MaxPool2DGatherOp : AI_Pool2DBase<"max_pool2d_gather"> {
  let summary = "element at each window's winner";
  let description = [{
    `out[n,c,y,x] = input[n, c, y*stride + p - padding, …]`, where `winner[n,c,y,x] = p*kw + q`. The
    adjoint of `ai.max_pool2d_scatter`.

    - Shapes: input `[N,C,H,W]`, winner `[N,C,oh,ow]` as the pool gives it -> `[N,C,oh,ow]`.
    - Gradient: `d_input = ai.max_pool2d_scatter(g, winner)`.

    ```mlir
    %y = ai.max_pool2d_gather %x, %winner {kernel = [2, 2]}
      : (tensor<?x6x28x28xf32>, tensor<?x6x14x14xi8>) -> tensor<?x6x14x14xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, AI_WinnerTensor:$winner, DenseI64ArrayAttr:$kernel,
      DenseI64ArrayAttr:$stride, DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding);
  let results = (outs AI_FloatTensor:$out);
}

def AI_AvgPool2DOp : AI_Pool2DBase<"avg_pool2d"> {
  let summary = "mean of each window";
  let description = [{
    `out[n,c,y,x] = sum_{p,q} input[n, c, y*stride + p - padding, …] / (kh*kw)`. Padding counts as 0
    and is counted (PyTorch's default, `count_include_pad`).

    - Shapes: as `ai.max_pool2d`.
    - Gradient: `ai.avg_pool2d_gradient`.
    - Source: torch.nn.functional.avg_pool2d.

    ```mlir
    %y = ai.avg_pool2d %x {kernel = [2, 2]} : (tensor<?x6x28x28xf32>) -> tensor<?x6x14x14xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, DenseI64ArrayAttr:$kernel,
      DenseI64ArrayAttr:$stride, DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding);
  let results = (outs AI_FloatTensor:$out);
}

def AI_AvgPool2DGradientOp : AI_Pool2DBase<"avg_pool2d_gradient"> {
  let summary = "adjoint of the mean of each window";
  let description = [{
    Starts from 0 and adds `ct[n,c,y,x] / (kh*kw)` to every element of the window (y, x).

    - Shapes: ct `[N,C,oh,ow]` -> `[N,C] + input_size`; the pool of an input of `input_size` must have
      ct's shape.
    - Gradient (it is linear): `ai.avg_pool2d(g)`.

    ```mlir
    %dx = ai.avg_pool2d_gradient %ct {kernel = [2, 2], input_size = [28, 28]}
      : (tensor<?x6x14x14xf32>) -> tensor<?x6x28x28xf32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$ct, DenseI64ArrayAttr:$input_size,
      DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$stride,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding);
  let results = (outs AI_FloatTensor:$out);
}

#endif // AI_POOLING_OPS
