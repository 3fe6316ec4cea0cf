// Where the nodes and edges of a graph are drawn.

#ifndef AI_LIB_DRIVER_GRAPHLAYOUT_H
#define AI_LIB_DRIVER_GRAPHLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include <vector>

namespace ai {

/// A graph without cycles, drawn in layers, edges downwards (Sugiyama, Tagawa and Toda, "Methods
/// for visual understanding of hierarchical system structures", 1981): layers by the longest path,
/// long edges through invisible nodes, orders by barycentres, then the places that are nearest to
/// those of the neighbours. Groups of nodes, of which boxes are drawn, keep their layers to
/// themselves: what is in no group lies to the right of them there.
class LayeredLayout {
public:
  struct Node {
    double width, height;
    int group = -1;      ///< Negative: in none.
    int layer = 0;       ///< Found by `run`, as are:
    double x = 0, y = 0; ///< the middle, and the upper side.
  };
  struct Edge {
    int from, to;
    int operand;                ///< Negative: nothing is drawn, `to` only lies below `from`.
    std::vector<int> path = {}; ///< The invisible nodes that it goes through.
  };

  int addNode(double width, double height, int group);
  /// Edges begin at a node that was added before the one where they end.
  void addEdge(int from, int to, int operand) { edges.push_back({from, to, operand}); }
  void run();

  std::vector<Node> nodes; ///< Invisible ones behind those that were added.
  std::vector<Edge> edges;
  std::vector<double> layerHeights;
  double width = 0, height = 0;

private:
  void findLayers();
  void splitEdges();
  void orderLayers();
  void placeGroup(int group, int numGroups);
  /// Places the nodes of a layer near `wanted`, in their order, none to the left of `left`.
  void settle(llvm::ArrayRef<int> layer, std::vector<double> wanted, double left);
  /// The mean place of a node's neighbours above or below; its own if it has none.
  double meanOf(const std::vector<int> &neighbours, double own, bool byOrder) const;

  std::vector<std::vector<int>> layers;       // in order, from the left
  std::vector<std::vector<int>> above, below; // by node
  std::vector<double> order;                  // by node
  std::vector<double> right;                  // by layer: where the groups placed so far end
};

} // namespace ai

#endif // AI_LIB_DRIVER_GRAPHLAYOUT_H
