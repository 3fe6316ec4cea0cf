// Writes the table that the runtime reads (`ai_rt_program_t` of ai_program.h) as constants of the
// module. Every field is eight bytes wide, so the records have no padding and need no
// knowledge of the target's C ABI.

#include "ai/Codegen/Passes.h"
#include "dialects/ai/AIDialect.h"
#include "dialects/library/LibraryDialect.h"
#include "lib/Codegen/ConstantWriter.h"
#include "lib/Codegen/StepFunctions.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIEMITPROGRAMPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

using namespace ai;

namespace {
constexpr int64_t kAbiVersion = 13;

int64_t roleCode(StringRef role) {
  static constexpr StringRef names[] = {"parameter", "state",  "setting", "input",
                                        "target",    "output", "metric",  "argument",
                                        "result",    "rows",   "gradient"};
  return llvm::find(names, role) - std::begin(names);
}

int64_t dtypeCode(Type type) {
  if (type.isF32())
    return 0;
  if (type.isF64())
    return 1;
  switch (type.getIntOrFloatBitWidth()) {
  case 32:
    return 2;
  case 64:
    return 3;
  case 8:
    return 4;
  default:
    return 5;
  }
}

class ProgramWriter {
public:
  ProgramWriter(ModuleOp module) : module(module), writer(module) {}

  /// Writes the program's table as `symbol`. It is for the processor `cpu`, one of `cpus`, which
  /// has `features`: their names, each with "=" and its bit. The model is made of `nodes`, and may
  /// take `maxMemory` bytes.
  LogicalResult write(StringRef symbol, StringRef cpu, StringRef cpus,
                      ArrayRef<std::string> features, ArrayRef<std::string> nodes,
                      int64_t maxMemory) {
    SmallVector<Record> steps, functions;
    for (auto f : module.getOps<LLVM::LLVMFuncOp>()) {
      if (ai::kindOf(f) == "block")
        steps.push_back(step(f));
      else if (ai::kindOf(f).empty() && f->hasAttr("ai.tensors"))
        functions.push_back(function(f));
    }
    auto recipe = module->getAttrOfType<DictionaryAttr>("ai.recipe");
    StringRef name =
        recipe ? recipe.getAs<StringAttr>("name").getValue() : module.getName().value_or("module");
    auto tensors = module->getAttrOfType<ArrayAttr>("ai.tensors");
    Record program{Field(writer.text(name)),         Field(kAbiVersion),
                   Field(integer("ai.fixed_bytes")), Field(int64_t(tensors ? tensors.size() : 0)),
                   Field(tensorTable(tensors)),      Field(int64_t(steps.size())),
                   Field(writer.records(steps)),     Field(int64_t(functions.size())),
                   Field(writer.records(functions))};
    auto entry = [&](StringRef key) -> int64_t {
      auto value = recipe ? recipe.getAs<IntegerAttr>(key) : IntegerAttr();
      return value ? value.getInt() : 0;
    };
    for (StringRef key : {"loss", "num_classes", "batch", "epochs", "seed"})
      program.push_back(Field(entry(key)));
    for (StringRef key : {"mean", "std"}) {
      auto value = recipe ? recipe.getAs<FloatAttr>(key) : FloatAttr();
      program.push_back(Field(value ? value.getValueAsDouble() : (key == "std" ? 1.0 : 0.0)));
    }
    auto plan = module->getAttrOfType<StringAttr>("ai.plan");
    program.push_back(Field(writer.text(plan ? plan.getValue() : "")));
    SmallVector<Record> rows = profileRows();
    program.push_back(Field(int64_t(rows.size())));
    program.push_back(Field(writer.records(rows)));
    SmallVector<Record> images = imageRows();
    program.push_back(Field(int64_t(images.size())));
    program.push_back(Field(writer.records(images)));
    FailureOr<SmallVector<Record>> needs = featureRows(features);
    if (failed(needs))
      return failure();
    program.append({Field(writer.text(cpu)), Field(writer.text(cpus)),
                    Field(int64_t(needs->size())), Field(writer.records(*needs)),
                    Field(maxMemory)});
    SmallVector<Record> checks = checkRows();
    program.append({Field(int64_t(checks.size())), Field(writer.records(checks))});
    FailureOr<SmallVector<Record>> graph = nodeRows(nodes);
    if (failed(graph))
      return failure();
    program.append({Field(int64_t(graph->size())), Field(writer.records(*graph))});
    writer.records({program}, symbol);
    return success();
  }

private:
  int64_t integer(StringRef name, Operation *op = nullptr) {
    auto attribute = (op ? op : module.getOperation())->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  }

