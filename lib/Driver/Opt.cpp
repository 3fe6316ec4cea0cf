// ai-opt: mlir-opt with our dialect, passes and stages.

#include "ai/Autodiff/Passes.h"
#include "ai/Codegen/Passes.h"
#include "ai/Conversion/Passes.h"
#include "ai/Driver/Driver.h"
#include "ai/Pipelines/Stages.h"
#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "dialects/library/LibraryDialect.h"
#include "lib/Driver/Source.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace ai {

void registerPasses() {
  registerAllPasses();
  registerAITransformsPasses();
  registerAIAutodiffPasses();
  registerAIConversionPasses();
  registerAICodegenPasses();
  registerStages();
}

int optMain(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  initTool();
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<AIDialect, library::LibraryDialect>();
  registerPasses();
  auto [input, output] = registerAndParseCLIOptions(argc, argv, "ai optimizer driver\n", registry);
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects()) {
    llvm::interleave(registry.getDialectNames(), llvm::outs(), "\n");
    llvm::outs() << "\n";
    return 0;
  }
  if (config.shouldListPasses()) {
    printRegisteredPasses();
    return 0;
  }

  auto source = openSource(input);
  if (!source)
    return 1;
  std::string message;
  auto file = openOutputFile(output, &message);
  if (!file) {
    llvm::errs() << "error: " << message << "\n";
    return 1;
  }
  if (failed(MlirOptMain(file->os(), std::move(source), registry, config)))
    return 1;
  file->keep();
  return 0;
}

} // namespace ai
