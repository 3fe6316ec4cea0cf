"""The C API of include/ai/Runtime/ai_rt.h, by ctypes on what `ai-compile --emit=lib` makes."""

import collections
import ctypes
import os
import pathlib
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int64, c_void_p

import numpy as np

# In the order of ai_rt_dtype_t.
DTYPES = [np.dtype(code) for code in ("f4", "f8", "i4", "i8", "i1", "?", "u1")]
INPUT, TARGET, OUTPUT = 3, 4, 5  # of ai_rt_role_t
Metrics = collections.namedtuple("Metrics", "loss correct count")  # loss and correct are sums


class Error(RuntimeError):
    """What the compiler or the runtime refused, in its own words."""


def _struct(name, fields, **types):
    """A table of eight-byte fields: integers, or what `field:type` says."""
    types.update(text=c_char_p, double=c_double, code=c_void_p, extents=POINTER(c_int64))
    pairs = (field.partition(":") for field in fields.split())
    pairs = [(field, types.get(kind, c_int64)) for field, _, kind in pairs]
    return type(name, (ctypes.Structure,), {"_fields_": pairs})


_Tensor = _struct("_Tensor", "name:text role dtype rank shape:extents offset bytes "
                  "init value:double")
_TABLE = {"tensor": POINTER(_Tensor)}
_Step = _struct("_Step", "name:text block:code combine:code workspace_bytes slot_bytes slot_offset "
                "num_tensors tensors:tensor flops:double", **_TABLE)
_Function = _struct("_Function", "name:text run:code workspace_bytes num_args args:tensor "
                    "num_results results:tensor", **_TABLE)
_Program = _struct("_Program", "name:text abi_version block_size num_slots fixed_bytes "
                   "num_tensors tensors:tensor num_steps steps:step num_functions "
                   "functions:function loss num_classes batch epochs seed mean:double std:double "
                   "plan:text", step=POINTER(_Step), function=POINTER(_Function), **_TABLE)
_Config = _struct("_Config", "threads batch seed")
_Metrics = _struct("_Metrics", "loss:double correct count")


def _shape(info, lead=()):
    """The extents of a tensor, the first of them replaced by `lead`."""
    return (*lead, *(info.shape[len(lead):info.rank] if info.rank else ()))


def _empty(info, lead=()):
    return np.empty(_shape(info, lead), DTYPES[info.dtype])


def _fit(value, info, lead=(), dtype=None):
    """The value as a dense array of a tensor's type; extents of 1 may be absent."""
    return np.ascontiguousarray(value, dtype or DTYPES[info.dtype]).reshape(_shape(info, lead))


def _pointer(array):
    return c_void_p(array.ctypes.data)


class Program:
    """A loaded library; its plain functions are attributes, NumPy arrays in and out.

    `name` is the prefix of the library's symbols if the file was renamed.
    """

    def __init__(self, path, name=None):
        path = pathlib.Path(path).resolve()
        self.lib = ctypes.CDLL(str(path))
        self.lib.ai_rt_last_error.restype = c_char_p
        entry = getattr(self.lib, f"{name or path.stem}_program")
        entry.restype = POINTER(_Program)
        self.table = entry()
        info = self.table.contents
        self.functions = {f.name.decode(): f for f in info.functions[:info.num_functions]}
        self.tensors = {t.name.decode(): t for t in info.tensors[:info.num_tensors]}
        self.io = {tensor.role: tensor for step in info.steps[:info.num_steps]
                   for tensor in step.tensors[:step.num_tensors]}

    def check(self, status):
        if status:
            raise Error(self.lib.ai_rt_last_error().decode())

    def __getattr__(self, name):
        function = self.__dict__.get("functions", {}).get(name)
        if function is None:
            raise AttributeError(f"the program has no function '{name}'")
        return lambda *args: self._call(function, args)

    def _call(self, function, args):
        infos = function.args[:function.num_args]
        if len(args) != len(infos):
            raise Error(f"'{function.name.decode()}' expects {len(infos)} arguments, "
                        f"got {len(args)}")
        args = [_fit(*pair) for pair in zip(args, infos)]
        results = [_empty(info) for info in function.results[:function.num_results]]
        pointers = [(c_void_p * len(arrays))(*map(_pointer, arrays)) for arrays in (args, results)]
        self.check(self.lib.ai_rt_call(self.table, function.name, *pointers))
        return results[0] if len(results) == 1 else tuple(results)

    def create(self, threads=0, batch=0, seed=None):
        """A model with initial parameters; zeros and None stand for the recipe's."""
        seed = self.table.contents.seed if seed is None else seed
        return Model(self, _Config(threads, batch, seed))


class Model:
    """Parameters, optimizer state and threads of one training; `model[name]` copies."""

    def __init__(self, program, config):
        self.program, self.lib, self.handle = program, program.lib, c_void_p()
        program.check(self.lib.ai_rt_model_create(program.table, byref(config), byref(self.handle)))

    def __del__(self):
        if self.handle:
            self.lib.ai_rt_model_destroy(self.handle)

    def _run(self, name, inputs, *rest):
        """Calls ai_rt_model_<name>, or its variant for bytes; `rest` follows the inputs."""
        dtype = np.uint8 if np.asarray(inputs).dtype == np.uint8 else None
        inputs = _fit(inputs, self.program.io[INPUT], np.shape(inputs)[:1], dtype)
        function = getattr(self.lib, f"ai_rt_model_{name}_u8" if dtype else f"ai_rt_model_{name}")
        self.program.check(function(self.handle, _pointer(inputs), *rest))

    def _run_batch(self, name, inputs, targets, result):
        targets = _fit(targets, self.program.io[TARGET], np.shape(targets)[:1])
        if len(inputs) != len(targets):
            raise Error(f"expects as many targets as inputs, got {len(targets)} and {len(inputs)}")
        self._run(name, inputs, _pointer(targets), c_int64(len(targets)), byref(result))
        return result

    def train_step(self, inputs, targets):
        return self._run_batch("train_step", inputs, targets, c_float()).value

    def evaluate(self, inputs, targets):
        metrics = self._run_batch("evaluate", inputs, targets, _Metrics())
        return Metrics(metrics.loss, metrics.correct, metrics.count)

    def predict(self, inputs):
        outputs = _empty(self.program.io[OUTPUT], (len(inputs),))
        self._run("predict", inputs, c_int64(len(inputs)), _pointer(outputs))
        return outputs

    def _tensor(self, verb, name, array):
        function = getattr(self.lib, f"ai_rt_model_{verb}_tensor")
        size = c_int64(array.nbytes)
        self.program.check(function(self.handle, name.encode(), _pointer(array), size))
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
