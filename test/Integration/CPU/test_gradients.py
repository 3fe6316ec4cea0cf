"""Programs compiled with --gradients: what they hand out are those of JAX, and but for rounding nothing else changes."""

import numpy as np
import pytest

import capi
import formats
import nets
import programs
import test_panels
from programs import parameters, run
from tolerance import close

GRADIENT = 10  # of ai_rt_role_t
NETS = {"branches": nets.branches, "panels": lambda: test_panels.convolutional("f32")}
SETTINGS = dict(lr=0.01, weight_decay=0.1)


def gradients(model):
    return {name.removesuffix(".gradient"): model[name]
            for name, info in model.program.tensors.items() if info.role == GRADIENT}


def batches(program):
    """Less than a block; several; more than a panel."""
    rng, info = np.random.default_rng(6), program.io[3]
    for count in (3, 50, test_panels.panel(program) + 20):
        yield rng.standard_normal((count, *info.shape[1:info.rank]), np.float32), rng.integers(0, 5, count).astype(np.int32)


@pytest.fixture(scope="module")
def compiled():
    texts = {name: build().text("cross_entropy", nets.optimizer_text("adam", **SETTINGS), batch=16) for name, build in NETS.items()}
    return {name: (capi.compile(text), capi.compile(text, "--gradients")) for name, text in texts.items()}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", NETS)
def test_they_are_those_of_jax_and_the_step_is_the_same(compiled, name, threads):
    plain, model = (program.create(threads=threads) for program in compiled[name])
    assert gradients(plain) == {}
    for x, y in batches(model.program):
        oracle = nets.value_and_gradient(NETS[name]().forward, "cross_entropy")
        _, expected = oracle({key: np.float64(value) for key, value in parameters(model).items()}, np.float64(x), y)
        close(plain.train_step(x, y), model.train_step(x, y), 1e-6, "loss")
        found = gradients(model)
        assert set(found) == set(expected)
        for parameter, value in found.items():
            close(value, np.asarray(expected[parameter]), 1e-4, f"{parameter} of {len(x)} samples")
    for tensor in plain.program.tensors:
        close(model[tensor], plain[tensor], 1e-5, tensor)


@pytest.mark.parametrize("name", NETS)
def test_threads_change_no_bits(compiled, name):
    models = [compiled[name][1].create(threads=threads) for threads in (1, 2, 3)]
    for x, y in batches(models[0].program):
        assert len({model.train_step(x, y) for model in models}) == 1
        for key, value in gradients(models[0]).items():
            for model in models[1:]:
                np.testing.assert_array_equal(gradients(model)[key], value, err_msg=key)


def test_checkpoints_hold_none(compiled, tmp_path):
    """So a program without them reads the file, and the other way round."""
    models = [program.create(threads=2) for program in compiled["branches"]]
    for number, (model, other) in enumerate((models, models[::-1])):
        for x, y in batches(model.program):
            model.train_step(x, y)
        model.save(tmp_path / str(number))
        other.load(tmp_path / str(number))
        for tensor, info in model.program.tensors.items():
            if info.role < 2:
                np.testing.assert_array_equal(other[tensor], model[tensor], err_msg=tensor)
    assert (tmp_path / "0").stat().st_size == (tmp_path / "1").stat().st_size


def test_their_histograms_are_logged(small_data, tmp_path):
    """Plain SGD tells what the gradient of an epoch's last step was, if the epoch has one step only."""
    program = programs.compile_example("keras-lenet", tmp_path, "--gradients")
    train = [program, "train", "--data", small_data, "--batch", 1000, "--set", "momentum=0"]
    run(*train, "--epochs", 1, "--save", tmp_path / "1")
    run(*train, "--load", tmp_path / "1", "--epochs", 2, "--log", tmp_path / "log", "--save", tmp_path / "2")
    before, after = (formats.read_safetensors(tmp_path / part) for part in "12")
    for name, value in after.items():
        if name.endswith((".weight", ".bias")):
            (epoch, shown), = formats.curve(tmp_path / "log/train", f"gradients/{name}").items()
            gradient = (before[name].astype(float) - value) / 0.02
            assert (epoch, shown["count"], sum(shown["buckets"])) == (2, value.size, value.size)
            found = [shown[key] for key in ("min", "max", "sum", "squares")]
            exact = [gradient.min(), gradient.max(), gradient.sum(), (gradient ** 2).sum()]
            np.testing.assert_allclose(found, exact, rtol=1e-2, atol=1e-4 * np.abs(gradient).sum(), err_msg=name)


def test_none_are_logged_otherwise(example, small_data, tmp_path):
    run(example("keras-lenet"), "train", "--data", small_data, "--epochs", 1, "--log", tmp_path)
    tags = {tag for _, values, _ in formats.read_events(tmp_path / "train") for tag in values}
    assert "parameters/conv1.weight" in tags and not any(tag.startswith("gradients/") for tag in tags)


def test_a_program_for_a_gpu_keeps_them(small_data, tmp_path):
    text = nets.pooled().text("nll_loss", nets.optimizer_text("sgd", lr=0.1), batch=32)
    random = np.random.default_rng(8)
    x, y = random.standard_normal((32, 1, 17, 16), np.float32), random.integers(0, 10, 32).astype(np.int32)
    model = capi.compile(text, "--gradients").create(threads=2)
    model.train_step(x, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AI_GPU", "emulate")
        other = capi.compile(text, "--gradients", "--target=cuda").create()
        other.train_step(x, y)
        found = gradients(other)
    assert set(found) == set(gradients(model)) and len(found) == 4
    for name, value in gradients(model).items():
        close(found[name], value, 1e-4, name)
