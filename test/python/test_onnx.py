"""Models from and to ONNX files: what they compute, what comes back, what is refused, and files that are broken."""

import os
import random
import re
import struct

import numpy as np
import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")
onnx = pytest.importorskip("onnx", reason="expects onnx: pip install .[onnx]")
from onnx import helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx_nets import NETS, File, lenet, mlp, resnet  # noqa: E402

NEWEST = onnx.defs.onnx_opset_version()
in_long = pytest.mark.skipif(not os.environ.get("AI_LONG"), reason="takes time to compile: test/run.sh --long, test/python/torch.sh")


@pytest.mark.parametrize("name", [name if name == "resnet" else pytest.param(name, marks=in_long) for name in NETS])
def test_computes_the_same(name, tmp_path):
    file = NETS[name]()
    model = aic.from_onnx(file.save(tmp_path / "net.onnx"))
    x = np.random.default_rng(1).standard_normal((3, *file.shape), np.float32)
    expected, = ReferenceEvaluator(file.model()).run(None, {"x": x})
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_comes_back(name, tmp_path):
    model = aic.from_onnx(NETS[name]().save(tmp_path / "net.onnx"))
    aic.to_onnx(model, tmp_path / "again.onnx")
    again = aic.from_onnx(tmp_path / "again.onnx")
    assert again.mlir() == model.mlir()
    values = [[op.values for op in m.operators() if op.op == "ai.parameter"] for m in (model, again)]
    for left, right in zip(*values, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("opset", sorted({13, 17, 18, 21, NEWEST}))
def test_opsets(opset, tmp_path):
    texts = [aic.from_onnx(lenet(opset=o).save(tmp_path / "net.onnx")).mlir() for o in (18, opset)]
    assert texts[0] == texts[1]


def test_a_fixed_batch_becomes_free(tmp_path):
    f = File((2, 3), batch=5)
    f.node("Reshape", "x", f.tensor("shape", [5, 6], np.int64))
    model = aic.from_onnx(f.save(tmp_path / "net.onnx"))
    assert model.predict(np.ones((2, 2, 3), np.float32)).shape == (2, 6)


class Everything(aic.Module):
    """Each operator that has a counterpart in ONNX, with all that can be said about it."""

    def __init__(self):
        super().__init__(input_shape=(2, 6, 6), name="everything")
        self.recipe.loss = "mse_loss"
        self.conv = aic.Conv2d(4, (3, 1), stride=(2, 1), padding=(1, 0), dilation=(1, 2), bias=False)
        self.linear = aic.Linear(6)

    def forward(self, x):
        x = aic.relu(self.conv(aic.dropout(x, 0.25)))
        x = aic.max_pool2d(x, (1, 2), padding=(0, 1)) + aic.avg_pool2d(x, (1, 2), padding=(0, 1))
        x = aic.transpose(aic.reshape(x, (-1, 4, 12)), (0, 2, 1))
        x = aic.maximum(aic.sin(x), aic.cos(x)) - aic.minimum(aic.exp(-x), 2.0) * aic.tanh(x) / (x * x + 1)
        x = x - aic.mean(x, [1, 2], keepdims=True) + aic.amax(x, [2], keepdims=True) * aic.sum(aic.sigmoid(x), [1], keepdims=True)
        y = self.linear(aic.flatten(x))
        y = aic.log(aic.softmax(y)) + aic.log_softmax(y) + aic.sqrt(y ** 2.0)
        return y


def test_every_operator(tmp_path):
    model = Everything()
    aic.to_onnx(model, tmp_path / "net.onnx")
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)
    kinds = {op.op for op in model.operators()}
    assert len(kinds) == 33 and kinds == {op.op for op in aic.from_onnx(tmp_path / "net.onnx").operators()}
    x = np.random.default_rng(0).standard_normal((3, 2, 6, 6), np.float32)
    expected, = ReferenceEvaluator(str(tmp_path / "net.onnx")).run(None, {"input": x})
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5, atol=1e-5)
    assert aic.from_onnx(tmp_path / "net.onnx").mlir() == re.sub(r" init\([^)]*\)", "", model.mlir())


