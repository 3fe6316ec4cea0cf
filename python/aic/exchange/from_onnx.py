"""ONNX file -> Graph."""

import math
import os
from pathlib import Path

import numpy as np

from .._aic import Graph
from .onnx_files import read_model
from .writer import UNKNOWN, Unsupported, Value, Writer, dim, elements, fail, nearest, show

BATCH = np.iinfo(np.int64).min
"""The batch among numbers that a file computes with."""


def from_onnx(path: str | os.PathLike, name: str = "") -> Graph:
    """A model that computes what an ONNX file computes: opset 13 to the newest, one input, float32 [N,...], one output.

    Any batch fits the model, even if the file fixes it. Initializers become parameters, under their names, but for
    those of rank 0, which stay constants; a Dropout drops elements in training. The loss is "mse_loss", with which
    `predict` returns the file's output; `fit` chooses another one. Lines of errors are numbers of nodes, from 1.

    External data are read from files inside the model's folder only, and no links are followed. Raises CompileError,
    all operators that are not supported at once, and OSError. Needs onnx >= 1.21.
    """
    path = os.fspath(path)
    model, arrays = read_model(path)
    importer = _Importer(path, model, arrays, name or model.graph.name or Path(path).stem)
    importer.run()
    importer.w.graph.recipe.loss = "mse_loss"
    return importer.w.graph


class _Importer:
    def __init__(self, path: str, model, arrays: dict, name: str):
        self.path, self.graph, self.arrays = path, model.graph, arrays
        constants = {key[1]: array for key, array in arrays.items() if key[0] == "initializer"}
        if self.graph.sparse_initializer:
            fail([(path, 0, f"expects dense initializers, got {len(self.graph.sparse_initializer)} that are sparse")])
        inputs = [i for i in self.graph.input if i.name not in constants]
        if len(inputs) != 1 or len(self.graph.output) != 1:
            fail([(path, 0, f"expects one input and one output, got {len(inputs)} and {len(self.graph.output)}")])
        shape = self.input_shape(inputs[0])
        self.w = Writer(Graph(shape, name))
        self.values: dict[str, Value | np.ndarray] = {**constants, inputs[0].name: self.w.input}
        self.names = {id(array): name for name, array in constants.items() if array.ndim}
        self.parameters: dict[str, Value] = {}

    def input_shape(self, info) -> list[int]:
        """Of a sample; notes the batch, if it is fixed."""
        tensor = info.type.tensor_type
        if not info.type.HasField("tensor_type") or tensor.elem_type != 1:
            fail([(self.path, 0, f"expects an input of float32, got another type of {info.name!r}")])
        sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in tensor.shape.dim]
        if len(sizes) < 2 or min(sizes[1:]) < 1 or elements(sizes[1:]) >= 2 ** 31:
            fail([(self.path, 0, "expects an input [N,...] whose samples have a fixed shape of less than 2^31 elements, "
                                 f"got {sizes}")])
        self.batch = sizes[0]
        return sizes[1:]

    def run(self):
        for number, node in enumerate(self.graph.node, 1):
            self.w.at(self.path, number)
            result = self.convert(node)
            for output in node.output:
                self.values[output] = result
        try:
            result = self.tensor(self.values[self.graph.output[0].name])
        except Unsupported as problem:
            self.w.refuse(f"{problem} as the output")
            result = UNKNOWN
        if not self.w.problems and result.shape[:1] != (-1,):
            self.w.refuse(f"expects an output [N,...], got {show(result.shape)}")
        self.w.finish(result)

    def convert(self, node) -> Value | np.ndarray:
        name = f"{node.domain}::{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type
        rule = _RULES.get(name)
        if not rule:
            self.w.refuse(f"expects operators that are supported, got {name}", nearest(name, _RULES))
            return UNKNOWN
        try:
            if any(node.output[1:]):
                raise Unsupported(f"expects one result, got {len(node.output)}")
            return rule(_Node(self, node))
        except _DependsOnUnknown:
            return UNKNOWN
        except Unsupported as problem:
            self.w.refuse(f"{problem} in {name}")
            return UNKNOWN

    def tensor(self, value: Value | np.ndarray) -> Value:
        """A value; of constants a parameter, if the file has it as an initializer, or a constant of the model."""
        if isinstance(value, Value):
            return value
        if value.dtype != np.float32:
            raise Unsupported(f"expects float32 everywhere, got {_type(value)}")
        if value.size == 0:
            raise Unsupported(f"expects at least one element, got a constant {show(value.shape)}")
        name = self.names.get(id(value))
        if not name:
            return self.w.constant(value)
        if name not in self.parameters:
            self.parameters[name] = self.w.parameter(name, value)
        return self.parameters[name]


