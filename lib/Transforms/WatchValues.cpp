// What the ops of a training step, or of a plain function, compute becomes results: the same model
// compiled for two targets can then be compared op by op. A step's results go where optimizer
// states go, so a program hands them out by their names like any tensor.

#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIWATCHVALUESPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace ai;

/// The op, the value's name, and the place in the model file: "conv2d %d_w (lenet.mlir:9:8)".
static std::string describe(OpResult value) {
  Operation *op = value.getOwner();
  std::string text = op->getName().stripDialect().str(), name, place;
  value.getLoc()->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner); named && name.empty())
      name = named.getName().getValue();
    if (auto file = dyn_cast<FileLineColLoc>(inner); file && place.empty())
      place = llvm::formatv("{0}:{1}:{2}", llvm::sys::path::filename(file.getFilename().getValue()),
                            file.getLine(), file.getColumn());
    return WalkResult::advance();
  });
  llvm::replace(name, ' ', '_'); // as it is printed
  if (!name.empty())
    text += " %" + name;
  if (op->getNumResults() > 1)
    text += llvm::formatv(" #{0}", value.getResultNumber());
  return place.empty() ? text : text + " (" + place + ")";
}

namespace {
class Watcher {
public:
  /// `isStep`: values are kept as states of the model.
  Watcher(func::FuncOp f, bool isStep)
      : function(f), returnOp(cast<func::ReturnOp>(f.getBody().front().getTerminator())),
        isStep(isStep), b(returnOp) {}

  /// Returns how many values became results.
  int64_t run() {
    SmallVector<Value> results(returnOp.getOperands());
    unsigned numOld = results.size();
    SmallVector<std::string> names;
    SmallVector<OpResult> values;
    for (Operation &op : function.getBody().front().without_terminator())
      llvm::copy_if(op.getResults(), std::back_inserter(values),
                    [&](OpResult value) { return isWatched(value); });
    for (auto [i, value] : llvm::enumerate(values)) {
      names.push_back(llvm::formatv("watch.{0,0+3}{1} {2}", i,
                                    isBatched(value.getType()) ? "n" : "", describe(value)));
      results.push_back(asFloat(value));
    }
    returnOp->setOperands(results);
    function.setType(
        b.getFunctionType(function.getArgumentTypes(), ValueRange(results).getTypes()));
    for (auto [i, name] : llvm::enumerate(names)) {
      function.setResultAttr(numOld + i, "ai.name", b.getStringAttr(name));
      if (isStep)
        function.setResultAttr(numOld + i, "ai.role", b.getStringAttr("state"));
    }
    return int64_t(names.size());
  }

private:
  /// Numbers of the recipe say nothing of their own, and what is a result is one already.
  bool isWatched(OpResult value) {
    return !isa<ConstantOp>(value.getOwner()) &&
           (!isStep || cast<RankedTensorType>(value.getType()).getRank() > 0) &&
           !llvm::is_contained(returnOp.getOperands(), value);
  }

  /// States are floats.
  Value asFloat(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    if (isa<FloatType>(type.getElementType()))
      return value;
    return CastOp::create(b, value.getLoc(), type.clone(b.getF32Type()), value);
  }

  func::FuncOp function;
  func::ReturnOp returnOp;
  bool isStep;
  OpBuilder b;
};

struct WatchValues final : ai::impl::AIWatchValuesPassBase<WatchValues> {
  void runOnOperation() final {
    for (auto f : getOperation().getOps<func::FuncOp>()) {
      if (f.isDeclaration())
        continue;
      bool isBatch = llvm::any_of(f.getArgumentTypes(), isBatched);
      bool isStep = isBatch && f.getName().ends_with("_train_step");
      if (isStep || !isBatch)
        numValues += Watcher(f, isStep).run();
    }
  }
};
} // namespace
