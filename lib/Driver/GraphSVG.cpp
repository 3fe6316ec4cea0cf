// Draws a graph as SVG, each function a box with its title.

#include "lib/Driver/Graph.h"
#include "lib/Driver/GraphLayout.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace ai;

/// Pixels. A letter of a monospaced font is 0.6 of its size wide, in some fonts a little more.
static constexpr double kLetter = 7.4, kLine = 15, kPad = 9, kMargin = 24, kTitle = 26,
                        kSmallLine = 11;

/// Rules that stay in the drawing where it is part of a page. The colours have a contrast of more
/// than 4.5 with what they are printed on.
static constexpr StringLiteral kStyle = R"(<style>
.aic-graph text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1a1f24; text-anchor: middle }
.aic-graph text.title { font-weight: bold; font-size: 14px; text-anchor: start }
.aic-graph text.type { font-size: 9.5px; fill: #4a5560; paint-order: stroke; stroke: #fff; stroke-width: 3px; text-anchor: start }
.aic-graph rect { stroke-width: 1.2px }
.aic-graph .cluster { fill: none; stroke: #aab4be; stroke-dasharray: 5 3 }
.aic-graph .function { fill: none; stroke: #8a96a3 }
.aic-graph .value rect { fill: #e7f4e4; stroke: #4b8b3b }
.aic-graph .operation rect { fill: #e3eefb; stroke: #2f6fb3 }
.aic-graph .gradient rect { fill: #fdebd9; stroke: #b8621b }
.aic-graph .frame rect { fill: #eceff1; stroke: #75808a }
.aic-graph path { fill: none; stroke: #6b7681; stroke-width: 1.1px }
.aic-graph path.dashed { stroke-dasharray: 4 3 }
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#6b7681;stroke:none"/></marker></defs>
)";

/// XML has no place for some bytes that a name in a model file may hold.
static std::string escape(StringRef text) {
  std::string clean = llvm::json::fixUTF8(text), result;
  for (char &c : clean)
    if (static_cast<unsigned char>(c) < 0x20)
      c = '?';
  llvm::raw_string_ostream os(result);
  llvm::printHTMLEscaped(clean, os);
  return result;
}

static StringRef className(StageGraph::Kind kind) {
  switch (kind) {
  case StageGraph::Kind::Value:
    return "value";
  case StageGraph::Kind::Operation:
    return "operation";
  case StageGraph::Kind::Gradient:
    return "gradient";
  case StageGraph::Kind::Frame:
    return "frame";
  }
  llvm_unreachable("a kind");
}

namespace {
/// One function: its layout, then its drawing at an offset.
class FunctionDrawing {
public:
  FunctionDrawing(const StageGraph &graph, const StageGraph::Cluster &function)
      : graph(graph), function(function) {
    collect(function, {});
    for (auto [node, place] : places)
      for (auto [i, edge] : llvm::enumerate(graph.nodes[node].operands))
        if (auto from = places.find(edge.from); from != places.end() && from->second < place)
          layout.addEdge(from->second, place, i);
    layout.run();
    findBoxes();
  }

  double width() const { return layout.width + 2 * kMargin; }
  double height() const { return layout.height + kTitle + 2 * kMargin; }
  void draw(double y, raw_ostream &os);

private:
  struct Box {
    std::string title;
    double left = 1e9, top = 1e9, right = 0, bottom = 0;
  };

  void collect(const StageGraph::Cluster &cluster, SmallVector<int> inside);
  void addNode(int64_t node, ArrayRef<int> inside);
  void findBoxes();
  void drawNode(int64_t node, raw_ostream &os);
  void drawEdges(int64_t node, raw_ostream &os);
  void drawPath(const LayeredLayout::Edge &edge, double end, const std::string &type,
                raw_ostream &os);

  const StageGraph &graph;
  const StageGraph::Cluster &function;
  LayeredLayout layout;
  llvm::MapVector<int64_t, int> places;                        // of the graph's nodes in the layout
  DenseMap<int, SmallVector<int>> boxesOf;                     // by place, also of invisible nodes
  DenseMap<int64_t, llvm::SmallSetVector<StringRef, 2>> types; // of what leaves a node
  SmallVector<Box> boxes;                                      // regions inside of the function
};
} // namespace

static void drawType(double x, double y, StringRef type, raw_ostream &os) {
  os << llvm::formatv("<text class=\"type\" x=\"{0:f1}\" y=\"{1:f1}\">{2}</text>\n", x, y,
                      escape(type));
}

static double widthOf(const StageGraph::Node &node) {
  size_t letters = 4;
  for (const std::string &line : node.lines)
    letters = std::max(letters, line.size());
  return double(letters) * kLetter + 2 * kPad;
}

void FunctionDrawing::addNode(int64_t number, ArrayRef<int> inside) {
  const StageGraph::Node &node = graph.nodes[number];
  double height = double(node.lines.size()) * kLine + 2 * kPad;
  int place = layout.addNode(widthOf(node), height, inside.empty() ? -1 : inside.front());
  places[number] = place;
  boxesOf[place].assign(inside.begin(), inside.end());
  for (const StageGraph::Edge &edge : node.operands)
    if (!edge.type.empty())
      types[edge.from].insert(edge.type);
}

/// Boxes lie in each other; the outermost ones are the layout's groups.
void FunctionDrawing::collect(const StageGraph::Cluster &cluster, SmallVector<int> inside) {
  int64_t owner = -1;
  for (const StageGraph::Cluster::Item &item : cluster.items) {
    if (!item.cluster) {
      addNode(owner = item.node, inside);
      continue;
    }
    SmallVector<int> deeper = inside;
    deeper.push_back(int(boxes.size()));
    boxes.push_back({item.cluster->title});
    size_t first = layout.nodes.size();
    collect(*item.cluster, deeper);
    // A region begins below its operation, also where nothing flows into it.
    for (size_t i = first; i < layout.nodes.size() && owner >= 0; ++i)
      layout.addEdge(places[owner], int(i), -1);
  }
}

void FunctionDrawing::findBoxes() {
  for (const auto &[place, inside] : boxesOf) {
    const LayeredLayout::Node &node = layout.nodes[place];
    for (int i : inside) {
      double pad = kMargin - 6 * double(llvm::find(inside, i) - inside.begin());
      Box &box = boxes[i];
      box.left = std::min(box.left, node.x - node.width / 2 - pad);
      box.right = std::max(box.right, node.x + node.width / 2 + pad);
      box.top = std::min(box.top, node.y - pad);
      box.bottom = std::max(box.bottom, node.y + node.height + pad);
    }
  }
}

void FunctionDrawing::drawNode(int64_t number, raw_ostream &os) {
  const StageGraph::Node &node = graph.nodes[number];
  const LayeredLayout::Node &place = layout.nodes[places[number]];
  bool isRound = node.kind == StageGraph::Kind::Value;
  os << llvm::formatv("<g class=\"{0}\"><rect x=\"{1:f1}\" y=\"{2:f1}\" width=\"{3:f1}\" "
                      "height=\"{4:f1}\" rx=\"{5}\"/>",
                      className(node.kind), place.x - place.width / 2, place.y, place.width,
                      place.height, isRound ? 18 : 3);
  for (auto [i, line] : llvm::enumerate(node.lines))
    os << llvm::formatv("<text x=\"{0:f1}\" y=\"{1:f1}\">{2}</text>", place.x,
                        place.y + kPad + kLine * double(i) + 11, escape(line));
  os << "</g>\n";
}

/// Down through the invisible nodes, which it crosses upright.
void FunctionDrawing::drawPath(const LayeredLayout::Edge &edge, double end, const std::string &type,
                               raw_ostream &os) {
  const LayeredLayout::Node &from = layout.nodes[edge.from], &to = layout.nodes[edge.to];
  double x = from.x, y = from.y + from.height;
  os << llvm::formatv("<path{0} marker-end=\"url(#tip)\" d=\"M{1:f1} {2:f1}",
                      type.empty() ? " class=\"dashed\"" : "", x, y);
  auto curveTo = [&](double nextX, double nextY) {
    double middle = (y + nextY) / 2;
    os << llvm::formatv("C{0:f1} {1:f1} {2:f1} {1:f1} {2:f1} {3:f1}", x, middle, nextX, nextY);
    x = nextX;
    y = nextY;
  };
  for (int node : edge.path) {
    const LayeredLayout::Node &through = layout.nodes[node];
    curveTo(through.x, through.y);
    y += layout.layerHeights[through.layer];
    os << llvm::formatv("L{0:f1} {1:f1}", x, y);
  }
  curveTo(end, to.y);
  os << "\"><title>" << escape(type) << "</title></path>\n";
}

/// What a node reads, with ports from the left to the right as the edges come. A type stands where
/// its value is made, if all that leaves that node has this type, and where it is read otherwise.
void FunctionDrawing::drawEdges(int64_t number, raw_ostream &os) {
  int place = places[number];
  const LayeredLayout::Node &node = layout.nodes[place];
  SmallVector<const LayeredLayout::Edge *> edges;
  for (const LayeredLayout::Edge &edge : layout.edges)
    if (edge.to == place && edge.operand >= 0)
      edges.push_back(&edge);
  llvm::sort(edges, [&](const LayeredLayout::Edge *a, const LayeredLayout::Edge *b) {
    auto key = [&](const LayeredLayout::Edge *edge) {
      int last = edge->path.empty() ? edge->from : edge->path.back();
      return std::make_pair(layout.nodes[last].x, edge->operand);
    };
    return key(a) < key(b);
  });
  for (auto [i, edge] : llvm::enumerate(edges)) {
    double port = node.x + node.width * (double(i + 1) / double(edges.size() + 1) - 0.5);
    const StageGraph::Edge &value = graph.nodes[number].operands[edge->operand];
    drawPath(*edge, port, value.type, os);
    if (types[value.from].size() > 1)
      drawType(port + 4, node.y - 8 - kSmallLine * double(edges.size() - 1 - i), value.type, os);
  }
  if (types[number].size() == 1)
    drawType(node.x + 5, node.y + node.height + kSmallLine, types[number].front(), os);
}

void FunctionDrawing::draw(double y, raw_ostream &os) {
  os << llvm::formatv("<g transform=\"translate({0} {1:f1})\">\n"
                      "<rect class=\"function\" x=\"{2:f1}\" y=\"{3:f1}\" width=\"{4:f1}\" "
                      "height=\"{5:f1}\" rx=\"4\"/>\n"
                      "<text class=\"title\" x=\"{6:f1}\" y=\"{7:f1}\">{8}</text>\n",
                      2 * kMargin, y + kTitle + 2 * kMargin, -kMargin, -kTitle - kMargin, width(),
                      height(), -kMargin + kPad, -kTitle - kMargin + 18, escape(function.title));
  for (const Box &box : boxes)
    if (box.left < box.right)
      os << llvm::formatv("<rect class=\"cluster\" x=\"{0:f1}\" y=\"{1:f1}\" width=\"{2:f1}\" "
                          "height=\"{3:f1}\" rx=\"4\"/>\n<text class=\"title\" x=\"{4:f1}\" "
                          "y=\"{5:f1}\">{6}</text>\n",
                          box.left, box.top, box.right - box.left, box.bottom - box.top,
                          box.left + kPad, box.top + 16, escape(box.title));
  for (auto [node, place] : places)
    drawEdges(node, os);
  for (auto [node, place] : places)
    drawNode(node, os);
  os << "</g>\n";
}

void ai::printSVG(const StageGraph &graph, raw_ostream &os) {
  std::vector<std::unique_ptr<FunctionDrawing>> drawings;
  double width = 0, height = 0;
  for (const auto &function : graph.functions) {
    drawings.push_back(std::make_unique<FunctionDrawing>(graph, *function));
    width = std::max(width, drawings.back()->width());
    height += drawings.back()->height() + kMargin;
  }
  width += 2 * kMargin;
  height += kMargin;
  os << llvm::formatv(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg class=\"aic-graph\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:f0}\" "
            "height=\"{1:f0}\" viewBox=\"0 0 {0:f0} {1:f0}\">\n<title>{2}</title>\n",
            width, height, escape(graph.name))
     << kStyle << "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  double y = 0;
  for (const auto &drawing : drawings) {
    drawing->draw(y, os);
    y += drawing->height() + kMargin;
  }
  os << "</svg>\n";
}
