// Functions that threads share -> kernels of one gpu.module. A thread block of a step's block finds
// its workspace, its outputs and its slot by its number, and its samples by the rows that the batch
// lists for them: loads of a block of samples become loads of rows. What a grid runs is cut where
// its threads must wait for each other: no thread block can wait for all others, but the next
// kernel does. Between two kernels a library may be called.

#include "ai/Codegen/Passes.h"
#include "dialects/library/LibraryDialect.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

namespace ai {
#define GEN_PASS_DEF_AIOUTLINEKERNELSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;

/// What memory holds of the present batch, in words: step, epoch, seed, the entry of its metrics,
/// then the rows of each sample, the input's below the target's (ai_program.h).
enum BatchWord { Step, Epoch, Seed, Entry, Rows };
static constexpr int64_t kMaxRows = int64_t(1) << 32;
/// Rows begin where vectors can be loaded.
static constexpr int64_t kRowAlignment = 16;

namespace {
class KernelOutliner {
public:
  KernelOutliner(func::FuncOp f, gpu::GPUModuleOp kernels)
      : function(f), module(f->getParentOfType<ModuleOp>()), kernels(kernels), b(f.getContext()) {
    isBlock = ai::isBlock(f);
    isGrid = ai::isForGrid(f);
  }

  LogicalResult run() {
    SmallVector<Operation *> ops; // loops and calls since the last barrier of a grid
    for (Operation &op : function.getBody().front().without_terminator())
      if (isGrid && isa<gpu::BarrierOp>(op)) {
        if (failed(endPhase(ops)))
          return failure();
      } else if (op.getNumRegions() > 0 || isa<ai::library::CallOp>(op)) {
        ops.push_back(&op);
      }
    if (failed(endPhase(ops)))
      return failure();
    function->setAttr("ai.kernels", b.getArrayAttr(made));
    function.eraseBody();
    function.setAllArgAttrs(ArrayRef<DictionaryAttr>(
        SmallVector<DictionaryAttr>(function.getNumArguments(), b.getDictionaryAttr({}))));
    function.setType(b.getFunctionType({}, {}));
    function.setPrivate();
    return success();
  }

private:
  /// Lists a kernel of the loops among `ops`, if there are any, and the calls. None of them touches
  /// what another one writes.
  LogicalResult endPhase(SmallVectorImpl<Operation *> &ops) {
    auto list = [&](FailureOr<Attribute> entry) {
      if (succeeded(entry))
        made.push_back(*entry);
      return LogicalResult(entry);
    };
    bool hasLoops = !llvm::all_of(ops, llvm::IsaPred<ai::library::CallOp>);
    if ((hasLoops || !isGrid) && failed(list(makeKernel(phase))))
      return failure();
    for (Operation *op : ops)
      if (auto call = dyn_cast<ai::library::CallOp>(op))
        if (failed(list(describeCall(call))))
          return failure();
    ops.clear();
    ++phase;
    return success();
  }

  MemRefType bytesType(int64_t bytes) {
    return MemRefType::get({std::max<int64_t>(bytes, 1)}, b.getI8Type());
  }

  int64_t numSamples() { return std::max<int64_t>(1, ai::integerOf(function, "ai.size")); }
  /// Bytes of one of the block's samples, "input" or "target"; 0 where there is none.
  int64_t sampleBytes(StringRef role) {
    for (BlockArgument argument : function.getArguments())
      if (auto own = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "ai.role");
          own && own.getValue() == role)
        return cast<MemRefType>(argument.getType()).getNumElements() / numSamples();
    return 0;
  }
  /// Bytes from one row to the next.
  int64_t rowBytes(StringRef role) { return llvm::alignTo(sampleBytes(role), kRowAlignment); }
  MemRefType rowsType(StringRef role) { return bytesType(rowBytes(role) * kMaxRows); }

  NamedAttribute entry(StringRef key, int64_t value) {
    return b.getNamedAttr(key, b.getI64IntegerAttr(value));
  }

  /// An entry of the list of kernels for what a library computes.
  FailureOr<Attribute> describeCall(ai::library::CallOp call) {
    SmallVector<Attribute> operands;
    for (Value operand : call->getOperands()) {
      FailureOr<Attribute> place = describePlace(call, operand);
      if (failed(place))
        return failure();
      operands.push_back(*place);
    }
    StringRef what = ai::library::stringifyFunction(call.getFunction());
    std::string name = (function.getName() + "_" + Twine(phase) + "_" + what).str();
    Type element = cast<MemRefType>(call.getInit().getType()).getElementType();
    SmallVector<NamedAttribute> entries{
        b.getNamedAttr("call", b.getStringAttr(what)),
        b.getNamedAttr("name", b.getStringAttr(name)),
        b.getNamedAttr("type", TypeAttr::get(element)),
        b.getNamedAttr("operands", b.getArrayAttr(operands)),
        b.getNamedAttr("place", b.getStringAttr(ai::modelPlaceOf(call)))};
    if (call.isConvolution()) {
      entries.push_back(b.getNamedAttr("stride", call.getStrideAttr()));
      entries.push_back(b.getNamedAttr("padding", call.getPaddingAttr()));
      entries.push_back(b.getNamedAttr("dilation", call.getDilationAttr()));
    } else {
      entries.push_back(entry("transpose_lhs", call.getTransposeLhs()));
      entries.push_back(entry("transpose_rhs", call.getTransposeRhs()));
      entries.push_back(entry("relu", call.getRelu()));
    }
    return Attribute(b.getDictionaryAttr(entries));
  }

