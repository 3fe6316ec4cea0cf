// linalg on memrefs -> affine loops that the threads of a GPU share. An op becomes a loop over the
// elements of its result, one thread for each; what has to be summed up is a loop inside a thread.
// Ops that follow one another and touch each other's results element by element become one loop:
// the element stays in a register, and a buffer that nobody else reads is gone. Scalars (rates,
// 1 / count) are computed by every thread. A long sum of which there are few is shared by a warp.
//
// A block is run by one thread block, whose threads take turns; all other functions by a whole grid
// with a thread for each element.

#include "WarpSums.h"
#include "ai/Codegen/Passes.h"
#include "lib/Codegen/LinalgNest.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IntegerSet.h"

namespace ai {
#define GEN_PASS_DEF_AIMAPTOTHREADSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// Threads of a grid are counted in 32 bits.
static constexpr int64_t kMaxElements = std::numeric_limits<int32_t>::max();

namespace {
/// Writes the loop of a group.
class GroupWriter {
public:
  /// `threads` is 0 where there is a thread for each element; with a `warpSum` it is a warp.
  GroupWriter(ThreadGroup &group, Value thread, int64_t threads, std::optional<WarpSum> warpSum)
      : group(group), thread(thread), threads(threads), warpSum(warpSum) {}

  void write() {
    for (ThreadMapping &mapping : group.ops) {
      // An op that joined the group late moves up to it; its operands stand there already.
      if (&mapping != &group.ops.front())
        mapping.op->moveAfter(last);
      nests.emplace_back(mapping.op);
      last = mapping.op;
    }
    OpBuilder b(last);
    b.setInsertionPointAfter(last);
    if (group.isPrivate)
      writeElement(b, Value());
    else
      writeLoop(b);
    for (ThreadMapping &mapping : group.ops)
      mapping.op.erase();
  }

private:
  void writeLoop(OpBuilder &b) {
    Location loc = last->getLoc();
    int64_t size = group.size() * (warpSum ? kWarp : 1);
    OpBuilder::InsertionGuard guard(b);
    AffineExpr d0 = b.getAffineDimExpr(0), s0 = b.getAffineSymbolExpr(0);
    if (threads == 0 || size <= threads) {
      affine::AffineIfOp guard =
          guardElements(b, loc, IntegerSet::get(0, 1, {size - 1 - s0}, {false}), thread);
      guard->setAttr("ai.elements", b.getI64IntegerAttr(size));
      writeElement(b, thread);
      return;
    }
    auto loop = affine::AffineForOp::create(b, loc, 0, size, threads);
    loop->setAttr("ai.elements", b.getI64IntegerAttr(size));
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> operands{loop.getInductionVar(), thread};
    if (size % threads != 0)
      guardElements(b, loc, IntegerSet::get(1, 1, {size - 1 - d0 - s0}, {false}), operands);
    writeElement(b, affine::AffineApplyOp::create(b, loc, AffineMap::get(1, 1, d0 + s0), operands));
  }

  affine::AffineIfOp guardElements(OpBuilder &b, Location loc, IntegerSet set,
                                   ValueRange operands) {
    auto guard = affine::AffineIfOp::create(b, loc, set, operands, /*withElseRegion=*/false);
    b.setInsertionPointToStart(guard.getThenBlock());
    return guard;
  }

  /// All ops at the point of the space with number `element`.
  void writeElement(OpBuilder &b, Value element) {
    SmallVector<Value> point;
    if (warpSum) {
      AffineExpr number = b.getAffineDimExpr(0);
      auto apply = [&](AffineExpr expr) -> Value {
        return affine::AffineApplyOp::create(b, last->getLoc(), AffineMap::get(1, 0, expr),
                                             element);
      };
      lane = apply(number % kWarp);
      element = apply(number.floorDiv(kWarp));
    }
    int64_t stride = group.size();
    for (const Coordinate &c : group.space()) {
      stride /= c.size;
      AffineExpr expr = b.getAffineDimExpr(0).floorDiv(stride) % c.size;
      if (&c == &group.space().front())
        expr = b.getAffineDimExpr(0).floorDiv(stride);
      point.push_back(
          affine::AffineApplyOp::create(b, last->getLoc(), AffineMap::get(1, 0, expr), element));
    }
    if (warpSum) {
      auto branch = inFirstLane(b, b.getF32Type());
      b.setInsertionPointToStart(branch.getThenBlock());
    }
    for (auto [mapping, coordinates, nest] : llvm::zip(group.ops, group.coordinates, nests)) {
      nest.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
      SmallVector<Value> own;
      for (int64_t c : coordinates)
        own.push_back(point[c]);
      writeOp(mapping, nest, own);
      b.setInsertionPoint(nest.b.getInsertionBlock(), nest.b.getInsertionPoint());
    }
  }

