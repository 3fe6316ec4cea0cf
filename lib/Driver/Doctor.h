// `ai-compile doctor`.

#ifndef AI_LIB_DRIVER_DOCTOR_H
#define AI_LIB_DRIVER_DOCTOR_H

#include "ai/Driver/Driver.h"

namespace ai {

/// Prints what the compiler and its programs find on this machine, by using it: a program is made
/// and run, a kernel assembled and loaded, a data set read. What is missing comes with a remedy.
/// `options` say where the runtime is and who links; `data` is a folder, empty for the system's
/// Fashion-MNIST. Fails if programs cannot be made; the rest is for those who want it.
mlir::LogicalResult runDoctor(const CompileOptions &options, llvm::StringRef data,
                              llvm::raw_ostream &os);

} // namespace ai

#endif // AI_LIB_DRIVER_DOCTOR_H
