// The ops of the `ai` dialect, by family.

#ifndef AI_OPS
#define AI_OPS

include "dialects/ai/AIStructureOps.td"
include "dialects/ai/AIElementwiseOps.td"
include "dialects/ai/AIContractionOps.td"
include "dialects/ai/AIPoolingOps.td"
include "dialects/ai/AIShapeOps.td"
include "dialects/ai/AILossOps.td"
include "dialects/ai/AITrainingOps.td"
include "dialects/ai/AIBlockOps.td"

#endif // AI_OPS
