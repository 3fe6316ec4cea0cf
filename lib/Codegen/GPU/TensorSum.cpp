#include "TensorSum.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace ai;

TensorSum::TensorSum(const ThreadMapping &mapping, const TensorTile &tile, LinalgNest &nest,
                     Value number)
    : mapping(mapping), tile(tile), nest(nest), b(nest.b), loc(nest.loc), threadNumber(number),
      lane(b.getAffineDimExpr(0) % kWarp), group(lane.floorDiv(4)), inGroup(lane % 4) {}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// One of the digits of the warp's number.
AffineExpr TensorSum::number(int64_t divisor, int64_t extent) {
  return b.getAffineDimExpr(0).floorDiv(kWarp).floorDiv(divisor) % extent;
}

/// A thread has a row in either half of a tile.
AffineExpr TensorSum::rowOf(int64_t half) {
  return number(tile.columnTiles(), tile.rowTiles()) * TensorTile::kHeight + group + 8 * half;
}

/// A column of tile `at` of those side by side.
AffineExpr TensorSum::columnOf(int64_t at, AffineExpr inTile) {
  return (number(1, tile.columnTiles()) * tile.width + at) * TensorTile::kWidth + inTile;
}

/// The coordinates that a number counts.
void TensorSum::split(AffineExpr expr, ArrayRef<unsigned> positions,
                      MutableArrayRef<AffineExpr> point) {
  for (unsigned position : llvm::reverse(positions)) {
    int64_t size = mapping.coordinates[position].size;
    bool isFirst = position == positions.front();
    point[position] = isFirst ? expr : expr % size;
    expr = expr.floorDiv(size);
  }
}

SmallVector<AffineExpr> TensorSum::pointOf(int64_t i) {
  SmallVector<AffineExpr> point(mapping.coordinates.size());
  split(number(tile.columnTiles() * tile.rowTiles(), tile.numProducts), tile.products, point);
  split(rowOf(i % 4 / 2), tile.rows, point);
  split(columnOf(i / 4, inGroup * 2 + i % 2), tile.columns, point);
  return point;
}

IntegerSet TensorSum::conditionOf(int64_t i) {
  SmallVector<AffineExpr> conditions;
  if (tile.numRows % TensorTile::kHeight != 0)
    conditions.push_back(tile.numRows - 1 - rowOf(i % 4 / 2));
  if (tile.numColumns % (TensorTile::kWidth * tile.width) != 0)
    conditions.push_back(tile.numColumns - 1 - columnOf(i / 4, inGroup * 2 + i % 2));
  if (conditions.empty())
    return {};
  return IntegerSet::get(1, 0, conditions, SmallVector<bool>(conditions.size(), false));
}

Value TensorSum::apply(AffineExpr expr, ValueRange operands) {
  return affine::AffineApplyOp::create(b, loc, AffineMap::get(operands.size(), 0, expr), operands);
}

Value TensorSum::atMost(Value value, int64_t last) {
  return arith::MinSIOp::create(b, loc, value, arith::ConstantIndexOp::create(b, loc, last));
}

/// Lines behind the last one are the last one once more: what comes of them is nobody's.
TensorSum::Line TensorSum::lineOf(OpOperand *operand, AffineExpr expr, int64_t count,
                                  int64_t extent, ArrayRef<unsigned> positions) {
  Line line{operand, {}};
  Value at = apply(expr, threadNumber);
  if (extent % count != 0)
    at = atMost(at, extent - 1);
  SmallVector<AffineExpr> point(mapping.coordinates.size());
  split(b.getAffineDimExpr(0), positions, point);
  for (unsigned position : positions)
    line.coordinates.push_back({&mapping.coordinates[position], apply(point[position], at)});
  split(number(tile.columnTiles() * tile.rowTiles(), tile.numProducts), tile.products, point);
  for (unsigned position : tile.products)
    line.coordinates.push_back(
        {&mapping.coordinates[position], apply(point[position], threadNumber)});
  return line;
}

/// What a thread has of the terms from `step` on.
SmallVector<TensorSum::Term> TensorSum::termsOf(Value step) {
  int64_t count = 1;
  for (unsigned dim : tile.inner)
    count *= nest.sizes[dim];
  AffineExpr first = b.getAffineDimExpr(1);
  bool isPair = tile.precision == Precision::BF16; // of a register
  SmallVector<Term> terms;
  for (int64_t i = 0; i < tile.depth / 4; ++i) {
    AffineExpr expr = isPair ? first + inGroup * 2 + i / 2 * 8 + i % 2 : first + inGroup + i * 4;
    Value at = apply(expr, {threadNumber, step});
    Term term;
    if (count % tile.depth != 0) {
      Value end = arith::ConstantIndexOp::create(b, loc, count);
      term.isThere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, at, end);
      at = atMost(at, count - 1);
    }
    AffineExpr rest = b.getAffineDimExpr(0);
    for (unsigned dim : llvm::reverse(tile.inner)) {
      bool isFirst = dim == tile.inner.front();
      term.indices.push_back({dim, apply(isFirst ? rest : rest % nest.sizes[dim], at)});
      rest = rest.floorDiv(nest.sizes[dim]);
    }
    terms.push_back(term);
  }
  return terms;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// A factor of a term; zero if the term is not there, or does not reach the element. A zero times
