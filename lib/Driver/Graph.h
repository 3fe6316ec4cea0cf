// The artefact `--emit=dot`.

#ifndef AI_LIB_DRIVER_GRAPH_H
#define AI_LIB_DRIVER_GRAPH_H

#include "mlir/IR/BuiltinOps.h"

namespace ai {

/// Prints the operations of each function as a graph in Graphviz's language: a node says what an
/// operation is, which layer or gradient it belongs to, and the types of its results; an edge is a
/// value.
void printGraph(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace ai

#endif // AI_LIB_DRIVER_GRAPH_H
