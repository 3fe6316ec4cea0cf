// Reading a source file that may be hostile.

#ifndef AI_LIB_DRIVER_SOURCE_H
#define AI_LIB_DRIVER_SOURCE_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace ai {

/// Opens `path` (`-`: standard input) and checks that its brackets are nested at most 1000 deep:
/// MLIR's parser is recursive and would run out of stack. Prints one error and returns null
/// otherwise.
std::unique_ptr<llvm::MemoryBuffer> openSource(llvm::StringRef path);

/// The same check of a text at hand, called `path` in the error.
bool isNestedFlatly(llvm::StringRef text, llvm::StringRef path);

} // namespace ai

#endif // AI_LIB_DRIVER_SOURCE_H
