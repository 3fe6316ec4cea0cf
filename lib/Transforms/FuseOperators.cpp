// ai-fuse-operators: an order of ops in which few values wait, and groups that become one loop
// nest.
//
// The order is found by list scheduling. Among the ops whose operands are there, the one that reads
// the newest value comes first; of several, the one from which the shortest way leads to the end:
// so the gradients of weights precede the cotangent that goes on to the next layer. Not in this
// race are ops that no batch goes into, and element-wise ops that are made for one reader and
// continue no loop nest: they are placed on demand, or (updates) after all others.

#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace ai {
#define GEN_PASS_DEF_AIFUSEOPERATORSPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Kinds of ops
//===----------------------------------------------------------------------===//

static bool isContraction(Operation *op) {
  return isa<Conv2DOp, Conv2DInputGradientOp, Conv2DWeightGradientOp, LinearOp, MatMulOp>(op);
}

/// Whether the op computes each element of its result from one element, or one window, of each
/// operand.
static bool isFusible(Operation *op) {
  return isa<AddOp, SubOp, MulOp, DivOp, MaxOp, MinOp, PowerOp, NegOp, ExpOp, LogOp, SqrtOp, SinOp,
             CosOp, TanhOp, SigmoidOp, ReLUOp, CompareOp, SelectOp, CastOp, MaskSamplesOp,
             DropoutMaskOp, BroadcastOp, BroadcastLikeOp, OneHotOp, MaxPool2DOp,
             MaxPool2DWithIndexOp, MaxPool2DScatterOp, MaxPool2DGatherOp, AvgPool2DOp,
             AvgPool2DGradientOp>(op);
}

/// Scalars are no loop nest.
static bool isScalar(Operation *op) {
  return llvm::all_of(op->getResultTypes(), [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 0;
  });
}

/// Whether the batch is a dimension of some operand or result.
static bool touchesBatch(Operation *op) {
  auto isBatched = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && !tensor.hasStaticShape();
  };
  return llvm::any_of(op->getOperandTypes(), isBatched) ||
         llvm::any_of(op->getResultTypes(), isBatched);
}

/// The op that reads the value, but for the terminator; null if there are none or several.
static Operation *getOnlyReader(Value value) {
  Operation *reader = nullptr;
  for (OpOperand &use : value.getUses()) {
    if (use.getOwner()->hasTrait<OpTrait::IsTerminator>())
      continue;
    if (reader)
      return nullptr;
    reader = use.getOwner();
  }
  return reader;
}

/// The producer whose loop nest `op` can become part of: the last one in the block of which it is
/// the only reader. Winners and masks are no way into a nest: they wait for the backward pass; nor
/// are sums over the batch, which are complete after all blocks only.
static Operation *findFusedProducer(Operation *op) {
  Operation *last = nullptr;
  if (!isFusible(op))
    return nullptr;
  for (Value operand : op->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    if (!producer || !getOnlyReader(operand) || isScalar(producer) ||
        !isa<FloatType>(getElementTypeOrSelf(operand)) ||
        !(isContraction(producer) || isFusible(producer)) ||
        (touchesBatch(producer) && !touchesBatch(op)))
      continue;
    if (!last || last->isBeforeInBlock(producer))
      last = producer;
  }
  return last;
}

/// The only op that reads results of `op`; null if there are none or several.
static Operation *findConsumer(Operation *op) {
  if (op->getNumResults() != 1)
    return nullptr;
  return getOnlyReader(op->getResult(0));
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

namespace {

/// Finds the order for one block; the terminator stays last.
class Scheduler {
public:
  explicit Scheduler(Block &block) : block(block) {}

  /// Moves the ops and returns how many are not where they were.
  int64_t run();

private:
  void collect();
  void findNeeds(Operation *op);
  Operation *pickNext();
  void place(Operation *op);

  Block &block;
  SmallVector<Operation *> original, order, waiting;
  DenseSet<Operation *> placedOnDemand;
  /// The racing ops that an op reads, also through ops that are placed on demand.
  DenseMap<Operation *, llvm::SetVector<Operation *>> needs;
  /// The place in the new order, and the length of the longest way to the end.
  DenseMap<Operation *, int64_t> positions, heights;
};

/// Calls `visit` for each op of the block that `op` or its regions read.
void forEachProducer(Operation *op, Block &block, function_ref<void(Operation *)> visit) {
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (Operation *producer = operand.getDefiningOp(); producer && producer->getBlock() == &block)
        visit(producer);
  });
}

void Scheduler::findNeeds(Operation *op) {
  llvm::SetVector<Operation *> found;
  forEachProducer(op, block, [&](Operation *producer) {
    if (placedOnDemand.contains(producer))
      found.insert_range(needs[producer]);
    else
      found.insert(producer);
  });
  needs[op] = std::move(found);
}

