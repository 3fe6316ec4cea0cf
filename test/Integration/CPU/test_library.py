"""What an application developer holds: the library, its header, an installed compiler."""

import pathlib
import subprocess

import numpy as np
import pytest

import capi
import programs

from programs import BUILD, run

CLANG = "clang-22"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return programs.compile_example("lenet", tmp_path_factory.mktemp("library"), "--emit=lib")


def build_c(source, library, *options):
    """Compiles a C program that links the library beside it."""
    program = library.parent / source.stem
    run(CLANG, "-Wall", "-Wextra", "-Werror", *options, source, f"-I{library.parent}", library,
        f"-Wl,-rpath,{library.parent}", "-o", program)
    return program


def test_the_c_example_trains(library):
    program = build_c(programs.EXAMPLES / "lenet" / "embed.c", library)
    losses = [float(line.split()[-1]) for line in run(program).splitlines()]
    assert len(losses) > 1 and losses[-1] < losses[0]


def test_the_header_is_c_and_cxx(library):
    for language in ("c", "c++"):
        run(CLANG, "-x", language, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", library.with_suffix(".h"))


ALLOCATIONS = pathlib.Path(__file__).parent / "Inputs" / "allocations.c"


@pytest.mark.parametrize("batch", [64, 224], ids=["one-panel", "three-panels-and-a-half"])
@pytest.mark.parametrize("threads", [1, 3])
def test_no_step_allocates(library, threads, batch):
    program = build_c(ALLOCATIONS, library, "-Wno-unused-parameter")
    words = run(program, threads, batch).split()
    assert words[0] == "0", "the heap was used within a step"


def test_memory_in_use_is_what_info_says(library):
    program = build_c(ALLOCATIONS, library, "-Wno-unused-parameter")
    _, grown, promised = map(int, run(program, 2).split())
    # The kernel counts whole pages, and touches stacks of the pool's threads.
    assert abs(grown - promised) < 0.05 * promised + (1 << 20)


def test_several_models_live_in_one_process(library):
    first = capi.Program(library).create(seed=1)
    second = capi.compile(programs.EXAMPLES / "keras-lenet" / "keras-lenet.mlir").create(seed=1)
    third = first.program.create(seed=2)
    x, y = np.zeros((16, 28, 28), np.uint8), np.zeros(16, np.int32)
    before = third["fc1.weight"]
    first.train_step(x, y)
    second.train_step(x, y)
    assert (third["fc1.weight"] == before).all() and (first["fc1.weight"] != before).any()


def test_trains_from_the_installed_prefix(tmp_path, small_data):
    prefix = tmp_path / "prefix"
    run("cmake", "--install", BUILD, "--prefix", prefix)
    script = (f"mount -t tmpfs none {BUILD} && {prefix}/bin/ai-compile {programs.EXAMPLES}/lenet/lenet.mlir "
              f"-o {tmp_path}/lenet && {tmp_path}/lenet train --data {small_data} --epochs 1")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("hiding the build folder needs the right to mount")
    assert "Accuracy" in run("unshare", "-m", "sh", "-c", script)
    assert (prefix / "include" / "ai" / "Runtime" / "ai_rt.h").exists()
