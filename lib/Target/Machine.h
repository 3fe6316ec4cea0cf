#ifndef AI_LIB_TARGET_MACHINE_H
#define AI_LIB_TARGET_MACHINE_H

#include "ai/Target/Target.h"
#include "llvm/Target/TargetMachine.h"

namespace ai {

/// LLVM's code generator for a processor that `findProcessor` has found.
std::unique_ptr<llvm::TargetMachine> makeMachine(const Processor &processor, unsigned optLevel);

} // namespace ai

#endif // AI_LIB_TARGET_MACHINE_H