def _type(array: np.ndarray) -> str:
    return "another type" if array.dtype.kind == "V" else array.dtype.name


class _DependsOnUnknown(Exception):
    """A number that comes from an operator that was refused, which is enough of an error."""


class _Node:
    """A node, as the rules see it."""

    def __init__(self, importer: _Importer, node):
        from onnx import helper
        self.importer, self.w, self.node = importer, importer.w, node
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}

    def input(self, index: int) -> Value | np.ndarray | None:
        names = self.node.input
        return self.importer.values[names[index]] if index < len(names) and names[index] else None

    def x(self, index: int = 0) -> Value:
        value = self.input(index)
        if value is None:
            raise Unsupported(f"expects input {index + 1}, got none")
        return self.importer.tensor(value)

    def optional(self, index: int) -> Value | None:
        return None if self.input(index) is None else self.x(index)

    def all(self) -> list[Value]:
        return [self.x(index) for index in range(len(self.node.input))]

    def array(self, index: int, default=None) -> np.ndarray | None:
        """An input that must be known beforehand."""
        value = self.input(index)
        if value is None:
            return default
        if value is UNKNOWN:
            raise _DependsOnUnknown
        if isinstance(value, Value) or value.dtype.kind == "V":
            got = "a result" if isinstance(value, Value) else _type(value)
            raise Unsupported(f"expects input {index + 1} to be known beforehand, got {got}")
        return value

    def ints(self, index: int, attribute: str = "") -> list[int] | None:
        """A list of numbers, which older opsets have as an attribute."""
        value = self.array(index, self.attributes.get(attribute))
        if value is None:
            return None
        value = np.asarray(value)
        if value.dtype.kind != "i" or value.ndim > 1:
            raise Unsupported(f"expects a list of integers as input {index + 1}, got {value.dtype} {show(value.shape)}")
        return [int(number) for number in value.reshape(-1)]

    def number(self, index: int, default: float | None) -> float | None:
        value = self.array(index)
        if value is None:
            return default
        if value.size != 1:
            raise Unsupported(f"expects one number as input {index + 1}, got {show(value.shape)}")
        return float(value.reshape(-1)[0])

    def get(self, attribute: str, default):
        return self.attributes.get(attribute, default)

    def label(self) -> str:
        """Of a layer: what its parameters are named after."""
        return self.importer.names.get(id(self.input(1)), "").rpartition(".")[0]

    def padding(self, kernel, stride, dilation) -> list[int]:
        """The same on both sides, as the dialect pads."""
        mode = self.get("auto_pad", b"NOTSET")
        if mode in (b"NOTSET", b""):
            pads = list(self.get("pads", [0, 0, 0, 0]))
        elif mode == b"VALID":
            pads = [0, 0, 0, 0]
        elif self.x() is UNKNOWN:
            raise _DependsOnUnknown
        else:
            totals = [max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
                      for size, k, s, d in zip(self.x().shape[2:], kernel, stride, dilation)]
            pads = [total // 2 for total in totals] + [total - total // 2 for total in totals]
        if len(pads) != 4 or pads[:2] != pads[2:]:
            raise Unsupported(f"expects the same padding on both sides of two dimensions, got {pads}")
        return pads[:2]


def _fold(node: _Node, *indices) -> list[np.ndarray] | None:
    """The inputs, if all are numbers that the file computes with."""
    inputs = [node.input(index) for index in indices]
    if any(i is UNKNOWN for i in inputs):
        raise _DependsOnUnknown
    return inputs if all(isinstance(i, np.ndarray) and i.dtype.kind in "ib" for i in inputs) else None


def _list(node: _Node, attribute: str, default: list[int]) -> list[int]:
    return list(node.get(attribute, default)) or default


def _conv(node):
    weight = node.x(1)
    kernel = list(weight.shape[2:])
    if weight != UNKNOWN and _list(node, "kernel_shape", kernel) != kernel:
        raise Unsupported(f"expects kernel_shape {kernel}, that of the weight, got {node.get('kernel_shape', [])}")
    stride, dilation = _list(node, "strides", [1, 1]), _list(node, "dilations", [1, 1])
    x, bias = node.x(), node.optional(2)
    padding = node.padding(kernel, stride, dilation)
    return node.w.conv2d(x, weight, bias, stride, padding, dilation, node.get("group", 1), node.label())


def _pool(name):
    def rule(node):
        kernel = list(node.get("kernel_shape", []))
        if len(kernel) != 2:
            raise Unsupported(f"expects pools in two dimensions, got kernel_shape {kernel}")
        stride, dilation = _list(node, "strides", [1] * len(kernel)), _list(node, "dilations", [1] * len(kernel))
        padding = node.padding(kernel, stride, dilation)
        if name == "avg_pool2d" and any(padding) and not node.get("count_include_pad", 0):
            raise Unsupported("expects averages over whole windows, padding included, got count_include_pad of 0")
        return node.w.pool(name, node.x(), kernel, stride, padding, dilation, bool(node.get("ceil_mode", 0)))
    return rule


def _global_max_pool(node):
    x = node.x()
    return x if x == UNKNOWN else node.w.pool("max_pool2d", x, list(x.shape[2:]), None, 0, 1, False)


def _gemm(node):
    x, weight, bias = node.x(), node.x(1), node.input(2)
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    plain = alpha == 1 and not node.get("transA", 0) and node.get("transB", 0)
    if plain and (bias is None or beta == 1 and bias.shape == weight.shape[:1]):
        return node.w.linear(x, weight, node.optional(2), node.label())
    flip = [1, 0]
    x = node.w.op("transpose", x, permutation=flip) if node.get("transA", 0) else x
    weight = node.w.op("transpose", weight, permutation=flip) if node.get("transB", 0) else weight
    result = node.w.matmul(x, weight)
    result = result if alpha == 1 else node.w.op("mul", result, alpha)
    if bias is None:
        return result
    return node.w.op("add", result, node.x(2) if beta == 1 else node.w.op("mul", node.x(2), beta))


def _flatten(node):
    x = node.x()
    if x != UNKNOWN and node.get("axis", 1) not in (1, 1 - len(x.shape)):
        raise Unsupported(f"expects to flatten from axis 1 on, got {node.get('axis', 1)}")
    return node.w.reshape(x, (-1, elements(x.shape)))


def _reshape(node):
    shape = node.ints(1)
    if (folded := _fold(node, 0)) and BATCH not in shape:
        return _numpy(np.reshape, folded[0], shape)
    x = node.x()
    if x == UNKNOWN or shape is None:
        return UNKNOWN
    if node.get("allowzero", 0) and 0 in shape:
        raise Unsupported(f"expects extents of at least 1, got {shape}")
    shape = [x.shape[i] if extent == 0 and i < len(x.shape) else extent for i, extent in enumerate(shape)]
    batch = (-1, BATCH, node.importer.batch or BATCH)
    first, rest = ((-1,), shape[1:]) if x.shape[:1] == (-1,) and shape[:1] and shape[0] in batch else ((), shape)
    known = math.prod(extent for extent in rest if extent != -1)
    count = elements(x.shape)
    if rest.count(-1) == 1 and known > 0 and count % known == 0:
        rest = [count // known if extent == -1 else extent for extent in rest]
    if math.prod(rest) != count or min(rest, default=1) < 1:
        shown = ["N" if extent == BATCH else extent for extent in shape]
        raise Unsupported(f"expects the batch to stay dimension 0, got {show(x.shape)} reshaped to {shown}")
    return node.w.reshape(x, (*first, *rest))


def _squeeze(node):
    axes = node.ints(1, "axes")
    if folded := _fold(node, 0):
        return np.asarray(_numpy(np.squeeze, folded[0], None if axes is None else tuple(axes)))
    x = node.x()
    if x == UNKNOWN:
        return x
    axes = [i for i, extent in enumerate(x.shape) if extent == 1] if axes is None else [dim(a, len(x.shape)) for a in axes]
    if any(x.shape[axis] != 1 for axis in axes):
        raise Unsupported(f"expects to squeeze extents of 1, got axes {axes} of {show(x.shape)}")
    return node.w.reshape(x, [extent for i, extent in enumerate(x.shape) if i not in axes])


def _unsqueeze(node):
    axes = node.ints(1, "axes")
    if folded := _fold(node, 0):
        return _numpy(np.expand_dims, folded[0], tuple(axes or ()))
    x = node.x()
    if x == UNKNOWN or axes is None:
        return UNKNOWN
    shape = list(x.shape)
    for axis in sorted(dim(a, len(shape) + len(axes)) for a in axes):
        shape.insert(axis, 1)
    return node.w.reshape(x, shape)


def _numpy(function, *arguments):
    """Numbers of the file, computed; what NumPy refuses is refused here."""
    try:
        return function(*arguments)
    except (ArithmeticError, IndexError, MemoryError, TypeError, ValueError) as error:
        raise Unsupported(f"expects numbers that fit together, got: {str(error).splitlines()[0]}") from error


def _shape(node):
    x = node.input(0)
    if x is UNKNOWN:
        return UNKNOWN
    sizes = [BATCH if extent == -1 else extent for extent in x.shape]
    return np.array(sizes[node.get("start", 0):node.get("end", len(sizes))], np.int64)


def _gather(node):
    folded = _fold(node, 0, 1)
    if not folded:
        raise Unsupported("expects the numbers of a shape, got a tensor")
    return np.asarray(_numpy(np.take, *folded, node.get("axis", 0)))


def _concat(node):
    folded = _fold(node, *range(len(node.node.input)))
    if not folded:
        raise Unsupported("expects the numbers of shapes, got tensors")
    return _numpy(np.concatenate, folded, node.get("axis", 0))


def _slice(node):
    folded = _fold(node, 0)
    starts, ends, axes, steps = (node.ints(i) for i in (1, 2, 3, 4))
    plain = axes in (None, [0], [-1]) and steps in (None, [1]) and starts and ends and len(starts + ends) == 2
    if not folded or folded[0].ndim != 1 or not plain:
        raise Unsupported("expects a part of the numbers of a shape, got a tensor or several axes")
    return folded[0][starts[0]:ends[0]]


def _cast(node):
    if folded := _fold(node, 0):
        if node.get("to", 0) in (6, 7):
            return folded[0].astype(np.int64)
    if node.get("to", 0) != 1:
        raise Unsupported("expects float32 everywhere, got a conversion to another type")
    return node.x()


def _constant(node):
    if "value" in node.attributes:
        return node.importer.arrays["constant", node.node.output[0]]
    for name in ("value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            return np.array(node.attributes[name], np.float32 if "float" in name else np.int64)
    raise Unsupported(f"expects a constant of numbers, got {', '.join(node.attributes)}")


def _dropout(node):
    rate = node.number(1, 0.5)
    if not 0 <= rate < 1:
        raise Unsupported(f"expects a ratio of at least 0 and less than 1, got {rate}")
    return node.w.op("dropout", node.x(), rate=rate)


def _clip(node):
    x, low, high = node.x(), node.number(1, None), node.number(2, None)
    x = x if low is None else node.w.op("max", x, low)
    return x if high is None else node.w.op("min", x, high)


def _pow(node):
    exponent = node.input(1)
    if isinstance(exponent, np.ndarray) and exponent.dtype.kind == "i":
        return node.w.op("power", node.x(), node.w.constant(exponent))
    return node.w.op("power", node.x(), node.x(1))


def _reduce(name):
    def rule(node):
        axes = node.ints(1, "axes")
        if not axes and node.get("noop_with_empty_axes", 0):
            return node.x()
        return node.w.reduce(name, node.x(), axes, node.get("keepdims", 1))
    return rule


def _variadic(name):
    def rule(node):
        result, *others = node.all()
        for other in others:
            result = node.w.op(name, result, other)
        return result
    return rule


def _transpose(node):
    x = node.x()
    order = list(node.get("perm", range(len(x.shape))[::-1]))
    return x if x == UNKNOWN else node.w.op("transpose", x, permutation=order)


_RULES = {
    "Conv": _conv, "MaxPool": _pool("max_pool2d"), "AveragePool": _pool("avg_pool2d"), "GlobalMaxPool": _global_max_pool,
    "GlobalAveragePool": lambda node: node.w.adaptive_avg_pool2d(node.x(), (1, 1)),
    "Gemm": _gemm, "MatMul": lambda node: node.w.matmul(node.x(), node.x(1)),
    "Flatten": _flatten, "Reshape": _reshape, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Transpose": _transpose,
    "Identity": lambda node: node.input(0), "Constant": _constant, "Shape": _shape, "Gather": _gather, "Concat": _concat,
    "Slice": _slice, "Cast": _cast, "Dropout": _dropout, "Clip": _clip, "Pow": _pow,
    "Softmax": lambda node: node.w.along("softmax", node.x(), node.get("axis", -1)),
    "LogSoftmax": lambda node: node.w.along("log_softmax", node.x(), node.get("axis", -1)),
    "ReduceSum": _reduce("reduce_sum"), "ReduceMean": _reduce("reduce_mean"), "ReduceMax": _reduce("reduce_max"),
    "Reciprocal": lambda node: node.w.op("div", 1, node.x()),
}
_RULES |= {op: (lambda name: lambda node: node.w.op(name, node.x(), node.x(1)))(op.lower()) for op in ("Add", "Sub", "Mul", "Div")}
_RULES |= {op: (lambda name: lambda node: node.w.op(name, node.x()))(op.lower())
           for op in ("Relu", "Tanh", "Sigmoid", "Exp", "Log", "Sqrt", "Sin", "Cos", "Neg")}
_RULES |= {"Max": _variadic("max"), "Min": _variadic("min"), "Sum": _variadic("add")}
