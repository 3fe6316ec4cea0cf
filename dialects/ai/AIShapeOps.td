// Reordering, repeating and reducing dimensions.

#ifndef AI_SHAPE_OPS
#define AI_SHAPE_OPS

include "dialects/ai/AIBase.td"

def AI_ReshapeOp : AI_ListTensorOp<"reshape", [AI_Differentiable]> {
  let summary = "the same elements, in row-major order, in another shape";
  let description = [{
    - Shapes: `shape` holds the same number of elements; at most one entry is -1 and stands for what
      is left. If dim 0 of the operand is `?`, dim 0 of the result is too, is written -1, and the
      other dims hold as many elements as before.
    - Gradient: `ct` in the operand's shape.

    ```mlir
    %y = ai.reshape %x {shape = [-1, 400]} : (tensor<?x16x5x5xf32>) -> tensor<?x400xf32>
    ```
  }];
  let arguments = (ins AI_Tensor:$input, DenseI64ArrayAttr:$shape);
  let results = (outs AI_Tensor:$out);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def AI_FlattenOp : AI_TensorOp<"flatten", [AI_Differentiable]> {
  let summary = "each sample as one row";
  let description = [{
    Keeps dim 0 and collapses the others in row-major order.

    - Shapes: `[N,a,b,…] -> [N, a*b*…]`; `[N] -> [N,1]`.
    - Gradient: `ct` in the operand's shape.

    ```mlir
    %y = ai.flatten %x : (tensor<?x16x5x5xf32>) -> tensor<?x400xf32>
    ```
  }];
  let arguments = (ins AI_Tensor:$input);
  let results = (outs AI_Tensor:$out);
  let hasFolder = 1;
}

def AI_TransposeOp : AI_ListTensorOp<"transpose", [AI_Differentiable]> {
  let summary = "dimensions in another order";
  let description = [{
    Dim d of the result is dim `permutation[d]` of the operand, as numpy.transpose.

    - Shapes: permuted; a `?` batch stays dim 0.
    - Gradient: `ct` by the inverse permutation.

    ```mlir
    %y = ai.transpose %x {permutation = [1, 0]} : (tensor<3x4xf32>) -> tensor<4x3xf32>
    ```
  }];
  let arguments = (ins AI_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs AI_Tensor:$out);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def AI_BroadcastOp : AI_ListTensorOp<"broadcast", [AI_Differentiable]> {
  let summary = "repetition to a static shape";
  let description = [{
    Dim i of the operand becomes dim `dims[i]` of the result, repeated where it is 1; the other dims
    are new. Without `dims` they align at the right, as in NumPy.

    - Shapes: `shape`, static; `dims` ascends; each operand dim is 1 or that of the result.
    - Gradient: the sum of `ct` over new and repeated dims.

    ```mlir
    %y = ai.broadcast %b {shape = [64, 6, 28, 28], dims = [1]} : (tensor<6xf32>) -> tensor<64x6x28x28xf32>
    ```
  }];
  let arguments = (ins AI_Tensor:$input, DenseI64ArrayAttr:$shape,
      OptionalAttr<DenseI64ArrayAttr>:$dims);
  let results = (outs AI_Tensor:$out);
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// The result dim of each operand dim: `dims`, or aligned at the right. Needs a ranked operand.
    ::llvm::SmallVector<int64_t> getDimsOrDefault();
  }];
}

