"""The table of ops: how each is written, on which arguments, and what it must compute."""

import dataclasses
import functools
import typing

import jax
import jax.numpy as jnp
import numpy as np

import references as ref

NUMPY = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64, "i8": np.int8, "i1": np.bool_}


class Arg(typing.NamedTuple):
    """An argument: its extents, its element type ("float" is f32 or f64) and its values."""
    shape: tuple
    element: str
    values: typing.Callable  # NumPy generator -> array

    def dtype(self, real):
        return real if self.element == "float" else self.element

    def type(self, real):
        return tensor_type(self.shape, self.dtype(real))


def tensor_type(shape, element):
    return f"tensor<{''.join(f'{extent}x' for extent in shape)}{element}>"


def extents(text):
    return tuple(map(int, text.split("x"))) if text else ()


def real(text, low=-2.0, high=2.0):
    """Distinct values, in random order, away from 0 and from each other: no ties, no kinks."""
    shape = extents(text)

    def values(rng):
        count = int(np.prod(shape, dtype=int))
        grid = low + (high - low) * (np.arange(count) + 0.25 + 0.1 * rng.random()) / count
        return rng.permutation(grid).reshape(shape)
    return Arg(shape, "float", values)


def positive(text):
    return real(text, 0.3, 3.0)


def integers(text, element, low, high):
    shape = extents(text)
    return Arg(shape, element, lambda rng: rng.integers(low, high, shape))


def labels(text, classes):
    return integers(text, "i32", 0, classes)


def boolean(text):
    return integers(text, "i1", 0, 2)


def number(value):
    return Arg((), "i64", lambda rng: np.int64(value))


@dataclasses.dataclass(eq=False)
class Case:
    """One op on some arguments. `op` may carry what stands before the operands."""
    op: str
    args: list
    reference: typing.Callable
    attrs: str = ""
    wrt: typing.Any = None  # differentiable arguments; None: every float
    name: str = ""
    family: str = ""
    elements: tuple = ("f32", "f64")

    def __post_init__(self):
        if self.wrt is None:
            self.wrt = [i for i, arg in enumerate(self.args) if arg.element == "float"]

    def inputs(self, element):
        rng = np.random.default_rng(7)
        return [np.asarray(arg.values(rng)).astype(NUMPY[arg.dtype(element)]) for arg in self.args]

    def wide(self, element):
        """The inputs as given, floats in f64."""
        return [x.astype(np.float64) if arg.element == "float" else x
                for arg, x in zip(self.args, self.inputs(element))]

    def expected(self, element):
        """The results as a tuple; floats are computed in f64 from the inputs as given."""
        return references_of(self.family, element)[self.name]

    def result_types(self, element):
        names = {np.dtype(t): name for name, t in NUMPY.items()}
        return [tensor_type(y.shape, element if names[y.dtype] == "f64" else names[y.dtype])
                for y in self.expected(element)]

    def functions(self, element):
        """The op as a function, and for gradients the sum of its result times a cotangent."""
        types = [arg.type(element) for arg in self.args]
        results = self.result_types(element)
        params = [f"%a{i}: {t}" for i, t in enumerate(types)]
        operands = ", ".join(f"%a{i}" for i in range(len(types)))
        separator = "" if self.op.endswith(" ") or not operands else " "
        signature = f"({', '.join(types)}) -> ({', '.join(results)})"
        if self.op.startswith("ai.constant"):
            line = f"%y = {self.op} : {results[0]}"
        else:
            line = f"%y{':2' if len(results) == 2 else ''} = {self.op}{separator}{operands} {self.attrs} : {signature}"
        values = ", ".join(f"%y#{i}" for i in range(len(results))) if len(results) > 1 else "%y"
        text = (f"func.func @{self.name}({', '.join(params)}) -> ({', '.join(results)}) {{\n  {line}\n"
                f"  return {values} : {', '.join(results)}\n}}\n")
        if not self.wrt:
            return text
        out, scalar = results[0], tensor_type((), element)
        rank = self.expected(element)[0].ndim
        total = ("%s = ai.reduce_sum %p {dims = [" + ", ".join(map(str, range(rank))) + f"]}} : ({out}) -> {scalar}"
                 if rank else f"%s = ai.neg %p : ({scalar}) -> {scalar}")
        first = "%y#0" if len(results) > 1 else "%y"
        return text + (
            f"func.func @{self.name}_sum({', '.join(params + [f'%c: {out}'])}) -> {scalar} {{\n  {line}\n"
            f"  %p = ai.mul {first}, %c : ({out}, {out}) -> {out}\n  {total}\n  return %s : {scalar}\n}}\n"
            f"ai.gradient @{self.name}_sum wrt {list(self.wrt)}\n")

    def cotangent(self, element):
        shape = self.expected(element)[0].shape
        return np.random.default_rng(8).uniform(-1, 1, shape).astype(NUMPY[element])

    def total(self, *inputs_and_cotangent):
        """What `@name_sum` computes, in JAX."""
        *inputs, ct = inputs_and_cotangent
        out = self.reference(*inputs)
        total = ((out[0] if isinstance(out, tuple) else out) * ct).sum()
        return total if ct.ndim else -total

    def gradients(self):
        """Those of `@name_sum` in JAX, in f64 from the f32 inputs, for the arguments `wrt`."""
        return gradients_of(self.family)[self.name]


