// What the tools have in common.

#include "ai/Driver/Driver.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;

namespace ai {

StringRef getVersion() { return "aic " AIC_VERSION " with LLVM " LLVM_VERSION_STRING; }

void initTool() {
  for (auto [name, option] : llvm::cl::getRegisteredOptions())
    if (llvm::none_of(option->Categories, [](const llvm::cl::OptionCategory *category) {
          return category->getName() == "Generic Options";
        }))
      option->setHiddenFlag(llvm::cl::Hidden);
  llvm::cl::SetVersionPrinter([](raw_ostream &os) { os << getVersion() << "\n"; });
  if (!llvm::sys::Process::GetEnv("NO_COLOR").value_or("").empty())
    llvm::WithColor::setAutoDetectFunction([](const raw_ostream &) { return false; });
}

} // namespace ai
