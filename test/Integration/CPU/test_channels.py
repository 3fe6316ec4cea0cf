"""Images whose lanes are channels: steps against JAX, bits, what stays with samples as lanes."""

import numpy as np
import pytest

import capi
import nets
import references as ref
from programs import parameters
from tolerance import close

# With a second cache of nothing every sum is too many: all images that can have channels as lanes get them.
EVERYWHERE = "--l2=1"


def pool(net, x, mnemonic, text, reference, *window):
    return net.op(mnemonic, x, attrs=text, reference=lambda x: reference(x, *window))


def convolve(net, name, x, *weight, **window):
    text = "{" + ", ".join(f"{key} = {list(value)}" for key, value in window.items()) + "}"
    return net.conv2d(name, x, *weight, attrs=text, **window)


def windows(element):
    """Strides, dilations, borders; a convolution in the windows of a pool; 3 channels read element by element."""
    net = nets.Net(3, 15, 14, element=element)
    x = net.relu(convolve(net, "strided", 0, 16, 3, 3, 3, stride=(2, 1), padding=(1, 1)))
    x = convolve(net, "dilated", x, 32, 16, 3, 3, dilation=(2, 2), padding=(2, 2))
    x = net.relu(pool(net, x, "max_pool2d", "{kernel = [2, 2]}", ref.max_pool2d, (2, 2)))
    x = convolve(net, "last", x, 48, 32, 3, 2)
    net.linear("fc", net.flatten(net.op("tanh", x, reference=nets.jnp.tanh)), 10, 48 * 2 * 6, net.type("?", 10))
    return net


def pools(element):
    """Overlapping and padded windows, means, and branches that meet."""
    net = nets.Net(2, 13, 13, element=element)
    x = convolve(net, "first", 0, 16, 2, 3, 3)
    a = pool(net, x, "max_pool2d", "{kernel = [3, 3], stride = [2, 2], padding = [1, 1]}", ref.max_pool2d,
             (3, 3), (2, 2), (1, 1))
    b = pool(net, x, "avg_pool2d", "{kernel = [3, 3], stride = [2, 2], padding = [1, 1]}", ref.avg_pool2d,
             (3, 3), (2, 2), (1, 1))
    x = net.op("sigmoid", net.op("add", a, b, reference=nets.jnp.add), reference=nets.jax.nn.sigmoid)
    x = convolve(net, "second", x, 16, 16, 3, 3, padding=(1, 1))
    x = pool(net, x, "avg_pool2d", "{kernel = [2, 2]}", ref.avg_pool2d, (2, 2))
    net.linear("fc", net.flatten(x), 10, 16 * 3 * 3, net.type("?", 10))
    return net


def mixed(element):
    """Seven channels between sixteen, and an operand that broadcasts: both have samples as lanes."""
    net = nets.Net(16, 9, 8, element=element)
    x = net.relu(convolve(net, "first", 0, 16, 16, 3, 3))
    x = net.relu(convolve(net, "odd", x, 7, 16, 3, 3))
    x = convolve(net, "last", x, 32, 7, 2, 2)
    x = net.op("mul", x, net.parameter("scale", 32, 1, 1, init="#ai.init<uniform, 1.0>"), reference=nets.jnp.multiply)
    net.linear("fc", net.flatten(x), 10, 32 * 4 * 3, net.type("?", 10))
    return net


def winners(element):
    """Gradients of max-pools whose zeros are left out: strides and borders of both, windows that overlap or leave rows
    uncovered, a winner for which nothing is positive."""
    net = nets.Net(16, 17, 15, element=element)
    x = convolve(net, "first", 0, 32, 16, 3, 3, stride=(2, 1), padding=(1, 2))
    x = net.relu(pool(net, x, "max_pool2d", "{kernel = [3, 3], stride = [2, 2], padding = [1, 1]}", ref.max_pool2d,
                      (3, 3), (2, 2), (1, 1)))
    x = convolve(net, "second", x, 16, 32, 2, 2)
    x = pool(net, net.relu(x), "max_pool2d", "{kernel = [2, 3], stride = [3, 3]}", ref.max_pool2d, (2, 3), (3, 3))
    net.linear("fc", net.flatten(x), 10, 16 * 1 * 2, net.type("?", 10))
    return net


