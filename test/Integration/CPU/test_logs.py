"""train --log and --trace of compiled examples. What else they do is tested in test/Runtime/test_watching.py."""

import json

import numpy as np
import pytest

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
