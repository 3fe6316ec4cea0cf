"""Whole models: steps against JAX, bits against the number of threads, checkpoints."""

import functools

import numpy as np
import pytest

import capi
import nets
from programs import EXAMPLES, parameters, train_and_resume
from tolerance import close

NETS = {"odd": (nets.odd, "cross_entropy"), "mlp": (nets.mlp, "mse_loss"),
        "branches": (nets.branches, "cross_entropy"), "pooled": (nets.pooled, "nll_loss")}


def batches(program, loss, count, batch):
    """`count` batches of normal inputs with random labels, or float targets."""
    rng, info = np.random.default_rng(5), program.table.contents
    _, *extents = program.io[3].shape[:program.io[3].rank]
    for _ in range(count):
        x = rng.standard_normal((batch, *extents)).astype(np.float32)
        if loss == "mse_loss":
            yield x, rng.standard_normal((batch, *program.io[4].shape[1:program.io[4].rank])).astype(np.float32)
        else:
            yield x, rng.integers(0, info.num_classes, batch).astype(np.int32)


@pytest.fixture(scope="module")
def compiled():
    """The nets, each compiled when first asked for."""
    programs = {}

    def get(name):
        if name not in programs:
            build, loss = NETS[name]
            net = build()
            programs[name] = net, loss, capi.compile(net.text(loss, "#ai.sgd<lr = 0.1>", batch=37))
        return programs[name]
    return get


@pytest.mark.parametrize("batch", [37, 64, 5])
@pytest.mark.parametrize("name", NETS)
def test_ten_steps_are_those_of_jax(compiled, name, batch):
    net, loss, program = compiled(name)
    model = program.create(threads=2)
    oracle = nets.Oracle(net.forward, loss, parameters(model))
    for x, y in batches(program, loss, 10, batch):
        close(model.train_step(x, y), oracle.train_step(x, y), 1e-4, "loss")
    for parameter, value in parameters(model).items():
        close(value, oracle.params[parameter], 1e-4, parameter)


@pytest.mark.parametrize("name", NETS)
def test_threads_do_not_change_bits(compiled, name):
    _, loss, program = compiled(name)

    def outcome(threads, batch, steps):
        model = program.create(threads=threads)
        losses = [model.train_step(x, y) for x, y in batches(program, loss, steps, batch)]
        x = next(iter(batches(program, loss, 1, batch)))[0]
        outputs = {"outputs": model.predict(x), **parameters(model)}
        return losses, {name: value.tobytes() for name, value in outputs.items()}

    assert outcome(1, 150, 4) == outcome(3, 150, 4)
    # Fewer blocks than threads, or some left over: teams compute them.
    for batch, teams in ((5, (2, 3, 8)), (37, (2, 8))):
        alone = outcome(1, batch, 6)
        for threads in teams:
            assert outcome(threads, batch, 6) == alone, f"batch {batch}, {threads} threads"


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("optimizer", ["#ai.sgd<lr = 0.1, momentum = 0.9>", "#ai.adam<lr = 0.01>", "#ai.adamw<lr = 0.01>",
                                       "#ai.rmsprop<lr = 0.01>", "#ai.adadelta<lr = 1.0>"])
def test_threads_do_not_change_updates(optimizer, level):
    program = capi.compile(nets.odd().text("cross_entropy", optimizer, batch=37), f"-O{level}")

    def outcome(threads):
        model = program.create(threads=threads)
        for x, y in batches(program, "cross_entropy", 3, 37):
            model.train_step(x, y)
        return {name: model[name].tobytes() for name in program.tensors}

    alone = outcome(1)
    for threads in (2, 3, 8):
        for name, value in outcome(threads).items():
            assert value == alone[name], f"{name}, {threads} threads"


# Weights of a convolution: output and input channels, height, width. Their product is what a block
# folds from one sum per sample; the tails are vectors of every length.
WEIGHTS = [(7, 3, 3, 2), (5, 1, 2, 3), (1, 1, 1, 1), (3, 2, 1, 5), (2, 4, 4, 4), (16, 3, 5, 5)]


