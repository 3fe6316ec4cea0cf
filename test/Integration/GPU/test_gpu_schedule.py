"""Steps that one kernel runs, in the emulator: the bits of those that are launched one by one."""

import os
import re
import subprocess

import numpy as np
import pytest

import capi
import nets
from programs import BUILD, DATA, EXAMPLES, compile_example, parameters, refuse, run, sha256, write_data

PERSISTENT = "--gpu-schedule=persistent"


@pytest.fixture(scope="session")
def joined(tmp_path_factory):
    """An example's program whose steps one kernel runs, by its name."""
    folder = tmp_path_factory.mktemp("joined")

    def get(name):
        return folder / name if (folder / name).exists() else compile_example(name, folder, "--target=cuda", "-O1", PERSISTENT)
    return get


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Data sets of some samples."""
    folder = tmp_path_factory.mktemp("data")

    def make(samples):
        rng = np.random.default_rng(11)
        return write_data(folder / str(samples), rng.integers(0, 256, (samples, 28, 28), np.uint8),
                          rng.integers(0, 10, samples).astype(np.uint8))
    return make


def train(program, data, path, *options, **env):
    """Trains with checkpoints in `path`; returns what it says but for the times, and the last checkpoint."""
    text = run(program, "train", "--data", data, "--save", path, *options, env={**os.environ, **env})
    return re.sub(r"\d+ images/s.*", "", text), sha256(path)


# Samples of which the last batch is smaller, and of several rounds of blocks, so that panels are folded.
@pytest.mark.parametrize("name, samples, batch, multiprocessors", [
    ("lenet", 70, 16, (1, 3, 64)), ("lenet", 150, 140, (5,)), ("keras-lenet", 7, 3, (1, 3)), ("lenet-cudnn", 7, 3, (1, 3)),
    ("mnist-net", 3, 2, (3,))])
def test_examples_train_to_the_same_bits(pair, joined, data, tmp_path, name, samples, batch, multiprocessors):
    """Lines of progress, evaluations and checkpoints, over two epochs."""
    options = "--epochs", 2, "--batch", batch
    expected = train(pair(name)[1], data(samples), tmp_path / "graph", *options)
    for number in multiprocessors:
        assert train(joined(name), data(samples), tmp_path / "joined", *options,
                     AI_GPU_MULTIPROCESSORS=str(number)) == expected, number


def test_orders_do_not_change_bits(joined, data, tmp_path):
    options = data(40), tmp_path / "saved", "--epochs", 1, "--batch", 16
    expected = train(joined("lenet"), *options)
    for order in ("reverse", "random:1", "random:2"):
        assert train(joined("lenet"), *options, AI_GPU_ORDER=order) == expected, order


def test_a_resumed_training_makes_the_same_checkpoint(pair, joined, data, tmp_path):
    """In either schedule."""
    whole, half = tmp_path / "whole", tmp_path / "half"
    train(joined("lenet"), data(40), whole, "--epochs", 2, "--batch", 16)
    for first, second in ((joined, joined), (lambda name: pair(name)[1], joined), (joined, lambda name: pair(name)[1])):
        train(first("lenet"), data(40), half, "--epochs", 1, "--batch", 16)
        train(second("lenet"), data(40), half, "--epochs", 2, "--batch", 16, "--load", half)
        assert sha256(whole) == sha256(half)


def test_a_log_has_the_curves_of_single_steps(pair, joined, data, tmp_path):
    """The same files but for their times: the last bytes of events are compared."""
    logs = []
    for program, name in ((pair("lenet")[1], "graph"), (joined("lenet"), "joined")):
        train(program, data(40), tmp_path / "saved", "--epochs", 1, "--batch", 16, "--log", tmp_path / name)
        logs.append({path.parent.name: re.findall(rb"step/loss.{8}", path.read_bytes(), re.DOTALL)
                     for path in (tmp_path / name).rglob("*tfevents*")})
    assert logs[0] == logs[1] and len(logs[0]["steps"]) == 3


def test_info_and_bench_know_joined_steps(pair, joined):
    assert "at once, many steps in one kernel\n" in run(joined("lenet"), "info")
    assert "many steps" not in run(pair("lenet")[1], "info")
    text = run(joined("lenet"), "bench", "--seconds", "0.3", "--data", DATA, "--batch", 4)
    assert int(re.search(r'"steps": (\d+)', text)[1]) >= 1 and '"first_losses": [2.' in text


def test_samples_without_room_are_trained_on_step_by_step(pair, joined, data, tmp_path):
    """With a note: the data set is what one kernel needs."""
    options = data(120), tmp_path / "saved", "--epochs", 1, "--batch", 60
    needed = int(re.search(r"device memory: ([0-9,]+)", run(joined("lenet"), "info", "--batch", 60))[1].replace(",", ""))
    little = {"AI_GPU_MEMORY": str(needed + 2 * 256 * (28 * 28 * 4 + 16) + 60000)}
    graph = train(pair("lenet")[1], *options)
    assert train(joined("lenet"), *options, **little) == graph
    note = ("lenet: note: the GPU has no room for the training set: steps are launched one by one, as with ai-compile "
            "--gpu-schedule=graph\n")
    command = [joined("lenet"), "train", "--data", options[0], "--epochs", "1", "--batch", "60", "--json"]
    for env, said in ((little, note), ({}, "")):
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})
        assert (done.returncode, done.stderr) == (0, said)


def test_a_gpu_without_cooperative_launches_is_refused(joined, data):
    driver = {**os.environ, "AI_GPU": "driver", "LD_LIBRARY_PATH": str(BUILD / "test/fake")}
    train = joined("lenet"), "train", "--data", data(40), "--epochs", 1, "--batch", 16
    run(*train, env=driver)
    refuse(*train, env={**driver, "FAKE_CUDA_TOGETHER": "0"},
           saying="expects a GPU whose thread blocks can wait for each other (cooperative launches), got Fake GPU, compute "
                  "capability 9.0, 132 multiprocessors; compile the model with --gpu-schedule=graph")


NETS = {"odd": (nets.odd, "cross_entropy", 37), "mlp": (nets.mlp, "mse_loss", 5),
        "branches": (nets.branches, "cross_entropy", 5), "pooled": (nets.pooled, "nll_loss", 5)}


def samples_for(program, count):
    rng = np.random.default_rng(5)
    inputs, targets = program.io[3], program.io[4]
    x = rng.standard_normal((count, *inputs.shape[1:inputs.rank])).astype(np.float32)
    if program.table.contents.loss != 2:
        return x, rng.integers(0, program.table.contents.num_classes, count).astype(np.int32)
    return x, rng.standard_normal((count, *targets.shape[1:targets.rank])).astype(np.float32)


def train_net(program, count, batch):
    """Two epochs; returns all numbers that come of them."""
    model = program.create()
    model.keep(*samples_for(program, count))
    metrics = [model.train_batches(0, count, batch) for _ in range(2)]
    return [(m.loss, m.correct, m.count) for m in metrics], {k: v.tobytes() for k, v in parameters(model).items()}


@pytest.mark.parametrize("name", NETS)
def test_nets_that_nobody_tuned_for(name, monkeypatch):
    build, loss, batch = NETS[name]
    text = build().text(loss, "#ai.adam<lr = 0.01>", batch=batch)
    graph, joined = (capi.compile(text, "--target=cuda", "-O1", *options) for options in ((), (PERSISTENT,)))
    for size in (batch, 2 * batch + 1):  # of several rounds, too
        count = 2 * size + 3
        expected = train_net(graph, count, size)
        for multiprocessors in ("1", "5"):
            monkeypatch.setenv("AI_GPU_MULTIPROCESSORS", multiprocessors)
            assert train_net(joined, count, size) == expected, (size, multiprocessors)


def test_every_barrier_of_the_grid_is_missed(tmp_path, monkeypatch):
    """If only the threads of a block wait there, two blocks race."""
    path = tmp_path / "net.mlir"
    net = nets.Net(1, 10, 10)
    x = net.relu(net.conv2d("conv1", 0, 3, 1, 3, 3))
    x = net.linear("fc1", net.flatten(x), 96, 192, net.type("?", 96))
    net.linear("fc2", x, 35, 96, net.type("?", 35))
    path.write_text(net.text("cross_entropy", "#ai.sgd<lr = 1.0e-2, momentum = 0.9>", batch=2))
    monkeypatch.setenv("AI_GPU_CHECK", "race")
    monkeypatch.setenv("AI_GPU_MULTIPROCESSORS", "3")
    options = "--target=cuda", "-O0", PERSISTENT
    with pytest.raises(capi.Error) as error:
        capi.compile(path, *options, "--gpu-mutant=grid:1000000")
    number = int(re.search(r"below (\d+) for grid", str(error.value))[1])
    assert number == 3  # behind folds, blocks, and what finishes or combines
    train_net(capi.compile(path, *options), 150, 70)  # one round of blocks in the last batch, and several
    for i in range(number):
        with pytest.raises(capi.Error, match="kernel net_train_step_epoch, block .*with no barrier between them"):
            train_net(capi.compile(path, *options, f"--gpu-mutant=grid:{i}"), 150, 70)
            pytest.fail(f"barrier {i} is not missed")


TINY = """ai.model @tiny(%x: tensor<?x1x28x28xf32>) -> tensor<?x10xf32> {
  %f = ai.flatten %x : (tensor<?x1x28x28xf32>) -> tensor<*xf32>
  %w = ai.parameter "w" : tensor<10x784xf32>
  %b = ai.parameter "b" : tensor<10xf32>
  %y = ai.linear %f, %w, %b : (tensor<*xf32>, tensor<10x784xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  ai.return %y : tensor<?x10xf32>
}
ai.train @tiny loss(cross_entropy) optimizer(#ai.sgd<lr = 0.1>) {batch = 8, epochs = 1, seed = 1}
"""


def tiny(folder, *options):
    (folder / "tiny.mlir").write_text(TINY)
    run(capi.compiler(), folder / "tiny.mlir", "--target=cuda", "-O1", PERSISTENT, *options, "-o", folder / "tiny")
    return folder / "tiny"


def memory_of(program, kind):
    return int(re.search(rf"^{kind}: ([0-9,]+)", run(program, "info"), re.MULTILINE)[1].replace(",", ""))


def test_a_launch_is_no_batch(data, tmp_path):
    """A limit of memory counts batches, and a launch has many."""
    needed = memory_of(tiny(tmp_path), "memory")
    text, _ = train(tiny(tmp_path, f"--max-memory={needed}"), data(400), tmp_path / "saved")
    assert "Average loss" in text


def test_any_memory_will_do(data, tmp_path):
    """Where the samples have room and what a launch sends has not, they go."""
    program, one, ends = tiny(tmp_path), 28 * 28 * 4, set()
    needed = memory_of(program, "device memory") + 2 * 256 * (one + 16)
    expected = train(program, data(400), tmp_path / "saved")
    for more in range(20_000, 3 * 400 * (one + 16), 70_000):
        env = {**os.environ, "AI_GPU_MEMORY": str(needed + more)}
        done = subprocess.run([program, "train", "--data", data(400), "--save", tmp_path / "saved"], env=env, text=True,
                              capture_output=True)
        assert (done.returncode, sha256(tmp_path / "saved")) == (0, expected[1]), (more, done.stderr)
        ends.add("no room" in done.stderr)
    assert ends == {False, True}
