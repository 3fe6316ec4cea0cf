// What can be seen of a compilation while it goes on.

#ifndef AI_LIB_DRIVER_OBSERVER_H
#define AI_LIB_DRIVER_OBSERVER_H

#include "ai/Driver/Driver.h"
#include "ai/Target/Target.h"
#include "mlir/Pass/PassManager.h"

namespace ai {

/// Prints a module as a stage leaves it.
void printStage(mlir::ModuleOp module, llvm::raw_ostream &os);

/// Writes what a module passes through into the folder of `--dump-intermediates`, and prints what
/// is done for `-v`; nothing where neither is asked for. It outlives the pass managers it watches.
class Observer {
public:
  /// The names of files begin with `name`.
  Observer(const CompileOptions &options, const llvm::Twine &name, ErrorEmitter emitError)
      : options(options), name(name.str()), emitError(emitError) {}

  /// Makes the folder and watches the stages that `pm` runs.
  mlir::LogicalResult watch(mlir::PassManager &pm);

  /// Fails if a file could not be written, which is reported by then.
  mlir::LogicalResult getResult() const { return result; }

  /// Writes the LLVM IR, the assembly and the object of a module of the LLVM dialect.
  mlir::LogicalResult dumpCode(mlir::ModuleOp module, const TargetOptions &target);

  /// Writes NAME.`extension`.
  mlir::LogicalResult dump(const llvm::Twine &extension, llvm::StringRef contents);

  /// Gets the commands that are run; null unless `-v` asks for them.
  llvm::raw_ostream *echo() const;

private:
  friend class StageWatcher;
  bool dumps() const { return !options.intermediates.empty(); }

  const CompileOptions &options;
  std::string name;
  ErrorEmitter emitError;
  mlir::LogicalResult result = mlir::success();
};

} // namespace ai

#endif // AI_LIB_DRIVER_OBSERVER_H
