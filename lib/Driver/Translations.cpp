// What ai-translate makes of a stage.

#include "ai/Driver/Driver.h"
#include "lib/Driver/Graph.h"
#include "lib/Driver/Source.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

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

static LogicalResult printGraph(ModuleOp module, raw_ostream &os) {
  printDot(makeGraph(module), os);
  return success();
}

/// Upstream's registration would neither know the attributes that our modules carry nor look at
/// a file before it parses it.
template <LogicalResult print(ModuleOp, raw_ostream &)>
static void add(StringRef name, StringRef description) {
  TranslateRegistration(name, description,
                        [](const std::shared_ptr<llvm::SourceMgr> &sources, raw_ostream &os,
                           MLIRContext *context) -> LogicalResult {
                          const llvm::MemoryBuffer *buffer =
                              sources->getMemoryBuffer(sources->getMainFileID());
                          if (!isNestedFlatly(buffer->getBuffer(), buffer->getBufferIdentifier()))
                            return failure();
                          DialectRegistry registry;
                          registerDialects(registry);
                          context->appendDialectRegistry(registry);
                          context->printOpOnDiagnostic(false);
                          auto module = parseSourceFile<ModuleOp>(*sources, context);
                          return module ? print(*module, os) : failure();
                        });
}

void registerTranslations() {
  add<printLLVMIR>("mlir-to-llvmir", "stage llvm to LLVM IR, which is not optimised");
  add<printGraph>("ai-to-dot", "ai ops to a graph in Graphviz's language");
  registerFromLLVMIRTranslation();
}

} // namespace ai
