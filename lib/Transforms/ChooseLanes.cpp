// Blocks come with samples as lanes. A convolution with many channels does better with channels: a
// sum of its weight gradient is then one number instead of one per sample, and one sample's rows
// stay in the cache. Where the sums of a weight gradient, a vector each, outgrow the second cache,
// the images around it change over to channels, and with them what is computed from them channel by
// channel. Images are relaid out where the two layouts meet, weights where a convolution reads
// them. In a block of one sample all images have channels as lanes. A weight gradient that meets
// the zeros of a max-pool's changes over by itself where those can be left out.

#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ai {
#define GEN_PASS_DEF_AICHOOSELANESPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// `type` with dimension `lane` innermost in memory; row major without one.
static RankedTensorType withLanes(RankedTensorType type, std::optional<int64_t> lane) {
  Attribute encoding = lane ? LanesAttr::get(type.getContext(), *lane) : Attribute();
  return RankedTensorType::get(type.getShape(), type.getElementType(), encoding);
}

/// A term that is looked up costs more than one that is streamed.
static constexpr int64_t kCostOfLookUp = 2;

namespace {
/// Chooses the lanes of the images in one block of samples.
class Chooser {
public:
  /// For the region `body`, on `size` samples.
  Chooser(Block &body, int64_t size, int64_t vectorBits, bool hasMasks)
      : body(body), b(body.getParentOp()), size(size), vectorBits(vectorBits), hasMasks(hasMasks) {}

  void run(int64_t maxBytes) {
    if (size == 1)
      chooseAll();
    for (auto gradient : body.getOps<Conv2DWeightGradientOp>())
      if (size > 1 && mayUseChannels(gradient) && bytesOfSums(gradient) > maxBytes) {
        gradient.emitRemark() << "channels as lanes: a sum for each of " << size
                              << " samples takes " << bytesOfSums(gradient) << " bytes, more than "
                              << maxBytes;
        choose(gradient.getInput());
        choose(gradient.getCt());
      }
    propagate();
    SmallVector<Operation *> ops = llvm::map_to_vector(body, [](Operation &op) { return &op; });
    for (Operation *op : ops)
      rewrite(*op);
    for (Operation *op : done)
      op->erase();
  }

private:
  //===--- what may have channels as lanes ---===//

