// Other programs, and the files they need.

#ifndef AI_LIB_TARGET_RUN_H
#define AI_LIB_TARGET_RUN_H

#include "ai/Target/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"

namespace ai {

/// A file that is gone when its owner is.
struct TemporaryFile {
  explicit TemporaryFile(llvm::StringRef suffix)
      : error(llvm::sys::fs::createTemporaryFile("ai-target", suffix, path)), remover(path) {}

  llvm::SmallString<128> path;
  std::error_code error;
  llvm::FileRemover remover;
};

/// Prints a command on a line, as a shell would read it.
void printCommand(llvm::ArrayRef<std::string> command, llvm::raw_ostream &os);

/// Runs `command`, which does what `purpose` says, with its messages in the file `log`. `echo`, if
/// there is one, gets the command.
mlir::LogicalResult run(llvm::ArrayRef<std::string> command, llvm::StringRef log,
                        llvm::StringRef purpose, llvm::raw_ostream *echo, ErrorEmitter emitError);

} // namespace ai

#endif // AI_LIB_TARGET_RUN_H
