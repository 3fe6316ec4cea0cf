// Lets several threads compute one block: where there are fewer blocks than threads, those left
// over would wait. A nest runs over shares of a loop whose iterations write apart; a barrier stands
// wherever a thread may need what another one has written, or may overwrite what another one still
// reads. Each element is computed by one thread, in the order in which one thread alone computes
// it: bits do not depend on how many there are.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/BlockPieces.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"

namespace ai {
#define GEN_PASS_DEF_AISHAREBLOCKSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

/// Accesses for each store of a nest that lays something out; one that computes has more.
static constexpr int64_t kMostAccesses = 8;

static bool isParameter(Value memory) {
  auto argument = dyn_cast<BlockArgument>(memory);
  auto f = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  return f && argumentText(f, argument.getArgNumber(), "ai.role") == "parameter";
}

namespace {
class Sharer {
public:
  Sharer(func::FuncOp f, int64_t l2) : function(f), body(f.getBody().front()), l2(l2) {}

  void run() {
    for (MemoryOp &nest : collectMemoryOps(function))
      if (!isa<memref::AllocOp>(nest.op))
        nests.insert({nest.op, std::move(nest)});
    findOwn();
    findLayouts();
    for (auto &entry : nests)
      if (!layouts.contains(entry.first))
        if (Shares shares = findShares(entry.second); !shares.empty())
          shared[entry.first] = std::move(shares);
    formPieces();
    Part part = addPartArguments(function);
    // What every part runs must not change memory that they share.
    if (llvm::any_of(pieces, [](const Piece &piece) { return piece.isRepeated && writes(piece); }))
      return function->setAttr("ai.alone", UnitAttr::get(function.getContext()));
    placeBarriers(pieces);
    // Threads are at several of its ops at once.
    if (llvm::any_of(pieces, [&](const Piece &piece) {
          return piece.isShared() || piece.group != pieces.front().group;
        }))
      function->setAttr("ai.team", UnitAttr::get(function.getContext()));
    for (Piece &piece : pieces)
      if (piece.isOnePart())
        part.restrictToOne(piece.ops, piece.group);
      else
        for (auto [loops, middle] : llvm::zip_equal(piece.shares, piece.middles))
          part.guard(loops, piece.op, middle);
  }

private:
  /// Cuts ops behind each nest, unless something of what comes before it is used behind it.
  SmallVector<ArrayRef<Operation *>> split(ArrayRef<Operation *> ops) {
    SmallVector<ArrayRef<Operation *>> cuts;
    DenseSet<Operation *> users;
    size_t begin = 0;
    bool hasNest = false;
    for (auto [i, op] : llvm::enumerate(ops)) {
      for (Operation *user : op->getUsers())
        users.insert(body.findAncestorOpInBlock(*user));
      users.erase(op);
      hasNest |= op->getNumRegions() > 0;
      if (i + 1 < ops.size() && (!hasNest || !users.empty()))
        continue;
      hasNest = false;
      cuts.push_back(ops.slice(begin, i + 1 - begin));
      begin = i + 1;
    }
    return cuts;
  }

  static bool writes(const MemoryOp &nest) {
    return !nest.isKnown || llvm::any_of(nest.accesses, [](const Access &a) { return a.isWrite; });
  }

  void markOwn(Value memory) {
    own.insert(memory);
    memory.getDefiningOp()->setAttr("ai.own", UnitAttr::get(function.getContext()));
  }

  /// Marks the temporaries that one nest alone touches: they lie in every thread's own workspace.
  void findOwn() {
    llvm::MapVector<Value, Operation *> users; // null if there are several
    for (const auto &[op, nest] : nests) {
      Operation *inNest = isa<AffineForOp>(op) && nest.isKnown ? op : nullptr;
      op->walk([&, top = op](Operation *inner) {
        for (Value operand : inner->getOperands())
          if (isa<MemRefType>(operand.getType())) {
            Operation *&user = users.try_emplace(memoryOf(operand), top).first->second;
            user = user == top ? inNest : nullptr;
          }
      });
    }
    for (auto [memory, user] : users)
      if (memory.getDefiningOp<memref::AllocOp>() && user)
        markOwn(memory);
  }

