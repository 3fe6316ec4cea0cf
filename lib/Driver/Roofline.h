// The report `--report=roofline`.

#ifndef AI_LIB_DRIVER_ROOFLINE_H
#define AI_LIB_DRIVER_ROOFLINE_H

#include "lib/Runtime/Machine.h"
#include "mlir/IR/BuiltinOps.h"

namespace ai {

/// Prints what `ai-describe-nests` found, a table for each function; times are those of `machine`
/// if it is given.
void printRoofline(mlir::ModuleOp module, const rt::Machine *machine, llvm::raw_ostream &os);

/// Prints what each kernel of a program for a GPU loads, stores and computes in a step of the
/// recipe's batch, from the counts of ai-describe-kernels.
void printKernelCosts(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace ai

#endif // AI_LIB_DRIVER_ROOFLINE_H