  /// One element of each result: its sums go through registers.
  void writeOp(ThreadMapping &mapping, LinalgNest &nest, ArrayRef<Value> point) {
    linalg::LinalgOp op = mapping.op;
    for (auto [coordinate, value] : llvm::zip(mapping.coordinates, point))
      if (!coordinate.isGathered)
        nest.indices[coordinate.dim] = value;
    SmallVector<OpOperand *> inits;
    for (OpOperand &init : op.getDpsInitsMutable())
      inits.push_back(&init);
    auto isCarried = [&](OpOperand *init) {
      return !mapping.sequential.empty() && !mapping.isSequential(*init);
    };
    LinalgNest::Carried carried;
    bool isWarpSum = warpSum && &mapping == &group.ops[warpSum->op];
    if (isWarpSum)
      carried.push_back(startWarpSum(mapping, nest, *inits.front(), point));
    else
      for (OpOperand *init : inits)
        if (isCarried(init))
          carried.push_back(readInit(mapping, nest, *init, point));
    auto step = [&](LinalgNest::Carried values) {
      auto choose = [&](auto body) {
        return isWarpSum ? takeTurn(nest, values, body)
                         : gather(mapping, nest, point, values, body);
      };
      return choose([&](LinalgNest::Carried values) {
        auto reader = [&](OpOperand &operand) -> Value {
          for (auto [i, init] : llvm::enumerate(llvm::make_filter_range(inits, isCarried)))
            if (init == &operand)
              return values[i];
          return readOperand(mapping, nest, operand);
        };
        IRMapping body = nest.makeBody({}, reader);
        LinalgNest::Carried next;
        Operation *yield = op.getBlock()->getTerminator();
        for (auto [init, value] : llvm::zip(inits, yield->getOperands())) {
          Value result = body.lookupOrDefault(value);
          if (isCarried(init))
            next.push_back(result);
          else
            writeInit(mapping, nest, *init, result);
        }
        return next;
      });
    };
    LinalgNest::Carried results = nest.makeLoops(mapping.sequential, carried, step);
    if (isWarpSum)
      results = {finishWarpSum(nest, results.front())};
    unsigned next = 0;
    for (OpOperand *init : inits)
      if (isCarried(init))
        storeInit(mapping, nest, *init, point, results[next++]);
  }

  /// What stands before the sum is done by the first thread of the warp, which goes on from what is
  /// there, the others from zero. Values from before are read again.
  Value startWarpSum(ThreadMapping &mapping, LinalgNest &nest, OpOperand &init,
                     ArrayRef<Value> point) {
    OpBuilder &b = nest.b;
    nest.ranges[warpSum->dim].step = kWarp;
    Value start = readInit(mapping, nest, init, point);
    affine::AffineYieldOp::create(b, nest.loc, start);
    auto branch = cast<affine::AffineIfOp>(b.getInsertionBlock()->getParentOp());
    b.setInsertionPointToStart(branch.getElseBlock());
    Value zero = arith::ConstantOp::create(b, nest.loc, b.getF32FloatAttr(0));
    affine::AffineYieldOp::create(b, nest.loc, zero);
    b.setInsertionPointAfter(branch);
    registers.clear();
    return branch.getResult(0);
  }

