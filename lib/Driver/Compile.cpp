// Parse, run the stages, hand over to the target, link.

#include "ai/Driver/Driver.h"
#include "ai/Pipelines/Stages.h"
#include "ai/Target/GPU.h"
#include "ai/Target/Linker.h"
#include "ai/Target/OutputFile.h"
#include "ai/Target/Target.h"
#include "dialects/ai/AIDialect.h"
#include "dialects/library/LibraryDialect.h"
#include "lib/Driver/Destination.h"
#include "lib/Driver/Explain.h"
#include "lib/Driver/Graph.h"
#include "lib/Driver/Header.h"
#include "lib/Driver/Observer.h"
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

using namespace mlir;

namespace ai {

void registerDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllToLLVMIRTranslations(registry);
  registry.insert<AIDialect, library::LibraryDialect>();
}

/// The file name without folder and extension: what the program is called.
static StringRef baseName(const CompileOptions &options) {
  return options.input == "-" ? StringRef("module") : llvm::sys::path::stem(options.input);
}

static std::string outputName(const CompileOptions &options) {
  if (!options.output.empty())
    return options.output;
  if (findStage(options.emit) ||
      llvm::is_contained({"dot", "svg", "llvm-ir", "asm", "nvvm", "ptx"}, options.emit))
    return "-";
  std::string name = baseName(options).str();
  if (options.emit == "lib")
    return name + ".so";
  if (options.emit == "cubin")
    return name + ".cubin";
  if (options.emit == "explain")
    return name + ".html";
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
  link.runtimeLibrary = options.runtime + "/libai_rt.a";
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
                                  const GPUArch &arch, StringRef output, Observer &observer,
                                  ErrorEmitter emitError) {
  if (options.emit == "nvvm")
    return writeText(options, output, emitError, [&](raw_ostream &os) {
      for (auto kernels : module.getOps<gpu::GPUModuleOp>())
        kernels.print(os);
      os << "\n";
      return success();
    });
  FailureOr<std::string> ptx = makePTX(module, arch, options.optLevel);
  if (failed(ptx) || failed(observer.dump(arch.name + ".ptx", *ptx)))
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
  FailureOr<std::string> cubin = makeCubin(*ptx, arch, assembler, observer.echo(), emitError);
  if (failed(cubin) || failed(observer.dump(arch.name + ".cubin", *cubin)))
    return failure();
  return writeFile(output, emitError, *cubin);
}

/// The kernels become data of the module.
static LogicalResult embedKernels(ModuleOp module, const CompileOptions &options,
                                  ArrayRef<GPUArch> archs, Observer &observer,
                                  ErrorEmitter emitError) {
  FailureOr<SmallVector<GPUImage>> images =
      makeImages(module, archs, options.optLevel, observer.echo(), emitError);
  if (failed(images))
    return failure();
  for (const GPUImage &image : *images)
    if (failed(observer.dump(image.arch.name + ".ptx", image.ptx)) ||
        (!image.cubin.empty() && failed(observer.dump(image.arch.name + ".cubin", image.cubin))))
      return failure();
  embedImages(module, *images);
  return success();
}

