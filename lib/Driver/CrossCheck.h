// The same model on the CPU and on the GPU.

#ifndef AI_LIB_DRIVER_CROSSCHECK_H
#define AI_LIB_DRIVER_CROSSCHECK_H

#include "ai/Driver/Driver.h"

namespace ai {

/// Compiles the model of `options` for the CPU and for the GPU, with what every op computes kept
/// and then as it is, runs all on the same data and prints the greatest differences. Fails if one
/// is beyond the tolerance, or if something cannot be compiled or run; says so on standard error.
mlir::LogicalResult crossCheck(const CompileOptions &options);

} // namespace ai

#endif // AI_LIB_DRIVER_CROSSCHECK_H
