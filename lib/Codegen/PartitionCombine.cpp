// Splits the combine of a step among threads. The function is called once per thread with (part,
// parts). A nest that writes buffers of the caller runs over its own share of one of its outer
// loops, when every iteration of that loop writes its own elements; otherwise one part runs it
// alone, with all other nests on the same memory. A nest that writes only temporaries is run by
// every thread in its own workspace: that costs a little work and no synchronisation. So the bits
// do not depend on the number of threads.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/NestShares.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Analysis/SliceAnalysis.h"

using namespace mlir;
using affine::AffineForOp;

namespace ai {
#define GEN_PASS_DEF_AIPARTITIONCOMBINEPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace ai;

namespace {
struct CombineNest : MemoryOp {
  AffineForOp loop = {}; // that can be shared out
  bool serial = false;   // left to one part
  int64_t group =
      -1; // serial nests that touch the same memory: they run on the same part, in their order
  bool shared = false; // other threads see its writes, or those of a nest that touches them
};

class Partitioner {
public:
  Partitioner(func::FuncOp f) : function(f) {}

  void run() {
    for (MemoryOp &nest : collectMemoryOps(function))
      nests.push_back({std::move(nest)});
    for (CombineNest &nest : nests)
      nest.loop = longestLoop(nest, [&](AffineForOp loop) { return writesApart(nest, loop); });
    markShared();
    markSerial();
    groupSerial();
    Part part = addPartArguments(function);
    for (CombineNest &nest : nests) {
      if (!nest.shared)
        continue;
      if (!nest.serial)
        part.restrict(nest.loop, nest.op);
      else if (nest.op->use_empty())
        part.restrictToOne(nest.op, nest.group);
    }
  }

private:
  /// Those of a sum do not write apart.
  bool writesApart(const CombineNest &nest, AffineForOp loop) {
    return llvm::all_of(nest.accesses, [&](const Access &a) {
      return !a.isWrite || isOwnTemporary(nest, a) || sliceDimension(a, loop).has_value();
    });
  }

  /// A nest is shared when it writes a buffer of the caller, or what such a nest also touches, or
  /// when it computes with what a shared one has read: other threads may change that meanwhile. A
  /// call of libm, whose effects are not known, has read nothing.
  void markShared() {
    for (CombineNest &nest : nests)
      nest.shared = !nest.isKnown || llvm::any_of(nest.accesses, [](const Access &a) {
        return a.isWrite && isa<BlockArgument>(memoryOf(a.memref));
      });
    for (bool changed = true; changed;) {
      changed = false;
      for (CombineNest &a : nests)
        for (CombineNest &b : nests)
          if (a.shared && !b.shared && (meets(a, b) || (!a.accesses.empty() && feeds(a, b))))
            changed = b.shared = true;
    }
  }

  /// Numbers the groups of serial nests, the most expensive first: group g runs on part g mod
  /// parts.
  void groupSerial() {
    SmallVector<std::pair<int64_t, SmallVector<CombineNest *>>> groups;
    for (CombineNest &seed : nests) {
      if (!seed.serial || seed.group >= 0)
        continue;
      SmallVector<CombineNest *> members{&seed};
      seed.group = groups.size();
      int64_t cost = 0;
      for (unsigned i = 0; i < members.size(); ++i) {
        cost += costOf(*members[i]);
        for (CombineNest &other : nests)
          if (other.serial && other.group < 0 && belongTogether(*members[i], other)) {
            other.group = seed.group;
            members.push_back(&other);
          }
      }
      groups.push_back({-cost, std::move(members)});
    }
    llvm::sort(groups, [](auto &a, auto &b) {
      return std::make_pair(a.first, a.second.front()->group) <
             std::make_pair(b.first, b.second.front()->group);
    });
    for (auto [number, group] : llvm::enumerate(groups))
      for (CombineNest *nest : group.second)
        nest->group = number;
  }

  /// A nest that cannot be split is left to one part, and so is every other that touches the same
  /// memory.
  void markSerial() {
    for (CombineNest &nest : nests)
      nest.serial = nest.shared && (!isSliced(nest) || hasConflict(nest));
    for (bool changed = true; changed;) {
      changed = false;
      for (CombineNest &a : nests)
        for (CombineNest &b : nests)
          if (a.serial && b.shared && !b.serial && belongTogether(a, b))
            changed = b.serial = true;
    }
  }

  /// Whether each iteration of the outermost loop touches only its own slice of all that shared
  /// nests write.
  bool isSliced(const CombineNest &nest) {
    AffineForOp loop = nest.loop;
    if (!loop || !nest.isKnown)
      return false;
    return llvm::all_of(nest.accesses, [&](const Access &a) {
      return !isWrittenByShared(a) || isOwnTemporary(nest, a) ||
             sliceDimension(a, loop).has_value();
    });
  }

  /// Whether `a` touches a temporary of `nest` alone: every thread has one of its own.
  bool isOwnTemporary(const CombineNest &nest, const Access &a) {
    return !isa<BlockArgument>(memoryOf(a.memref)) &&
           llvm::none_of(nests, [&](const CombineNest &other) {
             return other.op != nest.op && llvm::any_of(other.accesses, [&](const Access &x) {
                      return mayShareMemory(x.memref, a.memref);
                    });
           });
  }

  bool isWrittenByShared(const Access &a) {
    return llvm::any_of(nests, [&](const CombineNest &n) {
      return n.shared && llvm::any_of(n.accesses, [&](const Access &x) {
               return x.isWrite && mayShareMemory(x.memref, a.memref);
             });
    });
  }

  /// A nest that is not split like another one that touches what it writes.
  bool hasConflict(const CombineNest &nest) {
    return llvm::any_of(nests, [&](const CombineNest &other) {
      return other.op != nest.op && meets(nest, other) && !splitAlike(nest, other);
    });
  }

  /// Whether two nests must run on one thread if they are not split: they share memory, or a value.
  bool belongTogether(const CombineNest &a, const CombineNest &b) {
    return meets(a, b) || meets(b, a) || feeds(a, b) || feeds(b, a);
  }

  /// Whether `b` computes with a value that `a` reads.
  static bool feeds(const CombineNest &a, const CombineNest &b) {
    if (a.op->use_empty())
      return false;
    SetVector<Operation *> users;
    getForwardSlice(a.op, &users);
    return llvm::any_of(users, [&](Operation *user) { return b.op->isAncestor(user); });
  }

  bool splitAlike(const CombineNest &a, const CombineNest &b) {
    if (!isSliced(a) || !isSliced(b))
      return !isSliced(a) && !isSliced(b);
    if (!haveSameBounds(a.loop, b.loop))
      return false;
    for (const Access &p : a.accesses)
      for (const Access &q : b.accesses)
        if ((p.isWrite || q.isWrite) && mayShareMemory(p.memref, q.memref) &&
            (p.memref != q.memref || sliceDimension(p, a.loop) != sliceDimension(q, b.loop)))
          return false;
    return true;
  }

  func::FuncOp function;
  SmallVector<CombineNest> nests;
};

struct PartitionCombinePass : ai::impl::AIPartitionCombinePassBase<PartitionCombinePass> {
  void runOnOperation() final {
    if (isBehindBlocks(getOperation()))
      Partitioner(getOperation()).run();
  }
};
} // namespace