# An oracle takes most of its time to compile: JAX does it once for a family, not for each operation of each case.
@functools.cache
def compiled(family):
    return ref.jit(lambda inputs: [case.reference(*x) for case, x in zip(FAMILIES[family], inputs)], level=0)


@functools.cache
def references_of(family, element):
    """Name of a case -> its results."""
    results = compiled(family)([case.wide(element) for case in FAMILIES[family]])
    return {case.name: tuple(np.asarray(y) for y in (out if isinstance(out, tuple) else (out,)))
            for case, out in zip(FAMILIES[family], results)}


@functools.cache
def gradients_of(family):
    """Name of a case -> the gradients of its sum."""
    table = [case for case in FAMILIES[family] if case.wrt]
    function = ref.jit(lambda inputs: [jax.grad(case.total, tuple(case.wrt))(*x) for case, x in zip(table, inputs)],
                       level=0)
    inputs = [[*case.wide("f32"), case.cotangent("f32").astype(np.float64)] for case in table]
    return {case.name: gradient for case, gradient in zip(table, function(inputs))}


def unary(name, arg, reference):
    return [Case(f"ai.{name}", [arg(shape)], reference) for shape in ("5x7", "32", "3x2x1x17")]


def binary(name, arg, reference):
    return [Case(f"ai.{name}", [arg(lhs), arg(rhs)], reference)
            for lhs, rhs in (("4x5", "4x5"), ("2x3x4", "3x1"), ("3", "2x3"), ("", "2x16"), ("1x5", "4x1"))]


def conv2d(x, w, bias, attrs="", **window):
    args = [real(x), real(w)] + ([real(str(extents(w)[0]))] if bias else [])
    return Case("ai.conv2d", args, lambda *args: ref.conv2d(*args, **window), attrs)


def pair(op, *args, attrs, **keywords):
    """A case whose reference has the op's name and takes its attributes as keywords."""
    function = getattr(ref, op)
    return Case(f"ai.{op}", list(args), lambda *args: function(*args, **keywords), "{" + attrs + "}")


def winner(text, size):
    """Winners in a window of `size` elements."""
    return integers(text, "i8", 0, size)


ELEMENTWISE = [
    *binary("add", real, jnp.add), *binary("sub", real, jnp.subtract), *binary("mul", real, jnp.multiply),
    *binary("div", positive, jnp.divide), *binary("max", real, jnp.maximum), *binary("min", real, jnp.minimum),
    *binary("power", positive, jnp.power),
    *unary("neg", real, jnp.negative), *unary("exp", real, jnp.exp), *unary("log", positive, jnp.log),
    *unary("sqrt", positive, jnp.sqrt), *unary("sin", real, jnp.sin), *unary("cos", real, jnp.cos),
    *unary("tanh", real, jnp.tanh), *unary("sigmoid", real, jax.nn.sigmoid), *unary("relu", real, jax.nn.relu),
    *[Case(f"ai.{op}", [integers("3x4", element, -9, 9), integers("4", element, -9, 9)], function, elements=("f32",))
      for element in ("i32", "i64")
      for op, function in (("add", jnp.add), ("sub", jnp.subtract), ("mul", jnp.multiply))],
    *[Case(f"ai.compare {predicate}, ", [real("4x5"), real("5")], function, wrt=())
      for predicate, function in (("eq", jnp.equal), ("ne", jnp.not_equal), ("lt", jnp.less), ("le", jnp.less_equal),
                                  ("gt", jnp.greater), ("ge", jnp.greater_equal))],
    Case("ai.compare le, ", [integers("17", "i32", 0, 3), integers("17", "i32", 0, 3)], jnp.less_equal, elements=("f32",)),
    Case("ai.select", [boolean("4x5"), real("4x5"), real("5")], jnp.where),
    Case("ai.select", [boolean("3x1"), real(""), real("3x16")], jnp.where),
    Case("ai.cast", [real("3x5")], lambda x: x.astype(jnp.float64)),
    Case("ai.cast", [integers("3x5", "i32", -9, 9)], lambda x: x.astype(jnp.float64), wrt=()),
    Case("ai.cast", [boolean("3x5")], lambda x: x.astype(jnp.float64), wrt=()),
    Case("ai.cast", [real("3x5")], lambda x: x.astype(jnp.int32), wrt=()),
    Case("ai.constant dense<[[1.5, -2.0], [0.25, 3.0]]>", [], lambda: jnp.array([[1.5, -2.0], [0.25, 3.0]], jnp.float64)),
]

