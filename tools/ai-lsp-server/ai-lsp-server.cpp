// mlir-lsp-server with the `ai` dialect: what an editor asks about model files and stages.

#include "ai/Driver/Driver.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  ai::initTool();
  mlir::DialectRegistry registry;
  ai::registerDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
