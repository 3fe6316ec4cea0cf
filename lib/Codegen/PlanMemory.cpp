// Lays out all memory of a program. Three regions, each at constant offsets:
//   fixed      parameters, optimizer states, settings, metrics, panels of rows and what they add up
//              to, then the gradient slots: one per program
//   slot       the sums that blocks add to: one per slot, inside the fixed region
//   workspace  staged samples, scalars and temporaries of one function: one per thread. A team
//              works in that of one of its threads, each with the end of its own, where scalars lie
//              and what one nest keeps for itself
// A function that GPU threads share has three instead of the workspace: outputs, temporaries
// in shared memory, in the tightest of three orders, and the workspace for those that do not fit.
// FunctionMemory.h plans what a function has for itself.

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/FunctionMemory.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace ai;

namespace ai {
#define GEN_PASS_DEF_AIPLANMEMORYPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

namespace {
/// What a program hands out by name.
constexpr StringRef kTensorRoles[] = {"parameter", "state", "setting", "gradient"};

/// Of the runtime: waits for all threads of a team.
constexpr StringLiteral kBarrier = "ai_rt_team_barrier";

int64_t bytesOf(Type type) { return ai::bytesOf(cast<MemRefType>(type)); }

bool livesInFixed(StringRef role) {
  return isIn(role,
              {"parameter", "state", "setting", "gradient", "metric", "panel", "accumulator"});
}

/// Offsets in the fixed region by role and name, the same for all functions of the program.
struct FixedRegion {
  llvm::MapVector<std::pair<StringRef, StringRef>, int64_t> offsets;
  llvm::StringMap<int64_t> panelBytes; // by name
  int64_t bytes = 0, slotOffset = 0, slotBytes = 0, metricOffset = 0, metricBytes = 0;
};

/// Binds the arguments and temporaries of a function to places in regions.
class Binder {
public:
  Binder(func::FuncOp f, const FixedRegion &fixed, FunctionMemory &memory)
      : function(f), fixed(fixed), memory(memory), body(f.getBody().front()), b(f.getContext()),
        isOnGPU(memory.isOnGPU), isBlock(ai::isBlock(f)), isTeams(memory.isTeams) {}

  void run() {
    numOld = function.getNumArguments();
    addRegionArguments();
    b.setInsertionPointToStart(&body);
    SmallVector<Attribute> tensors;
    for (unsigned i = 0; i < numOld; ++i)
      bindArgument(i, tensors);
    SmallVector<memref::AllocOp>
        replaced; // erased last: the first may be where the views are inserted
    for (auto [region, kept] :
         {std::pair(workspace, &memory.workspace), std::pair(ownBase, &memory.own)})
      for (const Buffer &buffer : *kept)
        if (auto alloc = buffer.value.getDefiningOp<memref::AllocOp>()) {
          alloc.replaceAllUsesWith(view(region, buffer.offset, alloc.getType(), alloc.getLoc()));
          replaced.push_back(alloc);
        }
    for (const Buffer &buffer : memory.shared) {
      auto alloc = buffer.value.getDefiningOp<memref::AllocOp>();
      Value place =
          view(sharedMemory(), buffer.offset, inSharedMemory(alloc.getType()), alloc.getLoc());
      alloc.replaceAllUsesWith(place);
      moveViews(place);
      replaced.push_back(alloc);
    }
    for (memref::AllocOp alloc : replaced)
      alloc.erase();
    if (isTeams)
      callBarriers();
    llvm::BitVector old(function.getNumArguments());
    old.set(0, numOld);
    (void)function.eraseArguments(old);
    function->setAttr("ai.workspace_bytes", b.getI64IntegerAttr(memory.workspaceBytes));
    if (isOnGPU) {
      function->setAttr("ai.staged_bytes", b.getI64IntegerAttr(memory.stagedBytes));
      function->setAttr("ai.shared_bytes", b.getI64IntegerAttr(memory.sharedBytes));
      function->setAttr("ai.metric_bytes", b.getI64IntegerAttr(fixed.metricBytes));
    }
    function->setAttr("ai.slot_bytes", b.getI64IntegerAttr(fixed.slotBytes));
    function->setAttr("ai.tensors", b.getArrayAttr(tensors));
  }

private:
  Value sharedMemory() {
    if (!dynamicMemory)
      dynamicMemory = gpu::DynamicSharedMemoryOp::create(
          b, function.getLoc(),
          MemRefType::get({ShapedType::kDynamic}, b.getI8Type(), AffineMap(), sharedSpace()));
    return dynamicMemory;
  }

  Attribute sharedSpace() {
    return gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  }

