// The one table of stages.

#include "ai/Pipelines/Stages.h"

#include "lib/Pipelines/Builders.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace ai {

static constexpr Stage kStages[] = {
    {"shaped", "every tensor has a shape; only the batch may be ?", "ai builtin func", buildShaped},
    {"differentiated", "pure functions for the training step, evaluation and prediction",
     "ai builtin func", buildDifferentiated},
    {"fused", "folded; producers beside their consumers, in groups that become one nest",
     "ai builtin func", buildFused},
    {"blocked", "a step is a map over blocks of samples and a combine; static shapes inside",
     "ai builtin func", buildBlocked},
    {"linalg", "no ai op is left", "builtin func linalg tensor arith math library", buildLinalg},
    {"buffers", "no tensor is left; arguments and results are buffers of the caller",
     "builtin func linalg memref arith math library", buildBuffers},
    {"loops", "register tiles over vectors, or GPU kernels; every buffer at a constant offset",
     "builtin func affine scf vector memref arith math ub gpu nvvm llvm", buildLoops},
    {"llvm", "one module of the LLVM dialect, with the program's table", "builtin llvm gpu nvvm",
     buildLLVM},
};

llvm::ArrayRef<Stage> getStages() { return kStages; }

const Stage *findStage(StringRef name) {
  for (const Stage &stage : kStages)
    if (stage.name == name)
      return &stage;
  return nullptr;
}

namespace {
/// Fails when a dialect survives past the stage that should have removed it, or an op is malformed.
struct CheckStagePass : PassWrapper<CheckStagePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CheckStagePass)

  CheckStagePass() = default;
  CheckStagePass(const CheckStagePass &other) : PassWrapper(other) {}
  explicit CheckStagePass(StringRef name) { stage = name.str(); }

  StringRef getArgument() const final { return "ai-check-stage"; }
  StringRef getDescription() const final { return "check what a stage promises"; }

  void runOnOperation() final {
    const Stage *found = findStage(stage);
    if (!found) {
      getOperation().emitError("expects the name of a stage, got '") << stage << "'";
      return signalPassFailure();
    }
    SmallVector<StringRef> names;
    found->dialects.split(names, ' ');
    llvm::StringSet<> legal(llvm::from_range, names);
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (legal.contains(op->getName().getDialectNamespace()))
        return WalkResult::advance();
      op->emitOpError("is left after stage '")
          << found->name << "', which promises: " << found->promise;
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted() || failed(verify(getOperation())))
      signalPassFailure();
  }

  Option<std::string> stage{*this, "stage", llvm::cl::desc("Name of the stage"),
                            llvm::cl::init("")};
};
} // namespace

void buildStage(OpPassManager &pm, const Stage &stage, const PipelineOptions &options) {
  stage.build(pm, options);
  pm.addPass(std::make_unique<CheckStagePass>(stage.name));
}

void buildStages(OpPassManager &pm, const Stage &last, const PipelineOptions &options) {
  for (const Stage &stage : kStages) {
    buildStage(pm, stage, options);
    if (stage.name == last.name)
      return;
  }
}

namespace {
struct StageOptions : PassPipelineOptions<StageOptions> {
  Option<int64_t> vectorBits{*this, "vector-bits", llvm::cl::desc("Native vector width in bits"),
                             llvm::cl::init(512)};
  Option<int64_t> registers{*this, "registers", llvm::cl::desc("Vector registers"),
                            llvm::cl::init(32)};
  Option<int64_t> l1{*this, "l1", llvm::cl::desc("Bytes of a core's first cache"),
                     llvm::cl::init(32 << 10)};
  Option<int64_t> l2{*this, "l2", llvm::cl::desc("Bytes of a core's second cache"),
                     llvm::cl::init(1 << 20)};
  Option<bool> isForGPU{*this, "gpu", llvm::cl::desc("Thread blocks of a GPU"),
                        llvm::cl::init(false)};
  Option<int64_t> sharedBytes{*this, "shared-bytes",
                              llvm::cl::desc("Shared memory of a thread block"),
                              llvm::cl::init(48 << 10)};
  Option<std::string> gpuLibrary{
      *this, "gpu-library", llvm::cl::desc("What computes convolutions and products: none, cudnn"),
      llvm::cl::init("none")};
  Option<std::string> precision{*this, "precision",
                                llvm::cl::desc("Of products on a GPU: f32, tf32 or bf16"),
                                llvm::cl::init("f32")};
  Option<unsigned> optLevel{*this, "opt-level", llvm::cl::desc("0: no fusion, no register tiles"),
                            llvm::cl::init(3)};
};
} // namespace

void registerStages() {
  PassRegistration<CheckStagePass>();
  for (const Stage &stage : kStages)
    registerPassPipeline(
        ("ai-stage-" + stage.name).str(), ("stage '" + stage.name + "': " + stage.promise).str(),
        [&stage](OpPassManager &pm, StringRef text,
                 function_ref<LogicalResult(const Twine &)> error) {
          StageOptions parsed;
          if (failed(parsed.parseFromString(text)))
            return error("invalid options for stage '" + stage.name + "'");
          PipelineOptions options;
          options.vectorBits = parsed.vectorBits;
          options.vectorRegisters = parsed.registers;
          options.l1 = parsed.l1;
          options.l2 = parsed.l2;
          options.optLevel = parsed.optLevel;
          options.isForGPU = parsed.isForGPU;
          options.sharedBytes = parsed.sharedBytes;
          options.gpuLibrary = parsed.gpuLibrary;
          options.precision = parsed.precision;
          buildStage(pm, stage, options);
          return success();
        },
        [](function_ref<void(const detail::PassOptions &)> each) { each(StageOptions()); });
}

} // namespace ai
