// Counts what kernels load and store, and their arithmetic, without running them: bounds of loops
// are constants, and conditions depend on threads and loops alone. What lies under a condition is
// counted by going through the threads and the loops that it depends on; all other loops multiply.

#include "WarpSums.h"
#include "ai/Codegen/Passes.h"
#include "lib/Codegen/AffineAccess.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IntegerSet.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ai {
#define GEN_PASS_DEF_AIDESCRIBEKERNELSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace mlir;
using namespace ai;

namespace {
/// Numbers of one thread, or of many.
struct Cost {
  int64_t flops = 0, loaded = 0, stored = 0, sharedLoaded = 0, sharedStored = 0;

  void add(const Cost &other, int64_t times = 1) {
    flops += times * other.flops;
    loaded += times * other.loaded;
    stored += times * other.stored;
    sharedLoaded += times * other.sharedLoaded;
    sharedStored += times * other.sharedStored;
  }
};

/// A block of ops: what its own ops cost, and the loops and conditions in it.
struct Body {
  struct Loop {
    Value variable;
    int64_t begin, end, step;
    bool isDecisive; ///< A condition inside depends on it.
    std::unique_ptr<Body> body;
    int64_t trips() const { return end > begin ? llvm::divideCeil(end - begin, step) : 0; }
  };
  struct Branch {
    affine::AffineIfOp op;
    std::unique_ptr<Body> taken, otherwise;
  };

  bool hasBranches() const {
    return !branches.empty() ||
           llvm::any_of(loops, [](const Loop &loop) { return loop.body->hasBranches(); });
  }

  Cost own;
  std::vector<Loop> loops;
  std::vector<Branch> branches;
};

/// Counts one kernel.
class Counter {
public:
  explicit Counter(gpu::GPUFuncOp kernel) : kernel(kernel) {}

  /// The sum over all threads of the first `blocks` thread blocks; fails with an error if something
  /// cannot be counted.
  FailureOr<Cost> count(int64_t blocks, int64_t threads) {
    std::unique_ptr<Body> body = read(kernel.getBody().front());
    if (!body)
      return failure();
    Cost sum;
    for (block = 0; block < blocks; ++block)
      for (thread = 0; thread < threads; ++thread)
        sum.add(evaluate(*body));
    return sum;
  }

private:
  std::unique_ptr<Body> read(Block &ops) {
    auto body = std::make_unique<Body>();
    for (Operation &op : ops) {
      LogicalResult known =
          llvm::TypeSwitch<Operation *, LogicalResult>(&op)
              .Case([&](affine::AffineForOp loop) { return readLoop(loop, *body); })
              .Case([&](affine::AffineIfOp branch) { return readBranch(branch, *body); })
              .Default([&](Operation *other) { return readOp(other, body->own); });
      if (failed(known))
        return nullptr;
    }
    return body;
  }

  LogicalResult readLoop(affine::AffineForOp loop, Body &body) {
    if (!loop.hasConstantBounds())
      return loop.emitOpError("expects constant bounds to be counted");
    std::unique_ptr<Body> inside = read(*loop.getBody());
    if (!inside)
      return failure();
    bool isDecisive = deciders.contains(loop.getInductionVar());
    body.loops.push_back({loop.getInductionVar(), loop.getConstantLowerBound(),
                          loop.getConstantUpperBound(), loop.getStepAsInt(), isDecisive,
                          std::move(inside)});
    return success();
  }

  LogicalResult readBranch(affine::AffineIfOp op, Body &body) {
    for (Value operand : op.getOperands())
      addDeciders(operand);
    Body::Branch branch{op, read(*op.getThenBlock()),
                        op.hasElse() ? read(*op.getElseBlock()) : std::make_unique<Body>()};
    if (!branch.taken || !branch.otherwise)
      return failure();
    body.branches.push_back(std::move(branch));
    return success();
  }

  void addDeciders(Value value) {
    deciders.insert(value);
    if (Operation *op = value.getDefiningOp())
      for (Value operand : op->getOperands())
        addDeciders(operand);
  }