  /// Region, offset and shape of a call's operand.
  FailureOr<Attribute> describePlace(ai::library::CallOp call, Value operand) {
    auto type = cast<MemRefType>(operand.getType());
    int64_t offset = 0;
    bool isKnown = type.getLayout().isIdentity();
    while (Operation *op = operand.getDefiningOp()) {
      if (auto view = dyn_cast<memref::ViewOp>(op)) {
        std::optional<int64_t> shift = getConstantIntValue(view.getByteShift());
        isKnown = isKnown && shift;
        offset += shift.value_or(0);
      } else {
        isKnown =
            isKnown && isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(op);
      }
      operand = op->getOperand(0);
    }
    auto argument = cast<BlockArgument>(operand);
    auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "ai.role");
    StringRef region = role ? role.getValue() : "";
    if (region == "slot" && ai::integerOf(module, "ai.num_slots") == 1) {
      region = "fixed";
      offset += ai::integerOf(module, "ai.slot_offset");
    }
    if (!isKnown || !llvm::is_contained({"fixed", "workspace", "staged"}, region))
      return call.emitOpError("expects operands at constant places in the arena; run "
                              "ai-place-call-operands first");
    return Attribute(b.getDictionaryAttr(
        {b.getNamedAttr("region", b.getStringAttr(region)), entry("offset", offset),
         b.getNamedAttr("shape", b.getDenseI64ArrayAttr(type.getShape()))}));
  }

