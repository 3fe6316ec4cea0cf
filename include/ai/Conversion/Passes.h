// The passes of lib/Conversion; each is specified in Passes.td.

#ifndef AI_CONVERSION_PASSES_H
#define AI_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace ai {
#define GEN_PASS_DECL
#include "ai/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "ai/Conversion/Passes.h.inc"
} // namespace ai

#endif // AI_CONVERSION_PASSES_H
