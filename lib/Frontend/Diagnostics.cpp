// Diagnostics of MLIR -> llvm::Error.

#include "ai/Frontend/Diagnostics.h"

#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ai;

char CompileError::ID;
char RuntimeError::ID;
char Interrupted::ID;

void CompileError::log(raw_ostream &os) const {
  llvm::interleave(
      messages, os,
      [&](const Message &message) {
        const Place &place = message.place;
        if (place.line > 0)
          os << place.file << ":" << place.line << ":" << place.column << ": ";
        os << (message.isNote ? "note: " : "error: ") << message.text;
      },
      "\n");
}

DiagnosticCollector::DiagnosticCollector(MLIRContext &context)
    : handler(&context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
          add(diagnostic, /*isNote=*/false);
        return success();
      }) {}

void DiagnosticCollector::add(Diagnostic &diagnostic, bool isNote) {
  Place place;
  if (auto loc = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    place = {loc.getFilename().str(), loc.getLine(), loc.getColumn()};
  messages.push_back({std::move(place), diagnostic.str(), isNote});
  for (Diagnostic &note : diagnostic.getNotes())
    add(note, /*isNote=*/true);
}

llvm::Error DiagnosticCollector::takeError(StringRef otherwise) {
  if (messages.empty())
    messages.push_back({{}, otherwise.str()});
  return llvm::make_error<CompileError>(std::move(messages));
}
