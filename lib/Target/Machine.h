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

} // namespace ai

#endif // AI_LIB_TARGET_MACHINE_H
