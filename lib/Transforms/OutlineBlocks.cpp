// Splits a blocked step into the functions that the runtime calls: @STEP_block, what one block does
// and adds to its slot; @STEP_rest, the same for one sample, if the samples that blocks leave over
// are taken one by one; and @STEP_combine, what follows when the slots are added up. Values that
// the region captures are arguments, or are computed again from arguments (a 1/count, a learning
// rate).
//
// Rows that ops behind the map read go into panels, which hold a block for each slot. What those
// ops sum over the batch is then summed panel by panel: @STEP_fold adds a panel to accumulators.
// The last panel is left to @STEP_combine, or, if there were others before, to @STEP_finish, which
// starts from the accumulators.

#include "ai/Transforms/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIOUTLINEBLOCKSPASS
#include "ai/Transforms/Passes.h.inc"
} // namespace ai

using namespace ai;

/// Multiply-adds times two of one contraction, by the direct algorithm.
static double flopsOf(Operation *op) {
  auto elements = [](Value v) {
    return double(cast<RankedTensorType>(v.getType()).getNumElements());
  };
  auto dim = [](Value v, unsigned d) {
    return double(cast<RankedTensorType>(v.getType()).getDimSize(d));
  };
  auto kernel = [&](Value weight) { return elements(weight) / dim(weight, 0); };
  return llvm::TypeSwitch<Operation *, double>(op)
      .Case([&](MatMulOp m) {
        return 2 * elements(m.getResult()) * dim(m.getLhs(), m.getTransposeLhs() ? 0 : 1);
      })
      .Case([&](LinearOp l) { return 2 * elements(l.getResult()) * dim(l.getInput(), 1); })
      .Case([&](Conv2DOp c) { return 2 * elements(c.getResult()) * kernel(c.getWeight()); })
      .Case(
          [&](Conv2DInputGradientOp g) { return 2 * elements(g.getCt()) * kernel(g.getWeight()); })
      .Case([&](Conv2DWeightGradientOp g) {
        ArrayRef<int64_t> size = g.getKernelSize();
        return 2 * elements(g.getCt()) * dim(g.getInput(), 1) * double(size[0] * size[1]);
      })
      .Default(0.0);
}

namespace {
class Outliner {
public:
  Outliner(func::FuncOp f, ForBlocksOp map, bool stagesLanes)
      : function(f), map(map), b(f.getContext()), stagesLanes(stagesLanes) {}

  void run() {
    for (Operation &op : function.getBody().front().without_terminator())
      if (llvm::any_of(op.getOperands(),
                       [&](Value v) { return v.getDefiningOp() == map && isBatched(v.getType()); }))
        panelOps.push_back(&op);
    outlineBlock("block", map.getBody(), map.getSize());
    if (IntegerAttr most = map.getMostRestAttr())
      outlineBlock("rest", map.getRest(), /*size=*/1)->setAttr("ai.most_rest", most);
    // A map whose rows are the result needs nothing behind it.
    if (llvm::any_of(map.getResults(), [&](Value v) { return !isOutput(v); }))
      outlineCombine("combine", /*usesAccumulators=*/false);
    if (!panelOps.empty() && !isSmall()) { // whose batches are one panel at most
      outlineFold();
      outlineCombine("finish", /*usesAccumulators=*/true);
    }
    function.erase();
  }

private:
  /// Whether it is the variant of a step for small batches.
  bool isSmall() { return function->hasAttr("ai.most_samples"); }

  /// Whether a result of the map is rows that the step returns. Those of a state go into a panel.
  bool isOutput(Value result) {
    return isBatched(result.getType()) && llvm::all_of(result.getUses(), [&](OpOperand &use) {
             return isa<func::ReturnOp>(use.getOwner()) &&
                    function.getResultAttr(use.getOperandNumber(), "ai.role") !=
                        StringAttr::get(function.getContext(), "state");
           });
  }

  DictionaryAttr roleAndName(StringRef role, const Twine &name) {
    return b.getDictionaryAttr({b.getNamedAttr("ai.role", b.getStringAttr(role)),
                                b.getNamedAttr("ai.name", b.getStringAttr(name))});
  }

