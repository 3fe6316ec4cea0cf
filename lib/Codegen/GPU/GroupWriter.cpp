#include "GroupWriter.h"
#include "TensorSum.h"
#include "lib/Codegen/LinalgNest.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IntegerSet.h"

using namespace mlir;
using namespace ai;

namespace {
/// Writes the loop of a group.
class GroupWriter {
public:
  GroupWriter(ThreadGroup &group, Value thread, int64_t threads, std::optional<WarpSum> warpSum)
      : group(group), thread(thread), threads(threads), warpSum(warpSum) {}
  GroupWriter(ThreadGroup &group, Value thread, int64_t threads, const TensorTile &tensorTile)
      : group(group), thread(thread), threads(threads), tensorTile(tensorTile) {}
  GroupWriter(ThreadGroup &group, const Grid &grid, const PanelTile &tile)
      : group(group), grid(grid), tile(tile) {}

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
    else if (tile)
      writeTiles(b);
    else
      writeLoop(b);
    for (ThreadMapping &mapping : group.ops)
      mapping.op.erase();
  }

private:
  /// A buffer at the point of one of the neighbours.
  using Element = std::pair<Value, int64_t>;
  using SharedReads = DenseMap<OpOperand *, Value>;

  void writeLoop(OpBuilder &b) {
    Location loc = last->getLoc();
    int64_t size =
        tensorTile ? tensorTile->numTiles() * kWarp : group.size() * (warpSum ? kWarp : 1);
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

  /// The product of two panels, tile by tile: a thread block copies its part of both into shared
  /// memory, and every thread computes some neighbours of a row from there.
  void writeTiles(OpBuilder &b) {
    Location loc = last->getLoc();
    int64_t threadsOfRow = tile->width / tile->perThread;
    int64_t rows = tile->rows(group), columns = tile->columns(group);
    OpBuilder::InsertionGuard guard(b);
    AffineExpr s0 = b.getAffineSymbolExpr(0), s1 = b.getAffineSymbolExpr(1);
    affine::AffineIfOp mine = guardElements(
        b, loc, IntegerSet::get(0, 1, {rows * columns - 1 - s0}, {false}), grid.block);
    mine->setAttr("ai.elements", b.getI64IntegerAttr(rows * columns * grid.threads));
    SmallVector<Value> operands{grid.block, grid.thread};
    auto apply = [&](AffineExpr expr) -> Value {
      return affine::AffineApplyOp::create(b, loc, AffineMap::get(0, 2, expr), operands);
    };
    AffineExpr row = s1.floorDiv(threadsOfRow), column = s1 % threadsOfRow;
    lhsTile = copyTile(b, *tile->lhs, s0.floorDiv(columns) * tile->height, tile->height,
                       group.space()[0].size);
    rhsTile =
        copyTile(b, *tile->rhs, s0 % columns * tile->width, tile->width, group.space()[1].size);
    gpu::BarrierOp::create(b, loc);
    rowInTile = apply(row);
    for (int64_t at = 0; at < tile->perThread; ++at)
      placesInTile.push_back(apply(column * tile->perThread + at));
    AffineExpr ownRow = s0.floorDiv(columns) * tile->height + row;
    AffineExpr ownColumn = s0 % columns * threadsOfRow + column;
    AffineExpr lastRow = b.getAffineConstantExpr(group.space()[0].size - 1);
    AffineExpr lastColumn = b.getAffineConstantExpr(group.space()[1].size / tile->perThread - 1);
    guardElements(b, loc,
                  IntegerSet::get(0, 2, {lastRow - ownRow, lastColumn - ownColumn}, {false, false}),
                  operands);
    writePoint(b, {apply(ownRow), apply(ownColumn)});
  }

  /// Copies `count` columns of a panel from `first` on, those below `extent`, in all its rows.
  Value copyTile(OpBuilder &b, OpOperand &operand, AffineExpr first, int64_t count,
                 int64_t extent) {
    Location loc = last->getLoc();
    auto shared = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
    auto type = MemRefType::get({tile->length, count}, getElementTypeOrSelf(operand.get()),
                                AffineMap(), shared);
    OpBuilder::InsertionGuard guard(b);
    OpBuilder top = OpBuilder::atBlockBegin(grid.block.getParentBlock());
    Value copy = memref::AllocOp::create(top, loc, type);
    auto loop = affine::AffineForOp::create(b, loc, 0, tile->length * count, grid.threads);
    b.setInsertionPointToStart(loop.getBody());
    AffineExpr element = b.getAffineDimExpr(0) + b.getAffineSymbolExpr(1);
    AffineExpr row = element.floorDiv(count), column = element % count;
    SmallVector<Value> operands{loop.getInductionVar(), grid.block, grid.thread};
    guardElements(b, loc,
                  IntegerSet::get(1, 2,
                                  {tile->length * count - 1 - element, extent - 1 - first - column},
                                  {false, false}),
                  operands);
    auto map = [&](AffineExpr at) { return AffineMap::get(1, 2, {row, at}, b.getContext()); };
    Value value =
        affine::AffineLoadOp::create(b, loc, operand.get(), map(first + column), operands);
    affine::AffineStoreOp::create(b, loc, value, copy, map(column), operands);
    return copy;
  }

  /// All ops at the point of the space with number `element`.
  void writeElement(OpBuilder &b, Value element) {
    if (tensorTile)
      return writeTensorTile(b, element);
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
      bool isFirst = &c == &group.space().front(), isLast = &c == &group.space().back();
      int64_t size = isLast ? c.size / group.width : c.size;
      stride /= size;
      AffineExpr expr = b.getAffineDimExpr(0).floorDiv(stride);
      point.push_back(affine::AffineApplyOp::create(
          b, last->getLoc(), AffineMap::get(1, 0, isFirst ? expr : expr % size), element));
    }
    writePoint(b, point);
  }

