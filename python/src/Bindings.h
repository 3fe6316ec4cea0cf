// What the files of the module share.

#ifndef AIC_PYTHON_BINDINGS_H
#define AIC_PYTHON_BINDINGS_H

#include "ai/Frontend/Network.h"
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace aic {

namespace nb = nanobind;

void bindLayers(nb::module_ &m);
void bindFunctions(nb::module_ &m);
void bindData(nb::module_ &m);
void bindRecipes(nb::module_ &m);
void bindNetworks(nb::module_ &m);
void bindGraphs(nb::module_ &m);
/// The exception CompileError; first of all.
void bindErrors(nb::module_ &m);

/// What every network is told when it is constructed.
void initialize(ai::Network &network, const std::vector<int64_t> &inputShape,
                const std::string &name);

/// The line of Python that is running, outside of this package.
ai::Place callerPlace();

/// Raises what `error`, if it is one, stands for; an exception that Python has raised meanwhile,
/// such as KeyboardInterrupt, goes first.
void raise(llvm::Error error);
template <typename T> T unwrap(llvm::Expected<T> value) {
  raise(value ? llvm::Error::success() : value.takeError());
  return std::move(*value);
}

/// A model that is being written. `builder` is null once it is complete.
struct Trace {
  ai::ModelBuilder *builder;
};

/// A value of a model that is being written.
struct Tensor {
  std::shared_ptr<Trace> trace;
  mlir::Value value;

  /// The builder, located at the line of Python that is running; raises if the model is complete.
  ai::ModelBuilder &builder() const;
  /// A value made by the builder; raises its error if there is none.
  Tensor wrap(mlir::Value result) const;
};

/// Bounds the life of a trace: tensors that a model hands to Python are of no use behind its end.
class Tracing {
public:
  explicit Tracing(ai::ModelBuilder &model);
  ~Tracing();

  std::shared_ptr<Trace> trace;

private:
  bool isOutermost;
};

/// An array of Python's, seen from C++, without a copy.
struct Array {
  nb::ndarray<nb::ro> array;
  std::vector<int64_t> shape;
  ai_rt_array_t view = {};
};

/// Views `object`, called `what` in errors: TypeError unless its elements are of one of `types`,
/// ValueError unless it lies on the CPU, contiguous in C order.
void viewArray(nb::handle object, const char *what, llvm::ArrayRef<int64_t> types, Array &array);

/// Data for a network: an `aic.data.Dataset`, or a pair of arrays. What it views must outlive it.
struct Data {
  Data(nb::handle object, const ai::Recipe &recipe);
  Data(const Data &) = delete;

  Array inputs, targets;
  ai_rt_data_t view = {};
};
/// Inputs without targets.
void viewInputs(nb::handle object, Array &inputs);

} // namespace aic

#endif // AIC_PYTHON_BINDINGS_H
