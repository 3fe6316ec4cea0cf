// A training step is a sum over samples, so it is one map over blocks of a few samples and a
// combine. A value that carries the batch is recognised by its type: dimension 0 is `?`. Every op
// that reads or makes one moves into the region of an ai.for_blocks, where the batch is `size`
// samples and is innermost in memory (#ai.lanes<0>): a vector register holds the same element of
// `size` samples. An op that adds over the batch keeps its samples apart inside the block where
// that costs nothing (one partial sum per lane), and is finished behind the map. The gradient of a
// weight that is much larger than the activations it is made of stays behind the map as a whole:
// the map joins its operands, a panel of samples at a time.

#include "ai/Transforms/Passes.h"
#include "lib/Transforms/BlockRegion.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIBLOCKBATCHPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace ai;

/// Sums must be this many times the elements of the rows that they are made of.
static constexpr int64_t kPanelGain = 2;
/// Of a block in shared memory: a thread keeps a sum for each in registers.
static constexpr int64_t kMaxSamples = 8;
/// Shared memory that is left to parameters, as much as ai-stage-parameters takes.
static constexpr int64_t kParameterBytes = 16 << 10;
/// Buffers take more than the values: there are copies with borders, and gaps. A share of one in:
static constexpr int64_t kGaps = 8;
/// That thread blocks work on at once; more would only be memory for their sums.
static constexpr int64_t kSamplesAtOnce = 64;

namespace {
/// Moves the batched part of one function into an ai.for_blocks.
class Blocker {
public:
  Blocker(func::FuncOp f, int64_t size, int64_t slots, Worker worker)
      : function(f), b(f.getContext()), size(size), slots(slots), worker(worker) {}

  LogicalResult run() {
    Block &body = function.getBody().front();
    for (Operation &op : body.without_terminator()) {
      auto product = dyn_cast<MatMulOp>(op);
      if (product && takesPanels(product))
        panels.insert(&op);
      else if (touchesBatch(op))
        inside.insert(&op);
    }
    if (failed(checkOneMap()))
      return failure();
    // What single samples of a rest add to the slots is what blocks add.
    auto mostRest = function->getAttrOfType<IntegerAttr>("ai.most_rest");
    if (mostRest && mostRest.getInt() >= size)
      mostRest = {};
    RegionWriter blocks(function, size, worker, /*isAddedUp=*/mostRest != nullptr);
    std::optional<RegionWriter> rest;
    if (mostRest)
      rest.emplace(function, /*size=*/1, worker, /*isAddedUp=*/true);
    for (Operation *op : inside)
      if (failed(blocks.add(op)) || (rest && failed(rest->add(op))))
        return failure();
    finish(blocks, rest ? &*rest : nullptr, mostRest);
    return success();
  }

private:
  static bool touchesBatch(Operation &op) {
    return llvm::any_of(op.getOperandTypes(), isBatched) ||
           llvm::any_of(op.getResultTypes(), isBatched);
  }

  /// Whether the sums of a product over the batch outweigh a block's rows of its operands. A slot
  /// of them would be written by every block and read by the combine; rows are written once.
  bool takesPanels(MatMulOp op) {
    if (worker == Worker::Grid) // whose block is as large as a panel
      return false;
    if (!op.getTransposeLhs() || op.getTransposeRhs() || !isBatched(op.getLhs().getType()))
      return false;
    auto rows = [&](Value v) { return size * cast<RankedTensorType>(v.getType()).getDimSize(1); };
    auto type = cast<RankedTensorType>(op.getType());
    int64_t numSums = type.getDimSize(0) * type.getDimSize(1);
    int64_t numRows = rows(op.getLhs()) + rows(op.getRhs());
    if (numSums < kPanelGain * numRows)
      return false;
    op.emitRemark() << "summed over panels of " << size * slots << " samples: " << numSums
                    << " sums outweigh the " << numRows << " elements of a block's rows";
    return true;
  }

  /// An op behind the map may not feed it: that would take a second map.
  LogicalResult checkOneMap() {
    DenseSet<Value> behind;
    for (Operation &op : function.getBody().front().without_terminator()) {
      bool isInside = inside.contains(&op) || panels.contains(&op);
      for (Value operand : op.getOperands()) {
        if (!behind.contains(operand))
          continue;
        if (isInside)
          return op.emitOpError(
              "needs a sum over the whole batch before it, which takes a second "
              "pass over the batch; only sums of gradients and losses are supported");
        behind.insert(op.result_begin(), op.result_end());
      }
      if (isInside)
        for (Value result : op.getResults())
          if (!isBatched(result.getType()))
            behind.insert(result);
    }
    return success();
  }