  /// Finds the nests that lay out parameters, and do nothing else. They compute little for what
  /// they write: to fetch a part of it from another core, behind a barrier, takes longer than to
  /// write all of it. So every part does, into memory of its own, as long as that is at most half
  /// of the second cache.
  void findLayouts() {
    DenseSet<Value> prepared; // shrinks to what no other nest writes
    for (auto alloc : body.getOps<memref::AllocOp>())
      prepared.insert(alloc);
    for (bool isFinal = false; !isFinal;) {
      isFinal = true;
      layouts.clear();
      DenseSet<Value> counted;
      int64_t bytes = 0;
      for (const auto &[op, nest] : nests) {
        DenseSet<Value> written = memoryWritten(nest);
        int64_t more = 0;
        for (Value memory : written)
          if (auto type = dyn_cast<MemRefType>(memory.getType());
              type && !own.contains(memory) && !counted.contains(memory))
            more += bytesOf(type);
        if (isLayout(nest, written, prepared) && bytes + more <= l2 / 2) {
          bytes += more;
          counted.insert_range(written);
          layouts.insert(op);
          continue;
        }
        for (Value memory : written)
          isFinal &= !prepared.erase(memory);
      }
    }
    for (Operation *op : layouts)
      for (Value memory : memoryWritten(nests.find(op)->second))
        markOwn(memory);
  }

  /// What the nest writes, or may write.
  static DenseSet<Value> memoryWritten(const MemoryOp &nest) {
    DenseSet<Value> memory;
    for (const Access &access : nest.accesses)
      if (access.isWrite)
        memory.insert(memoryOf(access.memref));
    if (!nest.isKnown)
      nest.op->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          if (isa<MemRefType>(operand.getType()))
            memory.insert(memoryOf(operand));
      });
    return memory;
  }

  /// Whether the nest makes what it writes of parameters and `prepared` memory alone, by not many
  /// more loads than stores.
  static bool isLayout(const MemoryOp &nest, const DenseSet<Value> &written,
                       const DenseSet<Value> &prepared) {
    if (!nest.isKnown || !isa<AffineForOp>(nest.op) || written.empty() ||
        llvm::any_of(written, [&](Value memory) { return !prepared.contains(memory); }))
      return false;
    MemoryOp stores{nest.op, {}};
    for (const Access &access : nest.accesses) {
      Value memory = memoryOf(access.memref);
      if (access.isWrite)
        stores.accesses.push_back(access);
      else if (!prepared.contains(memory) && !isParameter(memory))
        return false;
    }
    return costOf(nest) <= kMostAccesses * costOf(stores);
  }

  /// A nest that is shared out is a piece. What lies between two of them is one for each nest, but
  /// for what later ones compute with: each part needs that, so it stays outside.
  void formPieces() {
    DenseSet<Operation *> outside(layouts);
    keepInvariants(outside);
    DenseMap<Operation *, int64_t> runs;
    do
      runs = numberRuns(outside);
    while (keepOutside(runs, outside));
    SmallVector<Operation *> run; // of one part
    int64_t number = -1;
    auto endRun = [&] {
      for (ArrayRef<Operation *> ops : split(run))
        addPiece(ops);
      run.clear();
    };
    for (Operation &op : body) {
      int64_t next = runs.lookup_or(&op, -1);
      if (next < 0 && !nests.contains(&op))
        continue;
      if (next < 0 || next != number)
        endRun();
      number = next;
      run.push_back(&op);
      if (next >= 0)
        continue;
      endRun();
      pieces.back().shares = shared.lookup(&op);
      pieces.back().isRepeated = !pieces.back().isShared();
    }
    endRun();
  }

  void addPiece(ArrayRef<Operation *> ops) {
    Piece piece{{ops.front(), {}}, llvm::to_vector(ops)};
    for (Operation *op : ops) {
      auto *nest = nests.find(op);
      if (nest == nests.end())
        continue;
      piece.nest = &nest->second;
      piece.cost += costOf(nest->second);
      llvm::copy_if(nest->second.accesses, std::back_inserter(piece.accesses),
                    [&](const Access &access) { return !isOwn(access); });
      piece.isKnown &= nest->second.isKnown;
    }
    pieces.push_back(std::move(piece));
  }

  /// Numbers the ops of the body that are inside pieces of several.
  DenseMap<Operation *, int64_t> numberRuns(const DenseSet<Operation *> &outside) {
    DenseMap<Operation *, int64_t> runs;
    int64_t run = 0;
    for (Operation &op : body.without_terminator()) {
      if (isa<memref::AllocOp, ViewLikeOpInterface>(op) || op.hasTrait<OpTrait::ConstantLike>())
        continue; // for all
      if (shared.contains(&op) || (outside.contains(&op) && nests.contains(&op)))
        ++run;
      else if (!outside.contains(&op))
        runs[&op] = run;
    }
    return runs;
  }

