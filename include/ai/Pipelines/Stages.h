// The stages of the compiler in their order: what each promises, which dialects may be left, how it
// is built. The table drives `ai-compile --emit=STAGE`, its help, `ai-opt --ai-stage-STAGE` and
// `ai-check-stage`.

#ifndef AI_PIPELINES_STAGES_H
#define AI_PIPELINES_STAGES_H

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace ai {

/// What the machine and the user decide; everything else follows from the model.
struct PipelineOptions {
  int64_t vectorBits = 512;        ///< native vector width of the target
  int64_t vectorRegisters = 32;    ///< how many of them there are
  bool hasMasks = false;           ///< a vector can be loaded and stored in part
  int64_t l1 = 32 << 10;           ///< bytes of a core's first cache
  int64_t l2 = 1 << 20;            ///< bytes of its second
  std::string conv = "auto";       ///< how to convolve: auto, direct, im2col, winograd
  unsigned optLevel = 3;           ///< 0: no fusion and no register tiles
  bool profile = false;            ///< the program keeps a profile of its nests
  bool checkNaN = false;           ///< the program stops at the first NaN
  bool keepGradients = false;      ///< the program hands out the gradients of its last step
  bool describe = false;           ///< the module says what its nests cost
  bool remarks = false;            ///< passes that would not do so unasked say what they chose
  int64_t maxMemory = 0;           ///< bytes that a model may take; 0: any
  int64_t threads = 1;             ///< that it is checked with
  bool watch = false;              ///< what every op computes is a result
  bool isForGPU = false;           ///< blocks become thread blocks of a GPU
  int64_t sharedBytes = 48 << 10;  ///< shared memory of a thread block
  std::string gpuLibrary = "none"; ///< what computes convolutions and products: none, cudnn
  std::string precision = "f32";   ///< of factors of products on a GPU: f32, tf32, bf16
  bool isPersistent = false;       ///< training steps have a kernel that runs many of them
  std::string mutant;              ///< KIND:NUMBER, a mistake in the kernels: for tests
  std::string accessor; ///< function that returns the program's table; empty: write `main`
  bool hasEntry = true; ///< the module is the whole program, with `main` or the accessor
  std::string symbol = "ai.program"; ///< what the table is called
  std::string cpu, cpus;             ///< the processor, and all that the program has code for
  std::vector<std::string> nodes;    ///< the model's graph, as AIEmitProgramPass takes it
  std::vector<std::string> features; ///< what the processor has, each as NAME=BIT

  bool callsLibraries() const { return gpuLibrary != "none"; }
};

struct Stage {
  llvm::StringRef name;
  llvm::StringRef promise;
  /// The dialects that may be left when the stage is over, separated by spaces.
  llvm::StringRef dialects;
  void (*build)(mlir::OpPassManager &, const PipelineOptions &);
};

/// All stages, in order.
llvm::ArrayRef<Stage> getStages();

/// The stage of that name, or null.
const Stage *findStage(llvm::StringRef name);

/// Appends one stage, its predecessors taken for done, and its check.
void buildStage(mlir::OpPassManager &pm, const Stage &stage, const PipelineOptions &options);

/// Appends all stages up to and including `last`, each followed by its check.
void buildStages(mlir::OpPassManager &pm, const Stage &last, const PipelineOptions &options);

/// Appends what makes an empty module the beginning of a program: `main`, or `accessor` if it is
/// given, which pick one of `programs`, symbols of tables in other objects.
void buildEntry(mlir::OpPassManager &pm, llvm::ArrayRef<std::string> programs,
                llvm::StringRef accessor);

/// Registers `--ai-stage-NAME` (that stage alone, its predecessors taken for done) and
/// `--ai-check-stage`.
void registerStages();

} // namespace ai

#endif // AI_PIPELINES_STAGES_H