  LogicalResult readOp(Operation *op, Cost &cost) {
    if (op->getNumRegions() > 0)
      return op->emitOpError("is unknown to ai-describe-kernels");
    if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op))
      cost.flops += 1;
    else if (isa<math::FmaOp>(op))
      cost.flops += 2;
    else if (auto product = dyn_cast<NVVM::MmaOp>(op)) // of a warp
      cost.flops += 2 * product.getShape().getM() * product.getShape().getN() *
                    product.getShape().getK() / kWarp;
    else if (isa<affine::AffineLoadOp, memref::LoadOp>(op))
      addAccess(op->getOperand(0), cost.loaded, cost.sharedLoaded);
    else if (isa<affine::AffineStoreOp, memref::StoreOp>(op))
      addAccess(op->getOperand(1), cost.stored, cost.sharedStored);
    return success();
  }

  /// A thread's own memory and constants are none that threads share.
  static void addAccess(Value memref, int64_t &global, int64_t &shared) {
    auto type = cast<MemRefType>(memref.getType());
    int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    Operation *root = memoryOf(memref).getDefiningOp();
    if (gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(type))
      shared += bytes;
    else if (!isa_and_nonnull<memref::AllocaOp, memref::GetGlobalOp>(root))
      global += bytes;
  }

  Cost evaluate(const Body &body) {
    Cost sum = body.own;
    for (const Body::Loop &loop : body.loops) {
      if (!loop.isDecisive) {
        sum.add(evaluate(*loop.body), loop.trips());
        continue;
      }
      for (int64_t i = loop.begin; i < loop.end; i += loop.step) {
        variables[loop.variable] = i;
        sum.add(evaluate(*loop.body));
      }
    }
    for (const Body::Branch &branch : body.branches)
      sum.add(evaluate(holds(branch.op) ? *branch.taken : *branch.otherwise));
    return sum;
  }

  bool holds(affine::AffineIfOp op) {
    IntegerSet set = op.getIntegerSet();
    SmallVector<int64_t> values;
    for (Value operand : op.getOperands())
      values.push_back(valueOf(operand));
    for (unsigned i = 0; i < set.getNumConstraints(); ++i) {
      int64_t value = valueOf(set.getConstraint(i), values, set.getNumDims());
      if (set.isEq(i) ? value != 0 : value < 0)
        return false;
    }
    return true;
  }

  int64_t valueOf(Value value) {
    if (auto known = variables.find(value); known != variables.end())
      return known->second;
    APInt constant;
    if (matchPattern(value, m_ConstantInt(&constant)))
      return constant.getSExtValue();
    return llvm::TypeSwitch<Operation *, int64_t>(value.getDefiningOp())
        .Case([&](gpu::ThreadIdOp) { return thread; })
        .Case([&](gpu::BlockIdOp) { return block; })
        .Case([&](arith::AddIOp op) { return valueOf(op.getLhs()) + valueOf(op.getRhs()); })
        .Case([&](arith::MulIOp op) { return valueOf(op.getLhs()) * valueOf(op.getRhs()); })
        .Case([&](affine::AffineApplyOp op) {
          SmallVector<int64_t> values;
          for (Value operand : op.getMapOperands())
            values.push_back(valueOf(operand));
          return valueOf(op.getAffineMap().getResult(0), values, op.getAffineMap().getNumDims());
        })
        .Default([](Operation *) -> int64_t {
          llvm_unreachable("affine conditions are of threads, blocks and loops");
        });
  }

  static int64_t valueOf(AffineExpr expr, ArrayRef<int64_t> values, unsigned numDims) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return constant.getValue();
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return values[dim.getPosition()];
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      return values[numDims + symbol.getPosition()];
    auto binary = cast<AffineBinaryOpExpr>(expr);
    int64_t lhs = valueOf(binary.getLHS(), values, numDims);
    int64_t rhs = valueOf(binary.getRHS(), values, numDims);
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      return lhs + rhs;
    case AffineExprKind::Mul:
      return lhs * rhs;
    case AffineExprKind::Mod:
      return llvm::mod(lhs, rhs);
    case AffineExprKind::FloorDiv:
      return llvm::divideFloorSigned(lhs, rhs);
    default:
      return llvm::divideCeilSigned(lhs, rhs);
    }
  }

  gpu::GPUFuncOp kernel;
  DenseSet<Value> deciders; // that conditions depend on; inner ops are read first
  DenseMap<Value, int64_t> variables;
  int64_t block = 0, thread = 0;
};

struct DescribeKernels final : ai::impl::AIDescribeKernelsPassBase<DescribeKernels> {
  void runOnOperation() final {
    ModuleOp module = getOperation();
    SmallVector<NamedAttribute> functions;
    for (auto f : module.getOps<func::FuncOp>()) {
      auto kernels = f->getAttrOfType<ArrayAttr>("ai.kernels");
      if (!kernels)
        continue;
      SmallVector<Attribute> rows;
      for (auto kernel : kernels.getAsRange<DictionaryAttr>()) {
        if (kernel.contains("call")) // of a library, which says nothing of what it does
          continue;
        FailureOr<Attribute> row = describe(kernel);
        if (failed(row))
          return signalPassFailure();
        rows.push_back(*row);
      }
      Builder b(module.getContext());
      functions.push_back(b.getNamedAttr(f.getName(), b.getArrayAttr(rows)));
    }
    module->setAttr("ai.kernel_costs", DictionaryAttr::get(module.getContext(), functions));
  }

  /// Thread blocks of samples are alike: the first counts for each.
  FailureOr<Attribute> describe(DictionaryAttr kernel) {
    auto number = [&](StringRef key) { return kernel.getAs<IntegerAttr>(key).getInt(); };
    auto name = kernel.getAs<StringAttr>("name");
    auto f = cast<gpu::GPUFuncOp>(SymbolTable::lookupSymbolIn(
        getOperation(), SymbolRefAttr::get(&getContext(), "kernels", {SymbolRefAttr::get(name)})));
    int64_t grid = number("grid");
    FailureOr<Cost> cost = Counter(f).count(std::max<int64_t>(grid, 1), number("threads"));
    if (failed(cost))
      return failure();
    Builder b(&getContext());
    NamedAttrList entries(kernel);
    auto add = [&](StringRef key, int64_t value) { entries.set(key, b.getI64IntegerAttr(value)); };
    add("flops", cost->flops);
    add("loaded", cost->loaded);
    add("stored", cost->stored);
    add("shared_loaded", cost->sharedLoaded);
    add("shared_stored", cost->sharedStored);
    return Attribute(entries.getDictionary(&getContext()));
  }
};
} // namespace