  /// Adds what costs next to nothing, is the same wherever it is computed, and is used behind a
  /// nest that lies in between: it would tie nests together.
  void keepInvariants(DenseSet<Operation *> &outside) {
    DenseMap<Operation *, int64_t> nestsBefore;
    int64_t number = 0;
    for (Operation &op : body) {
      nestsBefore[&op] = number;
      number += op.getNumRegions() > 0;
    }
    for (Operation &op : body.without_terminator())
      if (op.getNumRegions() == 0 && isInvariant(op) &&
          llvm::any_of(op.getUsers(), [&](Operation *user) {
            return nestsBefore.at(body.findAncestorOpInBlock(*user)) > nestsBefore.at(&op);
          }))
        outside.insert(&op);
  }

  /// Whether the op only reads, if anything then what the function leaves as it is.
  bool isInvariant(Operation &op) {
    const auto *nest = nests.find(&op);
    if (nest == nests.end())
      return isMemoryEffectFree(&op);
    return !writes(nest->second) && llvm::none_of(nests, [&](const auto &other) {
      return meets(other.second, nest->second);
    });
  }

  /// Adds to `outside` what others than the ops of its run compute with; false if there is nothing.
  bool keepOutside(const DenseMap<Operation *, int64_t> &runs, DenseSet<Operation *> &outside) {
    size_t before = outside.size();
    for (auto [op, run] : runs)
      for (Operation *user : op->getUsers())
        if (runs.lookup_or(body.findAncestorOpInBlock(*user), -1) != run)
          outside.insert(op);
    return outside.size() > before;
  }

  bool isOwn(const Access &a) const { return own.contains(memoryOf(a.memref)); }

  /// What of the nest threads share out; empty if that is not worth it.
  Shares findShares(const MemoryOp &nest) const {
    Shares shares;
    if (nest.isKnown && costOf(nest) >= kCostOfBarrier)
      if (!shareWhole(nest, shares) && !shareInside(nest, shares))
        shares.clear();
    return shares;
  }

  bool shareWhole(const MemoryOp &nest, Shares &shares) const {
    SharedLoops loops = outerLoops(nest, [&](AffineForOp loop) { return writesApart(nest, loop); });
    if (loops.empty())
      return false;
    shares.push_back(std::move(loops));
    return true;
  }

  /// Shares out the nests inside loops that every part runs: the sums of a weight gradient, row by
  /// row. False if one of them cannot be, or touches what another one writes.
  static bool shareInside(const MemoryOp &nest, Shares &shares) {
    auto loop = dyn_cast<AffineForOp>(nest.op);
    while (loop && loop.getNumResults() == 0 && innerLoop(loop))
      loop = innerLoop(loop);
    if (!loop || loop.getNumResults() > 0)
      return false;
    SmallVector<MemoryOp> inside;
    for (Operation &op : *loop.getBody()) {
      MemoryOp inner{&op, {}};
      (void)collectAccesses(&op, inner.accesses); // the whole nest is known
      inside.push_back(std::move(inner));
    }
    for (const MemoryOp &a : inside)
      for (const MemoryOp &b : inside)
        if (&a != &b && meets(a, b))
          return false;
    return llvm::all_of(inside, [&](const MemoryOp &inner) {
      if (!writes(inner))
        return true; // every part runs it
      SharedLoops loops = outerLoops(inner, [&](AffineForOp shared) {
        return llvm::all_of(inner.accesses, [&](const Access &write) {
          return !write.isWrite || isApart(inner, write.memref, shared);
        });
      });
      if (loops.empty())
        return shareInside(inner, shares);
      shares.push_back(std::move(loops));
      return true;
    });
  }

  /// Whether no two iterations of the loop touch an element that the nest writes.
  bool writesApart(const MemoryOp &nest, AffineForOp loop) const {
    return llvm::all_of(nest.accesses, [&](const Access &write) {
      return !write.isWrite || (isOwn(write) && isRewritten(nest, write.memref, loop)) ||
             isApart(nest, write.memref, loop);
    });
  }

  /// Whether every iteration of the loop has all of the memory for itself.
  static bool isRewritten(const MemoryOp &nest, Value memref, AffineForOp loop) {
    return llvm::none_of(nest.accesses, [&](const Access &a) {
      return mayShareMemory(a.memref, memref) && (!a.isKnown() || a.uses(loop.getInductionVar()));
    });
  }

  func::FuncOp function;
  Block &body;
  llvm::MapVector<Operation *, MemoryOp> nests; // ops of the body that touch memory
  DenseMap<Operation *, Shares> shared;
  int64_t l2;
  DenseSet<Operation *> layouts; // nests that every part runs for itself
  DenseSet<Value> own;           // memory that every part has for itself
  SmallVector<Piece> pieces;
};

struct ShareBlocks final : ai::impl::AIShareBlocksPassBase<ShareBlocks> {
  using AIShareBlocksPassBase::AIShareBlocksPassBase;
  void runOnOperation() final {
    if (isBlock(getOperation()))
      Sharer(getOperation(), l2).run();
  }
};
} // namespace
