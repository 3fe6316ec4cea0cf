// The passes of lib/Autodiff; each is specified in Passes.td.

#ifndef AI_AUTODIFF_PASSES_H
#define AI_AUTODIFF_PASSES_H

#include "mlir/Pass/Pass.h"

namespace ai {
#define GEN_PASS_DECL
#include "ai/Autodiff/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "ai/Autodiff/Passes.h.inc"
} // namespace ai

#endif // AI_AUTODIFF_PASSES_H
