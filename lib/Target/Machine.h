#ifndef AI_LIB_TARGET_MACHINE_H
#define AI_LIB_TARGET_MACHINE_H

#include "ai/Target/Target.h"
#include "llvm/Target/TargetMachine.h"

namespace ai {

/// LLVM's code generator for a processor that `findProcessor` has found.
std::unique_ptr<llvm::TargetMachine> makeMachine(const Processor &processor, unsigned optLevel);

/// Runs LLVM's default passes of a level, 0 to 3, for a machine. Loops are unrolled only if asked
/// for.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned level, bool unrolls);

/// The module as LLVM IR, not optimised yet; null after an error.
std::unique_ptr<llvm::Module> translate(mlir::ModuleOp module, const TargetOptions &options,
                                        llvm::LLVMContext &context);

/// Optimises `code` as asked for and writes machine code; false if there is none for the processor.
bool writeMachineCode(llvm::Module &code, const TargetOptions &options, llvm::CodeGenFileType kind,
                      llvm::raw_pwrite_stream &os);

} // namespace ai

#endif // AI_LIB_TARGET_MACHINE_H
