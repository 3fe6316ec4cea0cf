// The one header of the `ai` dialect that other rooms include.

#ifndef AI_DIALECTS_AI_AIDIALECT_H
#define AI_DIALECTS_AI_AIDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace ai {
/// One value per operand of an op: the cotangent of that operand, null where no gradient flows.
using Gradients = llvm::SmallVector<mlir::Value>;
class VjpBuilder;
} // namespace ai

#include "dialects/ai/AIDialect.h.inc"
#include "dialects/ai/AIEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/ai/AIAttributes.h.inc"
#include "dialects/ai/AIInterfaces.h.inc"
#define GET_OP_CLASSES
#include "dialects/ai/AIOps.h.inc"

#endif // AI_DIALECTS_AI_AIDIALECT_H
