// Indices are kept as linear functions of values instead of affine maps: differences, coefficients
// and ranges, which the passes ask for thousands of times a nest, are then a few integers each.

#include "AffineAccess.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using affine::AffineForOp;

namespace ai {

//===----------------------------------------------------------------------===//
// Linear indices
//===----------------------------------------------------------------------===//

void LinearIndex::add(Value value, int64_t factor) {
  auto *at = llvm::lower_bound(terms, value, [](const auto &term, Value v) {
    return term.first.getAsOpaquePointer() < v.getAsOpaquePointer();
  });
  if (at == terms.end() || at->first != value)
    at = terms.insert(at, {value, 0});
  at->second += factor;
  if (at->second == 0)
    terms.erase(at);
}

int64_t LinearIndex::factorOf(Value value) const {
  for (const auto &[term, factor] : terms)
    if (term == value)
      return factor;
  return 0;
}

LinearIndex LinearIndex::without(Value value) const {
  LinearIndex result = *this;
  if (int64_t factor = factorOf(value))
    result.add(value, -factor);
  return result;
}

LinearIndex LinearIndex::operator-(const LinearIndex &other) const {
  LinearIndex result = *this;
  result.constant -= other.constant;
  for (const auto &[value, factor] : other.terms)
    result.add(value, -factor);
  return result;
}

std::optional<Interval> rangeOf(const LinearIndex &index) {
  Interval range{index.constant, index.constant};
  for (const auto &[value, factor] : index.terms) {
    AffineForOp loop = affine::getForInductionVarOwner(value);
    std::optional<int64_t> trips = loop ? tripCount(loop) : std::nullopt;
    if (!trips || *trips < 1)
      return std::nullopt;
    int64_t first = loop.getConstantLowerBound();
    int64_t last = first + (*trips - 1) * loop.getStepAsInt();
    range.low += std::min(factor * first, factor * last);
    range.high += std::max(factor * first, factor * last);
  }
  return range;
}

AffineMap getMap(ArrayRef<LinearIndex> indices, SmallVectorImpl<Value> &operands,
                 MLIRContext *context) {
  SmallVector<AffineExpr> results;
  for (const LinearIndex &index : indices) {
    AffineExpr sum = getAffineConstantExpr(index.constant, context);
    for (const auto &[value, factor] : index.terms) {
      sum = sum + getAffineDimExpr(operands.size(), context) * factor;
      operands.push_back(value);
    }
    results.push_back(sum);
  }
  return AffineMap::get(operands.size(), 0, results, context);
}

Value materialize(OpBuilder &b, Location loc, const LinearIndex &index) {
  SmallVector<Value> values;
  AffineMap map = getMap(index, values, b.getContext());
  return getValueOrCreateConstantIndexOp(
      b, loc, affine::makeComposedFoldedAffineApply(b, loc, map, getAsOpFoldResult(values)));
}

static bool addValue(LinearIndex &index, Value value, int64_t factor);

/// Adds `factor * expr`; false if that is not linear.
static bool addExpr(LinearIndex &index, AffineExpr expr, unsigned numDims, ValueRange operands,
                    int64_t factor) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    index.constant += factor * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return addValue(index, operands[dim.getPosition()], factor);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return addValue(index, operands[numDims + symbol.getPosition()], factor);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  if (expr.getKind() == AffineExprKind::Add)
    return addExpr(index, binary.getLHS(), numDims, operands, factor) &&
           addExpr(index, binary.getRHS(), numDims, operands, factor);
  auto scale = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return expr.getKind() == AffineExprKind::Mul && scale &&
         addExpr(index, binary.getLHS(), numDims, operands, factor * scale.getValue());
}

