// What a block is made of for a team: pieces with no barrier inside.

#ifndef AI_LIB_CODEGEN_BLOCKPIECES_H
#define AI_LIB_CODEGEN_BLOCKPIECES_H

#include "lib/Codegen/NestShares.h"

namespace ai {

/// What of a nest is shared out: loops around all of it, or some of each nest inside a loop that
/// every part runs.
using Shares = llvm::SmallVector<SharedLoops, 1>;

/// Ops of the function's body with no barrier between them.
struct Piece : MemoryOp { // `op` is the first
  llvm::SmallVector<mlir::Operation *> ops;
  const MemoryOp *nest = nullptr; // the last one of `ops`
  int64_t cost = 0;               // of all nests
  Shares shares = {};             // of a nest that is shared out
  bool isRepeated = false;        // every part runs it
  int64_t group = 0;   // part group mod parts runs all of it, unless it is shared or repeated
  bool isTied = false; // to one that is shared alike, with no barrier between
  llvm::SmallVector<int64_t, 1> middles = {}; // of `shares`: where the first of two parts ends

  bool isShared() const { return !shares.empty(); }
  bool isOnePart() const { return !isShared() && !isRepeated; }
};

/// Places a barrier in front of each piece that may meet one since the last barrier. Pieces that
/// one part runs need none between them when it is the same part. Between two barriers, two parts
/// get equally much to do: `group` and `middles` of the pieces say how.
void placeBarriers(llvm::MutableArrayRef<Piece> pieces);

} // namespace ai

#endif // AI_LIB_CODEGEN_BLOCKPIECES_H