def test_nothing_is_said_of_what_depends_on_what_is_refused(tmp_path):
    """Behind an operator that is refused only what is wrong by itself."""
    f = resnet()
    f.nodes[1].op_type = "Elu"
    for node in f.nodes:
        if node.op_type == "Conv":
            del node.attribute[:]
            node.attribute.append(helper.make_attribute("auto_pad", "SAME_UPPER"))
    f.nodes[-1].attribute.append(helper.make_attribute("alpha", 0.5))
    error = refused(f, tmp_path / "net.onnx")
    assert str(error) == (f"{tmp_path / 'net.onnx'}:2:1: error: expects operators that are supported, got Elu, 1 time; "
                          "the nearest supported one is Relu")


def test_what_was_learnt_is_written(blobs, mlp, tmp_path):
    model = mlp()
    model.fit(blobs, epochs=1, verbose=False)
    aic.to_onnx(model, tmp_path / "net.onnx")
    assert sorted(os.listdir(tmp_path)) == ["net.onnx"]
    values = {op.name: op.values for op in aic.from_onnx(tmp_path / "net.onnx").operators() if op.op == "ai.parameter"}
    assert values.keys() == model.parameters().keys()
    for name, expected in model.parameters().items():
        np.testing.assert_array_equal(values[name], expected)


def test_names_that_clash(tmp_path):
    f = File((4,))
    f.linear("input", 4, 4)
    f.node("Add", f.last, f.weight("output", 4))
    f.node("Mul", f.last, f.weight("linear", 4))
    model = aic.from_onnx(f.save(tmp_path / "net.onnx"))
    aic.to_onnx(model, tmp_path / "again.onnx")
    assert aic.from_onnx(tmp_path / "again.onnx").mlir() == model.mlir()


@pytest.mark.parametrize("result", ["x", "w"])
def test_models_without_operators(result, tmp_path):
    f = File((4,))
    f.weight("w", 1, 4)
    f.node("Identity", result)
    if result == "w":
        with pytest.raises(aic.CompileError, match=r"expects an output \[N,...\], got \[1,4\]"):
            aic.from_onnx(f.save(tmp_path / "net.onnx"))
        return
    model = aic.from_onnx(f.save(tmp_path / "net.onnx"))
    aic.to_onnx(model, tmp_path / "again.onnx")
    assert aic.from_onnx(tmp_path / "again.onnx").mlir() == model.mlir()


