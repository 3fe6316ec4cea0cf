// The passes of lib/Autodiff: what each needs, ensures, and when it fails.

#ifndef AI_AUTODIFF_PASSES
#define AI_AUTODIFF_PASSES

include "mlir/Pass/PassBase.td"

#endif // AI_AUTODIFF_PASSES
