// Attributes of functions, read in one place.

#include "lib/Codegen/StepFunctions.h"

using namespace mlir;

StringRef ai::kindOf(Operation *function) {
  auto kind = function->getAttrOfType<StringAttr>("ai.kind");
  return kind ? kind.getValue() : StringRef();
}

bool ai::isBlock(Operation *function) {
  return kindOf(function) == "block" || kindOf(function) == "rest";
}

bool ai::isBehindBlocks(Operation *function) {
  return !kindOf(function).empty() && !isBlock(function);
}

bool ai::isForGrid(Operation *function) {
  return isBehindBlocks(function) || function->hasAttr("ai.grid");
}

StringRef ai::argumentText(func::FuncOp f, unsigned argument, StringRef name) {
  auto attribute = f.getArgAttrOfType<StringAttr>(argument, name);
  return attribute ? attribute.getValue() : "";
}

std::string ai::modelPlaceOf(Operation *op) {
  std::string text;
  op->getLoc()->walk([&](Location inner) {
    auto file = dyn_cast<FileLineColLoc>(inner);
    if (!file)
      return WalkResult::advance();
    text = (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()))
               .str();
    return WalkResult::interrupt();
  });
  return text;
}

int64_t ai::integerOf(Operation *op, StringRef name) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : 0;
}

int64_t ai::getMostSamples(Operation *function) { return integerOf(function, "ai.most_samples"); }

SmallVector<func::FuncOp> ai::getStepFunctions(ModuleOp module) {
  return llvm::to_vector(llvm::make_filter_range(
      module.getOps<func::FuncOp>(), [](func::FuncOp f) { return !kindOf(f).empty(); }));
}

SmallVector<memref::ViewOp> ai::getWorkspaceBuffers(func::FuncOp function) {
  auto isBuffer = [&](memref::ViewOp view) {
    auto region = dyn_cast<BlockArgument>(view.getSource());
    StringRef role =
        region ? argumentText(function, region.getArgNumber(), "ai.role") : StringRef();
    bool isForCalls = llvm::all_of(view->getUsers(), llvm::IsaPred<func::CallOp>);
    return (role == "workspace" || role == "own") && !isForCalls;
  };
  return llvm::to_vector(
      llvm::make_filter_range(function.getBody().front().getOps<memref::ViewOp>(), isBuffer));
}
