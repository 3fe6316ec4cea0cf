// Reading a source file that may be hostile.

#include "lib/Driver/Source.h"

#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace ai {

static constexpr unsigned kMaxDepth = 1000;

/// The offset of the first bracket that is nested too deep, or npos. Strings and comments do not
/// count.
static size_t findTooDeep(StringRef text) {
  unsigned depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i)
        i += text[i] == '\\';
    } else if (c == '/' && text.substr(i).starts_with("//")) {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '-' && text.substr(i).starts_with("->")) {
      ++i; // no closing bracket
    } else if (StringRef("{([<").contains(c)) {
      if (++depth > kMaxDepth)
        return i;
    } else if (StringRef("})]>").contains(c) && depth > 0) {
      --depth;
    }
  }
  return StringRef::npos;
}

bool isNestedFlatly(StringRef text, StringRef path) {
  if (text.starts_with("ML\xefR")) // bytecode has no brackets
    return true;
  size_t at = findTooDeep(text);
  if (at == StringRef::npos)
    return true;
  StringRef before = text.take_front(at);
  size_t line = before.count('\n') + 1, column = at - (before.rfind('\n') + 1) + 1;
  llvm::errs() << (path == "-" ? "<stdin>" : path) << ":" << line << ":" << column
               << ": error: expects brackets nested at most " << kMaxDepth << " deep\n";
  return false;
}

std::unique_ptr<llvm::MemoryBuffer> openSource(StringRef path) {
  std::string message;
  auto buffer = openInputFile(path, &message);
  if (!buffer) {
    llvm::errs() << "error: " << message << "\n";
    return nullptr;
  }
  return isNestedFlatly(buffer->getBuffer(), path) ? std::move(buffer) : nullptr;
}

} // namespace ai
