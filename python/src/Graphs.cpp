// Models as data: what importers write and exporters read.

#include "Bindings.h"
#include "ai/Frontend/Graph.h"
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

using namespace aic;
using namespace nb::literals;

/// An array as numbers that keep it alive, wherever their last user is done with them.
static ai::Floats viewFloats(nb::handle object, const char *what, std::vector<int64_t> &shape) {
  auto array = std::make_unique<Array>();
  viewArray(object, what, {AI_RT_F32}, *array);
  shape = array->shape;
  Array *owner = array.release();
  return ai::Floats(static_cast<const float *>(owner->view.data), [owner](const float *) {
    nb::gil_scoped_acquire gil;
    delete owner;
  });
}

static nb::object valuesOf(const ai::Operator &op) {
  if (!op.values)
    return nb::none();
  std::vector<size_t> shape(op.shape.begin(), op.shape.end());
  nb::capsule owner(new ai::Floats(op.values),
                    [](void *p) noexcept { delete static_cast<ai::Floats *>(p); });
  return nb::cast(
      nb::ndarray<nb::numpy, const float>(op.values.get(), shape.size(), shape.data(), owner));
}

void aic::bindGraphs(nb::module_ &m) {
  nb::class_<ai::Operator>(m, "Operator", "An operator of a model, as data.")
      .def_ro("op", &ai::Operator::op, "Its name in the dialect: ai.conv2d; empty for the input.")
      .def_ro("operands", &ai::Operator::operands, "Positions of operators before it.")
      .def_ro("attributes", &ai::Operator::attributes, "What it is told; defaults may be absent.")
      .def_ro("shape", &ai::Operator::shape, "Of its result; -1 stands for the batch.")
      .def_ro("name", &ai::Operator::name, "Of a parameter; else what the printed IR calls it.")
      .def_prop_ro("values", &valuesOf,
                   nb::sig("def values(self) -> "
                           "typing.Annotated[numpy.typing.NDArray[numpy.float32], "
                           "dict(writable=False)] | None"),
                   "Of a constant or a parameter; None: they will be drawn.")
      .def_prop_ro(
          "line", [](const ai::Operator &op) { return op.place.line; },
          "Of `filename`; 0: unknown.")
      .def_prop_ro(
          "filename", [](const ai::Operator &op) { return op.place.file; }, "Where it comes from.");

  nb::class_<ai::Graph, ai::Network>(
      m, "Graph", nb::dynamic_attr(), nb::is_final(),
      "A model as data: operators of the dialect, each checked when it is added. Importers write\n"
      "it. Operators are numbered from 0, the input; the last one gives the output.")
      .def(
          "__init__",
          [](ai::Graph *self, const std::vector<int64_t> &shape, const std::string &name) {
            new (self) ai::Graph(name, shape);
            initialize(*self, shape, name);
          },
          "input_shape"_a, "name"_a = "model")
      .def(
          "at",
          [](ai::Graph &self, const std::string &file, unsigned line) {
            self.at({file, line, line ? 1u : 0u});
          },
          "filename"_a, "line"_a, "What is added from now on comes from there.")
      .def(
          "parameter",
          [](ai::Graph &self, const std::string &name, nb::object array) {
            std::vector<int64_t> shape;
            ai::Floats values = viewFloats(array, "values", shape);
            return unwrap(self.parameter(name, shape, values));
          },
          "name"_a, "values"_a,
          "Adds a parameter. It is a view of `values`, float32, until a model is compiled.")
      .def(
          "constant",
          [](ai::Graph &self, nb::object array) {
            std::vector<int64_t> shape;
            ai::Floats values = viewFloats(array, "values", shape);
            return unwrap(self.constant(shape, values));
          },
          "values"_a, "Adds a constant, float32.")
      .def(
          "add",
          [](ai::Graph &self, const std::string &op, const std::vector<size_t> &operands,
             const std::map<std::string, ai::AttributeValue> &attributes,
             const std::string &label) {
            return unwrap(self.add(op, operands, attributes, label));
          },
          "op"_a, "operands"_a, "attributes"_a = nb::dict(), "label"_a = "",
          "Adds an operator of the dialect, such as ai.relu, and returns its position.")
      .def(
          "shape",
          [](const ai::Graph &self, size_t position) {
            if (position >= self.getOperators().size())
              throw nb::index_error("expects the position of an operator");
            return self.getOperators()[position].shape;
          },
          "position"_a, "Of an operator's result; -1 stands for the batch.");
}
