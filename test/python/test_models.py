"""What a model is: its layers, its trace, its IR."""

import base64
import json
import os
import pathlib
import re
import subprocess
import zlib
from xml.etree import ElementTree

import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")
from layers import lenet_layers  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AI_BUILD", SOURCE / "build"))


def ai_opt(text, *options):
    return subprocess.run([BUILD / "bin" / "ai-opt", "-", *options], input=text, capture_output=True, text=True, check=True).stdout


def example(name):
    return ai_opt((SOURCE / "examples" / name / f"{name}.mlir").read_text(), "--ai-infer-shapes")


class LeNet(aic.Module):
    def __init__(self):
        super().__init__(input_shape=(1, 28, 28), name="lenet")
        self.conv1, self.conv2 = aic.Conv2d(6, 5, padding=2), aic.Conv2d(16, 5)
        self.fc1, self.fc2, self.fc3 = aic.Linear(120), aic.Linear(84), aic.Linear(10)

    def forward(self, x):
        x = aic.max_pool2d(aic.relu(self.conv1(x)), 2)
        x = aic.max_pool2d(aic.relu(self.conv2(x)), 2)
        x = aic.relu(self.fc1(aic.flatten(x)))
        return self.fc3(aic.relu(self.fc2(x)))


def test_sequential_is_the_example():
    model = aic.Sequential(*lenet_layers(padding=2), input_shape=(1, 28, 28), name="keras-lenet")
    model.recipe = aic.Recipe(optimizer=aic.SGD(0.02, momentum=0.9), epochs=4)
    assert ai_opt(model.mlir()) == example("keras-lenet")


def test_module_is_the_example():
    model = LeNet()
    model.recipe = aic.Recipe(optimizer=aic.SGD(0.02, momentum=0.9), epochs=4, mean=0.1307, std=0.3081)
    assert ai_opt(model.mlir()) == example("lenet")


def test_module_is_the_sequential():
    layers = [aic.Conv2d(6, 5, padding=2), aic.ReLU(), aic.MaxPool2d(2), aic.Conv2d(16, 5), aic.ReLU(), aic.MaxPool2d(2),
              aic.Flatten(), aic.Linear(120), aic.ReLU(), aic.Linear(84), aic.ReLU(), aic.Linear(10)]
    assert LeNet().mlir() == aic.Sequential(*layers, input_shape=(1, 28, 28), name="lenet").mlir()


def test_every_stage(mlp):
    model = mlp(input_shape=(1, 4, 4))
    marks = {"shaped": "ai.model", "differentiated": "@model_train_step", "fused": "ai.linear", "blocked": "ai.for_blocks",
             "linalg": "linalg.", "buffers": "memref<", "loops": "affine.for", "llvm": "llvm.func", "llvm-ir": "define ",
             "asm": "_program", "dot": "digraph", "svg": "<svg"}
    for stage, mark in marks.items():
        if stage == "asm":
            mark = ".text"
        assert mark in model.mlir(stage), stage


def test_optimizers_and_schedules_reach_the_recipe(mlp):
    model = mlp(input_shape=(4,))
    for optimizer, text in [(aic.SGD(0.5, weight_decay=0.25), "#ai.sgd<lr = 0.5, weight_decay = 0.25>"),
                            (aic.SGD(0.5, 0.5, nesterov=True), "#ai.sgd<lr = 0.5, momentum = 0.5, nesterov = true>"),
                            (aic.Adam(0.5, 0.25), "#ai.adam<lr = 0.5, beta1 = 0.25>"), (aic.AdamW(0.5), "#ai.adamw<lr = 0.5>"),
                            (aic.RMSprop(0.5, momentum=0.25), "#ai.rmsprop<lr = 0.5, momentum = 0.25>"),
                            (aic.Adadelta(0.5), "#ai.adadelta<lr = 0.5>")]:
        model.recipe.optimizer = optimizer
        assert f"optimizer({text})" in model.mlir()
    for schedule, text in [(aic.StepSchedule(0.5), "#ai.step<gamma = 0.5>"),
                           (aic.StepSchedule(0.5, every=3), "#ai.step<gamma = 0.5, every = 3>"),
                           (aic.InverseSchedule(0.5, 0.75), "#ai.inverse<gamma = 0.5, power = 0.75>")]:
        model.recipe.schedule = schedule
        assert f"schedule({text})" in model.mlir()
    model.recipe.schedule = None
    assert "schedule" not in model.mlir()


class Residual(aic.Module):
    """Uses one layer twice, and operators with numbers on either side."""

    def __init__(self):
        super().__init__(input_shape=(6,))
        self.body, self.head = aic.Linear(6), aic.Linear(2)

    def forward(self, x):
        y = aic.relu(self.body(x)) + x
        y = 2 * self.body(y) - 1 / (1.5 + y ** 2.0)
        return self.head(-y / 2)


