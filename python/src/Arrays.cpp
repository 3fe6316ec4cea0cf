// Arrays of NumPy, PyTorch and JAX, by DLPack or the buffer protocol, and the data sets of the
// runtime.

#include "Bindings.h"
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

using namespace aic;

namespace {
struct DType {
  int64_t code; // ai_rt_dtype_t
  nb::dlpack::dtype type;
  const char *name;
};
} // namespace

static constexpr auto kFloat = uint8_t(nb::dlpack::dtype_code::Float);
static constexpr auto kInt = uint8_t(nb::dlpack::dtype_code::Int);
static constexpr auto kUInt = uint8_t(nb::dlpack::dtype_code::UInt);
static const DType kDTypes[] = {
    {AI_RT_F32, {kFloat, 32, 1}, "float32"}, {AI_RT_F64, {kFloat, 64, 1}, "float64"},
    {AI_RT_I32, {kInt, 32, 1}, "int32"},     {AI_RT_I64, {kInt, 64, 1}, "int64"},
    {AI_RT_I8, {kInt, 8, 1}, "int8"},        {AI_RT_U8, {kUInt, 8, 1}, "uint8"}};

static const DType &dtypeOf(int64_t code) {
  return *llvm::find_if(kDTypes, [&](const DType &d) { return d.code == code; });
}

static std::string textOf(nb::object object) { return nb::str(object).c_str(); }

static std::string typeName(nb::handle object) { return textOf(object.type().attr("__name__")); }

static std::string dtypeName(nb::handle object) {
  return nb::hasattr(object, "dtype") ? textOf(object.attr("dtype")) : typeName(object);
}

static bool isContiguous(const nb::ndarray<nb::ro> &array) {
  int64_t expected = 1;
  for (size_t d = array.ndim(); d-- > 0;) {
    if (array.shape(d) != 1 && array.stride(d) != expected)
      return false;
    expected *= int64_t(array.shape(d));
  }
  return true;
}

[[noreturn]] static void refuseType(const std::string &text) { throw nb::type_error(text.c_str()); }
[[noreturn]] static void refuseValue(const std::string &text) {
  throw nb::value_error(text.c_str());
}

/// Lets the array itself say why it cannot be had, if it does.
[[noreturn]] static void refuseObject(nb::handle object, const std::string &what) {
  std::string text = "expects " + what +
                     " as an array of NumPy, or of anything with DLPack or a buffer, got " +
                     (nb::hasattr(object, "dtype") ? dtypeName(object) : typeName(object));
  try {
    if (nb::hasattr(object, "__dlpack__"))
      object.attr("__dlpack__")();
  } catch (nb::python_error &error) {
    nb::raise_from(error, PyExc_TypeError, "%s: %s", text.c_str(),
                   textOf(error.value().attr("args")[0]).c_str());
  }
  refuseType(text);
}

void aic::viewArray(nb::handle object, const char *what, llvm::ArrayRef<int64_t> types,
                    Array &array) {
  std::string name = what;
  if (!nb::try_cast(object, array.array))
    refuseObject(object, name);
  const auto &a = array.array;
  if (a.device_type() != nb::device::cpu::value)
    refuseValue("expects " + name + " on the CPU, got an array on " +
                textOf(object.attr("device")));
  std::string names;
  for (int64_t type : types)
    names += (names.empty() ? "" : " or ") + std::string(dtypeOf(type).name);
  auto fits = [&](int64_t type) { return a.dtype() == dtypeOf(type).type; };
  const auto *type = llvm::find_if(types, fits);
  if (type == types.end())
    refuseType("expects " + name + " of " + names + ", got " + dtypeName(object));
  if (!isContiguous(a))
    refuseValue("expects " + name +
                " contiguous in C order, got strides; copy them, as "
                "numpy.ascontiguousarray does");
  for (size_t d = 0; d < a.ndim(); ++d)
    array.shape.push_back(int64_t(a.shape(d)));
  array.view = {a.data(), *type, int64_t(a.ndim()), array.shape.data()};
}

//===----------------------------------------------------------------------===//
// Data sets
//===----------------------------------------------------------------------===//