/// what the other factor is there, an element of its memory, adds nothing unless that is infinite.
Value TensorSum::load(const Line &line, const Term &term) {
  Value isThere = term.isThere;
  auto require = [&](AffineExpr expr, arith::CmpIPredicate predicate, int64_t bound,
                     ValueRange operands) {
    Value holds = arith::CmpIOp::create(b, loc, predicate, apply(expr, operands),
                                        arith::ConstantIndexOp::create(b, loc, bound));
    isThere = isThere ? arith::AndIOp::create(b, loc, isThere, holds).getResult() : holds;
  };
  SmallVector<Value> indices(nest.indices);
  for (auto [dim, value] : term.indices)
    indices[dim] = value;
  for (auto [coordinate, value] : line.coordinates)
    if (!coordinate->isGathered)
      indices[coordinate->dim] = value;
  for (auto [coordinate, value] : line.coordinates) {
    if (!coordinate->isGathered)
      continue;
    SmallVector<Value> operands(indices);
    operands.push_back(value);
    AffineExpr reached = b.getAffineDimExpr(indices.size()) - coordinate->rest;
    int64_t last = mapping.sizes[coordinate->dim] - 1;
    require(reached, arith::CmpIPredicate::sge, 0, operands);
    require(reached, arith::CmpIPredicate::sle, last * coordinate->factor, operands);
    if (coordinate->factor != 1)
      require(reached % coordinate->factor, arith::CmpIPredicate::eq, 0, operands);
    Value index = atMost(apply(reached.floorDiv(coordinate->factor), operands), last);
    indices[coordinate->dim] =
        arith::MaxSIOp::create(b, loc, index, arith::ConstantIndexOp::create(b, loc, 0));
  }
  SmallVector<Value> place;
  for (AffineExpr expr : nest.mapOf(*line.operand).getResults())
    place.push_back(apply(expr, indices));
  Value value = memref::LoadOp::create(b, loc, line.operand->get(), place);
  if (!isThere)
    return value;
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  return arith::SelectOp::create(b, loc, isThere, value, zero);
}

/// The registers that a thread hands in, rounded: those of the lines for the first half of the
/// terms, then for the second.
SmallVector<Value> TensorSum::fragmentOf(ArrayRef<Line> lines, ArrayRef<Term> terms) {
  SmallVector<Value> registers;
  for (ArrayRef<Term> half :
       {terms.take_front(terms.size() / 2), terms.drop_front(terms.size() / 2)})
    for (const Line &line : lines) {
      Value low = load(line, half[0]);
      if (tile.precision == Precision::TF32) {
        registers.push_back(NVVM::ConvertFloatToTF32Op::create(b, loc, b.getI32Type(), low,
                                                               NVVM::FPRoundingMode::RNA));
        continue;
      }
      Value pair = NVVM::ConvertF32x2ToBF16x2Op::create(
          b, loc, VectorType::get({2}, b.getBF16Type()), load(line, half[1]), low,
          /*random_bits=*/Value(), NVVM::FPRoundingMode::RN);
      registers.push_back(LLVM::BitcastOp::create(b, loc, b.getI32Type(), pair));
    }
  return registers;
}

LinalgNest::Carried TensorSum::multiply(ArrayRef<Value> lhs, ArrayRef<Value> rhs, ValueRange sums) {
  SmallVector<Type> types(4, b.getF32Type());
  auto type = tile.precision == Precision::TF32 ? NVVM::MMATypes::tf32 : NVVM::MMATypes::bf16;
  Value product = NVVM::MmaOp::create(
      b, loc, LLVM::LLVMStructType::getLiteral(b.getContext(), types), lhs, rhs, sums,
      {TensorTile::kHeight, TensorTile::kWidth, tile.depth}, /*b1Op=*/std::nullopt,
      /*intOverflow=*/std::nullopt, std::array<NVVM::MMATypes, 2>{type, type},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  LinalgNest::Carried results;
  for (int64_t i = 0; i < 4; ++i)
    results.push_back(LLVM::ExtractValueOp::create(b, loc, product, ArrayRef<int64_t>{i}));
  return results;
}

LinalgNest::Carried TensorSum::write(LinalgNest::Carried elements) {
  SmallVector<Line> rows, columns;
  for (int64_t half = 0; half < 2; ++half)
    rows.push_back(lineOf(tile.lhs, rowOf(half), TensorTile::kHeight, tile.numRows, tile.rows));
  for (int64_t at = 0; at < tile.width; ++at)
    columns.push_back(lineOf(tile.rhs, columnOf(at, group), TensorTile::kWidth * tile.width,
                             tile.numColumns, tile.columns));
  int64_t count = 1;
  for (unsigned dim : tile.inner)
    count *= nest.sizes[dim];
  // What is counted by terms is the outermost loop: where a term is in memory is found once, and
  // the other loops add constants to it.
  auto loop = affine::AffineForOp::create(b, loc, 0, count, tile.depth, elements);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Term> terms = termsOf(loop.getInductionVar());
  LinalgNest::Carried sums(loop.getRegionIterArgs());
  sums = nest.makeLoops(tile.outer, sums, [&](LinalgNest::Carried sums) {
    SmallVector<Value> lhs = fragmentOf(rows, terms);
    LinalgNest::Carried next;
    for (auto [i, column] : llvm::enumerate(columns))
      llvm::append_range(
          next, multiply(lhs, fragmentOf(column, terms), ValueRange(sums).slice(4 * i, 4)));
    return next;
  });
  affine::AffineYieldOp::create(b, loc, sums);
  return LinalgNest::Carried(loop.getResults());
}
