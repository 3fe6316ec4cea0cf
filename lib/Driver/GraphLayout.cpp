#include "lib/Driver/GraphLayout.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace ai;

static constexpr double kGapX = 22, kGapY = 58, kInvisible = 10;
static constexpr int kSweeps = 12;

int LayeredLayout::addNode(double width, double height, int group) {
  nodes.push_back({width, height, group});
  return nodes.size() - 1;
}

/// As high as can be, but for what has no operands: that lies right above its first reader.
void LayeredLayout::findLayers() {
  std::vector<int> first(nodes.size(), -1);
  std::vector<bool> hasOperands(nodes.size());
  // Edges are sorted by their ends, and nodes come behind their operands.
  for (const Edge &edge : edges) {
    hasOperands[edge.to] = hasOperands[edge.to] || edge.operand >= 0;
    nodes[edge.to].layer = std::max(nodes[edge.to].layer, nodes[edge.from].layer + 1);
  }
  for (const Edge &edge : edges) {
    int above = nodes[edge.to].layer - 1;
    first[edge.from] = first[edge.from] < 0 ? above : std::min(first[edge.from], above);
  }
  int top = nodes.empty() ? 0 : INT32_MAX, bottom = 0;
  for (auto [i, node] : llvm::enumerate(nodes)) {
    if (!hasOperands[i] && first[i] >= 0)
      node.layer = first[i];
    top = std::min(top, node.layer);
    bottom = std::max(bottom, node.layer);
  }
  layers.resize(bottom - top + 1);
  for (auto [i, node] : llvm::enumerate(nodes))
    layers[node.layer -= top].push_back(i);
}

void LayeredLayout::splitEdges() {
  for (Edge &edge : edges) {
    if (edge.operand < 0)
      continue;
    int group = nodes[edge.from].group == nodes[edge.to].group ? nodes[edge.to].group : -1;
    int last = edge.from;
    for (int layer = nodes[edge.from].layer + 1; layer < nodes[edge.to].layer; ++layer) {
      int node = addNode(kInvisible, 0, group);
      nodes[node].layer = layer;
      layers[layer].push_back(node);
      edge.path.push_back(node);
    }
    above.resize(nodes.size());
    below.resize(nodes.size());
    auto join = [&](int next) {
      below[last].push_back(next);
      above[next].push_back(last);
      last = next;
    };
    llvm::for_each(edge.path, join);
    join(edge.to);
  }
  above.resize(nodes.size());
  below.resize(nodes.size());
}

double LayeredLayout::meanOf(const std::vector<int> &neighbours, double own, bool byOrder) const {
  double sum = 0;
  for (int neighbour : neighbours)
    sum += byOrder ? order[neighbour] : nodes[neighbour].x;
  return neighbours.empty() ? own : sum / double(neighbours.size());
}

/// Nodes of groups come first, then, sweep by sweep, near what they are joined with.
void LayeredLayout::orderLayers() {
  order.resize(nodes.size());
  auto number = [&](const std::vector<int> &layer) {
    for (auto [i, node] : llvm::enumerate(layer))
      order[node] = double(i) / double(layer.size());
  };
  llvm::for_each(layers, number);
  std::vector<double> wanted(nodes.size());
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    bool isDown = sweep % 2 == 0;
    for (size_t i = 0; i < layers.size(); ++i) {
      std::vector<int> &layer = layers[isDown ? i : layers.size() - 1 - i];
      for (int node : layer)
        wanted[node] = meanOf(isDown ? above[node] : below[node], order[node], /*byOrder=*/true);
      llvm::sort(layer, [&](int a, int b) {
        auto key = [&](int node) {
          return std::make_tuple(unsigned(nodes[node].group), wanted[node], order[node]);
        };
        return key(a) < key(b);
      });
      number(layer);
    }
  }
}