/// Splits the ops: those that race (`waiting`) and those that are placed when they are read.
void Scheduler::collect() {
  for (Operation &op : block.without_terminator())
    original.push_back(&op);
  bool hasBatch = llvm::any_of(original, touchesBatch);
  for (Operation *op : llvm::reverse(original)) {
    int64_t height = 0;
    for (Operation *user : op->getUsers())
      height = std::max(height, heights.lookup(block.findAncestorOpInBlock(*user)) + 1);
    heights[op] = height;
  }
  for (Operation *op : original) {
    bool isConstant = op->getNumOperands() == 0 && op->getNumRegions() == 0;
    bool isForOneReader = isFusible(op) && !findFusedProducer(op) && findConsumer(op);
    if (isConstant || isForOneReader || (hasBatch && !touchesBatch(op)))
      placedOnDemand.insert(op);
    else
      waiting.push_back(op);
    findNeeds(op);
  }
}

Operation *Scheduler::pickNext() {
  Operation *best = nullptr;
  std::pair<int64_t, int64_t> bestRank;
  for (Operation *op : waiting) {
    int64_t newest = -1;
    bool isReady = llvm::all_of(needs[op], [&](Operation *producer) {
      auto position = positions.find(producer);
      if (position != positions.end())
        newest = std::max(newest, position->second);
      return position != positions.end();
    });
    std::pair<int64_t, int64_t> rank(newest, -heights.lookup(op));
    if (!isReady)
      continue;
    if (!best || rank > bestRank) {
      best = op;
      bestRank = rank;
    }
  }
  return best;
}

void Scheduler::place(Operation *op) {
  forEachProducer(op, block, [&](Operation *producer) {
    if (!positions.contains(producer))
      place(producer);
  });
  positions[op] = order.size();
  order.push_back(op);
}

int64_t Scheduler::run() {
  collect();
  while (Operation *op = pickNext()) {
    place(op);
    llvm::erase(waiting, op);
  }
  for (Operation *op : original)
    if (!positions.contains(op))
      place(op);
  int64_t moved = 0;
  for (auto [before, after] : llvm::zip_equal(original, order)) {
    moved += before != after;
    after->moveBefore(block.getTerminator());
  }
  return moved;
}

} // namespace

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// The ops of each group in order, groups in order of their first op.
static SmallVector<SmallVector<Operation *>> findGroups(Block &block) {
  SmallVector<Operation *> heads;
  DenseMap<Operation *, Operation *> headOf;
  for (Operation &op : block.without_terminator()) {
    if (isScalar(&op) || !(isContraction(&op) || isFusible(&op)))
      continue;
    Operation *producer = findFusedProducer(&op);
    headOf[&op] = producer ? headOf.lookup(producer) : &op;
  }
  // What follows no producer may belong to the op it is made for.
  for (Operation &op : llvm::reverse(block))
    if (isFusible(&op) && headOf.lookup(&op) == &op)
      if (Operation *consumer = findConsumer(&op); consumer && headOf.contains(consumer))
        headOf[&op] = headOf.lookup(consumer);

  llvm::MapVector<Operation *, SmallVector<Operation *>> members;
  for (Operation &op : block.without_terminator())
    if (headOf.contains(&op))
      members[headOf.lookup(&op)].push_back(&op);
  SmallVector<SmallVector<Operation *>> groups;
  for (auto &[head, ops] : members)
    if (ops.size() > 1)
      groups.push_back(std::move(ops));
  return groups;
}

namespace {

struct FuseOperatorsPass : ai::impl::AIFuseOperatorsPassBase<FuseOperatorsPass> {
  using AIFuseOperatorsPassBase::AIFuseOperatorsPassBase;

  void runOnOperation() override {
    for (Block &block : getOperation().getBody()) {
      // Ops with effects keep their order.
      if (llvm::all_of(block, [](Operation &op) { return isMemoryEffectFree(&op); }))
        numMoved += Scheduler(block).run();
      for (auto [number, group] : llvm::enumerate(findGroups(block)))
        mark(group, number);
    }
  }

private:
  void mark(ArrayRef<Operation *> group, int64_t number) {
    auto attr = IntegerAttr::get(IntegerType::get(&getContext(), 64), number);
    for (Operation *op : group)
      op->setAttr("ai.group", attr);
    ++numGroups;
    if (!remarks)
      return;
    InFlightDiagnostic remark = group.front()->emitRemark("fusion group ") << number << ":";
    for (Operation *op : group)
      remark << " " << op->getName();
  }
};

} // namespace
