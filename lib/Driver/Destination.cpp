// --target, --cpu and --arch: what code is made for.

#include "lib/Driver/Destination.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;

namespace ai {

/// Whether the architectures can do what --gpu-precision says.
static LogicalResult checkPrecision(StringRef precision, ArrayRef<GPUArch> archs,
                                    ErrorEmitter emitError) {
  if (!llvm::is_contained({"", "f32", "tf32", "bf16"}, precision))
    return emitError() << "--gpu-precision expects f32, tf32 or bf16, got '" << precision << "'";
  if (precision != "tf32" && precision != "bf16")
    return success();
  for (const GPUArch &arch : archs)
    if (!arch.hasTensorFloats)
      return emitError() << "--gpu-precision=" << precision
                         << " expects tensor cores of sm_80 or newer, got --arch=" << arch.name
                         << "; leave it out, or compile for it with --gpu-precision=f32";
  return success();
}

/// The architectures that kernels are made for, none without --target=cuda.
static FailureOr<SmallVector<GPUArch>> findArchs(const CompileOptions &options,
                                                 ErrorEmitter emitError) {
  SmallVector<GPUArch> archs;
  bool isGPUArtefact = llvm::is_contained({"nvvm", "ptx", "cubin"}, options.emit);
  if (options.target != "cuda") {
    if (!options.gpuLibrary.empty())
      return emitError() << "--gpu-library expects --target=cuda; nothing is called on a CPU";
    if (options.target != "cpu" && !isKnownTriple(options.target))
      return emitError() << "--target expects cpu, cuda, or a triple of x86_64 or aarch64 such as "
                            "aarch64-linux-gnu, got '"
                         << options.target << "'";
    if (isGPUArtefact)
      return emitError() << "--emit=" << options.emit << " expects --target=cuda";
    if (!options.archs.empty())
      return emitError() << "--arch expects --target=cuda; the processor is --cpu";
    if (!options.gpuPrecision.empty())
      return emitError() << "--gpu-precision expects --target=cuda; a CPU computes with the types "
                            "of the model";
    if (!options.gpuSchedule.empty())
      return emitError() << "--gpu-schedule expects --target=cuda";
    return archs;
  }
  bool callsLibraries = !options.gpuLibrary.empty() && options.gpuLibrary != "none";
  if (callsLibraries && options.gpuLibrary != "cudnn")
    return emitError() << "--gpu-library expects none or cudnn, got '" << options.gpuLibrary << "'";
  if (!options.gpuSchedule.empty() && options.gpuSchedule != "graph" &&
      options.gpuSchedule != "persistent")
    return emitError() << "--gpu-schedule expects graph or persistent, got '" << options.gpuSchedule
                       << "'";
  if (options.emit == "explain")
    return emitError()
           << "--explain expects --target=cpu; --report=roofline counts what kernels do";
  if (options.profile)
    return emitError() << "--profile expects --target=cpu; kernels keep no times";
  if (options.checkNaN)
    return emitError() << "--check-nan expects --target=cpu; kernels look for nothing";
  if (options.conv == "im2col" || options.conv == "winograd")
    return emitError() << "--conv=" << options.conv
                       << " expects --target=cpu; kernels convolve directly";
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
  if (failed(checkPrecision(options.gpuPrecision, archs, emitError)))
    return failure();
  if (callsLibraries && !options.gpuPrecision.empty() && options.gpuPrecision != "f32")
    return emitError() << "--gpu-precision expects --gpu-library=none; libraries are told to keep "
                          "f32 as it is";
  if (callsLibraries && options.gpuSchedule == "persistent")
    return emitError() << "--gpu-schedule=persistent expects --gpu-library=none; a kernel cannot "
                          "call libraries";
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
    processor->l1 = options.l1.value_or(processor->l1);
    processor->l2 = options.l2.value_or(processor->l2);
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

FailureOr<Destination> findDestination(const CompileOptions &options, ErrorEmitter emitError) {
  FailureOr<SmallVector<GPUArch>> archs = findArchs(options, emitError);
  if (failed(archs))
    return failure();
  FailureOr<SmallVector<Processor>> processors = findProcessors(options, emitError);
  if (failed(processors))
    return failure();
  return Destination{std::move(*archs), std::move(*processors)};
}

void printDestination(const Destination &destination, raw_ostream &os) {
  os << getVersion() << "\n";
  os << "target: " << destination.best().triple << "\n";
  for (const Processor &processor : destination.processors)
    os << llvm::formatv(
        "processor: {0}{1}, {2} vector registers of {3} bits, caches of {4} and {5} KiB\n",
        processor.name, processor.isNative ? " (native)" : "", processor.vectorRegisters,
        processor.vectorBits, processor.l1 >> 10, processor.l2 >> 10);
  for (const GPUArch &arch : destination.archs)
    os << llvm::formatv("GPU: {0}, {1} KiB of shared memory for a thread block\n", arch.name,
                        arch.sharedBytes >> 10);
  if (destination.archs.empty())
    return;
  std::string assembler = findPTXAssembler();
  os << "PTX assembler: " << (assembler.empty() ? "no ptxas in PATH" : assembler) << "\n";
}

} // namespace ai
