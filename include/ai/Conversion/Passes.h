// The passes of lib/Conversion; each is specified in Passes.td.

#ifndef AI_CONVERSION_PASSES_H
#define AI_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
class TypeConverter;
namespace arith {
class ArithDialect;
} // namespace arith
namespace linalg {
class LinalgDialect;
} // namespace linalg
namespace math {
class MathDialect;
} // namespace math
namespace tensor {
class TensorDialect;
} // namespace tensor
} // namespace mlir

namespace ai {
namespace library {
class LibraryDialect;
} // namespace library

/// The lowering of every `ai` op that a function holds, for cores with a first cache of `l1` bytes;
/// `types` drops layouts (see AIToLinalg).
void populateAIToLinalgPatterns(const mlir::TypeConverter &types, int64_t l1,
                                mlir::RewritePatternSet &patterns);

#define GEN_PASS_DECL
#include "ai/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "ai/Conversion/Passes.h.inc"
} // namespace ai

#endif // AI_CONVERSION_PASSES_H
