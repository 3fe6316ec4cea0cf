// The passes of lib/Conversion: what each needs, ensures, and when it fails.

#ifndef AI_CONVERSION_PASSES
#define AI_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

#endif // AI_CONVERSION_PASSES