  MemRefType inSharedMemory(MemRefType type) {
    return MemRefType::get(type.getShape(), type.getElementType(), type.getLayout(), sharedSpace());
  }

  /// Views of a buffer lie where the buffer lies.
  void moveViews(Value memref) {
    for (Operation *user : memref.getUsers())
      if (isa<ViewLikeOpInterface>(user)) {
        Value result = user->getResult(0);
        result.setType(inSharedMemory(cast<MemRefType>(result.getType())));
        moveViews(result);
      }
  }

  Value addArgument(Type type, StringRef role) {
    unsigned index = function.getNumArguments();
    SmallVector<NamedAttribute> attributes{b.getNamedAttr("ai.role", b.getStringAttr(role))};
    if (isa<MemRefType>(type)) {
      attributes.push_back(b.getNamedAttr("llvm.noalias", b.getUnitAttr()));
      attributes.push_back(b.getNamedAttr("llvm.align", b.getI64IntegerAttr(kBufferAlignment)));
    }
    (void)function.insertArgument(index, type, b.getDictionaryAttr(attributes), function.getLoc());
    return function.getArgument(index);
  }

  /// The signatures of ai_rt_block_fn, ai_rt_combine_fn and a plain function's `run`.
  void addRegionArguments() {
    auto arena = [&](int64_t bytes) {
      return MemRefType::get({std::max<int64_t>(bytes, 1)}, b.getI8Type());
    };
    fixedBase = addArgument(arena(fixed.bytes), "fixed");
    workspace = addArgument(arena(memory.workspaceBytes), "workspace");
    stagedBase = isOnGPU ? addArgument(arena(memory.stagedBytes), "staged") : workspace;
    ownBase = workspace;
    if (kindOf(function).empty())
      return;
    for (unsigned i = 0; isOnGPU && i < numOld; ++i) {
      StringRef role = argumentText(function, i, "ai.role");
      Type type = function.getArgument(i).getType();
      if (isSample(role))
        regions[role] = addArgument(arena(bytesOf(type)), role);
      else if (role == "metric" && !regions.contains("metrics"))
        regions["metrics"] = addArgument(arena(fixed.metricBytes), "metrics");
    }
    if (isBlock)
      slot = addArgument(arena(fixed.slotBytes), "slot");
    if (isTeams) {
      ownBase = addArgument(arena(memory.workspaceBytes), "own");
      team = addArgument(arena(1), "team");
    }
    if (isBlock)
      scalars["first"] = addArgument(b.getI64Type(), "first");
    if (!isBlock || isTeams) {
      scalars["part"] = addArgument(b.getIndexType(), "part");
      scalars["parts"] = addArgument(b.getIndexType(), "parts");
    }
    for (StringRef role : {"count", "step", "epoch", "seed"})
      scalars[role] = addArgument(b.getI64Type(), role);
  }

  /// The places of a panel follow one another as samples do, and begin again behind the last.
  Value rowsOffset(StringRef name, int64_t bytes) {
    Location loc = function.getLoc();
    auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
    int64_t bytesOfSample = bytes / integerOf(function, "ai.size");
    Value first = arith::IndexCastOp::create(b, loc, b.getIndexType(), scalars["first"]);
    Value sample =
        arith::RemUIOp::create(b, loc, first, constant(fixed.panelBytes.at(name) / bytesOfSample));
    Value rows = arith::MulIOp::create(b, loc, sample, constant(bytesOfSample));
    return arith::AddIOp::create(b, loc, rows, constant(fixed.offsets.lookup({"panel", name})));
  }

  Value view(Value region, int64_t offset, Type type, Location loc) {
    return view(region, arith::ConstantIndexOp::create(b, loc, offset), type, loc);
  }
  Value view(Value region, Value at, Type type, Location loc) {
    return memref::ViewOp::create(b, loc, cast<MemRefType>(type), region, at, ValueRange());
  }

  /// The memory that others may have written is an argument of the call: what is not, a compiler
  /// takes for untouched.
  void callBarriers() {
    SmallVector<gpu::BarrierOp> barriers(body.getOps<gpu::BarrierOp>());
    SmallVector<Value> regions{team, fixedBase, workspace, slot};
    for (gpu::BarrierOp barrier : barriers) {
      b.setInsertionPoint(barrier);
      Location loc = barrier.getLoc();
      auto bytes = MemRefType::get({1}, b.getI8Type());
      SmallVector<Value> arguments = llvm::map_to_vector(regions, [&](Value region) {
        return region.getType() == bytes ? region : view(region, 0, bytes, loc);
      });
      func::CallOp::create(b, loc, kBarrier, TypeRange(), arguments);
      barrier.erase();
    }
    bool isAlone = function->hasAttr("ai.alone");
    function->setAttr("ai.barriers", b.getI64IntegerAttr(isAlone ? -1 : barriers.size()));
  }

