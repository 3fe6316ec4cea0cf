#include "lib/Driver/Graph.h"

#include "dialects/ai/AIDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/GraphWriter.h"

using namespace mlir;
using namespace ai;

/// `?x6x28x28xf32` of a tensor, as the type reads otherwise.
static std::string shapeOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  StringRef shape = text;
  if (shape.consume_front("tensor<"))
    shape.consume_back(">");
  return shape.str();
}

/// The name of a parameter, an input or a setting; empty for other values.
static StringRef nameOf(Value value) {
  if (auto parameter = value.getDefiningOp<ParameterOp>())
    return parameter.getName();
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return "";
  if (auto function = dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp()))
    if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "ai.name"))
      return name;
  auto name = argument.getLoc()->findInstanceOf<NameLoc>();
  return name ? name.getName().getValue() : StringRef();
}

/// What an operation belongs to: what its location names, or the layer whose parameters it takes.
static std::string ownerOf(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return name.getName().str();
  for (Value operand : op->getOperands())
    if (auto [layer, rest] = nameOf(operand).rsplit('.'); !rest.empty())
      return layer.str();
  return "";
}

namespace {
/// Writes the graph, and numbers its nodes.
class GraphPrinter {
public:
  GraphPrinter(raw_ostream &os) : os(os) {}
  void print(ModuleOp module);

private:
  void printRegion(Region &region, const std::string &title);
  void printOperation(Operation &op);
  void printNode(int64_t node, ArrayRef<std::string> lines, StringRef shape);
  void printEdge(int64_t from, int64_t to, Type type);
  int64_t nodeOf(Value value);
  raw_ostream &line() { return os.indent(2 * depth); }

  raw_ostream &os;
  DenseMap<Operation *, int64_t> operations;
  DenseMap<Value, int64_t> arguments;
  int64_t numNodes = 0, numClusters = 0;
  int depth = 0;
};
} // namespace

void GraphPrinter::printNode(int64_t node, ArrayRef<std::string> lines, StringRef shape) {
  std::string text;
  for (const std::string &part : lines)
    if (!part.empty())
      text += (text.empty() ? "" : "\\n") + llvm::DOT::EscapeString(part);
  line() << "n" << node << " [label=\"" << text << "\", shape=" << shape << "];\n";
}

void GraphPrinter::printEdge(int64_t from, int64_t to, Type type) {
  line() << "n" << from << " -> n" << to << " [label=\"" << llvm::DOT::EscapeString(shapeOf(type))
         << "\"];\n";
}

/// Results of an operation with a region are what the region yields.
int64_t GraphPrinter::nodeOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return arguments.lookup(value);
  if (op->getNumRegions() && !op->getRegion(0).empty())
    op = op->getRegion(0).front().getTerminator();
  return operations.lookup(op);
}

void GraphPrinter::printOperation(Operation &op) {
  int64_t node = operations[&op] = numNodes++;
  std::string results = llvm::join(llvm::map_range(op.getResultTypes(), shapeOf), ", ");
  if (auto parameter = dyn_cast<ParameterOp>(op))
    printNode(node, {parameter.getName().str(), results}, "ellipse");
  else if (op.getNumRegions() || op.hasTrait<OpTrait::IsTerminator>())
    printNode(node, {op.getName().getStringRef().str()}, "box");
  else
    printNode(node, {op.getName().getStringRef().str(), ownerOf(&op), results}, "box");
  for (Value operand : op.getOperands())
    printEdge(nodeOf(operand), node, operand.getType());
  for (Region &region : op.getRegions())
    if (!region.empty())
      printRegion(region, op.getName().getStringRef().str());
}

void GraphPrinter::printRegion(Region &region, const std::string &title) {
  line() << "subgraph cluster" << numClusters++ << " {\n";
  ++depth;
  line() << "label=\"" << llvm::DOT::EscapeString(title) << "\";\n";
  auto owner = operations.find(region.getParentOp());
  for (BlockArgument argument : region.getArguments()) {
    if (argument.use_empty())
      continue;
    int64_t node = arguments[argument] = numNodes++;
    printNode(node, {nameOf(argument).str(), shapeOf(argument.getType())}, "ellipse");
    if (owner != operations.end())
      line() << "n" << owner->second << " -> n" << node << " [style=dashed];\n";
  }
  for (Operation &op : region.front())
    printOperation(op);
  --depth;
  line() << "}\n";
}

void GraphPrinter::print(ModuleOp module) {
  os << "digraph \"" << llvm::DOT::EscapeString(module.getName().value_or("module").str())
     << "\" {\n";
  ++depth;
  for (Operation &op : module.getOps())
    if (auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName()))
      for (Region &region : op.getRegions())
        if (!region.empty())
          printRegion(region, "@" + name.str());
  os << "}\n";
}

void ai::printGraph(ModuleOp module, raw_ostream &os) { GraphPrinter(os).print(module); }
