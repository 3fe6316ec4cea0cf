// Holds the memory plan against a limit, and says which op of the model stands where most of it is
// in use.

#include "NestCosts.h"
#include "StepFunctions.h"
#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AICHECKMEMORYPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace ai;

namespace {
constexpr int64_t kAlignment = 64;

/// The op of a function's body at which its buffers of the workspace take most bytes at once.
struct Peak {
  Operation *op = nullptr;
  int64_t bytes = 0;
};

/// The positions in the body of the first and the last op that touch a view or a view of it.
std::pair<int64_t, int64_t> lifeOf(Value view, const DenseMap<Operation *, int64_t> &positions) {
  std::pair<int64_t, int64_t> life{INT64_MAX, -1};
  for (Operation *user : view.getUsers()) {
    Operation *op = user;
    while (!positions.contains(op))
      op = op->getParentOp();
    int64_t at = positions.lookup(op);
    std::pair<int64_t, int64_t> part{at, at};
    if (isa<ViewLikeOpInterface>(user))
      part = lifeOf(user->getResult(0), positions);
    life = {std::min(life.first, part.first), std::max(life.second, part.second)};
  }
  return life;
}

Peak findPeak(func::FuncOp f) {
  Block &body = f.getBody().front();
  SmallVector<Operation *> ops;
  DenseMap<Operation *, int64_t> positions;
  for (Operation &op : body) {
    positions[&op] = ops.size();
    ops.push_back(&op);
  }
  SmallVector<int64_t> bytes(ops.size());
  for (memref::ViewOp view : getWorkspaceBuffers(f)) {
    auto [first, last] = lifeOf(view, positions);
    for (int64_t i = first; i <= last; ++i)
      bytes[i] += llvm::alignTo(bytesOf(view.getType()), kAlignment);
  }
  auto most = llvm::max_element(bytes);
  return {ops[most - bytes.begin()], *most};
}

std::string countOf(int64_t count, StringRef what) {
  return (Twine(count) + " " + what + (count == 1 ? "" : "s")).str();
}

struct CheckMemoryPass : ai::impl::AICheckMemoryPassBase<CheckMemoryPass> {
  using AICheckMemoryPassBase::AICheckMemoryPassBase;

  void runOnOperation() final {
    auto recipe = getOperation()->getAttrOfType<DictionaryAttr>("ai.recipe");
    auto batch = recipe ? recipe.getAs<IntegerAttr>("batch").getInt() : 0;
    int64_t fixed = llvm::alignTo(integerOf(getOperation(), "ai.fixed_bytes"), kAlignment);
    func::FuncOp largest;
    int64_t workspace = 0;
    for (auto f : getOperation().getOps<func::FuncOp>()) {
      // Beside the steps a model's plain functions do not count.
      if (f.isDeclaration() || f->hasAttr("ai.kind") != bool(recipe))
        continue;
      int64_t bytes = llvm::alignTo(integerOf(f, "ai.workspace_bytes"), kAlignment);
      if (!largest || bytes > workspace) {
        largest = f;
        workspace = bytes;
      }
    }
    // A plain function is called by one thread, with memory of its own.
    int64_t numThreads = recipe ? threads : 1;
    if (!largest || fixed + numThreads * workspace + batch * kIndexBytes <= maxMemory)
      return;
    refuse(largest, fixed, workspace, numThreads, batch);
    signalPassFailure();
  }

private:
  void refuse(func::FuncOp f, int64_t fixed, int64_t workspace, int64_t numThreads, int64_t batch) {
    Peak peak = findPeak(f);
    InFlightDiagnostic error = emitError(peak.op->getLoc());
    error << "expects a memory plan of at most " << maxMemory.getValue() << " bytes, got "
          << fixed + numThreads * workspace + batch * kIndexBytes << ": " << fixed << " fixed, "
          << countOf(numThreads, "thread") << " of " << workspace;
    if (batch > 0)
      error << ", a batch of " << batch << " of " << kIndexBytes << " each";
    int64_t left = maxMemory - fixed;
    int64_t fittingThreads = (left - batch * kIndexBytes) / std::max<int64_t>(workspace, 1);
    int64_t fittingBatch = (left - numThreads * workspace) / kIndexBytes;
    if (fittingThreads > 0)
      error << "; it fits with " << countOf(fittingThreads, "thread");
    else if (batch > 0 && fittingBatch > 0)
      error << "; it fits with a batch of " << fittingBatch;
    else if (batch == 0)
      error << "; one call takes all of it";
    else
      error << "; the least, one thread and a batch of 1, is " << fixed + workspace + kIndexBytes;
    Diagnostic &note = error.attachNote();
    note << "a thread uses most of it here, " << peak.bytes << " bytes, in ";
    if (f->hasAttr("ai.kind"))
      note << "'" << getCost(peak.op).name << "' of ";
    note << "@" << f.getName();
  }

  static constexpr int64_t kIndexBytes = 8;
};
} // namespace
