"""Products on tensor cores: factors are rounded to tf32 or bf16, and nothing else is; sums are f32."""

import json
import os
import subprocess

import numpy as np
import pytest

import capi
import nets
from programs import DATA, EXAMPLES, compile_example, parameters, run
from tolerance import close

# Half a unit in the last place of 11 and of 8 significant bits is what a factor is off by at most, 4.9e-4 and 3.9e-3 of it; a
# product has two. Errors of many terms cancel for the most part; a loss is a mean over them.
TOLERANCE = {"tf32": 2e-3, "bf16": 2e-2}


def round_to(precision, x):
    """As the instructions of PTX do: to nearest, from the middle away from zero (tf32) or to even (bf16)."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    if precision == "tf32":
        return ((bits + 0x1000) & ~np.uint32(0x1fff)).view(np.float32)
    return ((bits + 0x7fff + (bits >> 16 & 1)) & np.uint32(0xffff0000)).view(np.float32)


# Two factors, what else there is, the result. Sizes fill tiles of 16 x 8 and sums of 8 and 16 terms, and fail to.
CASES = {
    "whole_tiles": ("ai.matmul", (64, 48), (48, 32), (), (64, 32), ""),
    "odd_tiles": ("ai.matmul", (45, 37), (37, 29), (), (45, 29), ""),
    "few_columns": ("ai.matmul", (90, 70), (70, 5), (), (90, 5), ""),
    "few_rows": ("ai.matmul", (5, 70), (70, 90), (), (5, 90), ""),
    "linear": ("ai.linear", (21, 50), (35, 50), ((35,),), (21, 35), ""),
    "channels": ("ai.conv2d", (2, 16, 9, 9), (24, 16, 3, 3), ((24,),), (2, 24, 7, 7), ""),
    "few_channels": ("ai.conv2d", (3, 3, 14, 14), (8, 3, 5, 5), ((8,),), (3, 8, 10, 10), ""),
    "strides": ("ai.conv2d", (2, 5, 13, 11), (12, 5, 3, 3), (), (2, 12, 7, 6), "{stride = [2, 2], padding = [1, 1]}"),
    "dilations": ("ai.conv2d", (2, 6, 12, 12), (9, 6, 3, 2), (), (2, 9, 8, 10), "{dilation = [2, 2]}"),
}


def tensor(shape):
    return f"tensor<{''.join(f'{extent}x' for extent in shape)}f32>"


def text_of(name):
    """The op, and the gradients of its result times a cotangent."""
    op, lhs, rhs, others, out, attrs = CASES[name]
    shapes = [lhs, rhs, *others]
    types = [tensor(shape) for shape in shapes]
    arguments = ", ".join(f"%a{i}: {type}" for i, type in enumerate(types))
    names = ", ".join(f"%a{i}" for i in range(len(shapes)))
    line = f"  %y = {op} {names} {attrs} : ({', '.join(types)}) -> {tensor(out)}\n"
    return (f"func.func @{name}({arguments}) -> {tensor(out)} {{\n{line}  return %y : {tensor(out)}\n}}\n"
            f"func.func @{name}_sum({arguments}, %c: {tensor(out)}) -> tensor<f32> {{\n{line}"
            f"  %p = ai.mul %y, %c : ({tensor(out)}, {tensor(out)}) -> {tensor(out)}\n"
            f"  %s = ai.reduce_sum %p {{dims = {list(range(len(out)))}}} : ({tensor(out)}) -> tensor<f32>\n"
            f"  return %s : tensor<f32>\n}}\nai.gradient @{name}_sum wrt [0, 1]\n")


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    """The cases on the CPU and, by precision, in the emulator."""
    path = tmp_path_factory.mktemp("products") / "products.mlir"
    path.write_text("\n".join(text_of(name) for name in CASES))
    programs = {precision: capi.compile(path, "--target=cuda", f"--gpu-precision={precision}", "-O1") for precision in TOLERANCE}
    return path, capi.compile(path, "-O1"), programs


@pytest.mark.parametrize("precision", TOLERANCE)
def test_all_of_them_are_on_tensor_cores(products, precision):
    """Each case's result, alone and times a cotangent, and two gradients."""
    command = [capi.compiler(), products[0], "--target=cuda", f"--gpu-precision={precision}", "--emit=loops", "--remarks", "-o", os.devnull]
    remarks = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert remarks.count("remark: tensor cores for a product of") == 4 * len(CASES) and "no tensor cores" not in remarks


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("precision", TOLERANCE)
def test_only_factors_are_rounded(products, precision, name, monkeypatch):
    """The CPU, which rounds nothing, computes the same of rounded factors."""
    monkeypatch.setenv("AI_GPU_CHECK", "race")
    _, cpu, programs = products
    gpu = programs[precision]
    _, lhs, rhs, others, out, _ = CASES[name]
    rng = np.random.default_rng(11)
    *factors, ct = (rng.uniform(-1, 1, shape).astype(np.float32) for shape in (lhs, rhs, out))
    rest = [rng.uniform(-1, 1, shape).astype(np.float32) for shape in others]
    *rounded, rounded_ct = (round_to(precision, x) for x in (*factors, ct))
    exact = getattr(cpu, name)(*factors, *rest)
    found = getattr(gpu, name)(*factors, *rest)
    close(found, getattr(cpu, name)(*rounded, *rest), 1e-5, name)
    close(found, exact, TOLERANCE[precision], f"{name}, of factors as they are")
    assert np.abs(found - exact).max() > 1e-5
    for i, (a, e) in enumerate(zip(getattr(gpu, f"{name}_sum_gradient")(*factors, *rest, ct),
                                   getattr(cpu, f"{name}_sum_gradient")(*rounded, *rest, rounded_ct), strict=True)):
        close(a, e, 1e-5, f"{name}, gradient {i}")


def test_exact_is_the_default(products):
    path = products[0]
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
