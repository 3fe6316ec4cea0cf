// Files that appear whole or not at all.

#ifndef AI_TARGET_OUTPUTFILE_H
#define AI_TARGET_OUTPUTFILE_H

#include "ai/Target/Target.h"

namespace ai {

/// Lets `write` fill a temporary file beside `path`, which takes its place if that succeeds.
/// `write` emits its own errors. What is no file, a device or a pipe, is written to as it is.
mlir::LogicalResult writeFile(llvm::StringRef path, ErrorEmitter emitError,
                              llvm::function_ref<mlir::LogicalResult(llvm::StringRef)> write);

/// The same with the bytes at hand.
mlir::LogicalResult writeFile(llvm::StringRef path, ErrorEmitter emitError,
                              llvm::StringRef contents);

/// A path for `name` in the system's folder of temporary files; nothing is made.
std::string temporaryPath(const llvm::Twine &name);

} // namespace ai

#endif // AI_TARGET_OUTPUTFILE_H