  /// All ops at a point, the last coordinate of which counts in steps of the group's width.
  void writePoint(OpBuilder &b, ArrayRef<Value> point) {
    if (!point.empty())
      spreadLast(b, point.back());
    if (warpSum) {
      auto branch = inFirstLane(b, SmallVector<Type>(group.width, b.getF32Type()));
      b.setInsertionPointToStart(branch.getThenBlock());
    }
    writeOps(b, point, 0, group.ops.size());
  }

  /// The ops from `begin` to `end` at a point.
  void writeOps(OpBuilder &b, ArrayRef<Value> point, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      nests[i].b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
      writeOp(group.ops[i], nests[i], pointOf(i, point));
      b.setInsertionPoint(nests[i].b.getInsertionBlock(), nests[i].b.getInsertionPoint());
    }
  }

  /// The point in the coordinates of op `i`.
  SmallVector<Value> pointOf(size_t i, ArrayRef<Value> point) {
    SmallVector<Value> own;
    for (int64_t c : group.coordinates[i])
      own.push_back(point[c]);
    return own;
  }

  /// A tile of a product: what stands before the sum, for each element of the result that this
  /// thread has, then the sum of all of them, then what follows.
  void writeTensorTile(OpBuilder &b, Value number) {
    size_t index = tensorTile->op;
    ThreadMapping &mapping = group.ops[index];
    LinalgNest &nest = nests[index];
    OpOperand &init = *mapping.op.getDpsInitsMutable().begin();
    nest.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
    SmallVector<Value> outside(nest.indices);
    TensorSum sum(mapping, *tensorTile, nest, number);
    // `write` gets the element's point in the space and in the op's coordinates.
    auto forEachElement = [&](TypeRange results,
                              function_ref<Value(ArrayRef<Value>, ArrayRef<Value>)> write) {
      LinalgNest::Carried values;
      for (first = 0; first < sum.numElements(); ++first) {
        auto writeHere = [&]() -> Value {
          SmallVector<Value> point(group.space().size());
          for (auto [c, expr] : llvm::zip(group.coordinates[index], sum.pointOf(first)))
            point[c] = affine::AffineApplyOp::create(b, last->getLoc(), AffineMap::get(1, 0, expr),
                                                     number);
          neighbour = first;
          return write(point, pointOf(index, point));
        };
        values.push_back(writeIf(b, sum.conditionOf(first), number, results, writeHere));
      }
      neighbour = first = 0;
      return values;
    };
    LinalgNest::Carried sums =
        forEachElement(b.getF32Type(), [&](ArrayRef<Value> point, ArrayRef<Value> own) {
          writeOps(b, point, 0, index);
          nest.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
          moveTo(mapping, nest, own);
          return readInit(mapping, nest, init, own);
        });
    forgetRegisters(init.get());
    nest.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
    nest.indices = outside;
    sums = sum.write(sums);
    b.setInsertionPoint(nest.b.getInsertionBlock(), nest.b.getInsertionPoint());
    forEachElement({}, [&](ArrayRef<Value> point, ArrayRef<Value> own) {
      nest.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
      moveTo(mapping, nest, own);
      storeInit(mapping, nest, init, own, sums[first]);
      writeOps(b, point, index + 1, group.ops.size());
      return Value();
    });
  }

  /// Writes code for the numbers in `set`, for all if it is null; elsewhere its result is zero.
  Value writeIf(OpBuilder &b, IntegerSet set, Value number, TypeRange results,
                function_ref<Value()> write) {
    if (!set)
      return write();
    auto branch = affine::AffineIfOp::create(b, last->getLoc(), results, set, number,
                                             /*withElseRegion=*/!results.empty());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.getThenBlock());
    Value value = write();
    if (results.empty())
      return {};
    affine::AffineYieldOp::create(b, last->getLoc(), value);
    b.setInsertionPointToStart(branch.getElseBlock());
    Value zero = arith::ConstantOp::create(b, last->getLoc(), b.getF32FloatAttr(0));
    affine::AffineYieldOp::create(b, last->getLoc(), zero);
    return branch.getResult(0);
  }

  /// Values from before are read again. An earlier write to what is summed up was in vain, but
  /// others may be read.
  void forgetRegisters(Value sum) {
    registers.clear();
    SmallVector<Element> others;
    for (auto &[element, store] : stores)
      if (element.first != sum)
        others.push_back(element);
    for (Element element : others)
      stores.erase(element);
  }

  /// The `width` places along the last coordinate that belong to number `first` of them.
  void spreadLast(OpBuilder &b, Value first) {
    for (int64_t at = 0; at < group.width; ++at)
      places.push_back(affine::AffineApplyOp::create(
          b, last->getLoc(), AffineMap::get(1, 0, b.getAffineDimExpr(0) * group.width + at),
          first));
  }

  /// Calls `fn` for each of the neighbours that a thread computes together.
  void forEachNeighbour(ThreadMapping &mapping, LinalgNest &nest, function_ref<void()> fn) {
    for (neighbour = first; neighbour < first + group.width; ++neighbour) {
      if (group.width > 1)
        nest.indices[group.lastOf(&mapping - group.ops.begin()).dim] = places[neighbour];
      fn();
    }
    neighbour = first;
  }

  static void moveTo(ThreadMapping &mapping, LinalgNest &nest, ArrayRef<Value> point) {
    for (auto [coordinate, value] : llvm::zip(mapping.coordinates, point))
      if (!coordinate.isGathered)
        nest.indices[coordinate.dim] = value;
  }

  /// One element of each result: its sums go through registers.
  void writeOp(ThreadMapping &mapping, LinalgNest &nest, ArrayRef<Value> point) {
    linalg::LinalgOp op = mapping.op;
    moveTo(mapping, nest, point);
    SmallVector<OpOperand *> inits;
    for (OpOperand &init : op.getDpsInitsMutable())
      inits.push_back(&init);
    auto isCarried = [&](OpOperand *init) {
      return !mapping.sequential.empty() && !mapping.isSequential(*init);
    };
    LinalgNest::Carried carried;
    bool isWarpSum = warpSum && &mapping == &group.ops[warpSum->op];
    forEachNeighbour(mapping, nest, [&] {
      for (OpOperand *init : inits)
        if (isCarried(init))
          carried.push_back(readInit(mapping, nest, *init, point));
    });
    if (isWarpSum)
      carried = startWarpSum(nest, carried);
    auto step = [&](LinalgNest::Carried values) {
      auto choose = [&](auto body) {
        return isWarpSum ? takeTurn(nest, values, body)
                         : gather(mapping, nest, point, values, body);
      };
      return choose([&](LinalgNest::Carried values) {
        LinalgNest::Carried next;
        SharedReads read;
        forEachNeighbour(mapping, nest, [&] {
          auto reader = [&, value = values.begin() + next.size()](OpOperand &operand) -> Value {
            for (auto [i, init] : llvm::enumerate(llvm::make_filter_range(inits, isCarried)))
              if (init == &operand)
                return value[i];
            return readShared(mapping, nest, operand, read);
          };
          IRMapping body = nest.makeBody({}, reader);
          Operation *yield = op.getBlock()->getTerminator();
          for (auto [init, value] : llvm::zip(inits, yield->getOperands())) {
            Value result = body.lookupOrDefault(value);
            if (isCarried(init))
              next.push_back(result);
            else
              writeInit(mapping, nest, *init, result);
          }
        });
        return next;
      });
    };
    LinalgNest::Carried results = nest.makeLoops(mapping.sequential, carried, step);
    if (isWarpSum)
      results = finishWarpSum(nest, results);
    auto result = results.begin();
    forEachNeighbour(mapping, nest, [&] {
      for (OpOperand *init : inits)
        if (isCarried(init))
          storeInit(mapping, nest, *init, point, *result++);
    });
  }

  /// What stands before the sum is done by the first thread of the warp, which goes on from what is
  /// there, the others from zero.
  LinalgNest::Carried startWarpSum(LinalgNest &nest, LinalgNest::Carried start) {
    OpBuilder &b = nest.b;
    nest.ranges[warpSum->dim].step = kWarp;
    affine::AffineYieldOp::create(b, nest.loc, start);
    auto branch = cast<affine::AffineIfOp>(b.getInsertionBlock()->getParentOp());
    b.setInsertionPointToStart(branch.getElseBlock());
    Value zero = arith::ConstantOp::create(b, nest.loc, b.getF32FloatAttr(0));
    affine::AffineYieldOp::create(b, nest.loc, SmallVector<Value>(start.size(), zero));
    b.setInsertionPointAfter(branch);
    forgetRegisters(group.ops[warpSum->op].op.getDpsInits().front());
    return LinalgNest::Carried(branch.getResults());
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
  LinalgNest::Carried finishWarpSum(LinalgNest &nest, LinalgNest::Carried sums) {
    OpBuilder &b = nest.b;
    Value width = arith::ConstantIntOp::create(b, nest.loc, kWarp, 32);
    for (int64_t distance = kWarp / 2; distance > 0; distance /= 2) {
      Value other = arith::ConstantIntOp::create(b, nest.loc, distance, 32);
      for (Value &sum : sums) {
        auto received =
            gpu::ShuffleOp::create(b, nest.loc, sum, other, width, gpu::ShuffleMode::XOR);
        sum = arith::AddFOp::create(b, nest.loc, sum, received.getShuffleResult());
      }
    }
    auto branch = inFirstLane(b, {});
    b.setInsertionPointToStart(branch.getThenBlock());
    return sums;
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

  /// What neighbours share is read for the first of them.
  Value readShared(ThreadMapping &mapping, LinalgNest &nest, OpOperand &operand,
                   SharedReads &shared) {
    bool isShared = group.width > 1 && !nest.mapOf(operand).isFunctionOfDim(
                                           group.lastOf(&mapping - group.ops.begin()).dim);
    if (!isShared)
      return readOperand(mapping, nest, operand);
    Value &value = shared[&operand];
    if (!value)
      value = readOperand(mapping, nest, operand);
    return value;
  }

  Value readOperand(ThreadMapping &mapping, LinalgNest &nest, OpOperand &operand) {
    if (tile && (&operand == tile->lhs || &operand == tile->rhs)) {
      bool isLhs = &operand == tile->lhs;
      SmallVector<Value> at{nest.indices[tile->dim], isLhs ? rowInTile : placesInTile[neighbour]};
      return affine::AffineLoadOp::create(nest.b, nest.loc, isLhs ? lhsTile : rhsTile, at);
    }
    if (Value known = registers.lookup({operand.get(), neighbour});
        known && mapping.pointOf(operand))
      return known;
    return nest.read(operand, {});
  }

  Value readInit(ThreadMapping &mapping, LinalgNest &nest, OpOperand &init, ArrayRef<Value> point) {
    if (Value known = registers.lookup({init.get(), neighbour}))
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
    Element element{init.get(), neighbour};
    if (Operation *before = stores.lookup(element))
      before->erase();
    stores[element] = &*std::prev(nests[&mapping - group.ops.begin()].b.getInsertionPoint());
    registers[element] = value;
  }

  void writeInit(ThreadMapping &mapping, LinalgNest &nest, OpOperand &init, Value value) {
    nest.write(init, value, {});
    registers.erase({init.get(), neighbour});
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
  int64_t threads = 0;
  std::optional<WarpSum> warpSum;
  std::optional<TensorTile> tensorTile;
  Grid grid = {};
  std::optional<PanelTile> tile;
  Value lhsTile, rhsTile, rowInTile;
  SmallVector<Value> placesInTile; // of the neighbours
  Value lane;                      // of a warp that sums together
  Operation *last = nullptr;
  std::vector<LinalgNest> nests;
  SmallVector<Value> places;             // of the neighbours, along the last coordinate
  int64_t neighbour = 0;                 // the present one
  int64_t first = 0;                     // of those at the present point
  DenseMap<Element, Value> registers;    // what a buffer has at the present point
  DenseMap<Element, Operation *> stores; // that wrote it
};
} // namespace

void ai::writeGroup(ThreadGroup &group, Value thread, int64_t threads,
                    std::optional<WarpSum> warpSum) {
  GroupWriter(group, thread, threads, warpSum).write();
}

void ai::writeTensorTiles(ThreadGroup &group, Value thread, int64_t threads,
                          const TensorTile &tile) {
  GroupWriter(group, thread, threads, tile).write();
}

void ai::writeTiles(ThreadGroup &group, const Grid &grid, const PanelTile &tile) {
  GroupWriter(group, grid, tile).write();
}
