#include "lib/Driver/Explain.h"

#include "lib/Driver/ExplainPage.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/Compression.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace ai;

namespace json = llvm::json;

namespace {
class Explainer {
public:
  Explainer(ModuleOp module, const CompileOptions &options, const TargetOptions &target,
            const PipelineOptions &pipeline)
      : module(module), options(options), target(target), pipeline(pipeline) {}

  LogicalResult run();
  LogicalResult print(raw_ostream &os);

private:
  std::string writeDown();
  LogicalResult runStage(const Stage &stage);
  void describeNests();
  void describeTarget();
  LogicalResult describeAssembly();
  void listOperators();
  LogicalResult keepRemark(Diagnostic &diagnostic, const PassRecorder &passes);

  ModuleOp module;
  const CompileOptions &options;
  const TargetOptions &target;
  const PipelineOptions &pipeline;
  PlaceTable places;
  std::vector<MeasuredNest> measured;
  json::Object facts, texts;
  json::Array stages, remarks, operators;
};
} // namespace

/// Remarks are ours; everything else goes on to who else handles diagnostics.
LogicalResult Explainer::keepRemark(Diagnostic &diagnostic, const PassRecorder &passes) {
  if (diagnostic.getSeverity() != DiagnosticSeverity::Remark)
    return failure();
  json::Object remark{{"pass", passes.current().str()},
                      {"place", places.numberOf(diagnostic.getLocation())},
                      {"text", jsonText(diagnostic.str())}};
  json::Array notes;
  for (Diagnostic &note : diagnostic.getNotes())
    notes.push_back(json::Object{{"place", places.numberOf(note.getLocation())},
                                 {"text", jsonText(note.str())}});
  if (!notes.empty())
    remark["notes"] = std::move(notes);
  remarks.push_back(std::move(remark));
  return options.remarks ? failure() : success();
}

/// Makes a text of a module that has none, bytecode or the work of a program, and this text its
/// model file.
std::string Explainer::writeDown() {
  std::string text;
  llvm::raw_string_ostream(text) << module << "\n";
  ParserConfig config(module.getContext());
  OwningOpRef<ModuleOp> written =
      parseSourceString<ModuleOp>(text, config, module.getName().value_or("module"));
  if (!written)
    return "";
  module.getBodyRegion().takeBody(written->getBodyRegion());
  return text;
}

/// The operators of a model, as they are before nests are made of them.
void Explainer::listOperators() {
  for (auto f : module.getOps<func::FuncOp>())
    f.walk([&](Operation *op) {
      if (!op->getDialect() || op->getDialect()->getNamespace() != "ai" || op->getNumResults() == 0)
        return;
      std::string type;
      llvm::raw_string_ostream(type) << op->getResult(0).getType();
      operators.push_back(json::Object{{"op", op->getName().getStringRef()},
                                       {"function", jsonText(f.getName())},
                                       {"place", places.numberOf(op->getLoc())},
                                       {"type", jsonText(type)}});
    });
}

void Explainer::describeNests() {
  NestTable nests(module, places);
  std::optional<rt::Machine> machine;
  if (target.processor.isNative) {
    machine = rt::measureMachine(1);
    json::Array levels;
    for (const rt::MemoryLevel &level : machine->levels)
      levels.push_back(json::Object{
          {"name", level.name}, {"bytes", level.bytes}, {"read", level.bytesRead.best}});
    facts["machine"] = json::Object{{"peak", machine->flops.best}, {"levels", std::move(levels)}};
  }
  facts["nests"] = nests.toJSON(machine ? &*machine : nullptr, measured);
  facts["memory"] = nests.memoryToJSON();
  nests.mark();
}

/// One stage: its passes, then what it left.
LogicalResult Explainer::runStage(const Stage &stage) {
  auto recorder = std::make_unique<PassRecorder>();
  PassRecorder &passes = *recorder;
  PassManager pm(module.getContext());
  pm.enableVerifier(false);
  pm.addInstrumentation(std::move(recorder));
  buildStage(pm, stage, pipeline);
  ScopedDiagnosticHandler handler(
      module.getContext(), [&](Diagnostic &diagnostic) { return keepRemark(diagnostic, passes); });
  if (failed(pm.run(module)))
    return failure();
  if (stage.name == "fused")
    listOperators();
  if (stage.name == "loops")
    describeNests();
  texts[stage.name] = MarkedText::print(module, places).toJSON();
  stages.push_back(json::Object{{"name", stage.name},
                                {"promise", stage.promise},
                                {"ops", toJSON(countOps(module))},
                                {"passes", passes.toJSON()}});
  return success();
}

