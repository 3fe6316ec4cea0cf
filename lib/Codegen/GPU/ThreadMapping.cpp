#include "ThreadMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace ai;

ThreadMapping::ThreadMapping(linalg::LinalgOp op) : op(op), sizes(op.getStaticLoopRanges()) {
  if (!findPlain() && !findGathered())
    findOwned();
  for (unsigned dim = 0; dim < sizes.size(); ++dim)
    if (sizes[dim] != 1 && (!coordinateOf(dim) || coordinateOf(dim)->isGathered))
      sequential.push_back(dim);
  // What follows from the index is no loop of its own.
  llvm::erase_if(sequential, [&](unsigned dim) { return coordinateOf(dim) != nullptr; });
}

AffineMap ThreadMapping::mapOf(OpOperand &operand) const {
  auto linalgOp = op;
  return linalgOp.getMatchingIndexingMap(&operand);
}

const Coordinate *ThreadMapping::coordinateOf(unsigned dim) const {
  const auto *found = llvm::find_if(coordinates, [&](const Coordinate &c) { return c.dim == dim; });
  return found == coordinates.end() ? nullptr : found;
}

/// The index as a sum; none if it is not linear.
std::optional<ThreadMapping::Linear> ThreadMapping::linearOf(AffineExpr expr) const {
  Linear linear;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    linear.constant = constant.getValue();
    return linear;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    if (sizes[dim.getPosition()] != 1)
      linear.terms.push_back({dim.getPosition(), 1});
    return linear;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  auto lhs = linearOf(binary.getLHS()), rhs = linearOf(binary.getRHS());
  if (!lhs || !rhs)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Mul && rhs->terms.empty()) {
    linear.constant = lhs->constant * rhs->constant;
    for (auto [dim, factor] : lhs->terms)
      linear.terms.push_back({dim, factor * rhs->constant});
    return linear;
  }
  if (expr.getKind() != AffineExprKind::Add)
    return std::nullopt;
  lhs->constant += rhs->constant;
  llvm::append_range(lhs->terms, rhs->terms);
  return lhs;
}

/// Whether different iterations have different indices: every factor is more than what the smaller
/// ones add up to.
bool ThreadMapping::isInjective(const Linear &index) const {
  auto terms = index.terms;
  llvm::sort(terms, [](auto a, auto b) { return a.second < b.second; });
  int64_t reached = 0;
  llvm::SmallDenseSet<unsigned> seen;
  for (auto [dim, factor] : terms) {
    if (!seen.insert(dim).second || factor <= reached)
      return false;
    reached += factor * (sizes[dim] - 1);
  }
  return true;
}

void ThreadMapping::addLoops(const Linear &index) {
  auto terms = index.terms;
  llvm::sort(terms, [](auto a, auto b) { return a.second > b.second; });
  for (auto [dim, factor] : terms)
    if (!coordinateOf(dim))
      coordinates.push_back({dim, sizes[dim]});
}

/// Every result has an element for each iteration of its loops: the loops that all results have are
/// shared out.
bool ThreadMapping::findPlain() {
  std::optional<llvm::SmallSetVector<unsigned, 8>> common;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    llvm::SmallSetVector<unsigned, 8> loops;
    for (AffineExpr expr : mapOf(init).getResults()) {
      std::optional<Linear> index = linearOf(expr);
      if (!index || !isInjective(*index))
        return false;
      for (auto [dim, factor] : index->terms)
        loops.insert(dim);
    }
    if (common)
      common->remove_if([&](unsigned dim) { return !loops.contains(dim); });
    else
      common = loops;
  }
  if (!common)
    return true;
  for (AffineExpr expr : mapOf(*op.getDpsInitsMutable().begin()).getResults())
    addLoops(*linearOf(expr));
  llvm::erase_if(coordinates, [&](const Coordinate &c) { return !common->contains(c.dim); });
  return true;
}

/// Loops that add up to an index of the only result: its elements are shared out, and each gathers
/// what the loops would scatter.
bool ThreadMapping::findGathered() {
  if (op.getNumDpsInits() != 1)
    return false;
  OpOperand &init = *op.getDpsInitsMutable().begin();
  auto shape = cast<ShapedType>(init.get().getType()).getShape();
  SmallVector<Coordinate> found;
  llvm::SmallSetVector<unsigned, 8> seen;
  for (auto [expr, extent] : llvm::zip(mapOf(init).getResults(), shape)) {
    std::optional<Linear> index = linearOf(expr);
    if (!index || llvm::any_of(index->terms, [&](auto t) { return t.second <= 0; }))
      return false;
    for (auto [dim, factor] : index->terms)
      if (!seen.insert(dim))
        return false;
    if (isInjective(*index)) {
      addLoops(*index);
      found.append(coordinates.begin(), coordinates.end());
      coordinates.clear();
      continue;
    }
    auto longest = *llvm::max_element(
        index->terms, [&](auto a, auto b) { return sizes[a.first] < sizes[b.first]; });
    AffineExpr rest = expr - getAffineDimExpr(longest.first, op.getContext()) * longest.second;
    rest = simplifyAffineExpr(rest, sizes.size(), 0);
    found.push_back({longest.first, extent, true, longest.second, rest});
  }
  coordinates = found;
  return true;
}

/// The loops that index all results by themselves are shared out, all others are left to a thread.
void ThreadMapping::findOwned() {
  coordinates.clear();
  for (unsigned dim = 0; dim < sizes.size(); ++dim) {
    AffineExpr expr = getAffineDimExpr(dim, op.getContext());
    bool isIndex = llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
      return llvm::is_contained(mapOf(init).getResults(), expr);
    });
    if (sizes[dim] != 1 && isIndex)
      coordinates.push_back({dim, sizes[dim]});
  }
}

Point ThreadMapping::pointOf(OpOperand &operand) const {
  auto linalgOp = op;
  SmallVector<int64_t> point;
  auto type = dyn_cast<ShapedType>(operand.get().getType());
  if (!type)
    return std::nullopt;
  for (auto [expr, extent] : llvm::zip(mapOf(operand).getResults(), type.getShape())) {
    std::optional<Linear> index = linearOf(expr);
    if (!index)
      return std::nullopt;
    if (index->terms.empty() && extent == 1) {
      point.push_back(kFirst);
      continue;
    }
    auto *coordinate = llvm::find_if(coordinates, [&](const Coordinate &c) {
      if (c.isGathered)
        return linalgOp.isDpsInit(&operand) &&
               llvm::is_contained(llvm::make_first_range(index->terms), c.dim);
      return index->constant == 0 && index->terms.size() == 1 && index->terms[0].first == c.dim &&
             index->terms[0].second == 1;
    });
    if (coordinate == coordinates.end() || coordinate->size != extent)
      return std::nullopt;
    point.push_back(coordinate - coordinates.begin());
  }
  return point;
}

bool ThreadMapping::isSequential(OpOperand &operand) const {
  auto linalgOp = op;
  if (linalgOp.isDpsInit(&operand) &&
      llvm::any_of(coordinates, [](const Coordinate &c) { return c.isGathered; }))
    return false; // indexed by coordinates only
  return llvm::any_of(sequential, [&](unsigned d) { return mapOf(operand).isFunctionOfDim(d); });
}
