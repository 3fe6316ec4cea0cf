// Parse, run the stages, hand over to the target, link.

#include "ai/Driver/Driver.h"
#include "ai/Pipelines/Stages.h"
#include "ai/Target/GPU.h"
#include "ai/Target/Linker.h"
#include "ai/Target/OutputFile.h"
#include "ai/Target/Target.h"
#include "dialects/ai/AIDialect.h"
#include "lib/Driver/Graph.h"
#include "lib/Driver/Header.h"
#include "lib/Driver/Roofline.h"
#include "lib/Driver/Source.h"
#include "lib/Runtime/ThreadPool.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

namespace ai {

void registerDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllToLLVMIRTranslations(registry);
  registry.insert<AIDialect>();
}

/// The file name without folder and extension: what the program is called.
static StringRef baseName(const CompileOptions &options) {
  return options.input == "-" ? StringRef("module") : llvm::sys::path::stem(options.input);
}

static std::string outputName(const CompileOptions &options) {
  if (!options.output.empty())
    return options.output;
  if (findStage(options.emit) ||
      llvm::is_contained({"dot", "llvm-ir", "asm", "nvvm", "ptx"}, options.emit))
    return "-";
  std::string name = baseName(options).str();
  if (options.emit == "lib")
    return name + ".so";
  if (options.emit == "cubin")
    return name + ".cubin";
  return options.emit == "obj" ? name + ".o" : name;
}

/// What can be known to end badly is said before the work: a missing folder, a missing linker.
static LogicalResult checkOutput(const CompileOptions &options, StringRef output, LinkOptions &link,
                                 ErrorEmitter emitError) {
  StringRef folder = llvm::sys::path::parent_path(output);
  if (!folder.empty())
    if (std::error_code error = llvm::sys::fs::access(folder, llvm::sys::fs::AccessMode::Exist))
      return emitError() << "cannot write '" << output << "': " << error.message();
  bool isLibrary = options.emit == "lib";
  if (!isLibrary && options.emit != "exe")
    return success();
  link.kind = isLibrary ? LinkOptions::Kind::SharedLibrary : LinkOptions::Kind::Executable;
  auto driver = findLinker(options.linker, emitError);
  if (failed(driver))
    return failure();
  link.driver = std::move(*driver);
  return success();
}

static LogicalResult writeText(const CompileOptions &options, StringRef output,
                               ErrorEmitter emitError,
                               llvm::function_ref<LogicalResult(raw_ostream &)> write) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (failed(write(os)))
    return failure();
  if (output != "-")
    return writeFile(output, emitError, text);
  (options.text ? *options.text : llvm::outs()) << text;
  return success();
}

/// Remarks are hidden unless they are asked for; what has no place in the file is said by the tool.
static bool isHandled(Diagnostic &diagnostic, const CompileOptions &options) {
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
    return !options.remarks;
  if (!isa<UnknownLoc>(diagnostic.getLocation()) ||
      diagnostic.getSeverity() != DiagnosticSeverity::Error)
    return false;
  llvm::errs() << "ai-compile: error: " << diagnostic << "\n";
  return true;
}

static void reportRoofline(ModuleOp module, const CompileOptions &options,
                           const Processor &processor) {
  if (options.target == "cuda")
    return printKernelCosts(module, llvm::errs());
  std::optional<rt::Machine> machine;
  if (processor.isNative)
    machine = rt::measureMachine(1);
  printRoofline(module, machine ? &*machine : nullptr, llvm::errs());
}

/// The architectures that kernels are made for, none without --target=cuda.
static FailureOr<SmallVector<GPUArch>> findArchs(const CompileOptions &options,
                                                 ErrorEmitter emitError) {
  SmallVector<GPUArch> archs;
  bool isGPUArtefact = llvm::is_contained({"nvvm", "ptx", "cubin"}, options.emit);
  if (options.target != "cuda") {
    if (options.target != "cpu" && !isKnownTriple(options.target))
      return emitError() << "--target expects cpu, cuda, or a triple of x86_64 or aarch64 such as "
                            "aarch64-linux-gnu, got '"
                         << options.target << "'";
    if (isGPUArtefact)
      return emitError() << "--emit=" << options.emit << " expects --target=cuda";
    if (!options.archs.empty())
      return emitError() << "--arch expects --target=cuda; the processor is --cpu";
    return archs;
  }
  if (options.profile)
    return emitError() << "--profile expects --target=cpu; kernels keep no times";
  if (options.conv == "winograd")
    return emitError() << "--conv=winograd expects --target=cpu; kernels convolve directly";
  SmallVector<std::string> names(options.archs.begin(), options.archs.end());
  if (names.empty())
    names.push_back("sm_80");
  for (const std::string &name : names) {
    FailureOr<GPUArch> arch = findGPUArch(name, emitError);
    if (failed(arch))
      return failure();
    if (llvm::none_of(archs, [&](const GPUArch &a) { return a.name == arch->name; }))
      archs.push_back(*arch);
  }
  if (isGPUArtefact && options.emit != "nvvm" && archs.size() > 1)
    return emitError() << "--emit=" << options.emit << " expects one --arch, got " << archs.size();
  return archs;
}

