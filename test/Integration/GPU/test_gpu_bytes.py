"""What kernels load and store: counted by the compiler, and by the emulator access by access."""

import re

import numpy as np
import pytest

import capi
import nets
from programs import run

COUNTS = re.compile(r"(\w+): (\d+) launches, bytes loaded (\d+), stored (\d+), of shared memory loaded (\d+), stored (\d+)")


@pytest.mark.parametrize("name", ["odd", "branches"])
def test_both_counts_agree(name, tmp_path, capfd, monkeypatch):
    path, batch = tmp_path / "net.mlir", 3
    path.write_text(getattr(nets, name)().text("cross_entropy", "#ai.sgd<lr = 0.1, momentum = 0.9>", batch=batch))
    loops = run(capi.compiler(), path, "--target=cuda", "--emit=loops", "--report=roofline", "-o", "-")
    expected = {}
    for row in re.findall(r"\{flops = [^}]*\}", loops.split("ai.kernel_costs")[1]):
        numbers = {key: int(value) for key, value in re.findall(r"(\w+) = (\d+) : i64", row)}
        # A kernel of grid 0 is counted for one sample.
        expected[re.search(r'name = "(\w+)"', row)[1]] = [
            numbers[key] * (1 if numbers["grid"] else batch) for key in ("loaded", "stored", "shared_loaded", "shared_stored")]
    monkeypatch.setenv("AI_GPU_CHECK", "bytes")
    program = capi.compile(path, "--target=cuda", "-O1")
    model = program.create()
    inputs = program.io[3]
    capfd.readouterr()
    model.train_step(np.ones((batch, *inputs.shape[1:inputs.rank]), np.float32), np.zeros(batch, np.int32))
    del model
    counted = COUNTS.findall(capfd.readouterr().err)
    assert len(counted) >= 2
    for kernel, launches, *numbers in counted:
        assert launches == "1"
        assert [int(number) for number in numbers] == expected[kernel], kernel