  /// A variant of a step has panels of its own.
  std::string rowsName(unsigned result) {
    return (isSmall() ? "small.rows" : "rows") + std::to_string(result);
  }

  func::FuncOp createFunction(StringRef kind, int64_t size) {
    b.setInsertionPoint(function);
    auto f = func::FuncOp::create(b, function.getLoc(), (function.getName() + "_" + kind).str(),
                                  b.getFunctionType({}, {}));
    f->setAttr("ai.kind", b.getStringAttr(kind));
    f->setAttr("ai.step", b.getStringAttr(function.getName()));
    f->setAttr("ai.size", b.getI64IntegerAttr(size));
    for (StringRef name : {"ai.most_samples", "ai.variant_of"})
      if (Attribute value = function->getAttr(name))
        f->setAttr(name, value);
    f.addEntryBlock();
    return f;
  }

  /// Gives `f` arguments like those of the step that are in `used`, in the step's order.
  void copyArguments(func::FuncOp f, const llvm::SetVector<Value> &used, IRMapping &mapping) {
    for (auto [i, argument] : llvm::enumerate(function.getArguments()))
      if (used.contains(argument))
        mapping.map(argument, addArgument(f, argument.getType(), function.getArgAttrDict(i),
                                          argument.getLoc()));
  }

  Value addArgument(func::FuncOp f, Type type, DictionaryAttr attributes, Location loc) {
    unsigned index = f.getNumArguments();
    (void)f.insertArgument(index, type, attributes ? attributes : b.getDictionaryAttr({}), loc);
    return f.getArgument(index);
  }

  DictionaryAttr slotAttributes(unsigned sum, std::optional<int64_t> slot) {
    SmallVector<NamedAttribute> entries{
        b.getNamedAttr("ai.role", b.getStringAttr(slot ? "slots" : "slot")),
        b.getNamedAttr("ai.name", b.getStringAttr("sum" + std::to_string(sum) +
                                                  (slot ? "." + std::to_string(*slot) : "")))};
    if (slot)
      entries.push_back(b.getNamedAttr("ai.slot", b.getI64IntegerAttr(*slot)));
    return b.getDictionaryAttr(entries);
  }

