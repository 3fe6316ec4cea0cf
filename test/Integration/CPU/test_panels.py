"""Gradients of large weights, summed over panels of samples: steps against JAX, bits, checkpoints."""

import numpy as np
import pytest

import capi
import nets
from programs import parameters, train_and_resume
from tolerance import close

ROWS = 9  # of ai_rt_role_t
OPTIMIZERS = {"sgd": dict(lr=0.1, momentum=0.9), "adam": dict(lr=0.01)}


def mlp(element):
    """The gradients of two of three weights are summed over panels; the first reads the input itself."""
    net = nets.Net(64, element=element)
    x = net.op("tanh", net.linear("fc1", 0, 96, 64), reference=nets.jnp.tanh)
    x = net.op("tanh", net.linear("fc2", x, 80, 96), reference=nets.jnp.tanh)
    net.linear("fc3", x, 5, 80, net.type("?", 5))
    return net


def odd(element):
    """Columns that fill no whole vectors, in bands of rows that leave some over."""
    net = nets.Net(101, element=element)
    x = net.op("sigmoid", net.linear("fc1", 0, 93, 101), reference=nets.jax.nn.sigmoid)
    x = net.op("sigmoid", net.linear("fc2", x, 69, 93), reference=nets.jax.nn.sigmoid)
    net.linear("fc3", x, 5, 69, net.type("?", 5))
    return net


def convolutional(element):
    """A convolution, whose weight's gradient is left in slots, before a large layer and a small one."""
    net = nets.Net(2, 10, 11, element=element)
    x = net.relu(net.conv2d("conv", 0, 6, 2, 3, 4))
    x = net.relu(net.linear("fc1", net.flatten(x), 77, 6 * 8 * 8))
    net.linear("fc2", x, 5, 77, net.type("?", 5))
    return net


NETS = {"mlp": (mlp, {"fc1.weight", "fc2.weight"}), "odd": (odd, {"fc1.weight", "fc2.weight"}),
        "convolutional": (convolutional, {"fc1.weight"})}
FORWARD = {name: build("f32").forward for name, (build, _) in NETS.items()}  # in JAX, which is given f64


@pytest.fixture(scope="module")
def compiled():
    """The nets, each compiled when first asked for."""
    programs = {}

    def get(name, optimizer, element="f32"):
        key = name, optimizer, element
        if key not in programs:
            optimizer = nets.optimizer_text(optimizer, **OPTIMIZERS[optimizer])
            programs[key] = capi.compile(NETS[name][0](element).text("cross_entropy", optimizer, batch=48))
        return programs[key]
    return get


def train_table(program):
    info = program.table.contents
    return next(step for step in info.steps[:info.num_steps] if step.name == b"train")


def panel(program):
    """The samples of a panel."""
    return train_table(program).block_size * train_table(program).num_slots


def sizes(program):
    """Batches: less than a panel, one, a sample more, three and a half; after those, most blocks missing."""
    samples = panel(program)
    return samples // 2 + 1, samples, samples + 1, 3 * samples + samples // 2, 3


def batches(program, counts):
    rng, info = np.random.default_rng(5), program.io[3]
    for count in counts:
        x = rng.standard_normal((count, *info.shape[1:info.rank]))
        yield x.astype(capi.DTYPES[info.dtype]), rng.integers(0, 5, count).astype(np.int32)


def saved(model):
    """The bytes of all parameters and states."""
    return {name: model[name].tobytes() for name, info in model.program.tensors.items() if info.role < 2}


@pytest.mark.parametrize("name", NETS)
def test_large_weights_take_panels(compiled, name):
    program = compiled(name, "sgd")
    step = train_table(program)
    assert step.fold and step.finish and 1 < step.num_slots
    rows = [tensor for tensor in step.tensors[:step.num_tensors] if tensor.role == ROWS]
    assert all(tensor.shape[0] == step.block_size for tensor in rows)
    assert len(rows) == 2 * len(NETS[name][1])
    assert step.slot_bytes < sum(program.tensors[weight].bytes for weight in NETS[name][1])


@pytest.mark.parametrize("element", ["f32", "f64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NETS)
def test_steps_of_any_batch_are_those_of_jax(compiled, name, optimizer, element):
    program = compiled(name, optimizer, element)
    model = program.create(threads=2)
    oracle = nets.Oracle(FORWARD[name], "cross_entropy", parameters(model), optimizer, **OPTIMIZERS[optimizer])
    tolerance = 1e-4 if element == "f32" else 1e-9
    for x, y in batches(program, sizes(program)):
        close(model.train_step(x, y), oracle.train_step(x, y), 1e-4, f"loss of {len(x)} samples")
        for parameter, value in parameters(model).items():
            close(value, oracle.params[parameter], tolerance, f"{parameter} after {len(x)} samples")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NETS)
def test_threads_do_not_change_bits(compiled, name, optimizer):
    program = compiled(name, optimizer)
    outcomes = []
    for threads in (1, 2, 3):
        model = program.create(threads=threads)
        losses = [model.train_step(x, y) for x, y in batches(program, sizes(program))]
        outcomes.append((losses, saved(model)))
    assert outcomes[0] == outcomes[1] == outcomes[2]


@pytest.mark.parametrize("name", NETS)
def test_a_resumed_training_has_the_same_bits(compiled, name, tmp_path):
    """Neither a panel nor what panels added up to outlives a step."""
    program = compiled(name, "adam")
    data = list(batches(program, sizes(program)))
    whole, first, second = program.create(threads=2), program.create(threads=2), program.create(seed=99, threads=3)
    train_and_resume(whole, first, second, data, 3, tmp_path / "half.safetensors")
    assert saved(whole) == saved(second)


def test_evaluation_and_prediction_fold_nothing(compiled):
    program = compiled("convolutional", "sgd")
    info, model = program.table.contents, program.create(threads=2)
    assert all(not step.fold and not step.finish for step in info.steps[:info.num_steps] if step.name != b"train")
    (x, y), = batches(program, [5 * panel(program) + 7])
    out = np.asarray(FORWARD["convolutional"](parameters(model), x), np.float64)
    close(model.evaluate(x, y).loss, np.sum(nets.LOSSES["cross_entropy"](out, y)), 1e-4, "loss")
