// Where a compiled module will run.

#ifndef AI_LIB_DRIVER_DESTINATION_H
#define AI_LIB_DRIVER_DESTINATION_H

#include "ai/Driver/Driver.h"
#include "ai/Target/GPU.h"
#include "ai/Target/Target.h"

namespace ai {

struct Destination {
  llvm::SmallVector<GPUArch> archs;        ///< none without --target=cuda
  llvm::SmallVector<Processor> processors; ///< the best first

  const Processor &best() const { return processors.front(); }
};

/// What the options ask for, or an error.
mlir::FailureOr<Destination> findDestination(const CompileOptions &options, ErrorEmitter emitError);

/// Prints it for people.
void printDestination(const Destination &destination, llvm::raw_ostream &os);

} // namespace ai

#endif // AI_LIB_DRIVER_DESTINATION_H