def test_operators_and_shared_layers():
    text = Residual().mlir()
    assert text.count('ai.parameter "body.weight"') == 2 and text.count("ai.linear") == 3
    assert [text.count(f"ai.{op} ") for op in ("add", "mul", "sub", "div", "power", "neg")] == [2, 1, 1, 2, 1, 1]
    assert "blocked" not in text and "ai.for_blocks" in Residual().mlir("blocked")


def test_every_function():
    class Functions(aic.Module):
        def forward(self, x):
            assert x.shape == (None, 2, 4, 4)
            y = aic.max_pool2d(x, 2) + aic.avg_pool2d(x, (2, 2), stride=2)
            for function in (aic.tanh, aic.sigmoid, aic.exp, aic.sqrt, aic.log, aic.sin, aic.cos, aic.dropout):
                y = function(y)
            y = aic.transpose(aic.maximum(aic.minimum(y, 1.0), 0.0), (0, 1, 3, 2))
            y = aic.reshape(y, (-1, 8))
            y = y - aic.mean(y, [1], keepdims=True) + aic.sum(y, [1], keepdims=True) * aic.amax(y, [1], keepdims=True)
            return aic.log_softmax(aic.softmax(y))

    model = Functions(input_shape=(2, 4, 4))
    model.recipe.loss = "nll_loss"
    text = model.mlir("shaped")
    for op in ("max_pool2d", "avg_pool2d", "tanh", "sigmoid", "exp", "sqrt", "log", "sin", "cos", "dropout", "max", "min",
               "transpose", "reshape", "reduce_mean", "reduce_sum", "reduce_max", "softmax", "log_softmax"):
        assert f"ai.{op} " in text, op
    assert "llvm.func" in model.mlir("llvm")


class Block(aic.Module):
    def __init__(self):
        super().__init__()
        self.linear = aic.Linear(4)

    def forward(self, x):
        return aic.relu(self.linear(x))


def test_modules_nest():
    class Net(aic.Module):
        def __init__(self):
            super().__init__(input_shape=(4,))
            self.first, self.second = Block(), Block()
            self.rest = aic.Sequential(aic.Linear(5), aic.ReLU(), aic.Linear(3, name="head"))

        def forward(self, x):
            return self.rest(self.second(self.first(x)))

    text = Net().mlir()
    for name in ("first.linear.weight", "second.linear.weight", "fc1.weight", "head.weight"):
        assert text.count(f'ai.parameter "{name}"') == 1, name


def test_layers_made_in_forward_are_different_ones():
    class Net(aic.Module):
        def forward(self, x):
            for _ in range(3):
                x = aic.relu(aic.Linear(4)(x))
            return x

    net = Net(input_shape=(4,))
    assert [net.mlir().count(f'"fc{i}.weight"') for i in (1, 2, 3, 4)] == [1, 1, 1, 0]


def test_a_sequential_has_no_forward_of_its_own():
    with pytest.raises(TypeError):
        class Net(aic.Sequential):
            pass


def test_layers_without_bias_and_pairs():
    model = aic.Sequential(aic.Conv2d(2, (3, 1), stride=(2, 1), dilation=2, bias=False), aic.Flatten(),
                           aic.Linear(2, bias=False), input_shape=(1, 9, 4))
    text = model.mlir()
    assert ".bias" not in text and "stride = [2, 1]" in text and "dilation = [2, 2]" in text
    assert "tensor<?x2x3x4xf32>" in text


def test_report_is_a_page_of_the_model(mlp, tmp_path):
    model = mlp(input_shape=(1, 4, 4))
    model.report(str(tmp_path / "r.html"), measure=True)
    page = (tmp_path / "r.html").read_text()
    facts = json.loads(re.search(r'id="facts">(.*?)</script>', page)[1])
    assert facts["model"] == "model" and facts["measured"] and any("measured" in nest for nest in facts["nests"])
    # The model file that lines are of is what mlir() prints.
    text = json.loads(zlib.decompress(base64.b64decode(re.search(r'id="texts">(.*?)</script>', page)[1])))["source"]["text"]
    line = {place["name"]: place["line"] for place in facts["places"]}["d fc1.weight"]
    assert "ai.linear" in text.splitlines()[line - 1] and "ai.train" in text
    with pytest.raises(aic.CompileError, match="cannot write"):
        model.report(str(tmp_path / "none" / "r.html"))


def test_notebooks_draw_it(mlp):
    assert mlp()._repr_html_() is None
    svg = mlp(input_shape=(1, 4, 4))._repr_html_()
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg") and ">ai.linear<" in svg and "16x16xf32" in svg
