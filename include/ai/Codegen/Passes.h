// The passes of lib/Codegen; each is specified in Passes.td.

#ifndef AI_CODEGEN_PASSES_H
#define AI_CODEGEN_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/Pass.h"

namespace ai {
#define GEN_PASS_DECL
#include "ai/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

#endif // AI_CODEGEN_PASSES_H