  FailureOr<SmallVector<Record>> featureRows(ArrayRef<std::string> features) {
    SmallVector<Record> rows;
    for (StringRef feature : features) {
      auto [name, text] = feature.split('=');
      int64_t bit;
      if (text.getAsInteger(10, bit))
        return module.emitError("expects a feature to be NAME=BIT, got '") << feature << "'";
      rows.push_back({Field(writer.text(name)), Field(bit)});
    }
    return rows;
  }

  FailureOr<SmallVector<Record>> nodeRows(ArrayRef<std::string> nodes) {
    SmallVector<Record> rows;
    for (StringRef node : nodes) {
      auto [name, rest] = node.split(' ');
      auto [op, typeAndInputs] = rest.split(' ');
      auto [type, inputs] = typeAndInputs.split(' ');
      std::optional<SmallVector<int64_t>> shape = readShape(type);
      if (name.empty() || op.empty() || !shape)
        return module.emitError("expects a node to be NAME OP SHAPE INPUT ..., got '")
               << node << "'";
      rows.push_back({Field(writer.text(name)), Field(writer.text(op)), Field(writer.text(inputs)),
                      Field(int64_t(shape->size())), Field(writer.integers(*shape))});
    }
    return rows;
  }

  /// "?x10" or "scalar".
  static std::optional<SmallVector<int64_t>> readShape(StringRef text) {
    SmallVector<int64_t> shape;
    if (text == "scalar")
      return shape;
    SmallVector<StringRef> extents;
    text.split(extents, 'x');
    for (StringRef extent : extents)
      if (extent == "?")
        shape.push_back(-1);
      else if (extent.getAsInteger(10, shape.emplace_back()))
        return std::nullopt;
    return shape;
  }

  SmallVector<Record> profileRows() {
    SmallVector<Record> rows;
    if (auto profile = module->getAttrOfType<ArrayAttr>("ai.profile"))
      for (auto row : profile.getAsRange<DictionaryAttr>())
        rows.push_back(profileRow(row));
    return rows;
  }

  SmallVector<Record> checkRows() {
    SmallVector<Record> rows;
    if (auto checks = module->getAttrOfType<ArrayAttr>("ai.checks"))
      for (auto name : checks.getAsRange<StringAttr>())
        rows.push_back({Field(writer.text(name.getValue()))});
    return rows;
  }

  Record profileRow(DictionaryAttr row) {
    auto number = [&](StringRef name) { return row.getAs<FloatAttr>(name).getValueAsDouble(); };
    return {Field(writer.text(row.getAs<StringAttr>("name").getValue())), Field(number("flops")),
            Field(number("bytes_read") + number("bytes_written")), Field(number("working_set")),
            Field(int64_t(row.getAs<BoolAttr>("shared").getValue()))};
  }

  std::string tensorTable(ArrayAttr tensors) {
    SmallVector<Record> rows;
    if (tensors)
      for (auto tensor : tensors.getAsRange<DictionaryAttr>())
        rows.push_back(tensorRecord(tensor));
    return writer.records(rows);
  }

  Record tensorRecord(DictionaryAttr tensor) {
    auto type = cast<ShapedType>(tensor.getAs<TypeAttr>("type").getValue());
    auto [init, value] = initial(tensor);
    return {Field(writer.text(tensor.getAs<StringAttr>("name").getValue())),
            Field(roleCode(tensor.getAs<StringAttr>("role").getValue())),
            Field(dtypeCode(type.getElementType())),
            Field(type.getRank()),
            Field(writer.integers(type.getShape())),
            Field(tensor.getAs<IntegerAttr>("offset").getInt()),
            Field(tensor.getAs<IntegerAttr>("bytes").getInt()),
            Field(init),
            Field(value),
            Field(int64_t(tensor.contains("lanes")))};
  }

  /// How the runtime fills a tensor at first: 0 constant, 1 uniform on [-v, v], 2 normal with
  /// deviation v.
  std::pair<int64_t, double> initial(DictionaryAttr tensor) {
    if (auto value = tensor.getAs<FloatAttr>("value"))
      return {0, value.getValueAsDouble()};
    auto init = tensor.getAs<ai::InitializerAttr>("init");
    if (!init)
      return {0, 0.0};
    int64_t code = init.getKind() == ai::InitializerKind::uniform  ? 1
                   : init.getKind() == ai::InitializerKind::normal ? 2
                                                                   : 0;
    return {code, init.getValue().convertToDouble()};
  }

