#include "TensorTiles.h"
#include "lib/Codegen/LinalgNest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ai;

// What a warp's instructions cost, in cycles of one of the four schedulers of a multiprocessor
// (NVIDIA's "CUDA C++ Programming Guide", arithmetic instructions, and the A100's white paper). The
// four share one path to memory: a load of a word takes four cycles of each.
static constexpr double kMultiplyAdd = 1;
static constexpr double kLoad = 4;
static constexpr double kRound = 2;
/// 1024 multiply-adds of tf32 or 2048 of bf16.
static constexpr double kProduct = 8;
/// A quotient and a remainder by a constant.
static constexpr double kDivide = 6;
/// Where a scatter reaches an index, and whether it does.
static constexpr double kGather = 8;
/// Sums of a warp: shuffles and additions that wait for each other.
static constexpr double kExchange = 10;
/// A grid has thread blocks for as many, or leaves some idle. The A100 has 108, the H100 132.
static constexpr int64_t kMultiprocessors = 100;
/// Tiles that a warp computes side by side, at most: more sums find no room in registers.
static constexpr int64_t kMaxWidth = 4;

std::optional<Precision> ai::findPrecision(StringRef name) {
  return llvm::StringSwitch<std::optional<Precision>>(name)
      .Case("f32", Precision::F32)
      .Case("tf32", Precision::TF32)
      .Case("bf16", Precision::BF16)
      .Default(std::nullopt);
}

/// The two inputs whose product the op adds to its only result; null if it computes anything else.
/// Inputs that the body does not use tell the extent of a loop.
static std::pair<OpOperand *, OpOperand *> findFactors(linalg::LinalgOp op) {
  auto combiners = LinalgNest(op).findCombiners();
  if (op.getNumDpsInits() != 1 || !combiners || !isa<arith::AddFOp>(combiners->front()))
    return {};
  Block *body = op.getBlock();
  auto isSum = [&](Value value) { return value == op.getRegionOutputArgs().front(); };
  Operation *sum = combiners->front();
  auto product = sum->getOperand(isSum(sum->getOperand(0))).getDefiningOp<arith::MulFOp>();
  if (!product || body->getOperations().size() != 3)
    return {};
  auto findInput = [&](Value value) -> OpOperand * {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || argument.getOwner() != body || isSum(argument))
      return nullptr;
    OpOperand *input = op.getMatchingOpOperand(argument);
    auto type = dyn_cast<MemRefType>(input->get().getType());
    return type && type.getElementType().isF32() ? input : nullptr;
  };
  return {findInput(product.getLhs()), findInput(product.getRhs())};
}

/// The group's product, not cut into tiles yet.
static std::optional<TensorTile> findProduct(const ThreadGroup &group, Precision precision) {
  std::optional<size_t> sum = group.isPrivate ? std::nullopt : findOnlySequential(group);
  if (!sum)
    return std::nullopt;
  const ThreadMapping &mapping = group.ops[*sum];
  linalg::LinalgOp op = mapping.op;
  auto [lhs, rhs] = findFactors(op);
  if (!lhs || !rhs || lhs == rhs || mapping.isSequential(*op.getDpsInitsMutable().begin()))
    return std::nullopt;
  TensorTile tile;
  tile.op = *sum;
  tile.lhs = lhs;
  tile.rhs = rhs;
  tile.precision = precision;
  tile.depth = precision == Precision::BF16 ? 16 : 8;
  for (auto [i, coordinate] : llvm::enumerate(mapping.coordinates)) {
    bool isOfLhs = op.getMatchingIndexingMap(lhs).isFunctionOfDim(coordinate.dim);
    bool isOfRhs = op.getMatchingIndexingMap(rhs).isFunctionOfDim(coordinate.dim);
    if (!isOfLhs && !isOfRhs)
      return std::nullopt;
    (isOfLhs && isOfRhs ? tile.products : isOfLhs ? tile.rows : tile.columns).push_back(i);
    (isOfLhs && isOfRhs ? tile.numProducts
     : isOfLhs          ? tile.numRows
                        : tile.numColumns) *= coordinate.size;
  }
  return tile;
}

/// How often the threads of a thread block take turns; in a grid, how many of its thread blocks a
/// multiprocessor has, if it has any.
static double countTurns(int64_t threadsNeeded, int64_t threads, bool isGrid) {
  return isGrid ? std::max(1.0, double(threadsNeeded) / double(threads * kMultiprocessors))
                : double(llvm::divideCeil(threadsNeeded, threads));
}

static int64_t countIterations(const ThreadMapping &mapping, ArrayRef<unsigned> dims) {
  int64_t iterations = 1;
  for (unsigned dim : dims)
    iterations *= mapping.sizes[dim];
  return iterations;
}

