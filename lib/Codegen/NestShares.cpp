// Which loops of a nest can be shared out among threads, and how.

#include "NestShares.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ai;
using affine::AffineForOp;

//===----------------------------------------------------------------------===//
// Nests
//===----------------------------------------------------------------------===//

SmallVector<MemoryOp> ai::collectMemoryOps(func::FuncOp function) {
  SmallVector<MemoryOp> nests;
  for (Operation &op : function.getBody().front()) {
    MemoryOp nest{&op, {}};
    nest.isKnown = collectAccesses(&op, nest.accesses);
    if (!nest.accesses.empty() || !nest.isKnown)
      nests.push_back(std::move(nest));
  }
  return nests;
}

static int64_t timesOf(Operation *op) {
  int64_t times = 1;
  for (AffineForOp loop : loopsAround(op))
    times *= tripCount(loop).value_or(1);
  return times;
}

int64_t ai::costOf(const MemoryOp &nest) { return costOf(nest, nest.op); }

int64_t ai::costOf(const MemoryOp &nest, Operation *root) {
  int64_t cost = 0;
  for (const Access &access : nest.accesses)
    if (root->isAncestor(access.op))
      cost += timesOf(access.op);
  return cost;
}

bool ai::mayMeet(const Access &x, const Access &y) {
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

bool ai::meets(const MemoryOp &a, const MemoryOp &b) {
  return llvm::any_of(a.accesses, [&](const Access &x) {
    return x.isWrite && llvm::any_of(b.accesses, [&](const Access &y) { return mayMeet(x, y); });
  });
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

std::optional<unsigned> ai::sliceDimension(const Access &access, AffineForOp loop) {
  for (auto [i, index] : llvm::enumerate(access.indices)) {
    if (index.factorOf(loop.getInductionVar()) != 1)
      continue;
    std::optional<Interval> rest = rangeOf(index.without(loop.getInductionVar()));
    if (rest && rest->low >= 0 && rest->high + access.width(i) <= loop.getStepAsInt())
      return i;
  }
  return std::nullopt;
}

/// Whether index `dim` of all accesses is factor * i + rest, where the rests together span less
/// than a step.
static bool isApart(ArrayRef<const Access *> accesses, unsigned dim, AffineForOp loop) {
  Value i = loop.getInductionVar();
  std::optional<int64_t> factor;
  int64_t low = INT64_MAX, high = INT64_MIN;
  for (const Access *a : accesses) {
    if (!a->isKnown())
      return false;
    const LinearIndex &index = a->indices[dim];
    std::optional<Interval> rest = rangeOf(index.without(i));
    if (!rest || index.factorOf(i) != factor.value_or(index.factorOf(i)))
      return false;
    factor = index.factorOf(i);
    low = std::min(low, rest->low);
    high = std::max(high, rest->high + a->width(dim) - 1);
  }
  return factor && high - low < std::abs(*factor) * loop.getStepAsInt();
}

bool ai::isApart(const MemoryOp &nest, Value memref, AffineForOp loop) {
  SmallVector<const Access *> accesses;
  for (const Access &a : nest.accesses)
    if (mayShareMemory(a.memref, memref))
      accesses.push_back(&a);
  if (llvm::any_of(accesses, [&](const Access *a) { return a->memref != memref; }))
    return false;
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  return llvm::any_of(llvm::seq<unsigned>(rank),
                      [&](unsigned dim) { return ::isApart(accesses, dim, loop); });
}

AffineForOp ai::innerLoop(AffineForOp loop) {
  bool holdsOneOp = llvm::hasNItems(*loop.getBody(), 2); // and the terminator
  return holdsOneOp ? dyn_cast<AffineForOp>(loop.getBody()->front()) : nullptr;
}

AffineForOp ai::longestLoop(const MemoryOp &nest, function_ref<bool(AffineForOp)> isFit) {
  AffineForOp longest;
  int64_t most = 1; // which cannot be shared
  for (auto loop = dyn_cast<AffineForOp>(nest.op); loop; loop = innerLoop(loop)) {
    int64_t trips = tripCount(loop).value_or(0);
    if (trips > most && loop.getNumResults() == 0 && isFit(loop)) {
      longest = loop;
      most = trips;
    }
  }
  return longest;
}

SharedLoops ai::outerLoops(const MemoryOp &nest, function_ref<bool(AffineForOp)> isFit) {
  SharedLoops loops;
  for (auto loop = dyn_cast<AffineForOp>(nest.op); loop; loop = innerLoop(loop)) {
    int64_t trips = tripCount(loop).value_or(0), before = tripsOf(loops);
    bool isSeldom = before < kMostShares && costOf(nest, loop) >= kSeldom * trips * timesOf(loop);
    if (trips > 1 && (before < kEnoughShares || isSeldom) && loop.getNumResults() == 0 &&
        isFit(loop))
      loops.push_back(loop);
  }
  return loops;
}

int64_t ai::tripsOf(ArrayRef<AffineForOp> loops) {
  int64_t trips = 1;
  for (AffineForOp loop : loops)
    trips *= *tripCount(loop);
  return trips;
}

bool ai::haveSameBounds(AffineForOp a, AffineForOp b) {
  return a.getConstantLowerBound() == b.getConstantLowerBound() &&
         a.getConstantUpperBound() == b.getConstantUpperBound() && a.getStep() == b.getStep();
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

static constexpr int64_t kFractionBits = 32;

/// p / parts of 2^32, rounded up: times a number of iterations, and down again, it is what
/// iterations * p / parts is. Divisions take long, and these are the only two of a call.
static Value fractionOf(OpBuilder &b, Location loc, Value p, Value parts) {
  Value bits = arith::ConstantIndexOp::create(b, loc, kFractionBits);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value scaled = arith::ShLIOp::create(b, loc, p, bits);
  Value most = arith::SubIOp::create(b, loc, parts, one);
  return arith::DivUIOp::create(b, loc, arith::AddIOp::create(b, loc, scaled, most), parts);
}

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static Value tripAt(OpBuilder &b, Location loc, int64_t trips, Value fraction) {
  Value scaled = arith::MulIOp::create(b, loc, fraction, constant(b, loc, trips));
  return arith::ShRUIOp::create(b, loc, scaled, constant(b, loc, kFractionBits));
}

/// Where in the loop the share begins, or ends, at `fraction`. Computed in front of the whole nest:
/// inside it would be no symbol.
static Value boundAt(OpBuilder &b, AffineForOp loop, Value fraction) {
  Location loc = loop.getLoc();
  Value share = tripAt(b, loc, *tripCount(loop), fraction);
  share = arith::MulIOp::create(b, loc, share, constant(b, loc, loop.getStepAsInt()));
  return arith::AddIOp::create(b, loc, share, constant(b, loc, loop.getConstantLowerBound()));
}

/// The number of the iteration that the loops are in, counted through.
static Value tripNumber(OpBuilder &b, Location loc, ArrayRef<AffineForOp> loops) {
  AffineExpr number = b.getAffineConstantExpr(0);
  SmallVector<Value> variables;
  for (AffineForOp loop : loops) {
    AffineExpr offset = b.getAffineDimExpr(variables.size()) - loop.getConstantLowerBound();
    number = number * *tripCount(loop) + offset.floorDiv(loop.getStepAsInt());
    variables.push_back(AffineForOp(loop).getInductionVar());
  }
  return getValueOrCreateConstantIndexOp(
      b, loc,
      affine::makeComposedFoldedAffineApply(b, loc, AffineMap::get(loops.size(), 0, number),
                                            getAsOpFoldResult(variables)));
}

void Part::restrict(AffineForOp loop, Operation *nest) const {
  OpBuilder b(nest);
  int64_t trips = *tripCount(loop);
  Value first = boundAt(b, loop, begin), behind = boundAt(b, loop, end);
  AffineMap identity = AffineMap::get(0, 1, b.getAffineSymbolExpr(0));
  // The last step may reach past the upper bound: min keeps the loop's own end.
  AffineMap last = AffineMap::get(
      0, 1, {b.getAffineSymbolExpr(0), b.getAffineConstantExpr(loop.getConstantUpperBound())},
      b.getContext());
  loop.setLowerBound(first, identity);
  loop.setUpperBound(behind, last);
  loop->setAttr("ai.trips", b.getI64IntegerAttr(trips));
}

void Part::guard(ArrayRef<AffineForOp> loops, Operation *nest, int64_t middle) const {
  OpBuilder b(nest);
  AffineForOp last = loops.back();
  Location loc = last.getLoc();
  int64_t trips = tripsOf(loops);
  auto boundAt = [&](Value fraction, int64_t partAtMiddle) {
    Value bound = tripAt(b, loc, trips, fraction);
    if (middle == trips / 2)
      return bound;
    auto equals = [&](Value value, int64_t other) -> Value {
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, value,
                                   constant(b, loc, other));
    };
    Value isMiddle = arith::AndIOp::create(b, loc, equals(parts, 2), equals(part, partAtMiddle));
    return arith::SelectOp::create(b, loc, isMiddle, constant(b, loc, middle), bound).getResult();
  };
  Value first = boundAt(begin, 1), behind = boundAt(end, 0);
  SmallVector<Operation *> ops =
      llvm::map_to_vector(last.getBody()->without_terminator(), [](Operation &op) { return &op; });
  b.setInsertionPointToStart(last.getBody());
  Value i = tripNumber(b, loc, loops);
  Value isFrom = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, i, first);
  Value isBefore = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, i, behind);
  auto guard = scf::IfOp::create(b, loc, arith::AndIOp::create(b, loc, isFrom, isBefore));
  for (Operation *op : ops)
    op->moveBefore(guard.thenYield());
}

void Part::restrictToOne(ArrayRef<Operation *> ops, int64_t group) const {
  OpBuilder b(ops.back());
  Location loc = ops.back()->getLoc();
  Value number = arith::ConstantIndexOp::create(b, loc, group);
  Value owner = arith::RemUIOp::create(b, loc, number, parts);
  Value mine = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, part, owner);
  auto guard = scf::IfOp::create(b, loc, mine);
  for (Operation *op : ops)
    op->moveBefore(guard.thenYield());
}

Part ai::addPartArguments(func::FuncOp function) {
  OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
  Location loc = function.getLoc();
  auto add = [&](StringRef role) -> Value {
    unsigned index = function.getNumArguments();
    auto attributes = b.getDictionaryAttr(b.getNamedAttr("ai.role", b.getStringAttr(role)));
    (void)function.insertArgument(index, b.getIndexType(), attributes, loc);
    return function.getArgument(index);
  };
  Value part = add("part"), parts = add("parts");
  Value next = arith::AddIOp::create(b, loc, part, arith::ConstantIndexOp::create(b, loc, 1));
  return {part, parts, fractionOf(b, loc, part, parts), fractionOf(b, loc, next, parts)};
}
