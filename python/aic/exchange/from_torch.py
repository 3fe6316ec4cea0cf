"""torch.export's graph -> Graph."""

import contextlib
import io
import logging
import operator
import os
import re
from typing import TYPE_CHECKING

from .._aic import Graph
from .writer import UNKNOWN, UNKNOWN_NUMBER, Unsupported, Value, Writer, fail, nearest, pair, require, show

if TYPE_CHECKING:
    import torch


def from_torch(module: "torch.nn.Module", example_inputs: "torch.Tensor | tuple[torch.Tensor]", name: str = "") -> Graph:
    """A model that computes what a PyTorch module computes, with its parameters, names and source lines.

    `example_inputs` is a batch, float32 [N,...], or a tuple of one. Its N does not matter: any batch fits the model.
    The module is exported in the mode that it is in: dropout becomes part of the model in `module.train()`, not in
    `module.eval()`. Parameters are views of the module's until the model is compiled, which copies them to its own
    memory. Its loss is "mse_loss", with which `predict` returns what the module returns; `fit` chooses another one.

    Raises CompileError, located at lines of the module: all operators that are not supported, at once; control flow
    that depends on data; anything but float32 on the CPU. Needs torch >= 2.6.
    """
    torch = require("torch")
    example = _check(torch, module, example_inputs)
    program = _export(torch, module, example)
    graph = Graph(list(example.shape[1:]), name or type(module).__name__)
    _Importer(torch, program, graph).run()
    graph.recipe.loss = "mse_loss"
    return graph


def _check(torch, module, example_inputs) -> "torch.Tensor":
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"expects a torch.nn.Module, got {type(module).__name__}")
    example = example_inputs
    if isinstance(example, (tuple, list)):
        if len(example) != 1:
            fail([("", 0, f"expects one input, a batch, got {len(example)}")])
        example = example[0]
    if not isinstance(example, torch.Tensor):
        raise TypeError(f"expects example inputs as a torch.Tensor, got {type(example).__name__}")
    if example.dim() < 2 or 0 in example.shape:
        fail([("", 0, f"expects example inputs [N,...] of at least one sample, got {show(example.shape)}")])
    tensors = [("the example inputs", example), *module.named_parameters(), *module.named_buffers()]
    wrong = [f"{name} of {str(t.dtype).removeprefix('torch.')}" for name, t in tensors
             if t.is_floating_point() and t.dtype != torch.float32 or t is example and t.dtype != torch.float32]
    if wrong:
        fail([("", 0, f"expects float32 everywhere, got {', '.join(wrong)}; convert them, as module.float() does")])
    wrong = [f"{name} on {t.device}" for name, t in tensors if t.device.type != "cpu"]
    if wrong:
        fail([("", 0, f"expects everything on the CPU, got {', '.join(wrong)}; move them, as module.cpu() does")])
    return example


def _export(torch, module, example):
    batch = torch.cat([example.detach()] * 2)[:max(2, len(example))]  # an extent of 1 would count as fixed
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # what goes wrong is raised; the logs would tell it twice
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            program = torch.export.export(module, (batch,), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=False)
        if any(getattr(getattr(n.target, "_schema", None), "is_mutable", False) for n in program.graph.nodes):
            program = program.run_decompositions({})  # takes nothing apart, but writes x.relu_() as x.relu()
        return program
    except Exception as error:
        _explain(torch, error)
    finally:
        logging.disable(level)


def _explain(torch, error: Exception):
    """Raises a CompileError for what torch.export could not do."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if "data-dependent" in str(error):
        text = (f"expects control flow that does not depend on data, got: {lines[0].split(' (unhinted')[0]}; write it with "
                "functions of tensors, such as relu and maximum")
    elif lines[0].startswith("Constraints violated"):
        why = " ".join(lines[1:2]).split(". ")[0]
        text = f"expects a module that takes any batch, got: {why}; write -1 or x.shape[0] for it"
    else:
        why = " ".join(lines[:1 + lines[0].endswith(":")])
        text = f"expects a module that torch.export takes, got {type(error).__name__}: {why}"
    frames, traceback = [], error.__traceback__
    while traceback:
        frames.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    frames = frames[2:]  # behind from_torch and _export
    fail([(*_users(torch, frames), text)], error)


def _users(torch, frames: list[tuple[str, int]]) -> tuple[str, int]:
    """The innermost line that is not torch's own."""
    own = os.path.dirname(torch.__file__) + os.sep
    for file, line in reversed(frames):
        if not file.startswith((own, "<eval_with_key", "<string>", "torch" + os.sep)):
            return file, line
    return "", 0


