// The passes of lib/Codegen: what each needs, ensures, and when it fails.

#ifndef AI_CODEGEN_PASSES
#define AI_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

#endif // AI_CODEGEN_PASSES
