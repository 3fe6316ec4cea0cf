"""Writes an `aic.Graph` for an importer, and collects all that it cannot write."""

import difflib
import importlib
import math
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from .._aic import CompileError, Graph


def require(package: str):
    """A package that only importers need, imported when it is needed."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f"expects the package {package}; install it: pip install aic[{package}]") from error


class Value(NamedTuple):
    """A result in the graph, with its shape; -1 stands for the batch."""

    position: int | None
    shape: tuple[int, ...]


UNKNOWN = Value(None, ())
"""What an operator gives that is not written, because it or one before it is refused."""
UNKNOWN_NUMBER = object()
"""A number that depends on the batch."""


class Unsupported(Exception):
    """An operator that is not compiled as it is; the text says what was expected, and what came."""


def fail(problems: Iterable[tuple[str, int, str]], cause: BaseException | None = None):
    """Raises a CompileError with a line for each problem (filename, line, text); line 0: unknown."""
    problems = [(file, line, re.sub(r"[\x00-\x1f\x7f]+", " ", text)) for file, line, text in problems]
    lines = (f"{file}:{line}:1: error: {text}" if line else f"{file}: error: {text}" if file else f"error: {text}"
             for file, line, text in problems)
    error = CompileError("\n".join(lines))
    file, line, _ = problems[0]
    if file:
        error.filename = file
    if line:
        error.lineno, error.offset = line, 1
    raise error from cause


# What many networks can use instead: a pattern of names, and what is supported in torch's and ONNX's words.
_KIN = [
    ("elu|swish|mish|softplus|hardtanh", ("aten.relu", "Relu")),
    ("conv", ("aten.conv2d", "Conv")),
    ("max_?pool", ("aten.max_pool2d", "MaxPool")),
    ("pool", ("aten.avg_pool2d", "AveragePool")),
    ("mm$|dot|einsum|linear", ("aten.linear", "Gemm")),
    ("soft_?max", ("aten.softmax", "Softmax")),
    ("drop", ("aten.dropout", "Dropout")),
]


def nearest(name: str, supported: Iterable[str]) -> str:
    """The supported operator that comes nearest, by kind or by spelling, as the end of an error."""
    found = [kin for pattern, names in _KIN if re.search(pattern, name.lower()) for kin in names if kin in supported]
    found = found or difflib.get_close_matches(name, supported, n=1, cutoff=0.9)
    return f"; the nearest supported one is {found[0]}" if found else "; none that is supported comes near"


def windows(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> int:
    """How many windows fit into an extent, as torch and ONNX count them."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count  # none begins in the padding behind