class _Importer:
    def __init__(self, torch, program, graph: Graph):
        self.torch, self.program, self.w = torch, program, Writer(graph)
        self.kinds = {spec.arg.name: (spec.kind.name, spec.target) for spec in program.graph_signature.input_specs}
        self.values: dict = {}
        self.parameters: dict[str, Value] = {}
        first: dict = {}  # tensors with the same elements have the same name
        self.names = {name: first.setdefault((t.data_ptr(), t.shape, t.stride()), name) for name, t in program.state_dict.items()}

    def run(self):
        w, signature = self.w, self.program.graph_signature
        if signature.buffers_to_mutate:
            names = ", ".join(signature.buffers_to_mutate.values())
            fail([("", 0, f"expects a forward that changes no buffer, got changes of {names}; call module.eval() first")])
        for node in self.program.graph.nodes:
            w.at(*self.place(node))
            if node.op == "placeholder" and self.kinds[node.name][0] == "USER_INPUT":
                self.values[node] = w.input
                self.batch = str(node.meta["val"].shape[0])
            elif node.op == "call_function":
                self.values[node] = self.convert(node)
            elif node.op == "output":
                self.end(node.args[0])

    def end(self, outputs):
        if len(outputs) != 1 or not isinstance(outputs[0], self.torch.fx.Node):
            self.w.refuse(f"expects a module that returns one tensor, got {len(outputs)} results")
        result = self.value(outputs[0])
        self.w.finish(result)

    def place(self, node) -> tuple[str, int]:
        frames = re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or "")
        return _users(self.torch, [(file, int(line)) for file, line in frames])

    def value(self, arg):
        """An argument of a node: nodes become values, the rest stays."""
        if isinstance(arg, (list, tuple)):
            return [self.value(a) for a in arg]
        if not isinstance(arg, self.torch.fx.Node):
            return arg
        if arg not in self.values:
            self.values[arg] = self.load(arg)
        return self.values[arg]

    def load(self, node) -> Value:
        """A parameter or a constant, when it is first used."""
        kind, target = self.kinds.get(node.name, ("", node.name))
        state, constants = self.program.state_dict, self.program.constants
        tensor = state[target] if target in state else constants.get(target)
        if not isinstance(tensor, self.torch.Tensor) or tensor.dtype != self.torch.float32:
            raise Unsupported(f"expects float32 everywhere, got {target} of {_type(tensor)}")
        if kind != "PARAMETER":
            return self.w.constant(tensor.detach().numpy())
        name = self.names[target]
        if name not in self.parameters:
            self.parameters[name] = self.w.parameter(name, tensor.detach().contiguous())
        return self.parameters[name]

    def shape(self, node) -> tuple[int, ...]:
        """Of a node's result; -1 where the batch stands."""
        shape = node.meta["val"].shape
        if any(not isinstance(extent, int) and str(extent) != self.batch for extent in shape):
            raise Unsupported(f"expects the batch to stay dimension 0, got {list(shape)}")
        return tuple(extent if isinstance(extent, int) else -1 for extent in shape)

    def convert(self, node) -> Value:
        target = node.target
        if not isinstance(node.meta.get("val"), (self.torch.Tensor, tuple)):
            return UNKNOWN_NUMBER  # such as x.shape[0]; operators that need it say so
        if target is operator.getitem:
            return self.value(node.args[0]) if node.args[1] == 0 else UNKNOWN
        schema = getattr(target, "_schema", None)
        name = str(target).rsplit(".", 1)[0] if schema else getattr(target, "__name__", str(target))
        rule = _RULES.get(name)
        if not rule:
            self.w.refuse(f"expects operators that are supported, got {name}", nearest(name, _RULES))
            return UNKNOWN
        try:
            given = dict(zip((a.name for a in schema.arguments), node.args)) | node.kwargs
            arguments = {"x" if a.name in ("self", "input") else a.name: self.value(given.get(a.name, a.default_value))
                         for a in schema.arguments if a.name in given or a.has_default_value()}
            self.check_type(node)
            return rule(self, node, **arguments)
        except Unsupported as problem:
            self.w.refuse(f"{problem} in {name}")
            return UNKNOWN

    def check_type(self, node):
        for n in (*node.all_input_nodes, node):
            value = n.meta.get("val")
            value = value[0] if isinstance(value, tuple) else value
            if isinstance(value, self.torch.Tensor) and value.dtype != self.torch.float32:
                raise Unsupported(f"expects float32 everywhere, got {_type(value)}")

    def label(self, node) -> str:
        """Of a layer: what its parameters are named after."""
        kind, target = self.kinds.get(getattr(node.args[1], "name", ""), ("", ""))
        return self.names[target].rpartition(".")[0] if kind == "PARAMETER" else ""


def _type(tensor) -> str:
    return str(getattr(tensor, "dtype", type(tensor).__name__)).removeprefix("torch.")


def _unary(name):
    return lambda i, node, x: i.w.op(name, x)


def _binary(name):
    def rule(i, node, x, other, alpha=1, rounding_mode=None):
        if rounding_mode:
            raise Unsupported(f"expects no rounding_mode, got {rounding_mode}")
        return i.w.op(name, x, other if alpha == 1 else i.w.op("mul", other, alpha))
    return rule


