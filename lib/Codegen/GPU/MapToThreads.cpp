// linalg on memrefs -> affine loops that the threads of a GPU share. An op becomes a loop over the
// elements of its result, one thread for each; what has to be summed up is a loop inside a thread.
// Ops that follow one another and touch each other's results element by element become one loop:
// the element stays in a register, and a buffer that nobody else reads is gone. Scalars (rates,
// 1 / count) are computed by every thread. A long sum of which there are few is shared by a warp.
//
// A block is run by one thread block, whose threads take turns; all other functions by a whole grid
// with a thread for each element. Where libraries compute products, so is a block: a library takes
// many samples at once.

#include "GroupWriter.h"
#include "ai/Codegen/Passes.h"
#include "dialects/library/LibraryDialect.h"
#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace ai {
#define GEN_PASS_DEF_AIMAPTOTHREADSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

/// Threads of a grid are counted in 32 bits.
static constexpr int64_t kMaxElements = std::numeric_limits<int32_t>::max();
/// What the tiles of a function may take: as much of it as every GPU gives a thread block.
static constexpr int64_t kTileBytes = 48 << 10;
/// Threads that a GPU runs at once, about: more elements than that are no reason to share a sum.
static constexpr int64_t kThreadsAtOnce = 128 << 10;

namespace {
struct MapToThreads final : ai::impl::AIMapToThreadsPassBase<MapToThreads> {
  using AIMapToThreadsPassBase::AIMapToThreadsPassBase;

  void runOnOperation() final {
    func::FuncOp f = getOperation();
    if (f.isDeclaration())
      return;
    std::optional<Precision> rounded = findPrecision(precision);
    if (!rounded) {
      f.emitError("expects a precision of f32, tf32 or bf16, got '") << precision << "'";
      return signalPassFailure();
    }
    SmallVector<Operation *> ops;
    if (failed(collect(f, ops)))
      return signalPassFailure();
    if (grids)
      f->setAttr("ai.grid", UnitAttr::get(&getContext()));
    bool isGrid = isForGrid(f);
    OpBuilder b = OpBuilder::atBlockBegin(&f.getBody().front());
    Grid grid{{},
              gpu::ThreadIdOp::create(b, f.getLoc(), gpu::Dimension::x, b.getIndexAttr(threads)),
              threads};
    Value thread = isGrid ? numberThreads(b, f.getLoc(), grid) : grid.thread;
    ThreadGrouper grouper;
    for (Operation *op : ops)
      if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
        grouper.add(linalgOp);
      else
        grouper.closeGroups();
    numNests += grouper.groups.size();
    for (const ThreadGroup &group : grouper.groups)
      if (group.size() > kMaxElements) {
        linalg::LinalgOp(group.ops.front().op).emitOpError("expects at most ")
            << kMaxElements << " elements to be mapped to threads, got " << group.size();
        return signalPassFailure();
      }
    movePrivatesFirst(grouper.groups);
    if (!isGrid)
      moveOutputsUp(grouper.groups);
    int64_t tileBytes = 0;
    for (ThreadGroup &group : grouper.groups) {
      if (!isGrid) {
        group.width = findSharedWidth(group, threads);
        auto warpSum = findWarpSum(group, threads);
        if (takeTensorCores(group, *rounded, thread, threads, warpSum))
          continue;
        numWarpSums += warpSum.has_value();
        writeGroup(group, thread, threads, warpSum);
        continue;
      }
      // A grid has threads enough: what counts is how often they read the same.
      auto tile = findPanelTile(group, threads);
      if (tile)
        group.width = tile->perThread;
      if (takeTensorCores(group, *rounded, thread, 0, std::nullopt))
        continue;
      if (tile && tileBytes + tile->bytes() <= kTileBytes) {
        tileBytes += tile->bytes();
        ++numTiled;
        writeTiles(group, grid, *tile);
      } else {
        group.width = 1;
        auto warpSum = grids ? findWarpSum(group, kThreadsAtOnce) : std::nullopt;
        numWarpSums += warpSum.has_value();
        writeGroup(group, thread, 0, warpSum);
      }
    }
    for (Value scalar : grouper.privates)
      keepInThread(scalar.getDefiningOp<memref::AllocOp>());
    removeUnread(f);
    f->setAttr("ai.threads", b.getI64IntegerAttr(threads));
  }

  /// Leaves the group's product to tensor cores, if they do it sooner; `turns` is how many threads
  /// take turns, 0 in a grid.
  bool takeTensorCores(ThreadGroup &group, Precision rounded, Value thread, int64_t turns,
                       std::optional<WarpSum> warpSum) {
    auto tile = findTensorTile(group, rounded, threads, /*isGrid=*/turns == 0, warpSum);
    if (!tile)
      return false;
    ++numTensorTiled;
    group.width = 1;
    writeTensorTiles(group, thread, turns, *tile);
    return true;
  }

