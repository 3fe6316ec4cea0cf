// The one header of the `ai` dialect that other rooms include.

#ifndef AI_DIALECTS_AI_AIDIALECT_H
#define AI_DIALECTS_AI_AIDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace ai {
/// One value per operand of an op: the cotangent of that operand, null where no gradient flows.
using Gradients = llvm::SmallVector<mlir::Value>;
class TypeInference;
class VjpBuilder;

/// Marks an op without vector-Jacobian product: differentiating through it is an error.
template <typename ConcreteOp>
class NotDifferentiable : public mlir::OpTrait::TraitBase<ConcreteOp, NotDifferentiable> {};

/// Whether dim 0 of the type, the batch, is `?`. Unranked types are not batched.
bool isBatched(mlir::Type type);
/// Whether no dim but the first is `?`; true of an unranked tensor.
bool hasOnlyBatchDynamic(mlir::Type type);
/// Whether the tensor has rank 0, or no known rank.
bool isScalarTensor(mlir::Type type);
/// Whether `declared` result types may stand for `inferred` ones: element types and ranks agree, a
/// declared `?` stands for any dim, an unranked type on either side for any shape. Encodings are
/// not compared.
bool areCompatibleTypes(mlir::TypeRange inferred, mlir::TypeRange declared);
/// The most specific result types that the operand types of `op` and its declared result types
/// give. Failure, reported at the op, if a shape rule is broken. An op without inference keeps its
/// types.
llvm::FailureOr<llvm::SmallVector<mlir::Type>> inferResultTypes(mlir::Operation *op);

/// Verifies that the result types of an op are compatible with those that it infers.
template <typename ConcreteOp>
class VerifyInferredTypes : public mlir::OpTrait::TraitBase<ConcreteOp, VerifyInferredTypes> {
public:
  static llvm::LogicalResult verifyTrait(mlir::Operation *op) { return inferResultTypes(op); }
};

/// Whether the attribute is one of the optimizers, or of the schedules, of the dialect.
bool isOptimizer(mlir::Attribute attribute);
bool isSchedule(mlir::Attribute attribute);

/// The dimension that `#ai.lanes` puts innermost; none without that encoding.
std::optional<int64_t> getLaneDim(mlir::RankedTensorType type);

/// How many vectors of `lanes` elements `extent` of them take: a rest is one whose last elements
/// are masked, or without masks one of half the length, and so on.
inline int64_t countVectors(int64_t extent, int64_t lanes, bool haveMasks) {
  int64_t rest = extent % lanes;
  return extent / lanes + (haveMasks ? rest > 0 : llvm::popcount(uint64_t(rest)));
}
} // namespace ai

#include "dialects/ai/AIDialect.h.inc"
#include "dialects/ai/AIEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/ai/AIAttributes.h.inc"
#include "dialects/ai/AIInterfaces.h.inc"
#define GET_OP_CLASSES
#include "dialects/ai/AIOps.h.inc"

#endif // AI_DIALECTS_AI_AIDIALECT_H