/// Least squares under the constraint of an order: neighbours that want to change places become a
/// block, which goes to the mean of what its members want.
void LayeredLayout::settle(llvm::ArrayRef<int> layer, std::vector<double> wanted, double left) {
  struct Block {
    double sum, count, extent; // of wanted places of its first node, and how far it reaches
    double at() const { return sum / count; }
  };
  std::vector<Block> blocks;
  std::vector<double> shifts; // from the first node of its block
  std::vector<size_t> ends;
  for (auto [i, node] : llvm::enumerate(layer)) {
    double step = i ? (nodes[layer[i - 1]].width + nodes[node].width) / 2 + kGapX : 0;
    blocks.push_back({wanted[i], 1, 0});
    ends.push_back(i + 1);
    shifts.push_back(step);
    while (blocks.size() > 1) {
      Block &before = blocks[blocks.size() - 2], &last = blocks.back();
      size_t begin = ends[ends.size() - 2];
      double distance = before.extent + shifts[begin];
      if (before.at() + distance <= last.at())
        break;
      before.sum += last.sum - last.count * distance;
      before.count += last.count;
      before.extent = distance + last.extent;
      blocks.pop_back();
      ends.erase(ends.end() - 2);
    }
  }
  size_t next = 0;
  double limit = left;
  for (auto [block, end] : llvm::zip(blocks, ends)) {
    double x = std::max(block.at(), limit + nodes[layer[next]].width / 2);
    for (bool isFirst = true; next < end; ++next, isFirst = false) {
      x += isFirst ? 0 : shifts[next];
      nodes[layer[next]].x = x;
    }
    limit = x + nodes[layer[end - 1]].width / 2 + kGapX;
  }
}

/// Nodes of a group, or, behind the last group, those of none.
void LayeredLayout::placeGroup(int group, int numGroups) {
  bool isRest = group == numGroups;
  std::vector<std::vector<int>> own(layers.size());
  double left = 0;
  for (auto [i, layer] : llvm::enumerate(layers)) {
    for (int node : layer)
      if (nodes[node].group == (isRest ? -1 : group))
        own[i].push_back(node);
    if (!own[i].empty() && !isRest)
      left = std::max(left, right[i]);
  }
  for (int sweep = 0; sweep <= kSweeps; ++sweep)
    for (size_t i = 0; i < own.size(); ++i) {
      size_t at = sweep % 2 == 0 ? i : own.size() - 1 - i;
      std::vector<double> wanted;
      for (int node : own[at])
        wanted.push_back(meanOf(sweep % 2 == 0 ? above[node] : below[node], nodes[node].x, false));
      settle(own[at], wanted, isRest ? right[at] : left);
    }
  size_t top = layers.size(), bottom = 0;
  double end = 0;
  for (auto [i, layer] : llvm::enumerate(own)) {
    if (layer.empty())
      continue;
    top = std::min(top, i);
    bottom = i;
    end = std::max(end, nodes[layer.back()].x + nodes[layer.back()].width / 2);
  }
  for (size_t i = top; i <= bottom && i < layers.size() && !isRest; ++i)
    right[i] = std::max(right[i], end + 3 * kGapX);
  width = std::max(width, end);
}

void LayeredLayout::run() {
  llvm::sort(edges, [](const Edge &a, const Edge &b) {
    return std::tie(a.to, a.operand, a.from) < std::tie(b.to, b.operand, b.from);
  });
  findLayers();
  splitEdges();
  orderLayers();
  right.assign(layers.size(), 0);
  int numGroups = 0;
  for (const Node &node : nodes)
    numGroups = std::max(numGroups, node.group + 1);
  for (int group = 0; group <= numGroups; ++group)
    placeGroup(group, numGroups);
  for (const std::vector<int> &layer : layers) {
    double most = 0;
    for (int node : layer)
      most = std::max(most, nodes[node].height);
    for (int node : layer)
      nodes[node].y = height;
    layerHeights.push_back(most);
    height += most + kGapY;
  }
  height = std::max(0.0, height - kGapY);
}
