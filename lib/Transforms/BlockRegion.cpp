// An op of a step becomes one of a block: dimension 0, the batch, has as many samples as a block.

#include "lib/Transforms/BlockRegion.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ai;

RegionWriter::RegionWriter(func::FuncOp f, int64_t size, Worker worker, bool isAddedUp)
    : function(f), b(f.getContext()), size(size), worker(worker), isAddedUp(isAddedUp) {
  auto scalar = RankedTensorType::get({}, b.getI64Type());
  block = std::make_unique<Block>();
  Value first = block->addArgument(scalar, f.getLoc());
  b.setInsertionPointToStart(block.get());
  for (auto [i, argument] : llvm::enumerate(f.getArguments())) {
    if (f.getArgAttr(i, "ai.role") == b.getStringAttr("first"))
      mapping.map(argument, first);
    if (!isBatched(argument.getType()))
      continue;
    Value rows = block->addArgument(blockType(argument.getType(), false), argument.getLoc());
    mapping.map(argument, relayout(rows, blockType(argument.getType(), true)));
  }
}

LogicalResult RegionWriter::add(Operation *op) {
  if (llvm::all_of(op->getResultTypes(), isBatched)) {
    Operation *clone = b.clone(*op, mapping);
    for (Value result : clone->getResults())
      result.setType(blockType(result.getType(), true));
    return success();
  }
  if (auto sum = dyn_cast<ReduceSumOp>(op); sum && (worker == Worker::Grid || isAddedUp)) {
    addSumInTwo(sum);
    return success();
  }
  if (worker != Worker::Core && isa<ReduceSumOp, Conv2DWeightGradientOp>(op)) {
    yieldSum(op, b.clone(*op, mapping)->getResult(0));
    return success();
  }
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](ReduceSumOp sum) {
        yieldPerSample(sum);
        return success();
      })
      .Case([&](Conv2DWeightGradientOp gradient) {
        addWeightGradient(gradient);
        return success();
      })
      .Case([&](MatMulOp product) { return addProduct(product); })
      .Default([](Operation *other) {
        return other->emitOpError("cannot be split into blocks of samples; sums over the batch "
                                  "are ai.reduce_sum, ai.matmul with transpose_lhs, or "
                                  "ai.conv2d_weight_gradient");
      });
}

std::unique_ptr<Block> RegionWriter::finish(ArrayRef<Value> joined) {
  SmallVector<Value> yielded = llvm::map_to_vector(sums, [](Sum &sum) { return sum.partial; });
  for (Value value : joined)
    yielded.push_back(rowsOf(value));
  YieldOp::create(b, function.getLoc(), yielded);
  return std::move(block);
}

/// A sample alone has its own order in memory.
Attribute RegionWriter::samplesAsLanes() {
  return size > 1 && worker != Worker::Grid ? Attribute(LanesAttr::get(b.getContext(), 0))
                                            : Attribute();
}

RankedTensorType RegionWriter::blockType(Type type, bool lanes) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape[0] = size;
  return RankedTensorType::get(shape, tensor.getElementType(),
                               lanes ? samplesAsLanes() : Attribute());
}

/// sum over n, i.. : over i.. inside, over n behind the map, a sum for each lane in the slots.
void RegionWriter::yieldPerSample(ReduceSumOp op) {
  Location loc = op.getLoc();
  Type type = op.getType();
  bool keepdims = op.getKeepdims();
  sums.push_back({op.getResult(), sumOfSamples(op), [=](OpBuilder &b, Value sum) -> Value {
                    return ReduceSumOp::create(b, loc, type, sum, ArrayRef<int64_t>{0}, keepdims);
                  }});
}

/// The same, but over n inside, too. A thread of a GPU sums the pixels of one sample, not those
/// of all.
void RegionWriter::addSumInTwo(ReduceSumOp op) {
  Value partial = sumOfSamples(op);
  yieldSum(op, ReduceSumOp::create(b, op.getLoc(), op.getType(), partial, ArrayRef<int64_t>{0},
                                   op.getKeepdims()));
}

/// A sum over all its dimensions but n.
Value RegionWriter::sumOfSamples(ReduceSumOp op) {
  SmallVector<int64_t> dims;
  for (int64_t dim : op.getDims())
    if (dim != 0)
      dims.push_back(dim);
  Value partial = mapping.lookup(op.getInput());
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (op.getKeepdims())
    shape[0] = size;
  else
    shape.insert(shape.begin(), size);
  auto partialType = RankedTensorType::get(shape, type.getElementType(), samplesAsLanes());
  if (!dims.empty())
    partial = ReduceSumOp::create(b, op.getLoc(), partialType, partial, dims, op.getKeepdims());
  return partial;
}

void RegionWriter::addWeightGradient(Conv2DWeightGradientOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin(), size);
  auto clone = cast<Conv2DWeightGradientOp>(b.clone(*op, mapping));
  clone.setPerSample(true);
  clone.getResult().setType(RankedTensorType::get(shape, type.getElementType(), samplesAsLanes()));
  // Added up at once: one sum per lane in every slot would be more than the cache holds.
  Value sum = ReduceSumOp::create(b, op.getLoc(), type, clone.getResult(), ArrayRef<int64_t>{0},
                                  /*keepdims=*/false);
  yieldSum(op, sum);
}

/// Yields what only the blocks are left to be added up of.
void RegionWriter::yieldSum(Operation *op, Value sum) {
  sums.push_back({op->getResult(0), sum, [](OpBuilder &, Value sum) { return sum; }});
}

Value RegionWriter::relayout(Value value, RankedTensorType type) {
  return value.getType() == type ? value : RelayoutOp::create(b, value.getLoc(), type, value);
}

/// A batched value of the map, row major.
Value RegionWriter::rowsOf(Value value) {
  Value &rows = rowMajor[value];
  if (!rows)
    rows = relayout(mapping.lookup(value), blockType(value.getType(), false));
  return rows;
}

/// d_w[o,k] = sum_n ct[n,o] x[n,k]: the lanes are the input features, so x comes row major.
LogicalResult RegionWriter::addProduct(MatMulOp op) {
  if (!op.getTransposeLhs() || op.getTransposeRhs())
    return op.emitOpError("multiplies along the batch; only a product with transpose_lhs can be "
                          "split into blocks of samples");
  Value rhs = rowsOf(op.getRhs());
  auto clone = cast<MatMulOp>(b.clone(*op, mapping));
  clone.getRhsMutable().assign(rhs);
  yieldSum(op, clone.getResult());
  return success();
}
