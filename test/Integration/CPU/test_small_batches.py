"""Batches too small to be lanes: a variant of the step takes one sample at a time. So are the samples taken that the
recipe's batch leaves over behind its last whole block."""

import ctypes

import jax.numpy as jnp
import numpy as np
import pytest

import capi
import nets
from programs import parameters
from test_processors import LEVELS
from test_training import NETS, batches
from tolerance import close

ELEMENTS = ["f32", "f64"]


def steps_called(program, name):
    info = program.table.contents
    return [step for step in info.steps[:info.num_steps] if step.name == name]


def wide(element="f32"):
    """Channels of more and of less than a vector, strides, both pools, a branch that is one number a channel, and panels
    for the large weight."""
    net = nets.Net(3, 14, 15, element=element)
    side = net.op("reduce_mean", net.conv2d("side", 0, 22, 3, 4, 4), attrs="{dims = [2, 3], keepdims}",
                  reference=lambda x: x.mean((2, 3), keepdims=True))
    x = net.conv2d("conv1", 0, 22, 3, 3, 3, attrs="{padding = [1, 1]}", padding=(1, 1))
    x = net.relu(net.op("add", x, side, reference=jnp.add))
    x = net.op("max_pool2d", x, attrs="{kernel = [2, 2]}", reference=lambda x: nets.ref.max_pool2d(x, (2, 2), (2, 2)))
    x = net.relu(net.conv2d("conv2", x, 6, 22, 3, 3, attrs="{stride = [2, 1]}", stride=(2, 1)))
    x = net.op("avg_pool2d", x, attrs="{kernel = [3, 2], stride = [2, 1], padding = [1, 0]}",
               reference=lambda x: nets.ref.avg_pool2d(x, (3, 2), (2, 1), (1, 0)))
    x = net.relu(net.linear("fc1", net.flatten(x), 77, 6 * 2 * 4))
    net.linear("fc2", x, 10, 77, net.type("?", 10))
    return net


def few(element="f32"):
    """So few channels that pixels are the lanes of convolutions and input gradients: borders, one that an input gradient
    does not need, dilations, and a convolution without bias."""
    net = nets.Net(3, 17, 19, element=element)
    x = net.relu(net.conv2d("conv1", 0, 5, 3, 3, 3, attrs="{padding = [1, 1]}", padding=(1, 1)))
    x = net.relu(net.conv2d("conv2", x, 7, 5, 3, 2, attrs="{dilation = [2, 3], padding = [2, 0]}",
                            dilation=(2, 3), padding=(2, 0)))
    x = net.relu(net.conv2d("conv3", x, 5, 7, 2, 3, attrs="{padding = [2, 1]}", padding=(2, 1)))
    x = net.relu(net.conv2d("conv4", x, 5, 5, 1, 4, bias=False))
    net.linear("fc", net.flatten(x), 10, 5 * 20 * 13, net.type("?", 10))
    return net


MADE = {"wide": wide, "few": few}


@pytest.fixture(scope="module")
def compiled():
    """The nets for each processor, compiled when first asked for."""
    programs = {}

    def get(name, element="f32", *options):
        if (name, element, options) not in programs:
            build, loss = (MADE[name], "cross_entropy") if name in MADE else NETS[name]
            net = build(element) if name in MADE else build()
            text = net.text(loss, "#ai.sgd<lr = 0.1, momentum = 0.5>", batch=64)
            programs[name, element, options] = net, loss, capi.compile(text, *options)
        return programs[name, element, options]
    return get


@pytest.mark.parametrize("cpu", ["x86-64", "x86-64-v3", "native"])
@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("name", MADE)
def test_every_small_batch_trains_like_jax(compiled, name, element, cpu):
    net, loss, program = compiled(name, element, f"--cpu={cpu}")
    block, small = steps_called(program, b"train")
    assert block.most_samples == 0 and small.most_samples == small.num_slots >= 1 and small.block_size == 1
    tolerance = 1e-4 if element == "f32" else 1e-12
    most = small.most_samples
    for batch in sorted({1, min(2, most), most, most + 1}):
        model = program.create(threads=2)
        oracle = nets.Oracle(net.forward, loss, parameters(model), momentum=0.5)
        for x, y in batches(program, loss, 3, batch):
            close(model.train_step(x, y), oracle.train_step(x, y), 1e-4, f"loss of {batch}")
        for name, value in parameters(model).items():
            close(value, oracle.params[name], tolerance, f"{name}, batch {batch}")


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("name", [*NETS, *MADE])
def test_a_sample_alone_is_predicted_as_among_others(compiled, name, level):
    net, loss, program = compiled(name, "f32", f"-O{level}")
    model = program.create(threads=2)
    (x, y), = batches(program, loss, 1, 37)
    together = model.predict(x)
    variants = steps_called(program, b"predict")
    for count in range(1, variants[-1].most_samples + 1):
        close(model.predict(x[:count]), together[:count], 1e-5, f"{count} samples")
    assert len(variants) == 2 or name in ("odd", "branches"), "a variant"


@pytest.mark.parametrize("name", [*NETS, *MADE])
def test_threads_do_not_change_bits(compiled, name):
    _, loss, program = compiled(name)
    most = max(step.most_samples for step in steps_called(program, b"train"))

    def outcome(threads, batch):
        model = program.create(threads=threads)
        losses = [model.train_step(x, y) for x, y in batches(program, loss, 3, batch)]
        return losses, {name: value.tobytes() for name, value in parameters(model).items()}

    for batch in range(1, most + 1):
        alone = outcome(1, batch)
        for threads in (2, 3, 8):
            assert outcome(threads, batch) == alone, f"batch {batch}, {threads} threads"


