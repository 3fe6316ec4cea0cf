// Splits the combine of a step among threads. The function is called once per thread with (part,
// parts). A nest that writes buffers of the caller runs over its own share of one of its outer
// loops, when every iteration of that loop writes its own elements; otherwise one part runs it
// alone, with all other nests on the same memory. A nest that writes only temporaries is run by
// every thread in its own workspace: that costs a little work and no synchronisation. So the bits
// do not depend on the number of threads.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using affine::AffineForOp;

namespace ai {
#define GEN_PASS_DEF_AIPARTITIONCOMBINEPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace ai;

namespace {
/// An op of the function's body that touches memory, with what it touches.
struct Nest {
  Operation *op;
  Accesses accesses;
  AffineForOp loop = {}; // that can be shared out
  bool isKnown = true;   // `accesses` is all that it touches
  bool serial = false;   // left to one part
  int64_t group =
      -1; // serial nests that touch the same memory: they run on the same part, in their order
  bool shared = false; // other threads see its writes, or those of a nest that touches them
};

class Partitioner {
public:
  Partitioner(func::FuncOp f) : function(f) {}

  void run() {
    for (Operation &op : function.getBody().front())
      collect(op);
    markShared();
    addPartArguments();
    markSerial();
    groupSerial();
    for (Nest &nest : nests) {
      if (!nest.shared)
        continue;
      if (!nest.serial)
        restrictToPart(nest.loop, nest.op);
      else if (nest.op->use_empty())
        restrictToOnePart(nest.op, nest.group);
    }
  }

private:
  void collect(Operation &op) {
    Nest nest{&op, {}};
    nest.isKnown = collectAccesses(&op, nest.accesses);
    nest.loop = longestLoop(nest);
    if (!nest.accesses.empty() || !nest.isKnown)
      nests.push_back(nest);
  }

  /// The loop with the most iterations among the outermost and those that it holds and nothing
  /// else, as long as its iterations write apart: those of a sum do not.
  static AffineForOp longestLoop(const Nest &nest) {
    auto writesApart = [&](AffineForOp loop) {
      return llvm::all_of(nest.accesses, [&](const Access &a) {
        return !a.isWrite || sliceDimension(a, loop).has_value();
      });
    };
    auto loop = dyn_cast<AffineForOp>(nest.op), longest = loop;
    while (loop && llvm::hasNItems(*loop.getBody(), 2)) {
      loop = dyn_cast<AffineForOp>(loop.getBody()->front());
      if (loop && writesApart(loop) &&
          (!writesApart(longest) || tripCount(loop).value_or(0) > tripCount(longest).value_or(0)))
        longest = loop;
    }
    return longest;
  }

  /// A nest is shared when it writes a buffer of the caller, or what such a nest also touches.
  void markShared() {
    for (Nest &nest : nests)
      nest.shared = !nest.isKnown || llvm::any_of(nest.accesses, [](const Access &a) {
        return a.isWrite && isa<BlockArgument>(memoryOf(a.memref));
      });
    for (bool changed = true; changed;) {
      changed = false;
      for (Nest &a : nests)
        for (Nest &b : nests)
          if (a.shared && !b.shared && meets(a, b))
            changed = b.shared = true;
    }
  }