  /// The body for this thread's one of 32 iterations.
  LinalgNest::Carried takeTurn(LinalgNest &nest, LinalgNest::Carried values,
                               function_ref<LinalgNest::Carried(LinalgNest::Carried)> body) {
    OpBuilder &b = nest.b;
    Value outside = nest.indices[warpSum->dim];
    int64_t size = nest.sizes[warpSum->dim];
    AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
    SmallVector<Value> operands{outside, lane};
    affine::AffineIfOp branch;
    OpBuilder::InsertionGuard guard(b);
    if (size % kWarp != 0) {
      branch = affine::AffineIfOp::create(b, nest.loc, ValueRange(values).getTypes(),
                                          IntegerSet::get(2, 0, {size - 1 - d0 - d1}, {false}),
                                          operands, /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.getThenBlock());
    }
    nest.indices[warpSum->dim] =
        affine::AffineApplyOp::create(b, nest.loc, AffineMap::get(2, 0, d0 + d1), operands);
    LinalgNest::Carried results = body(values);
    nest.indices[warpSum->dim] = outside;
    if (!branch)
      return results;
    affine::AffineYieldOp::create(b, nest.loc, results);
    b.setInsertionPointToStart(branch.getElseBlock());
    affine::AffineYieldOp::create(b, nest.loc, values);
    return LinalgNest::Carried(branch.getResults());
  }

  /// Adds up the sums of a warp, in a tree, so that each thread has the whole; what follows is done
  /// by the first one.
  Value finishWarpSum(LinalgNest &nest, Value sum) {
    OpBuilder &b = nest.b;
    Value width = arith::ConstantIntOp::create(b, nest.loc, kWarp, 32);
    for (int64_t distance = kWarp / 2; distance > 0; distance /= 2) {
      Value other = arith::ConstantIntOp::create(b, nest.loc, distance, 32);
      Value received = gpu::ShuffleOp::create(b, nest.loc, sum, other, width, gpu::ShuffleMode::XOR)
                           .getShuffleResult();
      sum = arith::AddFOp::create(b, nest.loc, sum, received);
    }
    auto branch = inFirstLane(b, {});
    b.setInsertionPointToStart(branch.getThenBlock());
    return sum;
  }

  /// What the first thread of a warp does. The marks tell barriers so.
  affine::AffineIfOp inFirstLane(OpBuilder &b, TypeRange results) {
    IntegerSet isFirst = IntegerSet::get(1, 0, {b.getAffineDimExpr(0)}, {true});
    auto branch = affine::AffineIfOp::create(b, last->getLoc(), results, isFirst, lane,
                                             /*withElseRegion=*/!results.empty());
    branch->setAttr("ai.first_lane", b.getUnitAttr());
    return branch;
  }

  /// Where a loop follows from an index: the body, for those iterations that reach the element.
  LinalgNest::Carried gather(ThreadMapping &mapping, LinalgNest &nest, ArrayRef<Value> point,
                             LinalgNest::Carried values,
                             function_ref<LinalgNest::Carried(LinalgNest::Carried)> body) {
    OpBuilder &b = nest.b;
    SmallVector<Value> operands(nest.indices);
    SmallVector<AffineExpr> conditions, loops;
    SmallVector<bool> isEquality;
    for (auto [coordinate, value] : llvm::zip(mapping.coordinates, point)) {
      if (!coordinate.isGathered)
        continue;
      AffineExpr reached = b.getAffineDimExpr(operands.size()) - coordinate.rest;
      operands.push_back(value);
      int64_t last = coordinate.factor * (mapping.sizes[coordinate.dim] - 1);
      conditions.append({reached, last - reached});
      isEquality.append({false, false});
      if (coordinate.factor != 1) {
        conditions.push_back(reached % coordinate.factor);
        isEquality.push_back(true);
      }
      loops.push_back(reached.floorDiv(coordinate.factor));
    }
    if (conditions.empty())
      return body(values);
    unsigned count = operands.size();
    auto set = IntegerSet::get(count, 0, conditions, isEquality);
    auto branch = affine::AffineIfOp::create(b, nest.loc, ValueRange(values).getTypes(), set,
                                             operands, /*withElseRegion=*/!values.empty());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.getThenBlock());
    unsigned next = 0;
    for (const Coordinate &coordinate : mapping.coordinates)
      if (coordinate.isGathered)
        nest.indices[coordinate.dim] = affine::AffineApplyOp::create(
            b, nest.loc, AffineMap::get(count, 0, loops[next++]), operands);
    SmallVector<Value> outside(operands);
    outside.truncate(nest.indices.size());
    LinalgNest::Carried results = body(values);
    nest.indices = outside;
    if (values.empty())
      return results;
    affine::AffineYieldOp::create(b, nest.loc, results);
    b.setInsertionPointToStart(branch.getElseBlock());
    affine::AffineYieldOp::create(b, nest.loc, values);
    return LinalgNest::Carried(branch.getResults());
  }

