// LLVM dialect -> LLVM IR -> optimised -> text, assembly or object file.

#include "ai/Target/OutputFile.h"
#include "ai/Target/Target.h"
#include "lib/Target/Machine.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"

using namespace mlir;
using namespace ai;

void ai::setTarget(ModuleOp module, const Processor &processor) {
  Builder b(module.getContext());
  module->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(), b.getStringAttr(processor.triple));
  module->setAttr(LLVM::LLVMDialect::getDataLayoutAttrName(),
                  b.getStringAttr(processor.dataLayout));
}

void ai::optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned level,
                  bool unrolls) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = level >= 2;
  tuning.LoopUnrolling = unrolls;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1, llvm::OptimizationLevel::O2,
      llvm::OptimizationLevel::O3};
  llvm::ModulePassManager passes = level == 0
                                       ? builder.buildO0DefaultPipeline(levels[0])
                                       : builder.buildPerModuleDefaultPipeline(levels[level]);
  passes.run(module, modules);
}

std::unique_ptr<llvm::Module> ai::translate(ModuleOp module, const TargetOptions &options,
                                            llvm::LLVMContext &context) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  setTarget(module, options.processor);
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(module, context, module.getName().value_or("aic"));
  if (!result) {
    module.emitError("expects the LLVM dialect only; run the stages up to llvm first");
    return nullptr;
  }
  result->setPICLevel(llvm::PICLevel::BigPIC);
  for (llvm::Function &function : *result)
    if (!function.isDeclaration())
      function.addFnAttr("prefer-vector-width", std::to_string(options.processor.vectorBits));
  return result;
}

/// Register tiles are complete: to unroll them once more lengthens the lives of what they load
/// until accumulators are spilled.
static std::unique_ptr<llvm::TargetMachine> optimizeFor(llvm::Module &code,
                                                        const TargetOptions &options) {
  std::unique_ptr<llvm::TargetMachine> machine = makeMachine(options.processor, options.optLevel);
  optimize(code, *machine, options.optLevel, /*unrolls=*/false);
  return machine;
}

bool ai::writeMachineCode(llvm::Module &code, const TargetOptions &options,
                          llvm::CodeGenFileType kind, llvm::raw_pwrite_stream &os) {
  std::unique_ptr<llvm::TargetMachine> machine = optimizeFor(code, options);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr, kind))
    return false;
  passes.run(code);
  return true;
}

static LogicalResult emitMachineCode(ModuleOp module, const TargetOptions &options,
                                     llvm::CodeGenFileType kind, llvm::raw_pwrite_stream &os) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translate(module, options, context);
  if (!code)
    return failure();
  if (!writeMachineCode(*code, options, kind, os))
    return module.emitError("cannot make machine code for ") << options.processor.triple;
  return success();
}

LogicalResult ai::emitLLVMIR(ModuleOp module, const TargetOptions &options, raw_ostream &os) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translate(module, options, context);
  if (!code)
    return failure();
  optimizeFor(*code, options);
  code->print(os, nullptr);
  return success();
}

LogicalResult ai::emitAssembly(ModuleOp module, const TargetOptions &options, raw_ostream &os) {
  SmallVector<char, 0> text;
  llvm::raw_svector_ostream buffer(text);
  if (failed(emitMachineCode(module, options, llvm::CodeGenFileType::AssemblyFile, buffer)))
    return failure();
  os << buffer.str();
  return success();
}

LogicalResult ai::emitObject(ModuleOp module, const TargetOptions &options,
                             llvm::raw_svector_ostream &os) {
  return emitMachineCode(module, options, llvm::CodeGenFileType::ObjectFile, os);
}

LogicalResult ai::emitObject(ModuleOp module, const TargetOptions &options, StringRef path) {
  SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream buffer(bytes);
  if (failed(emitObject(module, options, buffer)))
    return failure();
  auto emitError = [&] { return mlir::emitError(UnknownLoc::get(module.getContext())); };
  return writeFile(path, emitError, buffer.str());
}