  void bindArgument(unsigned i, SmallVectorImpl<Attribute> &tensors) {
    BlockArgument argument = function.getArgument(i);
    StringRef role = argumentText(function, i, "ai.role"),
              name = argumentText(function, i, "ai.name");
    if (isIn(role, {"part", "parts"})) {
      argument.replaceAllUsesWith(scalars[role]);
      return;
    }
    Type type = argument.getType();
    Location loc = argument.getLoc();
    Value bound;
    int64_t offset = 0;
    if (isOnGPU && role == "metric") { // of each step, until somebody asks
      offset = fixed.offsets.lookup({role, name}) - fixed.metricOffset;
      bound = view(regions["metrics"], offset, type, loc);
    } else if (isOnGPU && isSample(role)) {
      bound = view(regions[role], 0, type, loc);
    } else if (livesInFixed(role)) {
      offset = fixed.offsets.lookup({role, name});
      bound = view(fixedBase, offset, type, loc);
      if (role == "panel")
        bound.getDefiningOp()->setAttr("ai.panel", b.getUnitAttr());
    } else if (role == "rows") {
      offset = fixed.offsets.lookup({"panel", name});
      bound = view(fixedBase, rowsOffset(name, bytesOf(type)), type, loc);
    } else if (role == "slot") {
      offset = slotTop;
      slotTop += alignedBytesOf(type);
      bound = view(slot, offset, type, loc);
    } else if (role == "slots") {
      auto index = function.getArgAttrOfType<IntegerAttr>(i, "ai.slot").getInt();
      if (index != currentSlot)
        slotTop = 0;
      currentSlot = index;
      offset = fixed.slotOffset + index * fixed.slotBytes + slotTop;
      slotTop += alignedBytesOf(type);
      bound = view(fixedBase, offset, type, loc);
    } else if (isScalar(role) && isOnGPU) {
      bound = memref::AllocaOp::create(b, loc, cast<MemRefType>(type));
      memref::StoreOp::create(b, loc, scalars[role], bound, ValueRange());
    } else {
      offset = memory.offsetOf(argument);
      bound = view(isScalar(role) ? ownBase : stagedBase, offset, type, loc);
      if (isScalar(role))
        memref::StoreOp::create(b, loc, scalars[role], bound, ValueRange());
    }
    argument.replaceAllUsesWith(bound);
    if (isStaged(role) || role == "metric" || role == "rows")
      tensors.push_back(describe(b, function, i, offset));
  }

public:
  /// What the program's table says of one tensor: its logical shape, in which samples come first.
  static Attribute describe(Builder &b, func::FuncOp f, unsigned i, int64_t offset) {
    auto type = cast<MemRefType>(f.getArgument(i).getType());
    bool hasLanes = f.getArgAttr(i, "ai.lanes") != nullptr;
    if (hasLanes) {
      SmallVector<int64_t> shape(type.getShape());
      std::rotate(shape.begin(), shape.end() - 1, shape.end());
      type = MemRefType::get(shape, type.getElementType());
    }
    SmallVector<NamedAttribute> entries{
        b.getNamedAttr("name", b.getStringAttr(argumentText(f, i, "ai.name"))),
        b.getNamedAttr("role", b.getStringAttr(argumentText(f, i, "ai.role"))),
        b.getNamedAttr("type", TypeAttr::get(type)),
        b.getNamedAttr("offset", b.getI64IntegerAttr(offset)),
        b.getNamedAttr("bytes", b.getI64IntegerAttr(bytesOf(type)))};
    if (hasLanes)
      entries.push_back(b.getNamedAttr("lanes", b.getUnitAttr()));
    for (StringRef extra : {"ai.init", "ai.value"})
      if (Attribute value = f.getArgAttr(i, extra))
        entries.push_back(b.getNamedAttr(extra.drop_front(3), value));
    return b.getDictionaryAttr(entries);
  }

private:
  func::FuncOp function;
  const FixedRegion &fixed;
  FunctionMemory &memory;
  Block &body;
  OpBuilder b;
  bool isOnGPU, isBlock, isTeams;
  int64_t slotTop = 0, currentSlot = 0;
  unsigned numOld = 0;
  Value fixedBase, workspace, stagedBase, ownBase, slot, team, dynamicMemory;
  llvm::StringMap<Value> scalars, regions; // by role
};

struct PlanMemoryPass : ai::impl::AIPlanMemoryPassBase<PlanMemoryPass> {
  using AIPlanMemoryPassBase::AIPlanMemoryPassBase;

