// The artefacts `--emit=dot` and `--emit=svg`.

#ifndef AI_LIB_DRIVER_GRAPH_H
#define AI_LIB_DRIVER_GRAPH_H

#include "mlir/IR/BuiltinOps.h"
#include <memory>

namespace ai {

/// The operations of a module as a graph: a node says what an operation is, which layer or gradient
/// it belongs to, and the types of its results; an edge is a value.
struct StageGraph {
  enum class Kind {
    Value,     ///< A parameter, an argument.
    Operation, ///< An operation of the model.
    Gradient,  ///< One that computes a gradient.
    Frame,     ///< Begins or ends a region.
  };
  struct Edge {
    int64_t from;
    std::string type; ///< Empty: a region begins, no value flows.
  };
  struct Node {
    llvm::SmallVector<std::string, 3> lines;
    Kind kind;
    std::vector<Edge> operands;
  };
  /// A region: what lies in it, in order.
  struct Cluster {
    struct Item {
      int64_t node = -1;
      std::unique_ptr<Cluster> cluster; ///< Instead of a node.
    };
    std::string title;
    std::vector<Item> items;
  };

  std::string name;
  std::vector<Node> nodes;
  std::vector<std::unique_ptr<Cluster>> functions;
};

StageGraph makeGraph(mlir::ModuleOp module);

/// The name of a parameter, an input or a setting; empty for other values.
llvm::StringRef nameOf(mlir::Value value);

/// What an operation belongs to: what its location names, or the layer whose parameters it takes.
std::string ownerOf(mlir::Operation *op);

/// The operations of the model that is trained, as AIEmitProgramPass takes them: in scopes, which
/// are the layers. None without a model, or if one has errors, which a compilation will tell.
std::vector<std::string> listNodes(mlir::ModuleOp module);

/// Prints in Graphviz's language.
void printDot(const StageGraph &graph, llvm::raw_ostream &os);

/// Draws, each function below the one before it.
void printSVG(const StageGraph &graph, llvm::raw_ostream &os);

} // namespace ai

#endif // AI_LIB_DRIVER_GRAPH_H