static bool addValue(LinearIndex &index, Value value, int64_t factor) {
  IntegerAttr constant;
  if (matchPattern(value, m_Constant(&constant))) {
    index.constant += factor * constant.getInt();
    return true;
  }
  if (auto apply = value.getDefiningOp<affine::AffineApplyOp>()) {
    AffineMap map = apply.getAffineMap();
    return addExpr(index, map.getResult(0), map.getNumDims(), apply.getMapOperands(), factor);
  }
  if (auto sum = value.getDefiningOp<arith::AddIOp>())
    return addValue(index, sum.getLhs(), factor) && addValue(index, sum.getRhs(), factor);
  if (auto product = value.getDefiningOp<arith::MulIOp>();
      product && matchPattern(product.getRhs(), m_Constant(&constant)))
    return addValue(index, product.getLhs(), factor * constant.getInt());
  index.add(value, factor);
  return true;
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

bool Access::uses(Value value) const {
  return llvm::any_of(indices, [&](const LinearIndex &i) { return i.factorOf(value) != 0; });
}

int64_t Access::width(unsigned dim) const {
  auto vector = dyn_cast<VectorType>(type);
  unsigned scalarDims = indices.size() - (vector ? vector.getRank() : 0);
  if (dim < scalarDims)
    return 1;
  int64_t elements = vector.getDimSize(dim - scalarDims);
  auto transfer = dyn_cast<VectorTransferOpInterface>(op);
  if (!transfer || transfer.isDimInBounds(dim - scalarDims))
    return elements;
  int64_t extent = cast<MemRefType>(memref.getType()).getDimSize(dim);
  return std::min(elements, extent - indices[dim].constant);
}

Value Access::value() const { return isWrite ? op->getOperand(0) : op->getResult(0); }

bool Access::isInvariantIn(AffineForOp loop) const {
  return isKnown() && loop.isDefinedOutsideOfLoop(memref) &&
         llvm::all_of(indices, [&](const LinearIndex &index) {
           return llvm::all_of(index.terms, [&](const auto &term) {
             return loop.isDefinedOutsideOfLoop(term.first);
           });
         });
}

/// Fills the indices from an affine map over operands; false if one is not linear.
static bool setIndices(Access &access, AffineMap map, ValueRange operands) {
  for (AffineExpr expr : map.getResults())
    if (!addExpr(access.indices.emplace_back(), expr, map.getNumDims(), operands, 1))
      return false;
  return true;
}

static bool setIndices(Access &access, ValueRange values) {
  for (Value value : values)
    if (!addValue(access.indices.emplace_back(), value, 1))
      return false;
  return true;
}

/// Where a vector reaches beyond the end of a dimension, whether it is known by how much.
static bool hasKnownWidth(VectorTransferOpInterface transfer, const Access &access) {
  auto type = cast<MemRefType>(access.memref.getType());
  for (unsigned i = 0; i < transfer.getTransferRank(); ++i) {
    unsigned dim = type.getRank() - transfer.getTransferRank() + i;
    if (!transfer.isDimInBounds(i) &&
        (type.isDynamicDim(dim) || !access.indices[dim].terms.empty()))
      return false;
  }
  return true;
}

std::optional<Access> getAccess(Operation *op) {
  Access access{op, {}, false, {}, {}};
  bool linear = false;
  if (auto read = dyn_cast<affine::AffineReadOpInterface>(op)) {
    access.memref = read.getMemRef();
    access.type = read.getValue().getType();
    linear = setIndices(access, read.getAffineMap(), read.getMapOperands());
  } else if (auto write = dyn_cast<affine::AffineWriteOpInterface>(op)) {
    access.memref = write.getMemRef();
    access.isWrite = true;
    access.type = write.getValueToStore().getType();
    linear = setIndices(access, write.getAffineMap(), write.getMapOperands());
  } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
    access.memref = load.getMemref();
    access.type = load.getType();
    linear = setIndices(access, load.getIndices());
  } else if (auto store = dyn_cast<memref::StoreOp>(op)) {
    access.memref = store.getMemref();
    access.isWrite = true;
    access.type = store.getValueToStore().getType();
    linear = setIndices(access, store.getIndices());
  } else if (auto transfer = dyn_cast<VectorTransferOpInterface>(op)) {
    access.memref = transfer.getBase();
    access.isWrite = isa<vector::TransferWriteOp>(op);
    access.type = transfer.getVectorType();
    linear = isa<MemRefType>(access.memref.getType()) && !transfer.getMask() &&
             transfer.getPermutationMap().isMinorIdentity() &&
             setIndices(access, transfer.getIndices()) && hasKnownWidth(transfer, access);
  }
  if (!linear)
    return std::nullopt;
  return access;
}