def test_writing_is_all_or_nothing(tmp_path, mlp):
    with pytest.raises(OSError):
        aic.to_onnx(aic.from_onnx(resnet().save(tmp_path / "net.onnx")), tmp_path / "no" / "such.onnx")
    with pytest.raises(TypeError, match="expects a model, got int"):
        aic.to_onnx(1, tmp_path / "x.onnx")
    with pytest.raises(ValueError, match="expects the shape of a sample"):
        aic.to_onnx(mlp(), tmp_path / "x.onnx")
    graph = aic.Graph((4,))
    for _ in range(2):
        last = graph.add("ai.broadcast_like", [0, 0])
    graph.add("ai.relu", [last])
    with pytest.raises(aic.CompileError, match="expects operators that ONNX has, got ai.broadcast_like, 2 times, first here"):
        aic.to_onnx(graph, tmp_path / "x.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(OSError):
        aic.to_onnx(aic.from_onnx(tmp_path / "net.onnx"), tmp_path / "folder.onnx")
    assert sorted(os.listdir(tmp_path)) == ["folder.onnx", "net.onnx"]


#
# Files that are refused
#


def refused(file, path):
    with pytest.raises(aic.CompileError) as caught:
        aic.from_onnx(file.save(path))
    return caught.value


def test_all_that_is_unsupported_at_once(tmp_path):
    f = File((2, 8, 8))
    f.node("Gelu" if NEWEST >= 20 else "Elu")
    f.node("Elu")
    f.conv("c", 1, 4, 3, group=2)
    f.node("Elu")
    f.node("MaxPool", kernel_shape=[3, 3], pads=[0, 0, 1, 1])
    f.nodes.append(helper.make_node("Magic", [f.last], ["y"], domain="ours"))
    f.last, f.opset = "y", 20
    path = tmp_path / "net.onnx"
    model = f.model()
    model.opset_import.append(helper.make_opsetid("ours", 1))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(aic.CompileError) as caught:
        aic.from_onnx(path)
    assert (caught.value.filename, caught.value.lineno) == (str(path), 1)
    assert str(caught.value).splitlines() == [
        f"{path}:1:1: error: expects operators that are supported, got Gelu, 1 time; the nearest supported one is Relu",
        f"{path}:2:1: error: expects operators that are supported, got Elu, 2 times, first here; the nearest supported one is Relu",
        f"{path}:3:1: error: expects convolutions with groups of 1, got 2 in Conv, 1 time",
        f"{path}:5:1: error: expects the same padding on both sides of two dimensions, got [0, 0, 1, 1] in MaxPool, 1 time",
        f"{path}:6:1: error: expects operators that are supported, got ours::Magic, 1 time; none that is supported comes near"]


def one(op, *inputs, shape=(4,), opset=18, **attributes):
    def write():
        f = File(shape, opset=opset)
        f.node(op, "x", *(f.tensor(f"t{i}", values) if isinstance(values, np.ndarray) is False and not isinstance(values, tuple)
                          else f.tensor(f"t{i}", *values) for i, values in enumerate(inputs)), **attributes)
        return f
    return write


INT = np.int64
NODES = [
    (one("Add", (1, np.float64)), "another type in Add"),
    (one("Add", ([1, 2, 3, 4], INT)), "expects float32 everywhere, got int64 in Add"),
    (one("Cast", to=10), "expects float32 everywhere, got a conversion to another type in Cast"),
    (one("Add", [1.0, 2, 3]), "'ai.add' op expects"),
    (one("Reshape", ([2, -1], INT)), r"expects the batch to stay dimension 0, got \[N,4\] reshaped to \[2,2\] in Reshape"),
    (one("Reshape", ([-1, 3], INT)), r"expects the batch to stay dimension 0, got \[N,4\] reshaped to \[-1, 3\] in Reshape"),
    (one("Reshape", ([-1, 2], INT)), r"expects the batch to stay dimension 0"),
    (one("Reshape", ([0, 4], INT), allowzero=1), r"expects extents of at least 1, got \[0, 4\] in Reshape"),
    (one("Softmax", axis=2), None),
    (one("ReduceSum", ([3], INT)), "expects dimensions of a tensor of rank 2, got 3 in ReduceSum"),
    (one("Transpose", perm=[1, 0]), "'ai.transpose' op expects the batch"),
    (one("Dropout", 1.5), "expects a ratio of at least 0 and less than 1, got 1.5 in Dropout"),
    (one("AveragePool", shape=(1, 4, 4), kernel_shape=[2, 2], pads=[1, 1, 1, 1]), "expects averages over whole windows, padding included"),
    (one("MaxPool", shape=(1, 5, 5), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), "round its output's size down"),
    (one("MaxPool", shape=(1, 5, 5), kernel_shape=[2, 2], dilations=[2, 2]), "expects pools with dilation of 1"),
    (one("MaxPool", shape=(1, 5), kernel_shape=[2]), "expects pools in two dimensions, got kernel_shape .2."),
    (one("MaxPool", shape=(1, 5, 5), kernel_shape=[2, 2], strides=[0, 1]), "expects sizes of at least 1"),
    (one("Gather", ([0], INT)), "expects the numbers of a shape, got a tensor in Gather"),
    (one("Flatten", axis=0), "expects to flatten from axis 1 on, got 0 in Flatten"),
    (one("Conv", np.zeros((2, 1, 3), np.float32).tolist(), shape=(1, 5)), "expects convolutions in two dimensions"),
]


@pytest.mark.parametrize("write, text", NODES, ids=range(len(NODES)))
def test_nodes(write, text, tmp_path):
    error = str(refused(write(), tmp_path / "net.onnx"))
    assert error.startswith(f"{tmp_path / 'net.onnx'}:") and "\n" not in error
    assert re.search(text or "expects", error), error


def test_graphs(tmp_path):
    path = tmp_path / "net.onnx"
    for opset in (12, 9):
        assert f"expects an ONNX file of opset 13 to {NEWEST}, got {opset}" in str(refused(mlp(opset=opset), path))
    assert f"got {NEWEST + 1}" in str(refused(mlp(opset=NEWEST + 1), path))
    for shape in ((), ("C", 4), (0, 4), (2 ** 20, 2 ** 20)):
        assert "expects an input [N,...] whose samples have a fixed shape" in str(refused_shape(shape, path))
    model = mlp().model()
    model.graph.input.append(helper.make_tensor_value_info("z", 1, ["N", 4]))
    assert "expects one input and one output, got 2 and 1" in str(refused_model(model, path))
    model = mlp().model()
    model.graph.input[0].type.tensor_type.elem_type = 11
    assert "expects an input of float32, got another type of 'x'" in str(refused_model(model, path))
    model = mlp().model()
    indices = helper.make_tensor("i", 7, [2], [0, 3])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(helper.make_tensor("w1", 1, [2], [1.0, 2.0]), indices, [36, 32]))
    del model.graph.initializer[1]
    assert "expects dense initializers, got 1 that are sparse" in str(refused_model(model, path))
    model = mlp().model()
    model.graph.node[3].input[0] = "nothing"
    assert "expects a valid ONNX file: " in str(refused_model(model, path))
    path.write_bytes(b"")
    with pytest.raises(aic.CompileError, match="got none"):
        aic.from_onnx(path)
    with pytest.raises(OSError, match="no-such"):
        aic.from_onnx(tmp_path / "no-such.onnx")


