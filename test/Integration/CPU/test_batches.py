"""One program for every batch: from one sample to 65,536 it does what JAX does, in the memory that it promises."""

import json
import pathlib
import resource

import numpy as np
import pytest

import capi
import nets
from programs import parameters, run
from test_training import batches
from tolerance import close

BATCHES = [1, 2, 37, 4096, 65536]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A small regression: its net, its library, and its program."""
    folder, net = tmp_path_factory.mktemp("tiny"), nets.mlp()
    (folder / "tiny.mlir").write_text(net.text("mse_loss", "#ai.sgd<lr = 0.1>", batch=64))
    run(capi.compiler(), folder / "tiny.mlir", "--emit=lib", "-o", folder / "tiny.so")
    run(capi.compiler(), folder / "tiny.mlir", "-o", folder / "tiny")
    return net, capi.Program(folder / "tiny.so"), folder / "tiny"


@pytest.mark.parametrize("batch", BATCHES)
def test_two_steps_are_those_of_jax(tiny, batch):
    net, program, _ = tiny
    model = program.create(threads=2, batch=batch)
    oracle = nets.Oracle(net.forward, "mse_loss", parameters(model))
    for x, y in batches(program, "mse_loss", 2, batch):
        close(model.train_step(x, y), oracle.train_step(x, y), 1e-4, "loss")
    for name, value in parameters(model).items():
        close(value, oracle.params[name], 1e-4, name)


def test_memory_grows_by_eight_bytes_a_sample(tiny):
    memory = [json.loads(run(tiny[2], "info", "--json", "--batch", batch, "--threads", 2))["memory_bytes"]
              for batch in BATCHES]
    assert np.diff(memory).tolist() == (8 * np.diff(BATCHES)).tolist()


def resident():
    """Bytes of this process that are in memory."""
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("batch", [1, 65536])
def test_a_training_takes_what_info_says(tiny, batch):
    _, program, executable = tiny
    promised = json.loads(run(executable, "info", "--json", "--batch", batch, "--threads", 2))["memory_bytes"]
    (x, y), = batches(program, "mse_loss", 1, batch)
    before = resident()
    model = program.create(threads=2, batch=batch)
    for _ in range(3):
        model.train_step(x, y)
    # The kernel counts whole pages, and touches stacks of the pool's threads.
    assert resident() - before < 1.05 * promised + (1 << 20)
    assert model.lib.ai_rt_model_memory(model.handle) == promised
