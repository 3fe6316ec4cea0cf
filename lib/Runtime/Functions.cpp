//===- Functions.cpp - calling functions that are no training step --------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include <cstring>

using namespace ai::rt;

static const ai_rt_function_t &findFunction(const ai_rt_program_t &program, const char *name) {
  if (const ai_rt_function_t *function = ai_rt_program_find_function(&program, name))
    return *function;
  std::string names;
  for (int64_t i = 0; i < program.num_functions; ++i)
    names += (i ? ", " : "") + std::string(program.functions[i].name);
  throwInvalid("'", program.name, "' has no function '", name,
               "'; it has: ", names.empty() ? "none" : names);
}

ai_rt_status_t ai_rt_call(const ai_rt_program_t *program, const char *name, const void *const *args,
                          void *const *results) {
  return guarded([&] {
    const ai_rt_function_t &function = findFunction(*program, name);
    if (function.gpu) {
      Device(*program, /*batch=*/0).call(function, args, results);
      return;
    }
    // Memory of its own for each call: functions are called seldom, and from any thread.
    Memory fixed(program->fixed_bytes), workspace(function.workspace_bytes);
    for (int64_t i = 0; i < function.num_args; ++i)
      std::memcpy(workspace.data() + function.args[i].offset, args[i], function.args[i].bytes);
    function.run(fixed.data(), workspace.data());
    for (int64_t i = 0; i < function.num_results; ++i)
      std::memcpy(results[i], workspace.data() + function.results[i].offset,
                  function.results[i].bytes);
  });
}
