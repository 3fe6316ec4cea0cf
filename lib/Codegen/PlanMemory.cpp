// Lays out all memory of a program. Three regions, each at constant offsets:
//   fixed      parameters, optimizer states, settings, metrics, panels of rows and what they add up
//              to, then the gradient slots: one per program
//   slot       the sums that blocks add to: one per slot, inside the fixed region
//   workspace  staged samples, scalars and temporaries of one function: one per thread. A team
//              works in that of one of its threads, each with the end of its own, where scalars lie
//              and what one nest keeps for itself
// A function that GPU threads share has three instead of the workspace: outputs, temporaries
// in shared memory, in the tightest of three orders, and the workspace for those that do not fit.
// Temporaries whose lives overlap never share bytes (Placement.h).

#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/Placement.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using ai::Buffer, ai::place, ai::placeTightly;

namespace ai {
#define GEN_PASS_DEF_AIPLANMEMORYPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

namespace {
constexpr int64_t kAlignment = 64;

/// What a program hands out by name.
constexpr StringRef kTensorRoles[] = {"parameter", "state", "setting", "gradient"};

/// Of the runtime: waits for all threads of a team.
constexpr StringLiteral kBarrier = "ai_rt_team_barrier";

int64_t bytesOf(Type type) { return ai::bytesOf(cast<MemRefType>(type)); }
int64_t alignedBytesOf(Type type) { return llvm::alignTo(bytesOf(type), kAlignment); }

StringRef stringAttr(func::FuncOp f, unsigned argument, StringRef name) {
  auto attribute = f.getArgAttrOfType<StringAttr>(argument, name);
  return attribute ? attribute.getValue() : "";
}

bool isIn(StringRef role, ArrayRef<StringRef> roles) { return llvm::is_contained(roles, role); }
bool livesInFixed(StringRef role) {
  return isIn(role,
              {"parameter", "state", "setting", "gradient", "metric", "panel", "accumulator"});
}
bool isScalar(StringRef role) { return isIn(role, {"first", "count", "step", "epoch", "seed"}); }
bool isSample(StringRef role) { return isIn(role, {"input", "target"}); }
bool isStaged(StringRef role) {
  return isSample(role) || isIn(role, {"output", "argument", "result"});
}

/// Offsets in the fixed region by role and name, the same for all functions of the program.
struct FixedRegion {
  llvm::MapVector<std::pair<StringRef, StringRef>, int64_t> offsets;
  llvm::StringMap<int64_t> panelBytes; // by name
  int64_t bytes = 0, slotOffset = 0, slotBytes = 0, metricOffset = 0, metricBytes = 0;
};

class FunctionPlanner {
public:
  FunctionPlanner(func::FuncOp f, const FixedRegion &fixed, int64_t sharedBytes)
      : function(f), fixed(fixed), body(f.getBody().front()), b(f.getContext()),
        isOnGPU(f->hasAttr("ai.threads")), isBlock(ai::isBlock(f)), isTeams(!isOnGPU && isBlock),
        sharedLimit(sharedBytes) {}

