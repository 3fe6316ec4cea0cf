// Elementwise ops whose lane is no lane of some operands: squares of those are transposed in
// registers.

#include "lib/Codegen/LaneStrategies.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ai;

/// The rows of the largest square must fit into the registers; scalar code does as well as the
/// smallest one.
static constexpr int64_t kMaxSide = 16, kMinSide = 4;

std::optional<Tiling> ai::findTiling(LinalgNest &nest, int64_t width) {
  auto lastIndex = [&](OpOperand &operand) -> std::optional<unsigned> {
    for (unsigned dim : nest.dims())
      if (nest.accessOf(operand, dim) == LaneAccess::Contiguous)
        return dim;
    return std::nullopt;
  };
  std::optional<unsigned> lane = lastIndex(*nest.op.getDpsInitOperand(0)), row;
  if (!lane || !nest.isElementwise() || !nest.lookUps().empty())
    return std::nullopt;
  SmallVector<OpOperand *> moved;
  for (OpOperand &operand : nest.op->getOpOperands()) {
    bool isResult = nest.op.isDpsInit(&operand);
    LaneAccess access = nest.accessOf(operand, *lane);
    if (access == LaneAccess::Contiguous || (access == LaneAccess::Uniform && !isResult))
      continue;
    if (!row)
      row = lastIndex(operand);
    if (isResult || !row || *row == *lane || getElementTypeOrSelf(operand.get()).isInteger(1) ||
        nest.accessOf(operand, *row) != LaneAccess::Contiguous)
      return std::nullopt;
    moved.push_back(&operand);
  }
  if (!row)
    return std::nullopt;
  if (std::min(nest.sizes[*lane], nest.sizes[*row]) < kMinSide || width < kMinSide)
    return std::nullopt;
  return Tiling{*lane, *row, std::min(width, kMaxSide), nest.mayMask(*lane, moved), moved};
}

/// Transposes a square: zipping row i with row i + n/2, log2(n) times over.
static SmallVector<Value> transpose(LinalgNest &nest, SmallVector<Value> rows) {
  int64_t n = rows.size();
  SmallVector<int64_t> zip;
  for (int64_t i = 0; i < n; ++i)
    zip.append({i, n + i});
  ArrayRef<int64_t> low = ArrayRef(zip).take_front(n), high = ArrayRef(zip).take_back(n);
  for (int64_t stage = n; stage > 1; stage /= 2) {
    SmallVector<Value> zipped;
    for (int64_t i = 0; i < n / 2; ++i)
      for (ArrayRef<int64_t> half : {low, high})
        zipped.push_back(
            vector::ShuffleOp::create(nest.b, nest.loc, rows[i], rows[i + n / 2], half));
    rows = zipped;
  }
  return rows;
}

/// How many of `side` iterations of `dim` there are.
static int64_t countInside(const LinalgNest &nest, unsigned dim, int64_t side) {
  return std::min(side, nest.ranges[dim].end - nest.ranges[dim].begin);
}

/// One square at the current indices: its moved operands are transposed, then the body runs once
/// per row. At the ends some rows and elements may not be there.
static void makeSquare(LinalgNest &nest, const Tiling &tiling, int64_t side) {
  Value firstLane = nest.indices[tiling.lane], firstRow = nest.indices[tiling.row];
  int64_t numLanes = countInside(nest, tiling.lane, side);
  int64_t numRows = countInside(nest, tiling.row, side);
  DenseMap<OpOperand *, SmallVector<Value>> transposed;
  for (OpOperand *operand : tiling.moved) {
    SmallVector<Value> rows;
    for (int64_t i = 0; i < numLanes; ++i) {
      nest.indices[tiling.lane] = nest.shift(firstLane, i);
      rows.push_back(nest.read(*operand, {tiling.row, side}));
    }
    if (numLanes < side)
      rows.resize(side, ub::PoisonOp::create(nest.b, nest.loc, rows.front().getType()));
    transposed[operand] = transpose(nest, rows);
  }
  nest.indices[tiling.lane] = firstLane;
  for (int64_t i = 0; i < numRows; ++i) {
    nest.indices[tiling.row] = nest.shift(firstRow, i);
    Lane lane{tiling.lane, side};
    nest.makePoint(lane, [&](OpOperand &operand) {
      auto rows = transposed.find(&operand);
      return rows != transposed.end() ? rows->second[i] : nest.read(operand, lane);
    });
  }
}

/// Cuts an extent into steps of `side`, the rest into steps of half of it, and so on; what is left
/// is scalar. With masks the rest is one step.
static SmallVector<LoopRange> cutIntoSides(int64_t extent, int64_t side, bool isMasked) {
  int64_t whole = extent / side * side;
  if (isMasked && whole < extent) {
    SmallVector<LoopRange> pieces{{whole, extent, side}};
    if (whole > 0)
      pieces.insert(pieces.begin(), {0, whole, side});
    return pieces;
  }
  SmallVector<LoopRange> pieces = cutIntoVectors(extent, side);
  llvm::erase_if(pieces, [](LoopRange piece) { return piece.step < kMinSide; });
  int64_t end = pieces.empty() ? 0 : pieces.back().end;
  if (end < extent)
    pieces.push_back({end, extent});
  return pieces;
}

void ai::makeTiles(LinalgNest &nest, const Tiling &tiling) {
  LoopRange &lanes = nest.ranges[tiling.lane], &rows = nest.ranges[tiling.row];
  unsigned square[] = {tiling.row, tiling.lane};
  nest.makeLoops(nest.dims(square), [&] {
    for (LoopRange rowPiece : cutIntoSides(nest.sizes[tiling.row], tiling.side, tiling.isMasked))
      for (LoopRange lanePiece :
           cutIntoSides(nest.sizes[tiling.lane], tiling.side, tiling.isMasked)) {
        int64_t side = std::min(rowPiece.step, lanePiece.step);
        rows = {rowPiece.begin, rowPiece.end, side};
        lanes = {lanePiece.begin, lanePiece.end, side};
        nest.makeLoops(square, [&] {
          if (side == 1)
            nest.makePoint({});
          else
            makeSquare(nest, tiling, side);
        });
      }
  });
}
