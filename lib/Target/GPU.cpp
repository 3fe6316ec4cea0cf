#include "ai/Target/GPU.h"
#include "lib/Target/Machine.h"
#include "lib/Target/Run.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace ai;

static constexpr StringLiteral kTriple = "nvptx64-nvidia-cuda";
static constexpr unsigned kSharedSpace = 3;

/// Shared memory: NVIDIA's "CUDA C++ Programming Guide", technical specifications per compute
/// capability; the kilobyte that the system keeps is taken off. Tensor cores: PTX ISA, "Target ISA
/// Notes" of mma.
static constexpr GPUArch kArchs[] = {
    {"sm_75", "+ptx63", 64 << 10, false},  {"sm_80", "+ptx70", 163 << 10, true},
    {"sm_90", "+ptx78", 227 << 10, true},  {"sm_90a", "+ptx80", 227 << 10, true},
    {"sm_100", "+ptx86", 227 << 10, true},
};

llvm::ArrayRef<GPUArch> ai::getGPUArchs() { return kArchs; }

FailureOr<GPUArch> ai::findGPUArch(StringRef name, ErrorEmitter emitError) {
  SmallVector<StringRef> names;
  for (const GPUArch &arch : kArchs) {
    if (arch.name == name)
      return arch;
    names.push_back(arch.name);
  }
  return emitError() << "expects --arch to be one of " << llvm::join(names, ", ") << ", got '"
                     << name << "'";
}

static std::unique_ptr<llvm::TargetMachine> makeGPUMachine(const GPUArch &arch, unsigned optLevel) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple(kTriple);
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  assert(target && "LLVM is built with NVPTX");
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, arch.name, arch.features, llvm::TargetOptions(), std::nullopt, std::nullopt,
      static_cast<llvm::CodeGenOptLevel>(optLevel)));
}

/// Tells LLVM about products of warps. All threads of a warp must come by: LLVM's intrinsics do not
/// say that, so what only some threads use could be moved to where only they are. Loops around them
/// are left to ptxas, which unrolls as far as there are registers; unrolled by LLVM, they begin
/// with the loads of all their iterations, and registers spill.
static void prepareProducts(llvm::Module &code) {
  auto isProduct = [](const llvm::Instruction &instruction) {
    const auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
    return call &&
           llvm::Intrinsic::getBaseName(call->getIntrinsicID()).starts_with("llvm.nvvm.mma");
  };
  for (llvm::Function &f : code) {
    if (f.isDeclaration())
      continue;
    llvm::DominatorTree dominators(f);
    llvm::LoopInfo loops(dominators);
    for (llvm::Instruction &instruction : llvm::instructions(f)) {
      if (!isProduct(instruction))
        continue;
      llvm::cast<llvm::CallBase>(instruction).setConvergent();
      for (llvm::Loop *loop = loops.getLoopFor(instruction.getParent()); loop;
           loop = loop->getParentLoop())
        loop->setLoopAlreadyUnrolled();
    }
  }
}

FailureOr<std::string> ai::makePTX(ModuleOp module, const GPUArch &arch, unsigned optLevel) {
  MLIRContext &context = *module.getContext();
  registerBuiltinDialectTranslation(context);
  registerGPUDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  registerNVVMDialectTranslation(context);
  auto kernels = module.getOps<gpu::GPUModuleOp>();
  if (kernels.empty())
    return module.emitError("has no kernels; compile it with --target=cuda");
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(*kernels.begin(), llvmContext, module.getName().value_or("aic"));
  if (!code)
    return module.emitError("expects kernels in the NVVM dialect; run the stages up to llvm first");
  std::unique_ptr<llvm::TargetMachine> machine = makeGPUMachine(arch, optLevel);
  code->setTargetTriple(machine->getTargetTriple());
  code->setDataLayout(machine->createDataLayout());
  // Shared memory is as large as a launch says: inside the module its size is unknown.
  for (llvm::GlobalVariable &global : code->globals())
    if (global.getAddressSpace() == kSharedSpace) {
      global.setInitializer(nullptr);
      global.setLinkage(llvm::GlobalValue::ExternalLinkage);
    }
  prepareProducts(*code);
  optimize(*code, *machine, optLevel, /*unrolls=*/true);
  SmallVector<char, 0> text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return module.emitError("cannot make PTX for ") << arch.name;
  passes.run(*code);
  return os.str().str();
}

std::string ai::findPTXAssembler() {
  llvm::ErrorOr<std::string> program = llvm::sys::findProgramByName("ptxas");
  return program ? *program : "";
}

static std::vector<std::string> makeCommand(StringRef assembler, const GPUArch &arch,
                                            StringRef input, StringRef output) {
  return {assembler.str(), "-arch", arch.name.str(), input.str(), "-o", output.str()};
}

void ai::printCubinCommand(const GPUArch &arch, StringRef assembler, raw_ostream &os) {
  printCommand(makeCommand(assembler, arch, temporaryPath(arch.name + ".ptx"),
                           temporaryPath(arch.name + ".cubin")),
               os);
}

FailureOr<std::string> ai::makeCubin(StringRef ptx, const GPUArch &arch, StringRef assembler,
                                     raw_ostream *echo, ErrorEmitter emitError) {
  TemporaryFile input("ptx"), output("cubin"), log("log");
  for (std::error_code error : {input.error, output.error, log.error})
    if (error)
      return emitError() << "cannot make a temporary file: " << error.message();
  if (failed(writeFile(input.path, emitError, ptx)))
    return failure();
  if (failed(run(makeCommand(assembler, arch, input.path, output.path), log.path, "making a cubin",
                 echo, emitError)))
    return failure();
  auto cubin = llvm::MemoryBuffer::getFile(output.path);
  if (!cubin)
    return emitError() << "cannot read what '" << assembler << "' made";
  return (*cubin)->getBuffer().str();
}

/// Gives the symbol that the program's table names its bytes.
static void define(ModuleOp module, StringRef name, StringRef bytes) {
  auto declared = module.lookupSymbol<LLVM::GlobalOp>(name);
  OpBuilder b(declared);
  LLVM::GlobalOp::create(b, declared.getLoc(),
                         LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()),
                         /*isConstant=*/true, LLVM::Linkage::Internal, name, b.getStringAttr(bytes),
                         /*alignment=*/8);
  declared.erase();
}

FailureOr<SmallVector<GPUImage>> ai::makeImages(ModuleOp module, ArrayRef<GPUArch> archs,
                                                unsigned optLevel, raw_ostream *echo,
                                                ErrorEmitter emitError) {
  std::string assembler = findPTXAssembler();
  SmallVector<GPUImage> images;
  for (const GPUArch &arch : archs) {
    FailureOr<std::string> ptx = makePTX(module, arch, optLevel);
    if (failed(ptx))
      return failure();
    FailureOr<std::string> cubin = std::string();
    if (!assembler.empty())
      cubin = makeCubin(*ptx, arch, assembler, echo, emitError);
    if (failed(cubin))
      return failure();
    images.push_back({arch, std::move(*ptx), std::move(*cubin)});
  }
  return images;
}

void ai::embedImages(ModuleOp module, ArrayRef<GPUImage> images) {
  for (const GPUImage &image : images) {
    uint64_t size = image.cubin.size();
    std::string sized(reinterpret_cast<const char *>(&size), sizeof(size));
    define(module, ("ai.ptx." + image.arch.name).str(), image.ptx + '\0');
    define(module, ("ai.cubin." + image.arch.name).str(), sized + image.cubin);
  }
  for (auto kernels : llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>()))
    kernels.erase();
}
