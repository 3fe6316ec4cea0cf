// Upstream's language server knows a file as it is written. What the compiler knows beyond that,
// the shapes that it infers, is added to the answers on their way to the editor: upstream has no
// hook for what a hover shows, so the server runs between two pipes.

#include "ai/Driver/Driver.h"
#include "ai/Transforms/Passes.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/AsmParser/AsmParserState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SourceMgr.h"

#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>

using namespace mlir;
using namespace ai;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// What the compiler knows of a place
//===----------------------------------------------------------------------===//

namespace {
/// Where an editor's pointer is; lines and characters count from 0.
struct Place {
  std::string text;
  int64_t line = 0, character = 0;
};
} // namespace

static bool holds(SMRange range, SMLoc place) {
  return range.isValid() && range.Start.getPointer() <= place.getPointer() &&
         place.getPointer() < range.End.getPointer();
}

static bool holds(const AsmParserState::SMDefinition &definition, SMLoc place) {
  return holds(definition.loc, place) ||
         llvm::any_of(definition.uses, [&](SMRange use) { return holds(use, place); });
}

namespace {
/// What a place names: an op, or a value.
struct Named {
  Operation *op = nullptr; ///< null for a value
  SmallVector<Value> values;
};
} // namespace

static Named findNamed(const AsmParserState &state, SMLoc place) {
  for (const auto &definition : state.getOpDefs()) {
    if (holds(definition.loc, place))
      return {definition.op, SmallVector<Value>(definition.op->getResults())};
    for (const auto &group : definition.resultGroups)
      if (holds(group.definition, place))
        return {nullptr, {definition.op->getResult(group.startIndex)}};
  }
  return {};
}

/// The description of an op of ours, from its summary to its example, without the syntax.
static std::string describeOp(StringRef name) {
  static constexpr StringLiteral kDocs =
#include "OpDocs.inc"
      ;
  StringRef text = kDocs.split(("\n### `" + name + "` (").str()).second.split('\n').second;
  for (StringRef next : {"\n### ", "\n#### ", "\nTraits:", "\nInterfaces:", "\nEffects:"})
    text = text.split(next).first;
  auto [summary, rest] = text.split("Syntax:\n\n```\n");
  return (summary.trim() + "\n\n" + rest.split("```\n").second.trim()).str();
}

/// Says what an op does, and the types that inference gives to its results, or to a value, if they
/// are others than written.
static std::string describePlace(const Place &place) {
  llvm::SourceMgr sources;
  unsigned buffer =
      sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(place.text), SMLoc());
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler silent(&context, [](Diagnostic &) { return success(); });
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  AsmParserState state;
  if (failed(parseAsmSourceFile(sources, module->getBody(), ParserConfig(&context), &state)))
    return "";
  SMLoc at = sources.FindLocForLineAndColumn(buffer, unsigned(place.line + 1),
                                             unsigned(place.character + 1));
  Named named = at.isValid() ? findNamed(state, at) : Named();
  SmallVector<Type> written(ValueRange(named.values).getTypes());
  PassManager pm(&context);
  pm.addPass(createAIInferShapesPass());
  (void)pm.run(*module); // what comes before an error has its types
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto [value, type] : llvm::zip_equal(named.values, written))
    if (value.getType() != type)
      os << "\n\nInferred: `" << value.getType() << "`";
  if (named.op)
    os << "\n\n" << describeOp(named.op->getName().getStringRef());
  return text;
}

//===----------------------------------------------------------------------===//
// Between the editor and the server
//===----------------------------------------------------------------------===//

namespace {
/// Keeps the texts of open files, and which answers are those to a hover.
class Hovers {
public:
  void seeRequest(const json::Value &message);
  /// Adds to an answer what the compiler knows. False if it is to stay as it is.
  bool extendAnswer(json::Value &message);

private:
  std::mutex mutex;
  std::map<std::string, std::string> texts; // by URI
  std::map<std::string, Place> asked;       // by the request's id
};
} // namespace

static std::string print(const json::Value *value) {
  return value ? llvm::formatv("{0}", *value).str() : "";
}