/// What the stages are to know of the options and of one processor.
static PipelineOptions makePipeline(const CompileOptions &options, const Processor &processor) {
  PipelineOptions pipeline;
  pipeline.vectorBits = processor.vectorBits;
  pipeline.vectorRegisters = processor.vectorRegisters;
  pipeline.hasMasks = processor.hasMasks;
  pipeline.l1 = processor.l1;
  pipeline.l2 = processor.l2;
  pipeline.conv = options.conv;
  pipeline.optLevel = options.optLevel;
  pipeline.profile = options.profile && options.emit != "explain"; // it measures a copy
  pipeline.checkNaN = options.checkNaN;
  pipeline.keepGradients = options.keepGradients;
  bool isExplained = options.emit == "explain";
  pipeline.describe = isExplained || options.report == Report::Roofline;
  pipeline.remarks = isExplained || options.remarks;
  if (!options.gpuPrecision.empty())
    pipeline.precision = options.gpuPrecision;
  pipeline.isPersistent = options.gpuSchedule == "persistent";
  pipeline.mutant = options.gpuMutant;
  if (!options.gpuLibrary.empty())
    pipeline.gpuLibrary = options.gpuLibrary;
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

/// What the files of one of several processors are called.
static std::string partName(const CompileOptions &options, const Processor &processor) {
  return (baseName(options) + "." + (processor.isNative ? "native" : processor.name)).str();
}

/// States the destination's one processor and its architectures on the module.
static PipelineOptions setDestination(ModuleOp module, const CompileOptions &options,
                                      const Destination &destination) {
  setTarget(module, destination.best());
  PipelineOptions pipeline = makePipeline(options, destination.best());
  setArchs(module, destination.archs, pipeline);
  return pipeline;
}

static LogicalResult runStages(ModuleOp module, const Stage &last, PipelineOptions options,
                               Observer &observer) {
  if (&last == &getStages().back())
    options.nodes = listNodes(module);
  PassManager pm(module.getContext());
  // Stages end with a check; to verify after every pass takes a fifth of the time of a compilation.
  pm.enableVerifier(false);
  buildStages(pm, last, options);
  if (failed(observer.watch(pm)) || failed(pm.run(module)))
    return failure();
  return observer.getResult();
}

namespace {
/// Objects in temporary files, then a program or a library with its header.
class ProgramMaker {
public:
  ProgramMaker(const CompileOptions &options, LinkOptions link, StringRef output,
               ErrorEmitter emitError)
      : options(options), link(std::move(link)), output(output), emitError(emitError) {
    this->link.echo = options.verbose ? &llvm::errs() : nullptr;
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
      Observer observer(options, partName(options, processor), emitError);
      if (failed(runStages(*own, getStages().back(), pipeline, observer)) ||
          failed(addObject(*own, processor, observer)))
        return failure();
      if (Attribute recipe = (*own)->getAttr("ai.recipe"))
        (*entry)->setAttr("ai.recipe", recipe);
    }
    PassManager pm(module.getContext());
    buildEntry(pm, programs, makePipeline(options, *least).accessor);
    setTarget(*entry, *least);
    Observer observer(options, baseName(options) + ".entry", emitError);
    return failed(pm.run(*entry)) ? failure() : make(*entry, *least, observer);
  }

  /// The last object, and what is made of all.
  LogicalResult make(ModuleOp module, const Processor &processor, Observer &observer) {
    if (failed(addObject(module, processor, observer)) || failed(ai::link(link, output, emitError)))
      return failure();
    bool isLibrary = link.kind == LinkOptions::Kind::SharedLibrary;
    return isLibrary ? writeHeader(module, baseName(options), output, emitError) : success();
  }

private:
  LogicalResult addObject(ModuleOp module, const Processor &processor, Observer &observer) {
    TargetOptions target{processor, options.optLevel};
    if (failed(observer.dumpCode(module, target)))
      return failure();
    ObjectParts parts;
    if (failed(emitParts(module, target, std::to_string(link.objects.size()), parts)))
      return failure();
    for (ArrayRef<char> part : parts) {
      SmallString<128> object;
      if (std::error_code code = llvm::sys::fs::createTemporaryFile("ai-compile", "o", object))
        return emitError() << "cannot make a temporary file: " << code.message();
      link.objects.push_back(std::string(object));
      if (failed(writeFile(object, emitError, {part.data(), part.size()})))
        return failure();
    }
    return success();
  }

  const CompileOptions &options;
  LinkOptions link;
  StringRef output;
  ErrorEmitter emitError;
};
} // namespace

