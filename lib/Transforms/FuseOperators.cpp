// ai-fuse-operators: an order of ops in which few values wait, and groups that become one loop nest.
//
// The order is found by list scheduling. Among the ops whose operands are there, the one that reads
// the newest value comes first; of several, the one from which the shortest way leads to the end:
// so the gradients of weights precede the cotangent that goes on to the next layer. Ops that no
// batch goes into are not in this race: what the rest reads is placed on demand, what reads sums
// over the batch (updates) afterwards.

#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"

namespace ai {
#define GEN_PASS_DEF_AIFUSEOPERATORSPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// Whether the batch is a dimension of some operand or result.
static bool touchesBatch(Operation *op) {
  auto isBatched = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && !tensor.hasStaticShape();
  };
  return llvm::any_of(op->getOperandTypes(), isBatched) ||
         llvm::any_of(op->getResultTypes(), isBatched);
}

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
    if (isConstant || (hasBatch && !touchesBatch(op)))
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

static bool isContraction(Operation *op) {
  return isa<Conv2DOp, Conv2DInputGradientOp, Conv2DWeightGradientOp, LinearOp, MatMulOp>(op);
}

/// Whether the op computes each element of its result from one element, or one window, of each
/// operand.
static bool isFusible(Operation *op) {
  return isa<AddOp, SubOp, MulOp, DivOp, MaxOp, MinOp, PowerOp, NegOp, ExpOp, LogOp, SqrtOp, SinOp,
             CosOp, TanhOp, SigmoidOp, ReLUOp, CompareOp, SelectOp, CastOp, MaskSamplesOp,
             DropoutMaskOp, BroadcastOp, BroadcastLikeOp, MaxPool2DOp, MaxPool2DWithIndexOp,
             MaxPool2DScatterOp, MaxPool2DGatherOp, AvgPool2DOp, AvgPool2DGradientOp>(op);
}

/// Scalars are no loop nest.
static bool isScalar(Operation *op) {
  return llvm::all_of(op->getResultTypes(), [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 0;
  });
}

/// The producer whose group `op` joins: the last one in the block of which it is the only reader.
static Operation *findFusedProducer(Operation *op) {
  Operation *last = nullptr;
  for (Value operand : op->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    if (!producer || !operand.hasOneUse() || isScalar(producer) ||
        !(isContraction(producer) || isFusible(producer)))
      continue;
    if (!last || last->isBeforeInBlock(producer))
      last = producer;
  }
  return last;
}

/// The ops of each group in order, groups in order of their first op.
static SmallVector<SmallVector<Operation *>> findGroups(Block &block) {
  SmallVector<SmallVector<Operation *>> groups;
  DenseMap<Operation *, size_t> groupOf;
  for (Operation &op : block.without_terminator()) {
    if (isScalar(&op) || !(isContraction(&op) || isFusible(&op)))
      continue;
    Operation *producer = isFusible(&op) ? findFusedProducer(&op) : nullptr;
    size_t group = producer ? groupOf.lookup(producer) : groups.size();
    if (!producer)
      groups.emplace_back();
    groups[group].push_back(&op);
    groupOf[&op] = group;
  }
  llvm::erase_if(groups, [](auto &group) { return group.size() < 2; });
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
