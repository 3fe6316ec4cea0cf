// What ai-translate makes of a stage.

#include "ai/Driver/Driver.h"
#include "lib/Driver/Graph.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace ai {

static LogicalResult printLLVMIR(ModuleOp module, raw_ostream &os) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(module, context);
  if (!code)
    return failure();
  code->print(os, nullptr);
  return success();
}

void registerTranslations() {
  // Upstream's of that name does not know the attributes that our modules carry.
  TranslateFromMLIRRegistration toLLVMIR("mlir-to-llvmir",
                                         "stage llvm to LLVM IR, which is not optimised",
                                         printLLVMIR, registerDialects);
  TranslateFromMLIRRegistration toDot(
      "ai-to-dot", "ai ops to a graph in Graphviz's language",
      [](ModuleOp module, raw_ostream &os) {
        printGraph(module, os);
        return success();
      },
      registerDialects);
  registerFromLLVMIRTranslation();
}

} // namespace ai
