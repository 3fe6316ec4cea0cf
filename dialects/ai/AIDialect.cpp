// Registration of the `ai` dialect.

#include "dialects/ai/AIDialect.h"

#include "dialects/ai/AIAssembly.h"
#include "dialects/ai/TypeInference.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace ai;

// Real numbers in attributes, as `lr = 0.1`.
namespace ai {
static FailureOr<APFloat> parseReal(AsmParser &parser) {
  double value;
  if (failed(parser.parseFloat(value)))
    return failure();
  return APFloat(value);
}

/// Prints the fewest digits that are read back as the same number; upstream's printer writes 0.7 as
/// 0.69999999999999996.
static void printReal(AsmPrinter &printer, const APFloat &value) {
  std::string text;
  for (int digits = 1; digits <= 17; ++digits) {
    text.clear();
    llvm::raw_string_ostream(text) << llvm::format("%.*g", digits, value.convertToDouble());
    if (std::stod(text) == value.convertToDouble())
      break;
  }
  if (!StringRef(text).contains('.'))
    text.insert(std::min(text.find('e'), text.size()), ".0");
  printer << text;
}
} // namespace ai

#include "dialects/ai/AIDialect.cpp.inc"
#include "dialects/ai/AIEnums.cpp.inc"
#include "dialects/ai/AIInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/ai/AIAttributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/ai/AIOps.cpp.inc"

void AIDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/ai/AIAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/ai/AIOps.cpp.inc"
      >();
}

Operation *AIDialect::materializeConstant(OpBuilder &b, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getShapedType() != type)
    return nullptr;
  return ConstantOp::create(b, loc, type, elements);
}
