// The passes of lib/Conversion: what each needs, ensures, and when it fails.

#ifndef AI_CONVERSION_PASSES
#define AI_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertAIToLinalgPass : Pass<"convert-ai-to-linalg", "mlir::ModuleOp"> {
  let summary = "Lower ai ops to linalg.generic on tensors in memory order";
  let description = [{
    Each op becomes one `linalg.generic` per sum or map it consists of, with the op's location. A
    tensor with the encoding `#ai.lanes<d>` becomes a tensor without encoding whose dimension d lies
    last; the loop over samples runs innermost. The order of all other loops is chosen here: a
    convolution visits a row of all output channels, its input gradient scatters into a row of zeros,
    its weight gradient sums over the pixels last.

    - A border (padding) is a copy into a filled tensor.
    - A sum added to a value starts from this value: a gradient is added to its slot in place.
    - With channels as lanes the weight gradient behind a max-pool visits the winners only; its lane is
      what a row of the kernel meets, pixel by pixel.
    - With channels as lanes a 3x3 convolution without stride or dilation whose result has even sides, and
      the gradients of one, can be computed in tiles of 2x2 or 4x4 by Winograd's algorithm (Lavin and
      Gray 2016): the same result but for rounding, to 1e-3 of the largest element in f32.
    - `conv=im2col` multiplies with a patch matrix, which holds what each pixel of a result meets
      (Chellapilla, Puri and Simard 2006): forward and in the weight gradient. The input gradient makes
      one, and adds its elements up where they came from (col2im).
    - A convolution without stride and its input gradient, of one sample whose channels would be lanes, can
      have pixels as lanes instead, if they are many and channels few: images are copied row major, and
      the rows of a channel taken as one; the input gradient is a convolution of the cotangents inside a border
      with the kernel turned around. The same result but for rounding.
    - `conv=auto` takes what costs least; a remark has the costs, in multiply-adds for one sample. With `in`
      and `out` channels, `pixels` of the result and `taps` of the kernel:

      | algorithm | cost |
      |---|---|
      | direct | `pixels * taps * in * out` |
      | direct, a weight gradient that visits winners | `2 * winners * taps * in` |
      | im2col | the same + `2 * pixels * taps * in` |
      | winograd | `tiles * (s * s * in * out + (d + v) * in + (r + v) * out) + k * in * out / samples` |
      | winograd, a weight gradient | the same `+ 8 * s * s * in * out` |
      | pixels as lanes | `direct * (taps * in * out * v(row) + 10 * v(copied)) / (pixels * taps * in * v(out))` |

      A tile of `m` x `m` results has squares of side `s = m + 2`. Their transforms take `d = (m + s) * 4` or,
      for `m = 4`, `* 12` operations, those of the results `r = (m + s) * 4` or `* 10`, those of kernels `(3 + s) * 5`
      or `* 11`. An element that goes to memory and back counts two: `v = 2 * s * (m + s)`, and in `k` those of
      a kernel, `2 * s * (3 + s)`. In a weight gradient that is the second cache, or the third, and counts four
      times as much; `r` is `(m + s) * 3` or `* 10`, and the operations of `k` are `(3 + s) * 6` or `* 12`.
      `v(x)` are the vectors that `x` elements take, without `masks` 2 for 5 = 4 + 1, `row` the pixels of the
      result, with the borders between its rows, and `copied` those of all channels of both images; an input
      gradient's `pixels` are the cotangents'.
      So im2col costs more than direct for any shape: direct nests read the images in place.
    - A convolution that only a pool without overlap reads is ordered by the pool's windows.
    - An element-wise op that only one other reads becomes part of it.
    - `calls-libraries` makes a `library.call` of each convolution, gradient of one, and product of matrices
      on tensors without lanes. A product in f32 takes its bias, and a relu that alone reads it, along; the
      bias of a convolution is added afterwards.
    - Floats carry `fastmath<contract>`, nothing else.
    - Needs: static shapes; no structure ops (models, recipes, gradients, optimizers) left.
    - Ensures: no `ai` op and no `#ai.lanes` is left in functions.
    - Fails when: a tensor is unranked or has a `?`; an op that an earlier pass expands is left; `conv`
      names no algorithm.

    ```mlir
    %y = ai.relu %x : (tensor<16x6xf32, #ai.lanes<0>>) -> tensor<16x6xf32, #ai.lanes<0>>
    ```

    becomes

    ```mlir
    %0 = tensor.empty() : tensor<6x16xf32>
    %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<6x16xf32>) outs(%0 : tensor<6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %zero = arith.constant 0.0 : f32
      %negative = arith.cmpf ogt, %zero, %in : f32
      %value = arith.select %negative, %zero, %in : f32
      linalg.yield %value : f32
    } -> tensor<6x16xf32>
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
      "mlir::math::MathDialect", "mlir::tensor::TensorDialect", "ai::library::LibraryDialect"];
  let options = [
    Option<"l1", "l1", "int64_t", "32768", "Bytes of the first cache of a core">,
    Option<"conv", "conv", "std::string", "\"auto\"",
      "How to convolve: direct, im2col, winograd (where it can be), auto (by what costs least)">,
    Option<"callsLibraries", "calls-libraries", "bool", "false",
      "Leave convolutions and products of matrices to library.call">,
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register in bits">,
    Option<"masks", "masks", "bool", "true", "Whether a vector may have fewer elements in memory than it is long">
  ];
}

#endif // AI_CONVERSION_PASSES
