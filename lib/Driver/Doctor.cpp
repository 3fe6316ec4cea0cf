// Whether this machine has what the compiler and its programs need, found out by trying.

#include "lib/Driver/Doctor.h"

#include "ai/Driver/Program.h"
#include "ai/Target/GPU.h"
#include "ai/Target/Linker.h"
#include "lib/Runtime/Data.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include <dlfcn.h>

using namespace mlir;

namespace ai {

/// A model with a number to look at, and for a GPU one kernel.
static constexpr StringLiteral kModel = R"(
func.func @f(%x: tensor<f64>) -> tensor<f64> {
  %0 = ai.mul %x, %x : (tensor<f64>, tensor<f64>) -> tensor<f64>
  return %0 : tensor<f64>
})";

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

namespace {
class Doctor {
public:
  Doctor(const CompileOptions &options, StringRef folder, raw_ostream &os)
      : options(options), folder(folder), os(os), context(makeRegistry()),
        handler(&context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
            error = diagnostic.str();
          return success();
        }) {}

  /// What programs cannot be made without.
  LogicalResult examineNeeds() {
    report("ok", "compiler", getVersion());
    reportLibrary("LLVM", reinterpret_cast<void *>(&llvm::sys::getDefaultTargetTriple));
    reportLibrary("MLIR", reinterpret_cast<void *>(&mlir::verify));
    auto emitError = [&] { return mlir::emitError(UnknownLoc::get(&context)); };
    FailureOr<Processor> processor = findProcessor("", "", emitError);
    if (succeeded(processor))
      report("ok", "processor",
             llvm::formatv("{0}, vectors of {1} bits", processor->name, processor->vectorBits));
    else
      report("missing", "processor", error, "aic makes programs for x86-64 and aarch64");
    std::string runtime = options.runtime + "/libai_rt.a";
    bool hasRuntime = llvm::sys::fs::exists(runtime);
    report(hasRuntime ? "ok" : "missing", "runtime", runtime,
           hasRuntime ? "" : "build or install aic again; it lies beside the folder of the tools");
    FailureOr<std::vector<std::string>> linker = findLinker(options.linker, emitError);
    if (succeeded(linker))
      report("ok", "linker", llvm::join(*linker, " "));
    else
      report("missing", "linker", error, "apt-get install clang-22 lld-22");
    if (failed(processor) || !hasRuntime || failed(linker))
      return failure();
    return examineProgram();
  }

  void examineGPU() {
    std::string assembler = findPTXAssembler();
    if (assembler.empty())
      report("absent", "ptxas",
             "not in PATH; GPU programs hold PTX, which the driver compiles when they start",
             "install NVIDIA's CUDA toolkit and put its bin folder into PATH");
    else if (succeeded(makeKernel("cubin")))
      report("ok", "ptxas", assembler);
    else
      report("broken", "ptxas", error, "install another CUDA toolkit, or take it from PATH");
    CompileOptions own = options;
    own.target = "cuda";
    OwningOpRef<ModuleOp> module = parse();
    std::unique_ptr<Program> program = Program::load(*module, own);
    char device[512];
    if (program && ai_rt_program_device(program->table(), device, sizeof(device)) == AI_RT_OK)
      return report("ok", "GPU", device);
    report("absent", "GPU", program ? ai_rt_last_error() : error,
           "install NVIDIA's driver for the GPU, such as Debian's nvidia-driver");
  }

  void examineData(StringRef data) {
    std::string path = data.empty() ? rt::defaultDataFolder : data.str();
    SmallVector<int64_t> counts;
    for (const char *split : {"train", "test"}) {
      ai_rt_dataset_t *dataset = nullptr;
      if (ai_rt_dataset_open_split(path.c_str(), split, &dataset) != AI_RT_OK)
        return report("absent", "data", ai_rt_last_error(),
                      "apt-get install dataset-fashion-mnist, or name a folder of IDX files with "
                      "--data, here and to programs");
      counts.push_back(ai_rt_dataset_data(dataset).inputs.shape[0]);
      ai_rt_dataset_destroy(dataset);
    }
    report("ok", "data",
           llvm::formatv("{0}: {1} samples to train, {2} to test", path, counts[0], counts[1]));
  }

private:
  void report(StringRef state, StringRef what, const llvm::Twine &text, StringRef remedy = "") {
    os << llvm::formatv("{0,-8} {1,-10} {2}\n", state, what, text.str());
    if (!remedy.empty())
      os << llvm::formatv("{0,-8} {0,-10} fix: {1}\n", "", remedy);
  }

  /// The shared library that the code at `address` is of.
  void reportLibrary(StringRef what, const void *address) {
    Dl_info info;
    report("ok", what, dladdr(address, &info) && info.dli_fname ? info.dli_fname : "linked in");
  }

  OwningOpRef<ModuleOp> parse() { return parseSourceString<ModuleOp>(kModel, &context); }

  std::string pathOf(StringRef name) {
    SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return std::string(path);
  }

  LogicalResult makeKernel(StringRef emit) {
    CompileOptions own = options;
    own.target = "cuda";
    own.emit = emit.str();
    own.output = pathOf(emit);
    OwningOpRef<ModuleOp> module = parse();
    return compile(*module, own);
  }

  /// Makes a program and looks at what it prints.
  LogicalResult examineProgram() {
    CompileOptions own = options;
    own.output = pathOf("program");
    OwningOpRef<ModuleOp> module = parse();
    if (failed(compile(*module, own))) {
      report("missing", "program", error,
             "apt-get install clang-22 lld-22 libstdc++-12-dev zlib1g-dev");
      return failure();
    }
    std::string log = pathOf("log"), message;
    std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log), StringRef(log)};
    int code = llvm::sys::ExecuteAndWait(own.output, {own.output, "f", "3"}, std::nullopt,
                                         redirects, 0, 0, &message);
    auto printed = llvm::MemoryBuffer::getFile(log);
    StringRef text = printed ? (*printed)->getBuffer().trim() : StringRef();
    if (code == 0 && text == "9") {
      report("ok", "program", "compiled, linked and run");
      return success();
    }
    report("missing", "program",
           llvm::formatv(
               "expects a program that squares 3 to print 9, got '{0}' and exit code {1} {2}", text,
               code, message),
           "let TMPDIR name a folder that programs may be run from");
    return failure();
  }

  const CompileOptions &options;
  StringRef folder;
  raw_ostream &os;
  std::string error; ///< the last one
  MLIRContext context;
  ScopedDiagnosticHandler handler;
};
} // namespace

LogicalResult runDoctor(const CompileOptions &options, StringRef data, raw_ostream &os) {
  SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("ai-doctor", folder)) {
    llvm::errs() << "ai-compile: error: cannot make a temporary folder: " << error.message()
                 << "\n";
    return failure();
  }
  llvm::scope_exit cleanup([&] { llvm::sys::fs::remove_directories(folder); });
  Doctor doctor(options, folder, os);
  LogicalResult result = doctor.examineNeeds();
  doctor.examineGPU();
  doctor.examineData(data);
  os << (succeeded(result) ? "ai-compile can make programs\n"
                           : "ai-compile cannot make programs; see what is missing above\n");
  return result;
}

} // namespace ai
