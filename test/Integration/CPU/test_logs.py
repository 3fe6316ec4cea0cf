"""train --log of compiled examples. What else it does is tested in test/Runtime/test_watching.py."""

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