  /// Numbers the groups of serial nests, the most expensive first: group g runs on part g mod
  /// parts.
  void groupSerial() {
    SmallVector<std::pair<int64_t, SmallVector<Nest *>>> groups;
    for (Nest &seed : nests) {
      if (!seed.serial || seed.group >= 0)
        continue;
      SmallVector<Nest *> members{&seed};
      seed.group = groups.size();
      int64_t cost = 0;
      for (unsigned i = 0; i < members.size(); ++i) {
        cost += costOf(*members[i]);
        for (Nest &other : nests)
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
      for (Nest *nest : group.second)
        nest->group = number;
  }

  /// Accesses of one run.
  static int64_t costOf(const Nest &nest) {
    int64_t cost = 0;
    for (const Access &access : nest.accesses) {
      int64_t times = 1;
      for (AffineForOp loop : loopsAround(access.op))
        times *= tripCount(loop).value_or(1);
      cost += times;
    }
    return cost;
  }

  /// A nest that cannot be split is left to one part, and so is every other that touches the same
  /// memory.
  void markSerial() {
    for (Nest &nest : nests)
      nest.serial = nest.shared && (!isSliced(nest) || hasConflict(nest));
    for (bool changed = true; changed;) {
      changed = false;
      for (Nest &a : nests)
        for (Nest &b : nests)
          if (a.serial && b.shared && !b.serial && belongTogether(a, b))
            changed = b.serial = true;
    }
  }

  /// Whether `b` touches what `a` writes.
  static bool meets(const Nest &a, const Nest &b) {
    return llvm::any_of(a.accesses, [&](const Access &x) {
      return x.isWrite && llvm::any_of(b.accesses, [&](const Access &y) { return mayMeet(x, y); });
    });
  }

  /// Whether two accesses may touch an element in any of their iterations.
  static bool mayMeet(const Access &x, const Access &y) {
    if (!mayShareMemory(x.memref, y.memref))
      return false;
    if (x.memref != y.memref || !x.isKnown() || !y.isKnown())
      return true;
    for (unsigned dim = 0; dim < x.indices.size(); ++dim) {
      std::optional<Interval> a = rangeOf(x.indices[dim]), b = rangeOf(y.indices[dim]);
      if (a && b && (a->high + x.width(dim) <= b->low || b->high + y.width(dim) <= a->low))
        return false;
    }
    return true;
  }

  /// Whether each iteration of the outermost loop touches only its own slice of all that shared
  /// nests write.
  bool isSliced(const Nest &nest) {
    AffineForOp loop = nest.loop;
    if (!loop || !nest.isKnown || !tripCount(loop) || loop.getNumResults())
      return false;
    return llvm::all_of(nest.accesses, [&](const Access &a) {
      return !isWrittenByShared(a) || isOwnTemporary(nest, a) ||
             sliceDimension(a, loop).has_value();
    });
  }

  /// Whether `a` touches a temporary of `nest` alone: every thread has one of its own.
  bool isOwnTemporary(const Nest &nest, const Access &a) {
    return !isa<BlockArgument>(memoryOf(a.memref)) && llvm::none_of(nests, [&](const Nest &other) {
      return other.op != nest.op && llvm::any_of(other.accesses, [&](const Access &x) {
               return mayShareMemory(x.memref, a.memref);
             });
    });
  }

  bool isWrittenByShared(const Access &a) {
    return llvm::any_of(nests, [&](const Nest &n) {
      return n.shared && llvm::any_of(n.accesses, [&](const Access &x) {
               return x.isWrite && mayShareMemory(x.memref, a.memref);
             });
    });
  }

  /// A nest that is not split like another one that touches what it writes.
  bool hasConflict(const Nest &nest) {
    return llvm::any_of(nests, [&](const Nest &other) {
      return other.op != nest.op && meets(nest, other) && !splitAlike(nest, other);
    });
  }

  /// Whether two nests must run on one thread if they are not split: they share memory, or a value.
  bool belongTogether(const Nest &a, const Nest &b) {
    return meets(a, b) || meets(b, a) || feeds(a, b) || feeds(b, a);
  }

  /// Whether `b` computes with a value that `a` reads.
  static bool feeds(const Nest &a, const Nest &b) {
    if (a.op->use_empty())
      return false;
    SetVector<Operation *> users;
    getForwardSlice(a.op, &users);
    return llvm::any_of(users, [&](Operation *user) { return b.op->isAncestor(user); });
  }

  bool splitAlike(const Nest &a, const Nest &b) {
    if (!isSliced(a) || !isSliced(b))
      return !isSliced(a) && !isSliced(b);
    AffineForOp x = a.loop, y = b.loop;
    if (x.getConstantLowerBound() != y.getConstantLowerBound() ||
        x.getConstantUpperBound() != y.getConstantUpperBound() || x.getStep() != y.getStep())
      return false;
    for (const Access &p : a.accesses)
      for (const Access &q : b.accesses)
        if ((p.isWrite || q.isWrite) && mayShareMemory(p.memref, q.memref) &&
            (p.memref != q.memref || sliceDimension(p, x) != sliceDimension(q, y)))
          return false;
    return true;
  }

  /// The dimension whose index is the loop plus something within one step.
  static std::optional<unsigned> sliceDimension(const Access &access, AffineForOp loop) {
    for (auto [i, index] : llvm::enumerate(access.indices)) {
      if (index.factorOf(loop.getInductionVar()) != 1)
        continue;
      std::optional<Interval> rest = rangeOf(index.without(loop.getInductionVar()));
      if (rest && rest->low >= 0 && rest->high < loop.getStepAsInt())
        return i;
    }
    return std::nullopt;
  }

  void addPartArguments() {
    OpBuilder b(function);
    for (StringRef role : {"part", "parts"}) {
      unsigned index = function.getNumArguments();
      (void)function.insertArgument(
          index, b.getIndexType(),
          b.getDictionaryAttr(b.getNamedAttr("ai.role", b.getStringAttr(role))), function.getLoc());
      (role == "part" ? part : parts) = function.getArgument(index);
    }
  }

  /// lower + step * (trips * p / parts), for p = part and part + 1.
  /// The bounds are computed in front of the whole nest: inside they would be no symbols.
  void restrictToPart(AffineForOp loop, Operation *nest) {
    OpBuilder b(nest);
    Location loc = loop.getLoc();
    int64_t lower = loop.getConstantLowerBound(), step = loop.getStepAsInt();
    int64_t trips = llvm::divideCeil(loop.getConstantUpperBound() - lower, step);
    auto bound = [&](Value p) -> Value {
      Value share = arith::DivUIOp::create(
          b, loc, arith::MulIOp::create(b, loc, p, arith::ConstantIndexOp::create(b, loc, trips)),
          parts);
      Value scaled =
          arith::MulIOp::create(b, loc, share, arith::ConstantIndexOp::create(b, loc, step));
      return arith::AddIOp::create(b, loc, scaled, arith::ConstantIndexOp::create(b, loc, lower));
    };
    Value next = arith::AddIOp::create(b, loc, part, arith::ConstantIndexOp::create(b, loc, 1));
    AffineMap identity = AffineMap::get(0, 1, b.getAffineSymbolExpr(0));
    loop.setLowerBound(bound(part), identity);
    // The last step may reach past the upper bound: min keeps the loop's own end.
    AffineMap end = AffineMap::get(
        0, 1, {b.getAffineSymbolExpr(0), b.getAffineConstantExpr(loop.getConstantUpperBound())},
        b.getContext());
    loop.setUpperBound(bound(next), end);
    loop->setAttr("ai.trips", b.getI64IntegerAttr(trips)); // of all parts
  }

  void restrictToOnePart(Operation *op, int64_t group) {
    OpBuilder b(op);
    Location loc = op->getLoc();
    Value number = arith::ConstantIndexOp::create(b, loc, group);
    Value owner = arith::RemUIOp::create(b, loc, number, parts);
    Value mine = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, part, owner);
    auto guard = scf::IfOp::create(b, loc, mine);
    op->moveBefore(guard.thenYield());
  }

  func::FuncOp function;
  SmallVector<Nest> nests;
  Value part, parts;
};

struct PartitionCombinePass : ai::impl::AIPartitionCombinePassBase<PartitionCombinePass> {
  void runOnOperation() final {
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (auto kind = f->getAttrOfType<StringAttr>("ai.kind"); kind && kind.getValue() != "block")
        Partitioner(f).run();
  }
};
} // namespace
