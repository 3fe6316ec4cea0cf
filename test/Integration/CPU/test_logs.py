"""train --log and --trace of compiled examples. What else they do is tested in test/Runtime/test_watching.py."""

import json

import numpy as np
import pytest

import capi
import formats
import programs
from programs import run


@pytest.mark.parametrize("name, formula, constant", [
    ("mnist-net", lambda step: 0.5 ** step, "gamma=1"),
    ("lenet-cudnn", lambda step: 0.01 * (1 + 0.5 * step) ** -0.75, "power=0"),
])
def test_the_logged_learning_rate_is_the_one_that_trains(example, small_data, tmp_path, name, formula, constant):
    """An epoch is one step, so both schedules count the same. The third step is repeated at a constant rate."""
    train = [example(name), "train", "--data", small_data, "--batch", 1000]
    log, two, three, again = (tmp_path / part for part in ("log", "2", "3", "again"))
    run(*train, "--set", "gamma=0.5", "--log", log, "--epochs", 2, "--save", two)
    run(*train, "--set", "gamma=0.5", "--log", log, "--epochs", 3, "--load", two, "--save", three)
    rates = formats.curve(log / "steps", "step/learning_rate")
    assert rates == pytest.approx({step: formula(step - 1) for step in (1, 2, 3)}, rel=1e-6)
    run(*train, "--set", constant, "--set", f"lr={rates[3]!r}", "--epochs", 3, "--load", two, "--save", again)
    before, result, same = map(formats.read_safetensors, (two, three, again))
    for tensor, values in result.items():
        assert np.abs(values - before[tensor]).max() > 1e-6
        np.testing.assert_allclose(same[tensor], values, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_trace_shows_nests_inside_of_blocks(tmp_path, threads):
    program = programs.compile_example("lenet", tmp_path, "--profile")
    run(program, "bench", "--seconds", 0.2, "--threads", threads, "--trace", tmp_path / "t.json")
    traced = [e for e in json.loads((tmp_path / "t.json").read_text())["traceEvents"] if e["ph"] == "X"]
    assert {e["tid"] for e in traced} == set(range(threads))
    total = covered = 0
    for thread in range(threads):
        own = [e for e in traced if e["tid"] == thread]
        nests = [e for e in own if e["cat"] == "nest"]
        held = 0
        for outer in (e for e in own if e["name"] in ("block", "combine")):
            end = outer["ts"] + outer["dur"] + 2e-3
            inside = [e for e in nests if outer["ts"] <= e["ts"] and e["ts"] + e["dur"] <= end]
            assert len(inside) > 10
            assert all(a["ts"] + a["dur"] <= b["ts"] + 2e-3 for a, b in zip(inside, inside[1:]))
            held, total = held + len(inside), total + outer["dur"]
            covered += sum(e["dur"] for e in inside)
        assert held == len(nests)
    assert covered > 0.9 * total
    names = {e["name"] for e in traced if e["cat"] == "nest"}
    assert {"d conv1.weight", "d fc1.weight+fc1.weight"} <= names and "" not in names


def test_the_graph_is_the_model(example, small_data, tmp_path):
    run(example("lenet"), "train", "--data", small_data, "--epochs", 1, "--log", tmp_path)
    graph = formats.read_graph(tmp_path / "train")
    assert len(graph) == 1 + 10 + 5 + 4 + 2 + 1 + 1  # input, parameters, layers, relus, pools, flatten, output
    assert graph["input"] == ("input", [], [-1, 1, 28, 28])
    assert graph["conv1/weight"] == ("ai.parameter", [], [6, 1, 5, 5])
    assert graph["conv1/conv2d"] == ("ai.conv2d", ["input", "conv1/weight", "conv1/bias"], [-1, 6, 28, 28])
    assert graph["relu_1"] == ("ai.relu", ["conv2/conv2d"], [-1, 16, 10, 10])
    assert graph["output"] == ("ai.return", ["fc3/linear"], [-1, 10])
    assert all(name in graph for _, inputs, _ in graph.values() for name in inputs)


SHARED = """
ai.model @net(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = ai.parameter "odd name.w" : tensor<4x4xf32>
  %s = ai.constant dense<2.0> : tensor<f32>
  %y = ai.matmul %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %v = ai.parameter "odd name.w" : tensor<4x4xf32>
  %z = ai.matmul %y, %v : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %r = ai.mul %z, %s : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  ai.return %r : tensor<?x4xf32>
}
ai.train @net loss(cross_entropy) optimizer(#ai.sgd<lr = 1.0>)
"""


def test_a_graph_has_a_shared_parameter_once(tmp_path):
    (tmp_path / "net.mlir").write_text(SHARED)
    run(capi.compiler(), tmp_path / "net.mlir", "-o", tmp_path / "net")
    data = programs.write_data(tmp_path / "data", np.zeros((8, 4), np.uint8), np.zeros(8, np.uint8))
    run(tmp_path / "net", "train", "--data", data, "--epochs", 1, "--log", tmp_path / "log")
    assert formats.read_graph(tmp_path / "log/train") == {
        "input": ("input", [], [-1, 4]), "odd_name/w": ("ai.parameter", [], [4, 4]), "constant": ("ai.constant", [], []),
        "odd_name/matmul": ("ai.matmul", ["input", "odd_name/w"], [-1, 4]),
        "odd_name/matmul_1": ("ai.matmul", ["odd_name/matmul", "odd_name/w"], [-1, 4]),
        "mul": ("ai.mul", ["odd_name/matmul_1", "constant"], [-1, 4]), "output": ("ai.return", ["mul"], [-1, 4])}
    assert not any(tag.startswith("misclassified") for _, values, _ in formats.read_events(tmp_path / "log/test") for tag in values)
