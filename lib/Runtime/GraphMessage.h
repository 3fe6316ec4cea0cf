//===- GraphMessage.h - a model's graph for TensorBoard ------- -*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GRAPHMESSAGE_H
#define AI_LIB_RUNTIME_GRAPHMESSAGE_H

#include "ai/Runtime/ai_program.h"

#include <string>

namespace ai::rt {

/// The program's nodes as the protocol buffer message `GraphDef` of TensorFlow's graph.proto.
std::string graphMessage(const ai_rt_program_t &program);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GRAPHMESSAGE_H