  /// Plans and rewrites the function; says how in `text`.
  void run(raw_ostream &text) {
    numberOps();
    collectBuffers();
    sharedBytes = fillSharedMemory();
    stagedBytes = place(staged);
    placeInWorkspace();
    describePlan(text);
    numOld = function.getNumArguments();
    addRegionArguments();
    b.setInsertionPointToStart(&body);
    SmallVector<Attribute> tensors;
    for (unsigned i = 0; i < numOld; ++i)
      bindArgument(i, tensors);
    SmallVector<memref::AllocOp>
        replaced; // erased last: the first may be where the views are inserted
    for (auto [region, kept] : {std::pair(workspace, &buffers), std::pair(ownBase, &own)})
      for (const Buffer &buffer : *kept)
        if (auto alloc = buffer.value.getDefiningOp<memref::AllocOp>()) {
          alloc.replaceAllUsesWith(view(region, buffer.offset, alloc.getType(), alloc.getLoc()));
          replaced.push_back(alloc);
        }
    for (const Buffer &buffer : shared) {
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
    function->setAttr("ai.workspace_bytes", b.getI64IntegerAttr(workspaceBytes));
    if (isOnGPU) {
      function->setAttr("ai.staged_bytes", b.getI64IntegerAttr(stagedBytes));
      function->setAttr("ai.shared_bytes", b.getI64IntegerAttr(sharedBytes));
      function->setAttr("ai.metric_bytes", b.getI64IntegerAttr(fixed.metricBytes));
    }
    function->setAttr("ai.slot_bytes", b.getI64IntegerAttr(fixed.slotBytes));
    function->setAttr("ai.tensors", b.getArrayAttr(tensors));
  }

private:
  /// Between two barriers the threads that share a function are anywhere.
  void numberOps() {
    bool isShared = isOnGPU || function->hasAttr("ai.team");
    int64_t next = 0;
    for (auto [i, op] : llvm::enumerate(body)) {
      next += isShared ? isa<gpu::BarrierOp>(op) : 1;
      position[&op] = next;
      order[&op] = int64_t(i);
    }
  }

  /// Bytes of the workspace that threads share are never their own: so the compiler of the code may
  /// believe that the two are apart, also when one thread alone has both.
  void placeInWorkspace() {
    int64_t common = place(buffers);
    workspaceBytes = common + place(own);
    for (Buffer &buffer : own)
      buffer.offset += common;
  }

  void describePlan(raw_ostream &text) {
    SmallVector<Buffer> all(buffers);
    llvm::append_range(all, own);
    describeRegion("workspace", workspaceBytes, all, text);
    if (isOnGPU) {
      describeRegion("staged region", stagedBytes, staged, text);
      describeRegion("shared memory", sharedBytes, shared, text);
    }
  }

  /// A line for a region of the function, and one for each of its buffers, by offset.
  void describeRegion(StringRef region, int64_t bytes, ArrayRef<Buffer> buffers,
                      raw_ostream &text) {
    int64_t sum = 0;
    for (const Buffer &buffer : buffers)
      sum += buffer.bytes;
    text << function.getName() << ": " << region << " of " << bytes << " bytes for "
         << buffers.size() << " buffers of " << sum << " bytes\n";
    SmallVector<const Buffer *> sorted;
    for (const Buffer &buffer : buffers)
      sorted.push_back(&buffer);
    llvm::sort(sorted, [](const Buffer *a, const Buffer *b) {
      return std::make_pair(a->offset, a->order) < std::make_pair(b->offset, b->order);
    });
    for (const Buffer *buffer : sorted) {
      text << llvm::format("%12lld %12lld  ", (long long)buffer->offset, (long long)buffer->bytes);
      if (auto argument = dyn_cast<BlockArgument>(buffer->value))
        text << stringAttr(function, argument.getArgNumber(), "ai.name");
      else
        printType(text, cast<MemRefType>(buffer->value.getType()));
      text << "\n";
    }
  }

  static void printType(raw_ostream &text, MemRefType type) {
    llvm::interleave(type.getShape(), text, "x");
    text << "x" << type.getElementType();
  }

  void collectBuffers() {
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      StringRef role = stringAttr(function, i, "ai.role");
      BlockArgument argument = function.getArgument(i);
      // The caller fills inputs before the call and reads outputs after it.
      // The samples of a GPU's block stay where the data set is.
      if ((isStaged(role) && !(isOnGPU && isSample(role))) || (isScalar(role) && !isOnGPU))
        regionOf(argument).push_back(
            {argument, alignedBytesOf(argument.getType()), -1,
             isIn(role, {"output", "result"}) ? INT64_MAX : lastUse(argument)});
    }
    function.walk([&](memref::AllocOp alloc) {
      Buffer buffer{alloc, alignedBytesOf(alloc.getType()), INT64_MAX, -1};
      extendLife(alloc, buffer, isOwn(alloc) ? order : position);
      if (buffer.last >= 0)
        regionOf(alloc).push_back(buffer);
    });
  }

  /// Where the place of an argument, or of a temporary, is planned at first.
  SmallVectorImpl<Buffer> &regionOf(Value value) {
    if (isa<BlockArgument>(value) && isOnGPU)
      return staged;
    return isOwn(value) ? own : buffers;
  }

  /// Whether every thread of a team has one: what it does with it is in order.
  bool isOwn(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return isTeams && isScalar(stringAttr(function, argument.getArgNumber(), "ai.role"));
    return isTeams && value.getDefiningOp()->hasAttr("ai.own");
  }