def refused_shape(shape, path):
    f = File(shape)
    f.node("Relu")
    return refused(f, path)


def refused_model(model, path):
    path.write_bytes(model.SerializeToString())
    with pytest.raises(aic.CompileError) as caught:
        aic.from_onnx(path)
    return caught.value


#
# External data
#


def external(model, location, folder, **entries):
    """Moves the first weight into a file, wherever that is said to be."""
    tensor = model.graph.initializer[1]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return data


def test_external_data(tmp_path):
    expected = aic.from_onnx(mlp().save(tmp_path / "net.onnx"))
    (tmp_path / "data").mkdir()
    model = mlp().model()
    size = len(model.graph.initializer[1].raw_data)
    data = external(model, "./data/weights.bin", tmp_path, offset=16, length=size)
    (tmp_path / "data" / "weights.bin").write_bytes(bytes(16) + data + bytes(3))
    got = aic.from_onnx(tmp_path / "net.onnx")
    assert got.mlir() == expected.mlir()
    for left, right in zip(got.operators(), expected.operators(), strict=True):
        np.testing.assert_array_equal(left.values, right.values)
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        assert aic.from_onnx("net.onnx").mlir() == expected.mlir()
    finally:
        os.chdir(before)


@pytest.mark.parametrize("location", ["../secret", "a/../../secret", "/etc/hostname", "..", "", ".", "link", "folder-link/secret", "hard", "folder",
                                      "pipe", "a\\..\\secret", "no-such", "net.onnx/x", "x\0y"])
def test_external_data_outside(location, tmp_path):
    """Nothing outside is read, whatever the file says; and nothing waits for a pipe."""
    folder = tmp_path / "model"
    (folder / "folder").mkdir(parents=True)
    (folder / "a").mkdir()
    (tmp_path / "secret").write_bytes(bytes(36 * 32 * 4))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder-link").symlink_to(tmp_path)
    (folder / "hard").hardlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    external(mlp().model(), location, folder)
    with pytest.raises(aic.CompileError) as caught:
        aic.from_onnx(folder / "net.onnx")
    error = str(caught.value)
    assert "\n" not in error and "external data" in error and "'w1'" in error, error


