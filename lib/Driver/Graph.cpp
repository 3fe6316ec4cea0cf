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

StringRef ai::nameOf(Value value) {
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

std::string ai::ownerOf(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return name.getName().str();
  for (Value operand : op->getOperands())
    if (auto [layer, rest] = nameOf(operand).rsplit('.'); !rest.empty())
      return layer.str();
  return "";
}

namespace {
class GraphMaker {
public:
  GraphMaker(ModuleOp module) { graph.name = module.getName().value_or("module").str(); }
  StageGraph make(ModuleOp module);

private:
  std::unique_ptr<StageGraph::Cluster> addRegion(Region &region, const std::string &title);
  void addOperation(Operation &op, StageGraph::Cluster &cluster);
  int64_t addNode(ArrayRef<std::string> lines, StageGraph::Kind kind, StageGraph::Cluster &cluster);
  int64_t nodeOf(Value value);

  StageGraph graph;
  DenseMap<Operation *, int64_t> operations;
  DenseMap<Value, int64_t> arguments;
};
} // namespace

int64_t GraphMaker::addNode(ArrayRef<std::string> lines, StageGraph::Kind kind,
                            StageGraph::Cluster &cluster) {
  int64_t node = graph.nodes.size();
  graph.nodes.push_back({{}, kind, {}});
  for (const std::string &line : lines)
    if (!line.empty())
      graph.nodes.back().lines.push_back(line);
  cluster.items.push_back({node, nullptr});
  return node;
}

/// Results of an operation with a region are what the region yields.
int64_t GraphMaker::nodeOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return arguments.lookup(value);
  if (op->getNumRegions() && !op->getRegion(0).empty())
    op = op->getRegion(0).front().getTerminator();
  return operations.lookup(op);
}

void GraphMaker::addOperation(Operation &op, StageGraph::Cluster &cluster) {
  std::string name = op.getName().getStringRef().str(), owner = ownerOf(&op);
  std::string results = llvm::join(llvm::map_range(op.getResultTypes(), shapeOf), ", ");
  bool isFrame = op.getNumRegions() || op.hasTrait<OpTrait::IsTerminator>();
  int64_t node;
  if (auto parameter = dyn_cast<ParameterOp>(op))
    node = addNode({parameter.getName().str(), results}, StageGraph::Kind::Value, cluster);
  else if (isFrame)
    node = addNode({name}, StageGraph::Kind::Frame, cluster);
  else
    node = addNode({name, owner, results},
                   StringRef(owner).starts_with("d ") ? StageGraph::Kind::Gradient
                                                      : StageGraph::Kind::Operation,
                   cluster);
  operations[&op] = node;
  for (Value operand : op.getOperands())
    graph.nodes[node].operands.push_back({nodeOf(operand), shapeOf(operand.getType())});
  for (Region &region : op.getRegions())
    if (!region.empty())
      cluster.items.push_back({-1, addRegion(region, name)});
}

std::unique_ptr<StageGraph::Cluster> GraphMaker::addRegion(Region &region,
                                                           const std::string &title) {
  auto cluster = std::make_unique<StageGraph::Cluster>();
  cluster->title = title;
  auto owner = operations.find(region.getParentOp());
  for (BlockArgument argument : region.getArguments()) {
    if (argument.use_empty())
      continue;
    int64_t node = addNode({nameOf(argument).str(), shapeOf(argument.getType())},
                           StageGraph::Kind::Value, *cluster);
    arguments[argument] = node;
    if (owner != operations.end())
      graph.nodes[node].operands.push_back({owner->second, ""});
  }
  for (Operation &op : region.front())
    addOperation(op, *cluster);
  return cluster;
}

StageGraph GraphMaker::make(ModuleOp module) {
  // A variant of a step for small batches has the step's graph.
  for (Operation &op : module.getOps())
    if (auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
        name && !op.hasAttr("ai.most_samples"))
      for (Region &region : op.getRegions())
        if (!region.empty())
          graph.functions.push_back(addRegion(region, "@" + name.str()));
  return std::move(graph);
}

StageGraph ai::makeGraph(ModuleOp module) { return GraphMaker(module).make(module); }

namespace {
class DotPrinter {
public:
  DotPrinter(const StageGraph &graph, raw_ostream &os) : graph(graph), os(os) {}
  void print();

private:
  void print(const StageGraph::Cluster &cluster);
  void print(int64_t node);
  raw_ostream &line() { return os.indent(2 * depth); }

  const StageGraph &graph;
  raw_ostream &os;
  int64_t numClusters = 0;
  int depth = 1;
};
} // namespace

void DotPrinter::print(int64_t number) {
  const StageGraph::Node &node = graph.nodes[number];
  line() << "n" << number << " [label=\""
         << llvm::join(llvm::map_range(node.lines, llvm::DOT::EscapeString), "\\n")
         << "\", shape=" << (node.kind == StageGraph::Kind::Value ? "ellipse" : "box") << "];\n";
  for (const StageGraph::Edge &edge : node.operands) {
    line() << "n" << edge.from << " -> n" << number;
    if (edge.type.empty())
      os << " [style=dashed];\n";
    else
      os << " [label=\"" << llvm::DOT::EscapeString(edge.type) << "\"];\n";
  }
}

void DotPrinter::print(const StageGraph::Cluster &cluster) {
  line() << "subgraph cluster" << numClusters++ << " {\n";
  ++depth;
  line() << "label=\"" << llvm::DOT::EscapeString(cluster.title) << "\";\n";
  for (const StageGraph::Cluster::Item &item : cluster.items)
    item.cluster ? print(*item.cluster) : print(item.node);
  --depth;
  line() << "}\n";
}

void DotPrinter::print() {
  os << "digraph \"" << llvm::DOT::EscapeString(graph.name) << "\" {\n";
  for (const auto &function : graph.functions)
    print(*function);
  os << "}\n";
}

void ai::printDot(const StageGraph &graph, raw_ostream &os) { DotPrinter(graph, os).print(); }