  /// Moves temporaries of a thread block from the workspace into shared memory, all but the largest
  /// that do not fit; returns the bytes they take there. Of a grid, only what belongs to a thread
  /// block lies there.
  int64_t fillSharedMemory() {
    bool isGrid = ai::isForGrid(function);
    auto isForShared = [&](const Buffer &buffer) {
      auto type = cast<MemRefType>(buffer.value.getType());
      return isOnGPU && (!isGrid || gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(type));
    };
    llvm::copy_if(buffers, std::back_inserter(shared), isForShared);
    llvm::erase_if(buffers, isForShared);
    if (isGrid)
      return placeTightly(shared);
    int64_t needed = placeTightly(shared), bytes = needed;
    while (bytes > sharedLimit) {
      if (int64_t less = separateBuffers(bytes); less < bytes) {
        bytes = less;
        continue;
      }
      auto *found = llvm::max_element(
          shared, [](const Buffer &a, const Buffer &b) { return a.bytes < b.bytes; });
      Buffer largest = *found;
      shared.erase(found);
      buffers.push_back(largest);
      bytes = placeTightly(shared);
      largest.value.getDefiningOp()->emitRemark()
          << "kept in global memory: " << largest.bytes << " bytes of temporaries of "
          << function.getName() << ", which need " << needed << " bytes at once; shared memory has "
          << sharedLimit;
    }
    return bytes;
  }

  /// A wait costs less than global memory: lets threads wait before a buffer is first touched, or
  /// behind its last use, so that others may have its bytes, if all take less than `bytes` then.
  /// Returns what they take.
  int64_t separateBuffers(int64_t bytes) {
    SmallVector<Operation *> places;
    for (const Buffer &buffer : shared) {
      Operation *first = nullptr, *behind = nullptr;
      for (Operation &op : body)
        if (touchesBuffer(op, buffer.value)) {
          first = first ? first : &op;
          behind = op.getNextNode();
        }
      places.append({first, behind});
    }
    for (Operation *op : places) {
      if (!op || op->getNumRegions() == 0 || isa<gpu::BarrierOp>(op->getPrevNode()))
        continue;
      OpBuilder at(op);
      auto barrier = gpu::BarrierOp::create(at, op->getLoc());
      if (int64_t less = measureShared(); less < bytes)
        return less;
      barrier.erase();
    }
    return measureShared();
  }

  /// Whether a loop touches the buffer or a view of it.
  bool touchesBuffer(Operation &op, Value buffer) {
    return op.getNumRegions() > 0 && llvm::any_of(buffer.getUsers(), [&](Operation *user) {
             return isa<ViewLikeOpInterface>(user) ? touchesBuffer(op, user->getResult(0))
                                                   : op.isAncestor(user);
           });
  }

  /// The bytes of shared memory with the barriers that there are now.
  int64_t measureShared() {
    numberOps();
    for (Buffer &buffer : shared) {
      buffer.first = INT64_MAX;
      buffer.last = -1;
      extendLife(buffer.value, buffer, position);
    }
    return placeTightly(shared);
  }

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

  int64_t lastUse(Value value) {
    Buffer life{value, 0, INT64_MAX, -1};
    extendLife(value, life, isOwn(value) ? order : position);
    return life.last;
  }

  /// A buffer lives from the first to the last op of the body that touches it or a view of it.
  void extendLife(Value memref, Buffer &buffer, const DenseMap<Operation *, int64_t> &places) {
    for (Operation *user : memref.getUsers()) {
      int64_t at = places.lookup(body.findAncestorOpInBlock(*user));
      if (isa<ViewLikeOpInterface>(user))
        extendLife(user->getResult(0), buffer, places);
      buffer.first = std::min(buffer.first, at);
      buffer.last = std::max(buffer.last, at);
    }
  }

