//===- GraphMessage.cpp - a model's graph for TensorBoard -----------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphMessage.h"

#include "Messages.h"

#include <sstream>

using namespace ai::rt;

enum NodeField { kName = 1, kOp = 2, kInput = 3, kAttribute = 5 };

/// An `AttrValue` that is a list of one shape: what an edge is labelled with.
static std::string shapesMessage(const ai_rt_node_t &node) {
  std::string shape, list, value;
  for (int64_t i = 0; i < node.rank; ++i) {
    std::string extent;
    addInteger(extent, /*size=*/1, node.shape[i]);
    addBytes(shape, /*dim=*/2, extent);
  }
  addBytes(list, /*shape=*/7, shape);
  addBytes(value, /*list=*/1, list);
  return value;
}

static std::string nodeMessage(const ai_rt_node_t &node) {
  std::string message, entry, input;
  addBytes(message, kName, node.name);
  addBytes(message, kOp, node.op);
  std::istringstream inputs(node.inputs);
  while (inputs >> input)
    addBytes(message, kInput, input);
  addBytes(entry, /*key=*/1, "_output_shapes");
  addBytes(entry, /*value=*/2, shapesMessage(node));
  addBytes(message, kAttribute, entry);
  return message;
}

std::string ai::rt::graphMessage(const ai_rt_program_t &program) {
  std::string graph, versions;
  for (int64_t i = 0; i < program.num_nodes; ++i)
    addBytes(graph, /*node=*/1, nodeMessage(program.nodes[i]));
  addInteger(versions, /*producer=*/1, 1);
  addBytes(graph, /*versions=*/4, versions);
  return graph;
}
