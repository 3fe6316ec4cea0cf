"""Networks that nobody tuned for in the emulator, against the CPU; and a small one without each of its barriers."""

import numpy as np
import pytest

import capi
import nets
from programs import parameters, run
from tolerance import close

NETS = {"odd": (nets.odd, "cross_entropy", 37), "mlp": (nets.mlp, "mse_loss", 5),
        "branches": (nets.branches, "cross_entropy", 5), "pooled": (nets.pooled, "nll_loss", 5)}


@pytest.mark.parametrize("name", NETS)
def test_nets_that_nobody_tuned_for(name):
    """Batches smaller than the recipe's, and of several rounds: panels are folded."""
    build, loss, batch = NETS[name]
    text = build().text(loss, "#ai.sgd<lr = 0.1>", batch=batch)
    programs = [capi.compile(text, f"--target={target}", "-O1") for target in ("cpu", "cuda")]
    for count in (batch, 2 * batch + 1):
        models = [program.create() for program in programs]
        rng = np.random.default_rng(5)
        _, *extents = programs[0].io[3].shape[:programs[0].io[3].rank]
        for step in range(3):
            x = rng.standard_normal((count, *extents)).astype(np.float32)
            if loss == "mse_loss":
                y = rng.standard_normal((count, *programs[0].io[4].shape[1:programs[0].io[4].rank])).astype(np.float32)
            else:
                y = rng.integers(0, programs[0].table.contents.num_classes, count).astype(np.int32)
            close(*(model.train_step(x, y) for model in reversed(models)), 1e-4, f"step {step} of {count} samples")
        for parameter, value in parameters(models[0]).items():
            close(models[1][parameter], value, 1e-4, parameter)


def small_net():
    """Two convolutions, a pool between them, a fully connected layer."""
    net = nets.Net(1, 8, 8)
    x = net.relu(net.conv2d("conv1", 0, 3, 1, 3, 3))
    x = net.op("max_pool2d", x, attrs="{kernel = [2, 2]}", reference=None)
    x = net.conv2d("conv2", x, 2, 3, 2, 2)
    net.linear("fc", net.flatten(x), 3, 8, net.type("?", 3))
    return net.text("cross_entropy", "#ai.sgd<lr = 0.1>", batch=2)


def test_every_barrier_is_missed(tmp_path, monkeypatch):
    """Each barrier is needed: without it the emulator names the kernel, the thread and the place of a race."""
    path = tmp_path / "net.mlir"
    path.write_text(small_net())
    loops = run(capi.compiler(), path, "--target=cuda", "--emit=loops", "-o", "-")
    kernel = loops.split("gpu.func @net_train_step_block")[1].split("gpu.return")[0]
    count = kernel.count("gpu.barrier")
    assert count > 8
    rng = np.random.default_rng(6)
    x, y = rng.standard_normal((2, 1, 8, 8)).astype(np.float32), np.array([0, 2], np.int32)
    monkeypatch.setenv("AI_GPU_CHECK", "race")
    capi.compile(path, "--target=cuda", "-O1").create().train_step(x, y)
    for number in range(count):
        program = capi.compile(path, "--target=cuda", "-O1", f"--gpu-without-barrier={number}")
        with pytest.raises(capi.Error, match=r"kernel net_train_step_block, block \d+, thread \d+ .*net.mlir:\d+.*"
                                            "with no barrier between them"):
            program.create().train_step(x, y)
