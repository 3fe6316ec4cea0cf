// The passes of lib/Transforms: what each needs, ensures, and when it fails.

#ifndef AI_TRANSFORMS_PASSES
#define AI_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

#endif // AI_TRANSFORMS_PASSES
