#include "lib/Codegen/LinalgNest.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace ai {

SmallVector<LoopRange> cutIntoVectors(int64_t extent, int64_t width) {
  SmallVector<LoopRange> pieces;
  for (int64_t begin = 0; begin < extent; width /= 2) {
    int64_t end = begin + (extent - begin) / width * width;
    if (end > begin)
      pieces.push_back({begin, end, width});
    begin = end;
  }
  return pieces;
}

LinalgNest::LinalgNest(linalg::LinalgOp op, bool hasMasks)
    : op(op), b(op), loc(op.getLoc()), sizes(op.getStaticLoopRanges()),
      maps(op.getIndexingMapsArray()), operands(op->getOperands()), hasMasks(hasMasks) {
  for (int64_t size : sizes)
    ranges.push_back({0, size});
  indices.assign(sizes.size(), arith::ConstantIndexOp::create(b, loc, 0));
  bands.resize(sizes.size());
}

//===----------------------------------------------------------------------===//
// Facts
//===----------------------------------------------------------------------===//

SmallVector<unsigned> LinalgNest::dims(ArrayRef<unsigned> without) {
  auto dims = llvm::to_vector(llvm::seq<unsigned>(0, sizes.size()));
  llvm::erase_if(dims, [&](unsigned dim) { return llvm::is_contained(without, dim); });
  return dims;
}

bool LinalgNest::isParallel(unsigned dim) {
  return op.getIteratorTypesArray()[dim] == utils::IteratorType::parallel;
}

LaneAccess LinalgNest::accessOf(OpOperand &operand, unsigned dim) {
  auto type = dyn_cast<MemRefType>(operands[operand.getOperandNumber()].getType());
  AffineMap map = mapOf(operand);
  if (!type || !map.isFunctionOfDim(dim))
    return LaneAccess::Uniform;
  if (map.dropResults(map.getNumResults() - 1).isFunctionOfDim(dim) || !type.isLastDimUnitStride())
    return LaneAccess::Other;
  AffineExpr rest = map.getResults().back() - getAffineDimExpr(dim, op.getContext());
  bool hasUnitStep = !simplifyAffineExpr(rest, map.getNumDims(), 0).isFunctionOfDim(dim);
  return hasUnitStep ? LaneAccess::Contiguous : LaneAccess::Other;
}

/// Whether `value`, of the body, changes along loop `dim`.
static bool changesAlong(Value value, unsigned dim, linalg::LinalgOp op) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != op.getBlock())
      return false;
    return op.getMatchingIndexingMap(op.getMatchingOpOperand(argument)).isFunctionOfDim(dim);
  }
  Operation *producer = value.getDefiningOp();
  if (producer->getBlock() != op.getBlock())
    return false;
  if (auto index = dyn_cast<linalg::IndexOp>(producer))
    return index.getDim() == dim;
  return llvm::any_of(producer->getOperands(),
                      [&](Value operand) { return changesAlong(operand, dim, op); });
}

/// Whether `value`, of the body, is the index of loop `dim`.
static bool isIndexOf(Value value, unsigned dim) {
  auto index = value.getDefiningOp<linalg::IndexOp>();
  return index && index.getDim() == dim;
}

LaneAccess LinalgNest::accessOf(memref::LoadOp load, unsigned dim) {
  auto changes = [&](Value index) { return changesAlong(index, dim, op); };
  if (llvm::none_of(load.getIndices(), changes))
    return LaneAccess::Uniform;
  Value last = load.getIndices().back();
  auto sum = last.getDefiningOp<arith::AddIOp>();
  bool hasUnitStep =
      isIndexOf(last, dim) || (sum && !changes(sum.getLhs()) && isIndexOf(sum.getRhs(), dim));
  bool isContiguous = hasUnitStep && load.getMemRefType().isLastDimUnitStride() &&
                      llvm::none_of(load.getIndices().drop_back(), changes);
  return isContiguous ? LaneAccess::Contiguous : LaneAccess::Other;
}

SmallVector<memref::LoadOp> LinalgNest::lookUps() {
  return llvm::to_vector(op.getBlock()->getOps<memref::LoadOp>());
}

