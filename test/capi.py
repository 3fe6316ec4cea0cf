"""The C API of include/ai/Runtime/ai_rt.h, by ctypes on what `ai-compile --emit=lib` makes.

    program = capi.compile("examples/lenet/lenet.mlir")  # or capi.Program("lenet.so")
    model = program.create(threads=2)
    loss = model.train_step(images, labels)              # NumPy arrays in and out
    value = capi.compile("autodiff.mlir").f(2.0, 5.0)    # a plain function
"""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int64, c_void_p

import numpy as np

DTYPES = [np.dtype(code) for code in ("f4", "f8", "i4", "i8", "i1", "?", "u1")]  # ai_rt_dtype_t
INPUT, TARGET, OUTPUT = 3, 4, 5  # of ai_rt_role_t
TYPES = {"text": c_char_p, "double": c_double, "code": c_void_p, "extents": POINTER(c_int64)}


class Error(RuntimeError):
    """What the compiler or the runtime refused, in its own words."""


def _struct(name, fields):
    """A table of eight-byte fields: integers, or what `field:type` says; pointers to tables."""
    pairs = (field.partition(":") for field in fields.split())
    members = [(field, TYPES.get(kind, c_int64)) for field, _, kind in pairs]
    table = type(name, (ctypes.Structure,), {"_fields_": members})
    TYPES[name] = POINTER(table)
    return table


_struct("tensor", "name:text role dtype rank shape:extents offset bytes init init_value:double lanes")
_struct("step", "name:text block_size num_slots most_samples block:code combine:code fold:code finish:code workspace_bytes slot_bytes "
        "slot_offset num_tensors tensors:tensor flops:double num_barriers gpu:code rest:code")
_struct("function", "name:text run:code workspace_bytes num_args args:tensor num_results "
        "results:tensor gpu:code staged_bytes")
_struct("program", "name:text abi_version fixed_bytes num_tensors "
        "tensors:tensor num_steps steps:step num_functions functions:function loss num_classes "
        "batch epochs seed mean:double std:double plan:text num_profile_rows profile_rows:code num_images "
        "images:code cpu:text cpus:text num_features features:code max_memory num_checks checks:code "
        "num_nodes nodes:code")
Array = _struct("array", "data:code dtype rank shape:extents")
Config = _struct("config", "threads batch seed pin")
Metrics = _struct("metrics", "loss:double correct count")  # loss and correct are sums


def _shape(info, lead=()):
    """The extents of a tensor, the first of them replaced by `lead`."""
    return (*lead, *(info.shape[len(lead):info.rank] if info.rank else ()))


def _empty(info, lead=()):
    return np.empty(_shape(info, lead), DTYPES[info.dtype])


def _fit(value, info, lead=(), dtype=None):
    """The value as a dense array of a tensor's type; extents of 1 may be absent."""
    return np.ascontiguousarray(value, dtype or DTYPES[info.dtype]).reshape(_shape(info, lead))


