// The kernels of a training step -> one more kernel, which runs many steps: each of them is a phase
// of it, and behind a phase all thread blocks wait. A grid of any size takes the thread blocks of a
// phase in turns, so who computes what never changes what is added to what.
//
// Phases are functions: inlined, they would share one allocation of registers, and LLVM and ptxas
// would keep what no step changes in registers all the time, and spill.
//
//   for each step
//     for each round of the step's blocks
//       the folds of the round before
//       the blocks of the round; slots and rows of those that are missing are cleared
//     the combines, or what finishes a batch whose panels were folded

#include "GridBarriers.h"
#include "ai/Codegen/Passes.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace ai {
#define GEN_PASS_DEF_AIJOINKERNELSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// Arguments of every kernel (ai_program.h).
enum Argument { Fixed, Batch = 6, First, Count };
/// Words in front of the rows of a batch's record: AI_RT_BATCH_ROWS.
static constexpr int64_t kRecordWords = 4;

namespace {
/// A kernel that was one launch.
struct Phase {
  gpu::GPUFuncOp kernel;
  func::FuncOp function; ///< The same for any number of a thread block.
  int64_t grid, threads, shared;
};

class KernelJoiner {
public:
  KernelJoiner(func::FuncOp block, gpu::GPUModuleOp kernels)
      : block(block), module(block->getParentOfType<ModuleOp>()), kernels(kernels),
        loc(block.getLoc()), b(block.getContext()) {
    numSlots = integerOf(module, "ai.num_slots");
  }

  LogicalResult run() {
    auto base = block->getAttrOfType<StringAttr>("ai.step").getValue();
    auto find = [&](StringRef kind) {
      return readPhases(module.lookupSymbol<func::FuncOp>((base + "_" + kind).str()));
    };
    blocks = readPhases(block);
    combines = find("combine");
    folds = find("fold");
    finishes = find("finish");
    for (const Phase &phase : all)
      if (phase.threads != all.front().threads)
        return block.emitOpError("expects the kernels of a step to have as many threads each, got ")
               << all.front().threads << " and " << phase.threads;
    for (SmallVector<Phase> *phases : {&blocks, &combines, &folds, &finishes})
      for (Phase &phase : *phases)
        phase.function = makeFunction(phase.kernel);
    clearing = makeClearing(("joined_" + base + "_clear").str());
    makeKernel((base + "_epoch").str());
    Value total = toIndex(kernel.getArgument(First)), batch = toIndex(kernel.getArgument(Count));
    loop(index(0), total, batch, [&](Value begin) {
      Value left = arith::SubIOp::create(b, loc, total, begin);
      runStep(arith::DivUIOp::create(b, loc, begin, batch), batch,
              arith::MinSIOp::create(b, loc, batch, left));
    });
    gpu::ReturnOp::create(b, loc);
    return success();
  }

private:
  SmallVector<Phase> readPhases(func::FuncOp f) {
    SmallVector<Phase> phases;
    if (auto list = f ? f->getAttrOfType<ArrayAttr>("ai.kernels") : ArrayAttr())
      for (auto entry : list.getAsRange<DictionaryAttr>()) {
        auto number = [&](StringRef key) { return entry.getAs<IntegerAttr>(key).getInt(); };
        auto name = entry.getAs<StringAttr>("name");
        int64_t grid = number("grid");
        phases.push_back({kernels.lookupSymbol<gpu::GPUFuncOp>(name), /*function=*/{},
                          grid ? grid : numSlots, number("threads"), number("shared")});
      }
    llvm::append_range(all, phases);
    return phases;
  }

