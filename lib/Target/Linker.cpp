#include "ai/Target/Linker.h"
#include "ai/Target/OutputFile.h"
#include "lib/Target/Run.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace ai;

/// A compiler driver with the arguments that belong to it, as in CC="ccache gcc"; empty if it is
/// not installed.
static std::vector<std::string> findDriver(StringRef command) {
  SmallVector<StringRef> words;
  command.split(words, ' ', -1, /*KeepEmpty=*/false);
  if (words.empty())
    return {};
  llvm::ErrorOr<std::string> program = llvm::sys::findProgramByName(words.front());
  if (!program)
    return {};
  std::vector<std::string> driver{*program};
  for (StringRef word : ArrayRef(words).drop_front())
    driver.push_back(word.str());
  return driver;
}

/// clang-22, with the lld of its installation where there is one: it takes half of ld's time.
static std::vector<std::string> findClang() {
  std::vector<std::string> driver = findDriver("clang-22");
  SmallString<128> lld;
  if (driver.empty() || llvm::sys::fs::real_path(driver.front(), lld))
    return driver;
  llvm::sys::path::remove_filename(lld);
  llvm::sys::path::append(lld, "ld.lld");
  if (llvm::sys::fs::can_execute(lld))
    driver.push_back("-fuse-ld=lld");
  return driver;
}

FailureOr<std::vector<std::string>> ai::findLinker(StringRef asked, ErrorEmitter emitError) {
  if (!asked.empty()) {
    std::vector<std::string> driver = findDriver(asked);
    if (driver.empty())
      return emitError() << "expects the linker to be a compiler driver such as clang-22, but '"
                         << asked << "' is not installed";
    return driver;
  }
  std::string fromEnvironment = llvm::sys::Process::GetEnv("CC").value_or("");
  for (std::vector<std::string> driver :
       {findDriver(fromEnvironment), findClang(), findDriver("cc")})
    if (!driver.empty())
      return driver;
  return emitError() << "found no linker: neither $CC nor clang-22 nor cc is installed; install "
                        "the package clang-22 or name a compiler driver with --linker";
}

/// `visibility` is a linker script that says what a shared library keeps to itself.
static std::vector<std::string> makeCommand(const LinkOptions &options, StringRef visibility,
                                            StringRef output) {
  bool isLibrary = options.kind == LinkOptions::Kind::SharedLibrary;
  std::vector<std::string> command = options.driver;
  command.insert(command.end(), {"-o", output.str()});
  if (isLibrary)
    command.insert(command.end(), {"-shared", "-Wl,-Bsymbolic"});
  llvm::append_range(command, options.objects);
  if (isLibrary)
    command.push_back("-Wl,--whole-archive");
  command.push_back(options.runtimeLibrary);
  if (isLibrary)
    command.insert(command.end(),
                   {"-Wl,--no-whole-archive", "-Wl,--version-script=" + visibility.str(),
                    "-Wl,--exclude-libs,libstdc++.a:libz.a:libgcc.a:libgcc_eh.a"});
  // The runtime is C++, but the driver may be one for C: the libraries are named, and only libc and
  // libm stay shared.
  command.insert(command.end(), {"-Wl,--gc-sections", "-Wl,--as-needed", "-Wl,-Bstatic", "-lstdc++",
                                 "-lz", "-Wl,-Bdynamic", "-lm", "-pthread", "-static-libgcc"});
  return command;
}

LogicalResult ai::link(const LinkOptions &options, StringRef path, ErrorEmitter emitError) {
  if (!llvm::sys::fs::exists(options.runtimeLibrary))
    return emitError() << "expects the runtime library at '" << options.runtimeLibrary
                       << "'; build or install it again";
  TemporaryFile log("log"), visibility("map");
  for (std::error_code error : {log.error, visibility.error})
    if (error)
      return emitError() << "cannot make a temporary file: " << error.message();
  // Templates of libstdc++ must not mix with those of the process that loads the library.
  if (failed(writeFile(visibility.path, emitError, "{ local: _Z*; };\n")))
    return failure();
  return writeFile(path, emitError, [&](StringRef temporary) {
    return run(makeCommand(options, visibility.path, temporary), log.path, "linking", options.echo,
               emitError);
  });
}

void ai::printLinkCommand(const LinkOptions &options, StringRef path, raw_ostream &os) {
  printCommand(makeCommand(options, temporaryPath("ai-target.map"), path), os);
}
