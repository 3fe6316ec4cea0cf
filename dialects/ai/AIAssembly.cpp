// Parsing and printing that ODS cannot declare: integer lists in dictionaries, and models.

#include "dialects/ai/AIAssembly.h"

#include "dialects/ai/AIDialect.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Attribute dictionaries with integer lists
//===----------------------------------------------------------------------===//

/// `[1, 2]` as a dense list; null if an entry is not an i64.
static DenseI64ArrayAttr getDenseList(ArrayAttr array) {
  SmallVector<int64_t> entries;
  for (Attribute entry : array) {
    auto integer = dyn_cast<IntegerAttr>(entry);
    if (!integer || !integer.getType().isInteger(64))
      return {};
    entries.push_back(integer.getInt());
  }
  return DenseI64ArrayAttr::get(array.getContext(), entries);
}

ParseResult ai::parseListAttrDict(OpAsmParser &parser, NamedAttrList &attributes) {
  NamedAttrList parsed;
  if (parser.parseOptionalAttrDict(parsed))
    return failure();
  for (NamedAttribute attribute : parsed) {
    auto array = dyn_cast<ArrayAttr>(attribute.getValue());
    DenseI64ArrayAttr list = array ? getDenseList(array) : DenseI64ArrayAttr();
    attributes.set(attribute.getName(), list ? Attribute(list) : attribute.getValue());
  }
  return success();
}

/// Prints the attributes that `isDefault` does not recognise.
static void printAttrDict(OpAsmPrinter &printer, DictionaryAttr attributes,
                          function_ref<bool(NamedAttribute)> isDefault) {
  SmallVector<NamedAttribute> shown;
  for (NamedAttribute attribute : attributes)
    if (!isDefault(attribute))
      shown.push_back(attribute);
  if (shown.empty())
    return;
  printer << " {";
  llvm::interleaveComma(shown, printer, [&](NamedAttribute attribute) {
    printer.printKeywordOrString(attribute.getName());
    if (isa<UnitAttr>(attribute.getValue()))
      return;
    printer << " = ";
    if (auto list = dyn_cast<DenseI64ArrayAttr>(attribute.getValue()))
      printer << '[' << list.asArrayRef() << ']';
    else
      printer << attribute.getValue();
  });
  printer << '}';
}

/// Whether the attribute is a list of `value` only.
static bool isListOf(Attribute attribute, int64_t value) {
  auto list = dyn_cast<DenseI64ArrayAttr>(attribute);
  return list && llvm::all_of(list.asArrayRef(), [&](int64_t entry) { return entry == value; });
}

void ai::printListAttrDict(OpAsmPrinter &printer, Operation *, DictionaryAttr attributes) {
  printAttrDict(printer, attributes, [](NamedAttribute) { return false; });
}

ParseResult ai::parseConvAttrDict(OpAsmParser &parser, NamedAttrList &attributes) {
  return parseListAttrDict(parser, attributes);
}

void ai::printConvAttrDict(OpAsmPrinter &printer, Operation *, DictionaryAttr attributes) {
  printAttrDict(printer, attributes, [](NamedAttribute attribute) {
    StringRef name = attribute.getName();
    return ((name == "stride" || name == "dilation") && isListOf(attribute.getValue(), 1)) ||
           (name == "padding" && isListOf(attribute.getValue(), 0));
  });
}

ParseResult ai::parsePoolAttrDict(OpAsmParser &parser, NamedAttrList &attributes) {
  if (parseListAttrDict(parser, attributes))
    return failure();
  Attribute kernel = attributes.get("kernel");
  if (kernel && !attributes.get("stride"))
    attributes.set("stride", kernel);
  return success();
}

void ai::printPoolAttrDict(OpAsmPrinter &printer, Operation *, DictionaryAttr attributes) {
  Attribute kernel = attributes.get("kernel");
  printAttrDict(printer, attributes, [&](NamedAttribute attribute) {
    StringRef name = attribute.getName();
    return (name == "stride" && attribute.getValue() == kernel) ||
           (name == "padding" && isListOf(attribute.getValue(), 0));
  });
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

ParseResult ModelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &b, ArrayRef<Type> arguments, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag,
                      std::string &) { return b.getFunctionType(arguments, results); };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false, getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void ModelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false,
                                           getFunctionTypeAttrName(), getArgAttrsAttrName(),
                                           getResAttrsAttrName());
}