  FailureOr<Attribute> makeKernel(int64_t phase) {
    int64_t blocks = isBlock ? ai::integerOf(module, "ai.num_slots") : 1;
    auto fixed = bytesType(ai::integerOf(module, "ai.fixed_bytes"));
    auto workspace = bytesType(blocks * ai::integerOf(function, "ai.workspace_bytes"));
    auto staged = bytesType(blocks * ai::integerOf(function, "ai.staged_bytes"));
    auto metrics = bytesType(ai::integerOf(function, "ai.metric_bytes") * kMaxRows);
    auto batch = MemRefType::get({Rows + kMaxRows}, b.getI64Type());
    SmallVector<Type> types{
        fixed,   workspace, staged,         rowsType("input"), rowsType("target"),
        metrics, batch,     b.getI64Type(), b.getI64Type()};

    std::string name = function.getName().str();
    if (isGrid)
      name += "_" + std::to_string(phase);
    b.setInsertionPointToEnd(kernels.getBody());
    auto kernel = gpu::GPUFuncOp::create(b, function.getLoc(), name, b.getFunctionType(types, {}));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    auto threads = int32_t(ai::integerOf(function, "ai.threads"));
    kernel.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({threads, 1, 1}));
    // Otherwise ptxas saves registers for more blocks than shared memory has room for, and spills.
    if (!isGrid)
      kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));

    b.setInsertionPointToStart(&kernel.getBody().front());
    IRMapping values = bindArguments(kernel);
    int64_t elements = cloneBody(phase, values);
    gpu::ReturnOp::create(b, function.getLoc());
    for (StringRef role : {"input", "target"})
      if (Value block = this->values.lookup(role))
        if (failed(gatherSamples(role, block)))
          return failure();
    int64_t grid = isGrid    ? std::max<int64_t>(1, llvm::divideCeil(elements, threads))
                   : isBlock ? 0
                             : 1;
    return Attribute(b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(name)), entry("grid", grid),
         entry("threads", threads), entry("shared", ai::integerOf(function, "ai.shared_bytes"))}));
  }

  /// What the function's arguments are in the kernel.
  IRMapping bindArguments(gpu::GPUFuncOp kernel) {
    static constexpr StringRef roles[] = {"fixed",   "workspace", "staged", "inputs", "targets",
                                          "metrics", "batch",     "first",  "count"};
    values.clear();
    for (auto [i, role] : llvm::enumerate(roles))
      values[role] = kernel.getArgument(i);
    if (isBlock || isGrid)
      bindBatch();
    if (isBlock)
      bindBlock();
    IRMapping mapping;
    for (BlockArgument argument : function.getArguments()) {
      auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "ai.role");
      Value value = role ? values.lookup(role.getValue()) : Value();
      if (!value) // shares of a combine: GPU threads know theirs
        value = index(0);
      mapping.map(argument, value);
    }
    return mapping;
  }

  /// What is read of the batch's record.
  void bindBatch() {
    values["step"] = word(index(Step));
    values["epoch"] = word(index(Epoch));
    values["seed"] = word(index(Seed));
    int64_t bytes = ai::integerOf(function, "ai.metric_bytes");
    values["metrics"] = part("metrics", toIndex(word(index(Entry))), 0, bytes, bytes);
  }

  /// What differs from thread block to thread block.
  void bindBlock() {
    Location loc = function.getLoc();
    Value number =
        isGrid // which runs one block at a time
            ? index(0)
            : gpu::BlockIdOp::create(b, loc, gpu::Dimension::x,
                                     b.getIndexAttr(ai::integerOf(module, "ai.num_slots")))
                  .getResult();
    auto own = [&](StringRef whole, int64_t start, int64_t bytes) {
      return part(whole, number, start, bytes, bytes);
    };
    values["slot"] = own("fixed", ai::integerOf(module, "ai.slot_offset"),
                         ai::integerOf(function, "ai.slot_bytes"));
    values["workspace"] = own("workspace", 0, ai::integerOf(function, "ai.workspace_bytes"));
    values["staged"] = own("staged", 0, ai::integerOf(function, "ai.staged_bytes"));
    Value samples =
        arith::MulIOp::create(b, loc, arith::IndexCastOp::create(b, loc, b.getI64Type(), number),
                              integer64(ai::integerOf(function, "ai.size")));
    values["first"] = arith::AddIOp::create(b, loc, values["first"], samples);
    for (StringRef role : {"input", "target"}) {
      auto &samples = rows[role];
      samples.clear();
      for (int64_t i = 0; sampleBytes(role) && i < numSamples(); ++i)
        samples.push_back(rowOf(role, index(i), i == 0));
      if (sampleBytes(role)) // stands for the samples until it is known which of them a load is of
        values[role] = memref::ViewOp::create(b, loc, bytesType(numSamples() * sampleBytes(role)),
                                              wholeOf(role), index(0), ValueRange());
    }
  }

  Value wholeOf(StringRef role) { return values[(role + "s").str()]; }

  /// The row of one of the block's samples. The last block of a batch may be filled up with samples
  /// that count for nothing: those are the last one once more.
  Value rowOf(StringRef role, Value sample, bool isFirst = false) {
    Location loc = function.getLoc();
    Value at = toIndex(values["first"]);
    if (!isFirst) {
      Value last = arith::SubIOp::create(b, loc, toIndex(values["count"]), index(1));
      at = arith::MinSIOp::create(b, loc, arith::AddIOp::create(b, loc, at, sample), last);
    }
    Value both = word(arith::AddIOp::create(b, loc, at, index(Rows)));
    Value row = role == "input"
                    ? arith::AndIOp::create(b, loc, both, integer64(kMaxRows - 1)).getResult()
                    : arith::ShRUIOp::create(b, loc, both, integer64(32)).getResult();
    return part((role + "s").str(), toIndex(row), 0, rowBytes(role), sampleBytes(role));
  }

  /// Loads of `block`, the samples side by side, become loads of their rows.
  LogicalResult gatherSamples(StringRef role, Value block) {
    for (Operation *user : llvm::make_early_inc_range(block.getUsers())) {
      b.setInsertionPoint(user);
      if (isa<ViewLikeOpInterface>(user)) {
        if (failed(gatherSamples(role, user->getResult(0))))
          return failure();
      } else if (auto load = dyn_cast<affine::AffineLoadOp>(user)) {
        auto [row, map, operands] =
            findRow(role, load.getMemRefType(), load.getAffineMap(), load.getMapOperands());
        load.replaceAllUsesWith(
            affine::AffineLoadOp::create(b, load.getLoc(), row, map, operands).getResult());
      } else if (auto load = dyn_cast<memref::LoadOp>(user)) {
        auto identity = b.getMultiDimIdentityMap(load.getIndices().size());
        auto [row, map, operands] =
            findRow(role, load.getMemRefType(), identity, load.getIndices());
        Value at = affine::AffineApplyOp::create(b, load.getLoc(), map, operands);
        load.replaceAllUsesWith(memref::LoadOp::create(b, load.getLoc(), row, at).getResult());
      } else {
        return user->emitOpError("expects samples to be loaded element by element");
      }
      user->erase();
    }
    return success();
  }

  struct Place {
    Value row;
    AffineMap map;
    SmallVector<Value> operands;
  };

  /// The row, as elements, and the place in it that an access of all samples is to.
  Place findRow(StringRef role, MemRefType type, AffineMap map, ValueRange indices) {
    Location loc = function.getLoc();
    int64_t elements = type.getNumElements() / numSamples(), stride = type.getNumElements();
    AffineExpr sample = b.getAffineConstantExpr(0), rest = sample;
    for (auto [index, extent] : llvm::zip(map.getResults(), type.getShape())) {
      stride /= extent;
      int64_t inSample = elements / stride; // of the index; 0 if samples are what it counts
      if (extent == 1)
        continue;
      if (inSample <= 1 && stride % elements == 0)
        sample = sample + index * (stride / elements);
      else if (extent <= inSample)
        rest = rest + index * stride;
      else {
        sample = sample + index.floorDiv(inSample);
        rest = rest + index % inSample * stride;
      }
    }
    SmallVector<Value> operands(indices);
    AffineMap which = AffineMap::get(map.getNumDims(), map.getNumSymbols(), sample);
    affine::fullyComposeAffineMapAndOperands(&which, &operands);
    affine::canonicalizeMapAndOperands(&which, &operands);
    Value row = which.isSingleConstant()
                    ? rows[role][which.getSingleConstantResult()]
                    : rowOf(role, affine::AffineApplyOp::create(b, loc, which, operands));
    auto rowType = MemRefType::get({elements}, type.getElementType());
    return {memref::ViewOp::create(b, loc, rowType, row, index(0), ValueRange()),
            AffineMap::get(map.getNumDims(), map.getNumSymbols(), rest),
            SmallVector<Value>(indices)};
  }

  /// The part of `whole` that begins `number` strides behind `start`.
  Value part(StringRef whole, Value number, int64_t start, int64_t stride, int64_t bytes) {
    Location loc = function.getLoc();
    Value at = arith::AddIOp::create(b, loc, index(start),
                                     arith::MulIOp::create(b, loc, number, index(stride)));
    return memref::ViewOp::create(b, loc, bytesType(bytes), values[whole], at, ValueRange());
  }
  Value word(Value at) { return memref::LoadOp::create(b, function.getLoc(), values["batch"], at); }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, function.getLoc(), value); }
  Value integer64(int64_t value) {
    return arith::ConstantIntOp::create(b, function.getLoc(), value, 64);
  }
  Value toIndex(Value value) {
    return arith::IndexCastOp::create(b, function.getLoc(), b.getIndexType(), value);
  }

  /// The loops between two barriers of a grid, and all that loops may read; the elements of the
  /// largest loop.
  int64_t cloneBody(int64_t phase, IRMapping &mapping) {
    int64_t elements = 0, at = 0;
    for (Operation &op : function.getBody().front().without_terminator()) {
      if (isGrid && isa<gpu::BarrierOp>(op)) {
        ++at;
        continue;
      }
      bool isLoop = op.getNumRegions() > 0;
      if ((isGrid && isLoop && at != phase) || isa<ai::library::CallOp>(op))
        continue;
      if (auto global = dyn_cast<memref::GetGlobalOp>(op))
        copyGlobal(global);
      Operation *clone = b.clone(op, mapping);
      elements = std::max(elements, ai::integerOf(clone, "ai.elements"));
      clone->removeAttr("ai.elements");
    }
    return elements;
  }

  void copyGlobal(memref::GetGlobalOp use) {
    if (kernels.lookupSymbol(use.getNameAttr()))
      return;
    OpBuilder top = OpBuilder::atBlockBegin(kernels.getBody());
    top.clone(*module.lookupSymbol(use.getNameAttr()));
  }

  func::FuncOp function;
  ModuleOp module;
  gpu::GPUModuleOp kernels;
  OpBuilder b;
  llvm::StringMap<Value> values;            // by role, of the present kernel
  llvm::StringMap<SmallVector<Value>> rows; // of each sample, by role
  bool isBlock, isGrid;
  SmallVector<Attribute> made; // the list of kernels
  int64_t phase = 0;
};

struct OutlineKernels final : ai::impl::AIOutlineKernelsPassBase<OutlineKernels> {
  void runOnOperation() final {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> functions;
    for (auto f : module.getOps<func::FuncOp>())
      if (!f.isDeclaration() && f->hasAttr("ai.threads"))
        functions.push_back(f);
    if (functions.empty())
      return;
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    auto kernels = gpu::GPUModuleOp::create(b, module.getLoc(), "kernels");
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), b.getUnitAttr());
    for (func::FuncOp f : functions)
      if (failed(KernelOutliner(f, kernels).run()))
        return signalPassFailure();
    for (auto global : llvm::make_early_inc_range(module.getOps<memref::GlobalOp>()))
      if (SymbolTable::symbolKnownUseEmpty(global, &module.getBodyRegion()))
        global.erase();
  }
};
} // namespace