def _rsub(i, node, x, other, alpha=1):
    return i.w.op("sub", other, x if alpha == 1 else i.w.op("mul", x, alpha))


def _identity(i, node, x, **_):
    return x


def _to_shape(i, node, x, **_):
    return i.w.reshape(x, i.shape(node))


def _conv2d(i, node, x, weight, bias, stride, padding, dilation, groups):
    if isinstance(padding, str):
        kernel = node.args[1].meta["val"].shape[2:]
        totals = [d * (k - 1) if padding == "same" else 0 for d, k in zip(pair(dilation, 1), kernel)]
        if any(total % 2 for total in totals):
            raise Unsupported(f"expects the same padding on both sides, got 'same' of a kernel {list(kernel)}")
        padding = [total // 2 for total in totals]
    return i.w.conv2d(x, weight, bias, stride, padding, dilation, groups, i.label(node))


def _linear(i, node, x, weight, bias):
    return i.w.linear(x, weight, bias, i.label(node))


def _max_pool2d(i, node, x, kernel_size, stride, padding, dilation, ceil_mode):
    return i.w.pool("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)


def _avg_pool2d(i, node, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    if divisor_override or (not count_include_pad and any(pair(padding, 0))):
        raise Unsupported("expects averages over whole windows, padding included, got count_include_pad or divisor_override")
    return i.w.pool("avg_pool2d", x, kernel_size, stride, padding, 1, ceil_mode)


def _dropout(i, node, x, p, train):
    return i.w.op("dropout", x, rate=float(p)) if train and p else x


def _reduce(name):
    def rule(i, node, x, dim=None, keepdim=False, dtype=None):
        return i.w.reduce(name, x, [dim] if isinstance(dim, int) else dim, keepdim)
    return rule


def _transpose(i, node, x, dim0=0, dim1=1):
    order = list(range(len(node.meta["val"].shape)))
    if order:
        order[dim0], order[dim1] = order[dim1], order[dim0]
    return i.w.op("transpose", x, permutation=order)


def _permute(i, node, x, dims):
    return i.w.op("transpose", x, permutation=[d % len(dims) for d in dims])


def _clamp(i, node, x, min=None, max=None):
    x = x if min is None else i.w.op("max", x, min)
    return x if max is None else i.w.op("min", x, max)


_RULES = {
    "aten.conv2d": _conv2d, "aten.linear": _linear, "aten.max_pool2d": _max_pool2d, "aten.avg_pool2d": _avg_pool2d,
    "aten.adaptive_avg_pool2d": lambda i, node, x, output_size: i.w.adaptive_avg_pool2d(x, output_size),
    "aten.dropout": _dropout, "aten.native_dropout": _dropout,
    "aten.permute": _permute, "aten.transpose": _transpose, "aten.t": _transpose,
    "aten.add": _binary("add"), "aten.sub": _binary("sub"), "aten.mul": _binary("mul"), "aten.div": _binary("div"),
    "aten.rsub": _rsub, "aten.maximum": _binary("max"), "aten.minimum": _binary("min"),
    "aten.clamp": _clamp, "aten.clamp_min": _clamp, "aten.clamp_max": _clamp,
    "aten.pow": lambda i, node, x, exponent: i.w.op("power", x, exponent),
    "aten.square": lambda i, node, x: i.w.op("mul", x, x),
    "aten.rsqrt": lambda i, node, x: i.w.op("power", x, -0.5),
    "aten.reciprocal": lambda i, node, x: i.w.op("div", 1, x),
    "aten.silu": lambda i, node, x: i.w.op("mul", x, i.w.op("sigmoid", x)),
    "aten.relu6": lambda i, node, x: i.w.op("min", i.w.op("relu", x), 6),
    "aten.softmax": lambda i, node, x, dim, dtype=None: i.w.along("softmax", x, dim),
    "aten.log_softmax": lambda i, node, x, dim, dtype=None: i.w.along("log_softmax", x, dim),
    "aten.sum": _reduce("reduce_sum"), "aten.mean": _reduce("reduce_mean"), "aten.amax": _reduce("reduce_max"),
    "aten.matmul": lambda i, node, x, other: i.w.matmul(x, other),
    "aten.mm": lambda i, node, x, mat2: i.w.matmul(x, mat2),
}
_RULES |= {f"aten.{op}": _unary(op) for op in ("relu", "tanh", "sigmoid", "exp", "log", "sqrt", "sin", "cos", "neg")}
_RULES |= {f"aten.{op}": _to_shape for op in ("flatten", "view", "reshape", "squeeze", "unsqueeze", "unflatten", "_unsafe_view")}
_RULES |= {f"aten.{op}": _identity for op in ("contiguous", "clone", "alias", "to", "_to_copy")}
