#include "lib/Driver/ExplainNests.h"

#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/NestCosts.h"
#include "lib/Driver/Roofline.h"
#include "mlir/Dialect/Affine/Analysis/LoopAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace ai;

namespace json = llvm::json;

NestTable::NestTable(ModuleOp module, PlaceTable &places) : module(module), places(places) {
  auto functions = module->getAttrOfType<DictionaryAttr>("ai.nests");
  for (func::FuncOp f : getStepFunctions(module)) {
    auto costs = functions.getAs<ArrayAttr>(f.getName()).getAsRange<DictionaryAttr>();
    for (auto [op, cost] : llvm::zip(getNests(f), costs)) {
      nests.push_back({op, cost, countCalls(f)});
      numbers[op] = nests.size();
    }
  }
}

/// Whether the function's step, or its variant for small batches, is the one that `batch` takes.
static bool isForBatch(func::FuncOp f, int64_t batch) {
  if (int64_t most = getMostSamples(f))
    return batch <= most;
  auto step = f->getAttrOfType<StringAttr>("ai.step");
  return llvm::none_of(getStepFunctions(f->getParentOfType<ModuleOp>()), [&](func::FuncOp other) {
    return step && other->getAttr("ai.variant_of") == step && batch <= getMostSamples(other);
  });
}

/// How often a step of the recipe's batch runs a function.
int64_t NestTable::countCalls(Operation *function) {
  auto f = cast<func::FuncOp>(function);
  auto recipe = module->getAttrOfType<DictionaryAttr>("ai.recipe");
  int64_t batch = recipe ? recipe.getAs<IntegerAttr>("batch").getInt() : 1;
  auto step = f->getAttrOfType<StringAttr>("ai.step");
  auto number = [](Operation *op, StringRef name) {
    auto attr = op->getAttrOfType<IntegerAttr>(name);
    return attr ? std::max<int64_t>(attr.getInt(), 1) : 1;
  };
  int64_t size = 1;
  for (func::FuncOp other : getStepFunctions(module))
    if (other->getAttrOfType<StringAttr>("ai.step") == step)
      size = std::max(size, number(other, "ai.size"));
  int64_t blocks = llvm::divideCeil(batch, size);
  if (!isForBatch(f, batch))
    return 0;
  auto rest =
      step ? module.lookupSymbol<func::FuncOp>((step.getValue() + "_rest").str()) : func::FuncOp();
  int64_t left = batch % size; // one by one, in the place of the last block
  int64_t singles = rest && left <= integerOf(rest, "ai.most_rest") ? left : 0;
  if (isBlock(f))
    return f == rest ? singles : blocks - (singles > 0);
  bool hasFold = step && module.lookupSymbol((step.getValue() + "_fold").str());
  return countLaunches(kindOf(f), blocks, number(module, "ai.num_slots"), hasFold);
}

void NestTable::mark() {
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    // Every nest of a function lies in its body.
    Operation *top = op;
    while (top->getParentOp() && !isa<func::FuncOp>(top->getParentOp()))
      top = top->getParentOp();
    PlaceTable::setMark(op, {places.numberOf(op->getLoc()), numbers.lookup(top)});
  });
}

/// Elements that an operation on floats computes in a run of its nest; what is only written counts
/// a thousandth of that, for nests that compute nothing.
static double workOf(Operation *op, Operation *nest) {
  bool computes = isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
                  op->getNumResults() == 1 &&
                  isa<FloatType>(getElementTypeOrSelf(op->getResult(0))) &&
                  !isa<arith::ConstantOp>(op);
  bool writes = !op->getNumRegions() && op->getNumOperands() && hasEffect<MemoryEffects::Write>(op);
  if (!computes && !writes)
    return 0;
  double work = computes ? 1 : 1e-3;
  if (auto vector =
          dyn_cast<VectorType>((computes ? op->getResult(0) : op->getOperand(0)).getType()))
    work *= double(vector.getNumElements());
  for (Operation *up = op->getParentOp(); up != nest->getParentOp(); up = up->getParentOp())
    if (auto loop = dyn_cast<affine::AffineForOp>(up))
      work *= double(affine::getConstantTripCount(loop).value_or(1));
  return work;
}

/// The places whose operations a nest runs, the busiest first, with their share of its arithmetic.
json::Array NestTable::sharesOf(Operation *nest) {
  llvm::MapVector<int64_t, double> work;
  double sum = 0;
  nest->walk([&](Operation *op) {
    double own = workOf(op, nest);
    work[places.numberOf(op->getLoc())] += own;
    sum += own;
  });
  work.erase(int64_t(0));
  auto sorted = work.takeVector();
  llvm::sort(sorted, [](auto &a, auto &b) {
    return std::make_pair(-a.second, a.first) < std::make_pair(-b.second, b.first);
  });
  json::Array array;
  for (auto [place, own] : sorted)
    array.push_back(json::Object{{"place", place}, {"share", sum > 0 ? own / sum : 0.0}});
  return array;
}