@pytest.mark.parametrize("entries, text", [
    ({"length": 5}, "expects 4608 bytes of external data, got offset 0 and length 5 of 'w1'"),
    ({"offset": -1}, "expects 4608 bytes of external data, got offset -1 and length 4608"),
    ({"offset": "many"}, "expects numbers as offset and length of external data, got 'many' and None"),
    ({"offset": 1}, "expects 4609 bytes in the file 'w' of external data, got 4608"),
    ({"offset": 2 ** 63}, "got offset 9223372036854775808"),
])
def test_external_data_that_do_not_fit(entries, text, tmp_path):
    (tmp_path / "w").write_bytes(bytes(36 * 32 * 4))
    external(mlp().model(), "w", tmp_path, **entries)
    with pytest.raises(aic.CompileError, match=text):
        aic.from_onnx(tmp_path / "net.onnx")


#
# Broken files
#


def mutate(data, rng):
    """One of: some bytes changed, a part cut off, a part twice, a number that is extreme."""
    data = bytearray(data)
    at = rng.randrange(len(data))
    kind = rng.randrange(4)
    if kind == 0:
        for _ in range(rng.randrange(1, 9)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        data[at:at] = data[at:at + rng.randrange(1, 50)]
    else:
        data[at:at + 8] = rng.choice([b"\xff" * 8, bytes(8), struct.pack("<q", -1 << 63), b"\xff" * 7 + b"\x7f"])
    return bytes(data)


KINDS = ["Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool", "Gemm", "MatMul", "Flatten", "Reshape", "Squeeze",
         "Unsqueeze", "Transpose", "Identity", "Constant", "Shape", "Gather", "Concat", "Slice", "Cast", "Dropout", "Clip", "Pow",
         "Softmax", "LogSoftmax", "ReduceSum", "ReduceMean", "ReduceMax", "Reciprocal", "Add", "Relu", "Max", "Sum", "Elu", "If"]
NUMBERS = [0, 1, -1, 2, 3, 7, 2 ** 31 - 1, 2 ** 31, 2 ** 40, 2 ** 63 - 1, -(2 ** 63)]


def scramble(model, rng):
    """A file that protobuf reads, and that says something else: nodes, names, numbers, shapes."""
    graph = model.graph
    for _ in range(rng.randrange(1, 4)):
        node, kind = rng.choice(graph.node), rng.randrange(7)
        if kind == 0 and node.attribute:
            attribute = rng.choice(node.attribute)
            if attribute.ints:
                attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(NUMBERS)
            attribute.i = rng.choice(NUMBERS)
        elif kind == 1 and node.input:
            node.input[rng.randrange(len(node.input))] = rng.choice([*(n.output[0] for n in graph.node), *(t.name for t in graph.initializer), "x", ""])
        elif kind == 2:
            node.op_type = rng.choice(KINDS)
        elif kind == 3:
            graph.node.remove(node)
        elif kind == 4:
            tensor = rng.choice(graph.initializer)
            tensor.dims[:] = [rng.choice([*NUMBERS, *tensor.dims]) for _ in range(rng.randrange(5))]
        elif kind == 5:
            tensor = rng.choice([t for t in graph.initializer if t.data_type == t.INT64] or graph.initializer)
            count = len(tensor.raw_data) // 8
            tensor.raw_data = b"".join(struct.pack("<q", rng.choice(NUMBERS)) for _ in range(count)) + bytes(len(tensor.raw_data) % 8)
        else:
            dims = graph.input[0].type.tensor_type.shape.dim
            dims[rng.randrange(len(dims))].dim_value = rng.choice(NUMBERS)
    return model.SerializeToString()


@pytest.mark.parametrize("change", [mutate, scramble])
@pytest.mark.parametrize("seed", range(3))
def test_mutations(seed, change, tmp_path):
    """Of 100 broken files each is refused with one line, or is read: a changed weight breaks nothing."""
    rng = random.Random(seed)
    path = tmp_path / "net.onnx"
    refusals = 0
    for _ in range(100):
        model = NETS[rng.choice(["mlp", "resnet"])]().model()
        path.write_bytes(mutate(model.SerializeToString(), rng) if change is mutate else scramble(model, rng))
        try:
            aic.from_onnx(path).mlir()
        except aic.CompileError as error:
            refusals += 1
            for line in str(error).split("\n"):  # one for each problem
                assert re.match(re.escape(str(path)) + r"(:\d+:1)?: error: [\x20-\x7e]+$", line), str(error)
    assert refusals > 40
