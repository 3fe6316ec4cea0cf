// The artefact `--emit=explain`.

#ifndef AI_LIB_DRIVER_EXPLAIN_H
#define AI_LIB_DRIVER_EXPLAIN_H

#include "ai/Driver/Driver.h"
#include "ai/Pipelines/Stages.h"
#include "ai/Target/Target.h"
#include "lib/Driver/ExplainNests.h"

namespace ai {

/// Takes a model through all stages to assembly, and writes a page that shows what each made of it:
/// one file, with nothing to load from elsewhere. Facts lie in it as JSON (id "facts"); texts, of
/// the model, the stages and the assembly, as deflated JSON in base64 (id "texts").
mlir::LogicalResult explain(mlir::ModuleOp module, const CompileOptions &options,
                            const TargetOptions &target, const PipelineOptions &pipeline,
                            llvm::raw_ostream &os);

/// Compiles the module with a profile, runs training steps of the recipe's batch on random samples
/// with one thread for about half a second, and returns what the nests took, in their order. None
/// if it does not train.
mlir::FailureOr<std::vector<MeasuredNest>> measureNests(mlir::ModuleOp module,
                                                        const CompileOptions &options);

} // namespace ai

#endif // AI_LIB_DRIVER_EXPLAIN_H
