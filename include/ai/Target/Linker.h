// Object files -> program or shared library, by a compiler driver of the system.

#ifndef AI_TARGET_LINKER_H
#define AI_TARGET_LINKER_H

#include "ai/Target/Target.h"

namespace ai {

struct LinkOptions {
  enum class Kind { Executable, SharedLibrary };

  Kind kind = Kind::Executable;
  /// The compiler driver to run, with its own arguments first: what `findLinker` found.
  std::vector<std::string> driver;
  std::vector<std::string> objects;
  /// The static library of the runtime. A program takes what it needs of it, a shared library all,
  /// and exports its API.
  std::string runtimeLibrary;
  /// Gets the command when it is run; null: nobody does.
  llvm::raw_ostream *echo = nullptr;
};

/// Finds a compiler driver by name; empty: `$CC`, `clang-22` or `cc`, whichever is found first.
mlir::FailureOr<std::vector<std::string>> findLinker(llvm::StringRef asked, ErrorEmitter emitError);

/// Links `options.objects` into the file `path`, which depends on libc and libm only. It appears
/// whole or not at all.
mlir::LogicalResult link(const LinkOptions &options, llvm::StringRef path, ErrorEmitter emitError);

/// Prints the command that `link` would run, with made-up names of its temporary files.
void printLinkCommand(const LinkOptions &options, llvm::StringRef path, llvm::raw_ostream &os);

} // namespace ai

#endif // AI_TARGET_LINKER_H
