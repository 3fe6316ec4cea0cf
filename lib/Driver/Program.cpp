// Module -> objects in memory -> code of this process.

#include "ai/Driver/Program.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/MapperJITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"

using namespace mlir;
using namespace ai;

static constexpr llvm::StringLiteral kAccessor = "aic_program";

/// Address space that the objects of a program share: they refer to each other by distances of 32
/// bits, and what is mapped for one alone may be anywhere.
static constexpr size_t kReservedBytes = 256 << 20;

static llvm::Expected<std::unique_ptr<llvm::orc::ObjectLayer>>
makeLinkingLayer(llvm::orc::ExecutionSession &session) {
  auto memory =
      llvm::orc::MapperJITLinkMemoryManager::CreateWithMapper<llvm::orc::InProcessMemoryMapper>(
          kReservedBytes);
  if (!memory)
    return memory.takeError();
  return std::make_unique<llvm::orc::ObjectLinkingLayer>(session, std::move(*memory));
}

/// What generated code calls by name; functions of libc are found by themselves.
static llvm::orc::SymbolMap runtimeSymbols(llvm::orc::LLJIT &code) {
  llvm::orc::SymbolMap symbols;
  auto add = [&](StringRef name, auto *function) {
    symbols[code.mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function),
                                           llvm::JITSymbolFlags::Exported};
  };
  add("ai_rt_program_select", &ai_rt_program_select);
  add("ai_rt_team_barrier", &ai_rt_team_barrier);
  add("ai_rt_profile_lap", &ai_rt_profile_lap);
  add("ai_rt_check_nan", &ai_rt_check_nan);
  add("ai_rt_gpu_barrier", &ai_rt_gpu_barrier);
  add("ai_rt_gpu_turn_barrier", &ai_rt_gpu_turn_barrier);
  add("ai_rt_gpu_grid_barrier", &ai_rt_gpu_grid_barrier);
  add("ai_rt_gpu_warp_barrier", &ai_rt_gpu_warp_barrier);
  add("ai_rt_gpu_shuffle", &ai_rt_gpu_shuffle);
  add("ai_rt_gpu_multiply", &ai_rt_gpu_multiply);
  add("ai_rt_gpu_round_tf32", &ai_rt_gpu_round_tf32);
  add("ai_rt_gpu_pack_bf16", &ai_rt_gpu_pack_bf16);
  add("ai_rt_gpu_access", &ai_rt_gpu_access);
  return symbols;
}

/// Links the objects and finds the program's table.
static llvm::Expected<const ai_rt_program_t *> link(llvm::orc::LLJIT &code,
                                                    const ObjectParts &objects) {
  llvm::orc::JITDylib &library = code.getMainJITDylib();
  if (llvm::Error error = library.define(llvm::orc::absoluteSymbols(runtimeSymbols(code))))
    return error;
  for (ArrayRef<char> object : objects) {
    auto buffer = llvm::MemoryBuffer::getMemBufferCopy({object.data(), object.size()}, "program");
    if (llvm::Error error = code.addObjectFile(std::move(buffer)))
      return error;
  }
  auto accessor = code.lookup(kAccessor);
  if (!accessor)
    return accessor.takeError();
  if (const ai_rt_program_t *program = accessor->toPtr<const ai_rt_program_t *()>()())
    return program;
  return llvm::createStringError(ai_rt_last_error());
}

Program::~Program() = default;

std::unique_ptr<Program> Program::load(ModuleOp module, const CompileOptions &options) {
  ObjectParts objects;
  if (failed(compileObjects(module, options, kAccessor, objects)))
    return nullptr;
  std::unique_ptr<Program> result(new Program());
  // Nothing of the objects needs a platform: it has neither constructors nor thread locals.
  auto code = llvm::orc::LLJITBuilder()
                  .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                  .setObjectLinkingLayerCreator(makeLinkingLayer)
                  .create();
  auto program = code ? link(**code, objects) : code.takeError();
  if (!program) {
    emitError(UnknownLoc::get(module.getContext()))
        << "cannot load the compiled program: " << llvm::toString(program.takeError());
    return nullptr;
  }
  result->code = std::move(*code);
  result->program = *program;
  return result;
}