class Program:
    """A library made of NAME.mlir; its plain functions are attributes that take NumPy arrays."""

    def __init__(self, path, name=None):
        self.lib = ctypes.CDLL(os.path.abspath(path))
        self.lib.ai_rt_last_error.restype = c_char_p
        name = re.sub(r"\W|^(?=\d)", "_", name or pathlib.Path(path).stem)
        entry = getattr(self.lib, f"{name}_program")
        entry.restype = TYPES["program"]
        self.table = entry()
        if not self.table:  # compiled for other processors
            self.check(1)
        info = self.table.contents
        self.functions = {f.name.decode(): f for f in info.functions[:info.num_functions]}
        self.tensors = {t.name.decode(): t for t in info.tensors[:info.num_tensors]}
        self.io = {tensor.role: tensor for step in info.steps[:info.num_steps]
                   for tensor in step.tensors[:step.num_tensors]}

    def check(self, status):
        if status:
            raise Error(self.lib.ai_rt_last_error().decode())

    def __getattr__(self, name):
        if name not in self.__dict__.get("functions", {}):
            raise AttributeError(f"the program has no function '{name}'")
        return lambda *args: self._call(self.functions[name], args)

    def _call(self, function, args):
        infos = function.args[:function.num_args]
        if len(args) != len(infos):
            raise Error(f"expects {len(infos)} arguments, got {len(args)}")
        args = [_fit(*pair) for pair in zip(args, infos)]
        results = [_empty(info) for info in function.results[:function.num_results]]
        pointers = [(c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
                    for arrays in (args, results)]
        self.check(self.lib.ai_rt_call(self.table, function.name, *pointers))
        return results[0] if len(results) == 1 else tuple(results)

    def create(self, threads=0, batch=0, seed=None):
        """A model with initial parameters; zeros and None stand for the recipe's."""
        recipe = self.table.contents
        return Model(self, Config(threads, batch, recipe.seed if seed is None else seed))


class Model:
    """Parameters, optimizer state and threads of one training; `model[name]` copies."""

    def __init__(self, program, config):
        self.program, self.lib, self.handle = program, program.lib, c_void_p()
        program.check(self.lib.ai_rt_model_create(program.table, byref(config), byref(self.handle)))

    def __del__(self):
        self.lib.ai_rt_model_destroy(self.handle)

    def _run(self, name, inputs, *rest):
        """Calls ai_rt_model_<name>, or its variant for bytes; `rest` follows the inputs."""
        dtype = np.uint8 if np.asarray(inputs).dtype == np.uint8 else None
        inputs = _fit(inputs, self.program.io[INPUT], np.shape(inputs)[:1], dtype)
        function = getattr(self.lib, f"ai_rt_model_{name}_u8" if dtype else f"ai_rt_model_{name}")
        self.program.check(function(self.handle, inputs.ctypes.data_as(c_void_p), *rest))

    def _run_batch(self, name, inputs, targets, result):
        targets = _fit(targets, self.program.io[TARGET], np.shape(targets)[:1])
        if len(inputs) != len(targets):
            raise Error(f"expects as many targets as inputs, got {len(targets)} and {len(inputs)}")
        arguments = targets.ctypes.data_as(c_void_p), c_int64(len(targets)), None if result is None else byref(result)
        self._run(name, inputs, *arguments)
        return result

    def train_step(self, inputs, targets):
        return self._run_batch("train_step", inputs, targets, c_float()).value

    def train_metrics(self, inputs, targets):
        """A step like `train_step`; returns the sums over its batch."""
        self._run_batch("train_step", inputs, targets, None)
        metrics = Metrics()
        self.program.check(self.lib.ai_rt_model_read_metrics(self.handle, byref(metrics)))
        return metrics

    def keep(self, inputs, targets):
        """Makes dense arrays of the model's types the data set of `train_batches`; a GPU keeps them."""
        arrays = [_fit(value, self.program.io[role], np.shape(value)[:1])
                  for value, role in ((inputs, INPUT), (targets, TARGET))]
        self.data = (Array * 2)()
        for view, array, role in zip(self.data, arrays, (INPUT, TARGET)):
            view.data, view.dtype, view.rank = array.ctypes.data, self.program.io[role].dtype, array.ndim
            view.shape = (c_int64 * array.ndim)(*array.shape)
        self.kept = arrays  # the views point to them
        self.program.check(self.lib.ai_rt_model_keep_data(self.handle, byref(self.data)))

    def train_batches(self, first, samples, batch):
        """Steps on what is kept; returns the sums over all of them."""
        self.program.check(self.lib.ai_rt_model_train_batches(
            self.handle, byref(self.data), None, c_int64(first), c_int64(samples), c_int64(batch)))
        metrics = Metrics()
        self.program.check(self.lib.ai_rt_model_read_metrics(self.handle, byref(metrics)))
        return metrics

    def evaluate(self, inputs, targets):
        return self._run_batch("evaluate", inputs, targets, Metrics())

    def predict(self, inputs):
        outputs = _empty(self.program.io[OUTPUT], (len(inputs),))
        self._run("predict", inputs, c_int64(len(inputs)), outputs.ctypes.data_as(c_void_p))
        return outputs

    def _tensor(self, verb, name, array):
        self.program.check(getattr(self.lib, f"ai_rt_model_{verb}_tensor")(
            self.handle, name.encode(), array.ctypes.data_as(c_void_p), c_int64(array.nbytes)))
        return array

    def __getitem__(self, name):
        return self._tensor("get", name, _empty(self.program.tensors[name]))

    def __setitem__(self, name, value):
        self._tensor("set", name, _fit(value, self.program.tensors[name]))

    def next_epoch(self):
        self.lib.ai_rt_model_next_epoch(self.handle)

    def save(self, path):
        self.program.check(self.lib.ai_rt_model_save(self.handle, os.fsencode(path)))

    def load(self, path):
        self.program.check(self.lib.ai_rt_model_load(self.handle, os.fsencode(path)))


def compiler():
    """The path of ai-compile: $AI_COMPILE, the one on PATH, or that of the build tree."""
    build = pathlib.Path(__file__).resolve().parents[1] / "build" / "bin" / "ai-compile"
    return os.environ.get("AI_COMPILE") or shutil.which("ai-compile") or str(build)


def compile(source, *options, name="model"):
    """Compiles a model file, or the text of one, with ai-compile's `options` and loads it."""
    with tempfile.TemporaryDirectory(prefix="aic-") as folder:
        if "\n" in str(source):
            text, source = source, pathlib.Path(folder, f"{name}.mlir")
            source.write_text(text)
        library = pathlib.Path(folder, pathlib.Path(source).stem + ".so")
        done = subprocess.run([compiler(), str(source), "--emit=lib", "-o", str(library), *options],
                              capture_output=True, text=True)
        if done.returncode:
            raise Error(done.stderr.strip())
        return Program(library)
