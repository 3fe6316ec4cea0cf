// Sequential and Module: models that are trained and used.

#include "Bindings.h"
#include "ai/Frontend/Graph.h"
#include "llvm/Support/FormatVariadic.h"
#include <dlfcn.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>
#include <nanobind/trampoline.h>

using namespace aic;
using namespace nb::literals;

//===----------------------------------------------------------------------===//
// Models with a `forward`
//===----------------------------------------------------------------------===//

namespace {
/// A class written in Python. `path` begins the names of its layers, which are otherwise called
/// like the attributes that hold them.
class Module : public ai::Network {
public:
  NB_TRAMPOLINE(ai::Network);

  mlir::Value apply(ai::ModelBuilder &model, mlir::Value input) override;

private:
  void nameLayers(nb::handle self);

  std::string path;
};
} // namespace

void Module::nameLayers(nb::handle self) {
  for (auto [key, value] : nb::cast<nb::dict>(self.attr("__dict__"))) {
    if (!nb::isinstance<ai::Layer>(value))
      continue;
    auto &layer = nb::cast<ai::Layer &>(value);
    std::string name = path + nb::cast<std::string>(key);
    if (auto *module = dynamic_cast<Module *>(&layer))
      module->path = name + ".";
    else if (layer.name.empty())
      layer.name = name;
  }
}

