"""Networks that nobody tuned for in the emulator, against the CPU."""

import numpy as np
import pytest

import capi
import nets
from programs import parameters
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