/// The processors that code is made for, the best first, as they are listed where none is better.
static FailureOr<SmallVector<Processor>> findProcessors(const CompileOptions &options,
                                                        ErrorEmitter emitError) {
  bool isForHost = options.target == "cpu" || options.target == "cuda";
  bool isProgram = options.emit == "exe" || options.emit == "lib";
  SmallVector<std::string> names(options.cpus.begin(), options.cpus.end());
  if (names.empty())
    names.push_back("");
  SmallVector<Processor> processors;
  for (const std::string &name : names) {
    FailureOr<Processor> processor =
        findProcessor(isForHost ? "" : options.target, name, emitError);
    if (failed(processor))
      return failure();
    if (llvm::none_of(processors, [&](const Processor &p) {
          return p.name == processor->name && p.features == processor->features;
        }))
      processors.insert(llvm::upper_bound(processors, *processor, doesMore), *processor);
  }
  llvm::Triple triple(processors.front().triple), host(llvm::sys::getDefaultTargetTriple());
  if (isProgram && (triple.getArch() != host.getArch() || triple.getOS() != host.getOS()))
    return emitError() << "--emit=" << options.emit << " expects this machine's system, "
                       << host.str() << ", got " << triple.str()
                       << "; --emit=obj makes an object to link there, with the runtime";
  if (processors.size() == 1)
    return processors;
  if (!isProgram || options.target == "cuda" || options.report != Report::None)
    return emitError() << (options.target == "cuda" ? "--target=cuda"
                           : !isProgram             ? "--emit=" + options.emit
                                                    : std::string("--report"))
                       << " expects one --cpu, got " << processors.size();
  if (!triple.isX86())
    return emitError() << "several --cpu expect x86-64, where a program can ask for what it needs";
  return processors;
}

/// One kernel module serves all architectures, so it keeps within the smallest one's memory.
static void setArchs(ModuleOp module, ArrayRef<GPUArch> archs, PipelineOptions &pipeline) {
  if (archs.empty())
    return;
  Builder b(module.getContext());
  SmallVector<StringRef> names;
  pipeline.isForGPU = true;
  pipeline.conv = "direct";
  pipeline.sharedBytes = archs.front().sharedBytes;
  for (const GPUArch &arch : archs) {
    names.push_back(arch.name);
    pipeline.sharedBytes = std::min(pipeline.sharedBytes, arch.sharedBytes);
  }
  module->setAttr("ai.archs", b.getStrArrayAttr(names));
}

/// The artefacts that are of the GPU alone.
static LogicalResult writeKernels(ModuleOp module, const CompileOptions &options,
                                  const GPUArch &arch, StringRef output, ErrorEmitter emitError) {
  if (options.emit == "nvvm")
    return writeText(options, output, emitError, [&](raw_ostream &os) {
      for (auto kernels : module.getOps<gpu::GPUModuleOp>())
        kernels.print(os);
      os << "\n";
      return success();
    });
  FailureOr<std::string> ptx = makePTX(module, arch, options.optLevel);
  if (failed(ptx))
    return failure();
  if (options.emit == "ptx")
    return writeText(options, output, emitError, [&](raw_ostream &os) {
      os << *ptx;
      return success();
    });
  std::string assembler = findPTXAssembler();
  if (assembler.empty())
    return emitError()
           << "--emit=cubin needs NVIDIA's ptxas, which is not in PATH; --emit=ptx needs nothing";
  FailureOr<std::string> cubin = makeCubin(*ptx, arch, assembler, emitError);
  return failed(cubin) ? failure() : writeFile(output, emitError, *cubin);
}

