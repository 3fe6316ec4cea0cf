// Blocks of as many samples as a vector has lanes waste most of them on a batch of one or two. Such
// a batch has a variant of the step, which takes one sample at a time and whose lanes are channels
// and features. From how many samples on blocks are faster follows from what fills the vectors of
// either. So does whether the samples of the recipe's batch that fill no block are taken that way.

#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ai {
#define GEN_PASS_DEF_AIADDSMALLBATCHESPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// A vector of a sample alone takes this many halves of the time of one of samples: fewer sums are
/// under way at once, and weights are laid out anew for each sample.
static constexpr int64_t kHalvesAlone = 3;
/// The largest batch where weights leave the second cache meanwhile: a block fetches them once.
static constexpr int64_t kMostFetched = 2;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The product of all extents but the first.
static int64_t elementsOfSample(Value value) {
  return llvm::product_of(typeOf(value).getShape().drop_front());
}

namespace {
/// Multiply-adds of a sample, and the longest index along which they fill vectors.
struct Contraction {
  int64_t terms = 0, extent = 1;

  /// Vectors of `lanes` elements that they take.
  double vectors(int64_t lanes, bool masks) const {
    return double(terms) / double(extent) * double(countVectors(extent, lanes, masks));
  }
};

struct AddSmallBatchesPass final : ai::impl::AIAddSmallBatchesPassBase<AddSmallBatchesPass> {
  using AIAddSmallBatchesPassBase::AIAddSmallBatchesPassBase;

  void runOnOperation() final {
    SmallVector<func::FuncOp> steps;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (isStep(f) && !f.getName().ends_with("_evaluate")) // of whole data sets
        steps.push_back(f);
    for (func::FuncOp step : steps)
      if (int64_t most = mostAlone(step)) {
        markRest(step, most);
        addVariant(step, most);
      }
  }

private:
  static bool hasRole(func::FuncOp f, BlockArgument argument, StringRef role) {
    return f.getArgAttr(argument.getArgNumber(), "ai.role") ==
           StringAttr::get(f.getContext(), role);
  }

  static bool isStep(func::FuncOp f) {
    return llvm::any_of(f.getArguments(), [&](BlockArgument argument) {
      return isBatched(argument.getType()) && hasRole(f, argument, "input");
    });
  }

  /// Bytes of the parameters.
  static int64_t bytesOfWeights(func::FuncOp f) {
    int64_t bytes = 0;
    for (BlockArgument argument : f.getArguments())
      if (hasRole(f, argument, "parameter"))
        bytes += typeOf(argument).getNumElements() * typeOf(argument).getElementTypeBitWidth() / 8;
    return bytes;
  }

  /// As many samples take no longer one by one than in a block.
  int64_t mostAlone(func::FuncOp f) {
    double alone = 0, asLanes = 0;
    int64_t lanes = lanesOf(f), bytes = bytesOfWeights(f);
    f.walk([&](Operation *op) {
      Contraction work = contractionOf(op);
      alone += work.vectors(lanes, masks);
      asLanes += double(work.terms);
    });
    auto most = int64_t(alone > 0 ? 2 * asLanes / (kHalvesAlone * alone) : 0);
    most = std::min(most, bytes > l2 / 2 ? kMostFetched : lanes / 2);
    if (most > 0)
      f.emitRemark() << "batches of up to " << most << (most == 1 ? " sample" : " samples")
                     << ", one at a time: " << int64_t(alone)
                     << " vectors of channels or features each, " << int64_t(asLanes) << " of "
                     << lanes << " samples for a block of these";
    return most;
  }

  /// Other batches take what there is, so only the recipe's is worth the code.
  void markRest(func::FuncOp f, int64_t most) {
    for (auto train : getOperation().getOps<TrainOp>()) {
      bool trains = f.getName() == (train.getModel() + "_train_step").str();
      int64_t batch = train.getBatch(), lanes = lanesOf(f), rest = batch % lanes;
      if (!trains || batch < lanes || rest == 0 || rest > most)
        continue;
      f->setAttr("ai.most_rest", Builder(f).getI64IntegerAttr(most));
      f.emitRemark() << "the last " << rest << " of " << batch
                     << " samples one at a time: blocks of " << lanes << " leave them over";
    }
  }

  void addVariant(func::FuncOp f, int64_t most) {
    func::FuncOp variant = f.clone();
    variant.setName((f.getName() + "_small").str());
    variant->removeAttr("ai.most_rest");
    variant->setAttr("ai.most_samples", Builder(f).getI64IntegerAttr(most));
    variant->setAttr("ai.variant_of", f.getNameAttr());
    SymbolTable(getOperation()).insert(variant, std::next(f->getIterator()));
    ++numVariants;
  }

  /// Elements of the widest float of a sample in a vector.
  int64_t lanesOf(func::FuncOp f) {
    unsigned bits = 32;
    f.walk([&](Operation *op) {
      for (Type type : op->getResultTypes())
        if (auto element = dyn_cast<FloatType>(getElementTypeOrSelf(type));
            element && isBatched(type))
          bits = std::max(bits, element.getWidth());
    });
    return vectorBits / bits;
  }

  static Contraction contractionOf(Operation *op) {
    auto weightOf = [](int64_t pixels, Value weight) -> Contraction {
      ArrayRef<int64_t> shape = typeOf(weight).getShape();
      return {pixels * typeOf(weight).getNumElements(), std::max(shape[0], shape[1])};
    };
    auto pixelsOf = [](Value images) {
      return llvm::product_of(typeOf(images).getShape().drop_front(2));
    };
    return llvm::TypeSwitch<Operation *, Contraction>(op)
        .Case([&](Conv2DOp c) { return weightOf(pixelsOf(c.getResult()), c.getWeight()); })
        .Case([&](Conv2DInputGradientOp g) { return weightOf(pixelsOf(g.getCt()), g.getWeight()); })
        .Case(
            [&](Conv2DWeightGradientOp g) { return weightOf(pixelsOf(g.getCt()), g.getResult()); })
        .Case([&](LinearOp l) { return weightOf(1, l.getWeight()); })
        .Case([&](MatMulOp m) -> Contraction {
          int64_t rows = elementsOfSample(m.getLhs()), columns = elementsOfSample(m.getRhs());
          if (isBatched(m.getLhs().getType()) && isBatched(m.getRhs().getType()))
            return {rows * columns, columns};
          return isBatched(m.getLhs().getType()) ? weightOf(1, m.getRhs()) : Contraction();
        })
        .Default(Contraction());
  }
};
} // namespace
