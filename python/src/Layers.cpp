// Layers as classes, tensors that are being traced, and functions of them.

#include "Bindings.h"
#include <nanobind/operators.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

using namespace aic;
using namespace nb::literals;

//===----------------------------------------------------------------------===//
// Traces
//===----------------------------------------------------------------------===//

static thread_local std::shared_ptr<Trace> currentTrace;

Tracing::Tracing(ai::ModelBuilder &model)
    : isOutermost(!currentTrace || currentTrace->builder != &model) {
  if (isOutermost)
    currentTrace = std::make_shared<Trace>(Trace{&model});
  trace = currentTrace;
}

Tracing::~Tracing() {
  if (!isOutermost)
    return;
  trace->builder = nullptr;
  currentTrace.reset();
}

ai::ModelBuilder &Tensor::builder() const {
  if (!trace->builder)
    throw std::runtime_error("expects a tensor of the forward that is running, got one of a model "
                             "that is complete");
  trace->builder->at(callerPlace());
  return *trace->builder;
}

Tensor Tensor::wrap(mlir::Value result) const {
  if (!result)
    raise(trace->builder->takeError());
  return {trace, result};
}

/// A number or a tensor as an operand beside `self`.
static mlir::Value operandOf(const Tensor &self, const std::variant<double, Tensor> &other) {
  if (const double *number = std::get_if<double>(&other))
    return self.builder().constant(*number);
  const Tensor &tensor = std::get<Tensor>(other);
  if (tensor.trace != self.trace)
    throw std::runtime_error("expects two tensors of one model");
  return tensor.value;
}

//===----------------------------------------------------------------------===//
// Pairs
//===----------------------------------------------------------------------===//

/// (vertical, horizontal), or one number for both.
using IntOrPair = std::variant<int64_t, ai::Pair>;

static ai::Pair pair(const IntOrPair &value) {
  if (const int64_t *number = std::get_if<int64_t>(&value))
    return {*number, *number};
  return std::get<ai::Pair>(value);
}