/// Appends what `op` alone is known to touch; false if it may touch anything.
static bool appendEffects(Operation *op, Accesses &accesses) {
  if (auto access = getAccess(op)) {
    accesses.push_back(*access);
    return true;
  }
  if (op->hasTrait<OpTrait::HasRecursiveMemoryEffects>() || isMemoryEffectFree(op) ||
      isa<affine::AffinePrefetchOp>(op)) // a hint
    return true;
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  if (!interface)
    return false;
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffects(effects);
  for (const MemoryEffects::EffectInstance &effect : effects) {
    if (isa<MemoryEffects::Allocate>(effect.getEffect()))
      continue;
    if (!effect.getValue() || !isa<BaseMemRefType>(effect.getValue().getType()))
      return false;
    bool isRead = isa<MemoryEffects::Read>(effect.getEffect());
    accesses.push_back({op, effect.getValue(), !isRead, {}, {}});
  }
  return true;
}

bool collectAccesses(Operation *root, Accesses &accesses) {
  return !root->walk([&](Operation *op) {
                return appendEffects(op, accesses) ? WalkResult::advance()
                                                   : WalkResult::interrupt();
              })
              .wasInterrupted();
}

//===----------------------------------------------------------------------===//
// Aliases
//===----------------------------------------------------------------------===//

namespace {
/// Bytes [begin, end) of `base`.
struct Extent {
  Value base;
  int64_t begin = 0, end = std::numeric_limits<int64_t>::max();
};
} // namespace

/// Narrows `extent`, which counts from the start of `view`'s result, to count from its source.
static void stepThrough(ViewLikeOpInterface view, Extent &extent) {
  extent.base = view.getViewSource();
  if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(view))
    return;
  auto bytes = dyn_cast<memref::ViewOp>(view.getOperation());
  IntegerAttr shift;
  if (!bytes || !bytes.getType().hasStaticShape() ||
      !bytes.getType().getElementType().isIntOrFloat() ||
      !matchPattern(bytes.getByteShift(), m_Constant(&shift))) {
    extent = {extent.base};
    return;
  }
  MemRefType type = bytes.getType();
  extent.begin += shift.getInt();
  extent.end = std::min(extent.end, bytesOf(type)) + shift.getInt();
}

/// The bytes of an allocation or argument that a memref lies in, as far as constant views tell.
static Extent extentOf(Value memref) {
  Extent extent{memref};
  bool isReinterpreted = false; // may reach beyond the view it was made from
  while (auto view = extent.base.getDefiningOp<ViewLikeOpInterface>()) {
    isReinterpreted |= isa<memref::ReinterpretCastOp>(view);
    stepThrough(view, extent);
  }
  return isReinterpreted ? Extent{extent.base} : extent;
}

static bool isDistinctObject(Value base) {
  if (auto argument = dyn_cast<BlockArgument>(base))
    return argument.getOwner()->isEntryBlock() &&
           isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
  return hasSingleEffect<MemoryEffects::Allocate>(base.getDefiningOp(), base) ||
         base.getDefiningOp<memref::GetGlobalOp>();
}

Value memoryOf(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref;
}

bool mayShareMemory(Value a, Value b) {
  if (a == b)
    return true;
  Extent x = extentOf(a), y = extentOf(b);
  if (x.base == y.base)
    return x.begin < y.end && y.begin < x.end;
  if (!isDistinctObject(x.base) || !isDistinctObject(y.base))
    return true;
  auto globalX = x.base.getDefiningOp<memref::GetGlobalOp>();
  auto globalY = y.base.getDefiningOp<memref::GetGlobalOp>();
  return globalX && globalY && globalX.getName() == globalY.getName();
}

bool mayOverlap(const Access &a, const Access &b) {
  if (a.memref != b.memref || !a.isKnown() || !b.isKnown())
    return mayShareMemory(a.memref, b.memref);
  for (unsigned dim = 0; dim < a.indices.size(); ++dim) {
    std::optional<Interval> difference = rangeOf(a.indices[dim] - b.indices[dim]);
    if (difference && (difference->low >= b.width(dim) || -difference->high >= a.width(dim)))
      return false;
  }
  return true;
}

bool isSamePlace(const Access &a, const Access &b) {
  if (a.memref != b.memref || a.type != b.type || !a.isKnown())
    return false;
  return llvm::all_of(llvm::zip(a.indices, b.indices), [](const auto &pair) {
    LinearIndex difference = std::get<0>(pair) - std::get<1>(pair);
    return difference.terms.empty() && difference.constant == 0;
  });
}