void Hovers::seeRequest(const json::Value &message) {
  const json::Object *request = message.getAsObject();
  const json::Object *params = request ? request->getObject("params") : nullptr;
  const json::Object *document = params ? params->getObject("textDocument") : nullptr;
  if (!document)
    return;
  StringRef method = request->getString("method").value_or("");
  std::string uri = document->getString("uri").value_or("").str();
  std::lock_guard<std::mutex> lock(mutex);
  if (method == "textDocument/didOpen")
    texts[uri] = document->getString("text").value_or("").str();
  if (method == "textDocument/didClose")
    texts.erase(uri);
  const json::Array *changes = params->getArray("contentChanges");
  if (method == "textDocument/didChange" && changes && !changes->empty())
    if (const json::Object *last = changes->back().getAsObject()) // the server asks for all of it
      texts[uri] = last->getString("text").value_or("").str();
  const json::Object *position = params->getObject("position");
  if (method == "textDocument/hover" && position)
    asked[print(request->get("id"))] = {texts[uri], position->getInteger("line").value_or(0),
                                        position->getInteger("character").value_or(0)};
}

bool Hovers::extendAnswer(json::Value &message) {
  json::Object *answer = message.getAsObject();
  if (!answer || !answer->get("result"))
    return false;
  Place place;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = asked.find(print(answer->get("id")));
    if (found == asked.end())
      return false;
    place = std::move(found->second);
    asked.erase(found);
  }
  json::Object *result = answer->getObject("result");
  json::Object *contents = result ? result->getObject("contents") : nullptr;
  std::optional<StringRef> shown = contents ? contents->getString("value") : std::nullopt;
  if (!shown)
    return false;
  (*contents)["value"] = (*shown + describePlace(place)).str();
  return true;
}

/// The body of the next message; none at the end.
static std::optional<std::string> readMessage(FILE *in) {
  size_t length = 0;
  char line[256];
  while (fgets(line, sizeof(line), in)) {
    StringRef header = StringRef(line).trim();
    if (header.consume_front("Content-Length:"))
      (void)header.trim().getAsInteger(10, length);
    else if (header.empty() && length > 0)
      break;
  }
  std::string body(length, '\0');
  if (length == 0 || fread(body.data(), 1, length, in) != length)
    return std::nullopt;
  return body;
}

/// Passes messages on; `change` may put another one in the place of one.
static void relay(int from, int to, llvm::function_ref<void(std::string &)> change) {
  FILE *in = fdopen(from, "r"), *out = fdopen(to, "w");
  while (std::optional<std::string> body = readMessage(in)) {
    change(*body);
    fprintf(out, "Content-Length: %zu\r\n\r\n", body->size());
    fwrite(body->data(), 1, body->size(), out);
    fflush(out);
  }
  fclose(in);
  fclose(out);
}

static void relayRequests(int from, int to, Hovers &hovers) {
  relay(from, to, [&](std::string &body) {
    if (llvm::Expected<json::Value> message = json::parse(body))
      hovers.seeRequest(*message);
    else
      llvm::consumeError(message.takeError());
  });
}

static void relayAnswers(int from, int to, Hovers &hovers) {
  relay(from, to, [&](std::string &body) {
    llvm::Expected<json::Value> message = json::parse(body);
    if (!message)
      return llvm::consumeError(message.takeError());
    if (hovers.extendAnswer(*message))
      body = print(&*message);
  });
}

int ai::languageServerMain(int argc, char **argv) {
  initTool();
  DialectRegistry registry;
  registerDialects(registry);
  bool asksForText = llvm::any_of(ArrayRef(argv, size_t(argc)).drop_front(), [](StringRef word) {
    return !word.ltrim('-').starts_with("log");
  });
  int requests[2], answers[2];
  if (asksForText || pipe(requests) || pipe(answers)) // --help, or messages that people write
    return failed(MlirLspServerMain(argc, argv, registry));
  auto &hovers = *new Hovers(); // the first thread may wait for the editor until the process ends
  int editor = dup(STDOUT_FILENO);
  std::thread([in = dup(STDIN_FILENO), out = requests[1], &hovers] {
    relayRequests(in, out, hovers);
  }).detach();
  std::thread writer(
      [in = answers[0], out = dup(editor), &hovers] { relayAnswers(in, out, hovers); });
  dup2(requests[0], STDIN_FILENO);
  dup2(answers[1], STDOUT_FILENO);
  close(requests[0]);
  close(answers[1]);
  bool hasFailed = failed(MlirLspServerMain(argc, argv, registry));
  llvm::outs().flush();
  dup2(editor, STDOUT_FILENO); // the last end of the pipe: the writer comes to its end
  writer.join();
  return hasFailed;
}