bool LinalgNest::isVectorizable() {
  auto isElement = [](Type type) {
    return VectorType::isValidElementType(getElementTypeOrSelf(type));
  };
  return llvm::all_of(op->getOperandTypes(), isElement) &&
         llvm::all_of(op.getBlock()->without_terminator(), [&](Operation &inner) {
           return isa<linalg::IndexOp, memref::LoadOp>(inner) ||
                  inner.hasTrait<OpTrait::ConstantLike>() ||
                  (OpTrait::hasElementwiseMappableTraits(&inner) &&
                   llvm::all_of(inner.getOperandTypes(), isElement) &&
                   llvm::all_of(inner.getResultTypes(), isElement));
         });
}

int64_t LinalgNest::nativeWidth(int64_t vectorBits) {
  unsigned widest = 8;
  for (Type type : op->getOperandTypes()) {
    Type element = getElementTypeOrSelf(type);
    widest = std::max(widest, element.isIndex() ? 64 : element.getIntOrFloatBitWidth());
  }
  return std::max<int64_t>(1, llvm::bit_floor(uint64_t(vectorBits / widest)));
}

std::optional<SmallVector<Operation *>> LinalgNest::findCombiners() {
  SmallVector<Operation *> combiners;
  Operation *yield = op.getBlock()->getTerminator();
  for (auto [argument, result] : llvm::zip(op.getRegionOutputArgs(), yield->getOperands())) {
    Operation *combiner = result.getDefiningOp();
    if (!combiner || combiner->getBlock() != op.getBlock() || !result.hasOneUse() ||
        !argument.hasOneUse() || *argument.user_begin() != combiner ||
        combiner->getNumOperands() != 2 || !combiner->hasTrait<OpTrait::IsCommutative>() ||
        !arith::getNeutralElement(combiner))
      return std::nullopt;
    combiners.push_back(combiner);
  }
  return combiners;
}

bool LinalgNest::mayMask(unsigned dim, ArrayRef<OpOperand *> apart) {
  auto mayTrap = [](Operation &inner) { // vectors of integers are divided one by one
    return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(inner);
  };
  if (!hasMasks || !lookUps().empty() || llvm::any_of(*op.getBlock(), mayTrap))
    return false;
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    AffineMap map = mapOf(operand);
    auto type = dyn_cast<MemRefType>(operands[operand.getOperandNumber()].getType());
    if (!type || !map.isFunctionOfDim(dim) || llvm::is_contained(apart, &operand))
      return true;
    return !type.getElementType().isInteger(1) && type.getShape().back() == sizes[dim] &&
           map.getResults().back() == getAffineDimExpr(dim, op.getContext());
  });
}

SmallVector<LoopRange> LinalgNest::cutLane(unsigned dim, int64_t width) {
  SmallVector<LoopRange> pieces = cutIntoVectors(sizes[dim], width);
  int64_t whole = sizes[dim] / width * width, rest = sizes[dim] - whole;
  if (llvm::popcount(uint64_t(rest)) > 1 && mayMask(dim)) {
    llvm::erase_if(pieces, [&](LoopRange piece) { return piece.begin >= whole; });
    pieces.push_back({whole, sizes[dim], int64_t(llvm::bit_ceil(uint64_t(rest)))});
  }
  return pieces;
}

bool LinalgNest::collapse() {
  unsigned rank = sizes.size();
  if (rank < 2 || !isElementwise() || op.hasIndexSemantics())
    return false;
  for (auto [map, operand] : llvm::zip(maps, operands)) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (map.getNumResults() != 0 && !(map.isIdentity() && type.getLayout().isIdentity()))
      return false;
  }
  ReassociationIndices all = llvm::to_vector<2>(llvm::seq<int64_t>(0, rank));
  for (auto [map, operand] : llvm::zip(maps, operands)) {
    if (map.getNumResults() == 0) {
      map = AffineMap::get(1, 0, op.getContext());
      continue;
    }
    map = AffineMap::getMultiDimIdentityMap(1, op.getContext());
    operand = memref::CollapseShapeOp::create(b, loc, operand, {all});
  }
  sizes = {llvm::product_of(sizes)};
  ranges = {{0, sizes[0]}};
  indices.resize(1);
  return true;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

