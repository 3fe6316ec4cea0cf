// What ODS cannot say of ai.for_blocks: its regions see as many rows of every operand as
// they should.

#include "dialects/ai/AIDialect.h"

using namespace mlir;
using namespace ai;

static bool isRowsOf(Type rows, Type whole, int64_t size) {
  auto block = dyn_cast<RankedTensorType>(rows);
  auto batch = cast<RankedTensorType>(whole);
  return block && block.getRank() == batch.getRank() && block.getRank() > 0 &&
         block.getDimSize(0) == size && block.getElementType() == batch.getElementType() &&
         block.getShape().drop_front() == batch.getShape().drop_front();
}

/// Checks a region that sees `size` rows of every operand.
static LogicalResult verifyRegion(ForBlocksOp op, Block &body, int64_t size) {
  auto scalar = RankedTensorType::get({}, IntegerType::get(op.getContext(), 64));
  if (body.getNumArguments() != op.getBatched().size() + 1 ||
      body.getArgument(0).getType() != scalar)
    return op.emitOpError("expects a region on tensor<i64> and one block of rows for each of its ")
           << op.getBatched().size() << " operands, got " << body.getNumArguments() << " arguments";
  for (auto [rows, whole] : llvm::zip(body.getArguments().drop_front(), op.getBatched()))
    if (!isRowsOf(rows.getType(), whole.getType(), size))
      return op.emitOpError("expects ")
             << size << (size == 1 ? " row of " : " rows of ") << whole.getType()
             << " in its region, got " << rows.getType();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != op.getNumResults())
    return op.emitOpError("expects its region to yield one value for each of its ")
           << op.getNumResults() << " results";
  for (auto [value, result] : llvm::zip(yield.getOperands(), op.getResults())) {
    bool joined = isBatched(result.getType());
    if (joined ? !isRowsOf(value.getType(), result.getType(), size)
               : value.getType() != result.getType())
      return op.emitOpError("expects to yield ")
             << (joined ? "rows of " : "") << result.getType() << ", got " << value.getType();
  }
  return success();
}

LogicalResult ForBlocksOp::verify() {
  if (getMostRest().has_value() == getRest().empty())
    return emitOpError("expects most_rest and a region for the rest together");
  if (getMostRest() && getMostRest() >= getSize())
    return emitOpError("expects a rest of less than ")
           << getSize() << " rows, got " << *getMostRest();
  if (failed(verifyRegion(*this, getBody().front(), getSize())))
    return failure();
  return getMostRest() ? verifyRegion(*this, getRest().front(), /*size=*/1) : success();
}