json::Array NestTable::toJSON(const rt::Machine *machine, ArrayRef<MeasuredNest> measured) {
  json::Array array;
  for (auto [i, nest] : llvm::enumerate(nests)) {
    Cost cost = costOf(nest.cost, machine);
    auto f = nest.op->getParentOfType<func::FuncOp>();
    json::Object object{
        {"id", int64_t(i + 1)},
        {"function", jsonText(f.getName())},
        {"name", jsonText(nest.cost.getAs<StringAttr>("name").getValue())},
        {"calls", nest.calls},
        {"flops", cost.flops},
        {"read", cost.read},
        {"written", cost.written},
        {"workingSet", nest.cost.getAs<FloatAttr>("working_set").getValueAsDouble()},
        {"places", sharesOf(nest.op)},
    };
    if (machine) {
      object["seconds"] = cost.seconds;
      object["fits"] = cost.level;
      object["bound"] = cost.bound;
    }
    if (i < measured.size() && measured[i].calls > 0)
      object["measured"] = json::Object{{"calls", measured[i].calls},
                                        {"seconds", measured[i].seconds},
                                        {"least", measured[i].least}};
    array.push_back(std::move(object));
  }
  return array;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

namespace {
/// Bytes of a workspace that are seen as one buffer, and the operations of the function's body that
/// touch them, by their positions.
struct Buffer {
  int64_t offset, bytes;
  Type type;
  int64_t place;
  std::vector<int64_t> uses = {};

  bool meets(const Buffer &other) const {
    return offset < other.offset + other.bytes && other.offset < offset + bytes;
  }
};
} // namespace

static void collectUses(Value memref, Block &body,
                        const llvm::DenseMap<Operation *, int64_t> &positions,
                        std::vector<int64_t> &uses) {
  for (Operation *user : memref.getUsers()) {
    if (isa<ViewLikeOpInterface>(user))
      collectUses(user->getResult(0), body, positions, uses);
    else
      uses.push_back(positions.lookup(body.findAncestorOpInBlock(*user)));
  }
}

/// A view may serve several buffers of the plan, one after the other: where another buffer's bytes
/// are used in between, one life ends and the next begins.
static json::Array splitLives(const Buffer &buffer, ArrayRef<Buffer> buffers) {
  json::Array lives;
  int64_t first = buffer.uses.front(), last = first;
  auto isBetween = [&](int64_t begin, int64_t end) {
    return llvm::any_of(buffers, [&](const Buffer &other) {
      return &other != &buffer && other.meets(buffer) &&
             llvm::any_of(other.uses, [&](int64_t use) { return begin < use && use < end; });
    });
  };
  for (int64_t use : buffer.uses) {
    if (isBetween(last, use)) {
      lives.push_back(json::Array{first, last});
      first = use;
    }
    last = use;
  }
  lives.push_back(json::Array{first, last});
  return lives;
}

json::Array NestTable::livesIn(Operation *function) {
  auto f = cast<func::FuncOp>(function);
  Block &body = f.getBody().front();
  // The position of an operation is the number of nests before it, and its own if it is one.
  llvm::DenseMap<Operation *, int64_t> positions;
  int64_t next = 0;
  for (Operation &op : body)
    positions[&op] = op.getNumRegions() ? next++ : std::max<int64_t>(next - 1, 0);
  std::vector<Buffer> buffers;
  for (memref::ViewOp view : getWorkspaceBuffers(f)) {
    IntegerAttr shift;
    if (!matchPattern(view.getByteShift(), m_Constant(&shift)))
      continue;
    MemRefType type = view.getType();
    Buffer buffer{shift.getInt(), bytesOf(type), type, places.numberOf(view.getLoc())};
    collectUses(view, body, positions, buffer.uses);
    llvm::sort(buffer.uses);
    if (!buffer.uses.empty())
      buffers.push_back(std::move(buffer));
  }
  llvm::sort(buffers, [](const Buffer &a, const Buffer &b) {
    return std::make_tuple(a.offset, a.uses.front(), a.bytes) <
           std::make_tuple(b.offset, b.uses.front(), b.bytes);
  });
  json::Array array;
  for (const Buffer &buffer : buffers) {
    std::string type;
    llvm::raw_string_ostream(type) << buffer.type;
    array.push_back(json::Object{{"offset", buffer.offset},
                                 {"bytes", buffer.bytes},
                                 {"type", jsonText(type)},
                                 {"place", buffer.place},
                                 {"lives", splitLives(buffer, buffers)}});
  }
  return array;
}

json::Object NestTable::memoryToJSON() {
  auto number = [](Operation *op, StringRef name) {
    auto attr = op->getAttrOfType<IntegerAttr>(name);
    return attr ? attr.getInt() : 0;
  };
  json::Array tensors, functions;
  if (auto array = module->getAttrOfType<ArrayAttr>("ai.tensors"))
    for (auto tensor : array.getAsRange<DictionaryAttr>())
      tensors.push_back(
          json::Object{{"name", jsonText(tensor.getAs<StringAttr>("name").getValue())},
                       {"role", jsonText(tensor.getAs<StringAttr>("role").getValue())},
                       {"offset", tensor.getAs<IntegerAttr>("offset").getInt()},
                       {"bytes", tensor.getAs<IntegerAttr>("bytes").getInt()}});
  for (func::FuncOp f : getStepFunctions(module)) {
    json::Array ids;
    for (Operation *nest : getNests(f))
      ids.push_back(numbers.lookup(nest));
    functions.push_back(json::Object{{"name", jsonText(f.getName())},
                                     {"bytes", number(f, "ai.workspace_bytes")},
                                     {"nests", std::move(ids)},
                                     {"buffers", livesIn(f)}});
  }
  return json::Object{{"fixed", number(module, "ai.fixed_bytes")},
                      {"slots", number(module, "ai.num_slots")},
                      {"slotOffset", number(module, "ai.slot_offset")},
                      {"tensors", std::move(tensors)},
                      {"functions", std::move(functions)}};
}