  void finish(RegionWriter &blocks, RegionWriter *rest, IntegerAttr mostRest) {
    auto returnOp = cast<func::ReturnOp>(function.getBody().front().getTerminator());
    llvm::SetVector<Value> joined;
    auto join = [&](ValueRange values) {
      for (Value value : values)
        if (isBatched(value.getType()))
          joined.insert(value);
    };
    join(returnOp.getOperands());
    for (Operation *panel : panels)
      join(panel->getOperands());
    ArrayRef<Sum> sums = blocks.getSums();
    SmallVector<Type> types;
    for (const Sum &sum : sums)
      types.push_back(sum.partial.getType());
    for (Value result : joined)
      types.push_back(result.getType());
    SmallVector<Value> batched(llvm::make_filter_range(
        function.getArguments(), [](Value argument) { return isBatched(argument.getType()); }));

    // The map stands where the last op of it stood: all that it captures is made by then.
    b.setInsertionPoint(!inside.empty()   ? inside.back()
                        : !panels.empty() ? panels.front()
                                          : returnOp.getOperation());
    sinkBehindMap(sums);
    auto map = ForBlocksOp::create(b, function.getLoc(), types, batched, size, slots, mostRest);
    map.getBody().push_back(blocks.finish(joined.getArrayRef()).release());
    if (rest)
      map.getRest().push_back(rest->finish(joined.getArrayRef()).release());
    b.setInsertionPointAfter(map);
    for (auto [sum, result] : llvm::zip(sums, map.getResults()))
      Value(sum.original).replaceAllUsesWith(sum.finish(b, result));
    for (auto [value, result] : llvm::zip(joined, map.getResults().drop_front(sums.size())))
      Value(value).replaceUsesWithIf(result, [&](OpOperand &use) { return use.getOwner() != map; });
    for (Operation *op : llvm::reverse(inside))
      op->erase();
  }

  /// Ops that use sums or panels and stand before the last op of the map move behind it, in their
  /// order.
  void sinkBehindMap(ArrayRef<Sum> sums) {
    if (inside.empty())
      return;
    DenseSet<Value> behind;
    for (const Sum &sum : sums)
      behind.insert(sum.original);
    Operation *last = inside.back();
    for (Operation &op :
         llvm::make_early_inc_range(function.getBody().front().without_terminator())) {
      bool usesSum = llvm::any_of(op.getOperands(), [&](Value v) { return behind.contains(v); });
      if (inside.contains(&op) || (!usesSum && !panels.contains(&op)))
        continue;
      behind.insert(op.result_begin(), op.result_end());
      if (op.isBeforeInBlock(inside.back())) {
        op.moveAfter(last);
        last = &op;
      }
    }
  }

  func::FuncOp function;
  OpBuilder b;
  int64_t size, slots;
  Worker worker;
  llvm::SetVector<Operation *> inside, panels;
};

struct BlockBatchPass : ai::impl::AIBlockBatchPassBase<BlockBatchPass> {
  using AIBlockBatchPassBase::AIBlockBatchPassBase;

  void runOnOperation() final {
    if (failed(recordRecipe()))
      return signalPassFailure();
    SmallVector<func::FuncOp> functions;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (!f.isDeclaration() && llvm::any_of(f.getArgumentTypes(), isBatched))
        functions.push_back(f);
    Worker worker = roundSamples != 0  ? Worker::Grid
                    : sharedBytes != 0 ? Worker::ThreadBlock
                                       : Worker::Core;
    if (worker == Worker::Grid) {
      size = std::clamp<int64_t>(batchOfRecipe(), 1, roundSamples);
      slots = 1;
    } else if (worker == Worker::ThreadBlock && !functions.empty()) {
      chooseForSharedMemory(functions);
    }
    for (func::FuncOp f : functions)
      if (failed(Blocker(f, blockSize(f), numSlots(f), worker).run()))
        return signalPassFailure();
  }

  /// The recipe becomes an attribute of the module: from here on there is no model, only its steps.
  LogicalResult recordRecipe() {
    SmallVector<TrainOp> recipes(getOperation().getOps<TrainOp>());
    if (recipes.empty())
      return success();
    if (recipes.size() > 1)
      return recipes[1].emitOpError("expects to be the only recipe of its module; put each model "
                                    "into a file of its own");
    TrainOp train = recipes.front();
    Builder b(&getContext());
    auto predict = getOperation().lookupSymbol<func::FuncOp>((train.getModel() + "_predict").str());
    if (!predict)
      return train.emitOpError("expects the functions of its steps; run ai-lift-parameters and "
                               "ai-differentiate first");
    auto outputs = cast<RankedTensorType>(predict.getResultTypes().front());
    auto integer = [&](int64_t value) { return b.getI64IntegerAttr(value); };
    getOperation()->setAttr(
        "ai.recipe",
        b.getDictionaryAttr({b.getNamedAttr("name", train.getModelAttr().getAttr()),
                             b.getNamedAttr("loss", integer(int64_t(train.getLoss()))),
                             b.getNamedAttr("num_classes", integer(outputs.getShape().back())),
                             b.getNamedAttr("batch", integer(train.getBatch())),
                             b.getNamedAttr("epochs", integer(train.getEpochs())),
                             b.getNamedAttr("seed", integer(train.getSeed())),
                             b.getNamedAttr("mean", train.getMeanAttr()),
                             b.getNamedAttr("std", train.getStdAttr())}));
    auto model = getOperation().lookupSymbol<func::FuncOp>(train.getModelAttr());
    train.erase();
    if (model)
      model.erase();
    return success();
  }