class Writer:
    def __init__(self, graph: Graph):
        self.graph = graph
        self.input = Value(0, tuple(graph.shape(0)))
        self.last = 0
        self.place = ("", 0)
        self.problems: dict[str, list] = {}

    def at(self, file: str, line: int):
        """What is written from now on comes from there."""
        self.place = (file, line)
        self.graph.at(file, line)

    def refuse(self, text: str, remedy: str = ""):
        """Notes a problem of the operator that is being imported."""
        self.problems.setdefault(text, [0, *self.place, remedy])[0] += 1

    def finish(self, result: Value):
        """Makes `result` the output, or raises all problems at once."""
        if self.problems:
            fail((file, line, f"{text}, {count} time{'s' * (count > 1)}{', first here' * (count > 1)}{remedy}")
                 for text, (count, file, line, remedy) in self.problems.items())
        if result.position != self.last:  # the output is what was written last
            self.op("reshape", result, shape=list(result.shape))

    #
    # Values
    #

    def _value(self, position: int) -> Value:
        self.last = position
        shape = tuple(self.graph.shape(position))
        if elements(shape) >= 2 ** 31:
            raise Unsupported(f"expects results of less than 2^31 elements a sample, got {show(shape)}")
        return Value(position, shape)

    def parameter(self, name: str, array) -> Value:
        return self._value(self.graph.parameter(name, array))

    def constant(self, array: np.ndarray) -> Value:
        return self._value(self.graph.constant(np.ascontiguousarray(array, np.float32).reshape(np.shape(array))))

    def op(self, name: str, *operands: Value | float, label: str = "", **attributes) -> Value:
        """Writes `ai.NAME`; numbers become constants."""
        if UNKNOWN_NUMBER in operands:
            raise Unsupported("expects numbers that are known beforehand, got one that depends on the batch")
        values = [x if isinstance(x, Value) else self.constant(np.float32(x)) for x in operands]
        if UNKNOWN in values:
            return UNKNOWN
        return self._value(self.graph.add("ai." + name, [x.position for x in values], attributes, label))

    #
    # Operators that importers share
    #

    def reshape(self, x: Value, shape: Iterable[int]) -> Value:
        """The same elements in another shape, all of it known, the batch -1 in dimension 0."""
        shape = tuple(shape)
        if x == UNKNOWN or shape == x.shape:
            return x
        if (x.shape[:1] == (-1,)) != (shape[:1] == (-1,)) or -1 in shape[1:]:
            raise Unsupported(f"expects the batch to stay dimension 0, got {show(x.shape)} reshaped to {show(shape)}")
        if shape[:1] == (-1,) and len(shape) == 2:
            return self.op("flatten", x)
        return self.op("reshape", x, shape=list(shape))

    def window(self, x: Value, what: str, kernel, stride, padding, dilation, ceil: bool):
        """The lists of a window as the dialect takes them; refuses what it cannot say."""
        lists = [pair(values, default) for values, default in ((kernel, 1), (stride or kernel, 1), (padding, 0), (dilation, 1))]
        if min(lists[0] + lists[1] + lists[3]) < 1 or min(lists[2]) < 0 or max(sum(lists, [])) >= 2 ** 31:
            raise Unsupported(f"expects sizes of at least 1 and less than 2^31 in {what}, got kernel {lists[0]}, stride {lists[1]}, "
                              f"padding {lists[2]}, dilation {lists[3]}")
        if ceil and x != UNKNOWN:
            for size, *numbers in zip(x.shape[2:], *lists):
                if windows(size, *numbers, True) != windows(size, *numbers, False):
                    raise Unsupported(f"expects {what} to round its output's size down, got ceil_mode on {show(x.shape)}")
        return lists

    def conv2d(self, x: Value, weight: Value, bias: Value | None, stride, padding, dilation, groups: int, label: str) -> Value:
        if weight != UNKNOWN and len(weight.shape) != 4:
            raise Unsupported(f"expects convolutions in two dimensions, got a weight of {show(weight.shape)}")
        if groups != 1:
            raise Unsupported(f"expects convolutions with groups of 1, got {groups}")
        kernel = weight.shape[2:] if weight != UNKNOWN else (1, 1)
        _, stride, padding, dilation = self.window(x, "a convolution", kernel, stride, padding, dilation, False)
        return self.op("conv2d", x, weight, *([] if bias is None else [bias]), stride=stride, padding=padding, dilation=dilation,
                       label=label)

    def pool(self, name: str, x: Value, kernel, stride, padding, dilation, ceil: bool) -> Value:
        kernel, stride, padding, dilation = self.window(x, "a pool", kernel, stride, padding, dilation, ceil)
        if dilation != [1, 1]:
            raise Unsupported(f"expects pools with dilation of 1, got {dilation}")
        return self.op(name, x, kernel=kernel, stride=stride, padding=padding)

    def adaptive_avg_pool2d(self, x: Value, size) -> Value:
        if x == UNKNOWN:
            return x
        size = [given or extent for given, extent in zip(size, x.shape[2:])]
        if len(x.shape) != 4 or any(extent % out for extent, out in zip(x.shape[2:], size)):
            raise Unsupported(f"expects adaptive pools whose sizes divide their input's, got {size} of {show(x.shape)}")
        return self.pool("avg_pool2d", x, [extent // out for extent, out in zip(x.shape[2:], size)], None, 0, 1, False)

    def linear(self, x: Value, weight: Value, bias: Value | None, label: str) -> Value:
        if x != UNKNOWN and len(x.shape) != 2:
            raise Unsupported(f"expects rows, [N,features], in a linear layer, got {show(x.shape)}")
        return self.op("linear", x, weight, *([] if bias is None else [bias]), label=label)

    def matmul(self, x: Value, y: Value) -> Value:
        if UNKNOWN not in (x, y) and (len(x.shape), len(y.shape)) != (2, 2):
            raise Unsupported(f"expects matrix products of two matrices, got {show(x.shape)} and {show(y.shape)}")
        return self.op("matmul", x, y)

    def reduce(self, name: str, x: Value, dims: Iterable[int] | None, keepdims: bool) -> Value:
        if x == UNKNOWN:
            return x
        rank = len(x.shape)
        dims = sorted({dim(d, rank) for d in dims}) if dims else list(range(rank))
        return self.op(name, x, dims=dims, keepdims=bool(keepdims))

    def along(self, name: str, x: Value, d: int) -> Value:
        return x if x == UNKNOWN else self.op(name, x, dim=dim(d, len(x.shape)))


def dim(d: int, rank: int) -> int:
    """A dimension that may be counted from the end."""
    if not -rank <= d < rank:
        raise Unsupported(f"expects dimensions of a tensor of rank {rank}, got {d}")
    return d % rank


def pair(values, default: int) -> list[int]:
    """One number, a list of one or of two, or an empty one -> [vertical, horizontal]."""
    values = [values] if isinstance(values, int) else list(values) or [default]
    values = values * 2 if len(values) == 1 else values
    if len(values) != 2 or not all(isinstance(value, int) for value in values):
        raise Unsupported(f"expects windows in two dimensions, got {values}")
    return [int(value) for value in values]


def show(shape: Iterable[int]) -> str:
    """[N,1,28,28]"""
    return "[" + ",".join("N" if extent == -1 else str(extent) for extent in shape) + "]"


def elements(shape: Iterable[int]) -> int:
    """Of one sample, or of what has no batch."""
    return math.prod(extent for extent in shape if extent != -1)
