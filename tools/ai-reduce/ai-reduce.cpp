// mlir-reduce with the `ai` dialect, its passes and its stages.

#include "ai/Driver/Driver.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  ai::initTool();
  ai::registerPasses();
  mlir::DialectRegistry registry;
  ai::registerDialects(registry);
  mlir::MLIRContext context(registry);
  return failed(mlir::mlirReduceMain(argc, argv, context));
}
