// The report `--report=roofline`.

#ifndef AI_LIB_DRIVER_ROOFLINE_H
#define AI_LIB_DRIVER_ROOFLINE_H

#include "lib/Runtime/Machine.h"
#include "mlir/IR/BuiltinOps.h"

namespace ai {

/// A nest on a roofline, or the sum of some.
struct Cost {
  double flops = 0, read = 0, written = 0;
  double seconds = 0;                   ///< The least that they can take; 0 if that is not known.
  std::string level = "-", bound = "-"; ///< Where its memory fits, and what the time comes from.

  void operator+=(const Cost &other);
};

/// Places an entry of `ai.nests`; `machine` may be null.
Cost costOf(mlir::DictionaryAttr nest, const rt::Machine *machine);

/// How often a step with a batch of `blocks` runs a function of a kind that is no block.
int64_t countLaunches(llvm::StringRef kind, int64_t blocks, int64_t slots, bool hasFold);

/// Prints what `ai-describe-nests` found, a table for each function; times are those of `machine`
/// if it is given.
void printRoofline(mlir::ModuleOp module, const rt::Machine *machine, llvm::raw_ostream &os);

/// Prints what each kernel of a program for a GPU loads, stores and computes in a step of the
/// recipe's batch, from the counts of ai-describe-kernels.
void printKernelCosts(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace ai

#endif // AI_LIB_DRIVER_ROOFLINE_H
