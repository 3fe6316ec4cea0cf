#include "ai/Target/OutputFile.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

LogicalResult ai::writeFile(StringRef path, ErrorEmitter emitError,
                            function_ref<LogicalResult(StringRef)> write) {
  auto complain = [&](std::error_code error) {
    return emitError() << "cannot write '" << path << "': " << error.message();
  };
  // A device or a pipe is written to, not replaced by a file.
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(path, status) && llvm::sys::fs::is_other(status))
    return write(path);
  SmallString<128> temporary;
  int descriptor;
  if (auto error = llvm::sys::fs::createUniqueFile(path + ".%%%%%%%%", descriptor, temporary))
    return complain(error);
  llvm::sys::fs::closeFile(descriptor);
  llvm::sys::RemoveFileOnSignal(temporary);
  llvm::scope_exit remove([&] {
    llvm::sys::fs::remove(temporary);
    llvm::sys::DontRemoveFileOnSignal(temporary);
  });
  if (failed(write(temporary)))
    return failure();
  if (auto error = llvm::sys::fs::rename(temporary, path))
    return complain(error);
  return success();
}

std::string ai::temporaryPath(const llvm::Twine &name) {
  SmallString<128> path;
  llvm::sys::path::system_temp_directory(/*erasedOnReboot=*/true, path);
  llvm::sys::path::append(path, name);
  return std::string(path);
}

LogicalResult ai::writeFile(StringRef path, ErrorEmitter emitError, StringRef contents) {
  return writeFile(path, emitError, [&](StringRef temporary) -> LogicalResult {
    std::error_code error;
    llvm::raw_fd_ostream os(temporary, error);
    os << contents;
    os.flush();
    error = os.error();
    os.clear_error();
    if (error)
      return emitError() << "cannot write '" << path << "': " << error.message();
    return success();
  });
}