WIDE = dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2))
WIDE_TEXT = "stride = [2, 1], padding = [1, 2], dilation = [1, 2]"
CONTRACTIONS = [
    Case("ai.matmul", [real("5x7"), real("7x3")], lambda a, b: a @ b),
    Case("ai.matmul", [real("7x5"), real("7x3")], lambda a, b: a.T @ b, "{transpose_lhs}"),
    Case("ai.matmul", [real("5x7"), real("3x7")], lambda a, b: a @ b.T, "{transpose_rhs}"),
    Case("ai.matmul", [real("7x5"), real("3x7")], lambda a, b: a.T @ b.T, "{transpose_lhs, transpose_rhs}"),
    Case("ai.matmul", [real("16x32"), real("32x16")], lambda a, b: a @ b),
    Case("ai.linear", [real("4x6"), real("3x6")], lambda x, w: x @ w.T),
    Case("ai.linear", [real("4x6"), real("3x6"), real("3")], lambda x, w, b: x @ w.T + b),
    conv2d("2x3x7x8", "4x3x3x3", True),
    conv2d("2x1x6x6", "3x1x5x5", True, "{padding = [2, 2]}", padding=(2, 2)),
    conv2d("1x2x9x9", "3x2x3x2", False, "{stride = [2, 3]}", stride=(2, 3)),
    conv2d("2x2x9x8", "3x2x2x3", False, "{" + WIDE_TEXT + "}", **WIDE),
    conv2d("1x16x5x5", "16x16x3x3", False),
    pair("conv2d_input_gradient", real("2x4x5x6"), real("4x3x3x3"), attrs="input_size = [7, 8]", input_size=(7, 8)),
    pair("conv2d_input_gradient", real("2x3x5x8"), real("3x2x2x3"),
         attrs=WIDE_TEXT + ", input_size = [9, 8]", input_size=(9, 8), **WIDE),
    pair("conv2d_weight_gradient", real("2x3x7x8"), real("2x4x5x6"), attrs="kernel_size = [3, 3]", kernel_size=(3, 3)),
    pair("conv2d_weight_gradient", real("2x2x9x8"), real("2x3x5x8"),
         attrs=WIDE_TEXT + ", kernel_size = [2, 3]", kernel_size=(2, 3), **WIDE),
    dataclasses.replace(
        pair("conv2d_weight_gradient", real("3x2x5x6"), real("3x4x3x4"),
             attrs="kernel_size = [3, 3], per_sample", kernel_size=(3, 3), per_sample=True), wrt=()),
]

OVERLAP = dict(kernel=(3, 2), stride=(2, 1), padding=(1, 0))
OVERLAP_TEXT = "kernel = [3, 2], stride = [2, 1], padding = [1, 0]"
HALVE, HALVE_TEXT = dict(kernel=(2, 2)), "kernel = [2, 2]"
POOLING = [
    case for keywords, attrs, x, out, size in ((HALVE, HALVE_TEXT, "2x3x6x7", "2x3x3x3", (6, 7)),
                                               (OVERLAP, OVERLAP_TEXT, "2x2x7x6", "2x2x4x5", (7, 6)))
    for case in (
        pair("max_pool2d", real(x), attrs=attrs, **keywords),
        pair("max_pool2d_with_index", real(x), attrs=attrs, **keywords),
        pair("avg_pool2d", real(x), attrs=attrs, **keywords),
        pair("avg_pool2d_gradient", real(out), attrs=f"{attrs}, input_size = {list(size)}", input_size=size, **keywords),
    )
] + [
    pair("max_pool2d_scatter", real("2x3x3x3"), winner("2x3x3x3", 4),
         attrs=HALVE_TEXT + ", input_size = [6, 7]", input_size=(6, 7), **HALVE),
    pair("max_pool2d_gather", real("2x3x6x7"), winner("2x3x3x3", 4), attrs=HALVE_TEXT, **HALVE),
    pair("max_pool2d_scatter", real("1x2x4x4"), winner("1x2x4x4", 9),
         attrs="kernel = [3, 3], stride = [1, 1], input_size = [6, 6]", input_size=(6, 6), kernel=(3, 3), stride=(1, 1)),
    pair("max_pool2d_gather", real("1x2x6x6"), winner("1x2x4x4", 9),
         attrs="kernel = [3, 3], stride = [1, 1]", kernel=(3, 3), stride=(1, 1)),
]