LinalgNest::Carried LinalgNest::makeLoops(ArrayRef<unsigned> dims, Carried carried,
                                          function_ref<Carried(Carried)> inside) {
  if (dims.empty())
    return inside(carried);
  unsigned dim = dims.front();
  LoopRange range = ranges[dim];
  Value outside = indices[dim];
  Carried results;
  if (range.end - range.begin <= range.step) {
    indices[dim] = indexAt(dim, arith::ConstantIndexOp::create(b, loc, range.begin));
    results = makeLoops(dims.drop_front(), carried, inside);
  } else {
    auto loop = affine::AffineForOp::create(b, loc, range.begin, range.end, range.step, carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    indices[dim] = indexAt(dim, loop.getInductionVar());
    Carried next = makeLoops(dims.drop_front(), Carried(loop.getRegionIterArgs()), inside);
    if (!carried.empty())
      affine::AffineYieldOp::create(b, loc, next);
    results = Carried(loop.getResults());
  }
  indices[dim] = outside;
  return results;
}

Value LinalgNest::indexAt(unsigned dim, Value at) {
  if (!bands[dim])
    return at;
  AffineExpr sum = b.getAffineDimExpr(0) + b.getAffineDimExpr(1);
  return getValueOrCreateConstantIndexOp(
      b, loc,
      affine::makeComposedFoldedAffineApply(b, loc, sum, getAsOpFoldResult({bands[dim], at})));
}

void LinalgNest::makeBands(unsigned dim, int64_t height, function_ref<void()> inside) {
  LoopRange all = ranges[dim];
  int64_t end = all.begin + (all.end - all.begin) / height * height;
  ranges[dim] = {all.begin, end, height};
  makeLoops(dim, [&] {
    bands[dim] = indices[dim];
    ranges[dim] = {0, height};
    inside();
    bands[dim] = {};
  });
  ranges[dim] = {end, all.end};
}

void LinalgNest::makeLoops(ArrayRef<unsigned> dims, function_ref<void()> inside) {
  makeLoops(dims, {}, [&](Carried none) {
    inside();
    return none;
  });
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

Value LinalgNest::shift(Value index, int64_t offset) {
  AffineExpr shifted = b.getAffineDimExpr(0) + offset;
  return getValueOrCreateConstantIndexOp(
      b, loc, affine::makeComposedFoldedAffineApply(b, loc, shifted, getAsOpFoldResult(index)));
}

SmallVector<Value> LinalgNest::indicesOf(OpOperand &operand) {
  return getValueOrCreateConstantIndexOp(b, loc,
                                         affine::makeComposedFoldedMultiResultAffineApply(
                                             b, loc, mapOf(operand), getAsOpFoldResult(indices)));
}

Value LinalgNest::broadcast(Value value, int64_t width) {
  if (width == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, loc, VectorType::get({width}, value.getType()), value);
}

bool LinalgNest::isWhole(Lane lane) const {
  return lane.width <= ranges[lane.dim].end - ranges[lane.dim].begin;
}

Value LinalgNest::read(OpOperand &operand, Lane lane) {
  Value from = operands[operand.getOperandNumber()];
  auto type = dyn_cast<MemRefType>(from.getType());
  if (!type)
    return from;
  AffineMap map = mapOf(operand);
  if (lane.width == 1 || !map.isFunctionOfDim(lane.dim))
    return affine::AffineLoadOp::create(b, loc, from, map, indices);
  auto vector = VectorType::get({lane.width}, type.getElementType());
  if (!type.getElementType().isInteger(1))
    return vector::TransferReadOp::create(b, loc, vector, from, indicesOf(operand), std::nullopt,
                                          ArrayRef<bool>{isWhole(lane)});
  // An i1 takes a byte in memory and a bit in a vector, so it is moved one by one.
  SmallVector<Value> elements;
  for (int64_t i = 0; i < lane.width; ++i) {
    SmallVector<Value> at(indices);
    at[lane.dim] = shift(indices[lane.dim], i);
    elements.push_back(affine::AffineLoadOp::create(b, loc, from, map, at));
  }
  return vector::FromElementsOp::create(b, loc, vector, elements);
}

void LinalgNest::write(OpOperand &operand, Value value, Lane lane) {
  Value to = operands[operand.getOperandNumber()];
  AffineMap map = mapOf(operand);
  if (lane.width == 1) {
    affine::AffineStoreOp::create(b, loc, value, to, map, indices);
    return;
  }
  value = broadcast(value, lane.width);
  if (!getElementTypeOrSelf(to).isInteger(1)) {
    vector::TransferWriteOp::create(b, loc, value, to, indicesOf(operand),
                                    ArrayRef<bool>{isWhole(lane)});
    return;
  }
  for (int64_t i = 0; i < lane.width; ++i) {
    SmallVector<Value> at(indices);
    at[lane.dim] = shift(indices[lane.dim], i);
    Value element = vector::ExtractOp::create(b, loc, value, i);
    affine::AffineStoreOp::create(b, loc, element, to, map, at);
  }
}

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

Value LinalgNest::indexAlong(unsigned dim, Lane lane) {
  if (lane.width == 1 || dim != lane.dim)
    return indices[dim];
  auto type = VectorType::get({lane.width}, b.getIndexType());
  Value steps = vector::StepOp::create(b, loc, type);
  return arith::AddIOp::create(b, loc, broadcast(indices[dim], lane.width), steps);
}

Value LinalgNest::lookUp(memref::LoadOp load, IRMapping &values, Lane lane) {
  bool isVector = lane.width > 1 && accessOf(load, lane.dim) == LaneAccess::Contiguous;
  SmallVector<Value> at = llvm::map_to_vector(
      load.getIndices(), [&](Value index) { return values.lookupOrDefault(index); });
  if (!isVector)
    return memref::LoadOp::create(b, loc, load.getMemRef(), at);
  at.back() = indices[lane.dim];
  if (auto sum = load.getIndices().back().getDefiningOp<arith::AddIOp>())
    at.back() = arith::AddIOp::create(b, loc, values.lookupOrDefault(sum.getLhs()), at.back());
  auto type = VectorType::get({lane.width}, load.getMemRefType().getElementType());
  return vector::TransferReadOp::create(b, loc, type, load.getMemRef(), at, std::nullopt,
                                        ArrayRef<bool>{true});
}

void LinalgNest::cloneInto(IRMapping &values, Operation &scalar, Lane lane) {
  if (auto index = dyn_cast<linalg::IndexOp>(scalar)) {
    values.map(index.getResult(), indexAlong(index.getDim(), lane));
    return;
  }
  if (auto load = dyn_cast<memref::LoadOp>(scalar)) {
    values.map(load.getResult(), lookUp(load, values, lane));
    return;
  }
  auto isVector = [&](Value v) { return isa<VectorType>(values.lookupOrDefault(v).getType()); };
  if (llvm::none_of(scalar.getOperands(), isVector)) {
    Operation *clone = b.clone(scalar, values);
    clone->walk([&](linalg::IndexOp index) {
      index.replaceAllUsesWith(indices[index.getDim()]);
      index.erase();
    });
    return;
  }
  IRMapping wide;
  for (Value operand : scalar.getOperands())
    wide.map(operand, broadcast(values.lookupOrDefault(operand), lane.width));
  Operation *clone = b.clone(scalar, wide);
  for (auto [result, scalarResult] : llvm::zip(clone->getResults(), scalar.getResults())) {
    result.setType(VectorType::get({lane.width}, scalarResult.getType()));
    values.map(scalarResult, result);
  }
}

IRMapping LinalgNest::makeBody(Lane lane, Reader reader, ArrayRef<Operation *> skipped) {
  IRMapping values;
  for (auto [argument, operand] : llvm::zip(op.getBlock()->getArguments(), op->getOpOperands()))
    if (!argument.use_empty())
      if (Value value = reader(operand))
        values.map(argument, value);
  for (Operation &scalar : op.getBlock()->without_terminator())
    if (!llvm::is_contained(skipped, &scalar))
      cloneInto(values, scalar, lane);
  return values;
}

void LinalgNest::makePoint(Lane lane, Reader reader) {
  IRMapping values = makeBody(lane, reader);
  Operation *yield = op.getBlock()->getTerminator();
  for (auto [value, operand] : llvm::zip(yield->getOperands(), op.getDpsInitsMutable()))
    write(operand, values.lookupOrDefault(value), lane);
}

void LinalgNest::makePoint(Lane lane) {
  makePoint(lane, [&](OpOperand &operand) { return read(operand, lane); });
}

} // namespace ai