/// Called by code that is compiled without exceptions: Python's stay where Python keeps them.
mlir::Value Module::apply(ai::ModelBuilder &model, mlir::Value input) {
  if (!input)
    return {};
  nb::gil_scoped_acquire gil;
  try {
    Tracing tracing(model);
    nb::object self = nb::borrow(nb_trampoline.base());
    nameLayers(self);
    nb::object result = self.attr("forward")(Tensor{tracing.trace, input});
    if (!nb::isinstance<Tensor>(result))
      throw nb::type_error(("expects forward to return a Tensor, got " +
                            nb::cast<std::string>(nb::str(result.type().attr("__name__"))))
                               .c_str());
    auto tensor = nb::cast<Tensor>(result);
    if (tensor.trace != tracing.trace)
      throw nb::value_error("expects forward to return a tensor of this model");
    return tensor.value;
  } catch (nb::python_error &error) {
    error.restore();
  } catch (const nb::builtin_exception &error) {
    bool isType = error.type() == nb::exception_type::type_error;
    PyErr_SetString(isType ? PyExc_TypeError : PyExc_ValueError, error.what());
  } catch (const std::exception &error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Work without the GIL
//===----------------------------------------------------------------------===//

/// Asks Python for signals; true if one raised an exception.
static bool hasSignal() {
  nb::gil_scoped_acquire gil;
  return PyErr_Occurred() || PyErr_CheckSignals() != 0;
}

static void printEpoch(const ai::Epoch &epoch, int64_t last) {
  nb::gil_scoped_acquire gil;
  try {
    nb::print(
        ("Epoch " + std::to_string(epoch.number) + "/" + std::to_string(last) + "  " + epoch.text())
            .c_str());
  } catch (nb::python_error &error) { // whoever reads it is gone: the next question ends the fit
    error.restore();
  }
}

/// Calls a method of a network with the GIL released.
template <typename Call> static auto run(Call call) {
  nb::gil_scoped_release release;
  return call();
}

/// The folder of the runtime that native programs are linked with: lib, beside this module.
static std::string runtimeFolder() {
  Dl_info info;
  dladdr(reinterpret_cast<void *>(&runtimeFolder), &info);
  std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1) + "lib";
}

void aic::initialize(ai::Network &network, const std::vector<int64_t> &inputShape,
                     const std::string &name) {
  network.inputShape = inputShape;
  network.name = name;
  network.place = callerPlace();
  network.interrupted = hasSignal;
  network.options.runtime = runtimeFolder();
}

//===----------------------------------------------------------------------===//
// Methods
//===----------------------------------------------------------------------===//

namespace {
/// Sums over samples as Python sees them.
struct Metrics {
  double loss() const { return sums.loss / double(std::max<int64_t>(sums.count, 1)); }
  std::optional<double> accuracy() const {
    if (!isClassifier)
      return std::nullopt;
    return double(sums.correct) / double(std::max<int64_t>(sums.count, 1));
  }

  ai_rt_metrics_t sums;
  bool isClassifier;
};
} // namespace

static std::vector<ai::Epoch> fit(ai::Network &self, nb::object train, nb::object test,
                                  std::optional<std::string> loss,
                                  std::optional<ai::Optimizer> optimizer,
                                  std::optional<int64_t> batch, std::optional<int64_t> epochs,
                                  bool verbose, bool checkNaN,
                                  const std::optional<std::string> &log,
                                  const std::optional<std::string> &trace, bool gradients) {
  ai::Recipe recipe = self.recipe;
  recipe.loss = loss.value_or(recipe.loss);
  recipe.optimizer = optimizer.value_or(recipe.optimizer);
  recipe.batch = batch.value_or(recipe.batch);
  recipe.epochs = epochs.value_or(recipe.epochs);
  Data trainData(train, recipe);
  std::optional<Data> testData;
  if (!test.is_none())
    testData.emplace(test, recipe);
  int64_t last = recipe.epochs;
  if (auto model = self.getModel())
    last += ai_rt_model_progress(model.get()).epoch;
  auto print = [&](const ai::Epoch &epoch) {
    if (verbose)
      printEpoch(epoch, last);
  };
  ai::Watching watching{checkNaN, gradients, log.value_or(""), trace.value_or("")};
  return unwrap(run([&] {
    return self.fit(recipe, trainData.view, testData ? &testData->view : nullptr, print, watching);
  }));
}

static Metrics evaluate(ai::Network &self, nb::object data) {
  Data view(data, self.recipe);
  return {unwrap(run([&] { return self.evaluate(view.view); })), self.recipe.loss != "mse_loss"};
}

using Floats = nb::ndarray<nb::numpy, float>;

static Floats predict(ai::Network &self, nb::object images) {
  Array inputs;
  viewInputs(images, inputs);
  std::unique_ptr<float[]> outputs;
  std::vector<size_t> shape;
  raise(run([&] {
    return self.predict({inputs.view, {}}, [&](llvm::ArrayRef<int64_t> extents) {
      shape.assign(extents.begin(), extents.end());
      size_t elements = 1;
      for (size_t extent : shape)
        elements *= extent;
      outputs.reset(new float[elements]);
      return outputs.get();
    });
  }));
  float *data = outputs.get();
  nb::capsule owner(outputs.release(), [](void *p) noexcept { delete[] static_cast<float *>(p); });
  return Floats(data, shape.size(), shape.data(), owner);
}

static std::map<std::string, Floats> parameters(ai::Network &self) {
  std::map<std::string, Floats> result;
  if (!self.inputShape.empty() && !self.getModel())
    raise(run([&] { return self.prepare(); }));
  std::shared_ptr<ai_rt_model_t> model = self.getModel();
  for (int64_t i = 0; model && i < ai_rt_model_num_tensors(model.get()); ++i) {
    const ai_rt_tensor_info_t *info = ai_rt_model_tensor_info(model.get(), i);
    if (info->role != AI_RT_PARAMETER)
      continue;
    std::vector<size_t> shape(info->shape, info->shape + info->rank);
    nb::capsule owner(new std::shared_ptr<ai_rt_model_t>(model), [](void *p) noexcept {
      delete static_cast<std::shared_ptr<ai_rt_model_t> *>(p);
    });
    result[info->name] =
        Floats(ai_rt_model_tensor_data(model.get(), info->name), shape.size(), shape.data(), owner);
  }
  return result;
}

static std::string mlirText(ai::Network &self, const std::string &stage) {
  return unwrap(run([&] { return self.print(stage); }));
}

static void compile(ai::Network &self, const std::string &path, const std::string &emit) {
  raise(run([&] { return self.compile(path, emit); }));
}

static void report(ai::Network &self, const std::string &path, bool measure) {
  raise(run([&] { return self.report(path, measure); }));
}

/// The graph of a notebook; none before the shape of a sample is known.
static nb::object drawing(ai::Network &self) {
  if (self.inputShape.empty())
    return nb::none();
  std::string svg = unwrap(run([&] { return self.print("svg"); }));
  return nb::cast(svg.substr(svg.find("<svg")));
}

static void bindResults(nb::module_ &m) {
  nb::class_<Metrics>(m, "Metrics", "What an evaluation found.")
      .def_prop_ro("loss", &Metrics::loss, "Mean over the samples.")
      .def_prop_ro("accuracy", &Metrics::accuracy,
                   "Part of the samples whose largest score is their label's, 0 to 1; None for\n"
                   "mse_loss.")
      .def_prop_ro(
          "correct", [](const Metrics &s) { return s.sums.correct; }, "Such samples.")
      .def_prop_ro(
          "count", [](const Metrics &s) { return s.sums.count; }, "All samples.")
      .def("__repr__", [](const Metrics &s) {
        std::string accuracy =
            s.isClassifier ? llvm::formatv("accuracy={0:f4}, ", *s.accuracy()).str() : "";
        return llvm::formatv("Metrics(loss={0:f4}, {1}count={2})", s.loss(), accuracy, s.sums.count)
            .str();
      });
  nb::class_<ai::Epoch>(m, "Epoch", "One pass over the training data.")
      .def_ro("number", &ai::Epoch::number, "From 1, those of earlier trainings included.")
      .def_prop_ro(
          "train", [](const ai::Epoch &s) { return Metrics{s.train, s.isClassifier}; },
          "Over the epoch's batches, each before its update.")
      .def_prop_ro(
          "test",
          [](const ai::Epoch &s) {
            return s.hasTest ? std::optional(Metrics{s.test, s.isClassifier}) : std::nullopt;
          },
          "On the test data behind the epoch; None without any.")
      .def_ro("seconds", &ai::Epoch::seconds, "Of training, without the test.")
      .def("__repr__",
           [](const ai::Epoch &s) { return nb::str("Epoch({}: {})").format(s.number, s.text()); });
}

void aic::bindNetworks(nb::module_ &m) {
  bindResults(m);
  nb::class_<ai::Network, ai::Layer, Module>(
      m, "Module", nb::dynamic_attr(),
      "A model: subclass it, hold layers as attributes and compose them in `forward`.\n\n"
      "It is compiled when it is first needed, and again by `fit` when the recipe or the layers\n"
      "have changed; parameters are kept.")
      .def(
          "__init__",
          [](ai::Network *self, const std::vector<int64_t> &shape, const std::string &name) {
            new (self) Module();
            initialize(*self, shape, name);
          },
          "input_shape"_a = std::vector<int64_t>(), "name"_a = "model")
      .def(
          "forward",
          [](nb::handle self, const Tensor &) {
            PyErr_Format(PyExc_NotImplementedError, "expects %R to define forward(self, x)",
                         self.type().ptr());
            throw nb::python_error();
          },
          "x"_a, nb::sig("def forward(self, x: Tensor) -> Tensor"), "The output for the input `x`.")
      .def_rw("recipe", &ai::Network::recipe, "How it is trained; `fit` changes what it is given.")
      .def_rw("input_shape", &ai::Network::inputShape,
              "Of a sample, such as [1, 28, 28]; empty: that of the first data, where an image of\n"
              "two dimensions gets a channel before them.")
      .def_rw("threads", &ai::Network::threads, "0: one for each CPU that the process may use.")
      .def_prop_rw(
          "cpu",
          [](const ai::Network &s) {
            return s.options.cpus.empty() ? std::string("native") : s.options.cpus.front();
          },
          [](ai::Network &s, const std::string &cpu) { s.options.cpus = {cpu}; },
          "Processor to compile for: native, or a name that clang's -mcpu knows.")
      .def(
          "fit", &fit, "train"_a.none(), "test"_a = nb::none(), nb::kw_only(),
          "loss"_a = nb::none(), "optimizer"_a = nb::none(), "batch"_a = nb::none(),
          "epochs"_a = nb::none(), "verbose"_a = true, "check_nan"_a = false, "log"_a = nb::none(),
          "trace"_a = nb::none(), "gradients"_a = false,
          "Trains `epochs` epochs more, evaluates on `test` after each, and returns them. Data "
          "are\n"
          "an aic.data.Dataset or a pair (images, labels) of arrays, images uint8 or float32 and\n"
          "labels of integers (targets float32 for mse_loss). What is None stays as `recipe` has\n"
          "it. Ctrl-C ends it between two steps; what was learnt is kept, and the next fit\n"
          "finishes the epoch first. With check_nan, which takes longer, a NaN ends it with a\n"
          "FloatingPointError that says where it appeared first; the step's update is not made;\n"
          "`evaluate` and `predict` keep looking until the next fit. `log` is a folder of curves,\n"
          "histograms of parameters and, with `gradients`, those, the graph and misclassified\n"
          "images, which TensorBoard shows; `trace` a file for what each thread does in the first\n"
          "ten steps, which ui.perfetto.dev opens.")
      .def("evaluate", &evaluate, "data"_a.none(),
           "Mean loss and accuracy on data, as `fit` takes them.")
      .def("predict", &predict, "images"_a.none(),
           "The output of each sample, float32: class probabilities, or for mse_loss the output\n"
           "itself.")
      .def(
          "save",
          [](ai::Network &s, const std::string &path) { raise(run([&] { return s.save(path); })); },
          "path"_a, "Writes parameters, the optimizer's state and the progress (safetensors).")
      .def(
          "load",
          [](ai::Network &s, const std::string &path, bool training) {
            raise(run([&] { return s.load(path, training); }));
          },
          "path"_a, "training"_a = false,
          "Reads the parameters back; with `training` all of a checkpoint of the same recipe, so\n"
          "that the next fit goes on with the same bits.")
      .def("parameters", &parameters,
           "The parameters by name, in the model's own memory; empty as long as nothing has told\n"
           "the shape of a sample. They are not to be touched while it trains.")
      .def(
          "operators", [](ai::Network &s) { return unwrap(run([&] { return s.operators(); })); },
          "What the model is made of, in order; the last one is ai.return.")
      .def("mlir", &mlirText, "stage"_a = "",
           "The model as text: as it was built, at a stage (shaped, differentiated, fused, "
           "blocked,\n"
           "linalg, buffers, loops, llvm), or as llvm-ir, asm, dot or svg.")
      .def("report", &report, "path"_a, nb::kw_only(), "measure"_a = false,
           "Writes a page for a browser: what the compiler made of the model, line by line, what "
           "is\n"
           "slow, and why. With `measure` training steps are run, too, on random samples.")
      .def("_repr_html_", &drawing)
      .def("compile", &compile, "path"_a, "emit"_a = "exe",
           "Writes a native program that trains, evaluates and predicts without Python; "
           "emit=\"lib\"\n"
           "a shared object with its C header, \"obj\" an object file. Parameters are not part of "
           "it.");
  nb::class_<ai::Sequential, ai::Network>(m, "Sequential", nb::dynamic_attr(), nb::is_final(),
                                          "A model of layers, one after the other.")
      .def(
          "__init__",
          [](ai::Sequential *self, nb::args layers, const std::vector<int64_t> &shape,
             const std::string &name) {
            std::vector<ai::LayerPointer> pointers;
            for (nb::handle layer : layers)
              pointers.push_back(nb::cast<ai::LayerPointer>(layer));
            new (self) ai::Sequential(std::move(pointers));
            initialize(*self, shape, name);
          },
          "layers"_a, nb::kw_only(), "input_shape"_a = std::vector<int64_t>(), "name"_a = "model");
}

NB_MODULE(_aic, m) {
  m.doc() = "A deep learning compiler: models are compiled with their training step.";
  bindErrors(m);
  bindRecipes(m);
  bindLayers(m);
  bindFunctions(m);
  bindNetworks(m);
  bindGraphs(m);
  bindData(m);
}