def AI_BroadcastLikeOp : AI_ListTensorOp<"broadcast_like", [AI_Differentiable]> {
  let summary = "repetition to the shape of another tensor";
  let description = [{
    As `ai.broadcast`, to the shape of `like`, whose elements are not read. Needed where the batch is
    `?`.

    - Shapes: that of `like`, with the operand's element type.
    - Gradient: the sum of `ct` over new and repeated dims; none to `like`.

    ```mlir
    %y = ai.broadcast_like %s, %x {dims = [0]} : (tensor<?xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins AI_Tensor:$input, AI_Tensor:$like, OptionalAttr<DenseI64ArrayAttr>:$dims);
  let results = (outs AI_Tensor:$out);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// The result dim of each operand dim: `dims`, or aligned at the right. Needs ranked operands.
    ::llvm::SmallVector<int64_t> getDimsOrDefault();
  }];
}

class AI_ReduceOp<string mnemonic> : AI_ListTensorOp<mnemonic, [AI_Differentiable]> {
  let arguments = (ins AI_FloatTensor:$input, DenseI64ArrayAttr:$dims, UnitAttr:$keepdims);
  let results = (outs AI_FloatTensor:$out);
  let hasFolder = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferTypes(Adaptor op, ::ai::TypeInference &infer) {
      return ::ai::inferReduction(op.getInput(), op.getDims(), op.getKeepdims(), infer);
    }
  }];
}

def AI_ReduceSumOp : AI_ReduceOp<"reduce_sum"> {
  let summary = "sum over dimensions";
  let description = [{
    `out` is the sum of `input` over `dims`, in the element type; 0 over nothing.

    - Shapes: without `dims`, or with 1 in their place (`keepdims`); `dims` ascends.
    - Gradient: `ct` repeated along `dims`.

    ```mlir
    %db = ai.reduce_sum %ct {dims = [0, 2, 3]} : (tensor<?x6x28x28xf32>) -> tensor<6xf32>
    ```
  }];
}

def AI_ReduceMeanOp : AI_ReduceOp<"reduce_mean"> {
  let summary = "mean over dimensions";
  let description = [{
    `out` is the sum of `input` over `dims`, divided by the number of elements summed; NaN over nothing.

    - Shapes: without `dims`, or with 1 in their place (`keepdims`); `dims` ascends.
    - Gradient: `ct` divided by that number, repeated along `dims`.

    ```mlir
    %m = ai.reduce_mean %x {dims = [1], keepdims} : (tensor<?x10xf32>) -> tensor<?x1xf32>
    ```
  }];
}

def AI_ReduceMaxOp : AI_ReduceOp<"reduce_max"> {
  let summary = "largest element over dimensions";
  let description = [{
    `out` is the largest element of `input` over `dims`; NaN if one is NaN; `-inf` over nothing.

    - Shapes: without `dims`, or with 1 in their place (`keepdims`); `dims` ascends.
    - Gradient: `ct`, shared equally among the largest elements, as jax.numpy.max does.

    ```mlir
    %m = ai.reduce_max %x {dims = [1], keepdims} : (tensor<?x10xf32>) -> tensor<?x1xf32>
    ```
  }];
}

def AI_ArgMaxOp : AI_TensorOp<"argmax", [AI_Differentiable]> {
  let summary = "position of the largest element";
  let description = [{
    `out` is the index along `dim` of the largest element; the first on ties; the first NaN wins.

    - Shapes: without `dim`; i32.
    - Gradient: none flows.

    ```mlir
    %class = ai.argmax %logits {dim = 1 : i64} : (tensor<?x10xf32>) -> tensor<?xi32>
    ```
  }];
  let arguments = (ins AI_FloatTensor:$input, DefaultValuedAttr<I64Attr, "1">:$dim);
  let results = (outs AI_LabelTensor:$out);
}

def AI_OneHotOp : AI_TensorOp<"one_hot", [AI_Differentiable]> {
  let summary = "labels as rows of zeros with a one";
  let description = [{
    `out[n,c] = labels[n] == c ? 1 : 0`; a label outside 0..classes-1 gives a row of zeros.

    - Shapes: `[N] -> [N, classes]`, f32 or `dtype`.
    - Gradient: none flows.

    ```mlir
    %y = ai.one_hot %labels {classes = 10} : (tensor<?xi32>) -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins AI_LabelTensor:$labels, I64Attr:$classes,
      OptionalAttr<TypeAttrOf<AnyTypeOf<[F32, F64]>>>:$dtype);
  let results = (outs AI_FloatTensor:$out);
}

#endif // AI_SHAPE_OPS