def few(element):
    """The same with channels that fill no vector: rows of the kernel do, dilated rows of it don't."""
    net = nets.Net(1, 24, 23, element=element)
    x = net.relu(convolve(net, "first", 0, 6, 1, 3, 3))
    x = convolve(net, "bordered", x, 14, 6, 5, 5, stride=(2, 1), padding=(1, 2))
    x = net.relu(pool(net, x, "max_pool2d", "{kernel = [2, 3], stride = [1, 3]}", ref.max_pool2d, (2, 3), (1, 3)))
    x = convolve(net, "dilated", x, 5, 14, 1, 2, dilation=(1, 2))
    x = pool(net, x, "max_pool2d", "{kernel = [3, 3], stride = [2, 2], padding = [1, 1]}", ref.max_pool2d,
             (3, 3), (2, 2), (1, 1))
    x = convolve(net, "last", x, 3, 5, 2, 3)
    net.linear("fc", net.flatten(net.op("tanh", x, reference=nets.jnp.tanh)), 10, 3 * 4 * 1, net.type("?", 10))
    return net


def tiles(element):
    """Winograd's algorithm: results in the windows of a pool, borders of all widths, input gradients."""
    net = nets.Net(3, 10, 14, element=element)
    x = convolve(net, "points", 0, 16, 3, 1, 1)
    x = convolve(net, "pooled", x, 32, 16, 3, 3)
    x = net.relu(pool(net, x, "max_pool2d", "{kernel = [2, 2]}", ref.max_pool2d, (2, 2)))
    x = net.relu(convolve(net, "bordered", x, 16, 32, 3, 3, padding=(2, 1)))
    net.linear("fc", net.flatten(x), 10, 16 * 6 * 6, net.type("?", 10))
    return net


def rims(element):
    """Winograd's tiles that reach beyond the results on both sides: in a pool's windows, without, in a gradient."""
    net = nets.Net(3, 14, 28, element=element)
    x = convolve(net, "points", 0, 16, 3, 1, 1)
    x = net.relu(convolve(net, "plain", x, 48, 16, 3, 3, padding=(1, 1)))
    x = convolve(net, "pooled", x, 32, 48, 3, 3, padding=(0, 2))
    x = net.relu(pool(net, x, "max_pool2d", "{kernel = [2, 2]}", ref.max_pool2d, (2, 2)))
    net.linear("fc", net.flatten(x), 10, 32 * 6 * 15, net.type("?", 10))
    return net


NETS = {"windows": windows, "pools": pools, "mixed": mixed, "winners": winners, "few": few, "tiles": tiles, "rims": rims}


@pytest.fixture(scope="module")
def compiled():
    """The nets, each compiled when first asked for."""
    programs = {}

    def get(name, element, *options):
        key = name, element, *options
        if key not in programs:
            net = NETS[name](element)
            text = net.text("cross_entropy", "#ai.sgd<lr = 1.0>", batch=37)
            programs[key] = net, capi.compile(text, EVERYWHERE, *options)
        return programs[key]
    return get


def batch(net, element, count):
    rng = np.random.default_rng(7)
    shape = [int(extent) for extent in net.input.split("<")[1].split("x")[1:-1]]
    return rng.standard_normal((count, *shape)).astype(element.replace("f", "float")), \
        rng.integers(0, 10, count).astype(np.int32)


@pytest.mark.parametrize("element", ["f32", "f64"])
@pytest.mark.parametrize("name", NETS)
def test_a_step_is_that_of_jax(compiled, name, element):
    net, program = compiled(name, element)
    model = program.create(threads=2)
    before = parameters(model)
    oracle = nets.Oracle(net.forward, "cross_entropy", before, lr=1.0)
    x, y = batch(net, element, 37)
    close(model.train_step(x, y), oracle.train_step(x, y), 1e-5, "loss")
    for parameter, value in before.items():
        gradient = np.asarray(oracle.params[parameter]) - value
        assert np.abs(gradient).max() > 1e-4, parameter
        close(model[parameter] - value, gradient, 1e-5 if element == "f32" else 1e-13, parameter)


def test_all_algorithms_give_the_same_step(compiled):
    gradients = []
    for algorithm in ("auto", "direct", "winograd"):
        net, program = compiled("tiles", "f32", f"--conv={algorithm}")
        model = program.create(threads=1, seed=3)
        model.train_step(*batch(net, "f32", 37))
        gradients.append(parameters(model))
    auto, direct, winograd = gradients
    for name, value in direct.items():
        close(winograd[name], value, 1e-5, name)
        close(auto[name], value, 1e-5, name)
    for one, other in ((direct, winograd), (direct, auto)):
        assert any(one[name].tobytes() != other[name].tobytes() for name in direct)


@pytest.mark.parametrize("name", NETS)
def test_threads_do_not_change_bits(compiled, name):
    net, program = compiled(name, "f32")
    outcomes = []
    for threads in (1, 3):
        model = program.create(threads=threads)
        losses = [model.train_step(*batch(net, "f32", count)) for count in (37, 5)]
        outcomes.append((losses, {parameter: value.tobytes() for parameter, value in parameters(model).items()}))
    assert outcomes[0] == outcomes[1]