/// Of assembly with places: the instructions and labels of functions, and what each belongs to.
static MarkedText readAssembly(StringRef assembly) {
  MarkedText result;
  PlaceTable::Mark mark;
  StringRef function;
  bool isInside = false;
  auto add = [&](StringRef line) {
    result.text += line.str() + "\n";
    result.marks.push_back(mark);
  };
  for (StringRef line : llvm::split(assembly, '\n')) {
    StringRef text = line.trim();
    auto [label, rest] = text.split(':');
    if (text.consume_front(".type") && text.contains("@function")) {
      function = text.split(',').first.trim();
    } else if (!function.empty() && label == function && line.contains(':')) {
      isInside = true;
      mark = {};
      add(line.split('#').first.rtrim());
    } else if (text.starts_with(".Lfunc_end")) {
      isInside = false;
    } else if (isInside && text.consume_front(".loc")) {
      SmallVector<StringRef> words;
      text.split(words, ' ', -1, /*KeepEmpty=*/false);
      mark = {};
      if (words.size() > 2) {
        words[1].getAsInteger(10, mark.nest);
        words[2].getAsInteger(10, mark.place);
      }
    } else if (isInside && !text.empty() && !text.starts_with("#") && !text.starts_with(".Ltmp") &&
               (!text.starts_with(".") || text.starts_with(".LBB"))) {
      add(line.rtrim());
    }
  }
  return result;
}

LogicalResult Explainer::describeAssembly() {
  PassManager pm(module.getContext());
  LLVM::DIScopeForLLVMFuncOpPassOptions scopes;
  scopes.emissionKind = LLVM::DIEmissionKind::DebugDirectivesOnly;
  pm.addPass(LLVM::createDIScopeForLLVMFuncOpPass(scopes));
  std::string assembly;
  llvm::raw_string_ostream os(assembly);
  if (failed(pm.run(module)) || failed(emitAssembly(module, target, os)))
    return failure();
  texts["asm"] = readAssembly(assembly).toJSON();
  return success();
}

void Explainer::describeTarget() {
  auto recipe = module->getAttrOfType<DictionaryAttr>("ai.recipe");
  facts["model"] = jsonText(module.getName().value_or("module"));
  facts["file"] = jsonText(llvm::sys::path::filename(options.input));
  facts["processor"] = json::Object{{"name", target.processor.name},
                                    {"triple", target.processor.triple},
                                    {"vectorBits", pipeline.vectorBits},
                                    {"l1", pipeline.l1},
                                    {"l2", pipeline.l2}};
  facts["batch"] = recipe ? recipe.getAs<IntegerAttr>("batch").getInt() : 0;
  facts["measured"] = !measured.empty();
}

LogicalResult Explainer::run() {
  // Passes and their remarks come in one order.
  MLIRContext *context = module.getContext();
  bool hadThreads = context->isMultithreadingEnabled();
  context->disableMultithreading();
  llvm::scope_exit restore([&] { context->enableMultithreading(hadThreads); });

  MarkedText source{options.source, {}};
  if (source.text.empty() || StringRef(source.text).starts_with("ML\xefR")) {
    source.text = writeDown();
    if (source.text.empty())
      return failure();
  }
  texts["source"] = source.toJSON();
  if (options.profile) {
    OwningOpRef<ModuleOp> copy = module.clone();
    FailureOr<std::vector<MeasuredNest>> nests = measureNests(*copy, options);
    if (failed(nests))
      return failure();
    measured = std::move(*nests);
  }
  for (const Stage &stage : getStages())
    if (failed(runStage(stage)))
      return failure();
  describeTarget();
  facts["places"] = places.toJSON();
  facts["stages"] = std::move(stages);
  facts["operators"] = std::move(operators);
  facts["remarks"] = std::move(remarks);
  return describeAssembly();
}

/// JSON that may stand in a script of a page.
static std::string forPage(const json::Value &value) {
  std::string text = llvm::formatv("{0}", value), result;
  for (char c : text)
    if (c == '<')
      result += "\\u003c";
    else
      result += c;
  return result;
}

LogicalResult Explainer::print(raw_ostream &os) {
  if (!llvm::compression::zlib::isAvailable())
    return mlir::emitError(UnknownLoc::get(module.getContext()))
           << "a page expects an LLVM that was built with zlib";
  std::string all = llvm::formatv("{0}", json::Value(std::move(texts)));
  SmallVector<uint8_t, 0> deflated;
  llvm::compression::zlib::compress(llvm::arrayRefFromStringRef(all), deflated);
  std::pair<StringRef, std::string> parts[] = {
      {"{{title}}", "aic: " + facts.getString("model")->str()},
      {"{{style}}", kPageCSS.str()},
      {"{{facts}}", forPage(json::Value(std::move(facts)))},
      {"{{texts}}", llvm::encodeBase64(deflated)},
      {"{{script}}", kPageJS.str()}};
  StringRef rest = kPageHTML;
  for (auto &[name, value] : parts) {
    auto [before, after] = rest.split(name);
    os << before;
    if (name == "{{title}}")
      llvm::printHTMLEscaped(value, os);
    else
      os << value;
    rest = after;
  }
  os << rest;
  return success();
}

LogicalResult ai::explain(ModuleOp module, const CompileOptions &options,
                          const TargetOptions &target, const PipelineOptions &pipeline,
                          raw_ostream &os) {
  Explainer explainer(module, options, target, pipeline);
  return failed(explainer.run()) ? failure() : explainer.print(os);
}
