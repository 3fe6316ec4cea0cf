#!/usr/bin/env python3
"""Packs the GPU's tests for a machine that has a GPU but neither LLVM nor these sources: run.sh, programs compiled for
several architectures, and what the CPU's programs compute.

    test/gpu/pack.py build/gpu-tests.tar.gz       then, over there: tar xf gpu-tests.tar.gz && gpu-tests/run.sh
"""

import argparse
import os
import pathlib
import shutil
import sys
import tarfile
import tempfile

import jax

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path[:0] = [str(SOURCE / folder) for folder in ("test", "test/Integration/CPU", "test/bench")]
jax.config.update("jax_enable_x64", True)
os.environ.setdefault("AI_COMPILE", str(SOURCE / "build/bin/ai-compile"))

import capi  # noqa: E402
import cases  # noqa: E402
import networks  # noqa: E402
import nets  # noqa: E402
import numpy as np  # noqa: E402
import products  # noqa: E402
from programs import DATA, EXAMPLES, NAMES, idx, read_idx, run  # noqa: E402

ARCHS = ["sm_75", "sm_80", "sm_90", "sm_100"]
LIMIT = 64 << 20
SAMPLES = {"train": 640, "test": 100}
BATCHES = {"lenet": [64, 5, 100], "lenet-persistent": [64, 5, 100], "mnist-net": [64, 3], "mnist-net-persistent": [64],
           "keras-lenet": [8], "lenet-cudnn": [8]}
# Networks that nobody tuned for, and an odd batch.
NETS = {"odd": (nets.odd, "cross_entropy"), "mlp": (nets.mlp, "mse_loss"), "branches": (nets.branches, "cross_entropy"),
        "pooled": (nets.pooled, "nll_loss")}


def write_data(folder, samples):
    """The first samples of each split."""
    folder.mkdir()
    for split, names in NAMES.items():
        for name in names:
            (folder / name).write_bytes(idx(read_idx(DATA / f"{name}.gz")[:samples[split]]))


def write_model(folder, program, reference, batches, data=None, settings=()):
    """A program, and what `reference`, the CPU's, makes of the same samples; of `data`, too, if there is any."""
    folder.mkdir(parents=True)
    shutil.copy(program, folder / "program")
    (folder / "batches").write_text("".join(f"{batch}\n" for batch in batches))
    (folder / "settings").write_text(" ".join(f"--set {setting}" for setting in settings))
    for batch in batches:
        line = run(reference, "bench", "--seconds", "0.001", "--batch", batch)
        losses = line.partition('"first_losses": ')[2].partition("]")[0]
        (folder / f"losses.{batch}").write_text(f"{losses}]\n")
    if data:
        trained = folder / "trained.safetensors"
        run(reference, "train", "--data", data, "--epochs", 1, "--batch", 32, "--save", trained)
        (folder / "evaluated").write_text(run(reference, "eval", "--data", data, "--load", trained).replace(",", "\n"))


def write_ops(folder, table, options, tolerance="1e-5"):
    """The functions of some ops and their gradients: a program, calls, and the results of the CPU's program."""
    table = [case for case in table if "f32" in case.elements]
    folder.mkdir(parents=True)
    source, reference = folder / "ops.mlir", folder / "reference"
    source.write_text("\n".join(case.functions("f32") for case in table))
    run(capi.compiler(), source, "--target=cuda", *options, "-o", folder / "program")
    run(capi.compiler(), source, "-O1", "-o", reference)
    calls = [(case.name, case.inputs("f32")) for case in table]
    calls += [(f"{case.name}_sum_gradient", [*case.inputs("f32"), case.cotangent("f32")]) for case in table if case.wrt]
    with open(folder / "calls", "w") as lines, open(folder / "results", "w") as results:
        for name, inputs in calls:
            words = [",".join(repr(x) for x in np.atleast_1d(array.astype(int) if array.dtype == bool else array)
                              .ravel().tolist()) for array in inputs]
            print(name, *words, file=lines)
            results.write(run(reference, name, "--json", *words))
    (folder / "tolerance").write_text(f"{tolerance}\n")
    source.unlink()
    reference.unlink()


