// One builder per stage; Stages.cpp puts them in order.

#ifndef AI_LIB_PIPELINES_BUILDERS_H
#define AI_LIB_PIPELINES_BUILDERS_H

#include "ai/Pipelines/Stages.h"

namespace ai {
void buildShaped(mlir::OpPassManager &pm, const PipelineOptions &options);
void buildDifferentiated(mlir::OpPassManager &pm, const PipelineOptions &options);
void buildFused(mlir::OpPassManager &pm, const PipelineOptions &options);
void buildBlocked(mlir::OpPassManager &pm, const PipelineOptions &options);
void buildLinalg(mlir::OpPassManager &pm, const PipelineOptions &options);
void buildBuffers(mlir::OpPassManager &pm, const PipelineOptions &options);
void buildLoops(mlir::OpPassManager &pm, const PipelineOptions &options);
void buildLLVM(mlir::OpPassManager &pm, const PipelineOptions &options);
} // namespace ai

#endif // AI_LIB_PIPELINES_BUILDERS_H
