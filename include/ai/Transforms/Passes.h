// The passes of lib/Transforms; each is specified in Passes.td.

#ifndef AI_TRANSFORMS_PASSES_H
#define AI_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace ai {
#define GEN_PASS_DECL
#include "ai/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

#endif // AI_TRANSFORMS_PASSES_H