  /// The symbol of a function that runs on this processor.
  static std::string nameOf(LLVM::LLVMFuncOp f) {
    return f && !f->hasAttr("ai.kernels") ? f.getName().str() : std::string();
  }

  /// Of a step, or of the single samples that are the rest of one: these have nothing behind them.
  Record step(LLVM::LLVMFuncOp block) {
    StringRef base = block->getAttrOfType<StringAttr>("ai.step").getValue();
    auto part = [&](StringRef kind) {
      return kindOf(block) == "rest"
                 ? LLVM::LLVMFuncOp()
                 : module.lookupSymbol<LLVM::LLVMFuncOp>((base + "_" + kind).str());
    };
    LLVM::LLVMFuncOp combine = part("combine"), fold = part("fold"), last = part("finish");
    LLVM::LLVMFuncOp rest = part("rest");
    SmallVector<Attribute> tensors(block->getAttrOfType<ArrayAttr>("ai.tensors").getValue());
    if (combine)
      llvm::append_range(tensors, combine->getAttrOfType<ArrayAttr>("ai.tensors"));
    int64_t workspace = integer("ai.workspace_bytes", block);
    for (LLVM::LLVMFuncOp f : {combine, fold, last, rest})
      if (f)
        workspace = std::max(workspace, integer("ai.workspace_bytes", f));
    int64_t most = ai::getMostSamples(block);
    int64_t slots = most ? most : integer("ai.num_slots");
    auto original = block->getAttrOfType<StringAttr>("ai.variant_of");
    StringRef whole = original ? original.getValue() : base;
    StringRef name = whole.ends_with("_train_step") ? "train"
                     : whole.ends_with("_evaluate") ? "evaluate"
                                                    : "predict";
    auto flops = block->getAttrOfType<FloatAttr>("ai.flops");
    ArrayAttr table = ArrayAttr::get(block.getContext(), tensors);
    return {Field(writer.text(name)),
            Field(integer("ai.size", block)),
            Field(slots),
            Field(most ? most : integer("ai.most_rest", block)),
            Field(nameOf(block)),
            Field(nameOf(combine)),
            Field(nameOf(fold)),
            Field(nameOf(last)),
            Field(workspace),
            Field(integer("ai.slot_bytes", block)),
            Field(integer("ai.slot_offset")),
            Field(int64_t(tensors.size())),
            Field(tensorTable(table)),
            Field(flops ? flops.getValueAsDouble() : 0.0),
            Field(integer("ai.barriers", block)),
            Field(gpuStep(block, {block, combine, fold, last})),
            Field(rest ? writer.records({step(rest)}) : std::string())};
  }

  /// What a step is on a GPU; empty where it has no kernels.
  std::string gpuStep(LLVM::LLVMFuncOp block, ArrayRef<LLVM::LLVMFuncOp> functions) {
    if (!block->hasAttr("ai.kernels"))
      return "";
    Record record;
    int64_t workspace = 0;
    for (LLVM::LLVMFuncOp f : functions) {
      llvm::append_range(record, kernelList(f));
      int64_t copies = f == block ? integer("ai.num_slots") : 1;
      if (f)
        workspace = std::max(workspace, copies * integer("ai.workspace_bytes", f));
    }
    record.push_back(Field(workspace));
    record.push_back(Field(integer("ai.staged_bytes", block)));
    record.push_back(Field(integer("ai.metric_bytes", block)));
    auto epoch = block->getAttrOfType<DictionaryAttr>("ai.epoch");
    record.push_back(Field(epoch ? writer.records({kernelRow(epoch)}) : std::string()));
    return writer.records({record});
  }

  static int64_t integerOf(DictionaryAttr entries, StringRef key) {
    auto value = entries.getAs<IntegerAttr>(key);
    return value ? value.getInt() : 0;
  }