  int64_t lanesOf(RankedTensorType type) const {
    return size > 1 ? size : vectorBits / type.getElementTypeBitWidth();
  }
  bool isWhole(int64_t channels) const { return channels % size == 0; }
  /// Images of a block whose channels fill vectors.
  bool fits(Type type) const {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 4 && tensor.getDimSize(0) == size &&
           isWhole(tensor.getDimSize(1));
  }
  /// Channels of such images that one vector holds on average.
  double fillOfVectors(Type type) const {
    auto images = cast<RankedTensorType>(type);
    int64_t channels = images.getDimSize(1);
    return double(channels) / double(countVectors(channels, lanesOf(images), hasMasks));
  }
  /// Either operand may be the vectors.
  bool mayUseChannels(Conv2DWeightGradientOp op) const {
    return op.getPerSample() && (fits(op.getInput().getType()) || fits(op.getCt().getType()));
  }
  /// Of the sums, when every sample has its own.
  int64_t bytesOfSums(Conv2DWeightGradientOp op) const {
    RankedTensorType type = typeOf(op.getResult());
    return type.getNumElements() * type.getElementTypeBitWidth() / 8;
  }
  /// The max-pool whose cotangents are spread over those of `op`, if leaving out the zeros between
  /// pays: the vectors are then made of pixels that lie together, and looked up.
  MaxPool2DScatterOp getSparseSource(Conv2DWeightGradientOp op) const {
    auto scatter = op.getCt().getDefiningOp<MaxPool2DScatterOp>();
    if (!scatter || !op.getPerSample())
      return {};
    ArrayRef<int64_t> kernel = typeOf(op.getResult()).getShape().take_back(3);
    int64_t channels = kernel[0], rows = kernel[1], columns = kernel[2];
    int64_t lanes = lanesOf(typeOf(op.getCt()));
    int64_t vectors = op.getDilation()[1] == 1 ? llvm::divideCeil(columns * channels, lanes)
                                               : columns * llvm::divideCeil(channels, lanes);
    int64_t lookedUp = typeOf(scatter.getCt()).getNumElements() * rows * vectors;
    int64_t taps = typeOf(op.getCt()).getNumElements() * rows * columns;
    int64_t streamed = size > 1 ? taps / size * channels : taps * llvm::divideCeil(channels, lanes);
    return kCostOfLookUp * lookedUp <= streamed ? scatter : MaxPool2DScatterOp();
  }
  /// Whether `op` computes images whose lanes it does not care about: from one element or window of
  /// its operands, or as a sum over channels.
  bool follows(Operation *op) const {
    if (op->getNumResults() == 0 ||
        !llvm::all_of(op->getResultTypes(), [&](Type type) { return fits(type); }))
      return false;
    if (isa<Conv2DOp, Conv2DInputGradientOp, MaxPool2DOp, MaxPool2DWithIndexOp, MaxPool2DScatterOp,
            MaxPool2DGatherOp, AvgPool2DOp, AvgPool2DGradientOp>(op))
      return true;
    if (isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op))
      return fits(op->getOperand(0).getType()) && reducesPixels(op);
    ArrayRef<int64_t> shape = typeOf(op->getResult(0)).getShape();
    return isa<AddOp, SubOp, MulOp, DivOp, MaxOp, MinOp, PowerOp, NegOp, ExpOp, LogOp, SqrtOp,
               SinOp, CosOp, TanhOp, SigmoidOp, ReLUOp, CompareOp, SelectOp, CastOp, MaskSamplesOp,
               DropoutMaskOp, BroadcastLikeOp>(op) &&
           llvm::all_of(op->getOperands(), [&](Value operand) {
             return typeOf(operand).getRank() == 0 || typeOf(operand).getShape() == shape ||
                    isChannels(typeOf(operand), shape);
           });
  }
  /// One element for each channel of images of this shape.
  bool isChannels(RankedTensorType type, ArrayRef<int64_t> shape) const {
    return fits(type) && type.getShape() == ArrayRef<int64_t>{shape[0], shape[1], 1, 1};
  }
  /// Whether a reduction goes over all pixels, and only these.
  static bool reducesPixels(Operation *op) {
    constexpr int64_t pixels[] = {2, 3};
    return llvm::TypeSwitch<Operation *, bool>(op)
        .Case<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(
            [&](auto reduce) { return reduce.getDims() == ArrayRef(pixels); })
        .Default(false);
  }

  //===--- choice ---===//

  void choose(Value value) {
    Operation *op = value.getDefiningOp();
    if (op && op->getBlock() == &body && follows(op))
      chosen.insert_range(op->getResults());
  }

  void chooseAll() {
    for (Operation &op : body)
      for (Value result : op.getResults())
        choose(result);
  }

  /// Values that are computed from one another channel by channel have the same lanes.
  void propagate() {
    for (unsigned i = 0; i < chosen.size(); ++i) {
      for (Value operand : chosen[i].getDefiningOp()->getOperands())
        choose(operand);
      for (Operation *user : chosen[i].getUsers())
        if (user->getNumResults() > 0)
          choose(user->getResult(0));
    }
  }

  //===--- rewriting ---===//

  Value relayout(Value value, std::optional<int64_t> lane) {
    RankedTensorType type = withLanes(typeOf(value), lane);
    if (type == value.getType())
      return value;
    Value &relaid = copies[{value, lane.value_or(-1)}];
    if (!relaid)
      relaid = b.createOrFold<RelayoutOp>(value.getLoc(), type, value);
    return relaid;
  }
  void relayout(OpOperand &operand, std::optional<int64_t> lane) {
    operand.set(relayout(operand.get(), lane));
  }
  /// Images of too few channels are read element by element.
  void relayoutImages(OpOperand &operand) {
    if (typeOf(operand.get()).getRank() == 4)
      relayout(operand, fits(operand.get().getType()) ? std::optional<int64_t>(1) : std::nullopt);
  }
  /// The same of images whose lanes are not used. One sample is read in the order it comes in, row
  /// major; of several the elements of a pixel would be far apart.
  void relayoutElements(OpOperand &operand) {
    if (size > 1)
      relayoutImages(operand);
  }