def write_bundle(folder, models, families, options, samples=SAMPLES, batches=BATCHES):
    """`models`: name -> (program, the CPU's program), None compiles them; `families`: name -> ops. "EXAMPLE-persistent" is
    an example whose steps one kernel runs."""
    folder.mkdir(parents=True)
    for source in (HERE / "run.sh", HERE / "README.md", HERE / "torch_steps.py", SOURCE / "test/bench/frameworks.py",
                   SOURCE / "test/bench/networks.py"):
        shutil.copy(source, folder)
    write_data(folder / "data", samples)
    with tempfile.TemporaryDirectory() as scratch:
        for name, pair in models.items():
            example, persistent, _ = name.partition("-persistent")
            schedule = ["--gpu-schedule=persistent"] if persistent else []
            pair = pair or compile_pair(EXAMPLES / example / f"{example}.mlir", pathlib.Path(scratch), [*options, *schedule])
            settings = networks.NETWORKS[example].settings
            write_model(folder / "models" / name, *pair, batches[name], folder / "data", settings)
    for name, table in families.items():
        write_ops(folder / "ops" / name, table, options)


def write_products(folder, options):
    """What tensor cores compute of factors that need no rounding: what the CPU does, but for the order of terms."""
    for precision in products.TOLERANCE:
        write_ops(folder / "ops" / f"products-{precision}", products.make(precision), [*options, f"--gpu-precision={precision}"],
                  "1e-4")


def write_nets(folder, options):
    with tempfile.TemporaryDirectory() as scratch:
        for name, (build, loss) in NETS.items():
            source = pathlib.Path(scratch, f"{name}.mlir")
            source.write_text(build().text(loss, "#ai.sgd<lr = 0.1>", batch=37))
            write_model(folder / "models" / name, *compile_pair(source, pathlib.Path(scratch), options), [37, 75])


def write_libraries(folder, batches, options):
    """The same models with NVIDIA's libraries: NAME.cudnn beside NAME."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, own in batches.items():
            source = EXAMPLES / name / f"{name}.mlir"
            pair = compile_pair(source, pathlib.Path(scratch), [*options, "--gpu-library=cudnn"])
            settings = networks.NETWORKS[name].settings
            write_model(folder / "models" / f"{name}.cudnn", *pair, own, folder / "data", settings)


def compile_pair(source, scratch, options):
    pair = scratch / f"{source.stem}-gpu", scratch / f"{source.stem}-cpu"
    run(capi.compiler(), source, "--target=cuda", *options, "-o", pair[0])
    run(capi.compiler(), source, "-o", pair[1])
    return pair


def archive(folder, output):
    """Packs a folder; returns the bytes of the archive."""
    output.unlink(missing_ok=True)
    with tarfile.open(output, "w:gz") as tar:
        tar.add(folder, "gpu-tests")
    size = output.stat().st_size
    if size > LIMIT:
        output.unlink()
        sys.exit(f"pack: expects at most {LIMIT} bytes, got {size}; leave architectures out with --arch")
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--arch", nargs="+", default=ARCHS)
    options = parser.parse_args()
    archs = [f"--arch={arch}" for arch in options.arch]
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, "gpu-tests")
        write_bundle(folder, dict.fromkeys(BATCHES), cases.FAMILIES, archs)
        write_nets(folder, archs)
        write_libraries(folder, {name: BATCHES[name] for name in ("lenet", "mnist-net")}, archs)
        if fit := [f"--arch={arch}" for arch in options.arch if arch != "sm_75"]:  # which has no such tensor cores
            write_products(folder, fit)
        print(f"{options.output}: {archive(folder, options.output)} bytes")


if __name__ == "__main__":
    main()
