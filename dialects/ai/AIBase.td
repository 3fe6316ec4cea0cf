// What the op definitions share: type constraints, the base classes, the assembly format.

#ifndef AI_BASE
#define AI_BASE

include "dialects/ai/AIDialect.td"
include "dialects/ai/AIInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// A tensor that is unranked, or ranked with at most its first dimension, the batch, unknown.
class AI_TensorOf<list<Type> elements, string elementNames> : Type<
    And<[TensorOf<elements>.predicate, CPred<"::ai::hasOnlyBatchDynamic($_self)">]>,
    "tensor of " # elementNames # " whose dims but the first are static", "::mlir::TensorType">;

/// A tensor of rank 0.
class AI_ScalarOf<list<Type> elements, string elementNames> : Type<
    And<[TensorOf<elements>.predicate, CPred<"::ai::isScalarTensor($_self)">]>,
    "tensor of rank 0 of " # elementNames, "::mlir::TensorType">;

def AI_Tensor : AI_TensorOf<[F32, F64, I1, I8, I32, I64], "f32, f64, i1, i8, i32 or i64">;
def AI_NumericTensor : AI_TensorOf<[F32, F64, I8, I32, I64], "f32, f64, i8, i32 or i64">;
def AI_FloatTensor : AI_TensorOf<[F32, F64], "f32 or f64">;
def AI_BoolTensor : AI_TensorOf<[I1], "i1">;
def AI_LabelTensor : AI_TensorOf<[I32], "i32">;
def AI_WinnerTensor : AI_TensorOf<[I8, I32], "i8 or i32">;
def AI_IndexScalar : AI_ScalarOf<[I64], "i64">;
def AI_SettingScalar : AI_ScalarOf<[F64, I64], "f64 or i64">;
def AI_RateScalar : AI_ScalarOf<[F64], "f64">;

//===----------------------------------------------------------------------===//
// Traits
//===----------------------------------------------------------------------===//

/// The op has no vector-Jacobian product: differentiating through it is an error.
def AI_NotDifferentiable : NativeOpTrait<"NotDifferentiable"> {
  let cppNamespace = "::ai";
}

def AI_Differentiable : DeclareOpInterfaceMethods<AI_DifferentiableOpInterface>;

/// Result types follow from operands and attributes by `inferTypes` (AIShapes.cpp). A declared type
/// may be less specific than the inferred one, and encodings are not compared. Our own verifier runs
/// before the interface's, which would report a second error.
def AI_VerifyInferredTypes : NativeOpTrait<"VerifyInferredTypes"> {
  let cppNamespace = "::ai";
}
def AI_InferTypes : TraitList<[
    AI_VerifyInferredTypes,
    DeclareOpInterfaceMethods<InferTypeOpInterface>,
    NativeOpTrait<"InferTypeOpAdaptor", /*traits=*/[],
      /*extraOpDeclaration=*/[{
        /// Adds the type of each result to `infer`, or reports which shape rule is broken.
        static ::llvm::LogicalResult inferTypes(Adaptor op, ::ai::TypeInference &infer);
        static bool isCompatibleReturnTypes(::mlir::TypeRange inferred,
                                            ::mlir::TypeRange declared) {
          return ::ai::areCompatibleTypes(inferred, declared);
        }
      }],
      /*extraOpDefinition=*/[{
        ::llvm::LogicalResult $cppClass::inferReturnTypes(
            ::mlir::MLIRContext *context, std::optional<::mlir::Location> location,
            ::mlir::ValueRange operands, ::mlir::DictionaryAttr attributes,
            ::mlir::OpaqueProperties properties, ::mlir::RegionRange regions,
            ::llvm::SmallVectorImpl<::mlir::Type> &types) {
          ::ai::TypeInference infer(getOperationName(), location, types);
          return inferTypes(Adaptor(operands, attributes, properties, regions), infer);
        }
      }]>
  ]>;

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

class AI_Op<string mnemonic, list<Trait> traits = []> : Op<AI_Dialect, mnemonic, traits>;

/// A pure function of tensors whose result types are inferred.
class AI_TensorOp<string mnemonic, list<Trait> traits = []>
    : AI_Op<mnemonic, !listconcat([Pure, AI_InferTypes], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

/// The same, with integer lists among the attributes, written `{shape = [-1, 400]}`.
class AI_ListTensorOp<string mnemonic, list<Trait> traits = []> : AI_TensorOp<mnemonic, traits> {
  let assemblyFormat =
      "operands `` custom<ListAttrDict>(attr-dict) `:` functional-type(operands, results)";
}

#endif // AI_BASE
