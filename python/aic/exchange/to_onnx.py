"""Model -> ONNX file."""

import itertools
import os
import tempfile

import numpy as np

from .._aic import Module
from .writer import fail, nearest, require

OPSET, IR_VERSION = 18, 8


def to_onnx(model: Module, path: str | os.PathLike):
    """Writes a model with its present parameters as an ONNX file, opset 18; `from_onnx` reads the same model back.

    The file computes the output of the model as it is written: logits where a softmax belongs to the loss. Its batch is
    free. Dropout nodes stay, which do nothing unless they are told to train. A model that was not used yet is compiled
    first. Raises CompileError, all operators that ONNX cannot say at once, and OSError. Needs onnx >= 1.21.
    """
    onnx = require("onnx")
    if not isinstance(model, Module):
        raise TypeError(f"expects a model, got {type(model).__name__}")
    operators = model.operators()
    _check(operators)
    if any(op.op == "ai.parameter" and op.values is None for op in operators):
        model.parameters()
        operators = model.operators()
    exporter = _Exporter(onnx, operators)
    graph = onnx.helper.make_graph(exporter.nodes(), model.name, [exporter.info(exporter.names[0], operators[0])],
                                   [exporter.info(exporter.result, operators[exporter.output])],
                                   exporter.initializers())
    proto = onnx.helper.make_model(graph, producer_name="aic", ir_version=IR_VERSION,
                                   opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    if proto.ByteSize() >= 2 ** 31:
        fail([("", 0, f"expects a model of less than 2 GiB, the most that an ONNX file holds, got {proto.ByteSize()} bytes")])
    _write(os.fspath(path), proto.SerializeToString())


def _check(operators):
    refused = {}
    for op in operators[1:]:
        if op.op not in _RULES and op.op not in ("ai.parameter", "ai.constant", "ai.return"):
            refused.setdefault(op.op, [0, op])[0] += 1
    if refused:
        fail((op.filename, op.line, f"expects operators that ONNX has, got {name}, {count} time{'s' * (count > 1)}"
              f"{', first here' * (count > 1)}{nearest(name, _RULES)}") for name, (count, op) in refused.items())


def _write(path: str, data: bytes):
    """All of the file or nothing."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=os.path.basename(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


class _Exporter:
    def __init__(self, onnx, operators):
        self.onnx, self.operators = onnx, operators
        self.output = operators[-1].operands[0]
        self.parameters = {op.name: op for op in operators if op.op == "ai.parameter"}
        self.taken = set(self.parameters)
        self.result = self.fresh("output")
        self.names = [op.name if op.op == "ai.parameter" else self.fresh(op.op.removeprefix("ai.") or "input") for op in operators]
        if operators[self.output].op not in ("", "ai.parameter"):
            self.names[self.output] = self.result
        self.extra: list = []

    def fresh(self, name: str) -> str:
        """This name, or one with a number that nothing has yet."""
        numbered = (f"{name}_{number}" for number in itertools.count(1))
        name = name if name not in self.taken else next(n for n in numbered if n not in self.taken)
        self.taken.add(name)
        return name

    def info(self, name: str, op):
        return self.onnx.helper.make_tensor_value_info(name, 1, ["batch" if extent == -1 else extent for extent in op.shape])

    def initializers(self) -> list:
        return [self.onnx.numpy_helper.from_array(op.values, name) for name, op in self.parameters.items()] + self.extra

    def numbers(self, what: str, values, dtype=np.int64) -> str:
        """An input that is known beforehand, such as the shape of a Reshape."""
        name = self.fresh(what)
        self.extra.append(self.onnx.numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def nodes(self) -> list:
        make = self.onnx.helper.make_node
        nodes = []
        for position, op in enumerate(self.operators):
            if op.op == "ai.constant":
                value = self.onnx.numpy_helper.from_array(op.values)
                nodes.append(make("Constant", [], [self.names[position]], value=value))
            elif op.op in _RULES:
                kind, inputs, attributes = _RULES[op.op](self, op)
                for i, operand in enumerate(inputs):
                    if isinstance(operand, tuple):  # a matrix that is read transposed
                        inputs[i] = self.fresh("transposed")
                        nodes.append(make("Transpose", [operand[0]], [inputs[i]], perm=[1, 0]))
                nodes.append(make(kind, inputs, [self.names[position]], name=op.name, **attributes))
        if self.names[self.output] != self.result:
            nodes.append(make("Identity", [self.names[self.output]], [self.result]))
        return nodes

    def inputs(self, op) -> list[str]:
        return [self.names[operand] for operand in op.operands]


def _same(kind, **attributes):
    return lambda e, op: (kind, e.inputs(op), attributes)


def _window(kind, **attributes):
    def rule(e, op):
        given = op.attributes
        weight = e.operators[op.operands[1]].shape[2:] if kind == "Conv" else given["kernel"]
        dilation = {"dilations": given.get("dilation", [1, 1])} if kind == "Conv" else {}
        return kind, e.inputs(op), {"kernel_shape": weight, "strides": given.get("stride", [1, 1]),
                                    "pads": list(given.get("padding", [0, 0])) * 2, **dilation, **attributes}
    return rule


def _matmul(e, op):
    flips = op.attributes.get("transpose_lhs"), op.attributes.get("transpose_rhs")
    return "MatMul", [(name,) if flip else name for name, flip in zip(e.inputs(op), flips)], {}


def _reshape(e, op):
    return "Reshape", [*e.inputs(op), e.numbers("shape", op.shape)], {}


def _transpose(e, op):
    return "Transpose", e.inputs(op), {"perm": op.attributes["permutation"]}


def _reduce(kind):
    def rule(e, op):
        return kind, [*e.inputs(op), e.numbers("axes", op.attributes["dims"])], {"keepdims": int("keepdims" in op.attributes)}
    return rule


def _dropout(e, op):
    return "Dropout", [*e.inputs(op), e.numbers("ratio", op.attributes["rate"], np.float32)], {}


def _along(kind):
    return lambda e, op: (kind, e.inputs(op), {"axis": op.attributes.get("dim", 1)})


_RULES = {
    "ai.conv2d": _window("Conv"), "ai.max_pool2d": _window("MaxPool"), "ai.avg_pool2d": _window("AveragePool", count_include_pad=1),
    "ai.linear": _same("Gemm", transB=1), "ai.matmul": _matmul, "ai.flatten": _same("Flatten", axis=1), "ai.reshape": _reshape,
    "ai.transpose": _transpose, "ai.dropout": _dropout, "ai.power": _same("Pow"),
    "ai.softmax": _along("Softmax"), "ai.log_softmax": _along("LogSoftmax"),
    "ai.reduce_sum": _reduce("ReduceSum"), "ai.reduce_mean": _reduce("ReduceMean"), "ai.reduce_max": _reduce("ReduceMax"),
}
_RULES |= {f"ai.{kind.lower()}": _same(kind) for kind in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Relu", "Tanh", "Sigmoid", "Exp",
                                                           "Log", "Sqrt", "Sin", "Cos", "Neg")}