static std::optional<ai::Pair> pair(const std::optional<IntOrPair> &value) {
  return value ? std::optional(pair(*value)) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// Constructs a layer in place and notes who did.
template <typename Layer, typename... Args>
static void construct(Layer *self, const std::string &name, Args &&...args) {
  new (self) Layer(std::forward<Args>(args)...);
  self->name = name;
  self->place = callerPlace();
}

/// Layers that are one function, as classes.
template <int> struct NamedFunction : ai::Function {
  using Function::Function;
};

template <int Number>
static void bindFunctionLayer(nb::module_ &m, const char *name, const char *op, const char *doc) {
  using Layer = NamedFunction<Number>;
  nb::class_<Layer, ai::Layer>(m, name, doc).def("__init__", [op](Layer *self) {
    construct(self, "", op);
  });
}

template <typename Layer> static void bindPool(nb::module_ &m, const char *name, const char *doc) {
  nb::class_<Layer, ai::Layer>(m, name, doc)
      .def(
          "__init__",
          [](Layer *self, IntOrPair kernel, std::optional<IntOrPair> stride, IntOrPair padding) {
            construct(self, "", pair(kernel), pair(stride), pair(padding));
          },
          "kernel_size"_a, "stride"_a = nb::none(), "padding"_a = 0);
}

void aic::bindLayers(nb::module_ &m) {
  nb::class_<Tensor>(m, "Tensor",
                     "A value of a model, in `forward`; it has a type and no elements.")
      .def_prop_ro(
          "shape",
          [](const Tensor &self) {
            auto type = mlir::cast<mlir::RankedTensorType>(self.value.getType());
            nb::list shape;
            for (int64_t extent : type.getShape())
              shape.append(mlir::ShapedType::isDynamic(extent) ? nb::none() : nb::cast(extent));
            return nb::tuple(shape);
          },
          "The extents; None stands for the batch.");

  nb::class_<ai::Layer>(m, "Layer", "What a model is made of.")
      .def_rw("name", &ai::Layer::name,
              "Its parameters are called NAME.weight and NAME.bias; empty: conv1, conv2, fc1, ...")
      .def(
          "__call__",
          [](ai::Layer &self, const Tensor &x) {
            ai::ModelBuilder &builder = x.builder();
            return x.wrap(self.apply(builder, x.value));
          },
          "x"_a, "Applies the layer, in `forward`. Twice: with the same parameters.");

  nb::class_<ai::Conv2d, ai::Layer>(
      m, "Conv2d",
      "Two-dimensional convolution, [N,C,H,W] -> [N,out_channels,...]. Sizes are numbers or pairs\n"
      "(vertical, horizontal). Parameters start uniform in +-1/sqrt(C * kernel), as PyTorch's.")
      .def(
          "__init__",
          [](ai::Conv2d *self, int64_t channels, IntOrPair kernel, IntOrPair stride,
             IntOrPair padding, IntOrPair dilation, bool bias, std::string name) {
            construct(self, name, channels, pair(kernel), pair(stride), pair(padding),
                      pair(dilation), bias);
          },
          "out_channels"_a, "kernel_size"_a, "stride"_a = 1, "padding"_a = 0, "dilation"_a = 1,
          "bias"_a = true, "name"_a = "");
  nb::class_<ai::Linear, ai::Layer>(
      m, "Linear",
      "Fully connected layer, [N,features] -> [N,out_features]. Parameters start uniform in\n"
      "+-1/sqrt(features), as PyTorch's.")
      .def(
          "__init__",
          [](ai::Linear *self, int64_t features, bool bias, std::string name) {
            construct(self, name, features, bias);
          },
          "out_features"_a, "bias"_a = true, "name"_a = "");
  bindPool<ai::MaxPool2d>(m, "MaxPool2d", "Largest element of each window.");
  bindPool<ai::AvgPool2d>(m, "AvgPool2d", "Mean of each window; padding counts as 0.");
  nb::class_<ai::Dropout, ai::Layer>(
      m, "Dropout", "In training each element is 0 with probability `rate`, else x / (1 - rate).")
      .def(
          "__init__", [](ai::Dropout *self, double rate) { construct(self, "", rate); },
          "rate"_a = 0.5);
  bindFunctionLayer<0>(m, "ReLU", "ai.relu", "max(x, 0)");
  bindFunctionLayer<1>(m, "Tanh", "ai.tanh", "tanh(x)");
  bindFunctionLayer<2>(m, "Sigmoid", "ai.sigmoid", "1 / (1 + exp(-x))");
  bindFunctionLayer<3>(m, "Flatten", "ai.flatten", "[N,a,b,...] -> [N,a*b*...]");
  bindFunctionLayer<4>(m, "Softmax", "ai.softmax", "exp(x) / sum exp(x), over dimension 1");
  bindFunctionLayer<5>(m, "LogSoftmax", "ai.log_softmax", "log(softmax(x)), over dimension 1");
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static Tensor apply(const Tensor &x, const char *op) {
  return x.wrap(x.builder().create(op, x.value));
}

using Operand = std::variant<double, Tensor>;

/// `self op other`, or `other op self`.
static Tensor apply(const Tensor &self, const Operand &other, const char *op, bool reflected) {
  ai::ModelBuilder &builder = self.builder();
  mlir::Value operand = operandOf(self, other);
  mlir::Value lhs = reflected ? operand : self.value, rhs = reflected ? self.value : operand;
  return self.wrap(builder.create(op, {lhs, rhs}));
}

/// A layer that lives for one call.
template <typename Layer> static Tensor applyLayer(const Tensor &x, Layer layer) {
  return x.wrap(layer.apply(x.builder(), x.value));
}

static Tensor reduce(const Tensor &x, const char *op, const std::vector<int64_t> &dims,
                     bool keepdims) {
  mlir::OpBuilder &b = x.builder().builder();
  std::vector<mlir::NamedAttribute> attributes{
      b.getNamedAttr("dims", b.getDenseI64ArrayAttr(dims))};
  if (keepdims)
    attributes.push_back(b.getNamedAttr("keepdims", b.getUnitAttr()));
  return x.wrap(x.builder().create(op, x.value, attributes));
}

static Tensor withList(const Tensor &x, const char *op, const char *name,
                       const std::vector<int64_t> &list) {
  mlir::OpBuilder &b = x.builder().builder();
  return x.wrap(
      x.builder().create(op, x.value, b.getNamedAttr(name, b.getDenseI64ArrayAttr(list))));
}

static Tensor alongDim(const Tensor &x, const char *op, int64_t dim) {
  mlir::OpBuilder &b = x.builder().builder();
  return x.wrap(x.builder().create(op, x.value, b.getNamedAttr("dim", b.getI64IntegerAttr(dim))));
}

static void bindOperators(nb::module_ &m) {
  nb::object tensor = m.attr("Tensor");
  auto bind = [&](const char *name, const char *op, bool reflected) {
    tensor.attr(name) = nb::cpp_function(
        [op, reflected](const Tensor &self, const Operand &other) {
          return apply(self, other, op, reflected);
        },
        nb::scope(tensor), nb::name(name), nb::is_method(), nb::is_operator(), "other"_a);
  };
  bind("__add__", "ai.add", false);
  bind("__radd__", "ai.add", true);
  bind("__sub__", "ai.sub", false);
  bind("__rsub__", "ai.sub", true);
  bind("__mul__", "ai.mul", false);
  bind("__rmul__", "ai.mul", true);
  bind("__truediv__", "ai.div", false);
  bind("__rtruediv__", "ai.div", true);
  bind("__pow__", "ai.power", false);
  bind("__rpow__", "ai.power", true);
  bind("__matmul__", "ai.matmul", false);
  tensor.attr("__neg__") =
      nb::cpp_function([](const Tensor &self) { return apply(self, "ai.neg"); }, nb::scope(tensor),
                       nb::name("__neg__"), nb::is_method());
}

template <typename Pool> static void definePool(nb::module_ &m, const char *name, const char *doc) {
  m.def(
      name,
      [](const Tensor &x, IntOrPair kernel, std::optional<IntOrPair> stride, IntOrPair padding) {
        return applyLayer(x, Pool(pair(kernel), pair(stride), pair(padding)));
      },
      "x"_a, "kernel_size"_a, "stride"_a = nb::none(), "padding"_a = 0, doc);
}

void aic::bindFunctions(nb::module_ &m) {
  bindOperators(m);
  static constexpr struct {
    const char *name, *op, *doc;
  } unary[] = {{"relu", "ai.relu", "max(x, 0)"},
               {"tanh", "ai.tanh", "tanh(x)"},
               {"sigmoid", "ai.sigmoid", "1 / (1 + exp(-x))"},
               {"exp", "ai.exp", "e^x"},
               {"log", "ai.log", "Natural logarithm of x."},
               {"sqrt", "ai.sqrt", "Square root of x."},
               {"sin", "ai.sin", "Sine of x, in radians."},
               {"cos", "ai.cos", "Cosine of x, in radians."},
               {"flatten", "ai.flatten", "[N,a,b,...] -> [N,a*b*...]"}};
  for (const auto &function : unary)
    m.def(
        function.name, [op = function.op](const Tensor &x) { return apply(x, op); }, "x"_a,
        function.doc);
  m.def(
      "maximum", [](const Tensor &x, const Operand &y) { return apply(x, y, "ai.max", false); },
      "x"_a, "y"_a, "The larger of two numbers, element by element.");
  m.def(
      "minimum", [](const Tensor &x, const Operand &y) { return apply(x, y, "ai.min", false); },
      "x"_a, "y"_a, "The smaller of two numbers, element by element.");
  m.def(
      "softmax", [](const Tensor &x, int64_t dim) { return alongDim(x, "ai.softmax", dim); }, "x"_a,
      "dim"_a = 1, "exp(x) / sum exp(x), the sum over `dim`");
  m.def(
      "log_softmax",
      [](const Tensor &x, int64_t dim) { return alongDim(x, "ai.log_softmax", dim); }, "x"_a,
      "dim"_a = 1, "log(softmax(x))");
  definePool<ai::MaxPool2d>(m, "max_pool2d", "Largest element of each window.");
  definePool<ai::AvgPool2d>(m, "avg_pool2d", "Mean of each window; padding counts as 0.");
  m.def(
      "dropout", [](const Tensor &x, double rate) { return applyLayer(x, ai::Dropout(rate)); },
      "x"_a, "rate"_a = 0.5,
      "In training each element is 0 with probability `rate`, else x / (1 - rate).");
  m.def(
      "reshape",
      [](const Tensor &x, const std::vector<int64_t> &shape) {
        return withList(x, "ai.reshape", "shape", shape);
      },
      "x"_a, "shape"_a, "The same elements in another shape; its first entry, the batch, is -1.");
  m.def(
      "transpose",
      [](const Tensor &x, const std::vector<int64_t> &permutation) {
        return withList(x, "ai.transpose", "permutation", permutation);
      },
      "x"_a, "permutation"_a, "The dimensions in another order, as numpy.transpose.");
  static constexpr struct {
    const char *name, *op, *doc;
  } reductions[] = {{"sum", "ai.reduce_sum", "Sum over `dims`, in ascending order."},
                    {"mean", "ai.reduce_mean", "Mean over `dims`, in ascending order."},
                    {"amax", "ai.reduce_max", "Largest element over `dims`, in ascending order."}};
  for (const auto &function : reductions)
    m.def(
        function.name,
        [op = function.op](const Tensor &x, const std::vector<int64_t> &dims, bool keepdims) {
          return reduce(x, op, dims, keepdims);
        },
        "x"_a, "dims"_a, "keepdims"_a = false, function.doc);
}