SHAPES = [
    Case("ai.reshape", [real("4x6")], lambda x: x.reshape(3, 8), "{shape = [3, -1]}"),
    Case("ai.flatten", [real("3x2x4x2")], lambda x: x.reshape(3, 16)),
    Case("ai.transpose", [real("3x5")], jnp.transpose, "{permutation = [1, 0]}"),
    Case("ai.transpose", [real("2x3x4x5")], lambda x: x.transpose(3, 1, 0, 2), "{permutation = [3, 1, 0, 2]}"),
    Case("ai.broadcast", [real("3x1")], lambda x: ref.broadcast(x, (2, 3, 4)), "{shape = [2, 3, 4]}"),
    Case("ai.broadcast", [real("3")], lambda x: ref.broadcast(x, (2, 3, 4), (1,)), "{shape = [2, 3, 4], dims = [1]}"),
    Case("ai.broadcast_like", [real("3"), real("3x16")],
         lambda x, like: ref.broadcast(x, like.shape, (0,)), "{dims = [0]}", wrt=(0,)),
    *[Case(f"ai.{op}", [real("3x4x5")], lambda x, f=f, dims=dims, keep=keep: f(x, dims, keepdims=keep),
           f"{{dims = {list(dims)}{', keepdims' if keep else ''}}}")
      for op, f in (("reduce_sum", jnp.sum), ("reduce_mean", jnp.mean), ("reduce_max", jnp.max))
      for dims, keep in (((0,), False), ((2,), True), ((0, 2), False), ((0, 1, 2), False), ((1,), True))],
    # One vector is summed up for each result, which are as many as fill vectors, or not.
    *[Case(f"ai.{op}", [real(shape)], lambda x, f=f: f(x, -1), f"{{dims = [{shape.count('x')}]}}")
      for op, f, shapes in (("reduce_sum", jnp.sum, ("16x16", "21x16", "37x8", "100x4", "2x3x5x16", "7x3x3x2x8", "1x16",
                                                     "5x32", "3x7x24", "16")),
                            ("reduce_max", jnp.max, ("21x16", "2x3x5x8")))
      for shape in shapes],
    Case("ai.argmax", [real("6x9")], lambda x: x.argmax(1).astype(jnp.int32), "{dim = 1 : i64}", wrt=()),
    Case("ai.argmax", [real("6x9")], lambda x: x.argmax(0).astype(jnp.int32), "{dim = 0 : i64}", wrt=()),
    Case("ai.one_hot", [labels("6", 5)], lambda x: jax.nn.one_hot(x, 5), "{classes = 5 : i64}", elements=("f32",)),
    Case("ai.one_hot", [labels("6", 5)], lambda x: jax.nn.one_hot(x, 5), "{classes = 5 : i64, dtype = f64}", elements=("f64",)),
]

LOSSES = [
    Case("ai.softmax", [real("4x10")], lambda x: jax.nn.softmax(x, 1)),
    Case("ai.softmax", [real("4x3x5")], lambda x: jax.nn.softmax(x, 2), "{dim = 2 : i64}"),
    Case("ai.log_softmax", [real("4x10")], lambda x: jax.nn.log_softmax(x, 1)),
    Case("ai.log_softmax", [real("4x5")], lambda x: jax.nn.log_softmax(x, 0), "{dim = 0 : i64}"),
    Case("ai.cross_entropy", [real("6x10"), labels("6", 10)], ref.cross_entropy),
    Case("ai.nll_loss", [real("6x10"), labels("6", 10)], ref.nll_loss),
    Case("ai.mse_loss", [real("6x5"), real("6x5")], ref.mse_loss),
    Case("ai.mse_loss", [real("3x2x4"), real("3x2x4")], ref.mse_loss),
    Case("ai.dropout", [real("4x5")], lambda x: x, "{rate = 0.25}"),
    pair("dropout_mask", real("5x9"), number(2**40 + 12345), number(3), number(16),
         attrs="rate = 0.25, stream = 1 : i64", rate=0.25, stream=1),
    pair("dropout_mask", real("4x2x3x8"), number(2**40 + 12345), number(3), number(16),
         attrs="rate = 0.25, stream = 1 : i64", rate=0.25, stream=1),
    pair("dropout_mask", real("7"), number(2**40 + 12345), number(3), number(16),
         attrs="rate = 0.25, stream = 1 : i64", rate=0.25, stream=1),
    Case("ai.mask_samples", [real("6x3"), number(16), number(20)], ref.mask_samples),
]
for case in LOSSES[-4:-1]:
    case.wrt = ()

FAMILIES = {"elementwise": ELEMENTWISE, "contraction": CONTRACTIONS, "pooling": POOLING, "shape": SHAPES, "loss": LOSSES}
for family, cases in FAMILIES.items():
    count = {}
    for case in cases:
        mnemonic = case.op.split()[0].removeprefix("ai.")
        count[mnemonic] = count.get(mnemonic, 0) + 1
        case.name = f"{mnemonic}_{count[mnemonic]}"
        case.family = family
