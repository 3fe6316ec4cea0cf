"""Products on tensor cores: factors are rounded to tf32 or bf16, and nothing else is; sums are f32."""

import json
import os
import subprocess

import numpy as np
import pytest

import capi
import nets
import products
from products import TOLERANCE
from programs import DATA, EXAMPLES, compile_example, parameters, run
from tolerance import close

@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The products' file, their program for the CPU and, by precision, for the emulator."""
    path = tmp_path_factory.mktemp("products") / "products.mlir"
    path.write_text("\n".join(case.functions("f32") for case in products.make()))
    programs = {precision: capi.compile(path, "--target=cuda", f"--gpu-precision={precision}", "-O1") for precision in TOLERANCE}
    return path, capi.compile(path, "-O1"), programs


@pytest.mark.parametrize("precision", TOLERANCE)
def test_all_of_them_are_on_tensor_cores(compiled, precision):
    """Each case's result, alone and times a cotangent, and two gradients."""
    command = [capi.compiler(), compiled[0], "--target=cuda", f"--gpu-precision={precision}", "--emit=loops", "--remarks", "-o", os.devnull]
    remarks = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert remarks.count("remark: tensor cores for a product of") == 4 * len(products.TABLE) and "no tensor cores" not in remarks


@pytest.mark.parametrize("number, name", [*enumerate(products.TABLE)])
@pytest.mark.parametrize("precision", TOLERANCE)
def test_only_factors_are_rounded(compiled, precision, number, name, monkeypatch):
    """The CPU, which rounds nothing, computes the same of rounded factors."""
    monkeypatch.setenv("AI_GPU_CHECK", "race")
    _, cpu, programs = compiled
    gpu = programs[precision]
    given, rounded = products.make()[number], products.make(precision)[number]
    found, exact = getattr(gpu, name)(*given.inputs("f32")), getattr(cpu, name)(*given.inputs("f32"))
    close(found, getattr(cpu, name)(*rounded.inputs("f32")), 1e-5, name)
    close(found, exact, TOLERANCE[precision], f"{name}, of factors as they are")
    assert np.abs(found - exact).max() > 1e-5
    gradient = f"{name}_sum_gradient"
    pairs = zip(getattr(gpu, gradient)(*given.inputs("f32"), given.cotangent("f32")),
                getattr(cpu, gradient)(*rounded.inputs("f32"), rounded.cotangent("f32")), strict=True)
    for i, (a, e) in enumerate(pairs):
        close(a, e, 1e-5, f"{name}, gradient {i}")


def test_exact_is_the_default(compiled):
    path = compiled[0]
    loops = [run(capi.compiler(), path, "--target=cuda", "--emit=loops", "-o", "-", *options)
             for options in ([], ["--gpu-precision=f32"])]
    assert loops[0] == loops[1] and "nvvm.mma" not in loops[0]


@pytest.mark.parametrize("name", ["odd", "mlp"])
@pytest.mark.parametrize("precision", TOLERANCE)
def test_nets_train_alike(name, precision, monkeypatch):
    """Steps of one round of blocks and of several, in any order of threads the same bits, near what f32 gives."""
    loss = "mse_loss" if name == "mlp" else "cross_entropy"
    text = getattr(nets, name)().text(loss, "#ai.sgd<lr = 0.1>", batch=11)
    exact, rounded = (capi.compile(text, "--target=cuda", "-O1", *options) for options in ([], [f"--gpu-precision={precision}"]))
    trained = []
    for program, order in ((exact, "forward"), (rounded, "forward"), (rounded, "random:3")):
        monkeypatch.setenv("AI_GPU_ORDER", order)
        model = program.create()
        rng = np.random.default_rng(5)
        x_shape, y_shape = (info.shape[1:info.rank] for info in (program.io[3], program.io[4]))
        losses = []
        for count in (11, 23, 11):
            x = rng.standard_normal((count, *x_shape)).astype(np.float32)
            y = rng.standard_normal((count, *y_shape)).astype(np.float32) if loss == "mse_loss" else \
                rng.integers(0, 10, count).astype(np.int32)
            losses.append(model.train_step(x, y))
        trained.append({"losses": np.array(losses), **parameters(model)})
    for key, value in trained[0].items():
        close(trained[1][key], value, TOLERANCE[precision], key)
        np.testing.assert_array_equal(trained[1][key], trained[2][key], key)
    assert any((trained[1][key] != value).any() for key, value in trained[0].items())


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """An example's program by its name and precision."""
    def get(name, precision):
        folder = tmp_path_factory.getbasetemp() / f"precision-{precision}"
        folder.mkdir(exist_ok=True)
        if not (folder / name).exists():
            compile_example(name, folder, "--target=cuda", "-O1", f"--gpu-precision={precision}")
        return folder / name
    return get


def losses(program, **env):
    line = run(program, "bench", "--seconds", "0.001", "--data", DATA, "--batch", 5, env={**os.environ, **env})
    return json.loads(line)["first_losses"]


@pytest.mark.parametrize("name", ["lenet", "keras-lenet"])
def test_examples_have_losses_near_those_of_f32(examples, name):
    exact = losses(examples(name, "f32"))
    for precision, tolerance in TOLERANCE.items():
        program = examples(name, precision)
        found = losses(program, AI_GPU_CHECK="race")
        close(found, exact, tolerance, f"{name} in {precision}")
        assert found != exact
        assert losses(program, AI_GPU_ORDER="random:7") == found