  Value addArgument(Type type, StringRef role) {
    unsigned index = function.getNumArguments();
    SmallVector<NamedAttribute> attributes{b.getNamedAttr("ai.role", b.getStringAttr(role))};
    if (isa<MemRefType>(type)) {
      attributes.push_back(b.getNamedAttr("llvm.noalias", b.getUnitAttr()));
      attributes.push_back(b.getNamedAttr("llvm.align", b.getI64IntegerAttr(kAlignment)));
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
    workspace = addArgument(arena(workspaceBytes), "workspace");
    stagedBase = isOnGPU ? addArgument(arena(stagedBytes), "staged") : workspace;
    ownBase = workspace;
    if (ai::kindOf(function).empty())
      return;
    for (unsigned i = 0; isOnGPU && i < numOld; ++i) {
      StringRef role = stringAttr(function, i, "ai.role");
      Type type = function.getArgument(i).getType();
      if (isSample(role))
        regions[role] = addArgument(arena(bytesOf(type)), role);
      else if (role == "metric" && !regions.contains("metrics"))
        regions["metrics"] = addArgument(arena(fixed.metricBytes), "metrics");
    }
    if (isBlock)
      slot = addArgument(arena(fixed.slotBytes), "slot");
    if (isTeams) {
      ownBase = addArgument(arena(workspaceBytes), "own");
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
    int64_t bytesOfSample = bytes / ai::integerOf(function, "ai.size");
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

  int64_t stagedOffset(Value value) {
    ArrayRef<Buffer> region = regionOf(value);
    return llvm::find_if(region, [&](const Buffer &o) { return o.value == value; })->offset;
  }

  void bindArgument(unsigned i, SmallVectorImpl<Attribute> &tensors) {
    BlockArgument argument = function.getArgument(i);
    StringRef role = stringAttr(function, i, "ai.role"), name = stringAttr(function, i, "ai.name");
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
      offset = stagedOffset(argument);
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
        b.getNamedAttr("name", b.getStringAttr(stringAttr(f, i, "ai.name"))),
        b.getNamedAttr("role", b.getStringAttr(stringAttr(f, i, "ai.role"))),
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
  Block &body;
  OpBuilder b;
  DenseMap<Operation *, int64_t> position; // barriers before it where threads share the function
  DenseMap<Operation *, int64_t> order;    // ops before it
  bool isOnGPU, isBlock;
  bool isTeams;                       // a block that threads of a CPU may share
  SmallVector<Buffer> buffers, own;   // of the workspace
  SmallVector<Buffer> staged, shared; // on a GPU, of its two other regions
  int64_t workspaceBytes = 0, stagedBytes = 0, sharedBytes = 0, sharedLimit;
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
      if (!f.isDeclaration())
        FunctionPlanner(f, fixed, sharedBytes).run(text);

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
        if (stringAttr(f, i, "ai.role") != role)
          continue;
        auto key = std::make_pair(role, stringAttr(f, i, "ai.name"));
        if (!fixed.offsets.insert({key, fixed.bytes}).second)
          continue;
        if (isSaved)
          tensors.push_back(FunctionPlanner::describe(b, f, i, fixed.bytes));
        fixed.bytes += alignedBytesOf(f.getArgument(i).getType());
        if (role == "panel")
          fixed.panelBytes[key.second] = bytesOf(f.getArgument(i).getType());
      }
  }

  /// A variant for small batches has a slot for each sample.
  static int64_t slotsOf(func::FuncOp f, int64_t slots) {
    int64_t most = ai::getMostSamples(f);
    return most ? most : slots;
  }

  /// The largest slot of any step, the number of slots that a combine adds up, and the most that
  /// any does, a variant for small batches included.
  void measureSlots(FixedRegion &fixed, int64_t &slots, int64_t &mostSlots) {
    for (auto f : getOperation().getOps<func::FuncOp>()) {
      int64_t bytes = 0;
      mostSlots = std::max(mostSlots, slotsOf(f, 0));
      for (unsigned i = 0; i < f.getNumArguments(); ++i) {
        if (stringAttr(f, i, "ai.role") == "slot")
          bytes += alignedBytesOf(f.getArgument(i).getType());
        auto index = f.getArgAttrOfType<IntegerAttr>(i, "ai.slot");
        if (index && !ai::getMostSamples(f))
          slots = std::max(slots, index.getInt() + 1);
      }
      fixed.slotBytes = std::max(fixed.slotBytes, bytes);
    }
    mostSlots = std::max(mostSlots, slots);
  }
};
} // namespace