/// What the stages are to know of the options and of one processor.
static PipelineOptions makePipeline(const CompileOptions &options, const Processor &processor) {
  PipelineOptions pipeline;
  pipeline.vectorBits = processor.vectorBits;
  pipeline.vectorRegisters = processor.vectorRegisters;
  pipeline.l1 = options.l1.value_or(processor.l1);
  pipeline.l2 = options.l2.value_or(processor.l2);
  pipeline.conv = options.conv;
  pipeline.optLevel = options.optLevel;
  pipeline.profile = options.profile;
  pipeline.describe = options.report == Report::Roofline;
  pipeline.mutant = options.gpuMutant;
  pipeline.watch = options.watch;
  pipeline.maxMemory = options.maxMemory;
  pipeline.threads = options.threads.value_or(rt::numUsableCPUs());
  pipeline.cpu = pipeline.cpus = processor.name;
  for (const Feature &feature : processor.needs)
    pipeline.features.push_back(feature.name + "=" + std::to_string(feature.bit));
  if (options.emit == "lib")
    pipeline.accessor = programAccessor(baseName(options));
  return pipeline;
}

namespace {
/// Where a module will run.
struct Destination {
  SmallVector<GPUArch> archs;
  SmallVector<Processor> processors; // the best first

  const Processor &best() const { return processors.front(); }
};
} // namespace

static FailureOr<Destination> findDestination(const CompileOptions &options,
                                              ErrorEmitter emitError) {
  FailureOr<SmallVector<GPUArch>> archs = findArchs(options, emitError);
  if (failed(archs))
    return failure();
  FailureOr<SmallVector<Processor>> processors = findProcessors(options, emitError);
  if (failed(processors))
    return failure();
  return Destination{std::move(*archs), std::move(*processors)};
}

/// States the destination's one processor and its architectures on the module.
static PipelineOptions setDestination(ModuleOp module, const CompileOptions &options,
                                      const Destination &destination) {
  setTarget(module, destination.best());
  PipelineOptions pipeline = makePipeline(options, destination.best());
  setArchs(module, destination.archs, pipeline);
  return pipeline;
}

static LogicalResult runStages(ModuleOp module, const Stage &last, const PipelineOptions &options) {
  PassManager pm(module.getContext());
  // Stages end with a check; to verify after every pass takes a fifth of the time of a compilation.
  pm.enableVerifier(false);
  buildStages(pm, last, options);
  return pm.run(module);
}

namespace {
/// Objects in temporary files, then a program or a library with its header.
class ProgramMaker {
public:
  ProgramMaker(const CompileOptions &options, LinkOptions link, StringRef output,
               ErrorEmitter emitError)
      : options(options), link(std::move(link)), output(output), emitError(emitError) {
    this->link.runtimeLibrary = options.runtime + "/libai_rt.a";
  }
  ~ProgramMaker() {
    for (const std::string &object : link.objects)
      llvm::sys::fs::remove(object);
  }

  /// An object for each processor, and one that picks, for the least processor.
  LogicalResult makeForAll(ModuleOp module, ArrayRef<Processor> processors) {
    FailureOr<Processor> least = findProcessor(processors.front().triple, "", emitError);
    if (failed(least))
      return failure();
    OwningOpRef<ModuleOp> entry = ModuleOp::create(module.getLoc(), "entry");
    std::string cpus =
        llvm::join(llvm::map_range(processors, [](const Processor &p) { return p.name; }), ", ");
    SmallVector<std::string> programs;
    for (const Processor &processor : processors) {
      OwningOpRef<ModuleOp> own = module.clone();
      setTarget(*own, processor);
      PipelineOptions pipeline = makePipeline(options, processor);
      pipeline.cpus = cpus;
      pipeline.hasEntry = false;
      pipeline.symbol += "." + std::to_string(programs.size());
      programs.push_back(pipeline.symbol);
      if (failed(runStages(*own, getStages().back(), pipeline)) ||
          failed(addObject(*own, processor)))
        return failure();
      if (Attribute recipe = (*own)->getAttr("ai.recipe"))
        (*entry)->setAttr("ai.recipe", recipe);
    }
    PassManager pm(module.getContext());
    buildEntry(pm, programs, makePipeline(options, *least).accessor);
    setTarget(*entry, *least);
    return failed(pm.run(*entry)) ? failure() : make(*entry, *least);
  }