  int64_t batchOfRecipe() {
    auto recipe = getOperation()->getAttrOfType<DictionaryAttr>("ai.recipe");
    auto batch = recipe ? recipe.getAs<IntegerAttr>("batch") : IntegerAttr();
    return batch ? batch.getInt() : kSamplesAtOnce;
  }

  /// All functions of a program have blocks of one size: as many samples as shared memory holds at
  /// the widest place of any function, shared out evenly among the blocks of a batch.
  void chooseForSharedMemory(ArrayRef<func::FuncOp> functions) {
    int64_t bytes = 1;
    func::FuncOp widest = functions.front();
    for (func::FuncOp f : functions)
      if (int64_t own = bytesPerSample(f); own > bytes) {
        bytes = own;
        widest = f;
      }
    int64_t batch = std::max<int64_t>(1, batchOfRecipe());
    bytes += bytes / kGaps;
    int64_t fitting = std::clamp<int64_t>((sharedBytes - kParameterBytes) / bytes, 1, kMaxSamples);
    int64_t blocks = llvm::divideCeil(batch, fitting);
    int64_t chosen = llvm::divideCeil(batch, blocks);
    size = chosen;
    maxSlots = int64_t(llvm::divideCeil(kSamplesAtOnce, chosen));
    widest.emitRemark() << "thread blocks of " << chosen << (chosen == 1 ? " sample" : " samples")
                        << ", whose values take about " << bytes
                        << " bytes each where they take most; shared memory has "
                        << int64_t(sharedBytes);
  }

  /// The bytes of a sample's values that are alive at once, at most. Rows for a sum behind the map
  /// leave the block as they are made.
  static int64_t bytesPerSample(func::FuncOp f) {
    auto bytesOf = [](Value value) {
      auto type = cast<RankedTensorType>(value.getType());
      int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      for (int64_t extent : type.getShape().drop_front())
        bytes *= extent;
      return bytes;
    };
    DenseMap<Value, Operation *> lastUse;
    for (Operation &op : f.getBody().front().without_terminator())
      if (auto product = dyn_cast<MatMulOp>(op); !product || !product.getTransposeLhs())
        for (Value operand : op.getOperands())
          lastUse[operand] = &op;
    int64_t alive = 0, most = 0;
    for (BlockArgument argument : f.getArguments())
      alive += isBatched(argument.getType()) && lastUse.contains(argument) ? bytesOf(argument) : 0;
    for (Operation &op : f.getBody().front().without_terminator()) {
      for (Value result : op.getResults())
        alive += isBatched(result.getType()) ? bytesOf(result) : 0;
      most = std::max(most, alive);
      for (Value value : llvm::SmallSetVector<Value, 4>(llvm::from_range, op.getOperands()))
        alive -= isBatched(value.getType()) && lastUse.lookup(value) == &op ? bytesOf(value) : 0;
      for (Value result : op.getResults())
        alive -= isBatched(result.getType()) && !lastUse.contains(result) ? bytesOf(result) : 0;
    }
    return most;
  }

  /// As many samples as a vector register holds of the widest element, or each alone.
  int64_t blockSize(func::FuncOp f) {
    if (f->hasAttr("ai.most_samples"))
      return 1;
    if (size != 0)
      return size;
    unsigned bits = 32;
    f.walk([&](Operation *op) {
      for (Type type : op->getResultTypes())
        if (isBatched(type))
          if (auto element = dyn_cast<FloatType>(getElementTypeOrSelf(type)))
            bits = std::max(bits, element.getWidth());
    });
    return vectorBits / bits;
  }

  /// More slots than blocks in a step would only be memory.
  int64_t numSlots(func::FuncOp f) {
    if (auto most = f->getAttrOfType<IntegerAttr>("ai.most_samples"))
      return most.getInt();
    if (slots != 0)
      return slots;
    bool hasRecipe = getOperation()->hasAttr("ai.recipe");
    int64_t blocks = hasRecipe ? llvm::divideCeil(batchOfRecipe(), blockSize(f)) : maxSlots;
    return std::min<int64_t>(maxSlots, std::max<int64_t>(1, blocks));
  }
};
} // namespace