  void rewrite(Operation &op) {
    b.setInsertionPoint(&op);
    auto sum = dyn_cast<ReduceSumOp>(op);
    auto gradient = dyn_cast<Conv2DWeightGradientOp>(op);
    bool readsChosen =
        llvm::any_of(op.getOperands(), [&](Value operand) { return chosen.contains(operand); });
    if (op.getNumResults() > 0 && chosen.contains(op.getResult(0)))
      rewriteChosen(op);
    else if (readsChosen && sum && sum.getDims() == ArrayRef<int64_t>{2, 3} && !sum.getKeepdims())
      sum.getResult().setType(withLanes(typeOf(sum.getResult()), std::nullopt));
    else if (readsChosen && gradient && mayUseChannels(gradient))
      rewriteGradient(gradient);
    else if (MaxPool2DScatterOp scatter = gradient ? getSparseSource(gradient) : nullptr)
      rewriteSparse(gradient, scatter);
    else
      for (OpOperand &operand : op.getOpOperands())
        if (chosen.contains(operand.get()))
          relayout(operand, size > 1 ? std::optional<int64_t>(0) : std::nullopt);
  }

  void rewriteChosen(Operation &op) {
    for (Value result : op.getResults())
      result.setType(withLanes(typeOf(result), 1));
    if (auto conv = dyn_cast<Conv2DOp>(op)) {
      relayoutElements(conv.getInputMutable());
      relayout(conv.getWeightMutable(), 0);
    } else if (auto gradient = dyn_cast<Conv2DInputGradientOp>(op)) {
      relayoutElements(gradient.getCtMutable());
      relayout(gradient.getWeightMutable(), 1);
    } else {
      for (OpOperand &operand : op.getOpOperands())
        relayoutImages(operand);
    }
  }

  /// The lanes are input channels where those fill vectors as well as output channels do, or zeros
  /// of the cotangents can be left out. The sums over samples are complete, so the op behind it
  /// that added them up has nothing left to do.
  void rewriteGradient(Conv2DWeightGradientOp op) {
    bool isInput = fits(op.getInput().getType()) &&
                   (!fits(op.getCt().getType()) || getSparseSource(op) ||
                    fillOfVectors(op.getInput().getType()) >= fillOfVectors(op.getCt().getType()));
    relayoutImages(isInput ? op.getInputMutable() : op.getCtMutable());
    relayoutElements(isInput ? op.getCtMutable() : op.getInputMutable());
    completeSums(op, isInput ? 1 : 0);
  }

  /// The lowering puts the input in order; the cotangents have a scatter of their own.
  void rewriteSparse(Conv2DWeightGradientOp op, MaxPool2DScatterOp scatter) {
    op.emitRemark() << "channels as lanes: " << typeOf(scatter.getCt()).getNumElements() << " of "
                    << typeOf(op.getCt()).getNumElements() << " cotangents are not zero";
    auto winners = cast<MaxPool2DScatterOp>(b.clone(*scatter));
    relayoutImages(winners.getCtMutable());
    relayoutImages(winners.getWinnerMutable());
    winners->moveBefore(op);
    winners.getResult().setType(
        withLanes(typeOf(winners.getResult()), getLaneDim(typeOf(winners.getCt()))));
    op.getCtMutable().set(winners);
    completeSums(op, 1);
  }

  void completeSums(Conv2DWeightGradientOp op, int64_t lane) {
    op.setPerSample(false);
    auto sum = cast<ReduceSumOp>(*op->user_begin());
    auto type = typeOf(sum.getResult());
    op.getResult().setType(withLanes(type, lane));
    b.setInsertionPoint(sum);
    sum.replaceAllUsesWith(RelayoutOp::create(b, op.getLoc(), type, op.getResult()).getResult());
    done.push_back(sum);
  }

  Block &body;
  OpBuilder b;
  int64_t size, vectorBits;
  bool hasMasks;
  llvm::SetVector<Value> chosen;
  SmallVector<Operation *> done; // without a reader
  DenseMap<std::pair<Value, int64_t>, Value> copies;
};

struct ChooseLanesPass final : ai::impl::AIChooseLanesPassBase<ChooseLanesPass> {
  using AIChooseLanesPassBase::AIChooseLanesPassBase;

  void runOnOperation() final {
    SmallVector<ForBlocksOp> maps;
    getOperation().walk([&](ForBlocksOp map) { maps.push_back(map); });
    for (ForBlocksOp map : maps) {
      Block &body = map.getBody().front();
      Chooser(body, map.getSize(), vectorBits, masks).run(l2 / 2);
      for (auto [result, value] : llvm::zip(map.getResults(), body.getTerminator()->getOperands()))
        if (!isBatched(result.getType()))
          result.setType(value.getType());
      if (map.getMostRest())
        Chooser(map.getRest().front(), /*size=*/1, vectorBits, masks).run(l2 / 2);
    }
  }
};
} // namespace
