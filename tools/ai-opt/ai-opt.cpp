// mlir-opt with the `ai` dialect, its passes and its stages.
#include "ai/Autodiff/Passes.h"
#include "ai/Codegen/Passes.h"
#include "ai/Conversion/Passes.h"
#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<ai::AIDialect>();
  mlir::registerAllPasses();
  ai::registerAITransformsPasses();
  ai::registerAIAutodiffPasses();
  ai::registerAIConversionPasses();
  ai::registerAICodegenPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "ai optimizer driver\n", registry));
}
