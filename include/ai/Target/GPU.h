// NVVM dialect -> PTX and cubin, for one architecture of NVIDIA GPUs.

#ifndef AI_TARGET_GPU_H
#define AI_TARGET_GPU_H

#include "ai/Target/Target.h"

namespace ai {

/// An architecture of NVIDIA GPUs, and what code generation wants to know about it.
struct GPUArch {
  llvm::StringRef name;     ///< "sm_90"
  llvm::StringRef features; ///< The first version of PTX that knows it, as LLVM writes it.
  int64_t sharedBytes;      ///< Shared memory that a thread block can have.
};

/// All of them, the oldest first.
llvm::ArrayRef<GPUArch> getGPUArchs();

/// Finds an architecture by name.
mlir::FailureOr<GPUArch> findGPUArch(llvm::StringRef name, ErrorEmitter emitError);

/// The kernels of `module` (its gpu.module, in the NVVM dialect) as optimised PTX. Equal modules
/// give equal text.
mlir::FailureOr<std::string> makePTX(mlir::ModuleOp module, const GPUArch &arch, unsigned optLevel);

/// The program that makes cubins of PTX, NVIDIA's ptxas; empty if it is not in PATH.
std::string findPTXAssembler();

/// Machine code of `ptx`, made by `assembler`.
mlir::FailureOr<std::string> makeCubin(llvm::StringRef ptx, const GPUArch &arch,
                                       llvm::StringRef assembler, ErrorEmitter emitError);

/// Defines what the program's table declares for each of `archs`: the PTX and, where an assembler
/// is installed, the cubin. The gpu.module is gone afterwards.
mlir::LogicalResult embedImages(mlir::ModuleOp module, llvm::ArrayRef<GPUArch> archs,
                                unsigned optLevel, ErrorEmitter emitError);

} // namespace ai

#endif // AI_TARGET_GPU_H