  /// Everything but linalg ops and calls moves in front of them: allocations, views and constants.
  LogicalResult collect(func::FuncOp f, SmallVectorImpl<Operation *> &ops) {
    f.walk([](memref::CopyOp copy) {
      OpBuilder b(copy);
      linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
    Block &body = f.getBody().front();
    Operation *firstOp = nullptr;
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      if (isa<library::CallOp>(op)) {
        if (!grids)
          return op.emitOpError("expects a function that grids run; set the option grids");
        firstOp = firstOp ? firstOp : &op;
        ops.push_back(&op);
        continue;
      }
      if (!linalgOp) {
        if (firstOp)
          op.moveBefore(firstOp);
        continue;
      }
      for (Type type : op.getOperandTypes())
        if (auto memref = dyn_cast<MemRefType>(type); memref && !memref.hasStaticShape())
          return op.emitOpError("expects static shapes to be mapped to threads, got ") << memref;
      if (!linalgOp.hasPureBufferSemantics())
        return op.emitOpError("expects memref operands; run one-shot-bufferize first");
      if (!firstOp)
        firstOp = &op;
      ops.push_back(&op);
    }
    llvm::erase_if(ops, [](Operation *op) {
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      bool isEmpty = linalgOp && (llvm::is_contained(linalgOp.getStaticLoopRanges(), 0) ||
                                  linalgOp.getNumDpsInits() == 0);
      if (isEmpty)
        op->erase();
      return isEmpty;
    });
    return success();
  }

  /// Any group may read what every thread computes for itself.
  static void movePrivatesFirst(ArrayRef<ThreadGroup> groups) {
    auto *first = llvm::find_if(groups, [](const ThreadGroup &group) { return !group.isPrivate; });
    if (first == groups.end())
      return;
    Operation *anchor = first->ops.front().op;
    for (const ThreadGroup &group : groups)
      if (group.isPrivate)
        linalg::LinalgOp(group.ops.front().op)->moveBefore(anchor);
  }

  /// What leaves a block leaves it as soon as it can, so that temporaries it is made of are gone
  /// sooner: sums and rows are asked for at the end of the function.
  static void moveOutputsUp(std::vector<ThreadGroup> &groups) {
    auto isOutput = [](const ThreadGroup &group) {
      return !group.isPrivate && llvm::all_of(group.ops, [](const ThreadMapping &mapping) {
        linalg::LinalgOp op = mapping.op;
        return llvm::all_of(op.getDpsInits(),
                            [](Value init) { return isa<BlockArgument>(memoryOf(init)); });
      });
    };
    for (size_t i = 0; i < groups.size(); ++i) {
      size_t to = i;
      while (to > 0 && (groups[to - 1].isPrivate || !conflict(groups[to - 1], groups[i])))
        --to;
      while (groups[to].isPrivate) // those stand in front
        ++to;
      if (to == i || !isOutput(groups[i]))
        continue;
      groups[i].ops.front().op->moveBefore(groups[to].ops.front().op);
      std::rotate(groups.begin() + to, groups.begin() + i, groups.begin() + i + 1);
    }
  }

  /// In the whole grid.
  static Value numberThreads(OpBuilder &b, Location loc, Grid &grid) {
    grid.block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x,
                                        b.getIndexAttr(kMaxElements / grid.threads + 1));
    Value size = arith::ConstantIndexOp::create(b, loc, grid.threads);
    Value before = arith::MulIOp::create(b, loc, grid.block, size);
    return arith::AddIOp::create(b, loc, before, grid.thread);
  }

  static void keepInThread(memref::AllocOp alloc) {
    OpBuilder b(alloc);
    auto own = memref::AllocaOp::create(b, alloc.getLoc(), alloc.getType());
    alloc.replaceAllUsesWith(own.getResult());
    alloc.erase();
  }

  /// Buffers that are only written went through registers.
  void removeUnread(func::FuncOp f) {
    SmallVector<memref::AllocOp> allocs;
    f.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (memref::AllocOp alloc : allocs) {
      bool isRead = llvm::any_of(alloc->getUsers(), [&](Operation *user) {
        auto store = dyn_cast<affine::AffineStoreOp>(user);
        return !store || store.getMemRef() != alloc.getResult();
      });
      if (isRead)
        continue;
      ++numRegisters;
      for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
        user->erase();
      alloc.erase();
    }
  }
};
} // namespace