  /// Everything outside a region that it needs: ops in order, and the step's arguments.
  void captured(Region &region, llvm::SetVector<Operation *> &ops,
                llvm::SetVector<Value> &arguments) {
    llvm::SetVector<Value> values;
    getUsedValuesDefinedAbove(region, values);
    for (unsigned i = 0; i < values.size(); ++i) {
      if (Operation *op = values[i].getDefiningOp()) {
        ops.insert(op);
        values.insert(op->operand_begin(), op->operand_end());
      } else {
        arguments.insert(values[i]);
      }
    }
    llvm::SmallVector<Operation *> sorted(ops.begin(), ops.end());
    llvm::sort(sorted, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
    ops = llvm::SetVector<Operation *>(sorted.begin(), sorted.end());
  }

  /// Rows that every reader wants with samples as lanes come that way; returns that layout.
  Attribute stageInLanes(BlockArgument rows) {
    auto type = cast<RankedTensorType>(rows.getType());
    SmallVector<Operation *> readers(rows.getUsers());
    auto isIntoLanes = [](Operation *op) {
      auto relayout = dyn_cast<RelayoutOp>(op);
      return relayout && getLaneDim(cast<RankedTensorType>(relayout.getOut().getType())) == 0;
    };
    if (!stagesLanes || type.getRank() < 2 || readers.empty() ||
        !llvm::all_of(readers, isIntoLanes))
      return {};
    rows.setType(readers.front()->getResult(0).getType());
    for (Operation *reader : readers) {
      reader->getResult(0).replaceAllUsesWith(rows);
      reader->erase();
    }
    return cast<RankedTensorType>(rows.getType()).getEncoding();
  }

  /// What a region does, on `size` samples.
  func::FuncOp outlineBlock(StringRef kind, Region &samples, int64_t size) {
    func::FuncOp f = createFunction(kind, size);
    llvm::SetVector<Operation *> ops;
    llvm::SetVector<Value> arguments;
    captured(samples, ops, arguments);
    Block &region = samples.front();
    IRMapping mapping;
    copyArguments(f, arguments, mapping);
    Value first = addArgument(f, region.getArgument(0).getType(), roleAndName("first", "first"),
                              map.getLoc());
    mapping.map(region.getArgument(0), first);
    for (auto [rows, whole] : llvm::zip(region.getArguments().drop_front(), map.getBatched())) {
      NamedAttrList attributes(function.getArgAttrDict(cast<BlockArgument>(whole).getArgNumber()));
      if (Attribute lanes = stageInLanes(rows))
        attributes.set("ai.lanes", lanes);
      mapping.map(rows, addArgument(f, rows.getType(), attributes.getDictionary(b.getContext()),
                                    rows.getLoc()));
    }
    b.setInsertionPointToStart(&f.getBody().front());
    for (Operation *op : ops)
      b.clone(*op, mapping);
    double flops = 0;
    for (Operation &op : region.without_terminator()) {
      flops += flopsOf(&op);
      b.clone(op, mapping);
    }
    flops /= double(size);
    for (Operation *op : panelOps) // a sample's share of a product over the batch
      flops += 2 * double(cast<RankedTensorType>(op->getResult(0).getType()).getNumElements());
    f->setAttr("ai.flops", b.getF64FloatAttr(flops));
    // Blocks meet the slots in turn; samples of the rest come behind them.
    Value isFirst =
        kind == "block" ? compareWith(ComparePredicate::lt, first, panelSize()) : Value();
    yieldToSlots(f, region.getTerminator(), mapping, isFirst);
    return f;
  }

  /// What the slots hold before this block: nothing if it is the first one of its slot.
  Value startOf(Value slot, Value isFirst) {
    auto type = cast<RankedTensorType>(slot.getType());
    auto zeros = DenseElementsAttr::get(RankedTensorType::get({}, type.getElementType()),
                                        b.getZeroAttr(type.getElementType()));
    Value zero = ConstantOp::create(b, slot.getLoc(), zeros);
    return SelectOp::create(b, slot.getLoc(), type, isFirst, zero, slot);
  }

  Value compareWith(ComparePredicate predicate, Value number, int64_t bound) {
    auto type = cast<RankedTensorType>(number.getType());
    Value constant = ConstantOp::create(b, number.getLoc(), DenseElementsAttr::get(type, bound));
    return CompareOp::create(b, number.getLoc(), RankedTensorType::get({}, b.getI1Type()),
                             predicate, number, constant);
  }

  /// slot' = slot + what the block yields; rows are an output of their own, or go into a panel.
  /// With `isFirst` the slot may hold nothing yet.
  void yieldToSlots(func::FuncOp f, Operation *yield, IRMapping &mapping, Value isFirst) {
    SmallVector<Value> results;
    SmallVector<DictionaryAttr> attributes;
    for (auto [i, value] : llvm::enumerate(yield->getOperands())) {
      Value partial = mapping.lookup(value);
      if (isOutput(map.getResult(i))) {
        attributes.push_back(roleAndName("output", "output"));
      } else if (isBatched(map.getResult(i).getType())) {
        attributes.push_back(roleAndName("rows", rowsName(i)));
      } else {
        attributes.push_back(slotAttributes(i, std::nullopt));
        Value before = addArgument(f, partial.getType(), attributes.back(), value.getLoc());
        if (isFirst)
          before = startOf(before, isFirst);
        else // where the sum is at hand: a nest would keep it for all behind, and no team runs that
          b.setInsertionPointAfterValue(partial);
        partial = AddOp::create(b, value.getLoc(), partial.getType(), before, partial);
        b.setInsertionPointToEnd(&f.getBody().front());
      }
      results.push_back(partial);
    }
    setResults(f, results, attributes);
  }

  void setResults(func::FuncOp f, ArrayRef<Value> results, ArrayRef<DictionaryAttr> attributes) {
    func::ReturnOp::create(b, function.getLoc(), results);
    f.setType(
        b.getFunctionType(f.getBody().front().getArgumentTypes(), ValueRange(results).getTypes()));
    for (auto [i, dictionary] : llvm::enumerate(attributes))
      if (dictionary)
        f.setResultAttrs(i, dictionary);
  }

  /// Arguments for all slots: slot after slot, in the order of a block's own slot arguments. The
  /// memory plan relies on that order.
  SmallVector<SmallVector<Value>> addSlots(func::FuncOp f) {
    SmallVector<SmallVector<Value>> partials(map.getNumResults());
    for (int64_t slot = 0; slot < int64_t(map.getSlots()); ++slot)
      for (auto [i, result] : llvm::enumerate(map.getResults()))
        if (!isBatched(result.getType()))
          partials[i].push_back(
              addArgument(f, result.getType(), slotAttributes(i, slot), result.getLoc()));
    return partials;
  }

  /// What is needed behind the map, an op as late as its first user allows: the slots of one
  /// parameter are added up right before its update, so that both become one nest.
  class CombineWriter {
  public:
    CombineWriter(Outliner &outliner, func::FuncOp f, SmallVector<SmallVector<Value>> partials,
                  bool usesAccumulators)
        : outliner(outliner), b(outliner.b), map(outliner.map), f(f), partials(std::move(partials)),
          usesAccumulators(usesAccumulators) {}

    Value write(Value value) {
      if (Value done = mapping.lookupOrNull(value))
        return done;
      if (value.getDefiningOp() == map)
        return isBatched(value.getType()) ? addPanel(cast<OpResult>(value))
                                          : writeSum(cast<OpResult>(value));
      Operation *op = value.getDefiningOp();
      for (Value operand : op->getOperands())
        write(operand);
      b.clone(*op, mapping);
      auto *panelOp = llvm::find(outliner.panelOps, op);
      if (usesAccumulators && panelOp != outliner.panelOps.end())
        mapping.map(value,
                    addToAccumulator(panelOp - outliner.panelOps.begin(), mapping.lookup(value)));
      return mapping.lookup(value);
    }

    IRMapping mapping;

  private:
    Value writeSum(OpResult result) {
      ArrayRef<Value> slots = partials[result.getResultNumber()];
      Value sum = slots.front();
      for (Value partial : slots.drop_front())
        sum = AddOp::create(b, result.getLoc(), result.getType(), sum, partial);
      mapping.map(result, sum);
      return sum;
    }

    /// The rows of as many blocks as there are slots. A block that is missing has zeros there.
    Value addPanel(OpResult result) {
      auto type = cast<RankedTensorType>(result.getType());
      SmallVector<int64_t> shape(type.getShape());
      shape[0] = outliner.panelSize();
      DictionaryAttr attributes =
          outliner.roleAndName("panel", outliner.rowsName(result.getResultNumber()));
      Value panel = outliner.addArgument(f, type.clone(shape), attributes, result.getLoc());
      mapping.map(result, panel);
      return panel;
    }

    /// The sum over this panel and the panels before it.
    Value addToAccumulator(unsigned index, Value sum) {
      Value before = outliner.addArgument(f, sum.getType(), outliner.accumulatorAttributes(index),
                                          sum.getLoc());
      if (outliner.isFold(f))
        before = outliner.startOf(before, outliner.isFirstPanel(f));
      return AddOp::create(b, sum.getLoc(), sum.getType(), before, sum);
    }

    Outliner &outliner;
    OpBuilder &b;
    ForBlocksOp map;
    func::FuncOp f;
    SmallVector<SmallVector<Value>> partials;
    bool usesAccumulators;
  };

  int64_t panelSize() { return int64_t(map.getSlots() * map.getSize()); }

  bool isFold(func::FuncOp f) {
    return f->getAttrOfType<StringAttr>("ai.kind").getValue() == "fold";
  }

  /// Whether the samples so far are one panel.
  Value isFirstPanel(func::FuncOp f) {
    if (!firstPanel) {
      Value count = addArgument(f, RankedTensorType::get({}, b.getI64Type()),
                                roleAndName("count", "count"), map.getLoc());
      firstPanel = compareWith(ComparePredicate::le, count, panelSize());
    }
    return firstPanel;
  }

  void outlineCombine(StringRef kind, bool usesAccumulators) {
    func::FuncOp f = createFunction(kind, map.getSize());
    auto returnOp = cast<func::ReturnOp>(function.getBody().front().getTerminator());
    SetVector<Operation *> needed;
    llvm::SetVector<Value> used(returnOp.operand_begin(), returnOp.operand_end());
    BackwardSliceOptions options;
    options.inclusive = true;
    options.omitBlockArguments = true;
    options.filter = [&](Operation *op) { return op != map.getOperation(); };
    for (Value result : returnOp.getOperands())
      (void)getBackwardSlice(result, &needed, options);
    for (Operation *op : needed)
      used.insert(op->operand_begin(), op->operand_end());

    IRMapping arguments;
    copyArguments(f, used, arguments);
    CombineWriter writer(*this, f, addSlots(f), usesAccumulators);
    writer.mapping = arguments;
    b.setInsertionPointToEnd(&f.getBody().front());
    for (Operation *op : needed) // rates first: they belong to no parameter
      if (llvm::all_of(op->getOperandTypes(), isScalar) &&
          llvm::all_of(op->getResultTypes(), isScalar) && op->getNumResults() == 1)
        writer.write(op->getResult(0));
    for (unsigned i : resultsByParameter())
      writer.write(returnOp.getOperand(i));
    SmallVector<Value> results;
    SmallVector<DictionaryAttr> attributes;
    for (auto [i, value] : llvm::enumerate(returnOp.getOperands())) {
      results.push_back(writer.write(value));
      attributes.push_back(function.getResultAttrDict(i));
    }
    setResults(f, results, attributes);
  }

  /// The step's results, each parameter followed by its states ("NAME.STATE"): all that its
  /// gradient updates becomes one nest.
  SmallVector<unsigned> resultsByParameter() {
    auto nameOf = [&](unsigned i) {
      auto name = function.getResultAttrOfType<StringAttr>(i, "ai.name");
      return name ? name.getValue() : StringRef();
    };
    llvm::SetVector<unsigned> order;
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      order.insert(i);
      for (unsigned k = i + 1; k < function.getNumResults() && !nameOf(i).empty(); ++k)
        if (nameOf(k).starts_with((nameOf(i) + ".").str()))
          order.insert(k);
    }
    return order.takeVector();
  }

