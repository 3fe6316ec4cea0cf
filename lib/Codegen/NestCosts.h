// What a nest of a step costs: operations and memory, as a roofline has them.

#ifndef AI_LIB_CODEGEN_NESTCOSTS_H
#define AI_LIB_CODEGEN_NESTCOSTS_H

#include "lib/Codegen/StepFunctions.h"

namespace ai {

/// One run of a nest, on all threads together.
struct NestCost {
  std::string name;
  /// Additions, subtractions, multiplications and divisions of floats, a multiply-add two.
  double flops = 0;
  /// Distinct bytes read, written, and touched at all: where accesses of a buffer leave gaps, the
  /// smallest box around them counts.
  double bytesRead = 0, bytesWritten = 0, workingSet = 0;
  bool isShared = false; ///< Threads share it out; otherwise each that comes by runs all of it.

  mlir::DictionaryAttr getAttr(mlir::Builder &b) const;
};

/// The ops of a step's function that hold loops.
llvm::SmallVector<mlir::Operation *> getNests(mlir::func::FuncOp step);
NestCost getCost(mlir::Operation *nest);
/// The allocations and arguments that a nest writes, and about how many distinct bytes of each.
llvm::MapVector<mlir::Value, double> getWrittenBytes(mlir::Operation *nest);

} // namespace ai

#endif // AI_LIB_CODEGEN_NESTCOSTS_H