/// Cycles of the product without tensor cores.
static double costOfThreads(const ThreadGroup &group, const TensorTile &tile, int64_t threads,
                            bool isGrid, std::optional<WarpSum> warpSum) {
  const ThreadMapping &mapping = group.ops[tile.op];
  linalg::LinalgOp op = mapping.op;
  int64_t loads = 0;
  for (OpOperand *operand : {tile.lhs, tile.rhs}) {
    bool isShared = group.width > 1 &&
                    !op.getMatchingIndexingMap(operand).isFunctionOfDim(group.lastOf(tile.op).dim);
    loads += isShared ? 1 : group.width;
  }
  double width = double(group.width);
  double iteration = kMultiplyAdd * width + kLoad * double(loads) +
                     kGather * double(llvm::count_if(mapping.coordinates, [](const Coordinate &c) {
                       return c.isGathered;
                     }));
  int64_t iterations = countIterations(mapping, mapping.sequential);
  if (!warpSum)
    return countTurns(group.size(), threads, isGrid) * double(iterations) * iteration;
  int64_t size = mapping.sizes[warpSum->dim];
  double turn = double(iterations / size * int64_t(llvm::divideCeil(size, kWarp))) * iteration;
  return countTurns(group.size() * kWarp, threads, isGrid) * (turn + kExchange * width);
}

/// How often the threads of a warp look, in a step, for what reaches the elements of their rows, or
/// columns: for each term, if its loop is part of the index.
static int64_t countGathers(const TensorTile &tile, const ThreadMapping &mapping,
                            ArrayRef<unsigned> positions, int64_t lines) {
  int64_t gathers = 0;
  for (unsigned position : positions) {
    const Coordinate &coordinate = mapping.coordinates[position];
    if (!coordinate.isGathered)
      continue;
    bool isOfTerms = llvm::any_of(
        tile.inner, [&](unsigned dim) { return coordinate.rest.isFunctionOfDim(dim); });
    gathers += lines * (isOfTerms ? tile.depth / 4 : 1);
  }
  return gathers;
}

/// Cycles of the product in these tiles. What is loaded is rounded, bf16 by twos.
static double costOf(const TensorTile &tile, const ThreadMapping &mapping, int64_t threads,
                     bool isGrid) {
  int64_t terms = tile.depth / 4; // of a thread's
  double loads = double(terms * (2 + tile.width));
  double rounds = tile.precision == Precision::BF16 ? loads / 2 : loads;
  double step = kLoad * loads + kRound * rounds + kProduct * double(tile.width) +
                kDivide * double(terms) * double(tile.inner.size() - 1) +
                kGather * double(countGathers(tile, mapping, tile.rows, 2) +
                                 countGathers(tile, mapping, tile.columns, tile.width));
  int64_t steps = countIterations(mapping, tile.outer) *
                  int64_t(llvm::divideCeil(countIterations(mapping, tile.inner), tile.depth));
  return countTurns(tile.numTiles() * kWarp, threads, isGrid) * double(steps) * step;
}

/// Which loops of the sum an instruction's terms may be counted by: one, or all of them.
static SmallVector<SmallVector<unsigned>> listInner(const ThreadMapping &mapping) {
  SmallVector<SmallVector<unsigned>> choices{SmallVector<unsigned>(mapping.sequential)};
  if (mapping.sequential.size() > 1)
    for (unsigned dim : llvm::reverse(mapping.sequential))
      choices.push_back({dim});
  return choices;
}

/// Calls `fn` for every way to cut the product into tiles: either operand has the rows.
static void forEachCut(const TensorTile &product, const ThreadMapping &mapping,
                       function_ref<void(const TensorTile &)> fn) {
  TensorTile turned = product;
  std::swap(turned.lhs, turned.rhs);
  std::swap(turned.rows, turned.columns);
  std::swap(turned.numRows, turned.numColumns);
  for (TensorTile tile : {product, turned})
    for (ArrayRef<unsigned> inner : listInner(mapping)) {
      tile.inner.assign(inner.begin(), inner.end());
      tile.outer = mapping.sequential;
      llvm::erase_if(tile.outer, [&](unsigned dim) { return llvm::is_contained(inner, dim); });
      int64_t tiles = llvm::divideCeil(tile.numColumns, TensorTile::kWidth);
      for (tile.width = 1; tile.width <= std::min(kMaxWidth, tiles); tile.width *= 2)
        fn(tile);
    }
}

std::optional<TensorTile> ai::findTensorTile(const ThreadGroup &group, Precision precision,
                                             int64_t threads, bool isGrid,
                                             std::optional<WarpSum> warpSum) {
  if (precision == Precision::F32 || threads % kWarp != 0)
    return std::nullopt;
  std::optional<TensorTile> product = findProduct(group, precision);
  if (!product)
    return std::nullopt;
  const ThreadMapping &mapping = group.ops[product->op];
  TensorTile best = *product;
  double least = std::numeric_limits<double>::infinity();
  forEachCut(*product, mapping, [&](const TensorTile &tile) {
    double cost = costOf(tile, mapping, threads, isGrid);
    if (cost < least && tile.numTiles() <= std::numeric_limits<int32_t>::max() / kWarp) {
      least = cost;
      best = tile;
    }
  });
  double without = costOfThreads(group, *product, threads, isGrid, warpSum);
  bool isWorth = least < without;
  StringRef who = isGrid ? "a grid" : "a thread block";
  linalg::LinalgOp(mapping.op)->emitRemark()
      << (isWorth ? "tensor cores" : "no tensor cores") << " for a product of " << best.numRows
      << " x " << countIterations(mapping, mapping.sequential) << " x " << best.numColumns
      << llvm::formatv(": {0:f0} cycles of {1} in tiles of {2} x {3} x {4}, {5:f0} without", least,
                       who, TensorTile::kHeight, TensorTile::kWidth * best.width, best.depth,
                       without)
             .str();
  return isWorth ? std::optional(best) : std::nullopt;
}
