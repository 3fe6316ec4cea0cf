// Functions that threads share -> kernels of one gpu.module. A thread block of a step's block finds
// its workspace, its staged samples and its slot by its number. What a grid runs is cut where its
// threads must wait for each other: no thread block can wait for all others, but the next kernel
// does.

#include "ai/Codegen/Passes.h"
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

static int64_t integer(Operation *op, StringRef name) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : 0;
}

namespace {
class KernelOutliner {
public:
  KernelOutliner(func::FuncOp f, gpu::GPUModuleOp kernels)
      : function(f), module(f->getParentOfType<ModuleOp>()), kernels(kernels), b(f.getContext()) {
    auto kind = f->getAttrOfType<StringAttr>("ai.kind");
    isBlock = kind && kind.getValue() == "block";
    isGrid = kind && !isBlock;
  }

  void run() {
    SmallVector<Attribute> made;
    int64_t numPhases = isGrid ? 1 + llvm::range_size(function.getOps<gpu::BarrierOp>()) : 1;
    for (int64_t phase = 0; phase < numPhases; ++phase)
      made.push_back(makeKernel(phase));
    function->setAttr("ai.kernels", b.getArrayAttr(made));
    function.eraseBody();
    function.setAllArgAttrs(ArrayRef<DictionaryAttr>(
        SmallVector<DictionaryAttr>(function.getNumArguments(), b.getDictionaryAttr({}))));
    function.setType(b.getFunctionType({}, {}));
    function.setPrivate();
  }

private:
  MemRefType bytesType(int64_t bytes) {
    return MemRefType::get({std::max<int64_t>(bytes, 1)}, b.getI8Type());
  }

  Attribute makeKernel(int64_t phase) {
    int64_t blocks = isBlock ? integer(module, "ai.num_slots") : 1;
    auto fixed = bytesType(integer(module, "ai.fixed_bytes"));
    auto workspace = bytesType(blocks * integer(function, "ai.workspace_bytes"));
    auto staged = bytesType(blocks * integer(function, "ai.staged_bytes"));
    SmallVector<Type> types{fixed, workspace, staged};
    types.append(5, b.getI64Type());

    std::string name = function.getName().str();
    if (isGrid)
      name += "_" + std::to_string(phase);
    b.setInsertionPointToEnd(kernels.getBody());
    auto kernel = gpu::GPUFuncOp::create(b, function.getLoc(), name, b.getFunctionType(types, {}));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    auto threads = int32_t(integer(function, "ai.threads"));
    kernel.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({threads, 1, 1}));
    // Otherwise ptxas saves registers for more blocks than shared memory has room for, and spills.
    if (!isGrid)
      kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));

    b.setInsertionPointToStart(&kernel.getBody().front());
    IRMapping values = bindArguments(kernel);
    int64_t elements = cloneBody(phase, values);
    gpu::ReturnOp::create(b, function.getLoc());
    auto entry = [&](StringRef key, int64_t value) {
      return b.getNamedAttr(key, b.getI64IntegerAttr(value));
    };
    int64_t grid = isBlock  ? 0
                   : isGrid ? std::max<int64_t>(1, llvm::divideCeil(elements, threads))
                            : 1;
    return b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(name)), entry("grid", grid),
                                entry("threads", threads),
                                entry("shared", integer(function, "ai.shared_bytes"))});
  }

  /// What the function's arguments are in the kernel.
  IRMapping bindArguments(gpu::GPUFuncOp kernel) {
    Location loc = function.getLoc();
    llvm::StringMap<Value> values;
    static constexpr StringRef roles[] = {"fixed", "workspace", "staged", "first",
                                          "count", "step",      "epoch",  "seed"};
    for (auto [i, role] : llvm::enumerate(roles))
      values[role] = kernel.getArgument(i);
    if (isBlock) {
      Value number = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x,
                                            b.getIndexAttr(integer(module, "ai.num_slots")));
      auto part = [&](StringRef whole, int64_t start, int64_t bytes) {
        Value size = arith::ConstantIndexOp::create(b, loc, bytes);
        Value at = arith::MulIOp::create(b, loc, number, size);
        Value begin = arith::ConstantIndexOp::create(b, loc, start);
        return memref::ViewOp::create(b, loc, bytesType(bytes), values[whole],
                                      arith::AddIOp::create(b, loc, begin, at), ValueRange())
            .getResult();
      };
      values["slot"] =
          part("fixed", integer(module, "ai.slot_offset"), integer(function, "ai.slot_bytes"));
      values["workspace"] = part("workspace", 0, integer(function, "ai.workspace_bytes"));
      values["staged"] = part("staged", 0, integer(function, "ai.staged_bytes"));
      Value samples = arith::MulIOp::create(
          b, loc, arith::IndexCastOp::create(b, loc, b.getI64Type(), number),
          arith::ConstantIntOp::create(b, loc, integer(function, "ai.size"), 64));
      values["first"] = arith::AddIOp::create(b, loc, values["first"], samples);
    }
    IRMapping mapping;
    for (BlockArgument argument : function.getArguments()) {
      auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "ai.role");
      Value value = role ? values.lookup(role.getValue()) : Value();
      if (!value) // shares of a combine: GPU threads know theirs
        value = arith::ConstantIndexOp::create(b, loc, 0);
      mapping.map(argument, value);
    }
    return mapping;
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
      if (isGrid && isLoop && at != phase)
        continue;
      if (auto global = dyn_cast<memref::GetGlobalOp>(op))
        copyGlobal(global);
      Operation *clone = b.clone(op, mapping);
      elements = std::max(elements, integer(clone, "ai.elements"));
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
  bool isBlock, isGrid;
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
      KernelOutliner(f, kernels).run();
    for (auto global : llvm::make_early_inc_range(module.getOps<memref::GlobalOp>()))
      if (SymbolTable::symbolKnownUseEmpty(global, &module.getBodyRegion()))
        global.erase();
  }
};
} // namespace