  /// Makes a function of the arguments of a kernel, the place of the step's record behind `batch`
  /// and the number of the thread block.
  func::FuncOp makeFunction(gpu::GPUFuncOp from) {
    SmallVector<Type> types(from.getArgumentTypes());
    types.append(2, b.getIndexType());
    func::FuncOp function = beginFunction(("joined_" + from.getName()).str(), types);
    IRMapping values;
    values.map(from.getBody().getArguments(), function.getArguments().drop_back(2));
    Value words = function.getArgument(Batch), at = function.getArguments().drop_back().back();
    auto extent = b.getIndexAttr(cast<MemRefType>(words.getType()).getNumElements());
    Value record = memref::SubViewOp::create(b, loc, words, ArrayRef<OpFoldResult>{at},
                                             ArrayRef<OpFoldResult>{extent},
                                             ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    values.map(from.getArgument(Batch), record);
    for (Operation &op : from.getBody().front().without_terminator()) {
      if (isa<gpu::BlockIdOp>(op))
        values.map(op.getResult(0), function.getArguments().back());
      else
        b.clone(op, values);
    }
    func::ReturnOp::create(b, loc);
    return function;
  }

  func::FuncOp beginFunction(StringRef name, ArrayRef<Type> types) {
    b.setInsertionPointToEnd(kernels.getBody());
    auto function = func::FuncOp::create(b, loc, name, b.getFunctionType(types, {}));
    function.setPrivate();
    function->setAttr("llvm.linkage",
                      LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
    function->setAttr("passthrough", b.getStrArrayAttr({"noinline", "convergent"}));
    b.setInsertionPointToStart(function.addEntryBlock());
    return function;
  }

  /// Makes a function of the fixed region, a slot, and the first sample of the round that it has no
  /// block in. As the host does between launches, it clears the slot, in the first round, and rows.
  func::FuncOp makeClearing(StringRef name) {
    Type fixed = all.front().kernel.getArgument(Fixed).getType();
    func::FuncOp function = beginFunction(name, {fixed, b.getIndexType(), b.getIndexType()});
    Value slot = function.getArgument(1), first = function.getArgument(2);
    branch(arith::CmpIPredicate::eq, first, index(0), [&] {
      clear(function.getArgument(0), slot, integerOf(module, "ai.slot_offset"),
            integerOf(block, "ai.slot_bytes"));
    });
    for (auto tensor : block->getAttrOfType<ArrayAttr>("ai.tensors").getAsRange<DictionaryAttr>())
      if (tensor.getAs<StringAttr>("role").getValue() == "rows")
        clear(function.getArgument(0), slot, tensor.getAs<IntegerAttr>("offset").getInt(),
              tensor.getAs<IntegerAttr>("bytes").getInt());
    func::ReturnOp::create(b, loc);
    return function;
  }

  /// Sets part `number` of those of `bytes` bytes behind `offset` to zero.
  void clear(Value fixed, Value number, int64_t offset, int64_t bytes) {
    int64_t wordBytes = bytes % 4 == 0 ? 4 : 1, threads = all.front().threads;
    Type word = b.getIntegerType(8 * wordBytes);
    Value zero = arith::ConstantIntOp::create(b, loc, word, 0);
    Value thread = gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x, b.getIndexAttr(threads));
    Value at = arith::AddIOp::create(b, loc, index(offset),
                                     arith::MulIOp::create(b, loc, number, index(bytes)));
    Value part = memref::ViewOp::create(b, loc, MemRefType::get({bytes / wordBytes}, word), fixed,
                                        at, ValueRange());
    loop(thread, index(bytes / wordBytes), index(threads),
         [&](Value i) { memref::StoreOp::create(b, loc, zero, part, i); });
  }

  /// An argument is as large as any phase takes it for.
  void makeKernel(StringRef name) {
    SmallVector<Type> types(all.front().kernel.getArgumentTypes());
    int64_t grid = 0, shared = 0;
    for (Phase phase : all) {
      grid = std::max(grid, phase.grid);
      shared = std::max(shared, phase.shared);
      for (auto [type, own] : llvm::zip(types, phase.kernel.getArgumentTypes()))
        if (auto memory = dyn_cast<MemRefType>(own);
            memory && memory.getNumElements() > cast<MemRefType>(type).getNumElements())
          type = own;
    }
    int64_t threads = all.front().threads;
    b.setInsertionPointToEnd(kernels.getBody());
    kernel = gpu::GPUFuncOp::create(b, loc, name, b.getFunctionType(types, {}));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));
    kernel.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
    b.setInsertionPointToStart(&kernel.getBody().front());
    own = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x, b.getIndexAttr(grid));
    numOwn = gpu::GridDimOp::create(b, loc, gpu::Dimension::x, b.getIndexAttr(grid));
    auto entry = [&](StringRef key, int64_t value) {
      return b.getNamedAttr(key, b.getI64IntegerAttr(value));
    };
    block->setAttr("ai.epoch", b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(name)),
                                                    entry("grid", grid), entry("threads", threads),
                                                    entry("shared", shared)}));
  }

  /// Step `number` of the launch, on `count` samples of at most `batch`.
  void runStep(Value number, Value batch, Value count) {
    Value stride = arith::AddIOp::create(b, loc, batch, index(kRecordWords));
    record = arith::MulIOp::create(b, loc, number, stride);
    int64_t round = numSlots * integerOf(block, "ai.size");
    loop(index(0), count, index(round), [&](Value first) {
      if (!folds.empty())
        branch(arith::CmpIPredicate::sgt, first, index(0), [&] { runPhases(folds, first, first); });
      runBlocks(first, count);
    });
    if (folds.empty())
      return runPhases(combines, index(0), count);
    branch(
        arith::CmpIPredicate::sgt, count, index(round),
        [&] { runPhases(finishes, index(0), count); },
        [&] { runPhases(combines, index(0), count); });
  }

  void runPhases(ArrayRef<Phase> phases, Value first, Value count) {
    for (const Phase &phase : phases) {
      takeTurns(phase.grid, [&](Value number) { runPhase(phase, number, first, count); });
      call(kGridBarrier);
    }
  }

  /// Blocks of the round that begins with sample `first`.
  void runBlocks(Value first, Value count) {
    Value left = arith::SubIOp::create(b, loc, count, first);
    Value present = arith::CeilDivUIOp::create(b, loc, left, index(integerOf(block, "ai.size")));
    for (const Phase &phase : blocks) {
      takeTurns(phase.grid, [&](Value number) {
        branch(
            arith::CmpIPredicate::slt, number, present,
            [&] { runPhase(phase, number, first, count); },
            [&] {
              func::CallOp::create(b, loc, clearing,
                                   ValueRange{kernel.getArgument(Fixed), number, first});
            });
      });
      call(kGridBarrier);
    }
  }

  /// Thread block i takes the turns i, i + size of the grid, ...
  void takeTurns(int64_t turns, function_ref<void(Value)> body) {
    loop(own, index(turns), numOwn, body);
  }

  /// What thread block `number` of a launch did.
  void runPhase(Phase phase, Value number, Value first, Value count) {
    call(kBeginTurn); // others of this block may still be in the turn before
    SmallVector<Value> operands;
    for (BlockArgument argument : phase.kernel.getBody().getArguments())
      operands.push_back(argumentOf(argument, first, count));
    operands.append({record, number});
    func::CallOp::create(b, loc, phase.function, operands);
  }

  /// What stands for an argument of a launch.
  Value argumentOf(BlockArgument argument, Value first, Value count) {
    unsigned number = argument.getArgNumber();
    if (number == First || number == Count)
      return arith::IndexCastOp::create(b, loc, b.getI64Type(), number == First ? first : count);
    Value whole = kernel.getArgument(number);
    if (whole.getType() == argument.getType())
      return whole;
    return memref::ViewOp::create(b, loc, cast<MemRefType>(argument.getType()), whole, index(0),
                                  ValueRange());
  }

  void call(StringRef name) {
    if (!kernels.lookupSymbol(name)) {
      OpBuilder top = OpBuilder::atBlockBegin(kernels.getBody());
      func::FuncOp::create(top, loc, name, b.getFunctionType({}, {})).setPrivate();
    }
    func::CallOp::create(b, loc, name, TypeRange());
  }

  void loop(Value begin, Value end, Value step, function_ref<void(Value)> body) {
    auto op = scf::ForOp::create(b, loc, begin, end, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    body(op.getInductionVar());
  }

  void branch(arith::CmpIPredicate predicate, Value lhs, Value rhs, function_ref<void()> then,
              function_ref<void()> otherwise = {}) {
    Value condition = arith::CmpIOp::create(b, loc, predicate, lhs, rhs);
    auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/bool(otherwise));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.thenBlock());
    then();
    if (!otherwise)
      return;
    b.setInsertionPointToStart(op.elseBlock());
    otherwise();
  }

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value toIndex(Value value) { return arith::IndexCastOp::create(b, loc, b.getIndexType(), value); }

  func::FuncOp block;
  ModuleOp module;
  gpu::GPUModuleOp kernels;
  Location loc;
  OpBuilder b;
  int64_t numSlots;
  SmallVector<Phase> blocks, combines, folds, finishes, all;
  gpu::GPUFuncOp kernel;
  func::FuncOp clearing;
  Value own, numOwn; // the thread block, and how many there are
  Value record;      // of the present step: its place
};

struct JoinKernels final : ai::impl::AIJoinKernelsPassBase<JoinKernels> {
  void runOnOperation() final {
    ModuleOp module = getOperation();
    auto kernels = module.getOps<gpu::GPUModuleOp>();
    if (kernels.empty())
      return;
    for (auto f : module.getOps<func::FuncOp>()) {
      if (!ai::isBlock(f) || !f->hasAttr("ai.kernels") ||
          !f->getAttrOfType<StringAttr>("ai.step").getValue().ends_with("_train_step"))
        continue;
      if (failed(KernelJoiner(f, *kernels.begin()).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
