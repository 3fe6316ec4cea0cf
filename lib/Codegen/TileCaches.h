// What a register tile does to the first cache.

#ifndef AI_LIB_CODEGEN_TILECACHES_H
#define AI_LIB_CODEGEN_TILECACHES_H

#include "lib/Codegen/RegisterTile.h"

namespace ai {

/// The lines of a tile's scalars that all belong into the same ways of the first cache, if those
/// are too few: rows whose distance is a multiple of its sets throw each other out.
int64_t countConflicts(const Access &access, llvm::ArrayRef<Factor> factors);

/// Bytes that the nests in one iteration of `loop` hand on to each other, but for what `r` writes.
int64_t bytesInside(mlir::affine::AffineForOp loop, const Reduction &r);

} // namespace ai

#endif // AI_LIB_CODEGEN_TILECACHES_H
