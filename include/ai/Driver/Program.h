// A compiled module in this process.

#ifndef AI_DRIVER_PROGRAM_H
#define AI_DRIVER_PROGRAM_H

#include "ai/Driver/Driver.h"
#include "ai/Runtime/ai_rt.h"
#include <memory>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace ai {

/// Machine code in memory: the bytes that `--emit=obj` writes, linked with the runtime of this
/// process. No file is written and no linker is run.
class Program {
public:
  /// Compiles `module`, as `compile` does. Null after an error.
  static std::unique_ptr<Program> load(mlir::ModuleOp module, const CompileOptions &options);
  ~Program();

  /// What the functions of ai_rt.h take. It lives as long as this does.
  const ai_rt_program_t *table() const { return program; }

private:
  Program() = default;

  std::unique_ptr<llvm::orc::LLJIT> code;
  const ai_rt_program_t *program = nullptr;
};

} // namespace ai

#endif // AI_DRIVER_PROGRAM_H
