// Where the pointers of a kernel in the LLVM dialect lead.

#ifndef AI_LIB_CODEGEN_GPU_KERNELPOINTERS_H
#define AI_LIB_CODEGEN_GPU_KERNELPOINTERS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace ai {

/// NVPTX's address space of shared memory.
inline constexpr unsigned kSharedSpace = 3;

/// Where a pointer was made, behind casts and offsets.
inline mlir::Value originOf(mlir::Value pointer) {
  while (mlir::Operation *op = pointer.getDefiningOp()) {
    if (!mlir::isa<mlir::LLVM::GEPOp, mlir::LLVM::AddrSpaceCastOp, mlir::LLVM::BitcastOp>(op))
      break;
    pointer = op->getOperand(0);
  }
  return pointer;
}

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_KERNELPOINTERS_H
