// What went wrong, as values of llvm::Error.

#ifndef AI_FRONTEND_DIAGNOSTICS_H
#define AI_FRONTEND_DIAGNOSTICS_H

#include "ai/Runtime/ai_rt.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace ai {

/// A line of the user's program; line 0: unknown.
struct Place {
  std::string file;
  unsigned line = 0, column = 0;
};

/// One message of the compiler.
struct Message {
  Place place;
  std::string text;
  bool isNote = false; ///< of the error before it
};

/// A model that the compiler refuses: at least one error, each followed by its notes.
class CompileError : public llvm::ErrorInfo<CompileError> {
public:
  static char ID;

  explicit CompileError(std::vector<Message> messages) : messages(std::move(messages)) {}
  /// `net.py:7:9: error: ...`, a line for each message.
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

  std::vector<Message> messages;
};

/// What a function of ai_rt.h refused.
class RuntimeError : public llvm::ErrorInfo<RuntimeError> {
public:
  static char ID;

  RuntimeError(ai_rt_status_t status, std::string text) : status(status), text(std::move(text)) {}
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

  ai_rt_status_t status;
  std::string text;
};

/// The user asked to stop.
class Interrupted : public llvm::ErrorInfo<Interrupted> {
public:
  static char ID;

  void log(llvm::raw_ostream &os) const override { os << "interrupted"; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }
};

/// While it lives, errors and notes of a context are kept here and printed nowhere; warnings and
/// remarks are dropped.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext &context);

  bool hasErrors() const { return !messages.empty(); }
  /// All errors so far as one; `otherwise` is its text if there are none.
  llvm::Error takeError(llvm::StringRef otherwise);

private:
  void add(mlir::Diagnostic &diagnostic, bool isNote);

  std::vector<Message> messages;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace ai

#endif // AI_FRONTEND_DIAGNOSTICS_H
