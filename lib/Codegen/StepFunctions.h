// The functions that steps are made of, as their attributes tell.

#ifndef AI_LIB_CODEGEN_STEPFUNCTIONS_H
#define AI_LIB_CODEGEN_STEPFUNCTIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace ai {

/// "block", "rest", a block of one sample, or what comes behind blocks: "fold", "combine", "finish".
/// Empty of a plain function.
llvm::StringRef kindOf(mlir::Operation *function);
bool isBlock(mlir::Operation *function);
/// Whether it sums over blocks, or updates with their sums.
bool isBehindBlocks(mlir::Operation *function);

/// Whether a grid of a GPU runs it, which ends where its threads must wait for each other.
bool isForGrid(mlir::Operation *function);

/// A text that is an attribute of an argument, empty if it has none.
llvm::StringRef argumentText(mlir::func::FuncOp f, unsigned argument, llvm::StringRef name);

/// Where in the model file an op comes from, as FILE:LINE:COLUMN; empty if nobody knows.
std::string modelPlaceOf(mlir::Operation *op);

/// An attribute of a module or a function that counts something; 0 if it is not there.
int64_t integerOf(mlir::Operation *op, llvm::StringRef name);

/// The largest batch that the function's step is for; 0: any.
int64_t getMostSamples(mlir::Operation *function);

/// The functions of a module that have a kind.
llvm::SmallVector<mlir::func::FuncOp> getStepFunctions(mlir::ModuleOp module);

/// The buffers that a planned function has in a thread's workspace, its own end included. What a
/// barrier names is none.
llvm::SmallVector<mlir::memref::ViewOp> getWorkspaceBuffers(mlir::func::FuncOp function);

} // namespace ai

#endif // AI_LIB_CODEGEN_STEPFUNCTIONS_H
