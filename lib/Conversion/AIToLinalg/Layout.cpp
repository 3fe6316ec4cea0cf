// Layouts and loop nests.

#include "lib/Conversion/AIToLinalg/Layout.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

bool ai::hasChannelLanes(RankedTensorType type) { return getLaneDim(type) == 1; }

SmallVector<int64_t> ai::getMemoryOrder(RankedTensorType type) {
  auto order = llvm::to_vector(llvm::seq<int64_t>(type.getRank()));
  if (std::optional<int64_t> lane = getLaneDim(type))
    std::rotate(order.begin() + *lane, order.begin() + *lane + 1, order.end());
  return order;
}

RankedTensorType ai::getMemoryType(RankedTensorType type) {
  if (!getLaneDim(type))
    return type;
  SmallVector<int64_t> shape =
      llvm::map_to_vector(getMemoryOrder(type), [&](int64_t dim) { return type.getDimSize(dim); });
  return RankedTensorType::get(shape, type.getElementType());
}

LayoutConverter::LayoutConverter() {
  addConversion([](Type type) { return type; });
  addConversion([](RankedTensorType type) -> Type { return getMemoryType(type); });
  auto cast = [](OpBuilder &b, Type type, ValueRange inputs, Location loc) -> Value {
    return UnrealizedConversionCastOp::create(b, loc, type, inputs).getResult(0);
  };
  addSourceMaterialization(cast);
  addTargetMaterialization(cast);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Tensor ai::emptyTensor(ImplicitLocOpBuilder &b, RankedTensorType type) {
  RankedTensorType memory = getMemoryType(type);
  return {tensor::EmptyOp::create(b, memory.getShape(), memory.getElementType()), type};
}

Tensor ai::filledTensor(ImplicitLocOpBuilder &b, RankedTensorType type, double value) {
  Value scalar = scalar::constant(b, type.getElementType(), value);
  auto fill = linalg::FillOp::create(b, scalar, emptyTensor(b, type).memory);
  return {fill.getResult(0), type};
}

//===----------------------------------------------------------------------===//
// Nest
//===----------------------------------------------------------------------===//

Indices Nest::loops(int64_t count) {
  Indices result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(loop());
  return result;
}

Nest::Access Nest::getAccess(const Tensor &tensor, const Indices &indices) {
  assert(tensor.rank() == static_cast<int64_t>(indices.size()) && "one index per dimension");
  Access access{tensor.memory, {}, std::nullopt};
  for (int64_t dim : getMemoryOrder(tensor.type))
    access.indices.push_back(indices[dim]);
  if (getLaneDim(tensor.type) && isa<AffineDimExpr>(access.indices.back()))
    access.lane = access.indices.back();
  return access;
}

void Nest::in(const Tensor &tensor, Indices indices) {
  inputs.push_back(getAccess(tensor, indices));
}

void Nest::out(const Tensor &tensor, Indices indices) {
  outputs.push_back(getAccess(tensor, indices));
}

void Nest::range(ArrayRef<int64_t> extents, Indices indices) {
  auto type = RankedTensorType::get(extents, b.getI1Type());
  in(emptyTensor(b, type), std::move(indices));
}

/// The dimensions of `value` in the order of the loops of the op that made it, if that is the last
/// sum before the insertion point or came after it; empty otherwise, and when some dimension is not
/// indexed by a loop of its own.
static SmallVector<unsigned> getProducerOrder(ImplicitLocOpBuilder &b, Value value) {
  auto producer = value.getDefiningOp<linalg::GenericOp>();
  if (!producer || producer->getBlock() != b.getInsertionBlock())
    return {};
  auto point = b.getInsertionPoint();
  while (point != b.getInsertionBlock()->begin() && &*--point != producer.getOperation())
    if (auto other = dyn_cast<linalg::GenericOp>(*point); other && other.getNumReductionLoops() > 0)
      return {};
  AffineMap map = producer.getIndexingMapMatchingResult(cast<OpResult>(value));
  SmallVector<unsigned> order;
  for (unsigned loop = 0; loop < map.getNumDims(); ++loop)
    if (auto position = map.getResultPosition(getAffineDimExpr(loop, map.getContext())))
      order.push_back(*position);
  return order;
}

Indices Nest::defaultOrder() const {
  const Access &result = outputs.front();
  SmallVector<unsigned> dims;
  // Without lanes the last loop has to stay last, and nothing is gained.
  if (result.lane)
    for (const Access &input : inputs)
      if (dims.empty() && input.indices == result.indices)
        dims = getProducerOrder(b, input.memory);
  Indices order;
  auto add = [&](AffineExpr index) {
    if (isa<AffineDimExpr>(index) && !llvm::is_contained(order, index))
      order.push_back(index);
  };
  for (unsigned dim : dims)
    add(result.indices[dim]);
  for (AffineExpr index : result.indices)
    add(index);
  for (unsigned loop = 0; loop < numLoops; ++loop)
    add(getAffineDimExpr(loop, b.getContext()));
  return order;
}

/// Removes the inputs that are splat constants, and returns their values in the place of each input
/// (null for those that stay). An input stays if it alone gives a loop its range.
SmallVector<Attribute> Nest::takeSplats() {
  SmallVector<Attribute> splats;
  SmallVector<Access> kept;
  for (unsigned i = 0; i < inputs.size(); ++i) {
    const Access &input = inputs[i];
    DenseElementsAttr constant;
    SplatElementsAttr splat;
    if (matchPattern(input.memory, m_Constant(&constant)))
      splat = dyn_cast<SplatElementsAttr>(constant);
    bool needed = llvm::any_of(input.indices, [&](AffineExpr index) {
      auto hasIndex = [&](const Access &other) { return llvm::is_contained(other.indices, index); };
      return isa<AffineDimExpr>(index) && llvm::none_of(outputs, hasIndex) &&
             llvm::none_of(kept, hasIndex) &&
             llvm::none_of(ArrayRef(inputs).drop_front(i + 1), hasIndex);
    });
    bool taken = splat && !needed;
    splats.push_back(taken ? splat.getSplatValue<Attribute>() : Attribute());
    if (!taken)
      kept.push_back(input);
  }
  inputs = std::move(kept);
  return splats;
}

AffineMap Nest::getMap(const Access &access) const {
  Indices results = llvm::map_to_vector(
      access.indices, [&](AffineExpr index) { return index.replaceDims(renumbered); });
  return AffineMap::get(numLoops, 0, results, b.getContext());
}

SmallVector<Value> Nest::build(Body body) { return build(defaultOrder(), body); }

SmallVector<Value> Nest::build(Indices order, Body body, bool isLaneInPlace) {
  assert(order.size() == numLoops && "each loop has one place in the order");
  if (std::optional<AffineExpr> lane = outputs.front().lane; lane && !isLaneInPlace) {
    llvm::erase(order, *lane);
    order.push_back(*lane);
  }
  renumbered.resize(numLoops);
  for (auto [i, loop] : llvm::enumerate(order))
    renumbered[cast<AffineDimExpr>(loop).getPosition()] = getAffineDimExpr(i, b.getContext());

  SmallVector<Attribute> splats = takeSplats();
  SmallVector<AffineMap> maps;
  SmallVector<Value> ins, outs;
  for (const Access &access : inputs) {
    maps.push_back(getMap(access));
    ins.push_back(access.memory);
  }
  for (const Access &access : outputs) {
    maps.push_back(getMap(access));
    outs.push_back(access.memory);
  }
  // A loop that is an index of every output, but for an offset, is parallel; all others visit an
  // element of some output more than once or (a scatter) are not known not to.
  SmallVector<utils::IteratorType> iterators;
  for (unsigned loop = 0; loop < numLoops; ++loop) {
    bool parallel = llvm::all_of(ArrayRef(maps).drop_front(ins.size()), [&](AffineMap map) {
      return llvm::any_of(map.getResults(), [&](AffineExpr index) {
        AffineExpr offset = index - getAffineDimExpr(loop, b.getContext());
        return isa<AffineConstantExpr>(simplifyAffineExpr(offset, numLoops, 0));
      });
    });
    iterators.push_back(parallel ? utils::IteratorType::parallel : utils::IteratorType::reduction);
  }

  auto generic = linalg::GenericOp::create(
      b, ValueRange(outs).getTypes(), ins, outs, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        ImplicitLocOpBuilder inner(loc, nested);
        SmallVector<Value> elements;
        for (Attribute splat : splats) {
          if (splat) {
            elements.push_back(arith::ConstantOp::create(inner, cast<TypedAttr>(splat)));
            continue;
          }
          elements.push_back(arguments.front());
          arguments = arguments.drop_front();
        }
        llvm::append_range(elements, arguments);
        linalg::YieldOp::create(inner, body(inner, elements));
      });
  return generic.getResults();
}

Value Nest::index(ImplicitLocOpBuilder &b, AffineExpr loop) const {
  AffineExpr position = renumbered[cast<AffineDimExpr>(loop).getPosition()];
  return linalg::IndexOp::create(b, cast<AffineDimExpr>(position).getPosition());
}