  /// accumulator' = accumulator + the sum over one panel.
  void outlineFold() {
    func::FuncOp f = createFunction("fold", map.getSize());
    CombineWriter writer(*this, f, {}, /*usesAccumulators=*/true);
    b.setInsertionPointToEnd(&f.getBody().front());
    SmallVector<Value> results;
    SmallVector<DictionaryAttr> attributes;
    for (auto [i, op] : llvm::enumerate(panelOps)) {
      results.push_back(writer.write(op->getResult(0)));
      attributes.push_back(accumulatorAttributes(i));
    }
    setResults(f, results, attributes);
  }

  DictionaryAttr accumulatorAttributes(unsigned index) {
    return roleAndName("accumulator", "panels" + Twine(index));
  }

  static bool isScalar(Type type) { return cast<RankedTensorType>(type).getRank() == 0; }

  func::FuncOp function;
  ForBlocksOp map;
  OpBuilder b;
  bool stagesLanes;
  SmallVector<Operation *> panelOps; // that sum over panels
  Value firstPanel;
};

struct OutlineBlocksPass : ai::impl::AIOutlineBlocksPassBase<OutlineBlocksPass> {
  using AIOutlineBlocksPassBase::AIOutlineBlocksPassBase;

  void runOnOperation() final {
    SmallVector<ForBlocksOp> maps;
    getOperation().walk([&](ForBlocksOp map) { maps.push_back(map); });
    for (ForBlocksOp map : maps)
      Outliner(map->getParentOfType<func::FuncOp>(), map, stagesLanes).run();
  }
};
} // namespace
