// The C header of a compiled library.

#ifndef AI_LIB_DRIVER_HEADER_H
#define AI_LIB_DRIVER_HEADER_H

#include "ai/Target/Target.h"

namespace ai {

/// The function by which a library made of NAME.mlir hands out its table.
std::string programAccessor(llvm::StringRef name);

/// Writes NAME.h beside `library`: the model's functions under its own name. It includes nothing of
/// ours.
mlir::LogicalResult writeHeader(mlir::ModuleOp module, llvm::StringRef name,
                                llvm::StringRef library, ErrorEmitter emitError);

} // namespace ai

#endif // AI_LIB_DRIVER_HEADER_H
