// A model as plain data: what importers write and exporters read.
//
//   Graph graph("net", {1, 28, 28});
//   size_t w = unwrap(graph.parameter("fc.weight", {10, 784}, values));
//   size_t x = unwrap(graph.add("ai.flatten", {Graph::kInput}));
//   unwrap(graph.add("ai.linear", {x, w})); // the last operator gives the output

#ifndef AI_FRONTEND_GRAPH_H
#define AI_FRONTEND_GRAPH_H

#include "ai/Frontend/Network.h"
#include <map>

namespace ai {

/// What an op is told: a flag, a number or a list.
using AttributeValue = std::variant<bool, int64_t, double, std::vector<int64_t>>;

/// An op of the dialect with one result, f32. Its operands are positions of operators before it.
struct Operator {
  std::string op; ///< ai.conv2d, ...; empty: the input, which is the first one
  std::vector<size_t> operands;
  std::map<std::string, AttributeValue> attributes;
  std::vector<int64_t> shape; ///< of the result; -1: the batch
  std::string name;           ///< of a parameter; else what the printed IR calls the result
  Floats values;              ///< of a constant, of a parameter; null: will be drawn
  Place place;
};

/// A network made of operators. Each is checked when it is added, so that an importer knows all
/// shapes; one that is refused is not added.
class Graph : public Network {
public:
  static constexpr size_t kInput = 0;

  Graph(llvm::StringRef name, llvm::ArrayRef<int64_t> sampleShape);
  ~Graph() override;

  /// What is added from now on comes from there.
  void at(const Place &place);
  /// All return the position of the new operator. `values` must be as many as `shape` says; those
  /// of parameters are read when a network is first compiled.
  llvm::Expected<size_t> parameter(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                                   Floats values);
  llvm::Expected<size_t> constant(llvm::ArrayRef<int64_t> shape, Floats values);
  llvm::Expected<size_t> add(llvm::StringRef op, llvm::ArrayRef<size_t> operands,
                             std::map<std::string, AttributeValue> attributes = {},
                             llvm::StringRef label = "");

  llvm::ArrayRef<Operator> getOperators() const { return operators; }

  mlir::Value apply(ModelBuilder &model, mlir::Value input) override;

private:
  struct Checker;

  llvm::Expected<size_t> append(Operator op);
  mlir::Value write(ModelBuilder &model, const Operator &op, llvm::ArrayRef<mlir::Value> values);

  std::vector<Operator> operators;
  Place current;
  std::unique_ptr<Checker> checker;
};

/// The operators of a model: those of its body, and at last ai.return.
llvm::Expected<std::vector<Operator>> listOperators(ModelOp model);

} // namespace ai

#endif // AI_FRONTEND_GRAPH_H
