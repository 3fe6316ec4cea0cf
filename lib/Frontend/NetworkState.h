// What a network keeps behind its interface.

#ifndef AI_LIB_FRONTEND_NETWORKSTATE_H
#define AI_LIB_FRONTEND_NETWORKSTATE_H

#include "ai/Driver/Program.h"
#include "ai/Frontend/Network.h"
#include <future>

namespace ai {

/// How a compilation ended: with a program, or with errors.
struct CompileResult {
  std::shared_ptr<Program> program;
  std::vector<Message> errors;
};

struct Network::State {
  std::mutex busy;
  std::string key; ///< what was compiled, or is being compiled
  std::shared_future<CompileResult> compilation;
  // The model that was made of it, or, until that is done, of what was compiled before.
  std::shared_ptr<Program> program;
  std::shared_ptr<ai_rt_model_t> model;
  int64_t threads = 0;
  size_t optimizer = 0; ///< which of the kinds
};

inline llvm::Error checkStatus(ai_rt_status_t status) {
  if (status == AI_RT_OK)
    return llvm::Error::success();
  return llvm::make_error<RuntimeError>(status, ai_rt_last_error());
}

} // namespace ai

#endif // AI_LIB_FRONTEND_NETWORKSTATE_H
