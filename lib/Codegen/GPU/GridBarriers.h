// How thread blocks that run together wait: calls of functions without a body, until code for a GPU
// or for the emulator is made of them.

#ifndef AI_LIB_CODEGEN_GPU_GRIDBARRIERS_H
#define AI_LIB_CODEGEN_GPU_GRIDBARRIERS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace ai {

/// All threads of the grid wait for each other, and see what each has written before.
inline constexpr llvm::StringLiteral kGridBarrier = "ai_grid_barrier";

/// All threads of a block wait for each other; from here on its shared memory holds anything.
inline constexpr llvm::StringLiteral kBeginTurn = "ai_begin_turn";

/// Whether it is a call of one of the two.
inline bool isCallOf(llvm::StringRef function, mlir::Operation *op) {
  auto call = mlir::dyn_cast<mlir::LLVM::CallOp>(op);
  return call && call.getCallee() == function;
}

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_GRIDBARRIERS_H
