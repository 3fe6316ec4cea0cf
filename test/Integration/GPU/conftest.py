"""Kernels run in the emulator; what the tests of the CPU share is shared here, too."""

import os
import pathlib
import sys

import jax
import pytest

jax.config.update("jax_enable_x64", True)
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "CPU"),
                str(pathlib.Path(__file__).resolve().parents[2] / "gpu")]

import programs  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def emulator():
    """Programs run in the emulator, and are compiled without NVIDIA's assembler, which takes its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AI_GPU", "emulate")
        patch.setenv("PATH", os.pathsep.join(
            folder for folder in os.environ["PATH"].split(os.pathsep) if not pathlib.Path(folder, "ptxas").exists()))
        yield


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """An example's programs for the CPU and for the GPU, by its name."""
    folders = {target: tmp_path_factory.mktemp(target) for target in ("cpu", "cuda")}

    def get(name):
        for target, folder in folders.items():
            if not (folder / name).exists():
                programs.compile_example(name, folder, f"--target={target}", "-O1")
        return folders["cpu"] / name, folders["cuda"] / name
    return get
