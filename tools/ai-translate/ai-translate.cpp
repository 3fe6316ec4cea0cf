// mlir-translate for what our stages hold.

#include "ai/Driver/Driver.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"

int main(int argc, char **argv) {
  ai::initTool();
  ai::registerTranslations();
  return failed(mlir::mlirTranslateMain(argc, argv, "translates stages to other languages"));
}
