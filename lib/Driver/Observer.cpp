// What can be seen of a compilation while it goes on: --dump-intermediates and -v.

#include "lib/Driver/Observer.h"

#include "ai/Pipelines/Stages.h"
#include "ai/Target/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <chrono>

using namespace mlir;

namespace ai {

void printStage(ModuleOp module, raw_ostream &os) {
  OpPrintingFlags flags;
  flags.printNameLocAsPrefix(); // gradients are named after what they belong to
  module.print(os, flags);
}

/// Stages end with a check, so that is where one is over.
class StageWatcher : public PassInstrumentation {
public:
  explicit StageWatcher(Observer &observer) : observer(observer) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument() != "ai-check-stage")
      return;
    StringRef name = getStages()[numOver++].name;
    auto now = Clock::now();
    if (raw_ostream *os = observer.echo())
      *os << llvm::formatv("stage {0}: {1:f3} s\n", name,
                           std::chrono::duration<double>(now - begin).count());
    if (observer.dumps() && succeeded(observer.result)) {
      std::string text;
      llvm::raw_string_ostream os(text);
      printStage(cast<ModuleOp>(op), os);
      observer.result = observer.dump(llvm::formatv("{0}.{1}.mlir", numOver, name), text);
    }
    begin = Clock::now();
  }

private:
  using Clock = std::chrono::steady_clock;

  Observer &observer;
  unsigned numOver = 0;
  Clock::time_point begin = Clock::now();
};

LogicalResult Observer::watch(PassManager &pm) {
  if (dumps() || options.verbose)
    pm.addInstrumentation(std::make_unique<StageWatcher>(*this));
  if (dumps())
    if (std::error_code error = llvm::sys::fs::create_directories(
            options.intermediates, /*IgnoreExisting=*/true, llvm::sys::fs::perms::all_all))
      return emitError() << "cannot make the folder '" << options.intermediates
                         << "': " << error.message();
  return success();
}

LogicalResult Observer::dump(const llvm::Twine &extension, StringRef contents) {
  if (!dumps())
    return success();
  SmallString<128> path(options.intermediates);
  llvm::sys::path::append(path, name + "." + extension);
  return writeFile(path, emitError, contents);
}

LogicalResult Observer::dumpCode(ModuleOp module, const TargetOptions &target) {
  if (!dumps())
    return success();
  std::string ir, assembly;
  llvm::raw_string_ostream irStream(ir), assemblyStream(assembly);
  SmallVector<char, 0> object;
  llvm::raw_svector_ostream objectStream(object);
  return success(succeeded(emitLLVMIR(module, target, irStream)) && succeeded(dump("ll", ir)) &&
                 succeeded(emitAssembly(module, target, assemblyStream)) &&
                 succeeded(dump("s", assembly)) &&
                 succeeded(emitObject(module, target, objectStream)) &&
                 succeeded(dump("o", objectStream.str())));
}

raw_ostream *Observer::echo() const { return options.verbose ? &llvm::errs() : nullptr; }

} // namespace ai