  /// The last object, and what is made of all.
  LogicalResult make(ModuleOp module, const Processor &processor) {
    if (failed(addObject(module, processor)) || failed(ai::link(link, output, emitError)))
      return failure();
    bool isLibrary = link.kind == LinkOptions::Kind::SharedLibrary;
    return isLibrary ? writeHeader(module, baseName(options), output, emitError) : success();
  }

private:
  LogicalResult addObject(ModuleOp module, const Processor &processor) {
    SmallString<128> object;
    if (std::error_code code = llvm::sys::fs::createTemporaryFile("ai-compile", "o", object))
      return emitError() << "cannot make a temporary file: " << code.message();
    link.objects.push_back(std::string(object));
    return emitObject(module, {processor, options.optLevel}, object);
  }

  const CompileOptions &options;
  LinkOptions link;
  StringRef output;
  ErrorEmitter emitError;
};
} // namespace

LogicalResult compile(const CompileOptions &options) {
  auto source = openSource(options.input);
  if (!source)
    return failure();
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(source), SMLoc());
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false); // the place in the model file says more than our own IR
  SourceMgrDiagnosticHandler diagnostics(sources, &context, llvm::errs());
  ScopedDiagnosticHandler filter(
      &context, [&](Diagnostic &diagnostic) { return success(isHandled(diagnostic, options)); });
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  return module ? compile(*module, options) : failure();
}

LogicalResult compile(ModuleOp module, const CompileOptions &options) {
  auto emitError = [&] { return mlir::emitError(UnknownLoc::get(module.getContext())); };
  if (!module.getName())
    module.setName(baseName(options));
  FailureOr<Destination> destination = findDestination(options, emitError);
  if (failed(destination))
    return failure();
  TargetOptions target{destination->best(), options.optLevel};

  std::string output = outputName(options);
  LinkOptions link;
  if (failed(checkOutput(options, output, link, emitError)))
    return failure();

  ProgramMaker maker(options, std::move(link), output, emitError);
  if (destination->processors.size() > 1)
    return maker.makeForAll(module, destination->processors);
  bool isGraph = options.emit == "dot";
  const Stage *stage = findStage(isGraph ? options.graph : options.emit);
  PipelineOptions pipeline = setDestination(module, options, *destination);
  if (failed(runStages(module, stage ? *stage : getStages().back(), pipeline)))
    return failure();
  if (options.report == Report::Roofline)
    reportRoofline(module, options, target.processor);

  if (isGraph)
    return writeText(options, output, emitError, [&](raw_ostream &os) {
      printGraph(module, os);
      return success();
    });
  if (stage)
    return writeText(options, output, emitError, [&](raw_ostream &os) {
      OpPrintingFlags flags;
      flags.printNameLocAsPrefix(); // gradients are named after what they belong to
      module.print(os, flags);
      return success();
    });
  if (llvm::is_contained({"nvvm", "ptx", "cubin"}, options.emit))
    return writeKernels(module, options, destination->archs.front(), output, emitError);
  if (failed(embedImages(module, destination->archs, options.optLevel, emitError)))
    return failure();
  if (options.emit == "llvm-ir")
    return writeText(options, output, emitError,
                     [&](raw_ostream &os) { return emitLLVMIR(module, target, os); });
  if (options.emit == "asm")
    return writeText(options, output, emitError,
                     [&](raw_ostream &os) { return emitAssembly(module, target, os); });
  if (options.emit == "obj")
    return emitObject(module, target, output);
  return maker.make(module, target.processor);
}

LogicalResult compileObject(ModuleOp module, const CompileOptions &options, StringRef accessor,
                            SmallVectorImpl<char> &object) {
  auto emitError = [&] { return mlir::emitError(UnknownLoc::get(module.getContext())); };
  FailureOr<Destination> destination = findDestination(options, emitError);
  if (failed(destination))
    return failure();
  if (destination->processors.size() > 1)
    return emitError() << "an object expects one --cpu, got " << destination->processors.size();
  PipelineOptions pipeline = setDestination(module, options, *destination);
  pipeline.accessor = accessor.str();
  if (failed(runStages(module, getStages().back(), pipeline)) ||
      failed(embedImages(module, destination->archs, options.optLevel, emitError)))
    return failure();
  llvm::raw_svector_ostream os(object);
  return emitObject(module, {destination->best(), options.optLevel}, os);
}

} // namespace ai
