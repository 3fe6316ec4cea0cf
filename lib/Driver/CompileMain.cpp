// ai-compile's command line.

#include "ai/Driver/Driver.h"
#include "ai/Pipelines/Stages.h"
#include "ai/Target/GPU.h"
#include "lib/Driver/CrossCheck.h"
#include "lib/Driver/Doctor.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir;
namespace cl = llvm::cl;

namespace ai {

namespace {
struct Artefact {
  StringRef name, description;
};
constexpr Artefact kArtefacts[] = {
    {"dot", "graph of the ai ops of a stage, in Graphviz's language"},
    {"svg", "the same graph, drawn"},
    {"explain", "a page for a browser: what the stages made of the model, and why"},
    {"llvm-ir", "optimised LLVM IR"},
    {"asm", "assembly of the target"},
    {"nvvm", "kernels of the GPU in the NVVM dialect"},
    {"ptx", "kernels of the GPU as PTX"},
    {"cubin", "kernels of the GPU as machine code, made by NVIDIA's ptxas"},
    {"obj", "object file"},
    {"lib", "shared object and C header"},
    {"exe", "program that trains, evaluates and predicts (default)"},
};
} // namespace

/// The runtime library lies beside the tools, in the build tree as after an installation:
/// bin/../lib.
static std::string runtimeFolder(const char *argv0) {
  std::string tool = llvm::sys::fs::getMainExecutable(argv0, (void *)&runtimeFolder);
  SmallString<256> folder(llvm::sys::path::parent_path(llvm::sys::path::parent_path(tool)));
  llvm::sys::path::append(folder, "lib");
  return std::string(folder);
}

std::vector<StringRef> getEmitNames() {
  std::vector<StringRef> names;
  for (const Stage &stage : getStages())
    names.push_back(stage.name);
  for (const Artefact &artefact : kArtefacts)
    names.push_back(artefact.name);
  return names;
}

static bool isKnown(StringRef name) { return llvm::is_contained(getEmitNames(), name); }

static StringRef nearestName(StringRef name) {
  std::vector<StringRef> names = getEmitNames();
  return *llvm::min_element(names, [&](StringRef a, StringRef b) {
    return name.edit_distance(a) < name.edit_distance(b);
  });
}

static int refuse(const llvm::Twine &message) {
  llvm::errs() << "ai-compile: error: " << message << "\n";
  return 1;
}

/// Reads `text`, bytes or with K, M or G at its end, into `size`; empty text leaves it alone.
static bool readSize(StringRef option, StringRef text, std::optional<int64_t> &size) {
  if (text.empty())
    return true;
  StringRef number = text;
  int64_t unit = number.consume_back("K")   ? 1 << 10
                 : number.consume_back("M") ? 1 << 20
                 : number.consume_back("G") ? 1 << 30
                                            : 1;
  int64_t value;
  if (number.getAsInteger(10, value) || value < 1 || value > (int64_t(1) << 40) / unit) {
    refuse(option + " expects a size as 32K, 1M, 2G or 49152, got '" + text + "'");
    return false;
  }
  size = value * unit;
  return true;
}

/// Whether the stage has ai ops to draw.
static bool hasGraph(StringRef name) {
  const Stage *stage = findStage(name);
  return stage && stage <= findStage("blocked");
}

static bool isGraph(StringRef emit) { return emit == "dot" || emit == "svg"; }

/// Whether the stage or artefact comes after the loops are made.
static bool hasNests(StringRef emit) {
  const Stage *stage = findStage(emit);
  if (isGraph(emit))
    return false;
  return !stage || stage >= findStage("loops");
}

int compileMain(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  initTool();
  static cl::OptionCategory category("ai-compile options");
  static cl::SubCommand doctor("doctor", "Try what the compiler needs on this machine, and say how "
                                         "to get what is missing");
  static cl::opt<std::string> data("data",
                                   cl::desc("Data set to look for (default: Fashion-MNIST)"),
                                   cl::value_desc("DIR"), cl::sub(doctor), cl::cat(category));
  static cl::opt<std::string> input(cl::Positional, cl::desc("MODEL.mlir"), cl::Required,
                                    cl::cat(category));
  static cl::opt<std::string> output("o", cl::desc("Output file; - is standard output"),
                                     cl::value_desc("FILE"), cl::cat(category));
  static cl::opt<std::string> emit("emit",
                                   cl::desc("What to make: a stage or an artefact, listed below"),
                                   cl::value_desc("NAME"), cl::init("exe"), cl::cat(category));
  static cl::opt<std::string> target(
      "target",
      cl::desc("What trains: cpu (default), cuda, or the triple of another machine, as in "
               "aarch64-linux-gnu, for objects and assembly"),
      cl::value_desc("cpu|cuda|TRIPLE"), cl::init("cpu"), cl::cat(category));
  static std::string archNames = llvm::join(
      llvm::map_range(getGPUArchs(), [](const GPUArch &arch) { return arch.name; }), "|");
  archNames += ",...";
  static cl::list<std::string> archs(
      "arch", cl::desc("Architectures of NVIDIA GPUs (default: sm_80)"), cl::value_desc(archNames),
      cl::CommaSeparated, cl::cat(category));
  static cl::opt<std::string> gpuLibrary(
      "gpu-library",
      cl::desc("Who convolves and multiplies matrices on a GPU: none (default), our kernels; "
               "cudnn, cuDNN 9 and cuBLASLt, which the program opens when it starts"),
      cl::value_desc("none|cudnn"), cl::cat(category));
  static cl::opt<std::string> gpuPrecision(
      "gpu-precision",
      cl::desc(
          "What tensor cores of a GPU may round factors of products to; f32 (default) is exact "
          "and leaves them alone. Sums are f32"),
      cl::value_desc("f32|tf32|bf16"), cl::cat(category));
  static cl::opt<std::string> gpuSchedule(
      "gpu-schedule",
      cl::desc(
          "How training steps are launched: one by one as CUDA graphs (default), or many of an "
          "epoch as one kernel where the data set has room on the GPU"),
      cl::value_desc("graph|persistent"), cl::cat(category));
  static cl::opt<std::string> gpuMutant(
      "gpu-mutant", cl::desc("A mistake in the kernels: for tests"), cl::value_desc("KIND:NUMBER"),
      cl::Hidden, cl::cat(category));
  static cl::opt<std::string> explained(
      "explain", cl::desc("Short for --emit=explain -o FILE; with --profile it measures, too"),
      cl::value_desc("FILE.html"), cl::cat(category));
  static cl::opt<bool> check("cross-check",
                             cl::desc("Make nothing; run the model on the CPU and on the GPU, or "
                                      "in its emulator, and compare what every op computes"),
                             cl::cat(category));
  static cl::list<std::string> cpus(
      "cpu",
      cl::desc("Processor to compile for: native (default), or a name that clang's -mcpu knows. A "
               "program for several picks the best that it runs on when it starts"),
      cl::value_desc("native|NAME,..."), cl::CommaSeparated, cl::cat(category));
  static cl::opt<std::string> conv(
      "conv",
      cl::desc("How to convolve: winograd where it can be, auto (default) by what costs least"),
      cl::value_desc("auto|direct|im2col|winograd"), cl::init("auto"), cl::cat(category));
  static cl::opt<std::string> l1("l1", cl::desc("First cache of a core (default: the processor's)"),
                                 cl::value_desc("SIZE[K|M]"), cl::cat(category));
  static cl::opt<std::string> l2("l2", cl::desc("Second cache of a core"),
                                 cl::value_desc("SIZE[K|M]"), cl::cat(category));
  static cl::opt<std::string> maxMemory(
      "max-memory",
      cl::desc(
          "Refuse a plan of more memory, with the recipe's batch, now and when it starts; on a "
          "GPU when it starts"),
      cl::value_desc("SIZE[K|M|G]"), cl::cat(category));
  // One of LLVM's own options, for what we do not use, has the name.
  if (cl::Option *other = cl::getRegisteredOptions().lookup("threads"))
    other->removeArgument();
  static cl::opt<int64_t> threads(
      "threads", cl::desc("Threads that --max-memory counts with (default: one for each CPU)"),
      cl::value_desc("N"), cl::cat(category));
  static cl::opt<std::string> linker(
      "linker", cl::desc("Compiler driver that links (default: $CC, clang-22, cc)"),
      cl::value_desc("PROGRAM"), cl::sub(cl::SubCommand::getTopLevel()), cl::sub(doctor),
      cl::cat(category));
  static cl::opt<unsigned> optLevel("O", cl::Prefix, cl::desc("Optimisation level (default 3)"),
                                    cl::value_desc("0|1|2|3"), cl::init(3), cl::cat(category));
  static cl::opt<std::string> graph(
      "graph", cl::desc("Stage that --emit=dot and svg draw (default: shaped)"),
      cl::value_desc("shaped|differentiated|fused|blocked"), cl::init("shaped"), cl::cat(category));
  static cl::opt<bool> remarks("remarks", cl::desc("Print what the passes chose, and why"),
                               cl::cat(category));
  static cl::opt<bool> profile("profile",
                               cl::desc("Let the program's bench print the time of every nest"),
                               cl::cat(category));
  static cl::opt<bool> checkNaN(
      "check-nan", cl::desc("Let the program stop at the first NaN and say where it appeared"),
      cl::cat(category));
  static cl::opt<bool> keepGradients(
      "gradients",
      cl::desc("Let the program keep the gradients of its last step, for histograms of --log"),
      cl::cat(category));
  static cl::opt<Report> report(
      "report", cl::desc("Also print a report on standard error:"), cl::init(Report::None),
      cl::values(clEnumValN(Report::Roofline, "roofline",
                            "FLOPs, bytes and least time of every loop nest")),
      cl::cat(category));
  static cl::opt<std::string> intermediates(
      "dump-intermediates",
      cl::desc("Also write what every stage leaves, LLVM IR, assembly, object, PTX"),
      cl::value_desc("DIR"), cl::cat(category));
  static cl::opt<bool> verbose("v", cl::desc("Print what is done, and the commands that are run"),
                               cl::cat(category));
  static cl::opt<bool> dryRun("###", cl::desc("Print the commands and run none; make nothing"),
                              cl::cat(category));
  std::string stages = "\nStages and artefacts for --emit:\n";
  llvm::raw_string_ostream os(stages);
  for (const Stage &stage : getStages())
    os << llvm::formatv("  {0,-16} {1}\n", stage.name, stage.promise);
  for (const Artefact &artefact : kArtefacts)
    os << llvm::formatv("  {0,-16} {1}\n", artefact.name, artefact.description);
  os << "\nEnvironment:\n"
        "  CC               compiler driver that links, before clang-22 and cc\n"
        "  TMPDIR           folder of temporary files\n"
        "  AI_GPU           what --cross-check and doctor run kernels on: driver, emulate\n"
        "  AI_CUDNN         file of cuDNN, for --cross-check and programs of --gpu-library=cudnn\n"
        "  AI_CUBLASLT      file of cuBLASLt, for the same\n"
        "  NO_COLOR         if not empty, messages have no colours\n";
  static cl::extrahelp help(stages);

  cl::HideUnrelatedOptions(category);
  if (!cl::ParseCommandLineOptions(argc, argv,
                                   "compiles a model and its training step into a native program\n",
                                   &llvm::errs()))
    return 1;
  CompileOptions options;
  options.linker = linker;
  options.runtime = runtimeFolder(argv[0]);
  if (doctor)
    return failed(runDoctor(options, data, llvm::outs())) ? 1 : 0;
  if (explained.getNumOccurrences()) {
    if (emit.getNumOccurrences() || output.getNumOccurrences())
      return refuse(llvm::Twine("--explain is what to make and where, got ") +
                    (emit.getNumOccurrences() ? "--emit" : "-o"));
    emit = "explain";
    output = explained;
  }
  if (emit == "explain" && intermediates.getNumOccurrences())
    return refuse("--explain shows every stage in its page, and writes no other file; got "
                  "--dump-intermediates");
  if (!isKnown(emit))
    return refuse("--emit expects a stage or an artefact, got '" + emit + "'; did you mean '" +
                  nearestName(emit) + "'? --help lists them");
  if (report != Report::None && !hasNests(emit))
    return refuse("--report=roofline describes loop nests, got --emit=" + emit +
                  ", which ends before there are any; use --emit=loops or later");
  if (!maxMemory.empty() && !hasNests(emit))
    return refuse("--max-memory is held against the memory plan, got --emit=" + emit +
                  ", which ends before there is one; use --emit=loops or later");
  if (threads.getNumOccurrences() && target == "cuda")
    return refuse("--threads expects --target=cpu; on a GPU --max-memory counts with none");
  if (threads.getNumOccurrences() && maxMemory.empty())
    return refuse("--threads is what --max-memory counts with; a program takes --threads itself");
  if (threads.getNumOccurrences() && (threads < 1 || threads > 4096))
    return refuse("--threads expects 1 to 4096, got " + llvm::Twine(threads));
  if (!hasGraph(graph))
    return refuse("--graph expects a stage with ai ops, shaped to blocked, got '" + graph + "'");
  if (graph.getNumOccurrences() && !isGraph(emit))
    return refuse("--graph chooses what --emit=dot and svg draw, got --emit=" + emit);
  if (optLevel > 3)
    return refuse("-O expects 0 to 3, got " + llvm::Twine(optLevel));
  options.input = input;
  options.output = output;
  options.emit = emit;
  options.graph = graph;
  options.target = target;
  options.archs = archs;
  options.gpuPrecision = gpuPrecision;
  options.cpus = cpus;
  options.optLevel = optLevel;
  options.conv = conv;
  options.remarks = remarks;
  options.profile = profile;
  options.checkNaN = checkNaN;
  options.keepGradients = keepGradients;
  options.report = report;
  options.gpuSchedule = gpuSchedule;
  options.gpuMutant = gpuMutant;
  options.gpuLibrary = gpuLibrary;
  options.intermediates = intermediates;
  options.verbose = verbose;
  options.dryRun = dryRun;
  std::optional<int64_t> limit;
  if (!readSize("--l1", l1, options.l1) || !readSize("--l2", l2, options.l2) ||
      !readSize("--max-memory", maxMemory, limit))
    return 1;
  options.maxMemory = limit.value_or(0);
  if (threads.getNumOccurrences())
    options.threads = threads;
  if (!check)
    return failed(compile(options)) ? 1 : 0;
  for (const cl::Option *other :
       {(const cl::Option *)&output, (const cl::Option *)&emit, (const cl::Option *)&target,
        (const cl::Option *)&gpuSchedule, (const cl::Option *)&profile,
        (const cl::Option *)&checkNaN, (const cl::Option *)&report,
        (const cl::Option *)&intermediates, (const cl::Option *)&dryRun})
    if (other->getNumOccurrences())
      return refuse("--cross-check compiles for the CPU and for the GPU, and keeps nothing; got " +
                    llvm::Twine(other->ArgStr.size() > 1 ? "--" : "-") + other->ArgStr);
  if (gpuPrecision == "tf32" || gpuPrecision == "bf16")
    return refuse(
        "--cross-check expects --gpu-precision=f32, which computes what the CPU does; got " +
        gpuPrecision);
  if (input == "-")
    return refuse("--cross-check reads the model more than once, got - for standard input");
  return failed(crossCheck(options)) ? 1 : 0;
}

} // namespace ai