  void runOnOperation() final {
    FixedRegion fixed;
    SmallVector<Attribute> tensors;
    for (StringRef role : kTensorRoles)
      layOut(role, fixed, tensors);
    fixed.metricOffset = fixed.bytes;
    layOut("metric", fixed, tensors);
    fixed.metricBytes = fixed.bytes - fixed.metricOffset;
    int64_t tensorBytes = fixed.bytes;
    for (StringRef role : {"panel", "accumulator"})
      layOut(role, fixed, tensors);
    int64_t panelBytes = fixed.bytes - tensorBytes;
    fixed.slotOffset = fixed.bytes = llvm::alignTo(fixed.bytes, 4096);
    int64_t slots = 0, mostSlots = 0;
    measureSlots(fixed, slots, mostSlots);
    fixed.bytes += mostSlots * fixed.slotBytes;
    std::string plan;
    llvm::raw_string_ostream text(plan);
    text << "fixed region of " << fixed.bytes << " bytes: tensors " << fixed.slotOffset - panelBytes
         << ", ";
    if (panelBytes)
      text << "panels " << panelBytes << ", ";
    text << mostSlots << " slots of " << fixed.slotBytes << "\n";
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (!f.isDeclaration()) {
        FunctionMemory memory(f, sharedBytes);
        memory.describe(text);
        Binder(f, fixed, memory).run();
      }

    declareBarrier();
    Builder b(&getContext());
    getOperation()->setAttr("ai.tensors", b.getArrayAttr(tensors));
    getOperation()->setAttr("ai.plan", b.getStringAttr(plan));
    getOperation()->setAttr("ai.fixed_bytes", b.getI64IntegerAttr(fixed.bytes));
    getOperation()->setAttr("ai.slot_offset", b.getI64IntegerAttr(fixed.slotOffset));
    getOperation()->setAttr("ai.num_slots", b.getI64IntegerAttr(slots));
  }

  void declareBarrier() {
    auto hasBarriers = [](func::FuncOp f) {
      auto barriers = f->getAttrOfType<IntegerAttr>("ai.barriers");
      return barriers && barriers.getInt() > 0;
    };
    if (llvm::none_of(getOperation().getOps<func::FuncOp>(), hasBarriers))
      return;
    OpBuilder b = OpBuilder::atBlockBegin(getOperation().getBody());
    SmallVector<Type> types(4, MemRefType::get({1}, b.getI8Type()));
    func::FuncOp::create(b, getOperation().getLoc(), kBarrier, b.getFunctionType(types, {}))
        .setPrivate();
  }

  /// Gives every tensor of one role its place, in the order of the functions' arguments.
  void layOut(StringRef role, FixedRegion &fixed, SmallVectorImpl<Attribute> &tensors) {
    Builder b(&getContext());
    bool isSaved = isIn(role, kTensorRoles);
    for (auto f : getOperation().getOps<func::FuncOp>())
      for (unsigned i = 0; i < f.getNumArguments(); ++i) {
        if (argumentText(f, i, "ai.role") != role)
          continue;
        auto key = std::make_pair(role, argumentText(f, i, "ai.name"));
        if (!fixed.offsets.insert({key, fixed.bytes}).second)
          continue;
        if (isSaved)
          tensors.push_back(Binder::describe(b, f, i, fixed.bytes));
        fixed.bytes += alignedBytesOf(f.getArgument(i).getType());
        if (role == "panel")
          fixed.panelBytes[key.second] = bytesOf(f.getArgument(i).getType());
      }
  }

  /// A variant for small batches has a slot for each sample.
  static int64_t slotsOf(func::FuncOp f, int64_t slots) {
    int64_t most = getMostSamples(f);
    return most ? most : slots;
  }

  /// The largest slot of any step, the number of slots that a combine adds up, and the most that
  /// any does, a variant for small batches included.
  void measureSlots(FixedRegion &fixed, int64_t &slots, int64_t &mostSlots) {
    for (auto f : getOperation().getOps<func::FuncOp>()) {
      int64_t bytes = 0;
      mostSlots = std::max(mostSlots, slotsOf(f, 0));
      for (unsigned i = 0; i < f.getNumArguments(); ++i) {
        if (argumentText(f, i, "ai.role") == "slot")
          bytes += alignedBytesOf(f.getArgument(i).getType());
        auto index = f.getArgAttrOfType<IntegerAttr>(i, "ai.slot");
        if (index && !getMostSamples(f))
          slots = std::max(slots, index.getInt() + 1);
      }
      fixed.slotBytes = std::max(fixed.slotBytes, bytes);
    }
    mostSlots = std::max(mostSlots, slots);
  }
};
} // namespace