def test_batches_of_every_size_take_turns(compiled):
    """Blocks and single samples share slots and workspaces."""
    net, loss, program = compiled("wide")
    model = program.create(threads=2)
    oracle = nets.Oracle(net.forward, loss, parameters(model), momentum=0.5)
    for batch in (64, 1, 17, 2, 200, 3, 1, 40):
        (x, y), = batches(program, loss, 1, batch)
        close(model.train_step(x, y), oracle.train_step(x, y), 1e-4, f"loss of {batch}")
        assert model.predict(x).shape == (batch, 10) and model.evaluate(x, y).count == batch
    for name, value in parameters(model).items():
        close(value, oracle.params[name], 1e-4, name)


def middle(element="f32"):
    """Sums of all kinds, none in panels: weight gradients, biases, a parameter that is added to all pixels."""
    net = nets.Net(3, 15, 13, element=element)
    x = net.relu(net.conv2d("conv1", 0, 13, 3, 3, 3, attrs="{padding = [1, 1]}", padding=(1, 1)))
    x = net.op("max_pool2d", x, attrs="{kernel = [2, 2]}", reference=lambda x: nets.ref.max_pool2d(x, (2, 2), (2, 2)))
    x = net.relu(net.conv2d("conv2", x, 11, 13, 3, 2, attrs="{stride = [2, 1]}", stride=(2, 1)))
    net.linear("fc", net.flatten(x), 10, 11 * 3 * 5, net.type("?", 10))
    return net


RESTS = {"middle": middle, "wide": wide}
CPU = LEVELS[-1]
LANES = {"x86-64": 4, "x86-64-v3": 8, "x86-64-v4": 16}  # of f32


def lanes_of(element):
    return LANES[CPU] // (1 if element == "f32" else 2)


@pytest.fixture(scope="module")
def leftovers():
    """Programs whose recipe's batch is two blocks and two samples."""
    programs = {}

    def get(name, element="f32", *options):
        if (name, element, options) not in programs:
            net = RESTS[name](element)
            text = net.text("cross_entropy", "#ai.sgd<lr = 0.1, momentum = 0.5>", batch=2 * lanes_of(element) + 2)
            programs[name, element, options] = net, capi.compile(text, f"--cpu={CPU}", *options)
        return programs[name, element, options]
    return get


def rest_of(program):
    """How the training step takes what blocks leave over; None where that is a block, too."""
    train = steps_called(program, b"train")[0]
    return ctypes.cast(train.rest, ctypes.POINTER(type(train))).contents if train.rest else None


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("name", RESTS)
def test_what_blocks_leave_over_trains_like_jax(leftovers, name, element, level):
    """The recipe's batch, and others: none left over, one, as many as are taken one by one and one more; where there are
    panels, more than one of them."""
    net, program = leftovers(name, element, f"-O{level}")
    lanes, most = lanes_of(element), rest_of(program).most_samples
    tolerance = 1e-4 if element == "f32" else 1e-12
    model = program.create(threads=2)
    oracle = nets.Oracle(net.forward, "cross_entropy", parameters(model), momentum=0.5)
    for batch in (2 * lanes + 2, lanes + 1, 2 * lanes, 3 * lanes + most, lanes + most + 1, 7 * lanes + 2, lanes - 1, 6 * lanes + 1):
        for x, y in batches(program, "cross_entropy", 2, batch):
            close(model.train_step(x, y), oracle.train_step(x, y), 1e-4, f"loss of {batch}")
        for name, value in parameters(model).items():
            close(value, oracle.params[name], tolerance, f"{name}, batch {batch}")


@pytest.mark.parametrize("name", RESTS)
def test_threads_do_not_change_bits_of_what_is_left_over(leftovers, name):
    _, program = leftovers(name)

    def outcome(threads, batch):
        model = program.create(threads=threads)
        losses = [model.train_step(x, y) for x, y in batches(program, "cross_entropy", 12, batch)]
        return losses, {name: value.tobytes() for name, value in parameters(model).items()}

    for batch in (17, 34, 37, 98):
        alone = outcome(1, batch)
        for threads in (2, 3, 5, 8):
            assert outcome(threads, batch) == alone, f"batch {batch}, {threads} threads"


@pytest.mark.parametrize("batch, cpu, rests", [(35, "x86-64-v4", True), (48, "x86-64-v4", False), (46, "x86-64-v4", False),
                                               (9, "x86-64-v4", False), (34, "x86-64-v3", True)])
def test_the_recipe_decides_whether_samples_are_taken_one_by_one(batch, cpu, rests):
    """Whole blocks leave nothing over; of many a block is made."""
    if cpu not in LEVELS:
        pytest.skip(f"this machine is no {cpu}")
    text = middle().text("cross_entropy", "#ai.sgd<lr = 0.1>", batch=batch)
    assert bool(rest_of(capi.compile(text, f"--cpu={cpu}"))) == rests


def test_a_sample_that_is_left_over_has_a_nan(leftovers):
    _, program = leftovers("middle", "f32", "--check-nan")
    model = program.create(threads=2)
    (x, y), = batches(program, "cross_entropy", 1, 34)
    model.train_step(x, y)
    x[33, 1, 2, 3] = np.nan
    with pytest.raises(capi.Error, match="training step 2 has a NaN, first in 'input'"):
        model.train_step(x, y)
