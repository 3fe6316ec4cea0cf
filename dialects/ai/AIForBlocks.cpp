// What ODS cannot say of ai.for_blocks: its region sees `size` rows of every operand.

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

LogicalResult ForBlocksOp::verify() {
  Block &body = getBody().front();
  auto scalar = RankedTensorType::get({}, IntegerType::get(getContext(), 64));
  if (body.getNumArguments() != getBatched().size() + 1 || body.getArgument(0).getType() != scalar)
    return emitOpError("expects a region on tensor<i64> and one block of rows for each of its ")
           << getBatched().size() << " operands, got " << body.getNumArguments() << " arguments";
  for (auto [rows, whole] : llvm::zip(body.getArguments().drop_front(), getBatched()))
    if (!isRowsOf(rows.getType(), whole.getType(), getSize()))
      return emitOpError("expects ") << getSize() << " rows of " << whole.getType()
                                     << " in its region, got " << rows.getType();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != getNumResults())
    return emitOpError("expects its region to yield one value for each of its ")
           << getNumResults() << " results";
  for (auto [value, result] : llvm::zip(yield.getOperands(), getResults())) {
    bool joined = isBatched(result.getType());
    if (joined ? !isRowsOf(value.getType(), result.getType(), getSize())
               : value.getType() != result.getType())
      return emitOpError("expects to yield ")
             << (joined ? "rows of " : "") << result.getType() << ", got " << value.getType();
  }
  return success();
}
