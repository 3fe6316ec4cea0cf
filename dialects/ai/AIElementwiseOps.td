// Constants and functions applied to each element, with NumPy broadcasting.

#ifndef AI_ELEMENTWISE_OPS
#define AI_ELEMENTWISE_OPS

include "dialects/ai/AIBase.td"

def AI_ConstantOp : AI_TensorOp<"constant", [ConstantLike, AI_Differentiable]> {
  let summary = "a constant tensor";
  let description = [{
    `out = value`.

    - Shapes: static, that of `value`.
    - Gradient: no operand, so none.

    ```mlir
    %half = ai.constant dense<0.5> : tensor<f32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AI_Tensor:$out);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "::mlir::FloatType":$element, "double":$value)>];
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

class AI_BinaryOp<string mnemonic, Type operand, list<Trait> traits = []>
    : AI_TensorOp<mnemonic, !listconcat([AI_Differentiable], traits)> {
  let arguments = (ins operand:$lhs, operand:$rhs);
  let results = (outs operand:$out);
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferTypes(Adaptor op, ::ai::TypeInference &infer) {
      return ::ai::inferElementwise(op.getOperands(), infer);
    }
  }];
}

def AI_AddOp : AI_BinaryOp<"add", AI_NumericTensor, [Commutative]> {
  let summary = "sum of two tensors, element by element";
  let description = [{
    `out = lhs + rhs`.

    - Shapes: NumPy broadcasting: dims align at the right, and a dim of 1 is repeated.
    - Gradient: `d_lhs = d_rhs = ct`, summed over broadcast dims.
    - Integers wrap.

    ```mlir
    %y = ai.add %x, %b : (tensor<?x10xf32>, tensor<10xf32>) -> tensor<?x10xf32>
    ```
  }];
  let hasFolder = 1;
}

def AI_SubOp : AI_BinaryOp<"sub", AI_NumericTensor> {
  let summary = "difference of two tensors, element by element";
  let description = [{
    `out = lhs - rhs`.

    - Shapes: NumPy broadcasting.
    - Gradient: `d_lhs = ct`, `d_rhs = -ct`, summed over broadcast dims.
    - Integers wrap.

    ```mlir
    %y = ai.sub %x, %m : (tensor<?x10xf32>, tensor<?x1xf32>) -> tensor<?x10xf32>
    ```
  }];
  let hasFolder = 1;
}

def AI_MulOp : AI_BinaryOp<"mul", AI_NumericTensor, [Commutative]> {
  let summary = "product of two tensors, element by element";
  let description = [{
    `out = lhs * rhs`.

    - Shapes: NumPy broadcasting.
    - Gradient: `d_lhs = ct * rhs`, `d_rhs = ct * lhs`, summed over broadcast dims.
    - Integers wrap.

    ```mlir
    %y = ai.mul %x, %s : (tensor<4x3xf32>, tensor<f32>) -> tensor<4x3xf32>
    ```
  }];
  let hasFolder = 1;
}

def AI_DivOp : AI_BinaryOp<"div", AI_FloatTensor> {
  let summary = "quotient of two tensors, element by element";
  let description = [{
    `out = lhs / rhs`.

    - Shapes: NumPy broadcasting.
    - Gradient: `d_lhs = ct / rhs`, `d_rhs = -ct * out / rhs`, summed over broadcast dims.
    - Division by zero gives an infinity or NaN, as IEEE 754 says.

    ```mlir
    %y = ai.div %x, %n : (tensor<4x3xf32>, tensor<f32>) -> tensor<4x3xf32>
    ```
  }];
  let hasFolder = 1;
}

def AI_MaxOp : AI_BinaryOp<"max", AI_FloatTensor, [Commutative]> {
  let summary = "larger of two numbers, element by element";
  let description = [{
    `out = lhs > rhs ? lhs : rhs`; NaN if either is NaN.

    - Shapes: NumPy broadcasting.
    - Gradient: `ct` goes to the larger operand; on ties half to each, as in JAX and PyTorch.

    ```mlir
    %y = ai.max %x, %zero : (tensor<4x3xf32>, tensor<f32>) -> tensor<4x3xf32>
    ```
  }];
  let hasFolder = 1;
}

def AI_MinOp : AI_BinaryOp<"min", AI_FloatTensor, [Commutative]> {
  let summary = "smaller of two numbers, element by element";
  let description = [{
    `out = lhs < rhs ? lhs : rhs`; NaN if either is NaN.

    - Shapes: NumPy broadcasting.
    - Gradient: `ct` goes to the smaller operand; on ties half to each, as in JAX and PyTorch.

    ```mlir
    %y = ai.min %x, %one : (tensor<4x3xf32>, tensor<f32>) -> tensor<4x3xf32>
    ```
  }];
  let hasFolder = 1;
}

def AI_PowerOp : AI_BinaryOp<"power", AI_FloatTensor> {
  let summary = "lhs to the power of rhs, element by element";
  let description = [{
    `out = lhs ^ rhs`, as C's `pow`: `x^0 = 1` for every x; NaN for a negative base with an exponent
    that is not an integer.

    - Shapes: NumPy broadcasting.
    - Gradient: `d_lhs = ct * rhs * lhs^(rhs-1)`, 0 where `rhs` is 0; `d_rhs = ct * out * log(lhs)`,
      0 where `lhs` is 0; summed over broadcast dims.

    ```mlir
    %y = ai.power %x, %p : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    ```
  }];
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

class AI_UnaryOp<string mnemonic> : AI_TensorOp<mnemonic, [AI_Differentiable]> {
  let arguments = (ins AI_FloatTensor:$input);
  let results = (outs AI_FloatTensor:$out);
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferTypes(Adaptor op, ::ai::TypeInference &infer) {
      return ::ai::inferElementwise(op.getOperands(), infer);
    }
  }];
}

def AI_NegOp : AI_UnaryOp<"neg"> {
  let summary = "negation";
  let description = [{
    `out = -input`.

    - Shapes: that of the operand.
    - Gradient: `-ct`.

    ```mlir
    %y = ai.neg %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let hasFolder = 1;
}

def AI_ExpOp : AI_UnaryOp<"exp"> {
  let summary = "exponential";
  let description = [{
    `out = e^input`.

    - Shapes: that of the operand.
    - Gradient: `ct * out`.

    ```mlir
    %y = ai.exp %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def AI_LogOp : AI_UnaryOp<"log"> {
  let summary = "natural logarithm";
  let description = [{
    `out = ln(input)`; `-inf` at 0, NaN below.

    - Shapes: that of the operand.
    - Gradient: `ct / input`.

    ```mlir
    %y = ai.log %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def AI_SqrtOp : AI_UnaryOp<"sqrt"> {
  let summary = "square root";
  let description = [{
    `out = sqrt(input)`; NaN below 0.

    - Shapes: that of the operand.
    - Gradient: `ct / (2 * out)`: infinite at 0.

    ```mlir
    %y = ai.sqrt %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def AI_SinOp : AI_UnaryOp<"sin"> {
  let summary = "sine";
  let description = [{
    `out = sin(input)`, in radians.

    - Shapes: that of the operand.
    - Gradient: `ct * cos(input)`.

    ```mlir
    %y = ai.sin %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def AI_CosOp : AI_UnaryOp<"cos"> {
  let summary = "cosine";
  let description = [{
    `out = cos(input)`, in radians.

    - Shapes: that of the operand.
    - Gradient: `-ct * sin(input)`.

    ```mlir
    %y = ai.cos %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def AI_TanhOp : AI_UnaryOp<"tanh"> {
  let summary = "hyperbolic tangent";
  let description = [{
    `out = tanh(input)`.

    - Shapes: that of the operand.
    - Gradient: `ct * (1 - out^2)`.

    ```mlir
    %y = ai.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def AI_SigmoidOp : AI_UnaryOp<"sigmoid"> {
  let summary = "logistic function";
  let description = [{
    `out = 1 / (1 + e^-input)`.

    - Shapes: that of the operand.
    - Gradient: `ct * out * (1 - out)`.

    ```mlir
    %y = ai.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def AI_ReLUOp : AI_UnaryOp<"relu"> {
  let summary = "rectified linear unit";
  let description = [{
    `out = 0 > input ? 0 : input`; so NaN stays NaN.

    - Shapes: that of the operand.
    - Gradient: `out > 0 ? ct : 0`; 0 at 0, as in PyTorch.
    - Source: Nair and Hinton 2010.

    ```mlir
    %y = ai.relu %x : (tensor<?x6x28x28xf32>) -> tensor<?x6x28x28xf32>
    ```
  }];
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Comparison, selection, conversion
//===----------------------------------------------------------------------===//

def AI_CompareOp : AI_TensorOp<"compare", [AI_Differentiable]> {
  let summary = "comparison, element by element";
  let description = [{
    `out = lhs predicate rhs`, predicate one of eq, ne, lt, le, gt, ge. Integers are signed (i1: not).
    With NaN all are false but `ne`.

    - Shapes: NumPy broadcasting; result i1.
    - Gradient: none flows: the result is piecewise constant.

    ```mlir
    %p = ai.compare gt, %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
    ```
  }];
  let arguments = (ins AI_ComparePredicate:$predicate, AI_Tensor:$lhs, AI_Tensor:$rhs);
  let results = (outs AI_BoolTensor:$out);
  let assemblyFormat =
      "$predicate `,` $lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

def AI_SelectOp : AI_TensorOp<"select", [AI_Differentiable]> {
  let summary = "choice between two tensors, element by element";
  let description = [{
    `out = condition ? on_true : on_false`.

    - Shapes: NumPy broadcasting of all three.
    - Gradient: `d_on_true = condition ? ct : 0`, `d_on_false = condition ? 0 : ct`, summed over
      broadcast dims: selected, never multiplied, so that a NaN not chosen has no influence.

    ```mlir
    %y = ai.select %p, %x, %zero : (tensor<4xi1>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins AI_BoolTensor:$condition, AI_Tensor:$on_true, AI_Tensor:$on_false);
  let results = (outs AI_Tensor:$out);
  let hasFolder = 1;
}

def AI_CastOp : AI_Op<"cast", [Pure, SameOperandsAndResultShape, AI_Differentiable]> {
  let summary = "conversion of each element to another type";
  let description = [{
    `out = input`, converted: float to float rounds to nearest even; float to integer truncates
    toward zero (out of range: undefined); integers are signed, i1 is 0 or 1; to i1: `input != 0`.

    - Shapes: that of the operand; the result's element type is given.
    - Gradient: `ct` converted back, between floats; else none flows.

    ```mlir
    %y = ai.cast %x : (tensor<4xf32>) -> tensor<4xf64>
    ```
  }];
  let arguments = (ins AI_Tensor:$input);
  let results = (outs AI_Tensor:$out);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::Type":$element)>];
}

#endif // AI_ELEMENTWISE_OPS
