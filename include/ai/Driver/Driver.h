// From a model file to an artefact: what ai-compile does, usable without a process of its own.

#ifndef AI_DRIVER_DRIVER_H
#define AI_DRIVER_DRIVER_H

#include "ai/Target/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include <optional>
#include <string>
#include <vector>

namespace ai {

/// What is printed on standard error beside what is made.
enum class Report { None, Roofline };

/// What one compilation is asked for.
struct CompileOptions {
  std::string input;  ///< a model file, `-` for standard input
  std::string source; ///< the model's text, if it has one: what explain shows
  std::string output; ///< empty: named after the input and the artefact
  /// A stage, dot, svg, explain, llvm-ir, asm, nvvm, ptx, cubin, obj, lib, exe.
  std::string emit = "exe";
  std::string graph = "shaped";   ///< the stage that dot and svg draw
  std::string target = "cpu";     ///< cpu, cuda, or a triple of another machine
  std::vector<std::string> archs; ///< of the GPU; empty: sm_80
  std::string gpuLibrary;         ///< what convolves there: none, cudnn; empty: none
  std::string gpuPrecision;       ///< of products there: f32, tf32, bf16; empty: f32
  std::vector<std::string> cpus;  ///< as clang's -mcpu; empty: native; several: picked at start-up
  std::string linker;             ///< compiler driver that links; empty: $CC, clang-22, cc
  std::string runtime;            ///< folder of libai_rt.a
  std::optional<int64_t> l1;      ///< bytes of a core's first cache; empty: as the processor has
  std::optional<int64_t> l2;      ///< bytes of its second
  int64_t maxMemory = 0;          ///< bytes that a model may take; 0: any
  std::optional<int64_t> threads; ///< that maxMemory counts with; empty: one for each CPU
  std::string conv = "auto";      ///< how to convolve: auto, direct, im2col, winograd
  unsigned optLevel = 3;
  bool remarks = false;       ///< also print what the passes chose
  bool profile = false;       ///< the program's bench says where the time goes
  bool checkNaN = false;      ///< the program stops at the first NaN and says which nest made it
  bool keepGradients = false; ///< the program hands out the gradients of its last step
  Report report = Report::None;
  std::string gpuSchedule;   ///< graph, persistent; empty: graph
  std::string gpuMutant;     ///< a mistake in the kernels, as ai-mutate-kernels makes it: for tests
  bool watch = false;        ///< keep what every op computes
  std::string intermediates; ///< folder that gets a file of every stage; empty: none
  bool verbose = false;      ///< also print what is done, on standard error
  bool dryRun = false;       ///< print it and the commands, and make nothing
  llvm::raw_ostream *text = nullptr; ///< gets what output `-` names; null: standard output
};

/// Compiles; errors are printed to standard error, with their place in the model file. The output
/// file is complete or not there.
mlir::LogicalResult compile(const CompileOptions &options);

/// The same for a module at hand, which is not the same afterwards: `input` only names what is
/// made, and errors go to the handlers of the module's context, whose dialects `registerDialects`
/// lists.
mlir::LogicalResult compile(mlir::ModuleOp module, const CompileOptions &options);

/// Compiles a module to objects in memory, one of which has the function `accessor`, which returns
/// the program's table (ai_program.h).
mlir::LogicalResult compileObjects(mlir::ModuleOp module, const CompileOptions &options,
                                   llvm::StringRef accessor, ObjectParts &objects);

/// What `emit` may be: the stages in their order, then the artefacts.
std::vector<llvm::StringRef> getEmitNames();

/// Registers every dialect that a model or a stage may hold.
void registerDialects(mlir::DialectRegistry &registry);

/// Registers every pass and stage, upstream's too, for command lines.
void registerPasses();

/// Registers what ai-translate can do.
void registerTranslations();

/// "aic 0.1.0 with LLVM 22.1.8".
llvm::StringRef getVersion();

/// What every tool begins with: `--version` prints ours, `--help` leaves out the options of LLVM's
/// own libraries, and messages have no colours if NO_COLOR is set and not empty (no-color.org).
void initTool();

/// The whole of the tools: arguments to exit code.
int compileMain(int argc, char **argv);
int optMain(int argc, char **argv);
int reduceMain(int argc, char **argv);
int languageServerMain(int argc, char **argv);

} // namespace ai

#endif // AI_DRIVER_DRIVER_H
