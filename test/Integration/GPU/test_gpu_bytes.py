"""What kernels load and store: counted by the compiler, and by the emulator access by access."""

import re

import numpy as np
import pytest

import capi
import nets
from programs import EXAMPLES, run

COUNTS = re.compile(r"(\w+): (\d+) launches, bytes loaded (\d+), stored (\d+), of shared memory loaded (\d+), stored (\d+)")


def count(path, batch, *options):
    """What a step of `batch` samples loads and stores, of global and of shared memory, by kernel, and its thread blocks."""
    loops = run(capi.compiler(), path, "--target=cuda", "--emit=loops", "--report=roofline", "-o", "-", *options)
    blocks = -(-batch // int(re.search(r"ai.size = (\d+)", loops)[1]))
    counts = {}
    for row in re.findall(r"\{flops = [^}]*\}", loops.split("ai.kernel_costs")[1]):
        numbers = {key: int(value) for key, value in re.findall(r"(\w+) = (\d+) : i64", row)}
        # A kernel of grid 0 is counted for one block of samples.
        counts[re.search(r'name = "(\w+)"', row)[1]] = [
            numbers[key] * (1 if numbers["grid"] else blocks) for key in ("loaded", "stored", "shared_loaded", "shared_stored")]
    return counts, blocks


def test_a_step_of_lenet_moves_little():
    """At most 16 blocks read all weights twice, forward and backward; the update reads and writes weights and momenta; and a
    batch is read. Sums, rows and scalars find room in what the smaller weights do not take, which stay in shared memory."""
    counts, blocks = count(EXAMPLES / "lenet/lenet.mlir", 64, "--arch=sm_90")
    moved = sum(loaded + stored for name in ("block", "combine_0") for loaded, stored, *_ in [counts[f"lenet_train_step_{name}"]])
    parameters, batch = 4 * 61706, 64 * 4 * (28 * 28 + 1)
    assert blocks <= 16 and parameters < moved <= (4 + 2 * 16) * parameters + 2 * batch


@pytest.mark.parametrize("name, precision", [("odd", "f32"), ("branches", "f32"), ("odd", "tf32"), ("odd", "bf16")])
def test_both_counts_agree(name, precision, tmp_path, capfd, monkeypatch):
    path, batch = tmp_path / "net.mlir", 11
    path.write_text(getattr(nets, name)().text("cross_entropy", "#ai.sgd<lr = 0.1, momentum = 0.9>", batch=batch))
    expected, blocks = count(path, batch, f"--gpu-precision={precision}")
    assert blocks > 1
    monkeypatch.setenv("AI_GPU_CHECK", "bytes")
    program = capi.compile(path, "--target=cuda", "-O1", f"--gpu-precision={precision}")
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
