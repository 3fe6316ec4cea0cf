// The `library` dialect: what kernels of somebody else compute.

#ifndef LIBRARY_OPS
#define LIBRARY_OPS

include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"
include "mlir/IR/DialectBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Library_Dialect : Dialect {
  let name = "library";
  let cppNamespace = "::ai::library";
  let summary = "calls of libraries that compute convolutions and products of matrices";
}

def Library_Function : I32EnumAttr<"Function", "what a library computes", [
    I32EnumAttrCase<"conv2d", 0>, I32EnumAttrCase<"conv2d_input_gradient", 1>,
    I32EnumAttrCase<"conv2d_weight_gradient", 2>, I32EnumAttrCase<"matmul", 3>]> {
  let cppNamespace = "::ai::library";
}

def Library_CallOp : Op<Library_Dialect, "call", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<BufferizableOpInterface,
        ["bufferizesToMemoryRead", "bufferizesToMemoryWrite", "getAliasingValues", "bufferize"]>]> {
  let summary = "a convolution, a gradient of one, or a product of matrices by a library";
  let description = [{
    Writes all of `init`, which it does not read. Elements are f32 or f64, the same everywhere; matrices
    and images are dense and row major.

    | function | inputs | init |
    |---|---|---|
    | `conv2d` | images `[N,I,H,W]`, weight `[O,I,kh,kw]` | `[N,O,H',W']`, as `ai.conv2d` without a bias |
    | `conv2d_input_gradient` | cotangent `[N,O,H',W']`, weight | `[N,I,H,W]`, as the `ai` op of that name |
    | `conv2d_weight_gradient` | images, cotangent | `[O,I,kh,kw]`, as the `ai` op of that name |
    | `matmul` | lhs, rhs, bias `[n]` or none | `[m,n]`, `act(lhs * rhs + bias)` |

    - Attributes of convolutions are pairs (vertical, horizontal): `stride`, `padding`, `dilation`, with
      `H' = (H + 2*padding - dilation*(kh-1) - 1) / stride + 1`, rounded down.
    - `transpose_lhs` reads `lhs[k,i]`, `transpose_rhs` reads `rhs[j,k]`, as `ai.matmul` does; `relu` makes
      `act(x) = max(x, 0)`. A bias and `relu` are for f32 alone: cuBLASLt has no such epilogue in f64.
    - Source: NVIDIA's cuDNN 9 graph API; cublasLtMatmul.

    ```mlir
    %y = library.call matmul(%x, %w, %b) into %init {relu, transpose_rhs}
      : (tensor<64x400xf32>, tensor<120x400xf32>, tensor<120xf32>), tensor<64x120xf32> -> tensor<64x120xf32>
    ```
  }];
  let arguments = (ins Library_Function:$function,
      Variadic<AnyTypeOf<[AnyRankedTensor, AnyMemRef]>>:$inputs,
      AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$init,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$stride,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding,
      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilation,
      UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs, UnitAttr:$relu);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $function `(` $inputs `)` `into` $init attr-dict `:` `(` type($inputs) `)` `,` type($init)
    (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// Whether it is a convolution or a gradient of one.
    bool isConvolution() { return getFunction() != Function::matmul; }
  }];
}

#endif // LIBRARY_OPS