  /// What a library computes (ai_rt_call_t).
  Record callRecord(DictionaryAttr call) {
    static constexpr StringRef kRegions[] = {"fixed", "workspace", "staged"};
    SmallVector<Record> operands;
    for (auto operand : call.getAs<ArrayAttr>("operands").getAsRange<DictionaryAttr>()) {
      StringRef region = operand.getAs<StringAttr>("region").getValue();
      ArrayRef<int64_t> shape = operand.getAs<DenseI64ArrayAttr>("shape").asArrayRef();
      operands.push_back({Field(int64_t(llvm::find(kRegions, region) - std::begin(kRegions))),
                          Field(integerOf(operand, "offset")), Field(int64_t(shape.size())),
                          Field(writer.integers(shape))});
    }
    auto function = library::symbolizeFunction(call.getAs<StringAttr>("call").getValue()).value();
    Record record{Field(int64_t(function)),
                  Field(dtypeCode(call.getAs<TypeAttr>("type").getValue())),
                  Field(writer.text(call.getAs<StringAttr>("place").getValue())),
                  Field(int64_t(operands.size())), Field(writer.records(operands))};
    for (StringRef key : {"stride", "padding", "dilation"}) {
      auto pair = call.getAs<DenseI64ArrayAttr>(key);
      for (size_t axis : {0, 1})
        record.push_back(Field(pair ? pair[axis] : int64_t(0)));
    }
    for (StringRef key : {"transpose_lhs", "transpose_rhs", "relu"})
      record.push_back(Field(integerOf(call, key)));
    return record;
  }

  /// The kernels of one function: how many, and where.
  Record kernelList(LLVM::LLVMFuncOp f) {
    SmallVector<Record> rows;
    if (auto kernels = f ? f->getAttrOfType<ArrayAttr>("ai.kernels") : ArrayAttr())
      for (auto kernel : kernels.getAsRange<DictionaryAttr>())
        rows.push_back(kernelRow(kernel));
    return {Field(int64_t(rows.size())), Field(writer.records(rows))};
  }

  Record kernelRow(DictionaryAttr kernel) {
    StringRef name = kernel.getAs<StringAttr>("name").getValue();
    bool isCall = kernel.contains("call");
    Record row{Field(writer.text(name)), Field(isCall ? std::string() : ("emulate." + name).str())};
    for (StringRef key : {"grid", "threads", "shared"})
      row.push_back(Field(integerOf(kernel, key)));
    row.push_back(Field(isCall ? writer.records({callRecord(kernel)}) : std::string()));
    return row;
  }

  /// The machine code of each architecture is a symbol that the target defines.
  SmallVector<Record> imageRows() {
    SmallVector<Record> rows;
    if (auto archs = module->getAttrOfType<ArrayAttr>("ai.archs"))
      for (auto arch : archs.getAsRange<StringAttr>()) {
        rows.push_back({Field(writer.text(arch.getValue()))});
        for (StringRef kind : {"ptx.", "cubin."})
          rows.back().push_back(Field(writer.declare(("ai." + kind + arch.getValue()).str())));
      }
    return rows;
  }

  Record function(LLVM::LLVMFuncOp f) {
    SmallVector<Attribute> args, results;
    for (Attribute tensor : f->getAttrOfType<ArrayAttr>("ai.tensors")) {
      StringRef role = cast<DictionaryAttr>(tensor).getAs<StringAttr>("role").getValue();
      (role == "result" ? results : args).push_back(tensor);
    }
    MLIRContext *context = f.getContext();
    return {Field(writer.text(f.getName())),
            Field(nameOf(f)),
            Field(integer("ai.workspace_bytes", f)),
            Field(int64_t(args.size())),
            Field(tensorTable(ArrayAttr::get(context, args))),
            Field(int64_t(results.size())),
            Field(tensorTable(ArrayAttr::get(context, results))),
            Field(f->hasAttr("ai.kernels") ? writer.records({kernelList(f)}) : std::string()),
            Field(integer("ai.staged_bytes", f))};
  }

  ModuleOp module;
  ConstantWriter writer;
};

/// The table says it all now: objects for other processors have functions of the same names, and
/// LLVM would warn of argument attributes that it does not know.
void hideFunctions(ModuleOp module) {
  for (auto f : module.getOps<LLVM::LLVMFuncOp>()) {
    if (!f.isExternal())
      f.setLinkage(LLVM::Linkage::Internal);
    for (unsigned i = 0; i < f.getNumArguments(); ++i)
      for (StringRef name : {"ai.role", "ai.name"})
        f.removeArgAttr(i, name);
  }
}

struct EmitProgramPass : ai::impl::AIEmitProgramPassBase<EmitProgramPass> {
  using AIEmitProgramPassBase::AIEmitProgramPassBase;

  void runOnOperation() final {
    hideFunctions(getOperation());
    if (failed(ProgramWriter(getOperation()).write(symbol, cpu, cpus, features, nodes, maxMemory)))
      signalPassFailure();
  }
};
} // namespace