//===----------------------------------------------------------------------===//
// Dependences between iterations
//===----------------------------------------------------------------------===//

/// Moves the terms of `index` that vary inside `loop`, and its constant, to `inner`, the others to
/// `outer`, each times `sign`.
static void splitTerms(const LinearIndex &index, AffineForOp loop, int64_t sign, LinearIndex &inner,
                       LinearIndex &outer) {
  inner.constant += sign * index.constant;
  for (const auto &[value, factor] : index.terms)
    (loop.isDefinedOutsideOfLoop(value) ? outer : inner).add(value, sign * factor);
}

/// Keeps in `distances` those n for which, in dimension `dim`, `a` in iteration i + n may meet `b`
/// in iteration i.
static void restrictDistances(const Access &a, AffineForOp loopA, const Access &b,
                              AffineForOp loopB, unsigned dim, Interval &distances) {
  Value ivA = loopA.getInductionVar(), ivB = loopB.getInductionVar();
  int64_t stride = a.indices[dim].factorOf(ivA) * loopA.getStepAsInt();
  if (stride != b.indices[dim].factorOf(ivB) * loopB.getStepAsInt())
    return;
  // Loops inside take their values independently in the two iterations, so their terms never
  // cancel.
  LinearIndex innerA, innerB, outer;
  splitTerms(a.indices[dim].without(ivA), loopA, 1, innerA, outer);
  splitTerms(b.indices[dim].without(ivB), loopB, -1, innerB, outer);
  std::optional<Interval> rangeA = rangeOf(innerA), rangeB = rangeOf(innerB);
  if (!rangeA || !rangeB || !outer.terms.empty())
    return;
  // They meet when -width(a) < stride * n + rangeA + rangeB < width(b).
  int64_t low = 1 - a.width(dim) - rangeA->high - rangeB->high;
  int64_t high = b.width(dim) - 1 - rangeA->low - rangeB->low;
  if (stride < 0) {
    stride = -stride;
    std::swap(low, high);
    low = -low;
    high = -high;
  }
  if (stride == 0) {
    if (low > 0 || high < 0)
      distances = {1, 0};
    return;
  }
  distances.low = std::max(distances.low, llvm::divideCeilSigned(low, stride));
  distances.high = std::min(distances.high, llvm::divideFloorSigned(high, stride));
}

std::optional<int64_t> conflictDistance(const Access &a, AffineForOp loopA, const Access &b,
                                        AffineForOp loopB) {
  if (!(a.isWrite || b.isWrite) || !mayShareMemory(a.memref, b.memref))
    return std::nullopt;
  if (a.memref != b.memref || !a.isKnown() || !b.isKnown())
    return 1;
  const int64_t far = std::numeric_limits<int32_t>::max();
  Interval distances{-far, far};
  for (unsigned dim = 0; dim < a.indices.size(); ++dim)
    restrictDistances(a, loopA, b, loopB, dim, distances);
  int64_t forward = std::max<int64_t>(1, distances.low);
  int64_t backward = std::max<int64_t>(1, -distances.high);
  int64_t nearest = far;
  if (forward <= distances.high)
    nearest = forward;
  if (-backward >= distances.low)
    nearest = std::min(nearest, backward);
  if (distances.low > distances.high || nearest == far)
    return std::nullopt;
  return nearest;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

int64_t bytesOf(MemRefType type) {
  return type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

std::optional<int64_t> tripCount(AffineForOp loop) {
  if (!loop.hasConstantBounds())
    return std::nullopt;
  int64_t range = loop.getConstantUpperBound() - loop.getConstantLowerBound();
  return std::max<int64_t>(0, llvm::divideCeilSigned(range, loop.getStepAsInt()));
}

SmallVector<AffineForOp> loopsAround(Operation *op, Operation *root) {
  SmallVector<AffineForOp> loops;
  for (Operation *up = op->getParentOp(); up && op != root; up = up->getParentOp()) {
    if (auto loop = dyn_cast<AffineForOp>(up))
      loops.push_back(loop);
    if (up == root)
      break;
  }
  std::reverse(loops.begin(), loops.end());
  return loops;
}

bool isReduction(const Access &write, Operation *root) {
  return write.isWrite && llvm::any_of(loopsAround(write.op, root), [&](AffineForOp loop) {
           return !write.uses(loop.getInductionVar());
         });
}

} // namespace ai