/// Prints the commands that a compilation would run.
static void printCommands(const CompileOptions &options, const Destination &destination,
                          LinkOptions link, StringRef output) {
  std::string assembler = findPTXAssembler();
  bool makesImages =
      !findStage(options.emit) && !llvm::is_contained({"dot", "nvvm", "ptx"}, options.emit);
  if (makesImages && !assembler.empty())
    for (const GPUArch &arch : destination.archs)
      printCubinCommand(arch, assembler, llvm::errs());
  if (link.driver.empty())
    return;
  auto addParts = [&](const Twine &name) {
    for (unsigned part = 0; part < kNumParts; ++part)
      link.objects.push_back(temporaryPath((name + "." + Twine(part) + ".o").str()));
  };
  if (destination.processors.size() == 1) {
    addParts(baseName(options));
  } else {
    for (const Processor &processor : destination.processors)
      addParts(partName(options, processor));
    addParts(baseName(options) + ".entry");
  }
  printLinkCommand(link, output, llvm::errs());
}

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
  if (!module)
    return failure();
  CompileOptions all = options;
  all.source = sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
  return compile(*module, all);
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

  if (options.verbose || options.dryRun)
    printDestination(*destination, llvm::errs());
  if (options.dryRun) {
    printCommands(options, *destination, link, output);
    return success();
  }
  ProgramMaker maker(options, std::move(link), output, emitError);
  if (destination->processors.size() > 1)
    return maker.makeForAll(module, destination->processors);
  bool isGraph = options.emit == "dot" || options.emit == "svg";
  const Stage *stage = findStage(isGraph ? options.graph : options.emit);
  PipelineOptions pipeline = setDestination(module, options, *destination);
  if (options.emit == "explain")
    return writeText(options, output, emitError, [&](raw_ostream &os) {
      return explain(module, options, target, pipeline, os);
    });
  Observer observer(options, baseName(options), emitError);
  if (failed(runStages(module, stage ? *stage : getStages().back(), pipeline, observer)))
    return failure();
  if (options.report == Report::Roofline)
    reportRoofline(module, options, target.processor);

  if (isGraph)
    return writeText(options, output, emitError, [&](raw_ostream &os) {
      (options.emit == "dot" ? printDot : printSVG)(makeGraph(module), os);
      return success();
    });
  if (stage)
    return writeText(options, output, emitError, [&](raw_ostream &os) {
      printStage(module, os);
      return success();
    });
  if (llvm::is_contained({"nvvm", "ptx", "cubin"}, options.emit))
    return writeKernels(module, options, destination->archs.front(), output, observer, emitError);
  if (failed(embedKernels(module, options, destination->archs, observer, emitError)))
    return failure();
  bool isProgram = options.emit == "exe" || options.emit == "lib";
  if (!isProgram && failed(observer.dumpCode(module, target)))
    return failure();
  if (options.emit == "llvm-ir")
    return writeText(options, output, emitError,
                     [&](raw_ostream &os) { return emitLLVMIR(module, target, os); });
  if (options.emit == "asm")
    return writeText(options, output, emitError,
                     [&](raw_ostream &os) { return emitAssembly(module, target, os); });
  if (options.emit == "obj")
    return emitObject(module, target, output);
  return maker.make(module, target.processor, observer);
}

LogicalResult compileObjects(ModuleOp module, const CompileOptions &options, StringRef accessor,
                             ObjectParts &objects) {
  auto emitError = [&] { return mlir::emitError(UnknownLoc::get(module.getContext())); };
  FailureOr<Destination> destination = findDestination(options, emitError);
  if (failed(destination))
    return failure();
  if (destination->processors.size() > 1)
    return emitError() << "an object expects one --cpu, got " << destination->processors.size();
  PipelineOptions pipeline = setDestination(module, options, *destination);
  pipeline.accessor = accessor.str();
  TargetOptions target{destination->best(), options.optLevel};
  Observer observer(options, baseName(options), emitError);
  if (failed(runStages(module, getStages().back(), pipeline, observer)) ||
      failed(embedKernels(module, options, destination->archs, observer, emitError)) ||
      failed(observer.dumpCode(module, target)))
    return failure();
  return emitParts(module, target, "0", objects);
}

} // namespace ai