namespace {
struct DatasetDestroyer {
  void operator()(ai_rt_dataset_t *dataset) const { ai_rt_dataset_destroy(dataset); }
};

/// Images and labels read from files.
class Dataset {
public:
  static Dataset open(std::optional<std::string> folder, const std::string &split, int64_t pad) {
    ai_rt_dataset_t *dataset = nullptr;
    check(ai_rt_dataset_open_split(folder ? folder->c_str() : nullptr, split.c_str(), &dataset));
    return Dataset(dataset, pad);
  }
  static Dataset read(const std::string &inputs, std::optional<std::string> targets, int64_t pad) {
    ai_rt_dataset_t *dataset = nullptr;
    check(ai_rt_dataset_open(inputs.c_str(), targets ? targets->c_str() : nullptr, &dataset));
    return Dataset(dataset, pad);
  }

  ai_rt_data_t data() const { return ai_rt_dataset_data(dataset.get()); }

private:
  Dataset(ai_rt_dataset_t *opened, int64_t pad) : dataset(opened) {
    check(ai_rt_dataset_pad(opened, pad));
  }
  static void check(ai_rt_status_t status) {
    if (status != AI_RT_OK)
      raise(llvm::make_error<ai::RuntimeError>(status, ai_rt_last_error()));
  }

  std::unique_ptr<ai_rt_dataset_t, DatasetDestroyer> dataset;
};
} // namespace

using Values = nb::ndarray<nb::numpy, nb::ro>;

/// An array of a data set as NumPy's, read-only, which keeps the data set alive.
static std::optional<Values> arrayOf(nb::handle owner, const ai_rt_array_t &array) {
  if (!array.data)
    return std::nullopt;
  std::vector<size_t> shape(array.shape, array.shape + array.rank);
  return Values(array.data, shape.size(), shape.data(), owner, nullptr, dtypeOf(array.dtype).type);
}

static ai_rt_data_t dataOf(nb::handle dataset) { return nb::cast<Dataset &>(dataset).data(); }

static constexpr int64_t kInputTypes[] = {AI_RT_U8, AI_RT_F32};
static constexpr int64_t kLabelTypes[] = {AI_RT_U8, AI_RT_I8, AI_RT_I32, AI_RT_I64};
static constexpr int64_t kTargetTypes[] = {AI_RT_F32};

void aic::viewInputs(nb::handle object, Array &inputs) {
  if (nb::isinstance<Dataset>(object))
    inputs.view = dataOf(object).inputs;
  else
    viewArray(object, "images", kInputTypes, inputs);
}

Data::Data(nb::handle object, const ai::Recipe &recipe) {
  if (nb::isinstance<Dataset>(object)) {
    view = dataOf(object);
    return;
  }
  if (!nb::isinstance<nb::tuple>(object) && !nb::isinstance<nb::list>(object))
    refuseType("expects a Dataset or a pair (images, labels), got " + typeName(object));
  if (nb::len(object) != 2)
    refuseValue("expects a pair (images, labels), got " + std::to_string(nb::len(object)) +
                " values");
  viewArray(object[0], "images", kInputTypes, inputs);
  if (recipe.loss == "mse_loss")
    viewArray(object[1], "targets", kTargetTypes, targets);
  else
    viewArray(object[1], "labels", kLabelTypes, targets);
  view = {inputs.view, targets.view};
}

void aic::bindData(nb::module_ &m) {
  using namespace nb::literals;
  nb::class_<Dataset>(m, "Dataset",
                      "Images and labels read from IDX files (those of MNIST), gzipped or not.")
      .def_static("open", &Dataset::open, "folder"_a.none(), "split"_a, "pad"_a = 0,
                  "Reads the files that MNIST's names give to `split`, \"train\" or \"test\", and\n"
                  "adds `pad` rows and columns of zeros on every side of an image. Folder None:\n"
                  "the system's Fashion-MNIST. OSError if a file is missing or wrong.")
      .def_static("read", &Dataset::read, "images"_a, "labels"_a = nb::none(), "pad"_a = 0,
                  "Reads two files, or images only.")
      .def("__len__", [](const Dataset &self) { return self.data().inputs.shape[0]; })
      .def_prop_ro(
          "images", [](nb::handle self) { return arrayOf(self, dataOf(self).inputs); },
          "The images, uint8 mostly, without a copy.")
      .def_prop_ro(
          "labels", [](nb::handle self) { return arrayOf(self, dataOf(self).targets); },
          "The labels, without a copy; None if there are none.");
}
