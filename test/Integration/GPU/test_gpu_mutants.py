"""Kernels with one mistake: the emulator or a comparison with the CPU finds each of them."""

import re

import numpy as np
import pytest

import capi
import nets
from programs import parameters, refuse, run

WHERE = r"kernel net_\w+, block \d+, thread \d+ .*net.mlir:\d+"


def small_net(batch):
    """Two convolutions, a pool between them, two fully connected layers; most results fill more than a warp."""
    net = nets.Net(1, 10, 10)
    x = net.relu(net.conv2d("conv1", 0, 3, 1, 3, 3))
    x = net.op("max_pool2d", x, attrs="{kernel = [2, 2]}", reference=None)
    x = net.conv2d("conv2", x, 4, 3, 2, 2)
    x = net.linear("fc1", net.flatten(x), 36, 36, net.type("?", 36))
    net.linear("fc2", x, 35, 36, net.type("?", 35))
    return net.text("cross_entropy", "#ai.sgd<lr = 1.0e-2>", batch=batch)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.mlir"
    path.write_text(small_net(batch=2))
    return path


@pytest.fixture
def outcome(path, monkeypatch):
    """Compiles, trains with races checked, evaluates, predicts; returns all numbers that come of it."""
    monkeypatch.setenv("AI_GPU_CHECK", "race")

    def run_all(target, *options):
        program = capi.compile(path, f"--target={target}", "-O0", *options)
        rng = np.random.default_rng(6)
        numbers = {}
        # One round of blocks, and several: sums are folded. Scores far from zero, and near it: a softmax that subtracts
        # anything but their maximum overflows.
        for samples, scale in ((2, 300), (5, 1)):
            model = program.create()
            for name, value in parameters(model).items():  # no bias is zero: none is like its neighbour
                model[name] = rng.uniform(-0.5, 0.5, value.shape).astype(np.float32)
            x = scale * rng.standard_normal((samples, 1, 10, 10)).astype(np.float32)
            y = rng.integers(0, 35, samples).astype(np.int32)
            outputs = model.predict(x)
            y[::2] = outputs.argmax(1)[::2]  # are right
            evaluation = model.evaluate(x, y)
            step = model.train_metrics(x, y)
            found = {"step": [step.loss, step.correct], "outputs": outputs, **parameters(model),
                     "evaluation": [evaluation.loss, evaluation.correct]}
            numbers.update({f"{name} of {samples} samples": value for name, value in found.items()})
        return numbers
    return run_all


def count(path, kind):
    """How many places there are for a mistake of that kind."""
    with pytest.raises(capi.Error) as error:
        capi.compile(path, "--target=cuda", f"--gpu-mutant={kind}:1000000")
    return int(re.search(rf"below (\d+) for {kind}", str(error.value))[1])


def barriers(path):
    """How many the training step's blocks have: they come first."""
    loops = run(capi.compiler(), path, "--target=cuda", "--emit=loops", "-o", "-")
    return loops.split("gpu.func @net_train_step_block")[1].split("gpu.return")[0].count("gpu.barrier")


@pytest.mark.parametrize("kind, batch", [("barrier", 2), ("fence", 1)])
def test_every_barrier_is_missed(path, outcome, kind, batch):
    """If nobody waits there, or only the threads of a warp for each other, two threads race. The losses of two samples are left
    to two threads of one warp, which need not wait for others: blocks of one sample leave them to one thread."""
    path.write_text(small_net(batch))
    number = barriers(path)
    assert 8 < number <= count(path, kind)
    for i in range(number):
        with pytest.raises(capi.Error, match=WHERE + ".*with no barrier between them"):
            outcome("cuda", f"--gpu-mutant={kind}:{i}")
            pytest.fail(f"{kind} {i} is not missed")


def test_an_index_off_by_one_is_found(path, outcome):
    """By a race, by the bounds of a memory, or by what comes of it. Of a few hundred accesses some are tried."""
    expected = outcome("cpu")

    def is_right(actual):
        return all(np.allclose(actual[name], value, rtol=1e-3, atol=1e-5) for name, value in expected.items())

    assert is_right(outcome("cuda"))
    for i in range(0, count(path, "index"), 17):
        try:
            assert not is_right(outcome("cuda", f"--gpu-mutant=index:{i}")), f"index {i} is not found"
        except capi.Error as error:
            assert re.search(WHERE, str(error))


def test_a_cross_check_names_the_op(path):
    """The first op whose result is wrong, and where it stands in the model file."""
    text = run(capi.compiler(), path, "--cross-check", "-O1")
    assert "conv2d_weight_gradient %d_conv2.weight (net.mlir:9:9)" in text and text.endswith("all within the tolerance\n")
    # The first loads of the block are of the rows of samples, the next of a bias and a weight of the first convolution.
    refuse(capi.compiler(), path, "--cross-check", "-O1", "--gpu-mutant=index:9",
                  saying="expects differences of at most 1e-04 of the largest element; the first beyond is conv2d (net.mlir:4:9): ")
