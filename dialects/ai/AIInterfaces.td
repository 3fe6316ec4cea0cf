// What passes may ask of an `ai` op without knowing which op it is.

#ifndef AI_INTERFACES
#define AI_INTERFACES

include "mlir/IR/OpBase.td"
include "mlir/IR/Interfaces.td"

def AI_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::ai";
  let description = [{
    An op that knows its vector-Jacobian product (reverse-mode rule).
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the cotangents of the operands from those of the results.

      The caller guarantees one cotangent per result, of the result's type, null where the result
      does not influence what is differentiated (but not all null); the builder stands where all
      operands and results are visible. The rule returns one value per operand, of the operand's
      type, null where no gradient flows (integers, labels, masks), or an empty list where it has
      none for the op's attributes. It emits `ai` ops only, so that the outcome can be
      differentiated again.
    }], "::ai::Gradients", "vjp",
      (ins "::ai::VjpBuilder &":$b, "::llvm::ArrayRef<::mlir::Value>":$cotangents)>
  ];
}

#endif // AI_INTERFACES
