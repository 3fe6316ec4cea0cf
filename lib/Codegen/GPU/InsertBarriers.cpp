// A barrier before every loop that touches what another thread has written since the last barrier,
// or writes what another one has read. Memory is told apart by allocation and argument: the plan
// may let two buffers share bytes only if a barrier separates their uses, and counts them for that.
// What a thread does with its own elements, those at the positions that it is counted by, is in
// order without one, and so is what is left to a single thread.

#include "WarpSums.h"
#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <map>

namespace ai {
#define GEN_PASS_DEF_AIINSERTBARRIERSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

namespace {
/// A position as a sum of constants, operands and quotients of the thread's element, which is the
/// sum of all operands: constant + sum of factor * operand + sum of factor * (element floordiv k).
/// Upstream's simplification does not see that a position put together of quotients and remainders
/// is the element itself.
struct Position {
  explicit Position(unsigned numOperands) : operands(numOperands, 0) {}

  void add(const Position &other, int64_t factor) {
    constant += factor * other.constant;
    for (auto [mine, theirs] : llvm::zip(operands, other.operands))
      mine += factor * theirs;
    for (auto [divisor, coefficient] : other.quotients)
      quotients[divisor] += factor * coefficient;
  }

  /// k, if this is element floordiv k; 1 for the element itself.
  std::optional<int64_t> divisor() const {
    auto all = [&](int64_t value) {
      return llvm::all_of(operands, [&](int64_t factor) { return factor == value; });
    };
    SmallVector<int64_t> used;
    for (auto [divisor, coefficient] : quotients)
      if (coefficient != 0)
        used.append({divisor, coefficient});
    if (constant != 0)
      return std::nullopt;
    if (used.empty() && all(1))
      return 1;
    return used.size() == 2 && used[1] == 1 && all(0) ? std::optional(used[0]) : std::nullopt;
  }

  int64_t constant = 0;
  SmallVector<int64_t> operands;
  std::map<int64_t, int64_t> quotients; // by their divisors
};
} // namespace

/// `expr` with `numDims` dimensions in front of its symbols; none if it is no such sum.
static std::optional<Position> positionOf(AffineExpr expr, unsigned numDims, unsigned numOperands) {
  Position result(numOperands);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    result.constant = constant.getValue();
    return result;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    result.operands[dim.getPosition()] = 1;
    return result;
  }
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    result.operands[numDims + symbol.getPosition()] = 1;
    return result;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  auto lhs = positionOf(binary.getLHS(), numDims, numOperands);
  if (!lhs)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add) {
    auto rhs = positionOf(binary.getRHS(), numDims, numOperands);
    if (rhs)
      lhs->add(*rhs, 1);
    return rhs ? lhs : std::nullopt;
  }
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  std::optional<int64_t> divisor = lhs->divisor();
  if (!constant)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Mul) {
    result.add(*lhs, constant.getValue());
    return result;
  }
  if (!divisor)
    return std::nullopt;
  int64_t factor = -constant.getValue(); // x mod c = x - c * (x floordiv c)
  if (expr.getKind() == AffineExprKind::Mod)
    result = *lhs;
  else if (expr.getKind() == AffineExprKind::FloorDiv)
    factor = 1;
  else
    return std::nullopt;
  result.quotients[*divisor * constant.getValue()] += factor;
  return result;
}

/// The number by which a thread is told from others: in its block, or in the grid.
static Value findThread(func::FuncOp f) {
  auto threads = f.getOps<gpu::ThreadIdOp>();
  if (threads.empty())
    return {};
  Value thread = *threads.begin();
  for (Operation *user : thread.getUsers())
    if (isa<arith::AddIOp>(user) && user->getParentOp() == f)
      return user->getResult(0);
  return thread;
}

namespace {
/// Who touches a memory in one loop.
enum class Toucher { Own, Single, Any };

struct Touch {
  Value memory;
  bool isWrite;
  Toucher toucher;

  bool conflictsWith(const Touch &later) const {
    bool isOneThreads = toucher == later.toucher && toucher != Toucher::Any;
    return memory == later.memory && (isWrite || later.isWrite) && !isOneThreads;
  }
};

/// What one op at the top of a function touches of the memory that threads share.
class Collector {
public:
  Collector(Value thread) : thread(thread) {}

