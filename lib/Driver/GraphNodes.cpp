// The graph of a model that its program carries, for TensorBoard.

#include "ai/Pipelines/Stages.h"
#include "dialects/ai/AIDialect.h"
#include "lib/Driver/Graph.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ai;

namespace {
class NodeLister {
public:
  std::vector<std::string> list(ModelOp model);

private:
  void add(const std::string &name, StringRef op, Type type, ValueRange inputs = {});
  void add(Operation &op);
  std::string uniqueName(StringRef owner, StringRef kind);

  std::vector<std::string> nodes;
  DenseMap<Value, std::string> names;
  llvm::StringSet<> taken;
};
} // namespace

/// Parts of a name are scopes; other characters than TensorFlow allows become one that it does.
static std::string scopedName(StringRef name) {
  std::string result = name.empty() ? "_" : name.str();
  for (char &c : result)
    if (c == '.')
      c = '/';
    else if (!llvm::isAlnum(c) && !StringRef("_-/").contains(c))
      c = '_';
  return result;
}

static std::string shapeOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() == 0)
    return "scalar";
  return llvm::join(llvm::map_range(tensor.getShape(),
                                    [](int64_t extent) {
                                      return ShapedType::isDynamic(extent) ? std::string("?")
                                                                           : std::to_string(extent);
                                    }),
                    "x");
}

/// "conv1/conv2d"; the second one is "conv1/conv2d_1".
std::string NodeLister::uniqueName(StringRef owner, StringRef kind) {
  std::string stem = (owner.empty() ? "" : scopedName(owner) + "/") + scopedName(kind);
  std::string name = stem;
  for (int64_t i = 1; !taken.insert(name).second; ++i)
    name = stem + "_" + std::to_string(i);
  return name;
}

void NodeLister::add(const std::string &name, StringRef op, Type type, ValueRange inputs) {
  std::string node = name + " " + op.str() + " " + shapeOf(type);
  for (Value input : inputs)
    node += " " + names.lookup(input);
  nodes.push_back(node);
}

void NodeLister::add(Operation &op) {
  bool isOutput = op.hasTrait<OpTrait::IsTerminator>();
  auto parameter = dyn_cast<ParameterOp>(op);
  std::string name = parameter  ? scopedName(parameter.getName())
                     : isOutput ? uniqueName("", "output")
                                : uniqueName(ownerOf(&op), op.getName().stripDialect());
  for (auto [i, result] : llvm::enumerate(op.getResults()))
    names[result] = i ? name + ":" + std::to_string(i) : name;
  if (parameter && !taken.insert(name).second) // declared before
    return;
  Type type = isOutput ? op.getOperand(0).getType() : op.getResult(0).getType();
  add(name, op.getName().getStringRef(), type, op.getOperands());
}

std::vector<std::string> NodeLister::list(ModelOp model) {
  for (BlockArgument argument : model.getBody().getArguments()) {
    names[argument] = uniqueName("", "input");
    add(names[argument], "input", argument.getType());
  }
  for (Operation &op : model.getBody().front())
    if (op.getNumResults() || op.hasTrait<OpTrait::IsTerminator>())
      add(op);
  return std::move(nodes);
}

std::vector<std::string> ai::listNodes(ModuleOp module) {
  auto recipes = module.getOps<TrainOp>();
  if (recipes.empty())
    return {};
  OwningOpRef<ModuleOp> copy = module.clone();
  ScopedDiagnosticHandler silent(module.getContext(), [](Diagnostic &) { return success(); });
  PassManager pm(module.getContext());
  buildStage(pm, *findStage("shaped"), {});
  if (failed(pm.run(*copy)))
    return {};
  auto model = copy->lookupSymbol<ModelOp>((*recipes.begin()).getModel());
  return model ? NodeLister().list(model) : std::vector<std::string>();
}
