#include "lib/Target/Run.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace mlir;

void ai::printCommand(ArrayRef<std::string> command, raw_ostream &os) {
  for (const std::string &word : command) {
    os << ' ';
    llvm::sys::printArg(os, word, /*Quote=*/true);
  }
  os << '\n';
}

LogicalResult ai::run(ArrayRef<std::string> command, StringRef log, StringRef purpose,
                      raw_ostream *echo, ErrorEmitter emitError) {
  if (echo)
    printCommand(command, *echo);
  SmallVector<StringRef> words(command.begin(), command.end());
  std::optional<StringRef> redirects[] = {StringRef(""), log, log};
  std::string error;
  int code = llvm::sys::ExecuteAndWait(words.front(), words, std::nullopt, redirects, 0, 0, &error);
  if (code == 0)
    return success();
  if (auto messages = llvm::MemoryBuffer::getFile(log))
    error += (*messages)->getBuffer().rtrim();
  return emitError() << purpose << " with '" << words.front() << "' failed: " << error;
}