  SmallVector<Touch> collect(Operation *root) {
    SmallVector<Touch> touches;
    auto elements = root->getAttrOfType<IntegerAttr>("ai.elements");
    auto isOnlyThread = [&](Operation *op) {
      int64_t count = elements ? elements.getInt() : 0;
      return count == 1 || (count == kWarp && isOfFirstLane(op));
    };
    root->walk([&](MemoryEffectOpInterface op) {
      SmallVector<MemoryEffects::EffectInstance> effects;
      op.getEffects(effects);
      for (MemoryEffects::EffectInstance &effect : effects) {
        Value memory = effect.getValue() ? memoryOf(effect.getValue()) : Value();
        // An allocation touches nothing yet, and an alloca is a thread's own.
        if (!memory || isa<MemoryEffects::Allocate>(effect.getEffect()) ||
            memory.getDefiningOp<memref::AllocaOp>())
          continue;
        Toucher toucher = isOnlyThread(op)         ? Toucher::Single
                          : isOwnElement(root, op) ? Toucher::Own
                                                   : Toucher::Any;
        touches.push_back({memory, isa<MemoryEffects::Write>(effect.getEffect()), toucher});
      }
    });
    return touches;
  }

private:
  /// Whether only the first thread of a warp comes by.
  static bool isOfFirstLane(Operation *op) {
    for (; op; op = op->getParentOp())
      if (op->hasAttr("ai.first_lane"))
        return true;
    return false;
  }

  /// Whether an access is at the position, counted in elements of its memory, that is the number of
  /// the thread, or of one of the turns that it takes.
  bool isOwnElement(Operation *root, Operation *op) {
    AffineMap map;
    SmallVector<Value> operands;
    Value memref;
    if (auto load = dyn_cast<affine::AffineLoadOp>(op)) {
      map = load.getAffineMap();
      operands.assign(load.getMapOperands().begin(), load.getMapOperands().end());
      memref = load.getMemRef();
    } else if (auto store = dyn_cast<affine::AffineStoreOp>(op)) {
      map = store.getAffineMap();
      operands.assign(store.getMapOperands().begin(), store.getMapOperands().end());
      memref = store.getMemRef();
    }
    if (!memref || !isWholeMemory(memref))
      return false;
    affine::fullyComposeAffineMapAndOperands(&map, &operands);
    affine::canonicalizeMapAndOperands(&map, &operands);
    // The element: the thread's number, in a loop plus its turn.
    SmallVector<Value> expected{thread};
    if (auto loop = dyn_cast<affine::AffineForOp>(root))
      expected.push_back(loop.getInductionVar());
    if (operands.size() != expected.size() ||
        !std::is_permutation(operands.begin(), operands.end(), expected.begin()))
      return false;
    Position sum(operands.size());
    for (auto [index, extent] :
         llvm::zip(map.getResults(), cast<MemRefType>(memref.getType()).getShape())) {
      auto next = positionOf(index, map.getNumDims(), operands.size());
      if (!next)
        return false;
      next->add(sum, extent);
      sum = *next;
    }
    return sum.divisor() == 1;
  }

  /// Whether positions in a view are those in the memory below.
  static bool isWholeMemory(Value memref) {
    for (; memref; memref = cast<ViewLikeOpInterface>(memref.getDefiningOp()).getViewSource()) {
      auto type = cast<MemRefType>(memref.getType());
      if (!type.hasStaticShape() || !type.getLayout().isIdentity())
        return false;
      Operation *op = memref.getDefiningOp();
      if (!op || !isa<ViewLikeOpInterface>(op))
        return true;
      if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp>(op))
        return false;
    }
    return false;
  }

  Value thread;
};

struct InsertBarriers final : ai::impl::AIInsertBarriersPassBase<InsertBarriers> {
  using AIInsertBarriersPassBase::AIInsertBarriersPassBase;

  void runOnOperation() final {
    func::FuncOp f = getOperation();
    if (f.isDeclaration())
      return;
    Collector collector(findThread(f));
    SmallVector<Touch> since;
    SmallVector<Operation *> needed;
    for (Operation &op : f.getBody().front()) {
      SmallVector<Touch> touches = collector.collect(&op);
      bool conflicts = llvm::any_of(since, [&](const Touch &before) {
        return llvm::any_of(touches, [&](const Touch &t) { return before.conflictsWith(t); });
      });
      if (conflicts) {
        needed.push_back(&op);
        since.clear();
      }
      llvm::append_range(since, touches);
    }
    numBarriers += needed.size();
    for (Operation *op : needed) {
      OpBuilder b(op);
      gpu::BarrierOp::create(b, op->getLoc());
    }
  }
};
} // namespace