@functools.cache
def one_layer(weight, element):
    outputs, inputs, height, width = weight
    net = nets.Net(inputs, height + 2, width + 3, element=element)
    x = net.conv2d("conv", 0, *weight, attrs="{stride = [1, 2]}", stride=(1, 2))
    net.linear("fc", net.flatten(x), 3, outputs * 3 * 2, net.type("?", 3))
    return net


@pytest.mark.parametrize("element", ["f32", "f64"])
@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: "x".join(map(str, weight)))
def test_the_gradient_of_a_convolution_is_that_of_jax(weight, element):
    """One step of rate 1: the change of the weight is its gradient. Blocks are full, partial and missing."""
    forward = one_layer(weight, "f32").forward  # in JAX, which is given f64: compiled once for both
    program = capi.compile(one_layer(weight, element).text("cross_entropy", "#ai.sgd<lr = 1.0>", batch=53))
    for batch in (53, 5):
        model = program.create(threads=2)
        before = parameters(model)
        oracle = nets.Oracle(forward, "cross_entropy", before, lr=1.0)
        (x, y), = batches(program, "cross_entropy", 1, batch)
        model.train_step(x, y)
        oracle.train_step(x, y)
        for name, value in parameters(model).items():
            gradient = np.asarray(oracle.params[name]) - before[name]
            assert np.abs(gradient).max() > 1e-4, name
            close(value - before[name], gradient, 1e-6 if element == "f32" else 1e-13, name)


@pytest.mark.parametrize("name", NETS)
def test_evaluate_and_predict_are_those_of_jax(compiled, name):
    net, loss, program = compiled(name)
    model = program.create(threads=2)
    (x, y), = batches(program, loss, 1, 53)
    out = np.asarray(net.forward(parameters(model), x), np.float64)
    metrics = model.evaluate(x, y)
    close(metrics.loss, np.sum(nets.LOSSES[loss](out, y)), 1e-4, "loss")
    assert metrics.count == 53
    if loss == "mse_loss":
        close(model.predict(x), out, 1e-5, "prediction")
        return
    assert metrics.correct == (out.argmax(1) == y).sum()
    exponentials = np.exp(out - out.max(1, keepdims=True))
    close(model.predict(x), exponentials / exponentials.sum(1, keepdims=True), 1e-5, "probabilities")


def test_a_resumed_training_has_the_same_bits(compiled, tmp_path):
    _, loss, program = compiled("pooled")
    data = list(batches(program, loss, 6, 37))
    whole, first, second = program.create(), program.create(), program.create(seed=99)
    train_and_resume(whole, first, second, data, 3, tmp_path / "half.safetensors")
    for name, value in parameters(whole).items():
        assert value.tobytes() == second[name].tobytes(), name


def lenet(params, x):
    """examples/lenet/lenet.mlir in JAX."""
    def block(x, name, padding):
        x = nets.ref.conv2d(x, params[f"{name}.weight"], params[f"{name}.bias"], padding=padding)
        return nets.ref.max_pool2d(nets.jax.nn.relu(x), (2, 2))
    x = block(block(x, "conv1", (2, 2)), "conv2", (0, 0)).reshape(len(x), -1)
    for name in ("fc1", "fc2"):
        x = nets.jax.nn.relu(x @ params[f"{name}.weight"].T + params[f"{name}.bias"])
    return x @ params["fc3.weight"].T + params["fc3.bias"]


def test_ten_lenet_steps_are_those_of_jax():
    program = capi.compile(EXAMPLES / "lenet" / "lenet.mlir")
    model = program.create(threads=2)
    assert sum(value.size for value in parameters(model).values()) == 61706
    settings = {name: float(model[name]) for name, info in program.tensors.items() if info.role == 2}
    oracle = nets.Oracle(lenet, "cross_entropy", parameters(model), **settings)
    for x, y in batches(program, "cross_entropy", 10, 64):
        close(model.train_step(x, y), oracle.train_step(x, y), 1e-4, "loss")
    for name, value in parameters(model).items():
        close(value, oracle.params[name], 1e-4, name)