  Value readOperand(ThreadMapping &mapping, LinalgNest &nest, OpOperand &operand) {
    if (Value known = registers.lookup(operand.get()); known && mapping.pointOf(operand))
      return known;
    return nest.read(operand, {});
  }

  Value readInit(ThreadMapping &mapping, LinalgNest &nest, OpOperand &init, ArrayRef<Value> point) {
    if (Value known = registers.lookup(init.get()))
      return known;
    auto [map, operands] = placeOf(mapping, nest, init, point);
    return affine::AffineLoadOp::create(nest.b, nest.loc, init.get(), map, operands);
  }

  /// The element of a carried result, indexed by coordinates alone.
  void storeInit(ThreadMapping &mapping, LinalgNest &nest, OpOperand &init, ArrayRef<Value> point,
                 Value value) {
    auto [map, operands] = placeOf(mapping, nest, init, point);
    affine::AffineStoreOp::create(nest.b, nest.loc, value, init.get(), map, operands);
    keep(mapping, init, value);
  }

  /// What was just written to the point: an earlier write to it was in vain.
  void keep(ThreadMapping &mapping, OpOperand &init, Value value) {
    if (!mapping.pointOf(init))
      return;
    if (Operation *before = stores.lookup(init.get()))
      before->erase();
    stores[init.get()] = &*std::prev(nests[&mapping - group.ops.begin()].b.getInsertionPoint());
    registers[init.get()] = value;
  }

  void writeInit(ThreadMapping &mapping, LinalgNest &nest, OpOperand &init, Value value) {
    nest.write(init, value, {});
    registers.erase(init.get());
    if (mapping.sequential.empty())
      keep(mapping, init, value);
  }

  static std::pair<AffineMap, SmallVector<Value>> placeOf(ThreadMapping &mapping, LinalgNest &nest,
                                                          OpOperand &init, ArrayRef<Value> point) {
    AffineMap map = nest.mapOf(init);
    SmallVector<Value> operands(nest.indices);
    bool isGathered =
        llvm::any_of(mapping.coordinates, [](const Coordinate &c) { return c.isGathered; });
    if (!isGathered)
      return {map, operands};
    SmallVector<AffineExpr> results(map.getResults());
    for (auto [coordinate, value] : llvm::zip(mapping.coordinates, point)) {
      if (!coordinate.isGathered)
        continue;
      for (AffineExpr &expr : results)
        if (expr.isFunctionOfDim(coordinate.dim))
          expr = getAffineDimExpr(operands.size(), map.getContext());
      operands.push_back(value);
    }
    return {AffineMap::get(operands.size(), 0, results, map.getContext()), operands};
  }

  ThreadGroup &group;
  Value thread;
  int64_t threads;
  std::optional<WarpSum> warpSum;
  Value lane; // of a warp that sums together
  Operation *last = nullptr;
  std::vector<LinalgNest> nests;
  DenseMap<Value, Value> registers;    // what a buffer has at the present point
  DenseMap<Value, Operation *> stores; // that wrote it
};

struct MapToThreads final : ai::impl::AIMapToThreadsPassBase<MapToThreads> {
  using AIMapToThreadsPassBase::AIMapToThreadsPassBase;

