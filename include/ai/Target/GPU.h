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
  bool hasTensorFloats;     ///< Tensor cores multiply tf32 and bf16.
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

/// Machine code of `ptx`, made by `assembler`. `echo`, if there is one, gets the command.
mlir::FailureOr<std::string> makeCubin(llvm::StringRef ptx, const GPUArch &arch,
                                       llvm::StringRef assembler, llvm::raw_ostream *echo,
                                       ErrorEmitter emitError);

/// Prints the command that `makeCubin` would run, with made-up names of its temporary files.
void printCubinCommand(const GPUArch &arch, llvm::StringRef assembler, llvm::raw_ostream &os);

/// The kernels of a module for one architecture.
struct GPUImage {
  GPUArch arch;
  std::string ptx;
  std::string cubin; ///< empty if there is no assembler
};

/// Makes the image of each of `archs`.
mlir::FailureOr<llvm::SmallVector<GPUImage>> makeImages(mlir::ModuleOp module,
                                                        llvm::ArrayRef<GPUArch> archs,
                                                        unsigned optLevel, llvm::raw_ostream *echo,
                                                        ErrorEmitter emitError);

/// Defines what the program's table declares for each of `images`. The gpu.module is gone
/// afterwards.
void embedImages(mlir::ModuleOp module, llvm::ArrayRef<GPUImage> images);

} // namespace ai

#endif // AI_TARGET_GPU_H