  void runOnOperation() final {
    func::FuncOp f = getOperation();
    if (f.isDeclaration())
      return;
    SmallVector<linalg::LinalgOp> ops;
    if (failed(collect(f, ops)))
      return signalPassFailure();
    auto kind = f->getAttrOfType<StringAttr>("ai.kind");
    bool isGrid = kind && kind.getValue() != "block";
    OpBuilder b = OpBuilder::atBlockBegin(&f.getBody().front());
    Value thread = numberThreads(b, f.getLoc(), isGrid);
    ThreadGrouper grouper;
    for (linalg::LinalgOp op : ops)
      grouper.add(op);
    numNests += grouper.groups.size();
    for (const ThreadGroup &group : grouper.groups)
      if (group.size() > kMaxElements) {
        linalg::LinalgOp(group.ops.front().op).emitOpError("expects at most ")
            << kMaxElements << " elements to be mapped to threads, got " << group.size();
        return signalPassFailure();
      }
    movePrivatesFirst(grouper.groups);
    for (ThreadGroup &group : grouper.groups) {
      // A grid has threads enough.
      auto warpSum = isGrid ? std::nullopt : findWarpSum(group, threads);
      numWarpSums += warpSum.has_value();
      GroupWriter(group, thread, isGrid ? 0 : threads, warpSum).write();
    }
    for (Value scalar : grouper.privates)
      keepInThread(scalar.getDefiningOp<memref::AllocOp>());
    removeUnread(f);
    f->setAttr("ai.threads", b.getI64IntegerAttr(threads));
  }

  /// Everything but linalg ops moves in front of them: allocations, views and constants.
  LogicalResult collect(func::FuncOp f, SmallVectorImpl<linalg::LinalgOp> &ops) {
    f.walk([](memref::CopyOp copy) {
      OpBuilder b(copy);
      linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
    Block &body = f.getBody().front();
    Operation *firstOp = nullptr;
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      if (!linalgOp) {
        if (firstOp)
          op.moveBefore(firstOp);
        continue;
      }
      for (Type type : op.getOperandTypes())
        if (auto memref = dyn_cast<MemRefType>(type); memref && !memref.hasStaticShape())
          return op.emitOpError("expects static shapes to be mapped to threads, got ") << memref;
      if (!linalgOp.hasPureBufferSemantics())
        return op.emitOpError("expects memref operands; run one-shot-bufferize first");
      if (!firstOp)
        firstOp = &op;
      ops.push_back(linalgOp);
    }
    llvm::erase_if(ops, [](linalg::LinalgOp op) {
      bool isEmpty = llvm::is_contained(op.getStaticLoopRanges(), 0) || op.getNumDpsInits() == 0;
      if (isEmpty)
        op.erase();
      return isEmpty;
    });
    return success();
  }

  /// Any group may read what every thread computes for itself.
  static void movePrivatesFirst(ArrayRef<ThreadGroup> groups) {
    auto *first = llvm::find_if(groups, [](const ThreadGroup &group) { return !group.isPrivate; });
    if (first == groups.end())
      return;
    Operation *anchor = first->ops.front().op;
    for (const ThreadGroup &group : groups)
      if (group.isPrivate)
        linalg::LinalgOp(group.ops.front().op)->moveBefore(anchor);
  }

  Value numberThreads(OpBuilder &b, Location loc, bool isGrid) {
    Value thread = gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x, b.getIndexAttr(threads));
    if (!isGrid)
      return thread;
    Value block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x,
                                         b.getIndexAttr(kMaxElements / threads + 1));
    Value size = arith::ConstantIndexOp::create(b, loc, threads);
    return arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, block, size), thread);
  }

  static void keepInThread(memref::AllocOp alloc) {
    OpBuilder b(alloc);
    auto own = memref::AllocaOp::create(b, alloc.getLoc(), alloc.getType());
    alloc.replaceAllUsesWith(own.getResult());
    alloc.erase();
  }

  /// Buffers that are only written went through registers.
  void removeUnread(func::FuncOp f) {
    SmallVector<memref::AllocOp> allocs;
    f.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (memref::AllocOp alloc : allocs) {
      bool isRead = llvm::any_of(alloc->getUsers(), [&](Operation *user) {
        auto store = dyn_cast<affine::AffineStoreOp>(user);
        return !store || store.getMemRef() != alloc.getResult();
      });
      if (isRead)
        continue;
      ++numRegisters;
      for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
        user->erase();
      alloc.erase();
    }
  }
};
} // namespace
